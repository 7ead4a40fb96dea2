//! The build context: a folder, or a commit of the workflow's own repository, written out clean.

use std::path::{Component, Path, PathBuf};
use std::process::Command;

use super::ACTION;
use crate::standins::checkout::{INSTALL_GIT, is_commit, plain_git};
use crate::standins::error::StandInError;
use crate::standins::{program, toolkit};

/// What a context names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A folder, from the workspace.
    Folder(PathBuf),
    /// The workflow's own repository.
    Own {
        /// A commit, branch, tag or ref; `None` for the default branch.
        reference: Option<String>,
        /// A folder of it.
        folder: String,
    },
    /// Anything else: another repository, an archive, standard input.
    Elsewhere(String),
}

/// The workflow's own repository and what has triggered it.
#[derive(Debug, Clone)]
pub(super) struct Own {
    server: String,
    repository: String,
    sha: String,
    git_ref: String,
}

impl Own {
    pub(super) fn of_the_step() -> Self {
        let server = toolkit::variable("GITHUB_SERVER_URL");
        let server = if server.is_empty() { "https://github.com" } else { server.trim_end_matches('/') };
        Self {
            server: server.to_owned(),
            repository: toolkit::variable("GITHUB_REPOSITORY"),
            sha: toolkit::variable("GITHUB_SHA"),
            git_ref: toolkit::variable("GITHUB_REF"),
        }
    }

    /// The context where the step names none: a clone of the repository, not the workspace.
    ///
    /// Source: `docker/build-push-action`, `src/context.ts`; `docker/actions-toolkit`, `gitContext`.
    fn default_context(&self) -> String {
        let wants_head = toolkit::variable("DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF") == "true";
        let reference = match self.git_ref.strip_suffix("/merge") {
            Some(pull) if wants_head && pull.starts_with("refs/pull/") => format!("{pull}/head"),
            _ if self.sha.is_empty() => self.git_ref.clone(),
            _ => self.sha.clone(),
        };
        format!("{}/{}.git#{reference}", self.server, self.repository)
    }

    /// What `context` names, with `{{defaultContext}}` filled in.
    pub(super) fn source(&self, context: &str) -> Source {
        let context = fill_in(context, &self.default_context());
        let context = if context.is_empty() { self.default_context() } else { context };
        if !is_remote(&context) {
            return if context == "-" { Source::Elsewhere(context) } else { Source::Folder(PathBuf::from(context)) };
        }
        let (url, reference, folder) = take_apart(&context);
        if !self.is_own(url) {
            return Source::Elsewhere(context);
        }
        Source::Own { reference, folder }
    }

    fn is_own(&self, url: &str) -> bool {
        let host = self.server.split_once("://").map_or(self.server.as_str(), |(_, host)| host);
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
        let rest = rest.get(..host.len()).filter(|it| it.eq_ignore_ascii_case(host)).map(|_| &rest[host.len()..]);
        let Some(path) = rest.and_then(|it| it.strip_prefix(['/', ':'])) else { return false };
        let path = path.trim_end_matches('/');
        path.strip_suffix(".git").unwrap_or(path).eq_ignore_ascii_case(&self.repository)
    }
}

/// `{{defaultContext}}` is a template of handlebars.
fn fill_in(context: &str, default: &str) -> String {
    let mut filled = String::new();
    let mut rest = context;
    while let Some((before, opened)) = rest.split_once("{{") {
        let Some((name, after)) = opened.split_once("}}") else { break };
        filled.push_str(before);
        if name.trim_matches(['{', ' ']) == "defaultContext" {
            filled.push_str(default);
        }
        rest = after.strip_prefix('}').unwrap_or(after);
    }
    filled + rest
}

/// Source: `BuildKit`, `util/gitutil` and `dockerui`, which contexts are no folders.
fn is_remote(context: &str) -> bool {
    ["http://", "https://", "git://", "ssh://", "git@", "github.com/"].iter().any(|it| context.starts_with(it))
}

