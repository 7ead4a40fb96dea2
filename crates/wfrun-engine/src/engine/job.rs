//! The life of a job: its condition, its environment, its end.
use indexmap::IndexMap;
use wfrun_expr::{EvalError, Trace, Value};
use wfrun_journal::{
    AnnotationLevel, Because, How, JobFinished, JobSkipped, JobStarted, Outcome, RunEventKind, Secret, SkipReason,
};
use wfrun_plan::{JobKey, PlannedJob};
use wfrun_workflow::{EnvMap, Field, Job, StepKind};

use super::Engine;
use crate::scope::{At, Contexts, Status, env_object, steps, strategy, texts};
use crate::state::Progress;
use crate::{Effect, JobEnvironment, Timer};

/// Source: GitHub: planning rules 4.6.
const JOB_TIMEOUT_MINUTES: f64 = 360.0;

impl Engine {
    pub(super) fn try_start_job(&mut self, key: &JobKey) {
        let Some(planned) = self.plan.jobs.get(key).cloned() else { return };
        let waits = planned.needs.iter().any(|it| self.record.jobs.get(it).is_none_or(|it| it.result.is_none()));
        if waits {
            return;
        }
        if !planned.chosen {
            return self.skip_job(&planned, SkipReason::NotChosen, Outcome::Skipped);
        }
        match self.job_verdict(&planned) {
            Err(verdict) => {
                let (reason, result) = *verdict;
                self.skip_job(&planned, reason, result);
            }
            // Differs: GitHub starts jobs with `if: always()` even after a cancellation; wfrun starts none.
            Ok(()) if self.cancelled => self.skip_job(&planned, SkipReason::Cancelled, Outcome::Cancelled),
            Ok(()) if self.is_full() => {}
            Ok(()) => self.start_job(&planned),
        }
    }

    fn is_full(&self) -> bool {
        let busy = self.jobs.values().filter(|it| matches!(it.progress, Progress::Opening | Progress::Running));
        self.settings.max_jobs > 0 && busy.count() >= self.settings.max_jobs
    }

    /// Whether the job runs; otherwise why not, and how it counts then.
    fn job_verdict(&self, planned: &PlannedJob) -> Result<(), Box<(SkipReason, Outcome)>> {
        let Some(model) = self.plan.model(&planned.key) else { return Ok(()) };
        let contexts = self.contexts(planned);
        let status = Status::Job { job: planned, record: &self.record, cancelled: self.cancelled };
        let condition = &model.condition;
        let line = condition.span().map_or(0, |it| self.line_of(it.start));
        let trace = match condition.condition.evaluate(&At { contexts: &contexts, status, hashes: None }) {
            Ok(trace) => trace,
            Err(err) => {
                let expression = condition.condition.text.clone();
                let message = self.masker.mask(&err.to_string()).to_string();
                return Err(Box::new((SkipReason::ConditionError { expression, message, line }, Outcome::Failure)));
            }
        };
        if trace.value().is_truthy() {
            return Ok(());
        }
        if condition.condition.implicit_success {
            if self.cancelled {
                return Err(Box::new((SkipReason::Cancelled, Outcome::Cancelled)));
            }
            if let Some(reason) = self.unmet_need(planned) {
                return Err(Box::new((reason, Outcome::Skipped)));
            }
        }
        Err(Box::new((self.condition_reason(&trace, line), Outcome::Skipped)))
    }

    /// The need that keeps `success()` from being true; direct needs first, they are what the file names.
    fn unmet_need(&self, planned: &PlannedJob) -> Option<SkipReason> {
        let mut before = planned.needs.iter().chain(&planned.ancestors);
        before.find_map(|key| match self.record.result_for_dependents(key) {
            Some(Outcome::Success) | None => None,
            Some(result @ (Outcome::Failure | Outcome::Cancelled | Outcome::Skipped)) => {
                Some(SkipReason::Needs { job: key.clone(), result })
            }
        })
    }

    pub(super) fn condition_reason(&self, trace: &Trace, line: u32) -> SkipReason {
        let trace = self.masker.mask_trace(trace);
        SkipReason::Condition { expression: trace.text.to_string(), because: Because::of(&trace), trace, line }
    }

