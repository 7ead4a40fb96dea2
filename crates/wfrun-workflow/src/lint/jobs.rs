//! `needs/twice`, `job/no-steps` and `job/timeout`: jobs that say something to no effect.
use wfrun_syntax::{Diagnostic, eq_ignoring_case};

use super::Linting;
use crate::{Field, Job};

/// Looks at `needs`, `steps` and `timeout-minutes`.
///
/// Source: GitHub: planning rules 4.1 and 4.6.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for job in linting.workflow.jobs.values() {
        found.extend(twice(linting, job));
        if job.call.is_none() && job.steps.is_empty() {
            let message = format!("the job `{}` has no steps, so it does nothing", job.id.value);
            found
                .push(linting.warning("job/no-steps", message, job.id.span).help("add `steps:`, or take the job away"));
        }
        found.extend(job.timeout_minutes.as_ref().and_then(|it| timeout(linting, it)));
        found.extend(job.all_steps().filter_map(|it| timeout(linting, it.timeout_minutes.as_ref()?)));
    }
    found
}

fn twice(linting: &Linting<'_>, job: &Job) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, need) in job.needs.iter().enumerate() {
        let name = need.value.as_str();
        let first = job.needs[..at].iter().find(|it| eq_ignoring_case(it.value.as_str(), name));
        if let Some(first) = first {
            let place = linting.warning("needs/twice", format!("`{name}` stands in `needs` twice"), need.span);
            let place = place.label(&linting.workflow.source, first.span, "first here");
            found.push(place.help("take one of them away"));
        }
    }
    found
}

/// A time that is not more than nothing, after GitHub has cut it to whole minutes.
fn timeout(linting: &Linting<'_>, field: &Field) -> Option<Diagnostic> {
    let minutes: f64 = field.template.as_literal()?.parse().ok()?;
    if minutes >= 1.0 {
        return None;
    }
    let message = format!("`{}` is less than a minute, and counts as if it were not there", field.raw());
    let found = linting.warning("job/timeout", message, field.node.place());
    Some(found.help("write whole minutes, 1 or more, or take it away"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn jobs_that_say_too_much() {
        check(
            "on: push\njobs:\n  a: {runs-on: x, timeout-minutes: 0.5, steps: [{run: a, timeout-minutes: 0}]}\n  b: {runs-on: x, needs: [a, A]}\n",
            &[
                "job/timeout `0.5`: write whole minutes, 1 or more, or take it away",
                "job/timeout `0`: write whole minutes, 1 or more, or take it away",
                "job/no-steps `b`: add `steps:`, or take the job away",
                "needs/twice `A`: take one of them away",
            ],
        );
        check("on: push\njobs: {a: {runs-on: x, timeout-minutes: 1.5, steps: [{run: a}]}}\n", &[]);
    }
}
