//! The beginning of a step: environment, condition, launch.
//!
//! Source: GitHub: execution rules E1.4.
use indexmap::IndexMap;
use wfrun_expr::{EvalError, Value};
use wfrun_journal::{
    AnnotationLevel, How, Masked, Outcome, Phase, RunEventKind, SkipReason, StepKindName, StepSkipped, StepStarted,
};
use wfrun_plan::{JobKey, StepPath};
use wfrun_workflow::{ActionRef, IfField, Step, StepKind};

use super::Engine;
use super::contexts::runner_object;
use super::job::{evaluate_map, evaluate_text, minutes_to_ms};
use super::launch::ToLaunch;
use crate::environment::{Layers, environment};
use crate::scope::{At, Status};
use crate::state::{Current, JobState, Progress, Stage};
use crate::{Effect, FilePaths, ForcedStep, Launch, Program, ResolvedAction, StopCommands, Timer};

/// Why a step cannot begin.
pub(super) enum Hindrance {
    /// Files must be hashed first.
    Hashing(Vec<String>),
    /// It fails at once.
    Failed(String),
}

impl From<EvalError> for Hindrance {
    fn from(err: EvalError) -> Self {
        match &err {
            EvalError::NotYet { args, .. } => Self::Hashing(args.iter().map(Value::to_text).collect()),
            EvalError::Unknown { .. }
            | EvalError::InvalidFormat { .. }
            | EvalError::MissingFormatArgument { .. }
            | EvalError::FormatSpecifiers { .. }
            | EvalError::CasePredicate
            | EvalError::Json { .. }
            | EvalError::Memory { .. } => Self::Failed(err.to_string()),
        }
    }
}

/// A step whose keys are evaluated.
struct Prepared {
    name: String,
    env: IndexMap<String, String>,
    timeout_minutes: Option<u64>,
    verdict: Result<(), SkipReason>,
}

impl Engine {
    /// Begins, skips and finishes steps of a job until one runs or none is left.
    pub(super) fn advance_steps(&mut self, key: &JobKey) {
        loop {
            let Some(state) = self.jobs.get(key) else { return };
            if state.progress != Progress::Running || state.current.is_some() || !state.hashing.is_empty() {
                return;
            }
            let Some(stage) = state.next_stage().filter(|_| !state.halted) else {
                return self.finish_steps(key);
            };
            self.begin_stage(key, stage);
        }
    }

    fn begin_stage(&mut self, key: &JobKey, stage: Stage) {
        let Some(step) = self.model_step(key, stage.index).cloned() else { return };
        match self.try_begin(key, stage, &step) {
            Ok(()) => {}
            Err(Hindrance::Hashing(patterns)) => {
                if let Some(state) = self.jobs.get_mut(key) {
                    state.hashing.insert(patterns.clone());
                }
                self.turn.effects.push(Effect::HashFiles { job: key.clone(), patterns });
            }
            // What goes wrong before the step's turn is not forgiven. Source: GitHub: execution rules E1.4.
            Err(Hindrance::Failed(message)) => self.fail_at_once(key, stage, &step, &message, Outcome::Failure),
        }
    }

    fn try_begin(&mut self, key: &JobKey, stage: Stage, step: &Step) -> Result<(), Hindrance> {
        let forced = self.forced_step(key, stage);
        if forced.as_ref().is_some_and(|it| it.outcome == Outcome::Skipped) {
            self.skip_step(key, stage, step, &raw_name(stage, step), SkipReason::Forced);
            return Ok(());
        }
        let prepared = self.prepare_step(key, stage, step)?;
        if let Err(reason) = prepared.verdict {
            self.skip_step(key, stage, step, &prepared.name, reason);
            return Ok(());
        }
        if let Some(forced) = forced {
            self.force_step(key, stage, step, &prepared, forced);
            return Ok(());
        }
        let files = self.file_paths(key);
        let contexts = self.step_contexts(key, step, &prepared.env, Some(&files));
        let to_launch = match &step.kind {
            StepKind::Run(run) => self.script(key, run, &contexts),
            StepKind::Uses(uses) => self.action(key, stage, uses, &contexts),
            StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => {
                Err(Hindrance::Failed(format!("wfrun does not carry out `{}` yet", step.key())))
            }
        };
        let ToLaunch { program, inputs, cwd, header } = match to_launch {
            Ok(to_launch) => to_launch,
            Err(Hindrance::Failed(message)) => {
                let forgiven = self.is_forgiven(key, step, &prepared.env);
                let conclusion = if forgiven { Outcome::Success } else { Outcome::Failure };
                self.fail_at_once(key, stage, step, &message, conclusion);
                return Ok(());
            }
            Err(hindrance @ Hindrance::Hashing(_)) => return Err(hindrance),
        };
        let Some(state) = self.jobs.get(key) else { return Ok(()) };
        let Some(job) = &state.environment else { return Ok(()) };
        let github = self.step_github(state, step, Some(&files));
        let layers = Layers {
            job,
            env: &prepared.env,
            added_paths: &state.added_paths,
            state: state.saved.get(&stage.index),
            inputs: inputs.as_ref(),
            github: &github,
            runner: &runner_object(state),
            files: &files,
        };
        let launch = Box::new(Launch { program, env: environment(&layers), cwd, files });
        self.start_step(key, stage, step, prepared, launch, &header);
        Ok(())
    }

