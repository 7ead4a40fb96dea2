//! The work tree that a checkout makes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::settings::Settings;
use super::snapshot::{Head, INSTALL_GIT, Snapshot, Target, in_folder, plain_git};
use crate::standins::error::StandInError;
use crate::standins::{program, toolkit};

/// In `.git` of a work tree that this program made, and that it may therefore clean.
const MARK: &str = "wfrun-checkout";

/// Whether the workspace was filled with the commit before the job began, and nothing has been checked out since.
///
/// The mark of such a tree names its commit; it is used up, so that a second checkout cleans as always.
pub(super) fn is_made(settings: &Settings, target: &Target) -> Result<bool, StandInError> {
    let mark = settings.path.join(".git").join(MARK);
    let is_it = toolkit::variable("WFRUN_CHECKED_OUT") == target.commit
        && fs::read_to_string(&mark).is_ok_and(|it| it == target.commit);
    if is_it {
        write(&mark, "")?;
    }
    Ok(is_it)
}

/// A git work tree under construction.
#[derive(Debug)]
pub(super) struct WorkTree {
    path: PathBuf,
    is_new: bool,
}

impl WorkTree {
    /// Makes the folder and an empty repository in it that borrows objects from `alternates`, or cleans the one that an earlier
    /// checkout of the job left.
    ///
    /// Source: `actions/checkout`: what is in the folder and is not this repository's work tree is deleted.
    /// Differs: `actions/checkout` deletes any git repository it finds at its path; the stand-in refuses one that it did not make.
    pub(super) fn prepare(settings: &Settings, alternates: &[String]) -> Result<Self, StandInError> {
        let path = settings.path.clone();
        if path.is_file() {
            fs::remove_file(&path).map_err(StandInError::file("delete", &path))?;
        }
        fs::create_dir_all(&path).map_err(StandInError::file("create", &path))?;
        let git_dir = path.join(".git");
        if git_dir.join(MARK).exists() {
            let tree = Self { path, is_new: false };
            tree.clean(settings)?;
            return Ok(tree);
        }
        if git_dir.exists() {
            return Err(StandInError::action(format!(
                "'{}' holds a git repository that was not made by this action, and checking out would delete it; \
                 remove it in an earlier step, or give the step another `path`",
                path.display()
            )));
        }
        empty(&path)?;
        let tree = Self { path, is_new: true };
        tree.initialize(settings, alternates)?;
        Ok(tree)
    }

    fn initialize(&self, settings: &Settings, alternates: &[String]) -> Result<(), StandInError> {
        toolkit::start_group("Initializing the repository");
        let mut init = plain_git();
        init.args(["-c", "init.defaultBranch=master", "init", "--quiet", "--template="]);
        if settings.commit.as_ref().is_some_and(|commit| commit.len() == 64) {
            init.arg("--object-format=sha256");
        }
        program::stdout(init.arg(&self.path), None, INSTALL_GIT)?;
        let git_dir = self.path.join(".git");
        let config = format!(
            "[remote \"origin\"]\n\turl = {}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[gc]\n\tauto = 0\n",
            quoted(&settings.url)
        );
        append(&git_dir.join("config"), &config)?;
        if !alternates.is_empty() {
            let info = git_dir.join("objects/info");
            fs::create_dir_all(&info).map_err(StandInError::file("create", &info))?;
            write(&info.join("alternates"), &(alternates.join("\n") + "\n"))?;
        }
        write(&git_dir.join(MARK), "")?;
        toolkit::info(&format!("Initialized empty Git repository in {}/", git_dir.display()));
        toolkit::end_group();
        Ok(())
    }

    fn clean(&self, settings: &Settings) -> Result<(), StandInError> {
        if settings.clean {
            toolkit::start_group("Cleaning the repository");
            program::stdout(self.git().args(["clean", "-ffdx", "--quiet"]), None, INSTALL_GIT)?;
            program::stdout(self.git().args(["reset", "--hard", "--quiet"]), None, INSTALL_GIT)?;
            toolkit::end_group();
        }
        // As the real action: no local branch stands in the way of the one to come.
        let detach = ["-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach"];
        program::stdout(self.git().args(detach), None, INSTALL_GIT)?;
        Ok(())
    }

