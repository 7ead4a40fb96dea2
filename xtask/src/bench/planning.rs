//! Foreseeing: `wfrun why` of the example, many legs, and many jobs through nested calls.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::time_of;
use crate::tree;

/// Jobs of the workflow with many legs; each has 256 legs.
pub(super) const WIDE: usize = 20;
/// Jobs that the nested calls come to, callers not counted: 10 legs call a workflow, 10 legs of which call 50 jobs.
pub(super) const DEEP: usize = 5000;

/// Writes a git repository with both workflows.
pub(super) fn write() -> Result<PathBuf> {
    let folder = tree::target_folder()?.join("bench-planning");
    let workflows = folder.join(".github/workflows");
    fs::create_dir_all(&workflows).with_context(|| format!("{} cannot be made", workflows.display()))?;
    let numbers = |count: usize| (0..count).map(|it| it.to_string()).collect::<Vec<_>>().join(", ");
    let axes = format!("a: [{0}], b: [{0}]", numbers(16));
    let wide = (0..WIDE).map(|it| {
        format!("  job-{it}:\n    strategy: {{matrix: {{{axes}}}}}\n    runs-on: ubuntu-latest\n    steps: [{{run: make}}]\n")
    });
    fs::write(workflows.join("wide.yml"), format!("on: push\njobs:\n{}", wide.collect::<String>()))?;
    let caller = |on: &str, file: &str| {
        let matrix = numbers(10);
        format!(
            "on: {on}\njobs:\n  call:\n    strategy: {{matrix: {{n: [{matrix}]}}}}\n    \
             uses: ./.github/workflows/{file}\n    with: {{n: '${{{{ matrix.n }}}}'}}\n"
        )
    };
    let called = "{workflow_call: {inputs: {n: {type: string}}}}";
    fs::write(workflows.join("deep.yml"), caller("push", "middle.yml"))?;
    fs::write(workflows.join("middle.yml"), caller(called, "leaf.yml"))?;
    let leaves = (0..50).map(|it| {
        let needs = if it == 0 { String::new() } else { format!("needs: job-{}, ", it - 1) };
        format!("  job-{it}: {{{needs}if: inputs.n != 'x', runs-on: ubuntu-latest, steps: [{{run: make}}]}}\n")
    });
    fs::write(workflows.join("leaf.yml"), format!("on: {called}\njobs:\n{}", leaves.collect::<String>()))?;
    if !folder.join(".git").exists() {
        let git = |arguments: &[&str]| {
            let person = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
            crate::process::run(Command::new("git").args(person).args(arguments).current_dir(&folder))
        };
        git(&["init", "--quiet", "--initial-branch=main"])?;
        git(&["add", "--all"])?;
        git(&["commit", "--quiet", "--message=start"])?;
    }
    Ok(folder)
}

/// `wfrun plan --json` of one of them.
pub(super) fn plan(wfrun: &str, folder: &Path, workflow: &str) -> Command {
    let mut command = Command::new(wfrun);
    command.args(["plan", workflow, "--json", "--ref", "main"]).current_dir(folder);
    command
}

/// `wfrun why` of the example's deployment for a pull request.
pub(super) fn why(wfrun: &str) -> Command {
    let mut command = Command::new(wfrun);
    command.args(["why", "deploy", "build-and-deploy", "-C", "examples/news-api"]);
    command.args(["--event", "pull_request", "--ref", "feature/x", "--base", "main"]);
    command
}

pub(super) fn time(command: &mut Command) -> Result<Duration> {
    time_of(command)
}
