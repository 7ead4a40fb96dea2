//! What jobs are called.
use std::collections::{HashMap, HashSet};

use wfrun_expr::{Scope, Value};
use wfrun_workflow::{Job, JobId};

use crate::{Combination, JobKey, TokenError, TokenErrorKind};

/// Most UTF-16 units of a name.
const MAX_NAME: usize = 100;

/// The name of a leg as github.com shows it.
///
/// A `name:` without expressions, or the job's id, is followed by the leg's labels. A `name:` with expressions stands
/// for itself unless it gives an empty text; `scope` has the leg's `matrix` and `strategy`.
/// Source: GitHub: planning rules P4.5 (`EvaluateJobName` and `JobNameBuilder` of actions/runner).
pub fn job_name(job: &Job, leg: &Combination, scope: &dyn Scope) -> Result<String, TokenError> {
    let id = job.id.value.as_str();
    let Some(name) = &job.name else { return Ok(with_labels(id, &leg.labels)) };
    if let Some(text) = name.template.as_literal() {
        return Ok(with_labels(if text.is_empty() { id } else { text }, &leg.labels));
    }
    let place = name.node.place();
    let trace = name.template.foresee(scope).map_err(|it| TokenError::new(place, TokenErrorKind::Eval(it)))?;
    let text = match trace.value() {
        Value::Array(_) => return Err(TokenError::new(place, TokenErrorKind::UnexpectedSequence)),
        Value::Object(_) => return Err(TokenError::new(place, TokenErrorKind::UnexpectedMapping)),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => value.to_text(),
    };
    Ok(if text.is_empty() { with_labels(id, &leg.labels) } else { text })
}

/// The name of a job in a called workflow: those of the job that calls and of the job itself.
///
/// Source: GitHub: planning rules P4.5.
pub fn called_name(caller: &str, callee: &str) -> String {
    format!("{caller} / {callee}")
}

/// Makes the keys of a run's jobs, none of them twice.
///
/// A leg's key is its id with its labels, as its name would be without `name:`. Where legs have the same labels, or
/// the same first 97 characters, the later ones have ` #2`, ` #3` … behind it.
#[derive(Debug, Clone, Default)]
pub struct JobKeys {
    taken: HashSet<JobKey>,
    /// The number that the next one of the same text has.
    next: HashMap<String, u32>,
}

impl JobKeys {
    /// Starts with none taken.
    pub fn new() -> Self {
        Self::default()
    }

    /// The key of a leg of a job; below `caller`, where its workflow is called by that job.
    pub fn leg(&mut self, caller: Option<&JobKey>, id: &JobId, leg: &Combination) -> JobKey {
        let own = with_labels(id.as_str(), &leg.labels);
        self.unique(&caller.map_or_else(|| own.clone(), |it| called_name(it.as_str(), &own)))
    }

    fn unique(&mut self, text: &str) -> JobKey {
        let mut key = JobKey::new(text);
        while !self.taken.insert(key.clone()) {
            let number = self.next.entry(text.to_owned()).or_insert(1);
            *number += 1;
            key = JobKey::new(format!("{text} #{number}"));
        }
        key
    }
}

/// `base (a, b)`, cut to 100 UTF-16 units.
///
/// Differs: where GitHub cuts a character of two units in half, wfrun shows U+FFFD.
/// Source: actions/runner: `JobNameBuilder.cs`.
fn with_labels(base: &str, labels: &[String]) -> String {
    let name = if labels.is_empty() { base.to_owned() } else { format!("{base} ({})", labels.join(", ")) };
    if name.encode_utf16().nth(MAX_NAME).is_none() {
        return name;
    }
    let units: Vec<u16> = name.encode_utf16().take(MAX_NAME - 3).collect();
    String::from_utf16_lossy(&units) + "..."
}

#[cfg(test)]
mod tests;
