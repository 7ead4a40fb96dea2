//! The turn of a declared job: its condition, and the legs that its matrix makes of it.
//!
//! Source: GitHub: planning rules 4.2, 4.3 and 4.5.
use std::cell::LazyCell;

use wfrun_expr::{EvalError, Trace, Value};
use wfrun_journal::{AnnotationLevel, How, JobHeader, JobSkipped, MatrixExpanded, Outcome, RunEventKind, SkipReason};
use wfrun_plan::{Combination, ExpandError, Expansion, JobKey, expand, job_name};
use wfrun_syntax::Span;
use wfrun_workflow::{Field, Job, JobId};

use super::Engine;
use crate::frame::{DeclaredJob, Place};
use crate::scope::{At, Status};
use crate::state::{JobState, Progress};

/// A job that does not run: why, and how it counts.
pub(super) struct Skip {
    pub(super) reason: SkipReason,
    pub(super) result: Outcome,
}

impl Skip {
    pub(super) const fn new(reason: SkipReason, result: Outcome) -> Self {
        Self { reason, result }
    }
}

impl Engine {
    pub(super) fn declared(&self, place: &Place) -> Option<&DeclaredJob> {
        self.frames.get(place.frame)?.jobs.get(&place.id)
    }

    pub(super) fn declared_mut(&mut self, place: &Place) -> Option<&mut DeclaredJob> {
        self.frames.get_mut(place.frame)?.jobs.get_mut(&place.id)
    }

    /// Settles whether a job runs once all it needs has ended, and what its matrix makes of it.
    pub(super) fn try_expand(&mut self, place: &Place) {
        let Some(frame) = self.frames.get(place.frame) else { return };
        let (Some(declared), Some(model)) = (frame.jobs.get(&place.id), frame.model(&place.id)) else { return };
        let ignores_needs = self.plan.selection.ignores_needs(&declared.path);
        let waits = |key: &JobKey| self.record.result_for_dependents(key).is_none();
        if declared.legs.is_some() || (!ignores_needs && frame.keys(&declared.needs.direct).any(waits)) {
            return;
        }
        let model = model.clone();
        let expanded = self.verdict(place, declared, &model).and_then(|()| self.expansion(place, &model));
        match expanded {
            Ok(expansion) => self.add_legs(place, &model, &expansion),
            Err(skip) => self.skip_declared(place, *skip),
        }
    }

    fn verdict(&self, place: &Place, declared: &DeclaredJob, model: &Job) -> Result<(), Box<Skip>> {
        let skip = |reason, result| Err(Box::new(Skip::new(reason, result)));
        if !self.plan.selection.has(&declared.path) {
            return skip(SkipReason::NotChosen, Outcome::Skipped);
        }
        if self.settings.forced.job(&declared.key) == Some(Outcome::Skipped) {
            return skip(SkipReason::Forced, Outcome::Skipped);
        }
        let before = self.before(place, declared);
        let cancelled = self.is_cancelled(place.frame);
        let condition = &model.condition;
        let line = condition.span().map_or(0, |it| self.line_of(place.frame, it.start));
        let trace = match self.condition(place, model, &before, cancelled) {
            Ok(trace) => trace,
            Err(err) => {
                let expression = condition.condition.text.clone();
                let message = self.masker.mask(&err.to_string()).to_string();
                return skip(SkipReason::ConditionError { expression, message, line }, Outcome::Failure);
            }
        };
        if trace.value().is_truthy() {
            return Ok(());
        }
        if condition.condition.implicit_success {
            if cancelled {
                return skip(SkipReason::Cancelled, Outcome::Cancelled);
            }
            if let Some(reason) = self.unmet_need(place, declared) {
                return skip(reason, Outcome::Skipped);
            }
        }
        skip(self.condition_reason(&trace, line), Outcome::Skipped)
    }

