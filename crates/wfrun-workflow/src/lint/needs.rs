//! `needs/not-needed` and `needs/no-output`: what a job reads of others and cannot get.
use std::collections::HashSet;

use wfrun_syntax::{Diagnostic, Spanned, eq_ignoring_case};

use super::path::Path;
use super::written::Written;
use super::{Linting, names_help};
use crate::{FileRef, Job, JobId, MapPart, Workflow};

/// Looks for `needs.JOB` of jobs that are not needed, and `needs.JOB.outputs.NAME` that the job does not set.
///
/// Source: GitHub: planning rules 4.3, 4.4 and 4.9.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for written in &linting.written {
        let Some(job) = written.job else { continue };
        for path in written.paths("needs") {
            found.extend(look_up(linting, written, job, &path));
        }
    }
    found
}

fn look_up(linting: &Linting<'_>, written: &Written<'_>, job: &Job, path: &Path<'_>) -> Option<Diagnostic> {
    let name = path.name(0)?;
    let focus = written.span_of(&path.parts.first()?.range);
    if !job.needs.iter().any(|it| it.value.is(name)) {
        // In the condition of a job, those before the needed ones can be seen as well.
        if written.key == "if" && written.step.is_none() && is_before(linting.workflow, job, name) {
            return None;
        }
        let message = format!("`{name}` is not in the `needs` of this job, so this is empty");
        let help = match linting.workflow.job(name) {
            Some(it) if it.id.value != job.id.value => format!("add it: `needs: [{}]`", with(&job.needs, it)),
            _ => {
                let needs = job.needs.iter().map(|it| it.value.as_str());
                names_help(name, needs, "the job needs", "the job has no `needs`: add it, or take this away")
            }
        };
        return Some(linting.warning("needs/not-needed", message, written.place()).focus(focus).help(help));
    }
    let output = path.parts.get(2).filter(|_| path.name(1).is_some_and(|it| it.eq_ignore_ascii_case("outputs")))?;
    let wanted = output.name?;
    let target = linting.workflow.job(name)?;
    let outputs = outputs(linting, target)?;
    if outputs.iter().any(|it| eq_ignoring_case(it, wanted)) {
        return None;
    }
    let message = format!("job `{}` sets no output `{wanted}`, so this is empty", target.id.value);
    let place = if target.call.is_some() { "`on.workflow_call.outputs`" } else { "its `outputs`" };
    let none = format!("add `{wanted}` to {place}");
    let help = names_help(wanted, outputs.iter().map(String::as_str), "it sets", &none);
    let found = linting.warning("needs/no-output", message, written.place()).focus(written.span_of(&output.range));
    Some(found.label(&linting.workflow.source, target.id.span, "the job").help(help))
}

fn with(needs: &[Spanned<JobId>], other: &Job) -> String {
    let all = needs.iter().map(|it| &it.value).chain([&other.id.value]);
    all.map(JobId::as_str).collect::<Vec<_>>().join(", ")
}

/// Whether a job runs before another one, directly or through others.
fn is_before(workflow: &Workflow, job: &Job, name: &str) -> bool {
    let mut open: Vec<&JobId> = job.needs.iter().map(|it| &it.value).collect();
    let mut seen: HashSet<&JobId> = HashSet::new();
    while let Some(id) = open.pop() {
        if id.is(name) {
            return true;
        }
        if seen.insert(id) {
            open.extend(workflow.job(id.as_str()).into_iter().flat_map(|it| &it.needs).map(|it| &it.value));
        }
    }
    false
}

/// The names of a job's outputs; `None` if they are not known.
fn outputs(linting: &Linting<'_>, job: &Job) -> Option<Vec<String>> {
    let outputs = match &job.call {
        None => &job.outputs,
        Some(call) => {
            let root = FileRef { repository: None, path: linting.workflow.source.path().to_owned() };
            let callee = linting.set.called.get(&root.resolve(&call.target.value))?;
            &callee.on.event("workflow_call")?.outputs
        }
    };
    let name = |part: &MapPart| match part {
        MapPart::Entry(name, _) => Some(name.value.clone()),
        MapPart::Computed(..) | MapPart::Insert(_) | MapPart::Whole(_) => None,
    };
    outputs.parts.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_call};

    const CALLEE: &str =
        "on: {workflow_call: {outputs: {image: {value: x}}}}\njobs: {j: {runs-on: x, steps: [{run: a}]}}\n";

    fn jobs(first: &str, second: &str) -> String {
        format!(
            "on: push\njobs:\n  build: {{{first}}}\n  lint: {{runs-on: x, needs: build, steps: [{{run: a}}]}}\n  deploy: {{runs-on: x, {second}}}\n"
        )
    }

    fn run(needs: &str, path: &str) -> String {
        format!("{needs}steps: [{{run: \"echo ${{{{ {path} }}}}\"}}]")
    }

    #[test]
    fn what_cannot_be_read() {
        let build = "runs-on: x, outputs: {version: a}, steps: [{run: a}]";
        for (needs, path, expected) in [
            ("needs: build, ", "needs.build.outputs.verison", "needs/no-output `verison`: did you mean `version`?"),
            ("needs: build, ", "needs.build.outputs['x-y-z']", "needs/no-output `'x-y-z'`: it sets: version"),
            ("needs: lint, ", "needs.lint.outputs.v", "needs/no-output `v`: add `v` to its `outputs`"),
            ("needs: lint, ", "needs.build.result", "needs/not-needed `build`: add it: `needs: [lint, build]`"),
            ("needs: build, ", "needs.biuld.result", "needs/not-needed `biuld`: did you mean `build`?"),
            ("", "needs.x.result", "needs/not-needed `x`: the job has no `needs`: add it, or take this away"),
        ] {
            check(&jobs(build, &run(needs, path)), &[expected]);
        }
        let call = "uses: ./.github/workflows/c.yml";
        let text = jobs(call, &run("needs: build, ", "needs.build.outputs.imag"));
        check_call(&text, CALLEE, &["needs/no-output `imag`: did you mean `image`?"]);
    }

    #[test]
    fn what_can_be_read() {
        let build = "runs-on: x, outputs: {version: a}, steps: [{run: a}]";
        for path in ["needs.BUILD.outputs.Version", "needs.build.outputs[github.ref]", "toJSON(needs.build.outputs)"] {
            check(&jobs(build, &run("needs: build, ", path)), &[]);
        }
        check(&jobs(build, "needs: lint, if: 'needs.build.result == ''success''', steps: [{run: a}]"), &[]);
        let call = "uses: ./.github/workflows/c.yml";
        check(&jobs(call, &run("needs: build, ", "needs.build.outputs.x")), &[]);
        check_call(&jobs(call, &run("needs: build, ", "needs.build.outputs.image")), CALLEE, &[]);
    }
}
