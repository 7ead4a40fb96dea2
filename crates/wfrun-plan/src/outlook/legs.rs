//! The jobs that a matrix makes.
use wfrun_expr::{Object, Value};
use wfrun_workflow::Job;

use super::Leg;
use super::calls::text;
use super::scope::Before;
use crate::JobKey;

/// The legs of a job, each with its `strategy` context.
pub(super) struct Legs {
    pub(super) legs: Vec<(Leg, Value)>,
    /// What only the run can tell, as written.
    pub(super) deferred: Vec<String>,
}

/// Expands the matrix of a job as far as it is known.
pub(super) fn legs(job: &Job, key: &JobKey, before: &Before<'_>) -> Legs {
    let strategy = Value::Object(Object::default());
    let name = job.name.as_ref().and_then(|it| text(it, before)).unwrap_or_else(|| key.to_string());
    let runs_on = job.runs_on.iter().map(|it| text(it, before).unwrap_or_else(|| it.raw())).collect();
    let leg = Leg { key: key.clone(), name, matrix: Value::Null, runs_on };
    Legs { legs: vec![(leg, strategy)], deferred: Vec::new() }
}
