//! `wfrun runs`, `wfrun view` and `wfrun logs`: the runs of a repository, from their journals; in the shape of `gh run`.
use std::io::{BufWriter, Write as _};
use std::path::Path;

use jiff::Timestamp;
use wfrun_journal::{JobRun, Outcome, RunRecord};
use wfrun_plan::JobKey;
use wfrun_report::{PastRun, RUN_FIELDS, Writer, past_lines, past_step, runs_json, runs_text, view_json, view_text};

use crate::cli::{LogsArgs, RunsArgs, ViewArgs};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::find;
use crate::output::{Help, Output};
use crate::runs;

/// Lists runs, the youngest first.
pub(crate) fn runs(args: &RunsArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let from = find::directory(args.place.directory.as_deref())?;
    let fields = fields(args.place.json.as_deref(), &[])?;
    let mut found = Vec::new();
    for journal in runs::all(&from) {
        if found.len() >= args.limit {
            break;
        }
        match runs::ends(&journal) {
            Ok(record) => found.extend(Some(past(&journal, record, environment)).filter(|it| is_wanted(args, it))),
            // The others are of use all the same.
            Err(err) => output.error(&err),
        }
    }
    if let Some(fields) = fields {
        Output::data(&format!("{:#}\n", runs_json(&found, &fields)));
    } else if found.is_empty() {
        Output::note(&runs::why_none(&from).unwrap_or_else(|| "there is no such run".to_owned()));
    } else {
        Output::data(&runs_text(&found, Timestamp::now(), &output.stdout));
    }
    Ok(Exit::Success)
}

fn is_wanted(args: &RunsArgs, run: &PastRun) -> bool {
    let started = run.record.started.as_ref();
    let is = |wanted: &Option<String>, test: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(test);
    is(&args.workflow, &|wanted| {
        let path = started.map_or("", |it| it.path.as_str());
        started.is_some_and(|it| it.workflow.as_str() == wanted) || Path::new(path).ends_with(wanted)
    }) && is(&args.branch, &|it| run.branch() == it || started.is_some_and(|run| run.git_ref == it))
        && is(&args.event, &|it| started.is_some_and(|run| run.event == it))
        && is(&args.status, &|it| run.status() == it || run.conclusion() == it)
        && is(&args.commit, &|it| started.is_some_and(|run| run.sha.starts_with(it)))
}

/// A run with what the machine knows of it besides.
fn past(journal: &Path, record: RunRecord, environment: &Environment) -> PastRun {
    let folder = journal.parent().unwrap_or(journal);
    let id = record.started.as_ref().map(|it| it.run_id.clone());
    let id = id.unwrap_or_else(|| folder.file_name().unwrap_or_default().to_string_lossy().into_owned());
    let work = environment.cache.join("work").join(&id);
    let is_running = record.conclusion.is_none() && super::clean::is_alive(&work);
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string();
    PastRun { started_at: began(&id), id, folder, is_running, record }
}

/// Ids are the time in microseconds; an early one is a number that somebody made up.
fn began(id: &str) -> Option<Timestamp> {
    let at = Timestamp::from_microsecond(id.parse().ok()?).ok()?;
    (at.as_second() > 1_000_000_000).then_some(at)
}

/// The fields that are asked for, each of which there is; none means all.
fn fields(asked: Option<&[String]>, more: &[&str]) -> anyhow::Result<Option<Vec<String>>> {
    let Some(asked) = asked else { return Ok(None) };
    let known: Vec<&str> = RUN_FIELDS.iter().chain(more).copied().collect();
    let asked: Vec<String> = asked.iter().filter(|it| !it.is_empty()).cloned().collect();
    match asked.iter().find(|it| !known.contains(&it.as_str())) {
        None => Ok(Some(asked)),
        Some(unknown) => {
            let near = wfrun_syntax::closest(unknown, known.iter().copied());
            let near = near.map(|it| format!("did you mean `{it}`? ")).unwrap_or_default();
            let help = format!("{near}there are: {}", known.join(", "));
            Err(Help::error("cli/json", format!("a run has no field `{unknown}`"), help))
        }
    }
}

/// Shows a run.
pub(crate) fn view(args: &ViewArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let place = &args.place;
    if args.log || args.log_failed {
        return logs_of(&args.run, args.job.as_deref(), args.log_failed, place.directory.as_deref(), output);
    }
    let fields = fields(place.json.as_deref(), &["jobs"])?;
    let from = find::directory(place.directory.as_deref())?;
    let journal = runs::find(&args.run, &from).ok_or_else(|| runs::none(&args.run, "file/run", &from))?;
    let (record, _) = runs::read(&journal)?;
    let run = past(&journal, record, environment);
    let jobs: Vec<(&JobKey, &JobRun)> = match &args.job {
        Some(job) => runs::jobs_of(&run.record, job)?,
        None => run.record.jobs.iter().collect(),
    };
    let text = match fields {
        Some(fields) => format!("{:#}\n", view_json(&run, &jobs, &fields)),
        None => view_text(&run, &jobs, args.verbose || args.job.is_some(), Timestamp::now(), &output.stdout),
    };
    Output::data(&text);
    Ok(if args.exit_status { Exit::of(&run.record) } else { Exit::Success })
}

/// Prints what the steps of a run wrote.
pub(crate) fn logs(args: &LogsArgs, output: &Output) -> anyhow::Result<Exit> {
    logs_of(&args.run, args.job.as_deref(), args.failed, args.directory.as_deref(), output)
}

fn logs_of(
    wanted: &str,
    job: Option<&str>,
    failed: bool,
    directory: Option<&Path>,
    output: &Output,
) -> anyhow::Result<Exit> {
    let from = find::directory(directory)?;
    let journal = runs::find(wanted, &from).ok_or_else(|| runs::none(wanted, "file/run", &from))?;
    // What failed is known at the end only, and a journal can be too long to be kept.
    let (whole, _) = runs::read(&journal)?;
    let chosen: Option<Vec<(&JobKey, &JobRun)>> = job.map(|it| runs::jobs_of(&whole, it)).transpose()?;
    let is_chosen = |job: &JobKey| chosen.as_ref().is_none_or(|all| all.iter().any(|(key, _)| *key == job));
    let started_at = whole.started.as_ref().and_then(|it| began(&it.run_id));
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut so_far = RunRecord::default();
    for event in runs::events(&journal)? {
        let event = event?;
        so_far.apply(&event);
        let Some(Writer { job, step, phase }) = Writer::of(&event) else { continue };
        let ended = || step.and_then(|it| past_step(&whole, job, it, phase)).and_then(|(_, it)| it.outcome);
        if !is_chosen(job) || (failed && ended() != Some(Outcome::Failure)) {
            continue;
        }
        for line in past_lines(started_at, &so_far, &event, &output.stdout) {
            // A closed pipe is the reader's wish.
            if writeln!(out, "{line}").is_err() {
                return Ok(Exit::Success);
            }
        }
    }
    if out.flush().is_err() {
        tracing::debug!("standard output is closed");
    }
    Ok(Exit::Success)
}
