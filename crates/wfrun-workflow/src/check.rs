//! The `needs` graph: all jobs known, no cycle.
//!
//! Source: GitHub: planning rules 4.1.
//! Differs: GitHub reports every job of a cycle and every job behind it; wfrun reports each cycle once.
use std::collections::HashSet;

use wfrun_syntax::{Code, Diagnostic, Spanned, closest};

use crate::lower::Cursor;
use crate::{Job, JobId, Workflow};

/// Checks the `needs` of all jobs.
pub(crate) fn needs(workflow: &Workflow, cursor: &mut Cursor) {
    let mut all_known = true;
    for job in workflow.jobs.values() {
        for need in &job.needs {
            if workflow.job(need.value.as_str()).is_none() {
                all_known = false;
                unknown(workflow, job, need, cursor);
            }
        }
    }
    if all_known {
        cycles(workflow, cursor);
    }
}

fn unknown(workflow: &Workflow, job: &Job, need: &Spanned<JobId>, cursor: &mut Cursor) {
    let others = workflow.jobs.keys().map(JobId::as_str).filter(|it| !job.id.value.is(it));
    let help = match closest(need.value.as_str(), others.clone()) {
        Some(it) => format!("did you mean `{it}`?"),
        None => format!("the other jobs are: {}", others.collect::<Vec<_>>().join(", ")),
    };
    let message = format!("Job '{}' depends on unknown job '{}'.", job.id.value, need.value);
    cursor.error("workflow/unknown-job", message, need.span, Some(help));
}

fn cycles(workflow: &Workflow, cursor: &mut Cursor) {
    let mut done = HashSet::new();
    for id in workflow.jobs.keys() {
        let mut path = Vec::new();
        if let Some(cycle) = find(workflow, id, &mut path, &mut done) {
            report(workflow, &cycle, cursor);
        }
    }
}

/// Walks the needs of `id` depth first; gives back the jobs of the first cycle met.
fn find(workflow: &Workflow, id: &JobId, path: &mut Vec<JobId>, done: &mut HashSet<JobId>) -> Option<Vec<JobId>> {
    if let Some(start) = path.iter().position(|it| it == id) {
        let cycle = path.split_off(start);
        done.extend(cycle.iter().cloned());
        return Some(cycle);
    }
    if done.contains(id) {
        return None;
    }
    path.push(id.clone());
    let job = workflow.jobs.get(id)?;
    let needed = job.needs.iter().filter_map(|it| workflow.job(it.value.as_str()));
    let found = needed.map(|it| &it.id.value).find_map(|it| find(workflow, it, path, done));
    done.insert(id.clone());
    if path.last() == Some(id) {
        path.pop();
    }
    found
}

fn report(workflow: &Workflow, cycle: &[JobId], cursor: &mut Cursor) {
    let edges = cycle.iter().zip(cycle.iter().cycle().skip(1)).filter_map(|(id, next)| {
        let job = workflow.jobs.get(id)?;
        let need = job.needs.iter().find(|it| next.is(it.value.as_str()))?;
        Some((job, need))
    });
    let mut edges = edges.collect::<Vec<_>>().into_iter();
    let Some((job, need)) = edges.next() else { return };
    let message = format!(
        "Job '{}' depends on job '{}' which creates a cycle in the dependency graph.",
        job.id.value, need.value
    );
    let source = cursor.source.clone();
    let mut diagnostic = Diagnostic::error(Code::new("workflow/needs-cycle"), message).at(&source, need.span);
    for (job, need) in edges {
        diagnostic = diagnostic.label(&source, need.span, format!("and `{}` needs `{}`", job.id.value, need.value));
    }
    cursor.push(diagnostic.help("take one of these `needs` away"));
}