    fn forced_step(&self, key: &JobKey, stage: Stage) -> Option<ForcedStep> {
        let declared = self.declared(&self.jobs.get(key)?.place)?;
        let forced = self.settings.forced.step([key, &declared.key, &declared.path], stage.index);
        forced.filter(|_| stage.phase == Phase::Main).cloned()
    }

    /// A step ends as it is told to, and nothing of it runs.
    fn force_step(&mut self, key: &JobKey, stage: Stage, step: &Step, prepared: &Prepared, forced: ForcedStep) {
        let name = self.masker.mask(&prepared.name);
        let outcome = forced.outcome;
        if let Some(state) = self.jobs.get_mut(key) {
            state.take_stage(stage);
        }
        self.emit_step_started(key, stage, step, &name, (kind_of(step), How::Simulated), &[]);
        let (subject, detail) = (prepared.name.clone(), format!("it did not run: {outcome} was forced"));
        self.declare(key, Some(&StepPath::at(stage.index)), How::Simulated, &subject, &detail);
        let forgiven = outcome == Outcome::Failure && self.is_forgiven(key, step, &prepared.env);
        let conclusion = if forgiven { Outcome::Success } else { outcome };
        let ending = super::step_end::Ending::forced(name, self.now_ms, outcome, conclusion, forced.outputs);
        self.finish_stage(key, stage, step, ending);
    }

    /// Evaluates a step's environment, name, condition and time limit, in GitHub's order.
    fn prepare_step(&self, key: &JobKey, stage: Stage, step: &Step) -> Result<Prepared, Hindrance> {
        let Some(state) = self.jobs.get(key) else { return Err(Hindrance::Failed("no such job".to_owned())) };
        let hashes = Some(&state.hashes);
        if let Some(Err(message)) = state.hashes.values().find(|it| it.is_err()) {
            return Err(Hindrance::Failed(message.clone()));
        }
        let status = || Status::Step(state.status);
        let contexts = self.step_contexts(key, step, &state.global_env, None);
        let own = evaluate_map(&step.env, &At { contexts: &contexts, status: Status::None, hashes })?;
        let mut env = state.global_env.clone();
        env.extend(own);
        // The condition sees the step's own `env`.
        let contexts = self.step_contexts(key, step, &env, None);
        let at = |status| At { contexts: &contexts, status, hashes };
        let name = match display_name(stage, step, &at(Status::None)) {
            Err(EvalError::NotYet { args, .. }) => {
                return Err(Hindrance::Hashing(args.iter().map(Value::to_text).collect()));
            }
            Ok(name) => name,
            // Best effort, as on GitHub: the raw text stays.
            Err(_) => raw_name(stage, step),
        };
        let verdict = match stage_condition(state, stage, step) {
            None => Ok(()),
            Some(condition) => {
                let trace = condition.condition.evaluate(&at(status()))?;
                if trace.value().is_truthy() { Ok(()) } else { Err(self.skip_reason(state, &condition, &trace)) }
            }
        };
        let minutes = evaluate_text(step.timeout_minutes.as_ref(), &at(Status::None))?;
        let timeout_minutes = minutes.and_then(|it| minutes_to_ms(wfrun_expr::parse_number(&it))).map(|it| it / 60_000);
        Ok(Prepared { name, env, timeout_minutes, verdict })
    }

    fn skip_reason(&self, state: &JobState, condition: &IfField, trace: &wfrun_expr::Trace) -> SkipReason {
        if condition.condition.implicit_success {
            match state.status {
                Outcome::Cancelled => return SkipReason::Cancelled,
                Outcome::Failure => {
                    let failed = self.record.jobs.get(&state.key).and_then(|it| it.first_failure());
                    return SkipReason::EarlierStep { step: failed.map(ToString::to_string) };
                }
                Outcome::Success | Outcome::Skipped => {}
            }
        }
        let line = condition.span().map_or(0, |it| self.line_of(state.place.frame, it.start));
        self.condition_reason(trace, line)
    }

