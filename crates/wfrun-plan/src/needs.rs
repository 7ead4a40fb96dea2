//! Which jobs of a workflow wait for which.
use indexmap::IndexMap;
use petgraph::algo::toposort;
use petgraph::graphmap::DiGraphMap;
use wfrun_workflow::{Job, JobId, Workflow};

use crate::PlanError;

/// What a job waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// The jobs it names, as they are declared, each once.
    pub direct: Vec<JobId>,
    /// Those, what they need, and so on, in file order.
    pub all: Vec<JobId>,
}

/// Returns what each job of a workflow waits for, in file order.
pub fn needs(workflow: &Workflow) -> Result<IndexMap<JobId, Needs>, PlanError> {
    let mut found: IndexMap<JobId, Needs> = workflow.jobs.keys().map(|id| (id.clone(), Needs::default())).collect();
    for id in order(workflow)? {
        let direct: Vec<JobId> =
            workflow.jobs.get(id).map(|it| needed(workflow, it)).unwrap_or_default().into_iter().cloned().collect();
        let mut all: Vec<JobId> = Vec::new();
        for need in &direct {
            let before = found.get(need).map(|it| it.all.as_slice()).unwrap_or_default();
            for it in before.iter().chain([need]) {
                if !all.contains(it) {
                    all.push(it.clone());
                }
            }
        }
        all.sort_by_key(|it| workflow.jobs.get_index_of(it));
        found.insert(id.clone(), Needs { direct, all });
    }
    Ok(found)
}

/// The jobs that a job names in `needs`, as they are declared, each once.
pub(crate) fn needed<'w>(workflow: &'w Workflow, job: &Job) -> Vec<&'w JobId> {
    let mut needs: Vec<&JobId> = Vec::new();
    for need in &job.needs {
        let declared = workflow.job(need.value.as_str()).map(|it| &it.id.value);
        needs.extend(declared.filter(|it| !needs.contains(it)));
    }
    needs
}

/// The jobs so that each comes after all it needs.
pub(crate) fn order(workflow: &Workflow) -> Result<Vec<&JobId>, PlanError> {
    let mut graph = DiGraphMap::<usize, ()>::new();
    for (index, job) in workflow.jobs.values().enumerate() {
        graph.add_node(index);
        for need in needed(workflow, job) {
            if let Some(from) = workflow.jobs.get_index_of(need) {
                graph.add_edge(from, index, ());
            }
        }
    }
    let sorted = toposort(&graph, None).map_err(|_| PlanError::Cycle)?;
    Ok(sorted.into_iter().filter_map(|it| workflow.jobs.get_index(it)).map(|(id, _)| id).collect())
}
