//! What came of a case, beside what was expected.
use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_plan::{Event, Gate, JobKey, NotTriggered, Outlook, PlanError, World, gates};
use wfrun_report::{TestFailure, occasion_and_cause};

use super::assumed::assumed;
use super::happening;
use super::judged::{Found, Judged};
use super::model::{Case, Expectation, Expected, Fate, TestFile};
use super::play::{Played, plan, play};
use super::undecided::{Open, Undecided};

/// Judges a case; nothing is returned where all is as expected.
pub(super) fn judge(file: &TestFile, case: &Case) -> Vec<TestFailure> {
    let (about_file, about_run): (Vec<_>, Vec<_>) =
        case.expect.iter().partition(|it| matches!(it.of, Expected::Diagnostics(_) | Expected::Valid));
    let mut failures: Vec<TestFailure> = about_file.iter().filter_map(|it| of_file(file, it)).collect();
    if about_run.is_empty() {
        return failures;
    }
    let event = happening::event(&case.given);
    match come(file, case, &event) {
        Come::Judged(judged) => failures.extend(about_run.iter().filter_map(|it| beside(it, &judged))),
        Come::NotTriggered(reason) => {
            failures.extend(about_run.iter().filter_map(|it| not_triggered(file, it, &reason, &event)));
        }
        Come::Open(on) => failures.extend(about_run.iter().map(|it| failure(it, "depends", Some(on.clone())))),
        Come::Nothing(why) => failures.extend(about_run.iter().map(|it| failure(it, "nothing", Some(why.clone())))),
    }
    failures
}

/// What came of a case.
enum Come<'a> {
    Judged(Box<Judged<'a>>),
    NotTriggered(NotTriggered),
    /// Whether the workflow is triggered depends on this.
    Open(String),
    /// It cannot be played, for this reason.
    Nothing(String),
}

/// Plays a case; again, as long as something failed only for want of what the case does not say.
fn come<'a>(file: &'a TestFile, case: &'a Case, event: &Event) -> Come<'a> {
    let mut playable = file.playable.clone();
    loop {
        let plan = match plan(file, &playable, case, event.clone()) {
            Ok(plan) => plan,
            Err(PlanError::NotTriggered(reason)) => return Come::NotTriggered(reason),
            Err(err @ (PlanError::Cycle | PlanError::UnknownJob { .. })) => return Come::Nothing(err.to_string()),
        };
        if let Some(on) = open_trigger(file, event) {
            return Come::Open(on);
        }
        let identity = happening::identity(&case.given, event);
        let Some(played) = play(case, plan, identity.clone()) else {
            return Come::Nothing("the run does not come to an end: this is a fault of wfrun".to_owned());
        };
        let mut world = world(case, event.clone(), identity, &played);
        let (outlook, undecided) = match look(file, case, &played, &mut world) {
            Ok(looked) => looked,
            Err(err) => return Come::Nothing(err.to_string()),
        };
        match assumed(&Open { file, case, played: &played, outlook: &outlook }, &file.set, &playable) {
            Some(new) => playable = new,
            None => return Come::Judged(Box::new(Judged { file, case, played, outlook, undecided })),
        }
    }
}

/// Looks again where something is open or has come to be known: so is what waits for it.
fn look(file: &TestFile, case: &Case, played: &Played, world: &mut World) -> Result<(Outlook, Undecided), PlanError> {
    loop {
        let outlook = wfrun_plan::outlook(&file.set, world)?;
        let open = Open { file, case, played, outlook: &outlook };
        let undecided = open.undecided();
        let outputs = open.known_outputs(&undecided);
        let names = |world: &World| world.outputs.values().map(IndexMap::len).sum::<usize>();
        let known = (world.results.len(), names(world));
        world.results.retain(|job, _| !undecided.jobs.contains_key(&JobKey::new(job.as_str())));
        // What is known stays so: it takes a turn for each job at most.
        for (job, values) in outputs {
            let known = world.outputs.entry(job).or_default();
            values.into_iter().for_each(|(name, value)| {
                known.entry(name).or_insert(value);
            });
        }
        if (world.results.len(), names(world)) == known {
            return Ok((outlook, undecided));
        }
    }
}

