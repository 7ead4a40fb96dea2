//! What a run is made of before it begins.
use thiserror::Error;
use wfrun_workflow::WorkflowSet;

use crate::{Event, NotTriggered, Selection, needs, trigger};

/// A run that can begin: the event triggers the workflow.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The workflow and all it calls.
    pub set: WorkflowSet,
    /// What sets it off.
    pub event: Event,
    /// The jobs that are asked for.
    pub selection: Selection,
}

/// There is nothing to plan.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PlanError {
    /// The event does not trigger the workflow.
    #[error("the event does not trigger the workflow")]
    NotTriggered(NotTriggered),
    /// The needs go in a circle. Lowering says so first; this is for models made otherwise.
    #[error("the needs of the jobs go in a circle")]
    Cycle,
    /// A job was asked for that the workflow does not have.
    #[error("the workflow has no job `{id}`")]
    UnknownJob {
        /// As asked for.
        id: String,
        /// The jobs there are.
        jobs: Vec<String>,
    },
}

/// Plans a run of a workflow for `event`.
pub fn plan(set: WorkflowSet, event: Event, selection: Selection) -> Result<Plan, PlanError> {
    trigger(&set.root, &event).map_err(PlanError::NotTriggered)?;
    for workflow in set.called.values().chain([&set.root]) {
        needs(workflow)?;
    }
    Ok(Plan { set, event, selection })
}
