//! What would happen, as far as it can be known before a run: which jobs run, which are skipped and why, which
//! depend on what only the run can tell.
//!
//! What is assumed and not known is said in one place: [`World`].
mod build;
mod calls;
mod judge;
mod legs;
mod reason;
mod scope;
mod steps;
mod world;

use std::sync::Arc;

use serde::Serialize;
use wfrun_expr::Value;
use wfrun_workflow::{Job, JobId, StepId, Workflow};

pub use build::outlook;
pub use reason::Reason;
pub use world::World;

use crate::JobKey;

/// The jobs of a workflow and of all that it calls.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// The jobs: callers before the jobs they call, otherwise in file order.
    pub jobs: Vec<JobOutlook>,
}

/// One job, as declared: its legs share a condition.
#[derive(Debug, Clone)]
pub struct JobOutlook {
    /// What the run calls it without a matrix: `test`, `caller / callee`.
    pub key: JobKey,
    /// Its key below `jobs:`.
    pub id: JobId,
    /// The file it is in.
    pub workflow: Arc<Workflow>,
    /// The job that calls its workflow.
    pub caller: Option<JobKey>,
    /// The jobs it waits for.
    pub needs: Vec<JobKey>,
    /// The length of the longest chain of needs before it; 0 starts at once.
    pub stage: usize,
    /// Whether it runs.
    pub verdict: Prospect,
    /// Why it is skipped, or on what it depends; for one that runs, what let it.
    pub reason: Option<Reason>,
    /// The jobs that a matrix makes of it; one without a matrix, none if it is skipped.
    pub legs: Vec<Leg>,
    /// What only the run can tell about its matrix, as written.
    pub deferred: Vec<String>,
    /// Its steps.
    pub steps: Vec<StepOutlook>,
}

/// One job of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// What the run calls it: `test (ubuntu-latest, 20)`.
    pub key: JobKey,
    /// What github.com shows.
    pub name: String,
    /// The `matrix` context.
    pub matrix: Value,
    /// The labels it asks for; as written where only the run can tell.
    pub runs_on: Vec<String>,
}

/// One step.
#[derive(Debug, Clone)]
pub struct StepOutlook {
    /// Its position in the job, from 0.
    pub index: usize,
    /// Its id, written or made up.
    pub id: StepId,
    /// What the log calls it.
    pub name: String,
    /// Whether it runs, if its job does.
    pub verdict: Prospect,
    /// Why it is skipped, or on what it depends.
    pub reason: Option<Reason>,
}

/// Whether something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prospect {
    /// It does, if all before it goes well.
    Runs,
    /// It does not.
    Skipped,
    /// Only the run can tell.
    Depends,
}

impl Outlook {
    /// Finds a job by its key or id, ignoring case; an id alone is of the workflow itself.
    pub fn job(&self, key: &str) -> Option<&JobOutlook> {
        self.jobs.iter().find(|it| it.key.as_str().eq_ignore_ascii_case(key))
    }

    /// Returns the number of jobs that a run would have, legs counted.
    pub fn count(&self) -> usize {
        self.jobs.iter().map(|it| it.legs.len().max(1)).sum()
    }
}

impl JobOutlook {
    /// What the file says about it.
    pub fn model(&self) -> Option<&Job> {
        self.workflow.jobs.get(&self.id)
    }
}
