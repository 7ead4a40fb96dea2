//! The workflow's own repository, as git in an action finds it under its address on github.com.
use std::io;

use crate::RunSettings;
use crate::job::snapshot_path;

/// The file with git's settings, in the snapshot.
const FILE: &str = "gitconfig";

/// What git says it has no helper for when an action pushes.
const PUSH: &str = "wfrun-pushes-nothing-to-github";

/// Writes what git in an action is told: the snapshot stands for the repository, whoever it belongs to.
///
/// The snapshot goes with the run, so what an action pushes would be lost: git refuses to, and names the reason.
///
/// Source: GitHub: execution rules E9.9 and E11.6: `GITHUB_SERVER_URL` stays, and git goes elsewhere.
/// Differs: `actions/checkout` itself, where it takes no stand-in's place, fetches the workflow's own repository from a
/// snapshot on this machine; git in an action then does not reach repositories whose name begins with that one's.
/// Differs: where `.github` is in a folder of a larger repository, git in an action finds the whole of it; the stand-in for
/// `actions/checkout` takes that folder for the repository.
pub(crate) fn write_git_settings(settings: &RunSettings) -> io::Result<()> {
    let (snapshot, name) = (snapshot_path(settings), &settings.repository);
    let https = format!("https://github.com/{name}");
    let addresses = [https.clone(), format!("{https}.git"), format!("git@github.com:{name}.git")];
    let lines = |key: &str| addresses.iter().map(|it| format!("\t{key} = {it}\n")).collect::<Vec<_>>().concat();
    let (fetch, push) = (lines("insteadOf"), lines("pushInsteadOf"));
    let text = format!(
        "[include]\n\tpath = /etc/gitconfig\n[safe]\n\tdirectory = {snapshot}\n[uploadpack]\n\tallowAnySHA1InWant = true\n\
         [url \"file://{snapshot}\"]\n{fetch}[url \"{PUSH}://\"]\n{push}"
    );
    std::fs::write(settings.snapshot.dir.join(FILE), text)
}

/// The variable that makes git read it in the place of `/etc/gitconfig`, which it includes.
///
/// Not `GIT_CONFIG_COUNT`: git does not hand that on to the process that serves a repository on this machine.
pub(crate) fn git_settings(settings: &RunSettings) -> (String, String) {
    ("GIT_CONFIG_SYSTEM".to_owned(), format!("{}/{FILE}", snapshot_path(settings)))
}
