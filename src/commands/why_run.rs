//! `wfrun why RUN`: why the jobs of a run that is over ended as they did, from its journal.
use std::path::{Path, PathBuf};

use wfrun_report::{RunWhy, run_why_json, run_why_text};

use crate::cli::WhyArgs;
use crate::exit::Exit;
use crate::find;
use crate::output::{Help, Output};
use crate::runs::{self, JOURNAL, LATEST};

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
        Ok(help) if help.code == "workflow/not-found" => match runs::journal_of(wanted, &from) {
            Some(journal) => Ok(Some(journal)),
            None => Err(or_a_run(help, wanted, &from)),
        },
        Ok(help) => Err(help.into()),
        Err(err) => Err(err),
    }
}

fn or_a_run(help: Help, wanted: &str, from: &Path) -> anyhow::Error {
    if wanted == LATEST {
        return runs::none(wanted, "file/run", from);
    }
    let none = runs::why_none(from).map(|it| format!(", but {it}")).unwrap_or_default();
    let way_out = format!("{}; a run's id, or `{LATEST}`, would do too{none}", help.way_out);
    Help { way_out, ..help }.into()
}

/// Explains a run.
pub(super) fn why_run(journal: &Path, args: &WhyArgs, output: &Output) -> anyhow::Result<Exit> {
    if let Some(option) = without_effect(args) {
        Output::note(&format!("`{option}` has no effect: a run is explained from its journal"));
    }
    let (record, faults) = runs::read(journal)?;
    let Some(started) = &record.started else {
        return Err(runs::unreadable(journal, "it does not say which run it is of"));
    };
    let asked = args.wanted.as_ref().or(args.situation.job.first());
    let jobs = match asked {
        Some(asked) => runs::jobs_of(&record, asked)?,
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
