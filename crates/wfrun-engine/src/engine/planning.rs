//! What is evaluated of a job before it begins, and what only at its end because of that.
//!
//! Source: GitHub: planning rules 4.2.
use wfrun_expr::{EvalError, Value};
use wfrun_journal::{AnnotationLevel, Outcome};
use wfrun_plan::JobKey;
use wfrun_workflow::{Field, Job};

use super::Engine;
use super::asked::labels_of;
use super::job::minutes_to_ms;
use crate::scope::{At, Status};

/// Source: GitHub: planning rules 4.6.
const JOB_TIMEOUT_MINUTES: f64 = 360.0;
/// Source: GitHub: planning rules 4.6.
const CANCEL_TIMEOUT_MINUTES: f64 = 5.0;

/// The key, its field, and what is wrong with it.
pub(super) type PlanningError<'a> = (&'static str, &'a Field, EvalError);

/// What a job's keys say, evaluated.
pub(super) struct Prepared {
    pub(super) labels: Vec<String>,
    /// The name of its environment; none where that is empty.
    pub(super) environment: Option<String>,
    pub(super) forgives: bool,
    pub(super) timeout_ms: u64,
    pub(super) cancel_timeout_ms: u64,
}

/// Evaluates what must be known before a job starts, in GitHub's order; `name` and `concurrency` come before.
pub(super) fn prepare<'a>(model: &'a Job, at: &At<'_>) -> Result<Prepared, PlanningError<'a>> {
    let evaluate = |key: &'static str, field: &'a Field| {
        field.template.evaluate(at).map(|it| it.value().clone()).map_err(|err| (key, field, err))
    };
    let optional = |key, field: Option<&'a Field>| field.map(|it| evaluate(key, it)).transpose();
    let minutes = |key, field: &'a Option<Field>, default: f64| {
        let given = optional(key, field.as_ref())?.map_or(default, |it| it.to_number());
        Ok(minutes_to_ms(given).or(minutes_to_ms(default)).unwrap_or(0))
    };
    let environment = model.environment.as_ref();
    let name = optional("environment", environment.map(|it| &it.name))?.map(|it| environment_name(&it));
    optional("environment", environment.and_then(|it| it.deployment.as_ref()))?;
    optional("runs-on", model.runner_group.as_ref())?;
    Ok(Prepared {
        labels: labels_of(model, at.contexts)?,
        environment: name.filter(|it| !it.is_empty()),
        timeout_ms: minutes("timeout-minutes", &model.timeout_minutes, JOB_TIMEOUT_MINUTES)?,
        cancel_timeout_ms: minutes("cancel-timeout-minutes", &model.cancel_timeout_minutes, CANCEL_TIMEOUT_MINUTES)?,
        forgives: optional("continue-on-error", model.continue_on_error.as_ref())?.is_some_and(|it| it.is_truthy()),
    })
}

/// An expression may give the whole mapping.
fn environment_name(value: &Value) -> String {
    match value.as_object() {
        Some(keys) => keys.get("name").map(Value::to_text).unwrap_or_default(),
        None => value.to_text(),
    }
}

impl Engine {
    /// Evaluates `environment.url` once all steps are through. It is shown nowhere; that it cannot be evaluated fails the
    /// job.
    ///
    /// Source: GitHub: execution rules E1.9 (`FinalizeJob` of actions/runner).
    pub(super) fn evaluate_environment_url(&mut self, key: &JobKey) {
        let environment = self.model(key).and_then(|it| it.environment.clone());
        let Some((url, name)) = environment.and_then(|it| Some((it.url?, it.name.raw()))) else { return };
        let mut contexts = self.job_contexts(key);
        contexts.remove("secrets");
        let at = At { contexts: &contexts, status: Status::None, hashes: None };
        match url.template.evaluate(&at) {
            Ok(trace) if self.masker.touches(&trace.value().to_text()) => {
                let message = format!("Skip setting environment url as environment '{name}' may contain secret.");
                self.annotate(key, AnnotationLevel::Warning, &message);
            }
            Ok(_) => {}
            Err(err) => {
                for message in ["Failed to evaluate environment url", &err.to_string()] {
                    self.annotate(key, AnnotationLevel::Error, message);
                }
                if let Some(state) = self.jobs.get_mut(key) {
                    state.merge(Outcome::Failure);
                }
            }
        }
    }
}