    pub(super) fn line_of(&self, offset: u32) -> u32 {
        self.plan.workflow.source.location(offset).line
    }

    fn skip_job(&mut self, planned: &PlannedJob, reason: SkipReason, result: Outcome) {
        let (id, name) = (planned.id.to_string(), self.masker.mask(planned.id.as_str()));
        if let SkipReason::ConditionError { message, .. } = &reason {
            let message = format!("Error when evaluating 'if' for job '{id}'. {message}");
            self.annotate(&planned.key, AnnotationLevel::Error, &message);
        }
        self.emit(RunEventKind::JobSkipped(JobSkipped { job: planned.key.clone(), id, name, reason, result }));
        if let Some(state) = self.jobs.get_mut(&planned.key) {
            state.progress = Progress::Done;
        }
    }

    fn start_job(&mut self, planned: &PlannedJob) {
        let Some(model) = self.plan.model(&planned.key).cloned() else { return };
        let mut contexts = self.contexts(planned);
        contexts.set("strategy", strategy());
        let prepared = match prepare(planned, &model, &contexts) {
            Ok(prepared) => prepared,
            Err((key, err)) => return self.fail_planning(planned, key, &err),
        };
        if let Some(label) = prepared.labels.iter().find(|it| is_elsewhere(it)) {
            let detail = format!("`{label}` is another kind of machine than this one");
            self.declare(&planned.key, None, How::NotRun, &format!("job {}", planned.id), &detail);
            let reason = SkipReason::Machine { labels: prepared.labels };
            return self.skip_job(planned, reason, Outcome::Skipped);
        }
        for label in prepared.labels.iter().filter(|it| !is_served(it)) {
            let detail = "this machine takes the job, whatever is special about the runner that the label asks for";
            self.declare(&planned.key, None, How::StandIn, &format!("runs-on: {label}"), detail);
        }
        let now_ms = self.now_ms;
        let Some(state) = self.jobs.get_mut(&planned.key) else { return };
        state.progress = Progress::Opening;
        state.started_at_ms = now_ms;
        state.name = prepared.name;
        state.forgives = prepared.forgives;
        state.labels.clone_from(&prepared.labels);
        state.main = (0..model.steps.len()).collect();
        let actions = model.steps.iter().filter_map(|it| match &it.kind {
            StepKind::Uses(uses) => uses.action().cloned(),
            StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => {
                None
            }
        });
        let mut wanted = Vec::new();
        for action in actions {
            if !wanted.contains(&action) {
                wanted.push(action);
            }
        }
        let event = self.plan.event.payload.clone();
        let (job, labels) = (planned.key.clone(), prepared.labels);
        self.turn.effects.push(Effect::OpenJob { job: job.clone(), labels, actions: wanted, event });
        self.wake(prepared.timeout_ms, Timer::JobTimeout { job });
    }

    /// Source: GitHub: planning rules 4.2: a planning expression that throws fails the job.
    fn fail_planning(&mut self, planned: &PlannedJob, key: &str, err: &EvalError) {
        let message = format!("Error when evaluating '{key}' for job '{}'. {err}", planned.id);
        self.annotate(&planned.key, AnnotationLevel::Error, &message);
        let reason = SkipReason::ConditionError {
            expression: key.to_owned(),
            message: self.masker.mask(&err.to_string()).to_string(),
            line: 0,
        };
        self.skip_job(planned, reason, Outcome::Failure);
    }

    pub(super) fn job_ready(&mut self, key: &JobKey, environment: JobEnvironment) {
        let Some(planned) = self.plan.jobs.get(key).cloned() else { return };
        for secret in &environment.secrets {
            self.masker.learn(&Secret::new(secret));
        }
        let Some(state) = self.jobs.get_mut(key) else { return };
        state.progress = Progress::Running;
        let started = JobStarted {
            job: key.clone(),
            id: planned.id.to_string(),
            name: self.masker.mask(&state.name),
            matrix: IndexMap::new(),
            backend: self.settings.backend.clone(),
            image: environment.image.clone(),
        };
        state.environment = Some(environment);
        self.emit(RunEventKind::JobStarted(started));
        if let Err(message) = self.set_global_env(&planned) {
            // Source: GitHub: execution rules E1.2: no step and no post step runs then.
            self.annotate(key, AnnotationLevel::Error, &message);
            if let Some(state) = self.jobs.get_mut(key) {
                state.merge(Outcome::Failure);
                state.main.clear();
            }
        }
    }

