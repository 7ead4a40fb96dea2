//! `docker … prune`: nothing is removed.

use super::error::DockerError;
use super::options::{Flag, Words, switch, value};
use crate::standins::cli::process::{How, Process};

/// One `prune`: its command, what it warns of, and what it ends with.
struct Prune {
    command: &'static str,
    warning: &'static str,
    total: &'static str,
}

const RECLAIMED: &str = "Total reclaimed space: 0B\n";

/// Source: Docker CLI 28, `cli/command/*/prune.go`; buildx, `commands/prune.go`.
const PRUNES: [Prune; 7] = [
    Prune {
        command: "docker image prune",
        warning: "WARNING! This will remove all dangling images.",
        total: RECLAIMED,
    },
    Prune {
        command: "docker system prune",
        warning: "WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least one container\n  \
                  - all dangling images\n  - unused build cache\n",
        total: RECLAIMED,
    },
    Prune {
        command: "docker builder prune",
        warning: "WARNING! This will remove all dangling build cache.",
        total: RECLAIMED,
    },
    Prune {
        command: "docker buildx prune",
        warning: "WARNING! This will remove all dangling build cache.",
        total: "Total:\t0B\n",
    },
    Prune {
        command: "docker container prune",
        warning: "WARNING! This will remove all stopped containers.",
        total: RECLAIMED,
    },
    Prune {
        command: "docker volume prune",
        warning: "WARNING! This will remove anonymous local volumes not used by at least one container.",
        total: RECLAIMED,
    },
    Prune {
        command: "docker network prune",
        warning: "WARNING! This will remove all custom networks not used by at least one container.",
        total: "",
    },
];

const FLAGS: &[Flag] = &[
    switch("force").or('f'),
    switch("all").or('a'),
    switch("volumes"),
    switch("verbose"),
    value("filter"),
    value("keep-storage"),
    value("reserved-space"),
    value("max-used-space"),
    value("min-free-space"),
    value("builder"),
];

/// Runs `docker <group> prune`. Who does not say `--force` is asked; a step has nobody who would answer, and nothing happens then.
///
/// Differs: `docker image prune` and the other `prune` commands of the stand-in for `docker` remove nothing.
pub(super) fn run(group: &str, words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    let is_it = |prune: &&Prune| prune.command.split(' ').nth(1) == Some(group);
    let Some(Prune { command, warning, total }) = PRUNES.iter().find(is_it) else {
        return Err(DockerError::NotRun { command: format!("{group} prune") });
    };
    let words = Words::read(command, FLAGS, words)?;
    if !words.is_on("force") {
        process.write(&format!("{warning}\nAre you sure you want to continue? [y/N] "));
        let mut answer = String::new();
        process.input.read_to_string(&mut answer).map_err(DockerError::file("read", "the answer"))?;
        if !answer.lines().next().is_some_and(|line| line.trim().eq_ignore_ascii_case("y")) {
            return Ok(());
        }
    }
    process.declare(How::StandIn, command, "nothing is removed: what wfrun's own `docker` keeps goes with the run");
    process.write(total);
    Ok(())
}
