//! `run/set-env` and `run/set-output`: workflow commands that are switched off, or old.
use wfrun_syntax::Diagnostic;

use super::Linting;
use crate::{Field, Job, Step, StepKind};

/// A workflow command, whether GitHub has switched it off, and what to write.
///
/// Source: GitHub: execution rules E4 (`ActionCommandManager` of actions/runner).
/// Source: <https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/>
/// Source: <https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/>
const COMMANDS: &[(&str, bool, &str)] = &[
    ("set-env", true, "echo \"NAME=value\" >> \"$GITHUB_ENV\""),
    ("add-path", true, "echo \"/the/folder\" >> \"$GITHUB_PATH\""),
    ("set-output", false, "echo \"name=value\" >> \"$GITHUB_OUTPUT\""),
    ("save-state", false, "echo \"name=value\" >> \"$GITHUB_STATE\""),
];

/// The variable that switches `set-env` and `add-path` on again.
const UNSECURE: &str = "ACTIONS_ALLOW_UNSECURE_COMMANDS";

/// Looks for old workflow commands in scripts, each once in a step.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for job in linting.workflow.jobs.values() {
        for step in job.all_steps() {
            let StepKind::Run(run) = &step.kind else { continue };
            let is_on = is_unsecure(linting, job, step);
            for (command, is_off, instead) in COMMANDS {
                let Some(range) = use_of(&run.script, command).filter(|_| !(*is_off && is_on)) else { continue };
                let (code, message) = if *is_off {
                    ("run/set-env", format!("GitHub has switched the command `{command}` off, and the step fails"))
                } else {
                    ("run/set-output", format!("the command `{command}` is old, and GitHub warns of it in each run"))
                };
                let help = format!("write to the file instead: `{instead}`");
                let place = linting.warning(code, message, run.script.node.place());
                found.push(place.focus(run.script.span_of(&range)).help(help));
            }
        }
    }
    found
}

fn is_unsecure(linting: &Linting<'_>, job: &Job, step: &Step) -> bool {
    let maps = [&linting.workflow.env, &job.env, &step.env];
    maps.iter().flat_map(|it| it.iter()).any(|(name, value)| name == UNSECURE && value.raw() == "true")
}

/// Where a script writes a command, outside of comments.
fn use_of(script: &Field, command: &str) -> Option<std::ops::Range<u32>> {
    let text = script.raw();
    let wanted = format!("::{command}");
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = if line.trim_start().starts_with('#') { "" } else { line };
        let at = code.find(&wanted).filter(|at| code[at + wanted.len()..].starts_with([' ', ':']));
        if let Some(at) = at {
            let at = u32::try_from(start + at).ok()?;
            return Some(at..at + u32::try_from(wanted.len()).ok()?);
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, steps};

    #[test]
    fn commands() {
        let told = |code: &str, command: &str, instead: &str| {
            format!("{code} `::{command}`: write to the file instead: `{instead}`")
        };
        check(
            &steps("{run: 'echo \"::set-output name=a::b\"'}, {run: 'echo ::set-env name=A::1; echo ::add-path::x'}"),
            &[
                &told("run/set-output", "set-output", "echo \"name=value\" >> \"$GITHUB_OUTPUT\""),
                &told("run/set-env", "set-env", "echo \"NAME=value\" >> \"$GITHUB_ENV\""),
                &told("run/set-env", "add-path", "echo \"/the/folder\" >> \"$GITHUB_PATH\""),
            ],
        );
        check(
            &steps("{parallel: [{run: 'echo ::save-state name=a::b'}]}"),
            &[&told("run/set-output", "save-state", "echo \"name=value\" >> \"$GITHUB_STATE\"")],
        );
        for step in [
            "{run: 'echo ::set-env name=A::1', env: {ACTIONS_ALLOW_UNSECURE_COMMANDS: true}}",
            "{run: '# no ::set-output name=a::b'}",
            "{run: 'echo ::set-outputs; echo ::notice::set-output'}",
        ] {
            check(&steps(step), &[]);
        }
    }
}
