//! What git knows of the repository around a workflow.
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value as Json, json};
use wfrun_plan::Event;
use wfrun_runner::{Git, GitError};
use wfrun_syntax::closest;

use crate::output::Help;

/// The ref, and the commit it stands for.
pub(crate) struct Resolved {
    pub(crate) git_ref: String,
    pub(crate) sha: String,
}

/// What git says of a commit.
pub(crate) struct Commit {
    id: String,
    tree: String,
    author: String,
    pub(crate) email: String,
    time: String,
    pub(crate) message: String,
    /// The first parent.
    pub(crate) parent: Option<String>,
}

impl Commit {
    pub(crate) fn to_json(&self) -> Json {
        let person = json!({"name": self.author, "email": self.email});
        json!({
            "id": self.id, "tree_id": self.tree, "message": self.message.trim_end(), "timestamp": self.time,
            "author": person, "committer": person, "distinct": true,
        })
    }
}

/// The git repository around a workflow.
#[derive(Debug)]
pub(crate) struct Repository {
    pub(crate) git: Git,
    /// The repository root relative to the git work tree, with `/` at its end; empty where they are the same.
    pub(crate) prefix: String,
    /// The checked-out branch's full ref, if a branch is checked out.
    current: Option<String>,
    /// The commits of branches, tags and what is known of origin, by their full names: one question instead of many.
    refs: BTreeMap<String, String>,
}