    fn start_step(
        &mut self,
        key: &JobKey,
        stage: Stage,
        step: &Step,
        prepared: Prepared,
        launch: Box<Launch>,
        header: &[String],
    ) {
        let (kind, how) = match &launch.program {
            Program::Script { .. } => (StepKindName::Run, How::Real),
            Program::StandIn { .. } => (StepKindName::Builtin, How::StandIn),
            Program::Node { .. } => (StepKindName::Javascript, How::Real),
            Program::Container { .. } => (StepKindName::Docker, How::Real),
        };
        let name = self.masker.mask(&prepared.name);
        let has_post = self.has_post(key, step);
        let timeout_minutes = prepared.timeout_minutes;
        let now_ms = self.now_ms;
        let Some(state) = self.jobs.get_mut(key) else { return };
        state.take_stage(stage);
        // The post part is pushed when the main part starts. Source: GitHub: execution rules E1.7.
        if has_post && stage.phase == Phase::Main {
            state.post.push(stage.index);
        }
        state.serial += 1;
        let serial = state.serial;
        state.current = Some(Current {
            stage,
            serial,
            name: name.clone(),
            how,
            started_at_ms: now_ms,
            env: prepared.env,
            outputs: IndexMap::new(),
            stop: StopCommands::default(),
            echo: self.is_debug,
            command_failed: false,
            timeout_minutes,
            timed_out: false,
            stopping: false,
            annotations: [0; 3],
        });
        // What a step was given is shown once, where it begins.
        let header = if stage.phase == Phase::Main { header } else { &[] };
        self.emit_step_started(key, stage, step, &name, (kind, how), header);
        if let Program::StandIn { action, phase: Phase::Main } = &launch.program {
            let detail = "wfrun's own program with the action's inputs, outputs and files";
            self.declare(key, Some(&StepPath::at(stage.index)), How::StandIn, &action.to_string(), detail);
        }
        let step = StepPath::at(stage.index);
        self.turn.effects.push(Effect::RunStep { job: key.clone(), process: serial, step, phase: stage.phase, launch });
        if let Some(minutes) = timeout_minutes {
            self.wake(minutes * 60_000, Timer::StepTimeout { job: key.clone(), serial });
        }
    }

    fn emit_step_started(
        &mut self,
        key: &JobKey,
        stage: Stage,
        step: &Step,
        name: &Masked,
        (kind, how): (StepKindName, How),
        header: &[String],
    ) {
        let started = StepStarted {
            job: key.clone(),
            step: StepPath::at(stage.index),
            id: step.has_id.then(|| step.id.to_string()),
            name: name.clone(),
            kind,
            phase: stage.phase,
            how,
            line: self.line_of_job(key, step.span.start),
            header: header.iter().map(|it| self.masker.mask(it)).collect(),
        };
        self.emit(RunEventKind::StepStarted(started));
    }

    fn skip_step(&mut self, key: &JobKey, stage: Stage, step: &Step, name: &str, reason: SkipReason) {
        let skipped = StepSkipped {
            job: key.clone(),
            step: StepPath::at(stage.index),
            id: step.has_id.then(|| step.id.to_string()),
            name: self.masker.mask(name),
            phase: stage.phase,
            reason,
        };
        self.emit(RunEventKind::StepSkipped(skipped));
        if let Some(state) = self.jobs.get_mut(key) {
            state.take_stage(stage);
        }
        self.record_result(key, stage, step, IndexMap::new(), Outcome::Skipped, Outcome::Skipped);
    }

    /// A step fails without having started a process.
    fn fail_at_once(&mut self, key: &JobKey, stage: Stage, step: &Step, message: &str, conclusion: Outcome) {
        let name = self.masker.mask(&raw_name(stage, step));
        if let Some(state) = self.jobs.get_mut(key) {
            state.take_stage(stage);
        }
        self.emit_step_started(key, stage, step, &name, (kind_of(step), How::Real), &[]);
        let mut annotation = self.annotation(key, AnnotationLevel::Error, message);
        annotation.step = Some(StepPath::at(stage.index));
        annotation.file = Some(self.masker.mask(self.workflow_of(key).map_or("", |it| it.source.path())));
        annotation.line = Some(self.line_of_job(key, step.span.start));
        self.emit_annotation(key, annotation);
        self.finish_stage(key, stage, step, super::step_end::Ending::failed_at_once(name, self.now_ms, conclusion));
    }

