//! Plays a case: the real engine decides, and the case answers for the world.
use std::collections::{HashMap, HashSet, VecDeque};

use indexmap::IndexMap;
use wfrun_engine::{
    Effect, Engine, EngineSettings, Fact, FactKind, Forced, ForcedStep, Grace, JobEnvironment, Layout, StepEnd,
    StepFiles,
};
use wfrun_journal::{Outcome, RunEventKind, RunRecord};
use wfrun_plan::{Event, JobKey, Plan, PlanError, RunIdentity, Selection};
use wfrun_workflow::WorkflowSet;

use super::groups::{Entry, Groups};
use super::model::{Case, JobPlace, StepPlace, TestFile};

/// What happened in a case.
#[derive(Debug)]
pub(super) struct Played {
    /// The fold of its journal.
    pub(super) record: RunRecord,
    /// What each job is called without any matrix, by its key.
    pub(super) paths: HashMap<JobKey, String>,
    /// What each step put out, by the job's key and the step's position from 0.
    pub(super) outputs: HashMap<(JobKey, usize), IndexMap<String, String>>,
    /// The steps of which a process was started, in the same way.
    pub(super) started: HashSet<(JobKey, usize)>,
    /// The jobs that entered concurrency groups, in order.
    pub(super) entered: Vec<Entry>,
    /// What kept the run from beginning, if something did.
    pub(super) fault: Option<String>,
}

impl Played {
    /// Whether a leg is what a case names: by its own key, its job's, or its path.
    pub(super) fn is(&self, place: &JobPlace, leg: &JobKey) -> bool {
        let Some(named) = &place.leg else {
            return self.paths.get(leg).is_some_and(|it| it.eq_ignore_ascii_case(&place.path));
        };
        let is = |key: &JobKey| key.as_str().eq_ignore_ascii_case(named);
        is(leg) || self.record.legs.iter().any(|(job, legs)| is(job) && legs.contains(leg))
    }

    /// Whether what a case says of a job is about this one, or about a leg of it.
    pub(super) fn is_of(&self, place: &JobPlace, declared: &JobKey) -> bool {
        self.record.legs_of(declared).iter().any(|leg| self.is(place, leg))
    }
}

/// Plans a case on a playable form of its workflow; the reason if the event does not trigger that.
pub(super) fn plan(file: &TestFile, playable: &WorkflowSet, case: &Case, event: Event) -> Result<Plan, PlanError> {
    let selection = Selection::of(&file.set, &case.given.jobs, case.given.no_needs, case.given.legs.clone())?;
    wfrun_plan::plan(playable.clone(), event, selection)
}

/// Plays a plan to its end; none if it does not come to one.
pub(super) fn play(case: &Case, plan: Plan, identity: RunIdentity) -> Option<Played> {
    let mut engine = Engine::new(plan, settings(case, identity));
    let mut facts = VecDeque::from([FactKind::Begin]);
    let mut outputs = HashMap::new();
    let mut groups = Groups::default();
    let mut fault = None;
    let mut started = HashSet::new();
    let mut at_ms = 0;
    while let Some(kind) = facts.pop_front() {
        at_ms += 1;
        let turn = engine.handle(Fact { at_ms, kind });
        for event in turn.events {
            if let RunEventKind::StepFinished(it) = event.kind {
                let texts = it.outputs.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
                outputs.insert((it.job, it.step.index()), texts);
            } else if let RunEventKind::Fault(it) = event.kind {
                fault.get_or_insert(it.message.to_string());
            }
        }
        for effect in turn.effects {
            if let Effect::RunStep { job, step, .. } = &effect {
                started.insert((job.clone(), step.index()));
            }
            facts.extend(answer(effect, &mut groups, at_ms));
        }
    }
    let record = engine.record().clone();
    let paths = paths(&record);
    record.conclusion.is_some().then_some(Played {
        record,
        paths,
        outputs,
        started,
        entered: groups.into_entries(),
        fault,
    })
}

