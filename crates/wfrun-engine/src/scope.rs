//! What expressions see: the contexts at a moment of the run, and the answers of status functions.
use std::cell::LazyCell;
use std::collections::HashMap;

use indexmap::IndexMap;
use wfrun_expr::{Array, Called, Object, Scope, Value};
use wfrun_journal::Outcome;
use wfrun_workflow::JobId;

use crate::state::StepResult;

/// The contexts by their names; one that is missing is null.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contexts {
    values: IndexMap<&'static str, Value>,
}

impl Contexts {
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.values.insert(name, value.into());
    }

    pub(crate) fn remove(&mut self, name: &'static str) {
        self.values.shift_remove(name);
    }
}

/// What knows contexts by their names.
pub(crate) trait Named {
    /// A context; null if it is missing.
    fn named(&self, name: &str) -> Value;
}

impl Named for Contexts {
    fn named(&self, name: &str) -> Value {
        let found = self.values.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or(Value::Null, |(_, value)| value.clone())
    }
}

/// Contexts are many and large, and most keys ask for none: these are made when the first is asked for.
impl<F: FnOnce() -> Contexts> Named for LazyCell<Contexts, F> {
    fn named(&self, name: &str) -> Value {
        Self::force(self).named(name)
    }
}

/// The scope of one evaluation.
pub(crate) struct At<'a> {
    pub(crate) contexts: &'a dyn Named,
    pub(crate) status: Status<'a>,
    pub(crate) hashes: Option<&'a HashMap<Vec<String>, Result<String, String>>>,
}

/// Whose status the status functions tell.
pub(crate) enum Status<'a> {
    /// No status function is available.
    None,
    /// A step: the status so far of the job, or of the composite action that it is inside of.
    Step {
        /// That status.
        status: Outcome,
        /// Whether the job is cancelled.
        cancelled: bool,
    },
    /// A job: the results of those before it, by id, and whether the run was cancelled.
    Job { before: &'a [(JobId, Option<Outcome>)], cancelled: bool },
}

impl Scope for At<'_> {
    fn context(&self, name: &str) -> Value {
        self.contexts.named(name)
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
            (Status::Step { status, .. }, "success") => *status == Outcome::Success,
            (Status::Step { status, .. }, "failure") => *status == Outcome::Failure,
            (Status::Step { cancelled, .. } | Status::Job { cancelled, .. }, "cancelled") => *cancelled,
            (Status::Job { before, cancelled }, "success") => {
                !cancelled && named(before, args).all(|it| it == Some(Outcome::Success))
            }
            (Status::Job { before, .. }, "failure") => named(before, args).any(|it| it == Some(Outcome::Failure)),
            (Status::None | Status::Step { .. } | Status::Job { .. }, _) => false,
        }
    }
}

/// How jobs ended; only those named in `args`, if any are.
fn named<'a>(before: &'a [(JobId, Option<Outcome>)], args: &'a [Value]) -> impl Iterator<Item = Option<Outcome>> + 'a {
    let counts = |id: &JobId| args.is_empty() || args.iter().any(|it| id.is(&it.to_text()));
    before.iter().filter(move |(id, _)| counts(id)).map(|(_, result)| *result)
}

/// The entry of a job in `needs` or `jobs`.
pub(crate) fn job_entry(result: Outcome, outputs: &IndexMap<String, String>) -> Value {
    let members = [("result", Value::string(result.as_str())), ("outputs", Value::Object(text_object(outputs)))];
    Value::Object(members.into_iter().collect())
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
