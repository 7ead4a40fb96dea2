//! What came of a case, beside what was expected.
use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_journal::{JobRun, Outcome, Phase, StepKey};
use wfrun_plan::{ChangedPaths, Event, JobKey, NotTriggered, Outlook, PlanError, Prospect, StepPath, World};
use wfrun_report::{TestFailure, foreseen_sentence, occasion_and_cause, sentence};

use super::happening;
use super::model::{Case, Expectation, Expected, Fate, StepPlace, TestFile};
use super::play::{Played, end_of_job, plan, play, workflow};
use super::undecided::{Open, Undecided};

/// A fate in words, and why.
struct Found {
    actual: String,
    reason: Option<String>,
}

/// A case that was played.
struct Result<'a> {
    file: &'a TestFile,
    case: &'a Case,
    played: Played,
    outlook: Outlook,
    undecided: Undecided,
}

/// Judges a case; nothing is returned where all is as expected.
pub(super) fn judge(file: &TestFile, case: &Case) -> Vec<TestFailure> {
    let (about_file, about_run): (Vec<_>, Vec<_>) =
        case.expect.iter().partition(|it| matches!(it.of, Expected::Diagnostics(_)));
    let mut failures: Vec<TestFailure> = about_file.iter().filter_map(|it| diagnostics(file, it)).collect();
    if about_run.is_empty() {
        return failures;
    }
    let event = happening::event(&case.given);
    let workflow = workflow(file, case);
    let plan = match plan(&workflow, case, event.clone()) {
        Ok(plan) => plan,
        Err(PlanError::NotTriggered(reason)) => {
            failures.extend(about_run.iter().filter_map(|it| not_triggered(file, it, &reason, &event)));
            return failures;
        }
        Err(err @ (PlanError::Cycle | PlanError::UnknownJob { .. })) => {
            failures.extend(about_run.iter().map(|it| failure(it, "nothing", Some(err.to_string()))));
            return failures;
        }
    };
    if let Some(on) = open_trigger(file, &event) {
        failures.extend(about_run.iter().map(|it| failure(it, "depends", Some(on.clone()))));
        return failures;
    }
    let identity = happening::identity(&case.given, &event);
    let Some(played) = play(file, case, plan, identity.clone()) else {
        let reason = "the run does not come to an end: this is a fault of wfrun".to_owned();
        failures.extend(about_run.iter().map(|it| failure(it, "nothing", Some(reason.clone()))));
        return failures;
    };
    let mut world = world(case, event, identity, &played);
    match look(file, case, &played, &mut world) {
        Ok((outlook, undecided)) => {
            let result = Result { file, case, played, outlook, undecided };
            failures.extend(about_run.iter().filter_map(|it| result.judge(it)));
        }
        Err(err) => failures.extend(about_run.iter().map(|it| failure(it, "nothing", Some(err.to_string())))),
    }
    failures
}

/// Looks twice where something is open: what waits for it is open, too.
fn look(
    file: &TestFile,
    case: &Case,
    played: &Played,
    world: &mut World,
) -> std::result::Result<(Outlook, Undecided), PlanError> {
    let open = Open { case, record: &played.record };
    let mut outlook = wfrun_plan::outlook(&file.set, world)?;
    let mut undecided = open.undecided(&outlook);
    loop {
        let known = world.results.len();
        world.results.retain(|job, _| !undecided.jobs.contains_key(job));
        if world.results.len() == known {
            return Ok((outlook, undecided));
        }
        outlook = wfrun_plan::outlook(&file.set, world)?;
        undecided = open.undecided(&outlook);
    }
}

fn world(case: &Case, event: Event, identity: wfrun_plan::RunIdentity, played: &Played) -> World {
    let ends = played
        .record
        .jobs
        .keys()
        .filter_map(|key| Some((key.to_string(), played.record.result_for_dependents(key)?.as_str().to_owned())));
    let forced = case.job_ends.iter().map(|(job, outcome)| (job.clone(), outcome.as_str().to_owned()));
    let mut results: IndexMap<String, String> = forced.collect();
    results.extend(ends);
    let vars = case.given.vars.iter().map(|(name, value)| (name.clone(), Value::string(value)));
    let inputs = Value::Object(case.given.checked_inputs.context.clone());
    let outputs = case.job_outputs.iter().cloned().collect();
    World { event, identity, inputs, vars: vars.collect(), results, outputs, steps: Vec::new() }
}

fn failure(expectation: &Expectation, actual: impl Into<String>, reason: Option<String>) -> TestFailure {
    let expected = match &expectation.of {
        Expected::Triggered(it) => it.to_string(),
        Expected::Job(_, _, fate) | Expected::Step(_, fate) => fate.as_str().to_owned(),
        Expected::JobOutput(_, _, value) | Expected::StepOutput(_, _, value) => value.clone(),
        Expected::Diagnostics(codes) => listed(codes),
    };
    TestFailure { expectation: expectation.name.clone(), expected, actual: actual.into(), reason }
}