    /// Evaluates a job's `if`, as if the jobs before it had ended so.
    pub(super) fn condition(
        &self,
        place: &Place,
        model: &Job,
        before: &[(JobId, Option<Outcome>)],
        cancelled: bool,
    ) -> Result<Trace, EvalError> {
        let contexts = LazyCell::new(|| self.declared_contexts(place));
        let at = At { contexts: &contexts, status: Status::Job { before, cancelled }, hashes: None };
        model.condition.condition.evaluate(&at)
    }

    /// How the jobs before one ended.
    pub(super) fn before(&self, place: &Place, declared: &DeclaredJob) -> Vec<(JobId, Option<Outcome>)> {
        if self.plan.selection.ignores_needs(&declared.path) {
            return Vec::new();
        }
        let Some(frame) = self.frames.get(place.frame) else { return Vec::new() };
        let result = |id: &JobId| self.record.result_for_dependents(&frame.jobs.get(id)?.key);
        declared.needs.all.iter().map(|id| (id.clone(), result(id))).collect()
    }

    /// The need that keeps `success()` from being true; direct needs first, they are what the file names.
    fn unmet_need(&self, place: &Place, declared: &DeclaredJob) -> Option<SkipReason> {
        let frame = self.frames.get(place.frame)?;
        let mut before = frame.keys(&declared.needs.direct).chain(frame.keys(&declared.needs.all));
        before.find_map(|key| match self.record.result_for_dependents(key) {
            Some(Outcome::Success) | None => None,
            Some(result @ (Outcome::Failure | Outcome::Cancelled | Outcome::Skipped)) => {
                Some(SkipReason::Needs { job: key.clone(), result })
            }
        })
    }

    fn expansion(&self, place: &Place, model: &Job) -> Result<Expansion, Box<Skip>> {
        let contexts = LazyCell::new(|| self.declared_contexts(place));
        let at = At { contexts: &contexts, status: Status::None, hashes: None };
        expand(model.strategy.as_ref(), &at).map_err(|err: ExpandError| {
            Box::new(self.planning_skip(place.frame, "strategy", &err.to_string(), Some(err.span())))
        })
    }

    /// Source: GitHub: planning rules 4.2: a planning expression that throws fails the job.
    pub(super) fn planning_skip(&self, frame: usize, key: &str, message: &str, span: Option<Span>) -> Skip {
        let line = span.map_or(0, |it| self.line_of(frame, it.start));
        let message = self.masker.mask(message).to_string();
        Skip::new(SkipReason::Planning { key: key.to_owned(), message, line }, Outcome::Failure)
    }

    fn add_legs(&mut self, place: &Place, model: &Job, expansion: &Expansion) {
        let Some(frame) = self.frames.get(place.frame) else { return };
        let Some(declared) = frame.jobs.get(&place.id) else { return };
        let caller = frame.caller.clone();
        let (announced, needs) = (declared.key.clone(), self.need_keys(place));
        let mut states = Vec::new();
        let mut headers = Vec::new();
        let mut nameless = Vec::new();
        for leg in &expansion.combinations {
            let key = self.keys.leg(caller.as_ref().map(|it| &it.key), &place.id, leg);
            let strategy = Value::Object(expansion.strategy_context(leg));
            let mut state = JobState::new(key.clone(), place.clone(), String::new(), leg.matrix_context(), strategy);
            match self.leg_name(&state, model, leg) {
                Ok(name) => state.name = name,
                Err(failed) => {
                    let (written, skip) = *failed;
                    state.name = written;
                    nameless.push((key.clone(), skip));
                }
            }
            let (id, name) = (place.id.to_string(), self.masker.mask(&state.name));
            headers.push(JobHeader { key, id, name, needs: needs.clone() });
            states.push(state);
        }
        if let Some(declared) = self.declared_mut(place) {
            declared.legs = Some(states.iter().map(|it| it.key.clone()).collect());
            declared.fail_fast = expansion.fail_fast;
            declared.max_parallel = expansion.max_parallel;
        }
        if expansion.is_matrix() {
            self.emit(RunEventKind::MatrixExpanded(MatrixExpanded { job: announced.clone(), legs: headers }));
        }
        if !states.iter().any(|it| self.plan.selection.has_leg(&it.matrix)) {
            // A misspelt value would otherwise pass for a green run of nothing.
            let detail = "no leg of its matrix has the values that were chosen";
            self.declare(&announced, None, How::NotRun, &format!("job {announced}"), detail);
        }
        for state in states {
            let key = state.key.clone();
            let chosen = self.plan.selection.has_leg(&state.matrix);
            self.jobs.insert(key.clone(), state);
            if !chosen {
                self.skip_leg(&key, Skip::new(SkipReason::NotChosen, Outcome::Skipped));
            }
        }
        for (key, skip) in nameless {
            // A leg before it may have cancelled it by failing.
            if self.jobs.get(&key).is_some_and(|it| it.progress != Progress::Done) {
                self.skip_leg(&key, skip);
            }
        }
    }