/// The repository's address, the reference and the folder: `URL#REF:FOLDER`, or `URL?ref=REF&subdir=FOLDER`.
fn take_apart(context: &str) -> (&str, Option<String>, String) {
    let (before, fragment) = context.split_once('#').unwrap_or((context, ""));
    let (reference, folder) = fragment.split_once(':').unwrap_or((fragment, ""));
    let (mut reference, mut folder) = (reference.to_owned(), folder.to_owned());
    let (url, query) = before.split_once('?').unwrap_or((before, ""));
    let mut checksum = String::new();
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "ref" => value.clone_into(&mut reference),
            "branch" => reference = format!("refs/heads/{value}"),
            "tag" => reference = format!("refs/tags/{value}"),
            "checksum" | "commit" => value.clone_into(&mut checksum),
            "subdir" => value.clone_into(&mut folder),
            _ => {}
        }
    }
    if !checksum.is_empty() {
        reference = checksum;
    }
    (url, Some(reference).filter(|it| !it.is_empty()), folder)
}

/// Writes the commit's files below `into`, and gives the folder that the context is.
pub(super) fn write_out(
    own: &Own,
    reference: Option<&str>,
    folder: &str,
    into: &Path,
) -> Result<PathBuf, StandInError> {
    if Path::new(folder).components().any(|it| matches!(it, Component::ParentDir)) {
        return Err(StandInError::action(format!("buildx failed with: ERROR: invalid subdir {folder} of the context")));
    }
    let snapshot = toolkit::path_variable("WFRUN_REPOSITORY")?;
    let tree = into.join("context");
    std::fs::create_dir_all(&tree).map_err(StandInError::file("create", &tree))?;
    let git = || {
        let mut command: Command = plain_git();
        command.args(["-c", "safe.directory=*", "-c", "core.bare=false", "--git-dir"]).arg(&snapshot);
        command.arg("--work-tree").arg(&tree).env("GIT_INDEX_FILE", into.join("context.index")).current_dir(&tree);
        command
    };
    let commit = commit(own, reference, &git)?;
    toolkit::info(&format!("The build context is the repository at {commit}, not the workspace"));
    let listing = program::stdout(git().args(["ls-tree", "-r", "-z", &commit]), None, INSTALL_GIT)?;
    let in_folder = folder.trim_matches('/');
    let is_within = |path: &str| in_folder.is_empty() || path.starts_with(&format!("{in_folder}/"));
    let submodule = listing.split('\0').filter_map(|line| line.split_once('\t'));
    if let Some((_, path)) = submodule.into_iter().find(|(what, path)| what.contains(" commit ") && is_within(path)) {
        return Err(StandInError::NotSupported {
            action: ACTION,
            what: format!("the submodule `{path}` in a Git context"),
            way_out: "check it out by actions/checkout with `submodules: true`, and set `context: .`, or give the real action and a buildx by `--actions real`"
                .to_owned(),
        });
    }
    program::stdout(git().args(["read-tree", "--reset", "-u", &commit]), None, INSTALL_GIT)?;
    let root = tree.join(in_folder);
    if root.is_dir() {
        return Ok(root);
    }
    Err(StandInError::action(format!("buildx failed with: ERROR: subdir {folder} does not exist in the repository")))
}

/// The commit that a reference means, in the snapshot.
fn commit(own: &Own, reference: Option<&str>, git: &dyn Fn() -> Command) -> Result<String, StandInError> {
    let reference = reference.map_or_else(default_branch, str::to_owned);
    let names = if reference == own.git_ref && !own.sha.is_empty() { vec![own.sha.clone()] } else { names(&reference) };
    for name in &names {
        let asked = format!("{name}^{{commit}}");
        let output = program::output(git().args(["rev-parse", "--verify", "--quiet", &asked]), None, INSTALL_GIT)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
    }
    Err(StandInError::NotSupported {
        action: ACTION,
        what: format!("the context at `{reference}`, which this machine's repository does not have,"),
        way_out: format!("fetch it first (`git fetch origin {reference}`), or set `context: .`"),
    })
}

