//! What a ref of `uses:` stands for.
use thiserror::Error;

use crate::Git;

/// A ref does not name a commit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RefError {
    /// There is no such branch, tag or commit.
    #[error("unable to find version `{git_ref}`")]
    Unknown {
        /// Which.
        git_ref: String,
    },
    /// It is the beginning of a commit's id.
    #[error(
        "the provided ref `{git_ref}` is the shortened version of a commit SHA, which is not supported. Please use the full commit SHA `{commit}` instead."
    )]
    Short {
        /// As written.
        git_ref: String,
        /// The whole of it.
        commit: String,
    },
}

/// Finds the commit that a ref stands for: a full id, a tag, a branch.
///
/// Source: a tag wins over a branch of the same name when actions are resolved (suzuki-shunsuke/pinact#1477), and a
/// short id is refused with this message (wtfutil/wtf#1057).
pub fn commit_of(git: &Git, git_ref: &str) -> Result<String, RefError> {
    let unknown = || RefError::Unknown { git_ref: git_ref.to_owned() };
    if is_full_id(git_ref) {
        return git.commit(git_ref).ok_or_else(unknown);
    }
    if !is_name(git_ref) {
        return Err(unknown());
    }
    if let Some(commit) = candidates(git_ref).iter().find_map(|it| git.commit(it)) {
        return Ok(commit);
    }
    let is_short = git_ref.len() >= 4 && git_ref.bytes().all(|it| it.is_ascii_hexdigit());
    match git.commit(git_ref).filter(|it| is_short && it.starts_with(&git_ref.to_ascii_lowercase())) {
        Some(commit) => Err(RefError::Short { git_ref: git_ref.to_owned(), commit }),
        None => Err(unknown()),
    }
}

/// The full names that a ref can be short for, the first that exists wins.
pub(super) fn candidates(git_ref: &str) -> Vec<String> {
    if git_ref.starts_with("refs/") {
        return vec![git_ref.to_owned()];
    }
    // A work tree that was cloned has the branches of its origin under other names.
    let mut all = ["refs/tags", "refs/heads", "refs/remotes/origin"].map(|it| format!("{it}/{git_ref}")).to_vec();
    if git_ref.starts_with("heads/") || git_ref.starts_with("tags/") {
        all.push(format!("refs/{git_ref}"));
    }
    all
}

pub(super) fn is_full_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|it| it.is_ascii_hexdigit())
}

/// Whether a text can be the name of a ref, and of a folder after it.
///
/// Source: git's rules for names of refs (`git check-ref-format`).
pub(super) fn is_name(text: &str) -> bool {
    let bad = |it: char| it.is_control() || " ?*[\\~^:".contains(it);
    !text.starts_with('-')
        && !text.contains(bad)
        && !text.contains("..")
        && !text.contains("@{")
        && text.split('/').all(|it| !it.is_empty() && !it.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_branches_and_commits() {
        let dir = tempfile::tempdir().expect("a folder");
        let git = ["AUTHOR", "COMMITTER"].iter().fold(Git::at(dir.path()), |git, role| {
            git.with_env(&format!("GIT_{role}_NAME"), "t").with_env(&format!("GIT_{role}_EMAIL"), "t@example.org")
        });
        let ask = |arguments: &[&str]| git.ask(arguments).expect("git answers");
        let commit = |message: &str| {
            ask(&["commit", "--quiet", "--allow-empty", "-m", message]);
            ask(&["rev-parse", "HEAD"])
        };
        ask(&["init", "--quiet", "--initial-branch=main"]);
        let first = commit("first");
        ask(&["tag", "-a", "v1", "-m", "annotated"]);
        ask(&["branch", "releases/v2"]);
        let second = commit("second");
        ask(&["branch", "v1"]);
        ask(&["update-ref", "refs/remotes/origin/elsewhere", &second]);
        for (git_ref, expected) in [
            ("v1", &first),
            ("refs/heads/v1", &second),
            ("heads/v1", &second),
            ("tags/v1", &first),
            ("releases/v2", &first),
            ("main", &second),
            ("elsewhere", &second),
            (first.as_str(), &first),
        ] {
            assert_eq!(commit_of(&git, git_ref).as_ref(), Ok(expected), "{git_ref}");
        }
        let short = RefError::Short { git_ref: first[..7].to_owned(), commit: first.clone() };
        assert_eq!(commit_of(&git, &first[..7]), Err(short));
        for unknown in ["v3", "HEAD", "main~1", "-v1", "../v1", "v1^{commit}", &"0".repeat(40), "main:x"] {
            let expected = RefError::Unknown { git_ref: unknown.to_owned() };
            assert_eq!(commit_of(&git, unknown), Err(expected), "{unknown}");
        }
    }
}
