//! The life of a leg: its environment, its end.
use std::cell::LazyCell;

use indexmap::IndexMap;
use wfrun_expr::{EvalError, Trace, Value};
use wfrun_journal::{AnnotationLevel, Because, How, JobFinished, Masker, Outcome, RunEventKind, Secret, SkipReason};
use wfrun_plan::{JobKey, StepPath};
use wfrun_syntax::Source;
use wfrun_workflow::{EnvMap, Field, Job};

use super::Engine;
use super::asked::{actions_of, checks_out_first, images_of, is_elsewhere, is_served};
use super::containers::Wanted;
use super::declared::Skip;
use super::parts::pre_steps;
use super::planning::prepare;
use crate::frame::Place;
use crate::scope::{At, Contexts, Status, env_object, steps};
use crate::state::Progress;
use crate::{Effect, EnvironmentRequest, JobEnvironment, Timer};

impl Engine {
    /// Starts a leg if there is a place for it.
    pub(super) fn try_start(&mut self, key: &JobKey) {
        let Some(state) = self.jobs.get(key) else { return };
        let place = state.place.clone();
        // Differs: GitHub starts jobs with `if: always()` even after a cancellation; wfrun starts none.
        if self.is_cancelled(place.frame) {
            return self.skip_leg(key, Skip::new(SkipReason::Cancelled, Outcome::Cancelled));
        }
        let Some(model) = self.model(key).cloned() else { return };
        if self.waits_for_group(key, &model) {
            return;
        }
        let forced = self.settings.forced.job(key);
        match forced {
            Some(Outcome::Skipped) => {
                return self.skip_leg(key, Skip::new(SkipReason::Forced, Outcome::Skipped));
            }
            Some(outcome @ (Outcome::Success | Outcome::Failure)) => return self.force_leg(key, outcome),
            Some(outcome) if model.call.is_some() => return self.force_leg(key, outcome),
            Some(Outcome::Cancelled) | None => {}
        }
        if self.is_full(&place, model.call.is_some()) {
            return;
        }
        match &model.call {
            Some(call) => self.start_call(key, &model, call),
            None => self.start_leg(key, &model),
        }
        if forced == Some(Outcome::Cancelled) {
            // Its `always()` steps run, as in a job that is cancelled while it begins.
            self.declare(key, None, How::Simulated, &format!("job {key}"), "its cancellation was forced");
            self.cancel_leg(key, &SkipReason::Forced);
        }
    }

    /// Whether as many run as may: of this matrix, and of all.
    fn is_full(&self, place: &Place, calls: bool) -> bool {
        let runs = |it: &Progress| {
            matches!(it, Progress::Opening | Progress::Running | Progress::Stopping | Progress::Calling(_))
        };
        let legs = self.declared(place).and_then(|it| Some((it.legs.as_ref()?, it.max_parallel)));
        let of_matrix = legs.is_some_and(|(legs, most)| {
            legs.len() > most
                && legs.iter().filter_map(|it| self.jobs.get(it)).filter(|it| runs(&it.progress)).count() >= most
        });
        let uses_place = |it: &Progress| matches!(it, Progress::Opening | Progress::Running | Progress::Stopping);
        let most = self.settings.max_jobs;
        let of_run = || !calls && most > 0 && self.jobs.values().filter(|it| uses_place(&it.progress)).count() >= most;
        of_matrix || of_run()
    }

    /// A leg ends as it is told to, and nothing of it runs.
    fn force_leg(&mut self, key: &JobKey, outcome: Outcome) {
        let now_ms = self.now_ms;
        let Some(state) = self.jobs.get_mut(key) else { return };
        state.status = outcome;
        state.started_at_ms = now_ms;
        let (subject, detail) = (format!("job {key}"), format!("it did not run: {outcome} was forced"));
        self.declare(key, None, How::Simulated, &subject, &detail);
        let outputs = self.settings.forced.job_outputs(key).cloned().unwrap_or_default();
        self.finish_leg(key, &outputs);
    }

    /// What the file says of a leg.
    pub(super) fn model(&self, key: &JobKey) -> Option<&Job> {
        let place = &self.jobs.get(key)?.place;
        self.frames.get(place.frame)?.model(&place.id)
    }

    pub(super) fn condition_reason(&self, trace: &Trace, line: u32) -> SkipReason {
        let trace = self.masker.mask_trace(trace);
        SkipReason::Condition { expression: trace.text.to_string(), because: Because::of(&trace), trace, line }
    }

