//! The checked-out tree of a commit, made once and kept: each job gets a view of its own laid over it, and nothing is
//! copied.
//!
//! Invariant: a tree that is done is never written to; who uses it holds its lock shared, who removes it alone.
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use indexmap::IndexMap;
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use sha2::{Digest as _, Sha256};

/// So many trees that nobody uses are kept.
const KEPT: usize = 4;

/// The trees of all runs of this user.
#[derive(Debug, Clone)]
pub struct Trees {
    folder: PathBuf,
}

/// What a tree is made of.
#[derive(Debug, Clone)]
pub(crate) struct TreeSource<'a> {
    /// The program that is the stand-in for `actions/checkout`.
    pub(crate) executable: &'a Path,
    /// The bare repository to check out from.
    pub(crate) repository: &'a Path,
    /// That repository as job processes see it.
    pub(crate) repository_inside: &'a str,
    /// The variables by which the stand-in knows what to check out: `GITHUB_REF`, `GITHUB_SHA`, `INPUT_…`.
    pub(crate) env: &'a IndexMap<String, String>,
}

/// A tree in use.
#[derive(Debug)]
pub(crate) struct Tree {
    path: PathBuf,
    _lock: Flock<File>,
}

/// A view of a tree at a job's workspace: what the job changes is kept beside it. Goes when dropped.
#[derive(Debug)]
pub(crate) struct View {
    target: PathBuf,
    layers: PathBuf,
    _tree: Tree,
}

impl Trees {
    /// The trees below a folder.
    pub fn below(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Whether a workspace can be a view: an overlay is really laid over an empty folder, and taken away again.
    pub fn try_view(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let scratch = tempfile::Builder::new().prefix("try-").tempdir_in(&self.folder)?;
        let [path, target, layers] = ["tree", "target", "layers"].map(|name| scratch.path().join(name));
        for folder in [&path, &target] {
            fs::create_dir(folder)?;
        }
        mount_view(&path, &target, &layers)?;
        umount2(&target, MntFlags::MNT_DETACH)?;
        Ok(())
    }

    /// Finds the tree, or makes it.
    pub(crate) fn tree(&self, source: &TreeSource<'_>) -> io::Result<Tree> {
        fs::create_dir_all(&self.folder)?;
        let folder = self.folder.join(key(source));
        fs::create_dir_all(&folder)?;
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        let path = folder.join("tree");
        if !path.exists() {
            // Only one makes it; others find it made when their turn comes.
            let lock = locked(lock.try_clone()?, FlockArg::LockExclusive)?;
            if !path.exists() {
                make(&folder.join("making"), &path, source)?;
            }
            drop(lock);
        }
        let lock = locked(lock, FlockArg::LockShared)?;
        fs::write(folder.join("used"), "")?;
        self.remove_old();
        Ok(Tree { path, _lock: lock })
    }

    /// Removes all but the trees used last; one in use stays.
    fn remove_old(&self) {
        let used = |folder: &Path| folder.join("used").metadata().and_then(|it| it.modified());
        let folders = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|it| it.path());
        let mut all: Vec<(SystemTime, PathBuf)> = folders.filter_map(|it| Some((used(&it).ok()?, it))).collect();
        all.sort();
        let spare = all.len().saturating_sub(KEPT);
        for (_, folder) in all.into_iter().take(spare) {
            let Ok(file) = File::options().write(true).open(folder.join("lock")) else { continue };
            if let Ok(lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                if let Err(err) = crate::remove_folder(&folder) {
                    tracing::warn!("{} stays: {err}", folder.display());
                }
                drop(lock);
            }
        }
    }
}

impl Tree {
    /// Lays a view of the tree over an empty folder; what changes goes below `layers`. Fails where this process may not
    /// mount, or the file system cannot be a layer.
    pub(crate) fn view(self, target: &Path, layers: &Path) -> io::Result<View> {
        mount_view(&self.path, target, layers)?;
        Ok(View { target: target.to_owned(), layers: layers.to_owned(), _tree: self })
    }
}

