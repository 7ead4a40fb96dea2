//! What is evaluated of a step before it begins: environment, name, condition, time limit.
//!
//! Source: GitHub: execution rules E1.4.
use std::cell::LazyCell;

use indexmap::IndexMap;
use wfrun_expr::{EvalError, github_trace};
use wfrun_journal::{Outcome, Phase, SkipReason};
use wfrun_workflow::{IfField, StepKind};

use super::Engine;
use super::composite::resolved;
use super::job::{evaluate_map, evaluate_text, minutes_to_ms};
use super::names::{display_name, raw_name};
use super::step::{Beginning, Hindrance};
use crate::scope::{At, Status};
use crate::state::JobState;
use crate::strand::Stage;

/// A step whose keys are evaluated.
pub(super) struct Prepared {
    pub(super) name: String,
    pub(super) env: IndexMap<String, String>,
    /// What of that the step's own `env:` set, and those of the steps around it.
    pub(super) overrides: IndexMap<String, String>,
    pub(super) timeout_minutes: Option<u64>,
    /// What could not be evaluated, though the step runs.
    pub(super) errors: Vec<String>,
    /// Whether that makes it fail.
    pub(super) fails: bool,
    pub(super) verdict: Result<(), SkipReason>,
    /// How the condition was evaluated, for those who debug.
    pub(super) evaluation: Vec<String>,
}

impl Engine {
    /// Evaluates a step's environment, name, condition and time limit, in GitHub's order.
    pub(super) fn prepare_step(&self, it: &Beginning<'_>) -> Result<Prepared, Hindrance> {
        let Some(state) = self.jobs.get(it.key) else { return Err(Hindrance::Failed("no such job".to_owned())) };
        let hashes = state.strand().map(|it| &it.hashes);
        if let Some(Err(message)) = hashes.and_then(|it| it.values().find(|it| it.is_err())) {
            return Err(Hindrance::Failed(message.clone()));
        }
        let path = &it.stage.path;
        let mut overrides = state.composite_of(path).map(|it| it.overrides.clone()).unwrap_or_default();
        let is_inner = state.composite_of(path).is_some();
        let mut env = state.env();
        env.extend(overrides.clone());
        let mut errors = Vec::new();
        let contexts = LazyCell::new(|| self.step_contexts(it.key, path, it.step, &env, None));
        let own = match evaluate_map(&it.step.env, &At { contexts: &contexts, status: Status::None, hashes }) {
            // Inside of a composite action the step runs all the same. Source: GitHub: execution rules E7.5, "Status".
            Err(err) if is_inner && !matches!(err, EvalError::NotYet { .. }) => {
                errors.push(err.to_string());
                IndexMap::new()
            }
            own => own?,
        };
        let fails = !errors.is_empty();
        env.extend(own.clone());
        overrides.extend(own);
        // The condition sees the step's own `env`.
        let contexts = LazyCell::new(|| self.step_contexts(it.key, path, it.step, &env, None));
        let at = |status| At { contexts: &contexts, status, hashes };
        let name = match display_name(it.stage, it.step, &at(Status::None)) {
            Err(err @ EvalError::NotYet { .. }) => return Err(err.into()),
            Ok(name) => name,
            // Best effort, as on GitHub: the raw text stays.
            Err(_) => raw_name(it.stage, it.step),
        };
        let mut evaluation = Vec::new();
        let verdict = match Self::stage_condition(state, it) {
            None => Ok(()),
            Some(condition) => {
                let trace = condition.condition.evaluate(&at(Self::step_status(state, it.stage)))?;
                if self.is_debug {
                    evaluation.push(format!("Evaluating condition for step: '{name}'"));
                    evaluation.extend(github_trace(&condition.condition.expr, &trace));
                }
                if trace.value().is_truthy() {
                    Ok(())
                } else {
                    Err(self.skip_reason(state, it.stage, &condition, &trace))
                }
            }
        };
        let minutes = match evaluate_text(it.step.timeout_minutes.as_ref(), &at(Status::None)) {
            Err(err @ EvalError::NotYet { .. }) => return Err(err.into()),
            // The step runs all the same. Source: GitHub: execution rules E1.4, 7.
            Err(err) => {
                let message = "An error occurred when attempting to determine the step timeout.";
                errors.extend([message.to_owned(), err.to_string()]);
                None
            }
            Ok(minutes) => minutes,
        };
        let timeout_minutes = minutes.and_then(|it| minutes_to_ms(wfrun_expr::parse_number(&it))).map(|it| it / 60_000);
        Ok(Prepared { name, env, overrides, timeout_minutes, errors, fails, verdict, evaluation })
    }

    /// The condition of a stage; none means `always()`.
    fn stage_condition(state: &JobState, it: &Beginning<'_>) -> Option<IfField> {
        let StepKind::Uses(uses) = &it.step.kind else { return Some(it.step.condition.clone()) };
        match it.stage.phase {
            Phase::Main => Some(it.step.condition.clone()),
            Phase::Pre => resolved(state, &it.stage.path, uses)?.manifest.runs.pre_if.clone(),
            Phase::Post => resolved(state, &it.stage.path, uses)?.manifest.runs.post_if.clone(),
        }
    }

    fn skip_reason(
        &self,
        state: &JobState,
        stage: &Stage,
        condition: &IfField,
        trace: &wfrun_expr::Trace,
    ) -> SkipReason {
        if condition.condition.implicit_success {
            if state.status == Outcome::Cancelled {
                return SkipReason::Cancelled;
            }
            // Pre and post parts go by the job, wherever they are.
            let composite = state.composite_of(&stage.path).filter(|_| stage.phase == Phase::Main);
            if composite.map_or(state.status, |it| it.status) == Outcome::Failure {
                let composite = composite.and(stage.path.parent());
                let run = self.record.jobs.get(&state.key);
                let failed = run.and_then(|it| it.first_failure_in(composite.as_ref()));
                return SkipReason::EarlierStep { step: failed.map(ToString::to_string) };
            }
        }
        let line = condition.span().map_or(0, |it| self.line_of_step(&state.key, &stage.path, it.start));
        self.condition_reason(trace, line)
    }
}