    /// The file that a step stands in: the workflow, or the composite action that it is of.
    pub(super) fn source_of_step(&self, key: &JobKey, path: &StepPath) -> Option<&Source> {
        let state = self.jobs.get(key)?;
        match state.composite_of(path) {
            Some(composite) => Some(&composite.action.manifest.source),
            None => Some(&self.workflow_of(key)?.source),
        }
    }

    pub(super) fn line_of_step(&self, key: &JobKey, path: &StepPath, offset: u32) -> u32 {
        self.source_of_step(key, path).map_or(0, |it| it.location(offset).line)
    }

    pub(super) fn line_of(&self, frame: usize, offset: u32) -> u32 {
        self.frames.get(frame).map_or(0, |it| it.workflow.source.location(offset).line)
    }

    fn start_leg(&mut self, key: &JobKey, model: &Job) {
        let Some(state) = self.jobs.get(key) else { return };
        let frame = state.place.frame;
        let contexts = LazyCell::new(|| self.leg_contexts(state));
        let at = At { contexts: &contexts, status: Status::None, hashes: None };
        let prepared = match prepare(model, &at) {
            Ok(prepared) => prepared,
            Err((what, field, err)) => {
                let skip = self.planning_skip(frame, what, &err.to_string(), Some(field.span()));
                return self.skip_leg(key, skip);
            }
        };
        let id_token = self.id_token(state, prepared.environment.as_deref()).map(Box::new);
        if !self.settings.any_machine && !self.has_machine(key, &prepared.labels) {
            return;
        }
        let wanted = match self.wanted_containers(key, model) {
            Ok(wanted) => wanted,
            Err(skip) => return self.skip_leg(key, *skip),
        };
        if !self.has_containers(key, &wanted) {
            return;
        }
        for notice in &wanted.notices {
            self.annotate(key, AnnotationLevel::Notice, notice);
        }
        let now_ms = self.now_ms;
        let Some(state) = self.jobs.get_mut(key) else { return };
        state.progress = Progress::Opening;
        state.started_at_ms = now_ms;
        state.forgives = prepared.forgives;
        state.cancel_timeout_ms = prepared.cancel_timeout_ms;
        state.labels.clone_from(&prepared.labels);
        state.main = (0..model.steps.len()).collect();
        let place = state.place.clone();
        let Wanted { container, services, notices: _ } = wanted;
        let network = container.is_some() || !services.is_empty();
        let request = self.environment_request(&place, model, prepared.labels, network);
        self.take_ahead(key);
        let (job, token) = (key.clone(), self.job_token(key));
        self.turn.effects.push(Effect::OpenJob { job, request, container, services, id_token, token });
        self.wake(prepared.timeout_ms, Timer::JobTimeout { job: key.clone() });
    }

    pub(super) fn environment_request(
        &self,
        place: &Place,
        model: &Job,
        labels: Vec<String>,
        network: bool,
    ) -> EnvironmentRequest {
        let cache_mode = self.cache_mode(place);
        let (actions, checks_out_first) = (actions_of(model), checks_out_first(model));
        let event = self.plan.event.payload.clone();
        EnvironmentRequest { labels, actions, images: images_of(model), network, checks_out_first, cache_mode, event }
    }

    /// Declares what is special about the machine that the labels ask for; a job for another kind of machine is skipped.
    fn has_machine(&mut self, key: &JobKey, labels: &[String]) -> bool {
        if let Some(label) = labels.iter().find(|it| is_elsewhere(it)) {
            let detail = format!("`{label}` is another kind of machine than this one");
            self.declare(key, None, How::NotRun, &format!("job {key}"), &detail);
            let reason = SkipReason::Machine { labels: labels.to_vec() };
            self.skip_leg(key, Skip::new(reason, Outcome::Skipped));
            return false;
        }
        for label in labels.iter().filter(|it| !is_served(it)) {
            let detail = "this machine takes the job, whatever is special about the runner that the label asks for";
            self.declare(key, None, How::StandIn, &format!("runs-on: {label}"), detail);
        }
        true
    }