impl Repository {
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        let git = Git::at(root);
        let no_repository = || {
            let help = "a run is of a commit: `git init && git add --all && git commit -m start`";
            Help::error("git/no-repository", format!("{} is not in a git repository", root.display()), help)
        };
        let asked = match git.ask(&["rev-parse", "--show-prefix", "--symbolic-full-name", "HEAD"]) {
            Ok(asked) => asked,
            Err(err @ GitError::Missing(_)) => {
                let help = "install git, for example `apt-get install git`";
                return Err(Help::error("git/missing", err.to_string(), help));
            }
            // Without a commit `HEAD` is no name yet, and git says so after the prefix.
            Err(GitError::Failed { .. }) => {
                let prefix = git.ask(&["rev-parse", "--show-prefix"]);
                return Err(prefix.map_or_else(|_| no_repository(), |_| no_commit()));
            }
        };
        let (prefix, current) = asked.split_once('\n').unwrap_or(("", &asked));
        let current = Some(current.to_owned()).filter(|it| it.starts_with("refs/heads/"));
        let refs = all_refs(&git);
        Ok(Self { prefix: prefix.to_owned(), current, refs, git })
    }

    fn head(&self) -> anyhow::Result<String> {
        let known = self.current.as_ref().and_then(|it| self.refs.get(it).cloned());
        known.or_else(|| self.git.commit("HEAD")).ok_or_else(no_commit)
    }

    pub(crate) fn commit(&self, name: &str) -> anyhow::Result<String> {
        self.git.commit(name).ok_or_else(|| {
            let help = "give a commit, branch or tag that `git log` shows";
            Help::error("git/unknown-commit", format!("git does not know the commit `{name}`"), help)
        })
    }

    /// The commit of a branch or tag by its short name.
    pub(crate) fn look_up(&self, short: &str) -> Option<String> {
        let places = ["refs/heads/", "refs/tags/", "refs/remotes/origin/"];
        places.iter().find_map(|it| self.refs.get(&format!("{it}{short}")).cloned())
    }

    /// What `--ref` stands for; nothing is the checked-out branch.
    pub(crate) fn resolve(&self, wanted: Option<&String>, notices: &mut Vec<String>) -> anyhow::Result<Resolved> {
        if wanted.is_some_and(|it| it != "HEAD" && !is_ref_name(it)) {
            let wanted = wanted.map_or("", String::as_str);
            let help = "a name like `main`, `feature/x`, `v1.2` or `refs/heads/main`; see `git help check-ref-format`";
            return Err(Help::error("git/bad-ref", format!("`{wanted}` cannot be the name of a branch or tag"), help));
        }
        let Some(wanted) = wanted.filter(|it| *it != "HEAD") else {
            let git_ref = self.current.clone().unwrap_or_else(|| format!("refs/heads/{}", self.default_branch()));
            return Ok(Resolved { git_ref, sha: self.head()? });
        };
        if self.current.as_ref().is_some_and(|it| it == wanted || it.strip_prefix("refs/heads/") == Some(wanted)) {
            return Ok(Resolved { git_ref: self.current.clone().unwrap_or_default(), sha: self.head()? });
        }
        let full =
            |prefix: &str| if wanted.starts_with("refs/") { wanted.clone() } else { format!("{prefix}{wanted}") };
        for git_ref in [full("refs/heads/"), full("refs/tags/")] {
            if let Some(sha) = self.refs.get(&git_ref).cloned() {
                return Ok(Resolved { git_ref, sha });
            }
        }
        let git_ref = full("refs/heads/");
        let short = git_ref.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
        if let Some(sha) = self.refs.get(&format!("refs/remotes/origin/{short}")).cloned() {
            return Ok(Resolved { git_ref, sha });
        }
        let kind = if git_ref.starts_with("refs/tags/") { "tag" } else { "branch" };
        let known = self.names();
        let near = closest(short, known.iter().map(String::as_str));
        let near = near.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default();
        notices
            .push(format!("git does not know `{wanted}`: it is taken as a {kind} about to be pushed from HEAD{near}"));
        Ok(Resolved { git_ref, sha: self.head()? })
    }

    fn names(&self) -> Vec<String> {
        let short = |it: &String| Some(it.strip_prefix("refs/heads/").or(it.strip_prefix("refs/tags/"))?.to_owned());
        self.refs.keys().filter_map(short).collect()
    }

    /// What the branch was before a push: what `origin` has of it, else the commit before.
    pub(crate) fn before(&self, event: &Event, sha: &str, parent: Option<&str>) -> Option<String> {
        let remote = format!("refs/remotes/origin/{}", event.ref_name());
        let pushed = self.refs.get(&remote).filter(|it| *it != sha && !event.is_tag());
        pushed.cloned().or_else(|| parent.map(str::to_owned))
    }

    /// What origin says, else `main` or `master`, else the checked-out branch.
    pub(crate) fn default_branch(&self) -> String {
        const ORIGIN: &str = "refs/remotes/origin/";
        if self.refs.contains_key("refs/remotes/origin/HEAD") {
            let named = self.git.look_up(&["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"]);
            if let Some(name) = named.as_deref().and_then(|it| it.strip_prefix(ORIGIN)) {
                return name.to_owned();
            }
        }
        let known = ["main", "master"].into_iter().find(|it| self.refs.contains_key(&format!("refs/heads/{it}")));
        let current = self.current.as_deref().and_then(|it| it.strip_prefix("refs/heads/"));
        known.or(current).unwrap_or("main").to_owned()
    }

    /// Whether a commit is checked out and no branch.
    pub(crate) fn is_detached(&self) -> bool {
        self.current.is_none()
    }

    /// Says where the workflow file is not that of the commit which is run.
    ///
    /// Differs: GitHub reads the workflow file at the commit of the run; wfrun reads the one in the work tree, and says
    /// so where they differ.
    pub(crate) fn unlike_the_commit(&self, sha: &str, path: &str) -> Option<String> {
        let committed =
            self.git.look_up(&["rev-parse", "--verify", "--quiet", &format!("{sha}:{}{path}", self.prefix)]);
        let own = self.git.look_up(&["hash-object", "--", path]);
        let short = sha.get(..7).unwrap_or(sha);
        match (committed, own) {
            (Some(committed), Some(own)) if committed == own => None,
            (None, _) => Some(format!("{path} is not in commit {short}: the one in the work tree is run")),
            (Some(_), _) => Some(format!("{path} is not as in commit {short}: the one in the work tree is run")),
        }
    }

    /// How many files of the repository have changes that no commit has.
    pub(crate) fn uncommitted(&self) -> usize {
        let status = self.git.look_up(&["status", "--porcelain", "--no-renames", "--", "."]);
        status.unwrap_or_default().lines().count()
    }

    /// `owner/name` from the remote; without one, from the folder's name.
    pub(crate) fn slug(&self, root: &Path) -> String {
        // A folder of a larger repository is a repository of its own here.
        let url = self.prefix.is_empty().then(|| self.git.look_up(&["config", "--get", "remote.origin.url"])).flatten();
        if let Some(slug) = url.as_deref().and_then(slug_of) {
            return slug;
        }
        let name = root.file_name().unwrap_or_default().to_string_lossy();
        let legal: String =
            name.chars().map(|it| if it.is_ascii_alphanumeric() || "-_.".contains(it) { it } else { '-' }).collect();
        format!("local/{}", if legal.is_empty() { "repository" } else { &legal })
    }

    pub(crate) fn describe(&self, sha: &str) -> Option<Commit> {
        let format = "--format=%H%n%T%n%P%n%an%n%ae%n%aI%n%B";
        let shown = self.git.ask(&["log", "--max-count=1", format, sha, "--"]).ok()?;
        let mut lines = shown.splitn(7, '\n').map(str::to_owned);
        let mut next = || lines.next().unwrap_or_default();
        let (id, tree, parents) = (next(), next(), next());
        let parent = parents.split(' ').next().filter(|it| !it.is_empty()).map(str::to_owned);
        let (author, email, time, message) = (next(), next(), next(), next());
        Some(Commit { id, tree, author, email, time, message, parent })
    }
}

