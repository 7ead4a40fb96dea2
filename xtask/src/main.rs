//! The project's own tasks, `cargo xtask <task>`: what continuous integration runs, and what prepares a machine for it.

mod bench;
mod ci;
mod diagnostics;
mod differential;
mod docker;
mod generated;
mod process;
mod tidy;
mod tree;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask <task>

  ci [--fast]
           formatting, lints, tests, doctests, documentation, tidy; --fast: formatting, lints and tidy
  tidy     the rules that neither compiler nor clippy hold
  gen      write the generated files anew (docs/differences.md, docs/diagnostics/README.md, src/codes.rs)
  differential [--count N] [--seed S]
           random expressions, evaluated by wfrun and by GitHub's npm package; skipped without npm
  docker [--engine-only | --image-only | --stop]
           install and start a Docker engine where there is none, and make the runner image
  bench [--runs N] [--no-example]
           time the release build against its peers: act where it is on the search path, a plain shell
  setup    let git run hooks/pre-commit";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    match run(&task, &arguments.collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            process::complain(&err);
            ExitCode::FAILURE
        }
    }
}

fn run(task: &str, rest: &[String]) -> Result<()> {
    match task {
        "bench" => bench::run(rest),
        "ci" => ci::run(rest),
        "differential" => differential::run(rest),
        "docker" => docker::run(rest),
        "gen" => generated::write(),
        "setup" => setup(),
        "tidy" => tidy::run(),
        "" | "help" | "--help" | "-h" => {
            process::say(USAGE);
            Ok(())
        }
        other => bail!("there is no task `{other}`\n\n{USAGE}"),
    }
}

fn setup() -> Result<()> {
    process::run(tree::git().args(["config", "core.hooksPath", "hooks"]))?;
    process::say("git runs hooks/pre-commit before each commit");
    Ok(())
}
