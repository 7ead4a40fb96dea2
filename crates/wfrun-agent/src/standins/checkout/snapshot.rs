//! The bare snapshot that a checkout takes its objects and refs from.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::ACTION;
use super::settings::Settings;
use crate::standins::error::StandInError;
use crate::standins::{program, toolkit};

/// What to tell a user who has no git.
pub(in crate::standins) const INSTALL_GIT: &str =
    "install git 2.18 or later (Debian and Ubuntu: `apt-get install git`)";

/// A ref of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ref {
    /// As in `refs/tags/v1`.
    pub(super) name: String,
    /// What it points at: a commit, or the tag object of an annotated tag.
    pub(super) object: String,
    /// The commit that it leads to.
    pub(super) commit: String,
}

/// What is to be checked out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The commit's hash.
    pub(super) commit: String,
    /// How it is named in the new work tree.
    pub(super) head: Head,
}

/// What `HEAD` will be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// A local branch of that name, which follows `origin`'s.
    Branch(String),
    /// No branch; the ref that is kept for the commit, such as `refs/remotes/pull/7/merge`, if there is one.
    Detached(Option<String>),
}

/// The snapshot: where it lies and what refs it has.
#[derive(Debug)]
pub(super) struct Snapshot {
    path: PathBuf,
    refs: Vec<Ref>,
}

impl Snapshot {
    pub(super) fn open() -> Result<Self, StandInError> {
        let path = PathBuf::from(toolkit::variable("WFRUN_REPOSITORY"));
        if path.as_os_str().is_empty() {
            return Err(StandInError::NoVariable { name: "WFRUN_REPOSITORY" });
        }
        let format = "%(refname) %(objectname) %(*objectname)";
        let listing = program::stdout(git(&path).args(["for-each-ref", "--format", format]), None, INSTALL_GIT)?;
        let refs = listing.lines().filter_map(parse_ref).collect();
        Ok(Self { path, refs })
    }

    pub(super) fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    /// The refs whose name starts so.
    pub(super) fn refs_under(&self, prefix: &str) -> impl Iterator<Item = &Ref> {
        self.refs.iter().filter(move |it| it.name.starts_with(prefix))
    }

    /// Finds the commit that the step asks for.
    ///
    /// Source: `actions/checkout`: a ref without `refs/` is looked up as a branch first, then as a tag.
    pub(super) fn resolve(&self, settings: &Settings) -> Result<Target, StandInError> {
        let git_ref = settings.git_ref.as_str();
        let head = self.head(git_ref)?;
        let commit = match (&settings.commit, &head) {
            (Some(commit), _) => self.full_commit(commit)?,
            (None, Head::Branch(branch)) => self.commit_of(&format!("refs/remotes/origin/{branch}"), git_ref)?,
            (None, Head::Detached(Some(name))) => self.commit_of(name, git_ref)?,
            (None, Head::Detached(None)) => self.commit_of(git_ref, git_ref)?,
        };
        Ok(Target { commit, head })
    }

    fn head(&self, git_ref: &str) -> Result<Head, StandInError> {
        if git_ref.is_empty() {
            return Ok(Head::Detached(None));
        }
        if let Some(branch) = git_ref.strip_prefix("refs/heads/") {
            return Ok(Head::Branch(branch.to_owned()));
        }
        if let Some(pull) = git_ref.strip_prefix("refs/pull/") {
            return Ok(Head::Detached(Some(format!("refs/remotes/pull/{pull}"))));
        }
        if git_ref.starts_with("refs/tags/") {
            return Ok(Head::Detached(Some(git_ref.to_owned())));
        }
        if git_ref.starts_with("refs/") {
            return Ok(Head::Detached(None));
        }
        if self.has(&format!("refs/remotes/origin/{git_ref}")) {
            Ok(Head::Branch(git_ref.to_owned()))
        } else if self.has(&format!("refs/tags/{git_ref}")) {
            Ok(Head::Detached(Some(format!("refs/tags/{git_ref}"))))
        } else {
            Err(StandInError::action(format!("A branch or tag with the name '{git_ref}' could not be found")))
        }
    }

    fn has(&self, name: &str) -> bool {
        self.refs.iter().any(|it| it.name == name)
    }

    fn commit_of(&self, name: &str, asked: &str) -> Result<String, StandInError> {
        let found = self.refs.iter().find(|it| it.name == name);
        found.map(|it| it.commit.clone()).ok_or_else(|| StandInError::NotSupported {
            action: ACTION,
            what: format!("the ref `{asked}`, which this machine's repository does not have,"),
            way_out: format!("fetch it first (`git fetch origin {asked}`)"),
        })
    }

    fn full_commit(&self, commit: &str) -> Result<String, StandInError> {
        let name = format!("{commit}^{{commit}}");
        let output =
            program::output(git(&self.path).args(["rev-parse", "--verify", "--quiet", &name]), None, INSTALL_GIT)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        Err(StandInError::NotSupported {
            action: ACTION,
            what: format!("the commit {commit}, which this machine's repository does not have,"),
            way_out: format!("fetch it first (`git fetch origin {commit}`)"),
        })
    }

