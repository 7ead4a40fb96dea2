//! The workflows of a run: the one that was started, and each that a job calls.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_journal::Secret;
use wfrun_plan::{JobKey, Needs, PlanError, called_name, needs};
use wfrun_workflow::{FileRef, Job, JobId, Workflow};

/// One workflow of the run.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) workflow: Arc<Workflow>,
    pub(crate) file: FileRef,
    /// The job that calls it.
    pub(crate) caller: Option<Caller>,
    /// `inputs`
    pub(crate) inputs: Value,
    /// `secrets`, without `GITHUB_TOKEN`.
    pub(crate) secrets: Arc<IndexMap<String, Secret>>,
    /// Its jobs, in file order.
    pub(crate) jobs: IndexMap<JobId, DeclaredJob>,
    /// The concurrency group of the workflow as a whole.
    pub(crate) group: Option<String>,
    /// Whether its caller was cancelled, and with it all that has not begun.
    pub(crate) cancelled: bool,
}

/// The job that calls a workflow.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) key: JobKey,
    /// The same without a matrix.
    pub(crate) path: JobKey,
    /// What people call it.
    pub(crate) name: String,
}

/// A job as a file declares it, whatever its matrix makes of it.
#[derive(Debug)]
pub(crate) struct DeclaredJob {
    /// What the journal calls it without its own matrix.
    pub(crate) key: JobKey,
    /// What it is called without any matrix: callers' neither.
    pub(crate) path: JobKey,
    pub(crate) needs: Needs,
    /// Its legs, once its turn has come; one that is skipped is its only leg.
    pub(crate) legs: Option<Vec<JobKey>>,
    /// Whether a leg that fails cancels the others.
    pub(crate) fail_fast: bool,
    /// Most legs at once.
    pub(crate) max_parallel: usize,
    /// What its legs put out, for the jobs that need it; the last that ends wins.
    pub(crate) outputs: IndexMap<String, String>,
}

/// A job of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which frame.
    pub(crate) frame: usize,
    pub(crate) id: JobId,
}

impl Frame {
    /// A workflow none of whose jobs has begun; an error only if needs go in a circle.
    pub(crate) fn new(
        workflow: Arc<Workflow>,
        file: FileRef,
        caller: Option<Caller>,
        inputs: Value,
        secrets: Arc<IndexMap<String, Secret>>,
    ) -> Result<Self, PlanError> {
        let within = |of: Option<&JobKey>, id: &JobId| match of {
            Some(it) => JobKey::new(called_name(it.as_str(), id.as_str())),
            None => JobKey::new(id.as_str()),
        };
        let declare = |(id, needs): (JobId, Needs)| {
            let job = DeclaredJob {
                key: within(caller.as_ref().map(|it| &it.key), &id),
                path: within(caller.as_ref().map(|it| &it.path), &id),
                needs,
                legs: None,
                fail_fast: true,
                max_parallel: 1,
                outputs: IndexMap::new(),
            };
            (id, job)
        };
        let jobs = needs(&workflow)?.into_iter().map(declare).collect();
        Ok(Self { workflow, file, caller, inputs, secrets, jobs, group: None, cancelled: false })
    }

    /// What the file says of a job.
    pub(crate) fn model(&self, id: &JobId) -> Option<&Job> {
        self.workflow.jobs.get(id)
    }

    /// The keys of jobs of this frame.
    pub(crate) fn keys<'a>(&'a self, ids: &'a [JobId]) -> impl Iterator<Item = &'a JobKey> + 'a {
        ids.iter().filter_map(|it| self.jobs.get(it)).map(|it| &it.key)
    }

    /// What people call a job of this frame that has no name of its own.
    pub(crate) fn name_of(&self, own: &str) -> String {
        self.caller.as_ref().map_or_else(|| own.to_owned(), |it| called_name(&it.name, own))
    }
}