    /// `env` of the workflow, then of the job, each seeing the layers before it.
    fn set_global_env(&mut self, planned: &PlannedJob) -> Result<(), String> {
        let Some(model) = self.plan.model(&planned.key).cloned() else { return Ok(()) };
        let workflow = self.plan.workflow.env.clone();
        let mut global = self.settings.env.clone();
        for (layer, place) in [(&workflow, "workflow"), (&model.env, "job")] {
            let mut contexts = self.contexts(planned);
            contexts.set("strategy", strategy());
            contexts.set("secrets", self.secrets());
            contexts.set("env", env_object(&global));
            let at = At { contexts: &contexts, status: Status::None, hashes: None };
            let added = evaluate_map(layer, &at).map_err(|err| format!("`env` of the {place}: {err}"))?;
            global.extend(added);
        }
        if let Some(state) = self.jobs.get_mut(&planned.key) {
            state.global_env = global;
        }
        Ok(())
    }

    pub(super) fn job_not_ready(&mut self, key: &JobKey, message: &str, help: Option<String>) {
        self.fault(Some(key), message, help);
        if let Some(state) = self.jobs.get_mut(key) {
            state.status = Outcome::Failure;
            state.progress = Progress::Done;
        }
        self.emit_job_finished(key, &IndexMap::new());
    }

    /// All steps are through: outputs, then the environment goes.
    pub(super) fn finish_job(&mut self, key: &JobKey) {
        let outputs = self.job_outputs(key);
        if let Some(state) = self.jobs.get_mut(key) {
            state.progress = Progress::Closing;
            state.outputs.clone_from(&outputs);
        }
        self.emit_job_finished(key, &outputs);
        self.turn.effects.push(Effect::CloseJob { job: key.clone() });
    }

    fn emit_job_finished(&mut self, key: &JobKey, outputs: &IndexMap<String, String>) {
        let (Some(state), Some(planned)) = (self.jobs.get(key), self.plan.jobs.get(key)) else { return };
        let finished = JobFinished {
            job: key.clone(),
            id: planned.id.to_string(),
            name: self.masker.mask(&state.name),
            result: state.status,
            outputs: outputs
                .iter()
                .map(|(name, value)| (self.masker.mask(name).to_string(), self.masker.mask(value)))
                .collect(),
            duration_ms: self.now_ms.saturating_sub(state.started_at_ms),
            forgiven: state.forgives,
        };
        self.emit(RunEventKind::JobFinished(finished));
    }

    /// Source: GitHub: execution rules E1.9: empty outputs and those with a secret in them are dropped.
    fn job_outputs(&mut self, key: &JobKey) -> IndexMap<String, String> {
        let Some(model) = self.plan.model(key).cloned() else { return IndexMap::new() };
        let mut outputs = IndexMap::new();
        for (name, field) in model.outputs.iter() {
            let contexts = self.job_contexts(key);
            let at = At { contexts: &contexts, status: Status::None, hashes: None };
            match field.template.evaluate(&at).map(|it| it.value().to_text()) {
                Ok(value) if value.is_empty() => {}
                Ok(value) if self.masker.touches(&value) => {
                    let message = format!("Skip output '{name}' since it may contain secret.");
                    self.annotate(key, AnnotationLevel::Warning, &message);
                }
                Ok(value) => {
                    outputs.insert(name.to_owned(), value);
                }
                Err(err) => {
                    self.annotate(key, AnnotationLevel::Error, &format!("output '{name}': {err}"));
                    if let Some(state) = self.jobs.get_mut(key) {
                        state.merge(Outcome::Failure);
                    }
                }
            }
        }
        outputs
    }