    pub(super) fn job_ready(&mut self, key: &JobKey, environment: JobEnvironment) {
        for secret in &environment.secrets {
            self.masker.learn(&Secret::new(secret));
        }
        let Some(state) = self.jobs.get_mut(key) else { return };
        state.progress = Progress::Running;
        let (image, workspace) = (environment.image.clone(), environment.workspace);
        let errors = environment.containers.as_ref().map(|it| it.errors.clone()).unwrap_or_default();
        state.environment = Some(environment);
        self.tell_job_begins(key, image, workspace);
        self.containers_ready(key, &errors);
        let steps = self.model(key).map(|it| it.steps.clone()).unwrap_or_default();
        if let Some(state) = self.jobs.get_mut(key) {
            state.pre = pre_steps(state, &steps);
        }
        if let Err(message) = self.set_global_env(key).and_then(|()| self.set_defaults(key)) {
            // Source: GitHub: execution rules E1.2: no step and no post step runs then.
            self.annotate(key, AnnotationLevel::Error, &message);
            if let Some(state) = self.jobs.get_mut(key) {
                state.merge(Outcome::Failure);
                state.pre.clear();
                state.main.clear();
            }
        }
    }

    fn set_global_env(&mut self, key: &JobKey) -> Result<(), String> {
        let global = self.global_env(key)?;
        if let Some(state) = self.jobs.get_mut(key) {
            state.global_env = global;
        }
        Ok(())
    }

    /// `defaults.run` of the job, which replaces the workflow's as a whole; what is empty says nothing.
    ///
    /// Source: GitHub: planning rules 4.8, execution rules E1.2 and E2.1.
    fn set_defaults(&mut self, key: &JobKey) -> Result<(), String> {
        let (Some(model), Some(workflow), Some(state)) = (self.model(key), self.workflow_of(key), self.jobs.get(key))
        else {
            return Ok(());
        };
        let defaults = if model.defaults.is_empty() { &workflow.defaults } else { &model.defaults };
        let contexts = LazyCell::new(|| {
            let mut contexts = self.leg_contexts(state);
            contexts.set("env", env_object(&state.global_env));
            contexts
        });
        let at = At { contexts: &contexts, status: Status::None, hashes: None };
        let evaluate = |field: Option<&Field>| {
            let text = evaluate_text(field, &at).map_err(|err| format!("`defaults.run`: {err}"))?;
            Ok::<_, String>(text.filter(|it| !it.is_empty()))
        };
        let defaults = (evaluate(defaults.shell.as_ref())?, evaluate(defaults.working_directory.as_ref())?);
        if let Some(state) = self.jobs.get_mut(key) {
            state.defaults = defaults;
        }
        Ok(())
    }

    /// `env` of the workflow, then of the job, each seeing the layers before it.
    pub(super) fn global_env(&self, key: &JobKey) -> Result<IndexMap<String, String>, String> {
        let mut global = self.settings.env.clone();
        let (Some(model), Some(workflow), Some(state)) = (self.model(key), self.workflow_of(key), self.jobs.get(key))
        else {
            return Ok(global);
        };
        for (layer, place) in [(&workflow.env, "workflow"), (&model.env, "job")] {
            let contexts = LazyCell::new(|| {
                let mut contexts = self.leg_contexts(state);
                contexts.set("github", self.job_github(state));
                contexts.set("secrets", self.secrets_of(state.place.frame, key));
                contexts.set("env", env_object(&global));
                contexts
            });
            let at = At { contexts: &contexts, status: Status::None, hashes: None };
            let added = evaluate_map(layer, &at).map_err(|err| format!("`env` of the {place}: {err}"))?;
            global.extend(added);
        }
        Ok(global)
    }

    pub(super) fn job_not_ready(&mut self, key: &JobKey, message: &str, help: Option<String>) {
        self.containers_ready(key, &[message.to_owned()]);
        // What was given up because nobody wants it any more is no fault.
        if self.jobs.get(key).is_some_and(|it| it.status != Outcome::Cancelled) {
            self.fault(Some(key), message, help);
        }
        if let Some(state) = self.jobs.get_mut(key) {
            state.merge(Outcome::Failure);
        }
        self.finish_leg(key, &IndexMap::new());
    }

    /// All steps are through: outputs, then the environment goes.
    pub(super) fn finish_steps(&mut self, key: &JobKey) {
        if self.stop_containers(key) {
            return;
        }
        let outputs = match (self.settings.forced.job_outputs(key).cloned(), self.model(key).cloned()) {
            (Some(forced), _) => forced,
            (None, Some(model)) if model.outputs.iter().next().is_some() => {
                let contexts = self.job_contexts(key);
                put_out(self, key, &model.outputs, &contexts)
            }
            (None, _) => IndexMap::new(),
        };
        self.evaluate_environment_url(key);
        self.finish_leg(key, &outputs);
        if let Some(state) = self.jobs.get_mut(key) {
            state.progress = Progress::Closing;
        }
        self.turn.effects.push(Effect::CloseJob { job: key.clone(), hurries: self.cancelled });
    }

