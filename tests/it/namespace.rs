//! Commands in a network namespace of their own, where only the loopback is up.
use std::process::{Command, Output};

use crate::repo::Repo;

/// A script of bash in such a namespace. `more` are further options of `unshare`.
fn command(script: &str, more: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.arg("--net").args(more);
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    command.args(["bash", "-euc", &format!("ip link set lo up\n{script}")]);
    command
}

/// Whether such a namespace can be made; says so where not.
pub(crate) fn can_close() -> bool {
    let tried = command("true", &[]).output();
    if tried.as_ref().is_ok_and(|it| it.status.success()) {
        return true;
    }
    let why = tried.map_or_else(|err| err.to_string(), |it| String::from_utf8_lossy(&it.stderr).into_owned());
    println!("skipped: no network namespace of its own can be made: {}", why.trim());
    false
}

/// Runs a script in the repository, with the environment of [`Repo::command`].
pub(crate) fn run(repo: &Repo, script: &str, more: &[&str]) -> Output {
    let mut command = command(script, more);
    command.current_dir(repo.root());
    for (name, value) in repo.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.output().expect("unshare")
}
