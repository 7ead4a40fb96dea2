//! The beginning of a step, or that it is skipped.
//!
//! Source: GitHub: execution rules E1.4.
use indexmap::IndexMap;
use wfrun_expr::{EvalError, Value};
use wfrun_journal::{
    AnnotationLevel, How, Lines, Masked, Outcome, Phase, RunEventKind, SkipReason, StepKindName, StepSkipped,
    StepStarted, Stream,
};
use wfrun_plan::{JobKey, StepPath};
use wfrun_workflow::{RunsKind, Step, StepKind};

use super::Engine;
use super::composite::{meant, resolved};
use super::launch::ToLaunch;
use super::names::raw_name;
use super::parts::has_part;
use super::prepare::Prepared;
use super::step_end::Ending;
use crate::state::{JobState, Progress};
use crate::strand::{Current, Stage, Waits, Work};
use crate::{Effect, FilePaths, ForcedStep, Launch, Program, StopCommands, Timer};

/// Why a step cannot begin.
pub(super) enum Hindrance {
    /// Something must be known first.
    Waits(Waits),
    /// It fails at once.
    Failed(String),
}

impl From<EvalError> for Hindrance {
    fn from(err: EvalError) -> Self {
        match &err {
            EvalError::NotYet { args, .. } => Self::Waits(Waits::Hash(args.iter().map(Value::to_text).collect())),
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

/// What a strand does next.
enum Next {
    /// It has to wait, or is over.
    Nothing,
    Begin(Stage),
    /// A post part, once no background step runs.
    Post(Stage),
    FinishComposite,
    TryFinishWait,
    /// All stages of the job are through.
    End,
}

/// A step that is about to begin.
pub(super) struct Beginning<'a> {
    pub(super) key: &'a JobKey,
    pub(super) stage: &'a Stage,
    pub(super) step: &'a Step,
}

impl Engine {
    /// Begins, skips and finishes steps of a job until all strands wait or none is left.
    pub(super) fn advance_steps(&mut self, key: &JobKey) {
        let mut strand = 0;
        while self.jobs.get(key).is_some_and(|it| strand < it.strands.len() && it.progress == Progress::Running) {
            if let Some(state) = self.jobs.get_mut(key) {
                state.active = strand;
            }
            self.advance_strand(key);
            strand += 1;
        }
    }

    pub(super) fn advance_strand(&mut self, key: &JobKey) {
        while self.jobs.get(key).is_some_and(|it| it.progress == Progress::Running) {
            match self.next(key) {
                Next::Begin(stage) => self.begin_stage(key, &stage),
                Next::FinishComposite => self.finish_composite(key),
                Next::TryFinishWait if self.try_finish_wait(key) => {}
                Next::Post(stage) if self.all_ended(key) => self.begin_stage(key, &stage),
                Next::End if self.all_ended(key) => self.finish_steps(key),
                Next::TryFinishWait | Next::Post(_) | Next::End | Next::Nothing => return,
            }
        }
    }

    /// What comes next in the strand whose turn it is.
    fn next(&self, key: &JobKey) -> Next {
        let Some(state) = self.jobs.get(key) else { return Next::Nothing };
        let Some(strand) = state.strand().filter(|it| it.waits.is_none()) else { return Next::Nothing };
        if let Some(current) = strand.stack.last() {
            return match &current.work {
                Work::Process => Next::Nothing,
                Work::Composite => Self::next_of_composite(state, current).map_or(Next::FinishComposite, Next::Begin),
                Work::Wait(_) => Next::TryFinishWait,
            };
        }
        if strand.background.is_some() {
            let pending = strand.pending.clone().filter(|_| Self::may_begin(state));
            return pending.map_or(Next::Nothing, Next::Begin);
        }
        if Self::is_beginning(state) {
            return Next::Nothing;
        }
        match state.next_stage().filter(|_| !state.halted) {
            Some(stage) if stage.phase == Phase::Post => Next::Post(stage),
            Some(stage) => Next::Begin(stage),
            None => Next::End,
        }
    }

    fn begin_stage(&mut self, key: &JobKey, stage: &Stage) {
        let Some(step) = self.model_step(key, &stage.path).cloned() else {
            // Stages are made of steps that are there; this is for those that are not, all the same.
            return self.jobs.get_mut(key).into_iter().for_each(|it| it.take_stage(stage));
        };
        if self.starts_background(key, stage, &step) {
            return;
        }
        let it = Beginning { key, stage, step: &step };
        match self.try_begin(&it) {
            Ok(()) => {}
            Err(Hindrance::Waits(waits)) => self.wait_for(key, waits),
            // What goes wrong before the step's turn is not forgiven. Source: GitHub: execution rules E1.4.
            Err(Hindrance::Failed(message)) => {
                self.fail_at_once(&it, &message, Outcome::Failure);
                // Source: GitHub: execution rules E7.5, "Status".
                let composite = self.jobs.get_mut(key).and_then(|it| it.composite_of_mut(&stage.path));
                if let Some(composite) = composite {
                    composite.coming.clear();
                }
            }
        }
    }

    fn wait_for(&mut self, key: &JobKey, waits: Waits) {
        let job = key.clone();
        self.turn.effects.push(match &waits {
            Waits::Hash(patterns) => Effect::HashFiles { job, patterns: patterns.clone() },
            Waits::Action(action) => Effect::FindAction { job, action: action.clone() },
            Waits::Shell(search) => Effect::FindShell { job, search: search.clone() },
        });
        if let Some(strand) = self.jobs.get_mut(key).and_then(JobState::strand_mut) {
            strand.waits = Some(waits);
        }
    }

    fn try_begin(&mut self, it: &Beginning<'_>) -> Result<(), Hindrance> {
        let forced = self.forced_step(it.key, it.stage);
        if forced.as_ref().is_some_and(|it| it.outcome == Outcome::Skipped) {
            self.skip_step(it, &raw_name(it.stage, it.step), SkipReason::Forced);
            return Ok(());
        }
        let prepared = self.prepare_step(it)?;
        if let Err(reason) = prepared.verdict {
            self.say_evaluation(it, &prepared.evaluation);
            self.skip_step(it, &prepared.name, reason);
            return Ok(());
        }
        if let Some(forced) = forced {
            self.force_step(it, &prepared, forced);
            return Ok(());
        }
        let env = prepared.env.clone();
        match self.launch(it, prepared) {
            // The step's own doing, which `continue-on-error` forgives.
            Err(Hindrance::Failed(message)) => {
                let forgiven = self.is_forgiven(it.key, &it.stage.path, it.step, &env);
                let conclusion = if forgiven { Outcome::Success } else { Outcome::Failure };
                self.fail_at_once(it, &message, conclusion);
                Ok(())
            }
            other @ (Ok(()) | Err(Hindrance::Waits(_))) => other,
        }
    }

    /// Starts what the step does.
    fn launch(&mut self, it: &Beginning<'_>, prepared: Prepared) -> Result<(), Hindrance> {
        let state = self.jobs.get_mut(it.key);
        if let Some(absent) = state.and_then(|it| it.environment.as_ref()?.absent)
            && matches!(it.step.kind, StepKind::Run(_) | StepKind::Uses(_))
        {
            // Before it is asked what there is to run it in.
            self.register_post(it);
            return Err(Hindrance::Failed(absent.to_owned()));
        }
        match &it.step.kind {
            StepKind::Run(run) => self.script(it, run, &prepared).map(|to_launch| self.start(it, prepared, to_launch)),
            StepKind::Uses(uses) => match self.find(it, uses) {
                Err(hindrance) => Err(hindrance),
                Ok(Some(action)) if matches!(action.manifest.runs.kind, RunsKind::Composite(_)) => {
                    self.begin_composite(it, uses, &action, prepared)
                }
                Ok(action) => {
                    let to_launch = self.action(it, uses, action.as_ref(), &prepared);
                    to_launch.map(|to_launch| {
                        let program = to_launch.program.clone();
                        self.start(it, prepared, to_launch);
                        self.warn_of_inputs(it, uses, action.as_ref().map(|it| &*it.manifest));
                        self.warn_of_definition(it, uses);
                        self.warn_of_pre(it, uses, action.as_ref().map(|it| &*it.manifest));
                        self.declare_stand_in(it, &program);
                    })
                }
            },
            StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => {
                self.begin_wait(it, prepared);
                Ok(())
            }
        }
    }

    fn start(&mut self, it: &Beginning<'_>, prepared: Prepared, to_launch: ToLaunch) {
        let ToLaunch { program, env, cwd, header, files, how, kind } = to_launch;
        let launch = Box::new(Launch { program, env, cwd, files });
        let process = self.push_current(it, prepared, Work::Process, (kind, how), &header);
        let (job, step, phase) = (it.key.clone(), it.stage.path.clone(), it.stage.phase);
        self.turn.effects.push(Effect::RunStep { job, process, step, phase, launch });
    }

    fn declare_stand_in(&mut self, it: &Beginning<'_>, program: &Program) {
        if let (Program::StandIn { action, .. }, Phase::Main) = (program, it.stage.phase) {
            let mut detail = "wfrun's own program with the action's inputs, outputs and files".to_owned();
            if let Some(tag) = &action.said_tag {
                detail = format!("{detail}, as {tag}, which a comment says is this commit");
            }
            self.declare(it.key, Some(&it.stage.path), How::StandIn, &action.to_string(), &detail);
        }
    }

    /// A step has begun; gives back its number.
    pub(super) fn push_current(
        &mut self,
        it: &Beginning<'_>,
        prepared: Prepared,
        work: Work,
        (kind, how): (StepKindName, How),
        header: &[String],
    ) -> u64 {
        let name = self.masker.mask(&prepared.name);
        self.register_post(it);
        let (timeout_minutes, errors, fails) = (prepared.timeout_minutes, prepared.errors, prepared.fails);
        let now_ms = self.now_ms;
        // What a step was given is shown once, where it begins; for those that wait there is nothing to show.
        let shows_env = !matches!(kind, StepKindName::Wait | StepKindName::Cancel | StepKindName::Parallel);
        let header = match it.stage.phase {
            Phase::Main if shows_env => [header, &shown_env(&prepared.env)].concat(),
            Phase::Main => header.to_vec(),
            Phase::Pre | Phase::Post => Vec::new(),
        };
        let Some(state) = self.jobs.get_mut(it.key) else { return 0 };
        state.take_stage(it.stage);
        state.serial += 1;
        let serial = state.serial;
        let current = Current {
            stage: it.stage.clone(),
            serial,
            name: name.clone(),
            how,
            started_at_ms: now_ms,
            work,
            env: prepared.env,
            outputs: IndexMap::new(),
            stop: StopCommands::default(),
            echo: self.is_debug,
            command_failed: fails,
            timeout_minutes,
            timed_out: false,
            stopping: false,
            annotations: [0; 3],
        };
        if let Some(strand) = state.strand_mut() {
            strand.stack.push(current);
        }
        self.emit_step_started(it, &name, (kind, how), &header);
        self.say_evaluation(it, &prepared.evaluation);
        if it.stage.phase == Phase::Post {
            // Source: GitHub: execution rules E1.7.
            let text = self.masker.mask("Post job cleanup.");
            self.say_of_step(it.key, &it.stage.path, it.stage.phase, text);
        }
        for message in &errors {
            self.annotate(it.key, AnnotationLevel::Error, message);
        }
        if let Some(minutes) = timeout_minutes {
            self.wake(minutes * 60_000, Timer::StepTimeout { job: it.key.clone(), serial });
        }
        serial
    }

    fn say_evaluation(&mut self, it: &Beginning<'_>, lines: &[String]) {
        for line in lines {
            // Values may have several lines, and a secret may.
            for line in self.masker.mask(line).lines() {
                self.say_of_step(it.key, &it.stage.path, it.stage.phase, line.behind("##[debug]"));
            }
        }
    }

    /// A line of the runner's own in the log of a step.
    pub(super) fn say_of_step(&mut self, key: &JobKey, step: &StepPath, phase: Phase, text: Masked) {
        let (job, step, stream) = (key.clone(), step.clone(), Stream::Stdout);
        self.emit(RunEventKind::Lines(Lines { job, step, phase, stream, text }));
    }

    fn forced_step(&self, key: &JobKey, stage: &Stage) -> Option<ForcedStep> {
        let forced = self.settings.forced.step(key, stage.path.index());
        forced.filter(|_| stage.phase == Phase::Main && stage.path.depth() == 0).cloned()
    }

    /// A step ends as it is told to, and nothing of it runs.
    fn force_step(&mut self, it: &Beginning<'_>, prepared: &Prepared, forced: ForcedStep) {
        let name = self.masker.mask(&prepared.name);
        let outcome = forced.outcome;
        if let Some(state) = self.jobs.get_mut(it.key) {
            state.take_stage(it.stage);
        }
        self.emit_step_started(it, &name, (kind_of(it.step), How::Simulated), &[]);
        let (subject, detail) = (prepared.name.clone(), format!("it did not run: {outcome} was forced"));
        self.declare(it.key, Some(&it.stage.path), How::Simulated, &subject, &detail);
        let path = &it.stage.path;
        let forgiven = outcome == Outcome::Failure && self.is_forgiven(it.key, path, it.step, &prepared.env);
        let conclusion = if forgiven { Outcome::Success } else { outcome };
        let ending = Ending::forced(name, self.now_ms, outcome, conclusion, forced.outputs);
        self.finish_stage(it.key, it.stage, it.step, ending);
    }

    pub(super) fn emit_step_started(
        &mut self,
        it: &Beginning<'_>,
        name: &Masked,
        (kind, how): (StepKindName, How),
        header: &[String],
    ) {
        let started = StepStarted {
            job: it.key.clone(),
            step: it.stage.path.clone(),
            id: it.step.has_id.then(|| it.step.id.to_string()),
            name: name.clone(),
            kind,
            phase: it.stage.phase,
            how,
            line: self.line_of_step(it.key, &it.stage.path, it.step.span.start),
            header: header.iter().map(|it| self.masker.mask(it)).collect(),
        };
        self.emit(RunEventKind::StepStarted(started));
    }

    fn skip_step(&mut self, it: &Beginning<'_>, name: &str, reason: SkipReason) {
        let skipped = StepSkipped {
            job: it.key.clone(),
            step: it.stage.path.clone(),
            id: it.step.has_id.then(|| it.step.id.to_string()),
            name: self.masker.mask(name),
            phase: it.stage.phase,
            reason,
        };
        self.emit(RunEventKind::StepSkipped(skipped));
        if let Some(state) = self.jobs.get_mut(it.key) {
            state.take_stage(it.stage);
        }
        let (outcome, conclusion) = (Outcome::Skipped, Outcome::Skipped);
        self.record_result(it.key, it.stage, it.step, IndexMap::new(), outcome, conclusion);
    }

    /// A step fails without having started a process.
    fn fail_at_once(&mut self, it: &Beginning<'_>, message: &str, conclusion: Outcome) {
        let name = self.masker.mask(&raw_name(it.stage, it.step));
        if let Some(state) = self.jobs.get_mut(it.key) {
            state.take_stage(it.stage);
        }
        self.emit_step_started(it, &name, (kind_of(it.step), How::Real), &[]);
        let mut annotation = self.annotation(it.key, AnnotationLevel::Error, message);
        annotation.step = Some(it.stage.path.clone());
        annotation.file = self.source_of_step(it.key, &it.stage.path).map(|it| self.masker.mask(it.path()));
        annotation.line = Some(self.line_of_step(it.key, &it.stage.path, it.step.span.start));
        self.emit_annotation(it.key, annotation);
        let ending = Ending::failed_at_once(name, self.now_ms, conclusion);
        self.finish_stage(it.key, it.stage, it.step, ending);
    }

    pub(super) fn hashed(&mut self, key: &JobKey, patterns: &[String], digest: &Result<String, String>) {
        let Some(state) = self.jobs.get_mut(key) else { return };
        let wanted = Waits::Hash(patterns.to_vec());
        for strand in state.strands.iter_mut().filter(|it| it.waits.as_ref() == Some(&wanted)) {
            strand.waits = None;
            strand.hashes.insert(patterns.to_vec(), digest.clone());
        }
    }

    /// The step at a path: of the job, of a composite action, or of a `parallel` group.
    pub(super) fn model_step(&self, key: &JobKey, path: &StepPath) -> Option<&Step> {
        let Some(parent) = path.parent() else { return self.model(key)?.steps.get(path.position()) };
        if let Some(composite) = self.jobs.get(key)?.composites.get(&parent) {
            let RunsKind::Composite(steps) = &composite.action.manifest.runs.kind else { return None };
            return steps.get(path.position());
        }
        match &self.model_step(key, &parent)?.kind {
            StepKind::Parallel(steps) => steps.get(path.position()),
            StepKind::Run(_) | StepKind::Uses(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) => None,
        }
    }

    /// The first part of a step starts: its post part is due from now on, if it has one.
    fn register_post(&mut self, it: &Beginning<'_>) {
        let (StepKind::Uses(uses), Some(state)) = (&it.step.kind, self.jobs.get_mut(it.key)) else { return };
        let target = meant(state, &it.stage.path, &uses.target.value);
        let action = resolved(state, &it.stage.path, uses);
        let has_post = action.is_some_and(|it| has_part(state, &it.manifest, &target, Phase::Post));
        if has_post && it.stage.phase != Phase::Post {
            state.register_post(&it.stage.path);
        }
    }

    pub(super) fn file_paths(&self, state: &JobState) -> FilePaths {
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
    ///
    /// Differs: a step's script and files are named after run, job and step; GitHub gives them random ids.
    pub(super) fn unique(&self, state: &JobState) -> String {
        let job = self.jobs.get_index_of(&state.key).unwrap_or(0);
        format!("{}-{job}-{}", self.settings.run_id, state.serial + 1)
    }
}

/// The `env` context in a step's header; a value of several lines goes on at the line's beginning.
///
/// Source: GitHub: execution rules E1.11.
fn shown_env(env: &IndexMap<String, String>) -> Vec<String> {
    let lines = env
        .iter()
        .flat_map(|(name, value)| format!("  {name}: {value}").split('\n').map(str::to_owned).collect::<Vec<_>>());
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { lines } else { std::iter::once("env:".to_owned()).chain(lines).collect() }
}

fn kind_of(step: &Step) -> StepKindName {
    match &step.kind {
        StepKind::Run(_) => StepKindName::Run,
        StepKind::Uses(_) => StepKindName::Builtin,
        StepKind::Wait(_) | StepKind::WaitAll => StepKindName::Wait,
        StepKind::Cancel(_) => StepKindName::Cancel,
        StepKind::Parallel(_) => StepKindName::Parallel,
    }
}
