//! Submodules: those that the user's own clone has, or that are elsewhere on this machine.
use std::path::Path;
use std::process::Command;

use super::elsewhere::is_here;
use super::settings::{Settings, Submodules};
use super::snapshot::{INSTALL_GIT, in_folder, near_git};
use crate::standins::error::StandInError;
use crate::standins::program;
use crate::standins::toolkit::{self, How};

/// Fetches submodules into a work tree, level by level; what this machine does not have stays an empty folder, and that is
/// declared.
///
/// Source: `actions/checkout`, `git-command-manager.ts`: `submoduleSync`, `submoduleUpdate`, `submoduleForeach`.
pub(super) fn fetch(settings: &Settings) -> Result<(), StandInError> {
    if settings.submodules == Submodules::No {
        return Ok(());
    }
    toolkit::start_group("Fetching submodules");
    let fetched = level(settings, &settings.path);
    toolkit::end_group();
    fetched
}

fn level(settings: &Settings, folder: &Path) -> Result<(), StandInError> {
    let run = |arguments: &[&str]| program::stdout(git(folder).args(arguments), None, INSTALL_GIT);
    let listed = program::output(
        git(folder).args(["config", "--file", ".gitmodules", "--null", "--get-regexp", r"^submodule\..*\.path$"]),
        None,
        INSTALL_GIT,
    )?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let entries = listed.split('\0').filter_map(|it| it.split_once('\n'));
    let modules: Vec<(String, String)> = entries
        .filter_map(|(key, path)| {
            Some((key.strip_prefix("submodule.")?.strip_suffix(".path")?.to_owned(), path.to_owned()))
        })
        .collect();
    if modules.is_empty() {
        return Ok(());
    }
    run(&["submodule", "init"])?;
    run(&["submodule", "sync"])?;
    for (name, path) in modules {
        let url = run(&["config", "--get", &format!("submodule.{name}.url")])?;
        if !is_here(url.trim())? {
            leave_out(&path, url.trim());
            continue;
        }
        let mut update = git(folder);
        update.args(["-c", "protocol.version=2", "submodule", "update", "--init", "--force"]);
        if settings.depth > 0 {
            update.arg(format!("--depth={}", settings.depth));
        }
        let said = program::stdout(update.args(["--", &path]), None, INSTALL_GIT)?;
        said.lines().for_each(toolkit::info);
        let inner = folder.join(&path);
        program::stdout(git(&inner).args(["config", "--local", "gc.auto", "0"]), None, INSTALL_GIT)?;
        if settings.submodules == Submodules::Recursive {
            level(settings, &inner)?;
        }
    }
    Ok(())
}

fn leave_out(path: &str, url: &str) {
    let detail = format!("submodule `{path}` is not on this machine ({url}): its folder stays empty");
    let way_out = "Fetch it in the clone that wfrun runs in (`git submodule update --init --recursive`)";
    toolkit::warning(&format!("actions/checkout: {detail}. {way_out}"));
    toolkit::declare(How::NotRun, &format!("actions/checkout submodule {path}"), &detail);
}

fn git(folder: &Path) -> Command {
    in_folder(near_git(), folder)
}
