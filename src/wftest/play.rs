//! Plays a case: the real engine decides, and the case answers for the world.
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_engine::{
    Effect, Engine, EngineSettings, Fact, FactKind, Grace, JobEnvironment, Layout, StepEnd, StepFiles, Timer,
};
use wfrun_journal::{Outcome, Phase, RunEventKind, RunRecord};
use wfrun_plan::{Event, Plan, RunIdentity};
use wfrun_workflow::Workflow;

use super::model::{Case, Given, TestFile};
use super::playable::scripted;

/// What happened in a case.
#[derive(Debug)]
pub(super) struct Played {
    /// The fold of its journal.
    pub(super) record: RunRecord,
    /// What each step put out, by the job's key and the step's position from 0.
    pub(super) outputs: HashMap<(String, usize), IndexMap<String, String>>,
}

/// The workflow of a case: with what the case forces.
pub(super) fn workflow(file: &TestFile, case: &Case) -> Arc<Workflow> {
    scripted(&file.playable, case).map_or_else(|| Arc::clone(&file.playable), Arc::new)
}

/// Plays a plan to its end; none if it does not come to one.
pub(super) fn play(file: &TestFile, case: &Case, plan: Plan, identity: RunIdentity) -> Option<Played> {
    let mut engine = Engine::new(plan, settings(&case.given, identity));
    let mut facts = VecDeque::from([FactKind::Begin]);
    let mut outputs = HashMap::new();
    let mut at_ms = 0;
    while let Some(kind) = facts.pop_front() {
        at_ms += 1;
        let turn = engine.handle(Fact { at_ms, kind });
        for event in turn.events {
            if let RunEventKind::StepFinished(it) = event.kind {
                let texts = it.outputs.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
                outputs.insert((it.job.to_string(), it.step.index()), texts);
            }
        }
        for effect in turn.effects {
            answer(file, case, effect, &mut facts);
        }
    }
    let record = engine.record().clone();
    record.conclusion.is_some().then_some(Played { record, outputs })
}

fn answer(file: &TestFile, case: &Case, effect: Effect, facts: &mut VecDeque<FactKind>) {
    match effect {
        Effect::OpenJob { job, .. } => match end_of_job(case, job.as_str()) {
            Some(Outcome::Failure) => {
                facts.push_back(FactKind::JobNotReady { job, message: FORCED.to_owned(), help: None });
            }
            end => {
                if end == Some(Outcome::Cancelled) {
                    facts.push_back(FactKind::Woke(Timer::JobTimeout { job: job.clone() }));
                }
                let environment = Box::new(environment(&file.set.root, job.as_str()));
                facts.push_back(FactKind::JobReady { job, environment });
            }
        },
        Effect::CloseJob { job } => facts.push_back(FactKind::JobClosed { job, fault: None }),
        Effect::HashFiles { job, patterns } => {
            facts.push_back(FactKind::Hashed { job, patterns, digest: Ok(String::new()) });
        }
        Effect::RunStep { job, step, phase, .. } => {
            let index = step.index();
            let failed = phase == Phase::Main && case.end_of_step(job.as_str(), index) == Some(Outcome::Failure);
            let output = case.outputs_of_step(job.as_str(), index).map(file_of).unwrap_or_default();
            let files = Box::new(StepFiles { output, ..StepFiles::default() });
            facts.push_back(FactKind::StepEnded { job, end: StepEnd::Exited { code: i32::from(failed) }, files });
        }
        // Every step ends by itself, and no time passes.
        Effect::Signal { .. } | Effect::WakeAt { .. } => {}
    }
}

const FORCED: &str = "the test says so";

/// How a job ends: as forced, or as one of the jobs that it calls does.
pub(super) fn end_of_job(case: &Case, job: &str) -> Option<Outcome> {
    let called = || {
        let prefix = format!("{} / ", job.to_ascii_lowercase());
        let mut ends = case.job_ends.iter().filter(|(it, _)| it.to_ascii_lowercase().starts_with(&prefix));
        ends.any(|(_, it)| *it == Outcome::Failure).then_some(Outcome::Failure)
    };
    case.end_of_job(job).or_else(called)
}

/// `GITHUB_OUTPUT`
fn file_of(outputs: &IndexMap<String, String>) -> String {
    let mut text = String::new();
    for (name, value) in outputs {
        let mut delimiter = "END".to_owned();
        while value.lines().any(|it| it == delimiter) {
            delimiter.push('_');
        }
        text.extend([name.as_str(), "<<", &delimiter, "\n", value, "\n", &delimiter, "\n"]);
    }
    text
}

fn settings(given: &Given, identity: RunIdentity) -> EngineSettings {
    EngineSettings {
        run_id: identity.run_id.clone(),
        identity,
        backend: "scripted".to_owned(),
        backend_reason: "it is a test".to_owned(),
        secrets: given.secrets.clone(),
        hidden: Vec::new(),
        vars: given.vars.clone(),
        inputs: wfrun_expr::Value::Object(given.checked_inputs.context.clone()),
        env: given.env.clone(),
        max_jobs: 0,
        strict: false,
        grace: Grace::default(),
        notices: Vec::new(),
        without_effect: Vec::new(),
    }
}

/// The machine that the job asks for, whatever this one is.
fn environment(workflow: &Workflow, job: &str) -> JobEnvironment {
    let model = workflow.job(job);
    let labels = || model.into_iter().flat_map(|it| &it.runs_on).map(|it| it.raw().to_ascii_lowercase());
    let os = match () {
        () if labels().any(|it| it.starts_with("windows")) => "Windows",
        () if labels().any(|it| it.starts_with("macos")) => "macOS",
        () => "Linux",
    };
    let arch = if labels().any(|it| it.ends_with("arm") || it.ends_with("arm64")) { "ARM64" } else { "X64" };
    let work = "/home/runner/work";
    JobEnvironment {
        image: None,
        os: os.to_owned(),
        arch: arch.to_owned(),
        name: "GitHub Actions 1".to_owned(),
        layout: Layout {
            workspace: format!("{work}/repo/repo"),
            runner_workspace: format!("{work}/repo"),
            temp: format!("{work}/_temp"),
            tool_cache: "/opt/hostedtoolcache".to_owned(),
            home: "/home/runner".to_owned(),
            event_path: format!("{work}/_temp/_github_workflow/event.json"),
            file_commands: format!("{work}/_temp/_runner_file_commands"),
        },
        path: "/usr/bin:/bin".to_owned(),
        base_env: IndexMap::new(),
        step_env: IndexMap::new(),
        action_env: IndexMap::new(),
        actions: IndexMap::new(),
        secrets: Vec::new(),
    }
}

/// Plans a case; the reason if the event does not trigger the workflow.
pub(super) fn plan(workflow: &Arc<Workflow>, case: &Case, event: Event) -> Result<Plan, wfrun_plan::PlanError> {
    // Called jobs are asked for with the job that calls them.
    let top = |it: &String| it.split(" / ").next().unwrap_or_default().to_owned();
    let chosen: Vec<String> = case.given.jobs.iter().map(top).collect();
    wfrun_plan::plan(workflow, event, &chosen, case.given.no_needs)
}