/// What is known before the run, with what came of the jobs.
fn world(case: &Case, event: Event, identity: wfrun_plan::RunIdentity, played: &Played) -> World {
    let record = &played.record;
    let keys = || record.jobs.keys().chain(record.legs.keys());
    let result = |key: &JobKey| Some((key.to_string(), record.result_for_dependents(key)?.as_str().to_owned()));
    let results: IndexMap<String, String> = keys().filter_map(result).collect();
    let vars = case.given.vars.iter().map(|(name, value)| (name.clone(), Value::string(value)));
    let inputs = Value::Object(case.given.checked_inputs.context.clone());
    let (vars, outputs) = (vars.collect(), IndexMap::new());
    World { event, identity, inputs, vars, results, skips: Vec::new(), outputs, steps: Vec::new() }
}

fn failure(expectation: &Expectation, actual: impl Into<String>, reason: Option<String>) -> TestFailure {
    let expected = match &expectation.of {
        Expected::Triggered(it) => it.to_string(),
        Expected::Job(_, fate) | Expected::Step(_, fate) => fate.as_str().to_owned(),
        Expected::JobOutput(_, _, value) | Expected::StepOutput(_, _, value) => value.clone(),
        Expected::Diagnostics(codes) => listed(codes),
        Expected::Valid => "valid".to_owned(),
    };
    TestFailure { expectation: expectation.name.clone(), expected, actual: actual.into(), reason }
}

fn listed(codes: &[String]) -> String {
    if codes.is_empty() { "none".to_owned() } else { codes.join(", ") }
}

fn of_file(file: &TestFile, expectation: &Expectation) -> Option<TestFailure> {
    if matches!(expectation.of, Expected::Valid) {
        return Some(failure(expectation, "invalid", file.broken.first().map(ToString::to_string)));
    }
    let Expected::Diagnostics(codes) = &expectation.of else { return None };
    (*codes != file.codes).then(|| {
        let reason = format!("`wfrun check {}` says so", file.set.root.source.path());
        failure(expectation, listed(&file.codes), Some(reason))
    })
}

fn not_triggered(
    file: &TestFile,
    expectation: &Expectation,
    reason: &NotTriggered,
    event: &Event,
) -> Option<TestFailure> {
    let reason = occasion_and_cause(reason, &file.set.root, event);
    match &expectation.of {
        Expected::Triggered(false) => None,
        Expected::Triggered(true) => Some(failure(expectation, "false", Some(reason))),
        Expected::Job(..)
        | Expected::Step(..)
        | Expected::JobOutput(..)
        | Expected::StepOutput(..)
        | Expected::Diagnostics(_)
        | Expected::Valid => Some(failure(expectation, "not triggered", Some(reason))),
    }
}

/// A `paths` filter that the case says nothing about: GitHub alone knows what it lets through.
fn open_trigger(file: &TestFile, event: &Event) -> Option<String> {
    gates(&file.set.root, event).iter().find_map(Gate::open)?;
    Some("depends on the changed files, for there is a filter of paths: give them under `changed`".to_owned())
}

/// Compares what came of a run with one expectation.
fn beside(expectation: &Expectation, judged: &Judged<'_>) -> Option<TestFailure> {
    let (found, wanted) = match &expectation.of {
        Expected::Triggered(true) | Expected::Diagnostics(_) | Expected::Valid => return None,
        Expected::Triggered(false) => {
            let reason = "the event passes all filters of the workflow".to_owned();
            return Some(failure(expectation, "true", Some(reason)));
        }
        Expected::Job(job, fate) => (judged.job(job), *fate),
        Expected::Step(step, fate) => (judged.step(step), *fate),
        Expected::JobOutput(job, name, value) => {
            return output(expectation, judged.job_output(job, &name.value), value);
        }
        Expected::StepOutput(step, name, value) => {
            return output(expectation, judged.step_output(step, &name.value), value);
        }
    };
    let holds = match wanted {
        Fate::Runs => matches!(found.actual.as_str(), "runs" | "success" | "failure" | "cancelled"),
        Fate::Skipped | Fate::Ends(_) => found.actual == wanted.as_str(),
    };
    // `success` is a way of running.
    let actual = if wanted == Fate::Skipped && found.actual == "success" { "runs".to_owned() } else { found.actual };
    (!holds).then(|| failure(expectation, actual, found.reason))
}

fn output(expectation: &Expectation, found: Found, wanted: &str) -> Option<TestFailure> {
    let holds = found.reason.is_none() && found.actual == wanted;
    (!holds).then(|| failure(expectation, found.actual, found.reason))
}
