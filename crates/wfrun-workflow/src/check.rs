//! The `needs` graph: all jobs known, no cycle.
//!
//! Source: GitHub: planning rules 4.1 (`ConvertToJobs` of actions/runner).
use std::collections::HashMap;

use wfrun_syntax::{Spanned, closest, upper_ordinal};

use crate::lower::Findings;
use crate::{Job, JobId, Token, Workflow};

/// Checks the `needs` of all jobs: releases jobs whose needs are satisfied until none is left or none can be.
///
/// Every need that stays is said, so that each edge of a cycle is, and each job behind one.
pub(crate) fn needs(workflow: &Workflow, root: &Token, findings: &mut Findings) {
    let jobs: Vec<&Job> = workflow.jobs.values().collect();
    let indexes: HashMap<String, usize> =
        jobs.iter().enumerate().map(|(at, it)| (upper_ordinal(it.id.value.as_str()), at)).collect();
    let mut ready: Vec<usize> = (0..jobs.len()).filter(|at| jobs[*at].needs.is_empty()).collect();
    if ready.is_empty() {
        let place = root.get("jobs").map(Token::place).unwrap_or_default();
        let message = "The workflow must contain at least one job with no dependencies.";
        findings.error("workflow/no-start", message, place, &circle(workflow));
        return;
    }
    // What each need is, and who waits for each job; one name written twice counts twice.
    let needed: Vec<Vec<Option<usize>>> = jobs
        .iter()
        .map(|it| it.needs.iter().map(|need| indexes.get(&upper_ordinal(need.value.as_str())).copied()).collect())
        .collect();
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); jobs.len()];
    for (job, needs) in needed.iter().enumerate() {
        needs.iter().flatten().for_each(|need| waiting[*need].push(job));
    }
    let mut open: Vec<usize> = needed.iter().map(Vec::len).collect();
    let mut released = vec![false; jobs.len()];
    while let Some(done) = ready.pop() {
        released[done] = true;
        for job in &waiting[done] {
            open[*job] -= 1;
            if open[*job] == 0 {
                ready.push(*job);
            }
        }
    }
    for (job, needs) in needed.iter().enumerate().filter(|(job, _)| !released[*job]) {
        for (need, known) in jobs[job].needs.iter().zip(needs) {
            match known {
                Some(at) if released[*at] => {}
                Some(_) => cycle(jobs[job], need, findings),
                None => unknown(workflow, jobs[job], need, findings),
            }
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

fn cycle(job: &Job, need: &Spanned<JobId>, findings: &mut Findings) {
    let (id, need, span) = (&job.id.value, &need.value, need.span);
    let message = format!("Job '{id}' depends on job '{need}' which creates a cycle in the dependency graph.");
    let help = format!("take `{need}` out of the `needs` of `{id}`, or break the cycle elsewhere");
    findings.error("workflow/needs-cycle", message, span, &help);
}

fn unknown(workflow: &Workflow, job: &Job, need: &Spanned<JobId>, findings: &mut Findings) {
    let id = &job.id.value;
    let others = workflow.jobs.keys().map(JobId::as_str).filter(|it| !id.is(it));
    let help = match closest(need.value.as_str(), others.clone()) {
        Some(it) => format!("did you mean `{it}`?"),
        None => format!("the other jobs are: {}", others.collect::<Vec<_>>().join(", ")),
    };
    let message = format!("Job '{id}' depends on unknown job '{}'.", need.value);
    findings.error("workflow/unknown-job", message, need.span, &help);
}
