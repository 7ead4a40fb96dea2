use indexmap::IndexMap;
use wfrun_expr::{Object, Value};

use crate::{Event, JobKey, RunIdentity};

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
    /// How jobs or legs end, as [`JobKey::is_named`] takes names: `success`, `failure`, `cancelled`, `skipped`. Of others
    /// it is assumed.
    pub results: IndexMap<String, String>,
    /// Jobs or legs that are taken to be skipped, whatever their condition; named as in `results`.
    pub skips: Vec<String>,
    /// What jobs put out, by key. Of others it is not known.
    pub outputs: IndexMap<String, IndexMap<String, String>>,
    /// How steps end. Of others it is assumed.
    pub steps: Vec<StepEnd>,
}

/// How a step ends, if it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepEnd {
    /// Its job or leg, as [`JobKey::is_named`] takes it.
    pub job: String,
    /// Its position in the job, from 0.
    pub index: usize,
    /// `success`, `failure` or `skipped`.
    pub outcome: String,
}

impl World {
    /// The stated outputs of a job.
    pub(crate) fn outputs(&self, key: &str) -> Option<Object> {
        let (_, outputs) = self.outputs.iter().find(|(it, _)| it.eq_ignore_ascii_case(key))?;
        Some(outputs.iter().map(|(name, value)| (name.clone(), Value::string(value))).collect())
    }

    /// The stated result of a job or leg; what is said of just this one counts more than what is said of all.
    pub(crate) fn result(&self, key: &JobKey) -> Option<&str> {
        let exactly = self.results.iter().find(|(it, _)| it.eq_ignore_ascii_case(key.as_str()));
        let found = exactly.or_else(|| self.results.iter().find(|(it, _)| key.is_named(it)));
        found.map(|(_, result)| result.as_str())
    }

    /// Whether a job or leg is taken to be skipped.
    pub(crate) fn skips(&self, key: &JobKey) -> bool {
        self.skips.iter().any(|it| key.is_named(it))
    }

    /// The stated ends of a leg's steps by position; the last holds.
    pub(crate) fn step_ends(&self, leg: &JobKey) -> Vec<(usize, &str)> {
        let ends = self.steps.iter().rev().filter(|it| leg.is_named(&it.job));
        ends.map(|it| (it.index, it.outcome.as_str())).collect()
    }
}