/// Annotated tags stand for the commit they point to.
fn all_refs(git: &Git) -> BTreeMap<String, String> {
    let format = "--format=%(refname) %(objectname) %(*objectname)";
    let listed = git.look_up(&["for-each-ref", format, "refs/heads", "refs/tags", "refs/remotes/origin"]);
    let entry = |line: &str| {
        let mut words = line.split(' ');
        let (name, object) = (words.next()?, words.next()?);
        let commit = words.next().filter(|it| !it.is_empty()).unwrap_or(object);
        Some((name.to_owned(), commit.to_owned()))
    };
    listed.unwrap_or_default().lines().filter_map(entry).collect()
}

fn no_commit() -> anyhow::Error {
    let help = "a run is of a commit: `git add --all && git commit -m start`";
    Help::error("git/no-commit", "the repository has no commit yet", help)
}

/// Whether git takes a name for a branch or tag. Source: git-check-ref-format(1).
fn is_ref_name(name: &str) -> bool {
    let bad_char = |it: char| it.is_control() || " ~^:?*[\\".contains(it);
    // git means these letters, in this case.
    #[expect(clippy::case_sensitive_file_extension_comparisons, reason = "it is no file's extension")]
    let bad_part = |it: &str| it.is_empty() || it.starts_with('.') || it.ends_with(".lock");
    let whole = name.ends_with('.') || name.starts_with('-') || name.contains("..") || name.contains("@{");
    !whole && !name.contains(bad_char) && !name.split('/').any(bad_part)
}

/// `owner/name` of a remote's address.
fn slug_of(url: &str) -> Option<String> {
    let path = url.trim_end_matches('/').trim_end_matches(".git");
    let mut parts = path.rsplit(['/', ':']);
    let (name, owner) = (parts.next()?, parts.next()?);
    let legal = |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it));
    (legal(name) && legal(owner) && url.contains(':')).then(|| format!("{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ref_names() {
        for good in ["main", "feature/x", "v1.2", "refs/heads/a-b_c"] {
            assert!(is_ref_name(good), "{good}");
        }
        for bad in ["", "bad ref", "a..b", "/a", "a/", "x.lock", ".x", "a~1", "a^", "-x", "a@{1}"] {
            assert!(!is_ref_name(bad), "{bad}");
        }
    }

    #[test]
    fn slugs() {
        for (url, expected) in [
            ("git@github.com:octo/demo.git", Some("octo/demo")),
            ("https://github.com/octo/demo", Some("octo/demo")),
            ("ssh://git@github.com/octo/demo.git/", Some("octo/demo")),
            ("/srv/git/demo.git", None),
        ] {
            assert_eq!(slug_of(url).as_deref(), expected, "{url}");
        }
    }
}