fn listed(codes: &[String]) -> String {
    if codes.is_empty() { "none".to_owned() } else { codes.join(", ") }
}

fn diagnostics(file: &TestFile, expectation: &Expectation) -> Option<TestFailure> {
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
        | Expected::Diagnostics(_) => Some(failure(expectation, "not triggered", Some(reason))),
    }
}

/// A `paths` filter that the case says nothing about: GitHub alone knows what it lets through.
fn open_trigger(file: &TestFile, event: &Event) -> Option<String> {
    let config = file.set.root.on.event(&event.name)?;
    let is_open = config.paths.is_some() && !event.is_tag() && matches!(event.changed, ChangedPaths::Unknown { .. });
    is_open
        .then(|| "depends on the changed files, for there is a filter of paths: give them under `changed`".to_owned())
}

impl Result<'_> {
    fn judge(&self, expectation: &Expectation) -> Option<TestFailure> {
        let (found, wanted) = match &expectation.of {
            Expected::Triggered(true) | Expected::Diagnostics(_) => return None,
            Expected::Triggered(false) => {
                let reason = "the event passes all filters of the workflow".to_owned();
                return Some(failure(expectation, "true", Some(reason)));
            }
            Expected::Job(job, None, fate) => (self.job(job), *fate),
            Expected::Job(job, Some(leg), fate) => (self.leg(job, leg), *fate),
            Expected::Step(step, fate) => (self.step(step), *fate),
            Expected::JobOutput(job, name, value) => {
                return output(expectation, self.job_output(job, &name.value), value);
            }
            Expected::StepOutput(step, name, value) => {
                return output(expectation, self.step_output(step, &name.value), value);
            }
        };
        let holds = match wanted {
            Fate::Runs => matches!(found.actual.as_str(), "runs" | "success" | "failure" | "cancelled"),
            Fate::Skipped | Fate::Ends(_) => found.actual == wanted.as_str(),
        };
        // `success` is a way of running.
        let ran = matches!(found.actual.as_str(), "success");
        let actual = if wanted == Fate::Skipped && ran { "runs".to_owned() } else { found.actual };
        (!holds).then(|| failure(expectation, actual, found.reason))
    }

    fn job(&self, key: &str) -> Found {
        if let Some(on) = self.undecided.jobs.get(key) {
            return depends(on);
        }
        match self.run(key) {
            Some(run) => self.job_run(key, run),
            None => self.called(key),
        }
    }

    /// One job of a matrix: it is there or not, and fares as the others do.
    fn leg(&self, key: &str, leg: &str) -> Found {
        let found = self.job(key);
        let Some(job) = self.outlook.job(key).filter(|it| it.verdict == Prospect::Runs) else { return found };
        if !job.deferred.is_empty() {
            return depends(&format!("`{}`: give it under `outputs`", job.deferred.join("`, `")));
        }
        if job.legs.iter().any(|it| it.key.as_str().eq_ignore_ascii_case(leg)) {
            return found;
        }
        let legs: Vec<String> = job.legs.iter().map(|it| format!("`{}`", it.key)).collect();
        Found { actual: "not there".to_owned(), reason: Some(format!("its jobs are: {}", legs.join(", "))) }
    }

    fn job_run(&self, key: &str, run: &JobRun) -> Found {
        let reason = match (&run.skipped, run.first_failure()) {
            (Some(_), _) if end_of_job(self.case, key) == Some(Outcome::Skipped) => Some(FORCED.to_owned()),
            (Some(reason), _) => Some(sentence(reason)),
            (None, Some(step)) => Some(format!("step `{step}` fails")),
            (None, None) if end_of_job(self.case, key).is_some() => Some(FORCED.to_owned()),
            (None, None) => self.lets_run(key),
        };
        Found { actual: run.result.unwrap_or(Outcome::Skipped).as_str().to_owned(), reason }
    }

    /// What let a job run.
    fn lets_run(&self, key: &str) -> Option<String> {
        let job = self.outlook.job(key)?;
        Some(foreseen_sentence(Prospect::Runs, job.reason.as_ref()?))
    }

    /// A job of a called workflow: no engine has played it.
    fn called(&self, key: &str) -> Found {
        let Some(job) = self.outlook.job(key) else {
            let caller = key.rsplit_once(" / ").map_or(key, |(caller, _)| caller);
            let found = self.job(caller);
            return match found.actual.as_str() {
                "skipped" | "depends" => found,
                _ => depends("a workflow that is not here"),
            };
        };
        let reason = job.reason.as_ref().map(|it| foreseen_sentence(job.verdict, it));
        let forced = self.case.end_of_job(key);
        let actual = match (job.verdict, forced) {
            (Prospect::Skipped, _) => "skipped",
            (Prospect::Depends, _) => "depends",
            (Prospect::Runs, Some(outcome)) => outcome.as_str(),
            (Prospect::Runs, None) => "success",
        };
        Found { actual: actual.to_owned(), reason }
    }

    fn step(&self, place: &StepPlace) -> Found {
        let job = self.job(&place.job);
        if matches!(job.actual.as_str(), "skipped" | "depends") {
            let why = job.reason.map(|it| format!(": {it}")).unwrap_or_default();
            let verb = if job.actual == "skipped" { "is skipped" } else { "is open" };
            return Found { actual: job.actual, reason: Some(format!("its job `{}` {verb}{why}", place.job)) };
        }
        if let Some(on) = self.undecided.steps.get(place) {
            return depends(on);
        }
        if self.case.end_of_step(&place.job, place.index) == Some(Outcome::Skipped) {
            return Found { actual: "skipped".to_owned(), reason: Some(FORCED.to_owned()) };
        }
        match self.run(&place.job) {
            Some(run) => self.step_run(place, run),
            None => self.called_step(place),
        }
    }

    fn step_run(&self, place: &StepPlace, run: &JobRun) -> Found {
        let key = StepKey { phase: Phase::Main, step: StepPath::at(place.index) };
        let Some(step) = run.steps.get(&key) else {
            return depends(&format!("the steps of `{}`, which is forced as a whole: force a step of it", place.job));
        };
        let outcome = step.outcome.unwrap_or(Outcome::Skipped);
        let reason = match &step.skipped {
            Some(reason) => Some(sentence(reason)),
            None if self.case.end_of_step(&place.job, place.index).is_some() => Some(FORCED.to_owned()),
            None => self.step_lets_run(place),
        };
        Found { actual: outcome.as_str().to_owned(), reason }
    }

    fn step_lets_run(&self, place: &StepPlace) -> Option<String> {
        let step = self.outlook.job(&place.job)?.steps().iter().find(|it| it.index == place.index)?;
        let reason = step.reason.as_ref().filter(|_| step.verdict == Prospect::Runs)?;
        Some(foreseen_sentence(Prospect::Runs, reason))
    }

    fn called_step(&self, place: &StepPlace) -> Found {
        let job = self.outlook.job(&place.job);
        let Some(step) = job.and_then(|it| it.steps().iter().find(|it| it.index == place.index)) else {
            return depends("a workflow that is not here");
        };
        if self.case.step_ends.iter().any(|(it, _)| it.job == place.job) {
            return depends("steps of a called workflow, which are not played yet: test that workflow itself");
        }
        let reason = step.reason.as_ref().map(|it| foreseen_sentence(step.verdict, it));
        let actual = match step.verdict {
            Prospect::Runs => "success",
            Prospect::Skipped => "skipped",
            Prospect::Depends => "depends",
        };
        Found { actual: actual.to_owned(), reason }
    }

    fn job_output(&self, key: &str, name: &str) -> Found {
        let found = self.job(key);
        let Some(run) = self.run(key).filter(|_| found.actual != "depends") else {
            return depends(found.reason.as_deref().unwrap_or("a called workflow"));
        };
        let open = Open { case: self.case, record: &self.played.record };
        let root = &self.file.set.root;
        let model = root.job(key);
        if run.skipped.is_none()
            && self.case.outputs_of_job(key).is_none()
            && let Some(model) = model
        {
            let field = model.outputs.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, it)| it.raw());
            if let Some(leaf) = field.and_then(|it| open.open_leaf(root, model, &it)) {
                return depends(&format!("{leaf}, which the case does not say"));
            }
            if model.call.is_some() {
                return depends(&format!("the called workflow: give outputs of `{key}` under `outputs`"));
            }
        }
        let value = run.outputs.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, it)| it.to_string());
        Found { actual: value.unwrap_or_default(), reason: None }
    }

    fn step_output(&self, place: &StepPlace, name: &str) -> Found {
        let found = self.step(place);
        if found.actual == "depends" {
            return found;
        }
        let is_said = self.case.outputs_of_step(&place.job, place.index).is_some();
        if !is_said && found.actual != "skipped" {
            return depends("what the step does, which the case does not say: give it under `outputs`");
        }
        let outputs = self.played.outputs.get(&(place.job.clone(), place.index));
        let value = outputs.and_then(|it| it.get(name)).cloned().unwrap_or_default();
        Found { actual: value, reason: None }
    }

    fn run(&self, key: &str) -> Option<&JobRun> {
        self.played.record.jobs.get(&JobKey::new(key))
    }
}

fn output(expectation: &Expectation, found: Found, wanted: &str) -> Option<TestFailure> {
    let holds = found.reason.is_none() && found.actual == wanted;
    (!holds).then(|| failure(expectation, found.actual, found.reason))
}

const FORCED: &str = "the case forces it";

fn depends(on: &str) -> Found {
    let reason = if on.starts_with("depends ") { on.to_owned() } else { format!("depends on {on}") };
    Found { actual: "depends".to_owned(), reason: Some(reason) }
}