    pub(super) fn hashed(&mut self, key: &JobKey, patterns: Vec<String>, digest: Result<String, String>) {
        if let Some(state) = self.jobs.get_mut(key) {
            state.hashing.remove(&patterns);
            state.hashes.insert(patterns, digest);
        }
    }

    pub(super) fn model_step(&self, key: &JobKey, index: usize) -> Option<&Step> {
        self.model(key)?.steps.get(index)
    }

    fn has_post(&self, key: &JobKey, step: &Step) -> bool {
        let StepKind::Uses(uses) = &step.kind else { return false };
        let resolved = self.jobs.get(key).and_then(|it| resolved(it, uses.action()?));
        resolved.is_some_and(|it| it.manifest.runs.has_post())
    }

    fn file_paths(&self, key: &JobKey) -> FilePaths {
        let Some(state) = self.jobs.get(key) else { return empty_paths() };
        let folder = state.environment.as_ref().map_or("", |it| it.layout.file_commands.as_str());
        let unique = self.unique(state);
        let file = |prefix: &str| format!("{folder}/{prefix}{unique}");
        FilePaths {
            path: file("add_path_"),
            env: file("set_env_"),
            summary: file("step_summary_"),
            state: file("save_state_"),
            output: file("set_output_"),
            declarations: file("declarations_"),
        }
    }

    /// A name that no other process of the run has.
    pub(super) fn unique(&self, state: &JobState) -> String {
        let job = self.jobs.get_index_of(&state.key).unwrap_or(0);
        format!("{}-{job}-{}", self.settings.run_id, state.serial + 1)
    }
}

fn kind_of(step: &Step) -> StepKindName {
    match &step.kind {
        StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => {
            StepKindName::Run
        }
        StepKind::Uses(_) => StepKindName::Builtin,
    }
}

fn empty_paths() -> FilePaths {
    let empty = String::new;
    FilePaths { path: empty(), env: empty(), summary: empty(), state: empty(), output: empty(), declarations: empty() }
}

/// The manifest of an action that was found.
pub(super) fn resolved<'a>(state: &'a JobState, action: &ActionRef) -> Option<&'a ResolvedAction> {
    state.environment.as_ref()?.actions.get(action)
}

/// The condition of a stage; none means `always()`.
fn stage_condition(state: &JobState, stage: Stage, step: &Step) -> Option<IfField> {
    match stage.phase {
        Phase::Main => Some(step.condition.clone()),
        Phase::Pre | Phase::Post => {
            let StepKind::Uses(uses) = &step.kind else { return None };
            resolved(state, uses.action()?)?.manifest.runs.post_if.clone()
        }
    }
}

/// Source: GitHub: execution rules E1.3, "Display names".
fn display_name(stage: Stage, step: &Step, at: &At<'_>) -> Result<String, EvalError> {
    let written = evaluate_text(step.name.as_ref(), at)?.filter(|it| !it.is_empty());
    let name = match (written, &step.kind) {
        (Some(name), _) => name,
        (None, StepKind::Run(run)) => {
            let script = run.script.template.evaluate(at)?.value().to_text();
            format!("Run {}", script.trim_start().lines().next().unwrap_or_default())
        }
        (None, StepKind::Uses(uses)) => format!("Run {}", uses.target.value),
        (None, StepKind::Wait(_)) => "Wait".to_owned(),
        (None, StepKind::WaitAll) => "Wait for all".to_owned(),
        (None, StepKind::Cancel(_)) => "Cancel".to_owned(),
        (None, StepKind::Parallel(_)) => "Parallel group".to_owned(),
    };
    Ok(with_phase(stage, &name))
}

/// The name of a step when nothing can be evaluated.
fn raw_name(stage: Stage, step: &Step) -> String {
    let name = match (&step.name, &step.kind) {
        (Some(name), _) => name.raw(),
        (None, StepKind::Run(run)) => {
            format!("Run {}", run.script.raw().trim_start().lines().next().unwrap_or_default())
        }
        (None, StepKind::Uses(uses)) => format!("Run {}", uses.target.value),
        (None, StepKind::Wait(_)) => "Wait".to_owned(),
        (None, StepKind::WaitAll) => "Wait for all".to_owned(),
        (None, StepKind::Cancel(_)) => "Cancel".to_owned(),
        (None, StepKind::Parallel(_)) => "Parallel group".to_owned(),
    };
    with_phase(stage, &name)
}

fn with_phase(stage: Stage, name: &str) -> String {
    match stage.phase {
        Phase::Pre => format!("Pre {name}"),
        Phase::Main => name.to_owned(),
        Phase::Post => format!("Post {name}"),
    }
}