/// The refs of the snapshot that a reference can mean, the first one before the others.
fn names(reference: &str) -> Vec<String> {
    if let Some(branch) = reference.strip_prefix("refs/heads/") {
        return vec![format!("refs/remotes/origin/{branch}")];
    }
    if let Some(pull) = reference.strip_prefix("refs/pull/") {
        return vec![format!("refs/remotes/pull/{pull}")];
    }
    if is_commit(reference) || reference.starts_with("refs/") || reference == "HEAD" {
        return vec![reference.to_owned()];
    }
    vec![format!("refs/remotes/origin/{reference}"), format!("refs/tags/{reference}")]
}

/// The event tells it; a clone's `HEAD` is on it.
fn default_branch() -> String {
    let event = std::fs::read(toolkit::variable("GITHUB_EVENT_PATH")).unwrap_or_default();
    let event: serde_json::Value = serde_json::from_slice(&event).unwrap_or_default();
    event["repository"]["default_branch"].as_str().unwrap_or("HEAD").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts() {
        let own = Own {
            server: "https://github.com".to_owned(),
            repository: "octo/news".to_owned(),
            sha: "a".repeat(40),
            git_ref: "refs/heads/main".to_owned(),
        };
        let sha = "a".repeat(40);
        let of_own = |reference: Option<&str>, folder: &str| Source::Own {
            reference: reference.map(str::to_owned),
            folder: folder.to_owned(),
        };
        let elsewhere = |text: &str| Source::Elsewhere(text.to_owned());
        let cases = [
            ("", of_own(Some(&sha), "")),
            ("{{defaultContext}}", of_own(Some(&sha), "")),
            ("{{ defaultContext }}:app", of_own(Some(&sha), "app")),
            ("{{{defaultContext}}}:app/x", of_own(Some(&sha), "app/x")),
            (".", Source::Folder(PathBuf::from("."))),
            ("./app", Source::Folder(PathBuf::from("./app"))),
            ("-", elsewhere("-")),
            ("https://github.com/Octo/News.git", of_own(None, "")),
            ("https://github.com/octo/news.git#v1", of_own(Some("v1"), "")),
            ("https://github.com/octo/news.git#:app", of_own(None, "app")),
            ("https://token@github.com/octo/news.git#main:app", of_own(Some("main"), "app")),
            ("https://github.com/octo/news.git?ref=v1&subdir=app", of_own(Some("v1"), "app")),
            ("https://github.com/octo/news.git?branch=v1", of_own(Some("refs/heads/v1"), "")),
            ("https://github.com/octo/news.git?tag=v1&checksum=abc", of_own(Some("abc"), "")),
            ("git@github.com:octo/news.git#v1", of_own(Some("v1"), "")),
            ("ssh://git@github.com/octo/news.git", of_own(None, "")),
            ("github.com/octo/news", of_own(None, "")),
            ("https://github.com/octo/newspaper.git", elsewhere("https://github.com/octo/newspaper.git")),
            ("https://gitlab.com/octo/news.git", elsewhere("https://gitlab.com/octo/news.git")),
            ("https://example.com/context.tar.gz", elsewhere("https://example.com/context.tar.gz")),
        ];
        for (context, want) in cases {
            assert_eq!(own.source(context), want, "{context}");
        }
    }

    #[test]
    fn references() {
        let cases: [(&str, &[&str]); 5] = [
            ("refs/heads/a/b", &["refs/remotes/origin/a/b"]),
            ("refs/tags/v1", &["refs/tags/v1"]),
            ("refs/pull/7/merge", &["refs/remotes/pull/7/merge"]),
            ("v1", &["refs/remotes/origin/v1", "refs/tags/v1"]),
            ("0123456789012345678901234567890123456789", &["0123456789012345678901234567890123456789"]),
        ];
        for (reference, want) in cases {
            assert_eq!(names(reference), want, "{reference}");
        }
    }
}