    /// The name of a leg; as it is written and the failure that follows, where it cannot be evaluated.
    fn leg_name(&self, state: &JobState, model: &Job, leg: &Combination) -> Result<String, Box<(String, Skip)>> {
        let contexts = LazyCell::new(|| self.leg_contexts(state));
        let at = At { contexts: &contexts, status: Status::None, hashes: None };
        let frame = state.place.frame;
        let below = |own: &str| self.frames.get(frame).map_or_else(|| own.to_owned(), |it| it.name_of(own));
        job_name(model, leg, &at).map(|own| below(&own)).map_err(|err| {
            let written = model.name.as_ref().map_or_else(|| model.id.value.to_string(), Field::raw);
            Box::new((below(&written), self.planning_skip(frame, "name", &err.to_string(), Some(err.span))))
        })
    }

    /// The keys of the jobs that a job needs.
    pub(super) fn need_keys(&self, place: &Place) -> Vec<JobKey> {
        let Some(frame) = self.frames.get(place.frame) else { return Vec::new() };
        let needs = frame.jobs.get(&place.id).map(|it| it.needs.direct.as_slice()).unwrap_or_default();
        frame.keys(needs).cloned().collect()
    }

    /// One job stands for all that its matrix would have made of it.
    fn skip_declared(&mut self, place: &Place, skip: Skip) {
        let Some(declared) = self.declared_mut(place) else { return };
        let key = declared.key.clone();
        declared.legs = Some(vec![key.clone()]);
        let name = self.frames.get(place.frame).map(|it| it.name_of(place.id.as_str())).unwrap_or_default();
        let state = JobState::new(key.clone(), place.clone(), name, Value::Null, Value::Null);
        self.jobs.insert(key.clone(), state);
        self.skip_leg(&key, skip);
    }

    /// A leg ends without having begun.
    pub(super) fn skip_leg(&mut self, key: &JobKey, Skip { reason, result }: Skip) {
        let Some(state) = self.jobs.get(key) else { return };
        let (place, id, name) = (state.place.clone(), state.place.id.to_string(), self.masker.mask(&state.name));
        let failed = match &reason {
            SkipReason::ConditionError { message, .. } => Some(("if", message)),
            SkipReason::Planning { key, message, .. } => Some((key.as_str(), message)),
            SkipReason::Condition { .. }
            | SkipReason::Needs { .. }
            | SkipReason::EarlierStep { .. }
            | SkipReason::Cancelled
            | SkipReason::Machine { .. }
            | SkipReason::Containers { .. }
            | SkipReason::FailFast { .. }
            | SkipReason::Concurrency { .. }
            | SkipReason::NotChosen
            | SkipReason::Forced => None,
        };
        if let Some((what, message)) = failed {
            let message = format!("Error when evaluating '{what}' for job '{id}'. {message}");
            self.annotate(key, AnnotationLevel::Error, &message);
        }
        self.drop_ahead(key);
        self.emit(RunEventKind::JobSkipped(JobSkipped { job: key.clone(), id, name, reason, result }));
        self.leg_is_over(key, &place, result);
    }
}