/// Every step ends well by itself, and no time passes.
fn answer(effect: Effect, groups: &mut Groups, turn: u64) -> Vec<FactKind> {
    let fact = match effect {
        Effect::EnterGroup { job, group } => return groups.enter(job, &group, turn),
        Effect::LeaveGroup { job } => return groups.leave(&job),
        Effect::OpenJob { job, request, .. } => {
            FactKind::JobReady { job, environment: Box::new(environment(&request.labels)) }
        }
        Effect::CloseJob { job, .. } => FactKind::JobClosed { job, fault: None },
        Effect::HashFiles { job, patterns } => FactKind::Hashed { job, patterns, digest: Ok(String::new()) },
        Effect::ReadFile { job, process, .. } => {
            FactKind::FileRead { job, process, text: Err("nothing is read in a test".to_owned()) }
        }
        Effect::FindShell { job, search } => FactKind::ShellFound { job, found: Some(search.command.clone()), search },
        Effect::FindAction { job, action } => FactKind::ActionFound { job, action, found: Err(String::new()) },
        Effect::RunStep { job, process, .. } => {
            FactKind::StepEnded { job, process, end: StepEnd::Exited { code: 0 }, files: Box::<StepFiles>::default() }
        }
        Effect::StopContainers { job } => FactKind::ContainersStopped { job, warnings: Vec::new() },
        Effect::Signal { .. }
        | Effect::WakeAt { .. }
        | Effect::HurryJob { .. }
        | Effect::MakeAhead { .. }
        | Effect::DropAhead { .. } => return Vec::new(),
    };
    vec![fact]
}

/// What jobs are called without a matrix, those that call them neither.
fn paths(record: &RunRecord) -> HashMap<JobKey, String> {
    let declared: HashMap<&JobKey, &JobKey> =
        record.legs.iter().flat_map(|(job, legs)| legs.iter().map(move |leg| (leg, job))).collect();
    let mut paths: HashMap<JobKey, String> = HashMap::new();
    // Callers stand before what they call.
    for (key, job) in &record.jobs {
        let declared = declared.get(key).copied().unwrap_or(key);
        let caller = declared.as_str().strip_suffix(&format!(" / {}", job.id));
        let path = match caller.and_then(|it| paths.get(&JobKey::new(it))) {
            Some(caller) => format!("{caller} / {}", job.id),
            None => job.id.clone(),
        };
        paths.insert(key.clone(), path);
    }
    paths
}

fn settings(case: &Case, identity: RunIdentity) -> EngineSettings {
    let given = &case.given;
    EngineSettings {
        run_id: identity.run_id.clone(),
        identity,
        backend: "scripted".to_owned(),
        backend_reason: "it is a test".to_owned(),
        token_seed: None,
        secrets: given.secrets.clone(),
        hidden: Vec::new(),
        vars: given.vars.clone(),
        inputs: wfrun_expr::Value::Object(given.checked_inputs.context.clone()),
        env: given.env.clone(),
        forced: forced(case),
        any_machine: true,
        has_containers: true,
        makes_ahead: false,
        starts_tasks: false,
        omits_fault_injection: false,
        container_workspace: None,
        max_jobs: 0,
        strict: false,
        grace: Grace::default(),
        notices: Vec::new(),
        without_effect: Vec::new(),
    }
}

fn forced(case: &Case) -> Forced {
    let mut steps: IndexMap<&StepPlace, (Outcome, IndexMap<String, String>)> = IndexMap::new();
    for (place, outcome) in &case.step_ends {
        steps.insert(place, (*outcome, IndexMap::new()));
    }
    for (place, outputs) in &case.step_outputs {
        let (_, all) = steps.entry(place).or_insert((Outcome::Success, IndexMap::new()));
        all.extend(outputs.clone());
    }
    let step = |(place, (outcome, outputs)): (&StepPlace, (Outcome, IndexMap<String, String>))| ForcedStep {
        job: place.job.key(),
        index: place.index,
        outcome,
        outputs,
    };
    Forced {
        jobs: case.job_ends.iter().map(|(job, outcome)| (job.key(), *outcome)).collect(),
        job_outputs: case.job_outputs.iter().map(|(job, outputs)| (job.key(), outputs.clone())).collect(),
        steps: steps.into_iter().map(step).collect(),
    }
}

/// The machine that the job asks for, whatever this one is.
fn environment(labels: &[String]) -> JobEnvironment {
    let labels = || labels.iter().map(|it| it.to_ascii_lowercase());
    let os = match () {
        () if labels().any(|it| it.starts_with("windows")) => "Windows",
        () if labels().any(|it| it.starts_with("macos")) => "macOS",
        () => "Linux",
    };
    let arch = if labels().any(|it| it.ends_with("arm") || it.ends_with("arm64")) { "ARM64" } else { "X64" };
    JobEnvironment {
        image: None,
        workspace: "files",
        os: os.to_owned(),
        arch: arch.to_owned(),
        name: "GitHub Actions 1".to_owned(),
        layout: Layout::below("/home/runner/work", "repo", "/opt/hostedtoolcache", "/home/runner"),
        path: "/usr/bin:/bin".to_owned(),
        base_env: IndexMap::new(),
        step_env: IndexMap::new(),
        action_env: IndexMap::new(),
        actions: IndexMap::new(),
        secrets: Vec::new(),
        containers: None,
        absent: None,
    }
}
