//! What git knows of the repository around a workflow.
mod commit;
mod merge;
mod names;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wfrun_runner::{Git, GitError};
use wfrun_syntax::closest;

pub(crate) use self::commit::Commit;
pub(crate) use self::merge::Merge;
use self::names::{is_ref_name, slug_of};
use crate::output::Help;

/// A ref, and the commit it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    /// The full name.
    pub(crate) git_ref: String,
    /// The commit.
    pub(crate) sha: String,
    /// Whether git has it; otherwise it is about to be pushed.
    pub(crate) is_known: bool,
}

impl Resolved {
    /// The name without `refs/heads/` or `refs/tags/`.
    pub(crate) fn short(&self) -> &str {
        let prefixes = ["refs/heads/", "refs/tags/"];
        prefixes.iter().find_map(|it| self.git_ref.strip_prefix(it)).unwrap_or(&self.git_ref)
    }
}

/// The git repository around a workflow, or what there is in its place.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    pub(crate) git: Git,
    /// The repository root relative to the git work tree, with `/` at its end; empty where they are the same.
    pub(crate) prefix: String,
    /// Where the objects are, from the root.
    objects: PathBuf,
    /// The checked-out branch's full ref, if a branch is checked out.
    current: Option<String>,
    /// The commits of branches, tags and what is known of origin, by their full names: one question instead of many.
    pub(crate) refs: BTreeMap<String, String>,
    /// Why there is no commit at all.
    missing: Option<Missing>,
}

/// GitHub writes this for a commit that is not there.
pub(crate) const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Why there is no commit to speak of.
#[derive(Debug, Clone)]
enum Missing {
    /// git itself, and what the system says.
    Git(String),
    /// A repository around this folder.
    Repository(PathBuf),
    /// Any commit.
    Commit,
}

impl Missing {
    fn error(&self) -> anyhow::Error {
        match self {
            Self::Git(message) => {
                let help = "install git, for example `apt-get install git`";
                Help::error("git/missing", message.clone(), help)
            }
            Self::Repository(root) => {
                let help = "a run is of a commit: `git init && git add --all && git commit -m start`";
                Help::error("git/no-repository", format!("{} is not in a git repository", root.display()), help)
            }
            Self::Commit => {
                let help = "a run is of a commit: `git add --all && git commit -m start`";
                Help::error("git/no-commit", "the repository has no commit yet", help)
            }
        }
    }
}

impl Repository {
    /// Asks git about the folder; that there is nothing to ask about is no failure yet: see [`Self::required`].
    pub(crate) fn open(root: &Path) -> Self {
        let git = Git::at(root);
        let (mut current, mut prefix, mut objects, mut missing) = (None, String::new(), PathBuf::new(), None);
        match git.ask(&["rev-parse", "--show-prefix", "--git-path", "objects", "--symbolic-full-name", "HEAD"]) {
            Ok(asked) => {
                let mut lines = asked.lines().map(str::to_owned);
                prefix = lines.next().unwrap_or_default();
                objects = lines.next().unwrap_or_default().into();
                current = lines.next();
            }
            Err(err @ GitError::Missing(_)) => missing = Some(Missing::Git(err.to_string())),
            // Without a commit `HEAD` is no name yet, and git says so after the prefix.
            Err(GitError::Failed { .. }) => match git.ask(&["rev-parse", "--show-prefix"]) {
                Ok(before) => {
                    prefix = before;
                    current = git.look_up(&["symbolic-ref", "--quiet", "HEAD"]);
                    missing = Some(Missing::Commit);
                }
                Err(_) => missing = Some(Missing::Repository(root.to_owned())),
            },
        }
        let current = current.filter(|it| it.starts_with("refs/heads/"));
        let refs = if missing.is_none() { all_refs(&git) } else { BTreeMap::new() };
        Self { git, prefix, objects, current, refs, missing }
    }

    /// Fails where there is no commit, which a run cannot do without.
    pub(crate) fn required(&self) -> anyhow::Result<()> {
        self.missing.as_ref().map_or(Ok(()), |it| Err(it.error()))
    }

    /// Why there is no commit, in a few words.
    pub(crate) fn missing(&self) -> Option<String> {
        let err = self.missing.as_ref()?.error();
        err.downcast_ref::<Help>().map(|it| it.message.clone())
    }

    /// Asks git nothing twice, nor do copies of it: for looking at many situations of a repository that stays as it is.
    pub(crate) fn with_memory(mut self) -> Self {
        self.git = self.git.with_memory();
        self
    }

    /// The commit that is checked out; zeros where there is none.
    pub(crate) fn head(&self) -> String {
        if self.missing.is_some() {
            return NO_COMMIT.to_owned();
        }
        let known = self.current.as_ref().and_then(|it| self.refs.get(it).cloned());
        known.or_else(|| self.git.commit("HEAD")).unwrap_or_else(|| NO_COMMIT.to_owned())
    }

