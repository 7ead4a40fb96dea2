//! `wfrun why RUN`: why the jobs of a run that is over ended as they did, from its journal.
use std::fs::File;
use std::io::BufReader;
use std::path::{Component, Path, PathBuf};

use wfrun_journal::{Fault, JobRun, RunEventKind, RunRecord};
use wfrun_plan::{JobKey, PlanError};
use wfrun_report::{JournalError, RunWhy, read_journal, run_why_json, run_why_text};

use crate::cli::WhyArgs;
use crate::exit::Exit;
use crate::find;
use crate::output::{Help, Output};

/// What a run writes down below its folder.
const JOURNAL: &str = "journal.ndjson";
/// The word for the youngest run.
pub(super) const LATEST: &str = "latest";

/// Finds the journal of the run that a person asks about; none where they ask about a workflow.
///
/// A workflow wins over a run of the same text. Where there is neither, the error is that of the workflow.
pub(super) fn wanted(args: &WhyArgs) -> anyhow::Result<Option<PathBuf>> {
    let from = find::directory(args.situation.directory.as_deref())?;
    let wanted = args.situation.workflow.as_str();
    let direct = from.join(wanted);
    if direct.is_file() && direct.extension().is_some_and(|it| it == "ndjson") {
        return Ok(Some(direct));
    }
    let in_folder = direct.join(JOURNAL);
    if direct.is_dir() && in_folder.is_file() {
        return Ok(Some(in_folder));
    }
    let Err(err) = find::path_of(wanted, &from) else { return Ok(None) };
    match err.downcast::<Help>() {
        Ok(help) if help.code == "workflow/not-found" => match run_of(wanted, &from) {
            Some(journal) => Ok(Some(journal)),
            None => Err(or_a_run(help, &from)),
        },
        Ok(help) => Err(help.into()),
        Err(err) => Err(err),
    }
}

/// The journal of the run with this id, or of the youngest one.
pub(super) fn run_of(wanted: &str, from: &Path) -> Option<PathBuf> {
    let runs = runs_around(from)?;
    if wanted == LATEST {
        let entries = std::fs::read_dir(runs).ok()?.flatten();
        let numbered = entries.filter_map(|it| Some((it.file_name().to_str()?.parse::<u64>().ok()?, it.path())));
        let journals = numbered.map(|(id, path)| (id, path.join(JOURNAL))).filter(|(_, it)| it.is_file());
        return journals.max().map(|(_, it)| it);
    }
    let mut parts = Path::new(wanted).components();
    let (Some(Component::Normal(id)), None) = (parts.next(), parts.next()) else { return None };
    Some(runs.join(id).join(JOURNAL)).filter(|it| it.is_file())
}

/// The runs of the repository around a folder.
fn runs_around(from: &Path) -> Option<PathBuf> {
    let root = find::above(from).find(|it| it.join(".github").is_dir() || it.join(".wfrun/runs").is_dir())?;
    Some(root.join(".wfrun/runs")).filter(|it| it.is_dir())
}

fn or_a_run(help: Help, from: &Path) -> anyhow::Error {
    let none = if runs_around(from).is_some() { "" } else { ", and there is no run here yet" };
    let way_out = format!("{}; a run's id, or `{LATEST}`, would do too{none}", help.way_out);
    Help { way_out, ..help }.into()
}

/// Explains a run.
pub(super) fn why_run(journal: &Path, args: &WhyArgs, output: &Output) -> anyhow::Result<Exit> {
    if let Some(option) = without_effect(args) {
        Output::note(&format!("`{option}` has no effect: a run is explained from its journal"));
    }
    let (record, faults) = read(journal)?;
    let Some(started) = &record.started else {
        return Err(unreadable(journal, "it does not say which run it is of"));
    };
    let asked = args.wanted.as_ref().or(args.situation.job.first());
    let jobs = match asked {
        Some(asked) => jobs_of(&record, asked)?,
        None => record.jobs.iter().collect(),
    };
    let why = RunWhy {
        id: &started.run_id,
        record: &record,
        faults: faults
            .iter()
            .filter(|it| {
                asked.is_none() || it.job.is_none() || jobs.iter().any(|(key, _)| Some(*key) == it.job.as_ref())
            })
            .collect(),
        at_length: asked.is_some(),
        jobs,
    };
    if args.json {
        Output::data(&format!("{:#}\n", run_why_json(&why)));
    } else {
        Output::data(&run_why_text(&why, &output.stdout));
    }
    Ok(Exit::Success)
}

/// The first option that would change a situation, and cannot change what happened.
fn without_effect(args: &WhyArgs) -> Option<&'static str> {
    let event = &args.situation.happening;
    let given = [
        ("--from-github", args.from_github.is_some()),
        ("--event", event.event.is_some()),
        ("--ref", event.git_ref.is_some()),
        ("--base", event.base.is_some()),
        ("--head", event.head.is_some()),
        ("--pr", event.pr.is_some()),
        ("--event-path", event.event_path.is_some()),
        ("--type", event.activity.is_some()),
        ("--changed", !event.changed.is_empty()),
        ("--since", event.since.is_some()),
        ("--sha", event.sha.is_some()),
        ("--actor", event.actor.is_some()),
        ("--input", !event.input.is_empty()),
        ("--var", !event.var.is_empty()),
        ("--force", !args.foresee.force.is_empty()),
        ("--until-skipped", args.until_skipped),
    ];
    given.into_iter().find(|(_, it)| *it).map(|(name, _)| name)
}

fn read(journal: &Path) -> anyhow::Result<(RunRecord, Vec<Fault>)> {
    let file = File::open(journal).map_err(|err| unreadable(journal, &err.to_string()))?;
    let events = read_journal(BufReader::new(file)).map_err(|err| {
        let cause = match &err {
            JournalError::Read { err, .. } => format!(": {err}"),
            JournalError::NotAnEvent { err, .. } => format!(": {err}"),
            JournalError::Schema { .. } => String::new(),
        };
        unreadable(journal, &format!("{err}{cause}"))
    })?;
    let mut record = RunRecord::default();
    let mut faults = Vec::new();
    for event in &events {
        record.apply(event);
        if let RunEventKind::Fault(it) = &event.kind {
            faults.push(it.clone());
        }
    }
    Ok((record, faults))
}

fn unreadable(journal: &Path, what: &str) -> anyhow::Error {
    let help = "a run's journal is `.wfrun/runs/<id>/journal.ndjson`";
    Help::error("file/run", format!("failed to read {}: {what}", journal.display()), help)
}

/// The jobs that a person asks for by key, id or name, in any case.
fn jobs_of<'r>(record: &'r RunRecord, asked: &str) -> anyhow::Result<Vec<(&'r JobKey, &'r JobRun)>> {
    let is = |it: &str| it.eq_ignore_ascii_case(asked);
    let jobs: Vec<_> = record.jobs.iter().filter(|(key, _)| is(key.as_str())).collect();
    if !jobs.is_empty() {
        return Ok(jobs);
    }
    let jobs: Vec<_> = record.jobs.iter().filter(|(_, job)| is(&job.id) || is(&job.name)).collect();
    if !jobs.is_empty() {
        return Ok(jobs);
    }
    let jobs = record.jobs.keys().map(ToString::to_string).collect();
    Err(super::plan_error(&PlanError::UnknownJob { id: asked.to_owned(), jobs }))
}
