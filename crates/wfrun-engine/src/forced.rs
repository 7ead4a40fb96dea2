//! What a person wants to see happen, whatever would.
use indexmap::IndexMap;
use wfrun_journal::Outcome;
use wfrun_plan::JobKey;

/// Results and outputs that take the place of real ones. Jobs are told by their keys, with or without a matrix.
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

/// The keys that a job goes by: as a leg, without its own matrix, without any.
pub(crate) type Names<'a> = [&'a JobKey; 3];

impl Forced {
    pub(crate) fn job(&self, names: Names<'_>) -> Option<Outcome> {
        self.jobs.iter().find(|(key, _)| is_one_of(key, names)).map(|(_, outcome)| *outcome)
    }

    pub(crate) fn job_outputs(&self, names: Names<'_>) -> Option<&IndexMap<String, String>> {
        self.job_outputs.iter().find(|(key, _)| is_one_of(key, names)).map(|(_, outputs)| outputs)
    }

    pub(crate) fn step(&self, names: Names<'_>, index: usize) -> Option<&ForcedStep> {
        self.steps.iter().find(|it| it.index == index && is_one_of(&it.job, names))
    }
}

fn is_one_of(key: &JobKey, names: Names<'_>) -> bool {
    names.iter().any(|it| it.as_str().eq_ignore_ascii_case(key.as_str()))
}
