//! The jobs that a person asks for.
use std::collections::HashSet;
use std::sync::Arc;

use wfrun_expr::Value;
use wfrun_syntax::eq_ignoring_case;
use wfrun_workflow::{FileRef, JobId, Workflow, WorkflowSet};

use crate::{JobKey, PlanError, called_name, needs};

/// Which jobs of a workflow, and of what it calls, are to run. Jobs are told by their ids without a matrix: `test`,
/// `caller / callee`.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// None stand for all.
    jobs: Option<Chosen>,
    without_needs: bool,
    /// Names and values that legs must have.
    legs: Vec<(String, String)>,
}

#[derive(Debug, Clone, Default)]
struct Chosen {
    /// What was asked for.
    asked: HashSet<JobKey>,
    /// What is needed for that: callers, and the jobs before.
    before: HashSet<JobKey>,
}

impl Selection {
    /// Finds the jobs of these ids or keys, what they call and, unless `without_needs`, what they need. No ids stand for
    /// all. `legs` are names and values that a matrix leg must have, if its matrix has that name.
    pub fn of(
        set: &WorkflowSet,
        ids: &[String],
        without_needs: bool,
        legs: Vec<(String, String)>,
    ) -> Result<Self, PlanError> {
        if ids.is_empty() {
            return Ok(Self { jobs: None, without_needs, legs });
        }
        let mut chosen = Chosen::default();
        for id in ids {
            chosen.choose(set, id, without_needs)?;
        }
        Ok(Self { jobs: Some(chosen), without_needs, legs })
    }

    /// Tells whether a job is to run.
    pub fn has(&self, path: &JobKey) -> bool {
        let Some(chosen) = &self.jobs else { return true };
        chosen.before.contains(path) || within(path.as_str()).any(|it| chosen.asked.contains(&it))
    }

    /// Tells whether a job, or one that calls it, was asked for without what it needs.
    pub fn ignores_needs(&self, path: &JobKey) -> bool {
        self.without_needs && self.jobs.as_ref().is_some_and(|it| it.asked.contains(path) || it.before.contains(path))
    }

    /// Tells whether a leg is to run.
    pub fn has_leg(&self, matrix: &Value) -> bool {
        has_values(matrix, &self.legs)
    }
}

impl Chosen {
    fn choose(&mut self, set: &WorkflowSet, id: &str, without_needs: bool) -> Result<(), PlanError> {
        let mut workflow = Arc::clone(&set.root);
        let mut file = FileRef { repository: None, path: set.root.source.path().to_owned() };
        let mut path: Option<JobKey> = None;
        let plain = JobKey::without_legs(id);
        let mut parts = plain.split(" / ").peekable();
        while let Some(part) = parts.next() {
            let Some(job) = workflow.job(part) else { return Err(unknown(id, path.as_ref(), &workflow)) };
            let own = below(path.as_ref(), &job.id.value);
            if !without_needs {
                let needs = needs(&workflow)?;
                let before = needs.get(&job.id.value).map(|it| it.all.as_slice()).unwrap_or_default();
                // Whole jobs: what they call has to run as well.
                self.asked.extend(before.iter().map(|it| below(path.as_ref(), it)));
            }
            if parts.peek().is_none() {
                self.asked.insert(own);
                return Ok(());
            }
            let called = job.call.as_ref().map(|it| file.resolve(&it.target.value));
            let Some(callee) = called.as_ref().and_then(|it| set.called.get(it)).cloned() else {
                return Err(unknown(id, path.as_ref(), &workflow));
            };
            self.before.insert(own.clone());
            (workflow, file, path) = (callee, called.unwrap_or(file), Some(own));
        }
        Ok(())
    }
}

/// The key of a job without a matrix.
fn below(caller: Option<&JobKey>, id: &JobId) -> JobKey {
    caller.map_or_else(|| JobKey::new(id.as_str()), |it| JobKey::new(called_name(it.as_str(), id.as_str())))
}

fn unknown(id: &str, path: Option<&JobKey>, workflow: &Workflow) -> PlanError {
    let jobs = workflow.jobs.keys().map(|it| below(path, it).to_string()).collect();
    PlanError::UnknownJob { id: id.to_owned(), jobs }
}

/// The path itself, its caller, and so on.
fn within(path: &str) -> impl Iterator<Item = JobKey> + '_ {
    let ends = path.match_indices(" / ").map(|(at, _)| at).chain([path.len()]);
    ends.filter_map(|at| path.get(..at)).map(JobKey::new)
}

/// Tells whether a matrix has these values, where it has the names; ignoring case. Of several values for one name it has
/// any.
pub(crate) fn has_values(matrix: &Value, wanted: &[(String, String)]) -> bool {
    let Some(matrix) = matrix.as_object() else { return true };
    wanted.iter().all(|(name, _)| {
        let values = wanted.iter().filter(|(other, _)| eq_ignoring_case(other, name)).map(|(_, value)| value);
        let is_one = |it: &Value| values.into_iter().any(|value| eq_ignoring_case(&it.to_text(), value));
        matrix.get(name).is_none_or(is_one)
    })
}
