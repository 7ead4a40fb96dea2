//! Actions from a git server.
use std::path::Path;

use super::refs::{RefError, candidates, is_full_id, is_name};
use super::store::{Store, StoreError};
use crate::{Git, GitError};

/// What came of asking a server.
pub(super) enum Answer {
    /// The commit; its files are in the store now.
    Commit(String),
    /// It has no such repository.
    NoRepository,
    /// The repository is there, the ref is not.
    NoRef(RefError),
}

/// A server could not be asked, or what it sent not be kept.
pub(super) enum RemoteError {
    Git(GitError),
    Store(StoreError),
}

/// Asks a server for a repository at a ref, and puts its files into the store.
/// `certificates` is a file of those that git trusts, where it is not git's own.
pub(super) fn fetch(
    server: &str,
    repository: &str,
    git_ref: &str,
    store: &Store,
    certificates: Option<&Path>,
) -> Result<Answer, RemoteError> {
    let scratch = store.scratch().map_err(RemoteError::Store)?;
    let git = client(scratch.path(), certificates);
    git.ask(&["init", "--quiet", "--bare", "--template=", "."]).map_err(RemoteError::Git)?;
    let Some((url, listed)) = list(&git, server, repository)? else { return Ok(Answer::NoRepository) };
    let commit = match find(&listed, git_ref) {
        Ok(commit) => commit,
        Err(err) => return Ok(Answer::NoRef(err)),
    };
    let fetched = git.ask(&["fetch", "--quiet", "--depth=1", "--no-tags", "--end-of-options", &url, &commit]);
    if let Err(err) = fetched {
        // Only what a server has can be asked for by its id.
        let unknown = is_full_id(git_ref) && err.to_string().contains("not our ref");
        return if unknown {
            Ok(Answer::NoRef(RefError::Unknown { git_ref: git_ref.to_owned() }))
        } else {
            Err(RemoteError::Git(err))
        };
    }
    store.keep(&git, repository, &commit).map_err(RemoteError::Store)?;
    Ok(Answer::Commit(commit))
}

/// Asks a server for the commit that a ref stands for now; nothing is fetched.
pub(super) fn commit_now(
    server: &str,
    repository: &str,
    git_ref: &str,
    store: &Store,
    certificates: Option<&Path>,
) -> Result<Answer, RemoteError> {
    let scratch = store.scratch().map_err(RemoteError::Store)?;
    let git = client(scratch.path(), certificates);
    let Some((_, listed)) = list(&git, server, repository)? else { return Ok(Answer::NoRepository) };
    Ok(find(&listed, git_ref).map_or_else(Answer::NoRef, Answer::Commit))
}

/// The URL of a repository, and the refs that the server lists; none where it has no such repository.
fn list(git: &Git, server: &str, repository: &str) -> Result<Option<(String, String)>, RemoteError> {
    let mut refused = None;
    for url in [format!("{server}/{repository}"), format!("{server}/{repository}.git")] {
        match git.ask(&["ls-remote", "--quiet", "--end-of-options", &url]) {
            Ok(listed) => return Ok(Some((url, listed))),
            Err(err) if is_missing(&err) => {}
            Err(err) => {
                refused.get_or_insert(err);
            }
        }
    }
    refused.map_or(Ok(None), |err| Err(RemoteError::Git(err)))
}

/// git in a folder of its own. A server that says nothing must not hold a run for ever.
fn client(folder: &Path, certificates: Option<&Path>) -> Git {
    let git = Git::at(folder).with_env("GIT_HTTP_LOW_SPEED_LIMIT", "1").with_env("GIT_HTTP_LOW_SPEED_TIME", "60");
    match certificates {
        Some(file) => git.with_env("GIT_SSL_CAINFO", file.display().to_string()),
        None => git,
    }
}

/// Whether git says that there is no repository, and not that it could not ask.
fn is_missing(err: &GitError) -> bool {
    let text = err.to_string().to_ascii_lowercase();
    text.contains("not found") || text.contains("does not appear to be a git repository")
}

/// Finds the commit of a ref in what `git ls-remote` prints.
fn find(listed: &str, git_ref: &str) -> Result<String, RefError> {
    let unknown = || RefError::Unknown { git_ref: git_ref.to_owned() };
    if is_full_id(git_ref) {
        return Ok(git_ref.to_ascii_lowercase());
    }
    if !is_name(git_ref) {
        return Err(unknown());
    }
    let refs: Vec<(&str, &str)> = listed.lines().filter_map(|it| it.split_once('\t')).collect();
    let named = |name: &str| refs.iter().find(|(_, it)| *it == name).map(|(id, _)| (*id).to_owned());
    // `^{}` is the commit of an annotated tag.
    if let Some(commit) = candidates(git_ref).iter().find_map(|it| named(&format!("{it}^{{}}")).or_else(|| named(it))) {
        return Ok(commit);
    }
    let is_short = git_ref.len() >= 4 && git_ref.bytes().all(|it| it.is_ascii_hexdigit());
    let whole = refs.iter().find(|(id, _)| is_short && id.starts_with(&git_ref.to_ascii_lowercase()));
    Err(whole.map_or_else(unknown, |(id, _)| RefError::Short { git_ref: git_ref.to_owned(), commit: (*id).to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_of_a_server() {
        let (one, two, tag) = ("1".repeat(40), "2".repeat(40), "3".repeat(40));
        let listed = format!("{one}\tHEAD\n{one}\trefs/heads/v1\n{tag}\trefs/tags/v1\n{two}\trefs/tags/v1^{{}}\n");
        assert_eq!(find(&listed, "v1"), Ok(two));
        assert_eq!(find(&listed, "heads/v1"), Ok(one.clone()));
        assert_eq!(find(&listed, "1111111"), Err(RefError::Short { git_ref: "1111111".to_owned(), commit: one }));
        for unknown in ["HEAD", "v2", "-x", "9999999"] {
            assert_eq!(find(&listed, unknown), Err(RefError::Unknown { git_ref: unknown.to_owned() }));
        }
    }
}
