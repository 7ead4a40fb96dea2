//! What the step asks `actions/checkout` for.

use std::path::{Path, PathBuf};

use crate::standins::error::StandInError;
use crate::standins::node_path::resolve;
use crate::standins::toolkit;

/// Which submodules are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Submodules {
    No,
    Own,
    /// And theirs in turn.
    Recursive,
}

/// The inputs, with what the context adds to them.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the action has these switches")]
pub(super) struct Settings {
    /// `owner/repo`
    pub(super) repository: String,
    /// Whether that is the workflow's own.
    pub(super) is_own: bool,
    /// Where the work tree goes: the workspace or a folder in it.
    pub(super) path: PathBuf,
    /// The ref as asked for; empty where only a commit was.
    pub(super) git_ref: String,
    /// The commit, where it is known from the start.
    pub(super) commit: Option<String>,
    /// How many commits of history; 0 for all of it.
    pub(super) depth: usize,
    pub(super) tags: bool,
    pub(super) clean: bool,
    pub(super) submodules: Submodules,
    pub(super) lfs: bool,
    /// Patterns, one a line; empty for the whole tree.
    pub(super) sparse: Vec<String>,
    pub(super) sparse_cone: bool,
    /// The address that the remote `origin` gets.
    pub(super) url: String,
}

impl Settings {
    pub(super) fn from_inputs() -> Result<Self, StandInError> {
        let own = toolkit::variable("GITHUB_REPOSITORY");
        let repository = Some(toolkit::input("repository")).filter(|it| !it.is_empty()).unwrap_or_else(|| own.clone());
        check_repository(&repository)?;
        let is_own = repository.eq_ignore_ascii_case(&own);
        let input_ref = toolkit::input("ref");
        let (git_ref, commit) = if input_ref.is_empty() && !is_own {
            // Its default branch, which only it knows.
            (String::new(), None)
        } else if input_ref.is_empty() {
            (full_ref(&toolkit::variable("GITHUB_REF")), Some(toolkit::variable("GITHUB_SHA")))
        } else if is_commit(&input_ref) {
            (String::new(), Some(input_ref))
        } else {
            (input_ref, None)
        };
        let server = Some(toolkit::input("github-server-url"))
            .filter(|url| !url.is_empty())
            .unwrap_or_else(|| toolkit::variable("GITHUB_SERVER_URL"));
        let server = if server.is_empty() { "https://github.com" } else { server.trim_end_matches('/') };
        Ok(Self {
            path: work_tree_path(&toolkit::path_variable("GITHUB_WORKSPACE")?, &toolkit::input("path"))?,
            git_ref,
            commit: commit.filter(|commit| !commit.is_empty()),
            // As the action: what is no number counts as 0, which is all history.
            depth: match toolkit::input("fetch-depth").as_str() {
                "" => 1,
                text => text.parse::<i64>().ok().and_then(|depth| usize::try_from(depth).ok()).unwrap_or(0),
            },
            tags: toolkit::loose_boolean_input("fetch-tags"),
            clean: toolkit::input("clean").is_empty() || toolkit::loose_boolean_input("clean"),
            submodules: match toolkit::input("submodules").to_ascii_lowercase().as_str() {
                "true" => Submodules::Own,
                "recursive" => Submodules::Recursive,
                _ => Submodules::No,
            },
            lfs: toolkit::loose_boolean_input("lfs"),
            sparse: toolkit::input_lines("sparse-checkout"),
            sparse_cone: toolkit::input("sparse-checkout-cone-mode").is_empty()
                || toolkit::loose_boolean_input("sparse-checkout-cone-mode"),
            url: format!("{server}/{repository}"),
            repository,
            is_own,
        })
    }
}

fn check_repository(repository: &str) -> Result<(), StandInError> {
    if repository.split('/').filter(|part| !part.is_empty()).count() == 2 && repository.split('/').count() == 2 {
        return Ok(());
    }
    Err(StandInError::action(format!("Invalid repository '{repository}'. Expected format {{owner}}/{{repo}}.")))
}

/// Source: `actions/checkout`: the path must stay under the workspace.
fn work_tree_path(workspace: &Path, path: &str) -> Result<PathBuf, StandInError> {
    let resolved = resolve(workspace, path);
    if resolved.starts_with(workspace) {
        return Ok(resolved);
    }
    let (resolved, workspace) = (resolved.display(), workspace.display());
    Err(StandInError::action(format!("Repository path '{resolved}' is not under '{workspace}'")))
}

/// A branch's name without `refs/heads/` comes from events that carry it so.
fn full_ref(git_ref: &str) -> String {
    if git_ref.is_empty() || git_ref.starts_with("refs/") {
        git_ref.to_owned()
    } else {
        format!("refs/heads/{git_ref}")
    }
}

/// Whether the text is the full hash of a commit.
pub(in crate::standins) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_workspace() {
        let workspace = Path::new("/w/repo");
        for (path, expected) in [
            ("", Some("/w/repo")),
            (".", Some("/w/repo")),
            ("sub/dir", Some("/w/repo/sub/dir")),
            ("sub/../other", Some("/w/repo/other")),
            ("/w/repo/x", Some("/w/repo/x")),
            ("..", None),
            ("../repo2", None),
            ("/etc", None),
        ] {
            let resolved = work_tree_path(workspace, path).ok();
            assert_eq!(resolved.as_deref(), expected.map(Path::new), "{path}");
        }
    }

    #[test]
    fn names_of_repositories() {
        assert!(check_repository("O/R").is_ok());
        for (repository, text) in [
            ("x", "Invalid repository 'x'. Expected format {owner}/{repo}."),
            ("x/", "Invalid repository 'x/'."),
            ("x/y/z", "Invalid repository 'x/y/z'."),
        ] {
            let error = check_repository(repository).expect_err("is refused").chain();
            assert!(error.contains(text), "{error}");
        }
    }
}