    /// The contexts at the end of a job.
    fn job_contexts(&self, key: &JobKey) -> Contexts {
        let (Some(planned), Some(state)) = (self.plan.jobs.get(key), self.jobs.get(key)) else {
            return Contexts::default();
        };
        let mut contexts = self.contexts(planned);
        contexts.set("strategy", strategy());
        contexts.set("secrets", self.secrets());
        contexts.set("steps", steps(&state.results));
        contexts.set("env", env_object(&state.global_env));
        contexts.set("job", self.job_object(state));
        contexts.set("runner", super::contexts::runner_object(state));
        contexts
    }

    pub(super) fn job_closed(&mut self, key: &JobKey, fault: Option<String>) {
        if let Some(message) = fault {
            let help = Some("`wfrun clean` removes what earlier runs left".to_owned());
            self.fault(Some(key), &message, help);
        }
        if let Some(state) = self.jobs.get_mut(key) {
            state.progress = Progress::Done;
        }
    }
}

type PlanningError = (&'static str, EvalError);

/// What a job's keys say, evaluated.
struct Prepared {
    name: String,
    labels: Vec<String>,
    forgives: bool,
    timeout_ms: u64,
}

/// Evaluates what must be known before a job starts.
fn prepare(planned: &PlannedJob, model: &Job, contexts: &Contexts) -> Result<Prepared, PlanningError> {
    let evaluate = |key: &'static str, field: &Field| {
        let at = At { contexts, status: Status::None, hashes: None };
        field.template.evaluate(&at).map(|it| it.value().clone()).map_err(|err| (key, err))
    };
    let optional = |key, field: &Option<Field>| field.as_ref().map(|it| evaluate(key, it)).transpose();
    let name = optional("name", &model.name)?.map(|it| it.to_text()).filter(|it| !it.is_empty());
    let mut labels = Vec::new();
    for field in &model.runs_on {
        labels.extend(texts(&evaluate("runs-on", field)?));
    }
    let minutes = optional("timeout-minutes", &model.timeout_minutes)?.map_or(JOB_TIMEOUT_MINUTES, |it| it.to_number());
    Ok(Prepared {
        name: name.unwrap_or_else(|| planned.id.to_string()),
        labels,
        forgives: optional("continue-on-error", &model.continue_on_error)?.is_some_and(|it| it.is_truthy()),
        timeout_ms: minutes_to_ms(minutes).unwrap_or(minutes_to_ms(JOB_TIMEOUT_MINUTES).unwrap_or(0)),
    })
}

/// Whether a `runs-on` label asks for a machine that this one cannot be.
fn is_elsewhere(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    let wants_arm = label == "arm64" || label == "arm" || label.ends_with("-arm") || label.ends_with("-arm64");
    if wants_arm != cfg!(target_arch = "aarch64") && (wants_arm || label == "x64") {
        return true;
    }
    ["windows", "macos"].iter().any(|it| label == *it || label.starts_with(&format!("{it}-")))
}

/// Whether a `runs-on` label asks for no more than a Linux machine of the usual kind.
fn is_served(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    let plain = ["ubuntu", "linux", "self-hosted", "x64", "arm64"];
    plain.contains(&label.as_str()) || label.starts_with("ubuntu-")
}

/// Whole minutes, as GitHub truncates them; none for nothing, zero and less.
pub(super) fn minutes_to_ms(minutes: f64) -> Option<u64> {
    let whole = minutes.trunc();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    let in_range = (1.0..=1e9).contains(&whole).then(|| whole as u64 * 60_000);
    in_range
}

/// Evaluates a mapping; its entries do not see each other.
pub(super) fn evaluate_map(map: &EnvMap, at: &At<'_>) -> Result<IndexMap<String, String>, EvalError> {
    let mut values = IndexMap::new();
    for (name, field) in map.iter() {
        values.insert(name.to_owned(), field.template.evaluate(at)?.value().to_text());
    }
    Ok(values)
}

/// What `Value::to_text` gives for a field, or nothing where it is absent.
pub(super) fn evaluate_text(field: Option<&Field>, at: &At<'_>) -> Result<Option<String>, EvalError> {
    field.map(|it| it.template.evaluate(at).map(|trace| Value::to_text(trace.value()))).transpose()
}
