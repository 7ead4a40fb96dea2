//! Another repository than the workflow's own: fetched by git, from where this machine has it.
use super::ACTION;
use super::settings::{Settings, is_commit};
use super::snapshot::{Head, INSTALL_GIT, Target, near_git};
use super::worktree::WorkTree;
use crate::standins::error::{REAL_ACTION, StandInError};
use crate::standins::{program, toolkit};

/// Whether git finds an address on this machine. wfrun's settings for git say so, by `insteadOf`.
pub(super) fn is_here(url: &str) -> Result<bool, StandInError> {
    let mut command = near_git();
    let found = program::stdout(command.args(["ls-remote", "--get-url", url]), None, INSTALL_GIT)?;
    Ok(found.starts_with("file://"))
}

/// Finds out what to fetch of it; fails where this machine does not have it.
///
/// Source: `actions/checkout`, `git-source-provider.ts` and `ref-helper.ts`: without a ref its default branch, and a ref
/// without `refs/` is a branch first, then a tag.
pub(super) fn resolve(settings: &mut Settings) -> Result<Target, StandInError> {
    if !is_here(&settings.url)? {
        return Err(StandInError::NotSupported {
            action: ACTION,
            what: format!("checking out `{}`, which is not on this machine,", settings.repository),
            way_out: format!(
                "clone it, and name the clone by `--local-repository {}=DIR`, give a folder of clones by `--mirror DIR`, {REAL_ACTION}",
                settings.repository
            ),
        });
    }
    if let Some(commit) = settings.commit.clone() {
        return Ok(Target { commit, head: Head::Detached(None) });
    }
    let listed = list(&settings.url)?;
    if settings.git_ref.is_empty() {
        let head =
            listed.iter().find_map(|(what, name)| (name == "HEAD").then(|| what.strip_prefix("ref: ")).flatten());
        head.unwrap_or("refs/heads/main").clone_into(&mut settings.git_ref);
    }
    let git_ref = settings.git_ref.as_str();
    let commit_of = |name: &str| {
        // What an annotated tag leads to comes after it.
        let peeled = format!("{name}^{{}}");
        let find = |wanted: &str| listed.iter().find(|(what, name)| name == wanted && is_commit(what));
        find(&peeled).or_else(|| find(name)).map(|(commit, _)| commit.clone())
    };
    let names = if git_ref.starts_with("refs/") {
        vec![git_ref.to_owned()]
    } else {
        vec![format!("refs/heads/{git_ref}"), format!("refs/tags/{git_ref}")]
    };
    let found = names.into_iter().find_map(|name| commit_of(&name).map(|commit| (name, commit)));
    let Some((name, commit)) = found else {
        return Err(StandInError::action(format!("A branch or tag with the name '{git_ref}' could not be found")));
    };
    let head = match name.strip_prefix("refs/heads/") {
        Some(branch) => Head::Branch(branch.to_owned()),
        None => Head::Detached(Some(name)),
    };
    Ok(Target { commit, head })
}

/// What it has: commits and what `HEAD` is, with the names.
fn list(url: &str) -> Result<Vec<(String, String)>, StandInError> {
    let listing = program::stdout(near_git().args(["ls-remote", "--symref", url]), None, INSTALL_GIT)?;
    let line = |it: &str| it.split_once('\t').map(|(what, name)| (what.to_owned(), name.to_owned()));
    Ok(listing.lines().filter_map(line).collect())
}

impl WorkTree {
    /// Fetches what the target needs, as far back as `fetch-depth` says.
    ///
    /// Source: `actions/checkout`, `ref-helper.ts` (`getRefSpec`) and `git-command-manager.ts` (`fetch`).
    pub(super) fn fetch_from_elsewhere(&self, settings: &Settings, target: &Target) -> Result<(), StandInError> {
        let mut fetch = self.with(near_git());
        fetch.args(["-c", "protocol.version=2", "fetch", "--no-tags", "--prune", "--no-recurse-submodules"]);
        if settings.depth > 0 {
            fetch.arg(format!("--depth={}", settings.depth));
        }
        fetch.arg("origin");
        if settings.depth == 0 {
            fetch.args(["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]);
        } else if settings.tags {
            fetch.arg("+refs/tags/*:refs/tags/*");
        }
        match &target.head {
            Head::Branch(branch) => fetch.arg(format!("+{}:refs/remotes/origin/{branch}", target.commit)),
            Head::Detached(Some(name)) => fetch.arg(format!("+{name}:{name}")),
            Head::Detached(None) => fetch.arg(&target.commit),
        };
        let output = program::output(&mut fetch, None, INSTALL_GIT)?;
        if !output.status.success() {
            return Err(program::failure(&fetch, &output));
        }
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            toolkit::info(line);
        }
        Ok(())
    }
}
