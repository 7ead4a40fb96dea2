//! What a person wants to see happen, whatever would.
use indexmap::IndexMap;
use wfrun_journal::Outcome;
use wfrun_plan::JobKey;

/// Results and outputs that take the place of real ones. Jobs are told as [`JobKey::is_named`]
/// takes them: with or without their legs.
#[derive(Debug, Clone, Default)]
pub struct Forced {
    /// How jobs end, if their turn comes.
    pub jobs: Vec<(JobKey, Outcome)>,
    /// What jobs put out.
    pub job_outputs: Vec<(JobKey, IndexMap<String, String>)>,
    /// Steps that do not run.
    pub steps: Vec<ForcedStep>,
}

/// A step that does not run, and what comes of it all the same.
#[derive(Debug, Clone)]
pub struct ForcedStep {
    /// Its job.
    pub job: JobKey,
    /// Its position in the job, from 0.
    pub index: usize,
    /// How it ends, if its turn comes.
    pub outcome: Outcome,
    /// What it puts out.
    pub outputs: IndexMap<String, String>,
}

impl Forced {
    pub(crate) fn job(&self, key: &JobKey) -> Option<Outcome> {
        self.jobs.iter().find(|(named, _)| key.is_named(named.as_str())).map(|(_, outcome)| *outcome)
    }

    pub(crate) fn job_outputs(&self, key: &JobKey) -> Option<&IndexMap<String, String>> {
        self.job_outputs.iter().find(|(named, _)| key.is_named(named.as_str())).map(|(_, outputs)| outputs)
    }

    pub(crate) fn step(&self, key: &JobKey, index: usize) -> Option<&ForcedStep> {
        self.steps.iter().find(|it| it.index == index && key.is_named(it.job.as_str()))
    }
}
