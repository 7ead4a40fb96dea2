//! The `docker` that the stand-ins of docker's actions start in these tests: wfrun's own.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;
use wfrun_agent::standins::cli;

use super::{Job, Step, in_front, script};

const WORDS: &str = "WFRUN_TEST_DOCKER";
const SEPARATOR: char = '\u{1f}';

/// Not a test of its own: started with [`WORDS`] set, the test binary is `docker`.
#[test]
fn command() {
    let Ok(words) = std::env::var(WORDS) else { return };
    let words = words.trim_end_matches(SEPARATOR).split(SEPARATOR).map(str::to_owned);
    let code = cli::main("docker", words).expect("is a command");
    #[expect(clippy::exit, reason = "the harness would turn the code into its own")]
    std::process::exit(i32::from(code != ExitCode::SUCCESS));
}

/// Puts `docker` in a folder of the job; [`with_docker`] finds it.
pub(crate) fn install(job: &Job) {
    let program = std::env::current_exe().expect("has a path");
    let text = format!(
        "#!/bin/sh\nwords=\nfor word; do words=\"$words$word$(printf '\\037')\"; done\nout=$(mktemp)\n\
         {WORDS}=\"$words\" '{}' --exact standins::docker::command --nocapture --test-threads=2 >\"$out\"\ncode=$?\n\
         tail -n +3 \"$out\"\nrm -f \"$out\"\nexit $code\n",
        program.display()
    );
    script(job, "docker", &text);
}

/// The step with the `docker` of [`install`]; what it leaves in the folder for temporary files goes with the job.
pub(crate) fn with_docker<'a>(job: &'a Job, step: Step<'a>) -> Step<'a> {
    step.env("PATH", in_front(&job.path("bin"))).env("TMPDIR", job.path("temp"))
}

/// The tags of the images that the job's engine has.
pub(crate) fn tags(job: &Job) -> Vec<String> {
    let index = fs::read(job.path("home/.local/share/wfrun/images/index.json")).unwrap_or_default();
    let index: Value = serde_json::from_slice(&index).unwrap_or_default();
    index["tags"].as_object().map(|tags| tags.keys().cloned().collect()).unwrap_or_default()
}

/// The hosts that `docker` has logins for, by the settings in a folder of the job.
pub(crate) fn logins(job: &Job, folder: &str) -> Vec<String> {
    let path: PathBuf = job.path(folder).join("config.json");
    let settings: Value = serde_json::from_slice(&fs::read(path).unwrap_or_default()).unwrap_or_default();
    settings["auths"].as_object().map(|auths| auths.keys().cloned().collect()).unwrap_or_default()
}