fn mount_view(tree: &Path, target: &Path, layers: &Path) -> io::Result<()> {
    let (upper, work) = (layers.join("upper"), layers.join("work"));
    for folder in [&upper, &work] {
        fs::create_dir_all(folder)?;
    }
    let text = |path: &Path| path.to_str().filter(|it| !it.contains([',', ':', '\\'])).map(str::to_owned);
    let (Some(lower), Some(upper), Some(work)) = (text(tree), text(&upper), text(&work)) else {
        return Err(io::Error::other("a path has a comma, a colon or a backslash in it"));
    };
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    mount(Some("wfrun"), target, Some("overlay"), MsFlags::MS_NODEV, Some(options.as_str()))?;
    Ok(())
}

impl Drop for View {
    fn drop(&mut self) {
        if let Err(err) = umount2(&self.target, MntFlags::MNT_DETACH) {
            tracing::warn!("{} stays mounted: {err}", self.target.display());
        }
        if let Err(err) = crate::remove_folder(&self.layers) {
            tracing::warn!("{} stays: {err}", self.layers.display());
        }
    }
}

/// What tells one tree from another: all that the stand-in goes by, and the program itself.
fn key(source: &TreeSource<'_>) -> String {
    let mut hash = Sha256::new();
    let stamp = source.executable.metadata().and_then(|it| it.modified()).ok();
    hash.update(format!("{stamp:?}\0{}\0", source.repository_inside));
    // Where the objects are, which the tree names; its own are made anew in each run.
    hash.update(fs::read_to_string(source.repository.join("objects/info/alternates")).unwrap_or_default());
    for (name, value) in source.env {
        hash.update(format!("{name}={value}\0"));
    }
    hex::encode(&hash.finalize()[..16])
}

/// Checks out with the stand-in, as a job would, and makes the tree name its objects as jobs see them.
fn make(making: &Path, tree: &Path, source: &TreeSource<'_>) -> io::Result<()> {
    if making.exists() {
        crate::remove_folder(making)?;
    }
    fs::create_dir_all(making)?;
    let mut command = Command::new(source.executable);
    command.args(["__standin", "actions/checkout", "main", "v4"]).current_dir(making);
    command.env_clear().envs(std::env::var_os("PATH").map(|it| ("PATH", it))).envs(source.env);
    command.env("GITHUB_WORKSPACE", making).env("WFRUN_REPOSITORY", source.repository);
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stdout).into_owned()));
    }
    let alternates = making.join(".git/objects/info/alternates");
    let own = source.repository.join("objects").display().to_string();
    let text = fs::read_to_string(&alternates)?.replace(&own, &format!("{}/objects", source.repository_inside));
    fs::write(&alternates, text)?;
    // By this the stand-in knows the tree.
    let sha = source.env.get("GITHUB_SHA").map_or("", String::as_str);
    fs::write(making.join(".git/wfrun-checkout"), sha)?;
    fs::rename(making, tree)
}

fn locked(file: File, how: FlockArg) -> io::Result<Flock<File>> {
    Flock::lock(file, how).map_err(|(_, errno)| io::Error::from(errno))
}

/// Takes away what is mounted below a folder, as a run that was killed leaves it.
pub(crate) fn unmount_below(folder: &Path) {
    let Ok(folder) = fs::canonicalize(folder) else { return };
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let places = table.lines().filter_map(|it| it.split(' ').nth(4)).map(|it| it.replace("\\040", " "));
    let mut below: Vec<PathBuf> = places.map(PathBuf::from).filter(|it| it.starts_with(&folder)).collect();
    // The innermost first.
    below.sort_by_key(|it| std::cmp::Reverse(it.as_os_str().len()));
    for place in below {
        if let Err(err) = umount2(&place, MntFlags::MNT_DETACH) {
            tracing::warn!("{} stays mounted: {err}", place.display());
        }
    }
}