    /// The commit that a person named; where there is no git, the name itself.
    pub(crate) fn commit(&self, name: &str) -> anyhow::Result<String> {
        if self.missing.is_some() {
            return Ok(name.to_owned());
        }
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
    ///
    /// `prefixes` says what a short name may be, the likeliest first: `refs/heads/`, `refs/tags/`.
    pub(crate) fn resolve(
        &self,
        wanted: Option<&str>,
        prefixes: &[&str],
        notices: &mut Vec<String>,
    ) -> anyhow::Result<Resolved> {
        if let Some(bad) = wanted.filter(|it| *it != "HEAD" && !is_ref_name(it)) {
            let help = "a name like `main`, `feature/x`, `v1.2` or `refs/heads/main`; see `git help check-ref-format`";
            return Err(Help::error("git/bad-ref", format!("`{bad}` cannot be the name of a branch or tag"), help));
        }
        let Some(wanted) = wanted.filter(|it| *it != "HEAD") else {
            let git_ref = self.current.clone().unwrap_or_else(|| format!("refs/heads/{}", self.default_branch()));
            return Ok(Resolved { git_ref, sha: self.head(), is_known: true });
        };
        let full =
            |prefix: &str| if wanted.starts_with("refs/") { wanted.to_owned() } else { format!("{prefix}{wanted}") };
        for git_ref in prefixes.iter().map(|it| full(it)) {
            if self.current.as_ref() == Some(&git_ref) {
                return Ok(Resolved { git_ref, sha: self.head(), is_known: true });
            }
            if let Some(sha) = self.refs.get(&git_ref).cloned() {
                return Ok(Resolved { git_ref, sha, is_known: true });
            }
        }
        let git_ref = full(prefixes.first().unwrap_or(&"refs/heads/"));
        let short = git_ref.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
        let at_origin =
            self.refs.get(&format!("refs/remotes/origin/{short}")).filter(|_| git_ref.starts_with("refs/heads/"));
        if let Some(sha) = at_origin.cloned() {
            return Ok(Resolved { git_ref, sha, is_known: true });
        }
        if self.missing.is_none() {
            let kind = if git_ref.starts_with("refs/tags/") { "tag" } else { "branch" };
            let known = self.names();
            let near = closest(short, known.iter().map(String::as_str)).map(|it| format!("; did you mean `{it}`?"));
            let commit =
                || self.git.commit(wanted).map(|_| format!("; it names a commit, which `--sha {wanted}` takes"));
            let near = near.or_else(commit).unwrap_or_default();
            let taken =
                format!("git does not know `{wanted}`: it is taken as a {kind} about to be pushed from HEAD{near}");
            notices.push(taken);
        }
        Ok(Resolved { git_ref, sha: self.head(), is_known: false })
    }

    fn names(&self) -> Vec<String> {
        let prefixes = ["refs/heads/", "refs/tags/", "refs/remotes/origin/"];
        let short = |it: &String| prefixes.iter().find_map(|prefix| it.strip_prefix(prefix)).map(str::to_owned);
        self.refs.keys().filter_map(short).collect()
    }

    /// Whether anything is known of what `origin` has.
    pub(crate) fn knows_origin(&self) -> bool {
        self.refs.keys().any(|it| it.starts_with("refs/remotes/origin/") && !it.ends_with("/HEAD"))
    }

    /// Whether `older` is in the history of `newer`.
    pub(crate) fn is_ancestor(&self, older: &str, newer: &str) -> bool {
        self.git.ask(&["merge-base", "--is-ancestor", older, newer]).is_ok()
    }

    /// Whether older commits were left out when the repository was cloned.
    pub(crate) fn is_shallow(&self) -> bool {
        self.git.look_up(&["rev-parse", "--is-shallow-repository"]).as_deref() == Some("true")
    }

    /// The newest tag, if there are tags.
    pub(crate) fn newest_tag(&self) -> Option<String> {
        let format = ["for-each-ref", "--sort=-creatordate", "--count=1", "--format=%(refname:strip=2)", "refs/tags"];
        self.refs.keys().any(|it| it.starts_with("refs/tags/")).then(|| self.git.look_up(&format)).flatten()
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

    /// The full ref of the branch that is checked out.
    pub(crate) fn branch(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// Whether a commit is checked out and no branch.
    pub(crate) fn is_detached(&self) -> bool {
        self.current.is_none() && self.missing.is_none()
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
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let name = root.file_name().unwrap_or_default().to_string_lossy();
        let legal: String =
            name.chars().map(|it| if it.is_ascii_alphanumeric() || "-_.".contains(it) { it } else { '-' }).collect();
        format!("local/{}", if legal.is_empty() { "repository" } else { &legal })
    }

    /// The same of another remote than `origin`, if it has an address that names one.
    pub(crate) fn slug_of_remote(&self, name: &str) -> Option<String> {
        let url = self.git.look_up(&["config", "--get", &format!("remote.{name}.url")])?;
        slug_of(&url)
    }

    /// What git says of a commit.
    pub(crate) fn describe(&self, sha: &str) -> Option<Commit> {
        self.commits(&[sha, "--max-count=1"]).ok()?.pop()
    }

    /// What git says of the commits that `git log` lists for these arguments, in its order.
    pub(crate) fn commits(&self, arguments: &[&str]) -> Result<Vec<Commit>, GitError> {
        let mut all = vec!["log", "-z", "--format=%H%n%T%n%P%n%an%n%ae%n%cn%n%ce%n%aI%n%cI%n%B"];
        all.extend(arguments);
        all.push("--");
        let listed = self.git.ask(&all)?;
        Ok(listed.split('\0').filter(|it| !it.trim().is_empty()).map(Commit::read).collect())
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
