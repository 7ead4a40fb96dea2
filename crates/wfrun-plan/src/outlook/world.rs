use indexmap::IndexMap;
use wfrun_expr::{Object, Value};

use crate::{Event, RunIdentity};

/// What a workflow is looked at for.
///
/// What is not in it is assumed: a need that runs succeeds, so `success()` holds behind it; whether something fails,
/// what steps and jobs put out, and secrets are not known; nothing is cancelled. A variable that is not given is not
/// there, as on GitHub.
#[derive(Debug, Clone)]
pub struct World {
    /// What happened.
    pub event: Event,
    /// Which run it is.
    pub identity: RunIdentity,
    /// `inputs`
    pub inputs: Value,
    /// `vars`
    pub vars: Object,
    /// How jobs end, by key: `success`, `failure`, `cancelled`, `skipped`. Of others it is assumed.
    pub results: IndexMap<String, String>,
    /// What jobs put out, by key. Of others it is not known.
    pub outputs: IndexMap<String, IndexMap<String, String>>,
}

impl World {
    /// The stated outputs of a job.
    pub(crate) fn outputs(&self, key: &str) -> Option<Object> {
        let (_, outputs) = self.outputs.iter().find(|(it, _)| it.eq_ignore_ascii_case(key))?;
        Some(outputs.iter().map(|(name, value)| (name.clone(), Value::string(value))).collect())
    }

    /// The stated result of a job.
    pub(crate) fn result(&self, key: &str) -> Option<&str> {
        self.results.iter().find(|(it, _)| it.eq_ignore_ascii_case(key)).map(|(_, result)| result.as_str())
    }
}
