//! The jobs of a run and their order, as far as they can be known before it.
use std::sync::Arc;

use indexmap::IndexMap;
use petgraph::algo::toposort;
use petgraph::graphmap::DiGraphMap;
use thiserror::Error;
use wfrun_workflow::{Job, JobId, Workflow};

use crate::{Event, JobKey, NotTriggered, trigger};

/// What would happen.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The workflow.
    pub workflow: Arc<Workflow>,
    /// What sets it off.
    pub event: Event,
    /// The jobs, in file order.
    pub jobs: IndexMap<JobKey, PlannedJob>,
}

/// One job of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedJob {
    /// What the run calls it.
    pub key: JobKey,
    /// Its key below `jobs:`.
    pub id: JobId,
    /// The jobs it waits for, as it names them.
    pub needs: Vec<JobKey>,
    /// All jobs that must end before it: its needs, their needs, and so on, in file order.
    pub ancestors: Vec<JobKey>,
    /// The length of the longest chain of needs before it; 0 starts at once.
    pub stage: usize,
    /// Whether the caller wants it to run.
    pub chosen: bool,
}

impl Plan {
    /// The model of a planned job.
    pub fn model(&self, key: &JobKey) -> Option<&Job> {
        self.workflow.jobs.get(&self.jobs.get(key)?.id)
    }
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

/// Plans a run of `workflow` for `event`.
///
/// With `chosen` not empty only those jobs and, unless `without_needs`, what they need will run.
pub fn plan(workflow: &Arc<Workflow>, event: Event, chosen: &[String], without_needs: bool) -> Result<Plan, PlanError> {
    trigger(workflow, &event).map_err(PlanError::NotTriggered)?;
    let order = order(workflow)?;
    let mut jobs: IndexMap<JobKey, PlannedJob> = IndexMap::new();
    for id in order {
        let job = planned(workflow, id, &jobs);
        jobs.insert(job.key.clone(), job);
    }
    choose(workflow, &mut jobs, chosen, without_needs)?;
    let position = |key: &JobKey| workflow.jobs.get_index_of(&JobId::new(key.as_str()));
    for job in jobs.values_mut() {
        job.ancestors.sort_by_key(position);
    }
    jobs.sort_by_cached_key(|key, _| position(key));
    Ok(Plan { workflow: Arc::clone(workflow), event, jobs })
}

/// The jobs so that each comes after all it needs.
pub(crate) fn order(workflow: &Workflow) -> Result<Vec<&JobId>, PlanError> {
    let mut graph = DiGraphMap::<usize, ()>::new();
    for (index, job) in workflow.jobs.values().enumerate() {
        graph.add_node(index);
        for need in &job.needs {
            let needed = workflow.job(need.value.as_str()).map(|it| &it.id.value);
            if let Some(from) = needed.and_then(|it| workflow.jobs.get_index_of(it)) {
                graph.add_edge(from, index, ());
            }
        }
    }
    let sorted = toposort(&graph, None).map_err(|_| PlanError::Cycle)?;
    Ok(sorted.into_iter().filter_map(|it| workflow.jobs.get_index(it)).map(|(id, _)| id).collect())
}

/// `earlier` holds all that `id` needs.
fn planned(workflow: &Workflow, id: &JobId, earlier: &IndexMap<JobKey, PlannedJob>) -> PlannedJob {
    let written = workflow.jobs.get(id).map(|it| it.needs.as_slice()).unwrap_or_default();
    let mut needs: Vec<JobKey> = Vec::new();
    for need in written {
        let key = workflow.job(need.value.as_str()).map(|it| JobKey::new(it.id.value.as_str()));
        needs.extend(key.filter(|it| !needs.contains(it)));
    }
    let mut ancestors: Vec<JobKey> = Vec::new();
    for job in needs.iter().filter_map(|it| earlier.get(it)) {
        for key in job.ancestors.iter().chain([&job.key]) {
            if !ancestors.contains(key) {
                ancestors.push(key.clone());
            }
        }
    }
    let stage = needs.iter().filter_map(|it| earlier.get(it)).map(|it| it.stage + 1).max().unwrap_or(0);
    PlannedJob { key: JobKey::new(id.as_str()), id: id.clone(), needs, ancestors, stage, chosen: true }
}

fn choose(
    workflow: &Workflow,
    jobs: &mut IndexMap<JobKey, PlannedJob>,
    chosen: &[String],
    without_needs: bool,
) -> Result<(), PlanError> {
    if chosen.is_empty() {
        return Ok(());
    }
    let mut wanted: Vec<JobKey> = Vec::new();
    for id in chosen {
        let Some(job) = workflow.job(id) else {
            let jobs = workflow.jobs.keys().map(ToString::to_string).collect();
            return Err(PlanError::UnknownJob { id: id.clone(), jobs });
        };
        let key = JobKey::new(job.id.value.as_str());
        if !without_needs {
            wanted.extend(jobs.get(&key).map(|it| it.ancestors.clone()).unwrap_or_default());
        }
        wanted.push(key);
    }
    for (key, job) in jobs.iter_mut() {
        job.chosen = wanted.contains(key);
    }
    if without_needs {
        jobs.values_mut().for_each(|it| {
            it.needs.clear();
            it.ancestors.clear();
            it.stage = 0;
        });
    }
    Ok(())
}