    /// The commits at which history of that depth ends, for `.git/shallow`; empty where it does not reach the limit.
    pub(super) fn boundary(&self, tips: &[String], depth: usize) -> Result<Vec<String>, StandInError> {
        let mut level: Vec<String> = tips.to_vec();
        let mut seen: HashSet<String> = level.iter().cloned().collect();
        for _ in 1..depth {
            if level.is_empty() {
                return Ok(level);
            }
            let mut command = git(&self.path);
            command.args(["rev-list", "--no-walk=unsorted", "--parents", "--stdin"]);
            let listing = program::stdout(&mut command, Some(level.join("\n").as_bytes()), INSTALL_GIT)?;
            let parents = listing.lines().flat_map(|line| line.split_whitespace().skip(1));
            level = parents.filter(|parent| seen.insert((*parent).to_owned())).map(str::to_owned).collect();
        }
        Ok(level)
    }

    /// The commits at which the snapshot's own history ends, where it comes from a shallow clone.
    pub(super) fn own_boundary(&self) -> Vec<String> {
        let listed = std::fs::read_to_string(self.path.join("shallow")).unwrap_or_default();
        listed.lines().map(str::to_owned).collect()
    }

    /// The folders whose objects a work tree of this snapshot needs.
    pub(super) fn alternates(&self) -> Vec<String> {
        let own = self.objects();
        let listed = std::fs::read_to_string(own.join("info/alternates")).unwrap_or_default();
        let mut folders = vec![own.to_string_lossy().into_owned()];
        for line in listed.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            // A relative entry is relative to the folder of the objects that name it.
            folders.push(if Path::new(line).is_absolute() {
                line.to_owned()
            } else {
                own.join(line).to_string_lossy().into_owned()
            });
        }
        folders
    }
}

/// git on the bare repository, deaf to the user's and the system's configuration.
fn git(repository: &Path) -> Command {
    let mut command = plain_git();
    command.arg("-c").arg("safe.directory=*").arg("--git-dir").arg(repository);
    command
}

/// git without what the machine's owner configured: a hosted runner has none of it.
pub(in crate::standins) fn plain_git() -> Command {
    let mut command = Command::new("git");
    for name in
        ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"]
    {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_DEFAULT_REF_FORMAT", "files")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C");
    command
}

/// git that knows where repositories are on this machine: wfrun's settings for git in actions say so.
pub(super) fn near_git() -> Command {
    let mut command = plain_git();
    command.env_remove("GIT_CONFIG_NOSYSTEM");
    command
}

/// git in a work tree: no hook runs, and who owns the folder does not matter.
pub(super) fn in_folder(mut git: Command, folder: &Path) -> Command {
    git.args(["-c", "core.hooksPath=/dev/null", "-c", "safe.directory=*"]).current_dir(folder);
    git
}

fn parse_ref(line: &str) -> Option<Ref> {
    let mut words = line.split(' ');
    let name = words.next()?.to_owned();
    let object = words.next()?.to_owned();
    let commit = words.next().filter(|peeled| !peeled.is_empty()).unwrap_or(&object).to_owned();
    Some(Ref { name, object, commit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_listings() {
        let light = parse_ref("refs/remotes/origin/main aaa ").expect("is a ref");
        assert_eq!((light.object.as_str(), light.commit.as_str()), ("aaa", "aaa"));
        let annotated = parse_ref("refs/tags/v1 bbb ccc").expect("is a ref");
        assert_eq!((annotated.object.as_str(), annotated.commit.as_str()), ("bbb", "ccc"));
    }

    #[test]
    fn heads_of_refs() {
        let tip = |name: &str| Ref { name: name.to_owned(), object: "a".to_owned(), commit: "a".to_owned() };
        let refs = vec![
            tip("refs/remotes/origin/main"),
            tip("refs/remotes/origin/v1"),
            tip("refs/tags/v1"),
            tip("refs/tags/t"),
        ];
        let snapshot = Snapshot { path: PathBuf::new(), refs };
        let detached = |name: &str| Some(Head::Detached(Some(name.to_owned())));
        let cases = [
            ("", Some(Head::Detached(None))),
            ("refs/heads/a/b", Some(Head::Branch("a/b".to_owned()))),
            ("refs/pull/7/merge", detached("refs/remotes/pull/7/merge")),
            ("refs/tags/x", detached("refs/tags/x")),
            ("refs/notes/x", Some(Head::Detached(None))),
            ("main", Some(Head::Branch("main".to_owned()))),
            // A branch and a tag of one name: the branch wins.
            ("v1", Some(Head::Branch("v1".to_owned()))),
            ("t", detached("refs/tags/t")),
            ("nowhere", None),
        ];
        for (git_ref, expected) in cases {
            assert_eq!(snapshot.head(git_ref).ok(), expected, "{git_ref}");
        }
    }
}
