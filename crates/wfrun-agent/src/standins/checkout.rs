//! Stand-in for `actions/checkout`: the committed tree at a commit, as a real git work tree.
//!
//! The source is a bare snapshot of the repository, named by `WFRUN_REPOSITORY`. Its objects are borrowed (by git's
//! alternates), not copied, so a checkout costs what writing the files costs. Nothing that is not committed gets in.
//!
//! Differs: `actions/checkout` takes the files from a snapshot on this machine, so `token`, `ssh-key`, `filter` and `persist-credentials` have no effect.

mod elsewhere;
mod lfs;
mod settings;
mod snapshot;
mod submodules;
mod worktree;

use super::error::StandInError;
use super::toolkit;
use super::{Invocation, Phase};
pub(super) use settings::is_commit;
pub(super) use snapshot::{INSTALL_GIT, plain_git};

use settings::Settings;
use snapshot::{Snapshot, Target};
use worktree::WorkTree;

const ACTION: &str = "actions/checkout";

/// Runs the action.
///
/// Source: GitHub: execution rules E9.9, and the README of `actions/checkout`.
pub(super) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    match invocation.phase {
        Phase::Main => check_out(invocation),
        // The real post step takes credentials out of `.git/config`; none were put there.
        Phase::Post => Ok(()),
    }
}

fn check_out(invocation: &Invocation) -> Result<(), StandInError> {
    let mut settings = Settings::from_inputs()?;
    toolkit::info(&format!("Syncing repository: {}", settings.repository));
    if !settings.is_own {
        return check_out_another(invocation, &mut settings);
    }
    let snapshot = Snapshot::open()?;
    let target = snapshot.resolve(&settings)?;

    toolkit::start_group("Getting Git version info");
    toolkit::info(&format!("Working directory is '{}'", settings.path.display()));
    toolkit::end_group();
    if worktree::is_made(&settings, &target)? {
        toolkit::info("The workspace is a view of the tree at this commit, which was checked out before");
        return put_out(invocation, &settings, &target);
    }
    let tree = WorkTree::prepare(&settings, &snapshot.alternates())?;
    toolkit::start_group("Fetching the repository");
    tree.fetch(&settings, &snapshot, &target)?;
    toolkit::end_group();
    fill(invocation, &settings, &target, &tree)
}

fn check_out_another(invocation: &Invocation, settings: &mut Settings) -> Result<(), StandInError> {
    let target = elsewhere::resolve(settings)?;
    let tree = WorkTree::prepare(settings, &[])?;
    toolkit::start_group("Fetching the repository");
    tree.fetch_from_elsewhere(settings, &target)?;
    toolkit::end_group();
    fill(invocation, settings, &target, &tree)
}

/// Writes the files of a work tree that has what it needs.
fn fill(invocation: &Invocation, settings: &Settings, target: &Target, tree: &WorkTree) -> Result<(), StandInError> {
    toolkit::start_group("Checking out the ref");
    tree.check_out(settings, target)?;
    toolkit::end_group();
    lfs::fetch(settings)?;
    submodules::fetch(settings)?;
    put_out(invocation, settings, target)
}

fn put_out(invocation: &Invocation, settings: &Settings, target: &Target) -> Result<(), StandInError> {
    toolkit::info("git log -1 --format=%H");
    toolkit::info(&target.commit);
    if invocation.version.major >= 4 {
        // Up to v3 the action has no outputs; v4 has had both since its release 4.2.
        toolkit::set_output("commit", &target.commit)?;
        toolkit::set_output("ref", &settings.git_ref)?;
    }
    Ok(())
}
