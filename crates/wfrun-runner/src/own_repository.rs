//! The workflow's own repository and those beside it, as git in an action finds them under their addresses.
use std::io;

use crate::job::snapshot_path;
use crate::{Near, RunSettings};

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
/// snapshot on this machine, and nothing can be pushed there.
/// Differs: where `.github` is in a folder of a larger repository, git in an action finds the whole of it; the stand-in for
/// `actions/checkout` takes that folder for the repository.
pub(crate) fn write_git_settings(settings: &RunSettings) -> io::Result<()> {
    let text = git_settings_text(&snapshot_path(settings), &settings.repository, &settings.snapshot.near);
    std::fs::write(settings.snapshot.dir.join(FILE), text)
}

fn git_settings_text(snapshot: &str, name: &str, near: &[Near]) -> String {
    let own = (snapshot.to_owned(), format!("https://github.com/{name}"));
    let others = near.iter().map(|it| (format!("{snapshot}/{}", it.path), it.address.clone()));
    let all: Vec<(String, String)> = std::iter::once(own).chain(others).collect();
    let safe: Vec<String> = all.iter().map(|(path, _)| format!("\tdirectory = {path}\n")).collect();
    let safe = safe.concat();
    // Files of this machine are no danger here: that is where all of this is.
    let head = format!(
        "[include]\n\tpath = /etc/gitconfig\n[safe]\n{safe}[uploadpack]\n\tallowAnySHA1InWant = true\n\
         [protocol \"file\"]\n\tallow = always\n"
    );
    std::iter::once(head).chain(all.iter().map(|(path, address)| sections(path, address))).collect()
}

/// What makes git go to `path` for an address, however it is written.
fn sections(path: &str, address: &str) -> String {
    let plain = address.strip_suffix(".git").unwrap_or(address);
    let others = plain.strip_prefix("https://github.com/").map(|it| format!("git@github.com:{it}"));
    let addresses = std::iter::once(plain.to_owned()).chain(others).flat_map(|it| [it.clone(), format!("{it}.git")]);
    let sections = addresses.map(|it| {
        let own = format!("[url \"file://{path}\"]\n\tinsteadOf = {it}\n[url \"{PUSH}://\"]\n\tpushInsteadOf = {it}\n");
        // git looks at beginnings only, and the longest wins: what goes on is another repository, and stays as it is.
        let more = ('a'..='z')
            .chain('A'..='Z')
            .chain('0'..='9')
            .chain(['-', '_', '.'])
            .map(|more| format!("[url \"{it}{more}\"]\n\tinsteadOf = {it}{more}\n\tpushInsteadOf = {it}{more}\n"));
        std::iter::once(own).chain(more).collect::<Vec<_>>().concat()
    });
    sections.collect()
}

/// The variable that makes git read it in the place of `/etc/gitconfig`, which it includes.
///
/// Not `GIT_CONFIG_COUNT`: git does not hand that on to the process that serves a repository on this machine.
pub(crate) fn git_settings(settings: &RunSettings) -> (String, String) {
    ("GIT_CONFIG_SYSTEM".to_owned(), format!("{}/{FILE}", snapshot_path(settings)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Git;

    #[test]
    fn the_repository_s_own_addresses_and_no_others() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join(FILE);
        let near = Near { address: "https://gitlab.com/a/b.git".to_owned(), path: "near/0".to_owned() };
        std::fs::write(&file, git_settings_text("/opt/wfrun/repository", "me/mine", &[near])).expect("a file");
        let git = Git::at(dir.path()).with_env("GIT_CONFIG_SYSTEM", file.display().to_string());
        let git = git.with_env("GIT_CONFIG_GLOBAL", "/dev/null");
        let url = |it: &str| git.ask(&["ls-remote", "--get-url", it]).expect("a URL");
        for own in ["https://github.com/me/mine", "https://github.com/me/mine.git", "git@github.com:me/mine.git"] {
            assert_eq!(url(own), "file:///opt/wfrun/repository", "{own}");
        }
        for near in ["https://gitlab.com/a/b.git", "https://gitlab.com/a/b"] {
            assert_eq!(url(near), "file:///opt/wfrun/repository/near/0", "{near}");
        }
        for other in [
            "https://gitlab.com/a/bc",
            "https://github.com/me/mine-too",
            "https://github.com/me/mine.github",
            "git@github.com:me/mines.git",
        ] {
            assert_eq!(url(other), other);
        }
    }
}
