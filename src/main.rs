//! `wfrun`: runs GitHub Actions workflows on this machine, exactly as GitHub would, and says why.
mod act;
mod actions;
mod aws_account;
mod aws_cli;
mod aws_keys;
mod aws_names;
mod aws_permissions;
mod aws_use;
mod check;
mod checkouts;
mod cli;
mod codes;
mod commands;
mod dependencies;
mod docker_cli;
mod doctor;
mod environment;
mod exit;
mod find;
mod forced;
mod foresight;
mod from_github;
mod github_token;
mod iam_policies;
mod images;
mod key_values;
mod names;
mod outbound;
mod output;
mod own_files;
mod place;
mod repositories;
mod repository;
mod runs;
mod secrets;
mod settings;
mod situation;
mod sources;
mod vendored;
mod wftest;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_default();
    let rest: Vec<_> = args.collect();
    // The same executable is the agent and the stand-ins inside of jobs; these must start at once, without a runtime.
    if let Some(code) = commands::hidden(&program, &rest) {
        return code;
    }
    let environment = environment::Environment::read();
    environment.start_logging();
    commands::dispatch(&rest, &environment)
}