    /// Writes a leg's end down and tells those who wait for it.
    pub(super) fn finish_leg(&mut self, key: &JobKey, outputs: &IndexMap<String, String>) {
        let Some(state) = self.jobs.get(key) else { return };
        let place = state.place.clone();
        let result = state.status;
        let finished = JobFinished {
            job: key.clone(),
            id: place.id.to_string(),
            name: self.masker.mask(&state.name),
            result,
            outputs: outputs
                .iter()
                .map(|(name, value)| (self.masker.mask(name).to_string(), self.masker.mask(value)))
                .collect(),
            duration_ms: self.now_ms.saturating_sub(state.started_at_ms),
            forgiven: state.forgives,
        };
        self.emit(RunEventKind::JobFinished(finished));
        // Source: GitHub: planning rules 4.4: the last leg that ends wins.
        if let Some(declared) = self.declared_mut(&place) {
            declared.outputs.extend(outputs.clone());
        }
        self.leg_is_over(key, &place, result);
    }

    /// What the end of a leg means to its siblings.
    pub(super) fn leg_is_over(&mut self, key: &JobKey, place: &Place, result: Outcome) {
        let Some(state) = self.jobs.get_mut(key) else { return };
        state.progress = Progress::Done;
        if state.group.take().is_some() {
            self.turn.effects.push(Effect::LeaveGroup { job: Some(key.clone()) });
        }
        let Some(state) = self.jobs.get(key) else { return };
        let forgiven = state.forgives;
        let Some(declared) = self.declared(place) else { return };
        if result != Outcome::Failure || forgiven || !declared.fail_fast {
            return;
        }
        let legs = declared.legs.iter().flatten().filter(|it| *it != key).cloned().collect::<Vec<_>>();
        for leg in legs {
            self.cancel_leg(&leg, &SkipReason::FailFast { job: key.clone() });
        }
    }

    /// The contexts at the end of a job.
    pub(super) fn job_contexts(&self, key: &JobKey) -> Contexts {
        let Some(state) = self.jobs.get(key) else { return Contexts::default() };
        let mut contexts = self.leg_contexts(state);
        contexts.set("github", self.job_github(state));
        contexts.set("secrets", self.secrets_of(state.place.frame, key));
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

/// Evaluates outputs of a job or of a called workflow.
///
/// Source: GitHub: execution rules E1.9: empty ones and those with a secret in them are dropped; with one that cannot be
/// evaluated there are none (`FinalizeJob` of actions/runner).
pub(super) fn put_out(
    engine: &mut Engine,
    key: &JobKey,
    map: &EnvMap,
    contexts: &Contexts,
) -> IndexMap<String, String> {
    let at = At { contexts, status: Status::None, hashes: None };
    let value =
        |(name, field): (&'_ str, &Field)| Ok((name.to_owned(), field.template.evaluate(&at)?.value().to_text()));
    let values: Result<Vec<(String, String)>, EvalError> = map.iter().map(value).collect();
    let mut outputs = IndexMap::new();
    match values {
        Ok(values) => {
            for (name, value) in values.into_iter().filter(|(_, value)| !value.is_empty()) {
                if engine.masker.touches(&value) {
                    let message = format!("Skip output '{name}' since it may contain secret.");
                    engine.annotate(key, AnnotationLevel::Warning, &message);
                } else {
                    outputs.insert(name, value);
                }
            }
        }
        Err(err) => {
            for message in ["Fail to evaluate job outputs", &err.to_string()] {
                engine.annotate(key, AnnotationLevel::Error, message);
            }
            if let Some(state) = engine.jobs.get_mut(key) {
                state.merge(Outcome::Failure);
            }
        }
    }
    outputs
}

/// The values of a leg, for the journal.
pub(super) fn matrix_json(matrix: &Value, masker: &Masker) -> IndexMap<String, serde_json::Value> {
    let Some(members) = matrix.as_object() else { return IndexMap::new() };
    let json = |value: &Value| {
        let text = masker.mask(&value.to_json()).to_string();
        serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text))
    };
    members.iter().map(|(name, value)| (name.to_owned(), json(value))).collect()
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
