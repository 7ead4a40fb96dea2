//! What expressions see: the contexts at a moment of the run, and the answers of status functions.
use std::collections::HashMap;

use indexmap::IndexMap;
use wfrun_expr::{Array, Called, Object, Scope, Value};
use wfrun_journal::{Outcome, RunRecord};
use wfrun_plan::{JobKey, PlannedJob};

use crate::state::{JobState, StepResult};

/// The contexts by their names; one that is missing is null.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contexts {
    values: IndexMap<&'static str, Value>,
}

impl Contexts {
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.values.insert(name, value.into());
    }

    fn get(&self, name: &str) -> Value {
        let found = self.values.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or(Value::Null, |(_, value)| value.clone())
    }
}

/// The scope of one evaluation.
pub(crate) struct At<'a> {
    pub(crate) contexts: &'a Contexts,
    pub(crate) status: Status<'a>,
    pub(crate) hashes: Option<&'a HashMap<Vec<String>, Result<String, String>>>,
}

/// Whose status the status functions tell.
pub(crate) enum Status<'a> {
    /// No status function is available.
    None,
    /// A step: the job's status so far.
    Step(Outcome),
    /// A job: its ancestors' results, and whether the run was cancelled.
    Job { job: &'a PlannedJob, record: &'a RunRecord, cancelled: bool },
}

impl Scope for At<'_> {
    fn context(&self, name: &str) -> Value {
        self.contexts.get(name)
    }

    fn call(&self, function: &str, args: &[Value]) -> Called {
        if function.eq_ignore_ascii_case("hashFiles") {
            let patterns: Vec<String> = args.iter().map(Value::to_text).collect();
            return match self.hashes.and_then(|it| it.get(&patterns)) {
                Some(Ok(digest)) => Called::Value(Value::string(digest)),
                // A failure to hash ends the run of the step elsewhere; here it is no value.
                Some(Err(_)) => Called::Value(Value::Null),
                None => Called::NotYet,
            };
        }
        Called::Value(Value::Bool(self.status(&function.to_ascii_lowercase(), args)))
    }
}

impl At<'_> {
    /// Source: GitHub: execution rules E1.5, planning rules 4.3.
    fn status(&self, function: &str, args: &[Value]) -> bool {
        match (&self.status, function) {
            (_, "always") => true,
            (Status::Step(status), "success") => *status == Outcome::Success,
            (Status::Step(status), "failure") => *status == Outcome::Failure,
            (Status::Step(status), "cancelled") => *status == Outcome::Cancelled,
            (Status::Job { cancelled, .. }, "cancelled") => *cancelled,
            (Status::Job { job, record, cancelled }, "success") => {
                !cancelled && ancestors(job, record, args).all(|it| it == Some(Outcome::Success))
            }
            (Status::Job { job, record, .. }, "failure") => {
                ancestors(job, record, args).any(|it| it == Some(Outcome::Failure))
            }
            (Status::None | Status::Step(_) | Status::Job { .. }, _) => false,
        }
    }
}

/// How the jobs before `job` ended; only those named in `args`, if any are.
fn ancestors<'a>(
    job: &'a PlannedJob,
    record: &'a RunRecord,
    args: &'a [Value],
) -> impl Iterator<Item = Option<Outcome>> + 'a {
    let named = |key: &JobKey| args.iter().any(|it| it.to_text().eq_ignore_ascii_case(key.as_str()));
    let counted = job.ancestors.iter().filter(move |it| args.is_empty() || named(it));
    counted.map(|it| record.result_for_dependents(it))
}

/// `needs`: the direct needs of a job.
pub(crate) fn needs(job: &PlannedJob, record: &RunRecord, states: &IndexMap<JobKey, JobState>) -> Object {
    let entries = job.needs.iter().map(|key| {
        let result = record.result_for_dependents(key).unwrap_or(Outcome::Skipped);
        let outputs = states.get(key).map(|it| text_object(&it.outputs)).unwrap_or_default();
        let entry: Object =
            [("result", Value::string(result.as_str())), ("outputs", Value::Object(outputs))].into_iter().collect();
        (key.to_string(), Value::Object(entry))
    });
    entries.collect()
}

/// `steps`: the results of the steps that have an id, in the order in which they came.
pub(crate) fn steps(results: &IndexMap<String, StepResult>) -> Object {
    let entries = results.iter().map(|(id, result)| {
        let mut entry = vec![("outputs", Value::Object(text_object(&result.outputs)))];
        entry.extend(result.outcome.map(|it| ("outcome", Value::string(it.as_str()))));
        entry.extend(result.conclusion.map(|it| ("conclusion", Value::string(it.as_str()))));
        (id.clone(), Value::Object(entry.into_iter().collect()))
    });
    entries.collect()
}

/// `strategy` of a job without a matrix.
pub(crate) fn strategy() -> Object {
    let one = Value::Number(1.0);
    let members = [
        ("fail-fast", Value::Bool(true)),
        ("job-index", Value::Number(0.0)),
        ("job-total", one.clone()),
        ("max-parallel", one),
    ];
    members.into_iter().collect()
}

/// An object of texts whose keys ignore case.
pub(crate) fn text_object(map: &IndexMap<String, String>) -> Object {
    map.iter().map(|(key, value)| (key.clone(), Value::string(value))).collect()
}

/// The `env` context, whose keys keep their case on Linux and macOS.
pub(crate) fn env_object(map: &IndexMap<String, String>) -> Object {
    Object::case_sensitive(map.iter().map(|(key, value)| (key.clone(), Value::string(value))))
}

/// The items of a value that may be a list, as `runs-on` can be.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value.as_array() {
        Some(items) => Array::iter(items).map(Value::to_text).collect(),
        None => vec![value.to_text()],
    }
}
