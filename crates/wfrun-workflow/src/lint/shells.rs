//! `shell/unknown` and `shell/not-here`: shells that there are not, or not on this machine.
use wfrun_syntax::{Diagnostic, closest};

use super::{Linting, labels};
use crate::{Field, Job, StepKind};

/// The shells that need no `{0}`.
///
/// Source: GitHub: execution rules E2.1.
const BUILT_IN: [&str; 6] = ["bash", "sh", "python", "pwsh", "powershell", "cmd"];

/// Looks at the shells of steps, jobs and the workflow.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    found.extend(linting.workflow.defaults.shell.as_ref().and_then(|it| unknown(linting, it)));
    for job in linting.workflow.jobs.values() {
        found.extend(job.defaults.shell.as_ref().and_then(|it| look(linting, job, it)));
        for step in job.all_steps() {
            if let StepKind::Run(run) = &step.kind {
                found.extend(run.shell.as_ref().and_then(|it| look(linting, job, it)));
            }
        }
    }
    found
}

fn look(linting: &Linting<'_>, job: &Job, shell: &Field) -> Option<Diagnostic> {
    unknown(linting, shell).or_else(|| elsewhere(linting, job, shell))
}

fn unknown(linting: &Linting<'_>, shell: &Field) -> Option<Diagnostic> {
    let text = shell.template.as_literal()?;
    let command = text.split(' ').next().unwrap_or_default();
    let is_built_in = BUILT_IN.iter().any(|it| it.eq_ignore_ascii_case(command));
    let is_alone = text.trim() == command;
    if text.is_empty() || text.contains("{0}") || (is_built_in && is_alone) {
        return None;
    }
    let message =
        format!("`{text}` is no shell that GitHub has, and says nowhere where the script goes: the step fails");
    let help = match closest(command, BUILT_IN).filter(|_| is_alone) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write `{text} {{0}}`, or one of {}", BUILT_IN.join(", ")),
    };
    Some(linting.warning("shell/unknown", message, shell.node.place()).help(help))
}

/// A shell that is not on this machine; what is in a container, or comes with an action, is not known.
fn elsewhere(linting: &Linting<'_>, job: &Job, shell: &Field) -> Option<Diagnostic> {
    let here = linting.settings.here.as_ref()?;
    let command = shell.template.as_literal()?.split(' ').next()?.to_ascii_lowercase();
    let is_missing = BUILT_IN.contains(&command.as_str()) && !here.shells.contains(&command);
    if !is_missing || job.container.is_some() || labels::is_or_may_be_elsewhere(job, here.is_arm) {
        return None;
    }
    let sets_up = job.all_steps().any(|it| match &it.kind {
        StepKind::Uses(uses) => uses.action().is_some_and(|it| it.repo.eq_ignore_ascii_case("setup-python")),
        StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => false,
    });
    if command == "python" && sets_up {
        return None;
    }
    let message = format!("`{command}` is not on this machine, so the step fails here");
    let help = match command.as_str() {
        "cmd" | "powershell" => "that shell is only on Windows; `pwsh` is on every runner of GitHub".to_owned(),
        _ => format!("install `{command}`, or run the job in an image that has it"),
    };
    Some(linting.note("shell/not-here", message, shell.node.place()).help(help))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_here, steps};

    #[test]
    fn shells_that_there_are_not() {
        for (shell, help) in [
            ("bahs", "did you mean `bash`?"),
            ("fish", "write `fish {0}`, or one of bash, sh, python, pwsh, powershell, cmd"),
            ("bash -x", "write `bash -x {0}`, or one of bash, sh, python, pwsh, powershell, cmd"),
        ] {
            check(&steps(&format!("{{run: a, shell: {shell}}}")), &[&format!("shell/unknown `{shell}`: {help}")]);
        }
        for shell in ["bash", "BASH", "perl {0}", "bash -x {0}", "pwsh", "cmd"] {
            check(&steps(&format!("{{run: a, shell: '{shell}'}}")), &[]);
        }
        check(
            "on: push\ndefaults: {run: {shell: bsh}}\njobs: {j: {runs-on: x, steps: [{run: a}]}}\n",
            &["shell/unknown `bsh`: did you mean `bash`?"],
        );
    }

    #[test]
    fn shells_that_are_not_here() {
        check_here(
            &steps("{run: a, shell: pwsh}, {run: b, shell: bash}, {run: c, shell: cmd}"),
            &[
                "shell/not-here `pwsh`: install `pwsh`, or run the job in an image that has it",
                "shell/not-here `cmd`: that shell is only on Windows; `pwsh` is on every runner of GitHub",
            ],
        );
        check_here(&steps("{uses: actions/setup-python@v5}, {run: a, shell: python}"), &[]);
        check_here("on: push\njobs: {j: {runs-on: '${{ vars.X }}', steps: [{run: a, shell: pwsh}]}}\n", &[]);
    }
}