    /// Gives the work tree's repository the refs and the depth of history that a fetch would.
    pub(super) fn fetch(&self, settings: &Settings, snapshot: &Snapshot, target: &Target) -> Result<(), StandInError> {
        let mut refs: Vec<(String, String)> = Vec::new();
        let mut tips = vec![target.commit.clone()];
        // A commit stands for the folder that is the repository's root by a replacement, so these go along always.
        refs.extend(snapshot.refs_under("refs/replace/").map(|it| (it.name.clone(), it.object.clone())));
        if settings.depth == 0 {
            refs.extend(snapshot.refs_under("refs/remotes/origin/").map(|it| (it.name.clone(), it.object.clone())));
        }
        if settings.depth == 0 || settings.tags {
            for tag in snapshot.refs_under("refs/tags/") {
                refs.push((tag.name.clone(), tag.object.clone()));
                tips.push(tag.commit.clone());
            }
        }
        let own = match &target.head {
            Head::Branch(branch) => Some(format!("refs/remotes/origin/{branch}")),
            Head::Detached(name) => name.clone(),
        };
        if let Some(own) = own {
            refs.retain(|(name, _)| *name != own);
            toolkit::info(&format!(" * [new ref]         {} -> {own}", target.commit));
            refs.push((own, target.commit.clone()));
        }
        self.limit_history(settings, snapshot, &tips)?;
        self.write_refs(&refs)
    }

    fn limit_history(&self, settings: &Settings, snapshot: &Snapshot, tips: &[String]) -> Result<(), StandInError> {
        let file = self.path.join(".git/shallow");
        let mut boundary = if settings.depth == 0 { Vec::new() } else { snapshot.boundary(tips, settings.depth)? };
        // What the machine's own clone lacks, this one lacks too.
        boundary.extend(snapshot.own_boundary());
        boundary.sort();
        boundary.dedup();
        if boundary.is_empty() {
            return match fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(StandInError::file("delete", &file)(error))
                }
                Ok(()) | Err(_) => Ok(()),
            };
        }
        write(&file, &(boundary.join("\n") + "\n"))
    }

    fn write_refs(&self, refs: &[(String, String)]) -> Result<(), StandInError> {
        if self.is_new {
            // One file for any number of refs, and no process.
            let mut sorted: Vec<&(String, String)> = refs.iter().collect();
            sorted.sort();
            let mut packed = String::from("# pack-refs with: sorted \n");
            for (name, object) in sorted {
                writeln!(packed, "{object} {name}").expect("a String takes any text");
            }
            return write(&self.path.join(".git/packed-refs"), &packed);
        }
        let mut updates = String::new();
        for (name, object) in refs {
            writeln!(updates, "update {name} {object}").expect("a String takes any text");
        }
        program::stdout(self.git().args(["update-ref", "--stdin"]), Some(updates.as_bytes()), INSTALL_GIT)?;
        Ok(())
    }

    /// Writes the files and sets `HEAD`.
    pub(super) fn check_out(&self, settings: &Settings, target: &Target) -> Result<(), StandInError> {
        if !settings.sparse.is_empty() {
            let cone = if settings.sparse_cone { "--cone" } else { "--no-cone" };
            let patterns = settings.sparse.join("\n") + "\n";
            let mut sparse = self.git();
            sparse.args(["sparse-checkout", "set", cone, "--stdin"]);
            program::stdout(&mut sparse, Some(patterns.as_bytes()), INSTALL_GIT)?;
        }
        let mut checkout = self.git();
        checkout.args(["-c", "advice.detachedHead=false", "-c", "branch.autoSetupMerge=true"]);
        checkout.args(["checkout", "--force"]);
        match &target.head {
            Head::Branch(branch) => {
                checkout.args(["-B", branch, "--track"]).arg(format!("refs/remotes/origin/{branch}"));
            }
            Head::Detached(Some(name)) => {
                checkout.args(["--detach", name]);
            }
            Head::Detached(None) => {
                checkout.args(["--detach", &target.commit]);
            }
        }
        let output = program::output(&mut checkout, None, INSTALL_GIT)?;
        if !output.status.success() {
            return Err(program::failure(&checkout, &output));
        }
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            toolkit::info(line);
        }
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            toolkit::info(line);
        }
        Ok(())
    }

    fn git(&self) -> Command {
        self.with(plain_git())
    }

    /// A git with this work tree and its repository.
    pub(super) fn with(&self, git: Command) -> Command {
        let mut command = in_folder(git, &self.path);
        command.arg("--git-dir").arg(self.path.join(".git")).arg("--work-tree").arg(&self.path);
        command
    }
}

fn empty(folder: &Path) -> Result<(), StandInError> {
    let mut said = false;
    for entry in fs::read_dir(folder).map_err(StandInError::file("read", folder))? {
        let path = entry.map_err(StandInError::file("read", folder))?.path();
        if !said {
            toolkit::info(&format!("Deleting the contents of '{}'", folder.display()));
            said = true;
        }
        let is_folder = path.is_dir() && !path.is_symlink();
        let deleted = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        deleted.map_err(StandInError::file("delete", &path))?;
    }
    Ok(())
}

/// A value for git's configuration file.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn write(file: &Path, text: &str) -> Result<(), StandInError> {
    fs::write(file, text).map_err(StandInError::file("write", file))
}

fn append(file: &Path, text: &str) -> Result<(), StandInError> {
    let mut whole = fs::read_to_string(file).map_err(StandInError::file("read", file))?;
    whole.push_str(text);
    write(file, &whole)
}
