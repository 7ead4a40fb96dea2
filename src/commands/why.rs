//! `wfrun why`: why a workflow is triggered and its jobs run, or not.
use wfrun_plan::{Change, JobOutlook, Prospect, candidates, search};
use wfrun_report::{JobWhy, Why, why_json, why_text};
use wfrun_workflow::EventSpec;

use crate::check::to_show;
use crate::cli::{EventArgs, WhyArgs};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::foresight::{Foreseen, Foresight};
use crate::output::Output;

/// So many ways out are offered.
const MOST_CHANGES: usize = 5;

/// Explains what a situation makes of a workflow.
pub(crate) fn why(args: &WhyArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let foresight = match Foresight::read(&args.situation, &args.foresee, environment)? {
        Ok(foresight) => foresight,
        Err(diagnostics) => return Ok(super::run::refuse(output, &diagnostics)),
    };
    let root = &foresight.set.root;
    output.diagnostics(&to_show(&root.source, &foresight.diagnostics));
    let foreseen = foresight.foresee(&args.situation, &args.foresee.force)?;
    for notice in &foreseen.notices {
        Output::note(notice);
    }
    let wanted = args.wanted.as_ref().or(args.situation.job.first());
    let jobs: Vec<&JobOutlook> = match wanted {
        Some(wanted) => vec![foreseen.job(wanted)?],
        None => foreseen.outlook.jobs.iter().collect(),
    };
    let most = if wanted.is_some() || args.json { MOST_CHANGES } else { 1 };
    let jobs = jobs.into_iter().map(|job| JobWhy { job, changes: changes(args, &foresight, &foreseen, job, most) });
    let why = Why {
        workflow: root,
        event: &foreseen.world.event,
        gates: &foreseen.gates,
        jobs: jobs.collect(),
        at_length: wanted.is_some(),
        until_skipped: args.until_skipped,
    };
    if args.json {
        Output::data(&format!("{:#}\n", why_json(&why)));
    } else {
        Output::data(&why_text(&why, &output.stdout));
    }
    Ok(if foreseen.is_triggered() { Exit::Success } else { Exit::NotTriggered })
}

/// The smallest changes that make a job run, or be skipped; each was planned again with the options it stands for.
fn changes(
    args: &WhyArgs,
    foresight: &Foresight<'_>,
    foreseen: &Foreseen,
    job: &JobOutlook,
    most: usize,
) -> Vec<Vec<Change>> {
    let goal = if args.until_skipped { Prospect::Skipped } else { Prospect::Runs };
    if verdict(foreseen, job.key.as_str()) == Some(goal) {
        return Vec::new();
    }
    let all = candidates(&foreseen.outlook, job, &foresight.set.root, &foreseen.world.event);
    search(&all, most, &mut |changes| {
        let mut event = args.situation.happening.clone();
        let mut force = args.foresee.force.clone();
        for it in changes {
            apply(it, &mut event, &mut force);
        }
        let again = foresight.foresee(&event, &force);
        again.is_ok_and(|it| verdict(&it, job.key.as_str()) == Some(goal))
    })
}

/// A job of a workflow that is not triggered does not run.
fn verdict(foreseen: &Foreseen, key: &str) -> Option<Prospect> {
    if !foreseen.is_triggered() {
        return Some(Prospect::Skipped);
    }
    Some(foreseen.outlook.job(key)?.verdict)
}

/// Adds the option of a change to a command line; what it contradicts goes.
fn apply(change: &Change, event: &mut EventArgs, force: &mut Vec<String>) {
    let value = change.flags().pop();
    match change {
        Change::Event { event: name } => {
            let types = EventSpec::find(name).map(|it| it.types).unwrap_or_default();
            event.activity = event.activity.take().filter(|it| types.contains(&it.as_str()));
            event.event = value;
        }
        Change::Ref { .. } => event.git_ref = value,
        Change::Base { .. } => event.base = value,
        Change::Type { .. } => event.activity = value,
        Change::Head { .. } => event.head = value,
        Change::Actor { .. } => event.actor = value,
        Change::Repository { .. } => event.repository = value,
        Change::Input { .. } => event.input.extend(value),
        Change::Var { .. } => event.var.extend(value),
        Change::Changed { .. } => event.changed.extend(value),
        Change::Result { .. } => force.extend(value),
    }
}
