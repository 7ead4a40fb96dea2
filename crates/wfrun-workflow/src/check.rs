//! The `needs` graph: all jobs known, no cycle.
//!
//! Source: GitHub: planning rules 4.1 (`ConvertToJobs` of actions/runner).
use wfrun_syntax::{Spanned, closest, eq_ignoring_case};

use crate::lower::Findings;
use crate::{Job, JobId, Token, Workflow};

/// A job whose needs are not all satisfied yet.
struct Waiting<'a> {
    job: &'a Job,
    needs: Vec<&'a Spanned<JobId>>,
}

/// Checks the `needs` of all jobs: releases jobs whose needs are satisfied until none is left or none can be.
///
/// Every need that stays is said, so that each edge of a cycle is, and each job behind one.
pub(crate) fn needs(workflow: &Workflow, root: &Token, findings: &mut Findings) {
    let (mut ready, mut waiting) = (Vec::new(), Vec::new());
    for job in workflow.jobs.values() {
        match job.needs.as_slice() {
            [] => ready.push(&job.id.value),
            needs => waiting.push(Waiting { job, needs: needs.iter().collect() }),
        }
    }
    if ready.is_empty() {
        let place = root.get("jobs").map(Token::place).unwrap_or_default();
        let message = "The workflow must contain at least one job with no dependencies.";
        findings.error("workflow/no-start", message, place, &circle(workflow));
        return;
    }
    while let Some(done) = ready.pop() {
        waiting.retain_mut(|it| {
            it.needs.retain(|need| !eq_ignoring_case(need.value.as_str(), done.as_str()));
            if it.needs.is_empty() {
                ready.push(&it.job.id.value);
            }
            !it.needs.is_empty()
        });
    }
    for Waiting { job, needs } in waiting {
        for need in needs {
            report(workflow, job, need, findings);
        }
    }
}

/// Names jobs that wait for each other, where all wait.
fn circle(workflow: &Workflow) -> String {
    let mut path: Vec<&Job> = Vec::new();
    let mut next = workflow.jobs.values().next();
    while let Some(job) = next {
        if let Some(start) = path.iter().position(|it| it.id.value == job.id.value) {
            let names = path[start..].iter().chain([&job]).map(|it| format!("`{}`", it.id.value));
            let names = names.collect::<Vec<_>>().join(" needs ");
            return format!("each job waits for another: {names}");
        }
        path.push(job);
        next = job.needs.iter().find_map(|it| workflow.job(it.value.as_str()));
    }
    "each job has `needs`, so none can be the first".to_owned()
}

fn report(workflow: &Workflow, job: &Job, need: &Spanned<JobId>, findings: &mut Findings) {
    let id = &job.id.value;
    if workflow.job(need.value.as_str()).is_some() {
        let message =
            format!("Job '{id}' depends on job '{}' which creates a cycle in the dependency graph.", need.value);
        if id.is(need.value.as_str()) {
            findings.error("workflow/needs-cycle", message, need.span, "a job cannot wait for itself: take it out");
            return;
        }
        let help = format!("take `{}` out of the `needs` of `{id}`, or break the cycle elsewhere", need.value);
        findings.error("workflow/needs-cycle", message, need.span, &help);
        return;
    }
    let others = workflow.jobs.keys().map(JobId::as_str).filter(|it| !id.is(it));
    let help = match closest(need.value.as_str(), others.clone()) {
        Some(it) => format!("did you mean `{it}`?"),
        None => format!("the other jobs are: {}", others.collect::<Vec<_>>().join(", ")),
    };
    let message = format!("Job '{id}' depends on unknown job '{}'.", need.value);
    findings.error("workflow/unknown-job", message, need.span, &help);
}
