//! The checked-out tree of a commit, made once and kept: each job gets a view of its own laid over it, or clones or copies of
//! its files where that cannot be done.
//!
//! Invariant: a tree that is done is never written to; who uses it holds its lock shared, who removes it alone.
mod fill;
mod index;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use indexmap::IndexMap;
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use sha2::{Digest as _, Sha256};

/// So many trees that nobody uses are kept.
const KEPT: usize = 4;

/// The folder that tells which trees were asked for: an empty file for each, by the name of the tree's folder.
const ASKED: &str = "asked";

/// So many of those are kept.
const KEPT_ASKED: usize = 64;

/// A folder without a tree is left over if nothing was written into it for so long; until then somebody may be making it.
const LEFT_OVER: Duration = Duration::from_hours(1);

/// The trees of all runs of this user.
#[derive(Debug, Clone)]
pub struct Trees {
    folder: PathBuf,
    way: Arc<OnceLock<Way>>,
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
struct Tree {
    path: PathBuf,
    _lock: Flock<File>,
}

/// How a workspace comes to the files of a tree, and why not in a better way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// An overlay: nothing is made.
    Overlay,
    /// Each file is a clone, which shares its blocks with the tree's.
    Clone {
        /// Why no overlay can be had.
        why: String,
    },
    /// Each file is a copy.
    Copy {
        /// Why no overlay can be had.
        why: String,
    },
}

impl Way {
    /// As the journal has it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Overlay => "overlay",
            Self::Clone { .. } => "clone",
            Self::Copy { .. } => "copy",
        }
    }
}

/// A tree's files at a job's workspace. What is mounted goes when dropped.
#[derive(Debug)]
pub(crate) struct View {
    way: Way,
    _mounted: Option<Mounted>,
}

impl View {
    /// How it was made.
    pub(crate) fn way(&self) -> &Way {
        &self.way
    }
}

/// An overlay; what the job changes is kept beside the tree.
#[derive(Debug)]
struct Mounted {
    target: PathBuf,
    layers: PathBuf,
    _tree: Tree,
}

impl Trees {
    /// The trees below a folder.
    pub fn below(folder: PathBuf) -> Self {
        Self { folder, way: Arc::default() }
    }

    /// How a workspace comes to its files here; what is best is tried first, once in a run.
    pub fn way(&self) -> Way {
        self.way
            .get_or_init(|| {
                let Err(err) = self.try_overlay() else { return Way::Overlay };
                let why = err.to_string();
                match fill::can_clone(&self.folder) {
                    Ok(true) => Way::Clone { why },
                    Ok(false) | Err(_) => Way::Copy { why },
                }
            })
            .clone()
    }

    /// An overlay is really laid over an empty folder, and taken away again.
    fn try_overlay(&self) -> io::Result<()> {
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

    /// Fills an empty folder with a tree, which is found or made. What an overlay needs goes below `layers`.
    pub(crate) fn view(&self, source: &TreeSource<'_>, target: &Path, layers: &Path) -> io::Result<View> {
        let way = self.way();
        if way == Way::Overlay {
            let tree = self.tree(source)?;
            mount_view(&tree.path, target, layers)?;
            let mounted = Mounted { target: target.to_owned(), layers: layers.to_owned(), _tree: tree };
            return Ok(View { way, _mounted: Some(mounted) });
        }
        if !self.is_wanted_again(source)? {
            return Err(io::Error::other("the tree is not made for one job alone, where it has to be copied"));
        }
        let tree = self.tree(source)?;
        fill_or_leave_empty(&tree.path, target)?;
        Ok(View { way, _mounted: None })
    }

    /// Whether a tree is there, or somebody has asked for it before: a copy costs about half of what git takes to write
    /// the files, so a tree that only one job uses would be a loss.
    fn is_wanted_again(&self, source: &TreeSource<'_>) -> io::Result<bool> {
        let (marks, key) = (self.folder.join(ASKED), key(source));
        fs::create_dir_all(&marks)?;
        let mark = marks.join(&key);
        match File::options().write(true).create_new(true).open(&mark) {
            Ok(_) => {
                let all = entries(&marks).filter_map(|it| Some((modified(&it)?, it))).collect();
                for mark in all_but_newest(all, KEPT_ASKED) {
                    fs::remove_file(mark).ok();
                }
                Ok(self.folder.join(key).join("tree").exists())
            }
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                // It is asked for again.
                fs::write(mark, "")?;
                Ok(true)
            }
            Err(err) => Err(err),
        }
    }

    /// Finds the tree, or makes it.
    fn tree(&self, source: &TreeSource<'_>) -> io::Result<Tree> {
        fs::create_dir_all(&self.folder)?;
        let folder = self.folder.join(key(source));
        fs::create_dir_all(&folder)?;
        let file = |name| File::options().create(true).truncate(false).write(true).open(folder.join(name));
        let path = folder.join("tree");
        if !path.exists() {
            // Only one makes it; others find it made when their turn comes. They must not wait for its users.
            let lock = locked(file("making.lock")?, FlockArg::LockExclusive)?;
            if !path.exists() {
                make(&folder.join("making"), &path, source)?;
            }
            drop(lock);
        }
        let lock = locked(file("lock")?, FlockArg::LockShared)?;
        fs::write(folder.join("used"), "")?;
        self.remove_old();
        Ok(Tree { path, _lock: lock })
    }

    /// Removes all but the trees used last, and what is left of those that were never made; one in use stays.
    fn remove_old(&self) {
        let mut trees = Vec::new();
        for folder in entries(&self.folder).filter(|it| !it.ends_with(ASKED)) {
            if folder.join("tree").exists() {
                trees.extend(modified(&folder.join("used")).map(|it| (it, folder)));
            } else if modified(&folder).and_then(|it| it.elapsed().ok()).is_some_and(|it| it > LEFT_OVER) {
                let file = File::options().write(true).open(folder.join("making.lock"));
                // Where there is no such file nobody has begun.
                remove_unless_locked(&folder, file.ok());
            }
        }
        for folder in all_but_newest(trees, KEPT) {
            let Ok(file) = File::options().write(true).open(folder.join("lock")) else { continue };
            remove_unless_locked(&folder, Some(file));
        }
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path())
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|it| it.modified()).ok()
}

fn all_but_newest(mut all: Vec<(SystemTime, PathBuf)>, kept: usize) -> impl Iterator<Item = PathBuf> {
    all.sort();
    let spare = all.len().saturating_sub(kept);
    all.into_iter().take(spare).map(|(_, path)| path)
}

fn remove_unless_locked(folder: &Path, lock: Option<File>) {
    let Ok(held) = lock.map(|it| Flock::lock(it, FlockArg::LockExclusiveNonblock)).transpose() else { return };
    if let Err(err) = crate::remove_folder(folder) {
        tracing::warn!("{} stays: {err}", folder.display());
    }
    drop(held);
}

/// Makes the files of a tree anew in an empty folder. Half of them would be in the way of who writes the files then, so
/// where it fails the folder is empty again.
fn fill_or_leave_empty(tree: &Path, target: &Path) -> io::Result<()> {
    let Err(err) = fill::fill(tree, target).and_then(|()| index::fit(target)) else { return Ok(()) };
    crate::remove_folder(target)?;
    fs::create_dir(target)?;
    Err(err)
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

impl Drop for Mounted {
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::mpsc;

    use super::*;

    /// A program that checks out one file, and takes its time.
    fn slow_checkout(folder: &Path) -> PathBuf {
        let path = folder.join("checkout");
        let script = "#!/bin/sh\nsleep 0.2\nmkdir -p .git/objects/info\n: > .git/objects/info/alternates\necho a > a\n";
        fs::write(&path, script).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the right to run it");
        path
    }

    /// A job that comes while a tree is made gets it when it is made, not when the job that made it ends.
    #[test]
    fn who_waits_for_a_tree_does_not_wait_for_its_users() {
        let folder = tempfile::tempdir().expect("a folder");
        let executable = slow_checkout(folder.path());
        let (trees, env) = (Trees::below(folder.path().join("trees")), IndexMap::new());
        let source = TreeSource {
            executable: &executable,
            repository: folder.path(),
            repository_inside: "/opt/repository",
            env: &env,
        };
        let (one, other) = (mpsc::channel(), mpsc::channel());
        let use_it = |(has, to): (&mpsc::Receiver<()>, &mpsc::Sender<()>)| {
            let tree = trees.tree(&source).expect("a tree");
            assert!(tree.path.join("a").exists());
            to.send(()).expect("the other is there");
            has.recv_timeout(Duration::from_secs(30)).expect("the other has it at the same time");
        };
        std::thread::scope(|scope| {
            let (one_sender, one_receiver) = one;
            let (other_sender, other_receiver) = other;
            let use_it = &use_it;
            scope.spawn(move || use_it((&one_receiver, &other_sender)));
            scope.spawn(move || use_it((&other_receiver, &one_sender)));
        });
    }

    #[test]
    fn what_fails_half_way_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let [tree, target] = ["tree", "target"].map(|it| dir.path().join(it));
        for folder in [&tree, &target] {
            fs::create_dir(folder).expect("a folder");
        }
        fs::write(tree.join("file"), "text").expect("a file");
        // There is no index, and so no tree that was checked out.
        fill_or_leave_empty(&tree, &target).expect_err("it fails after the files");
        assert_eq!(fs::read_dir(&target).expect("a folder").count(), 0);
    }

    #[test]
    fn a_tree_is_made_for_the_second_who_asks() {
        let dir = tempfile::tempdir().expect("a folder");
        let trees = Trees::below(dir.path().join("trees"));
        let (env, executable) = (IndexMap::new(), std::env::current_exe().expect("this one"));
        let source = TreeSource { executable: &executable, repository: dir.path(), repository_inside: "/r", env: &env };
        let asked = [(); 3].map(|()| trees.is_wanted_again(&source).expect("a folder"));
        assert_eq!(asked, [false, true, true]);
        let other = IndexMap::from([("GITHUB_SHA".to_owned(), "1".to_owned())]);
        assert!(!trees.is_wanted_again(&TreeSource { env: &other, ..source }).expect("a folder"));
    }

    /// Sets when something was changed last: so many hours ago.
    fn age(path: &Path, hours: u64) {
        let time = SystemTime::now() - Duration::from_hours(hours);
        File::open(path).and_then(|it| it.set_modified(time)).expect("a file or folder");
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |it: PathBuf| it.file_name().expect("a name").to_string_lossy().into_owned();
        let mut all: Vec<String> = entries(folder).map(name).collect();
        all.sort();
        all
    }

    #[test]
    fn commits_that_one_job_asks_for_leave_no_folder_and_few_marks() {
        let dir = tempfile::tempdir().expect("a folder");
        let trees = Trees::below(dir.path().join("trees"));
        let executable = std::env::current_exe().expect("this one");
        let ask = |sha: usize| {
            let env = IndexMap::from([("GITHUB_SHA".to_owned(), sha.to_string())]);
            let source =
                TreeSource { executable: &executable, repository: dir.path(), repository_inside: "/r", env: &env };
            trees.is_wanted_again(&source).expect("a folder")
        };
        for sha in 0..KEPT_ASKED + 5 {
            assert!(!ask(sha), "{sha}");
        }
        assert!(ask(KEPT_ASKED + 4));
        assert_eq!(names(&trees.folder), [ASKED]);
        assert_eq!(names(&trees.folder.join(ASKED)).len(), KEPT_ASKED);
    }

    #[test]
    fn only_trees_count_among_those_that_are_kept() {
        let dir = tempfile::tempdir().expect("a folder");
        let trees = Trees::below(dir.path().to_owned());
        let make = |name: &str, hours: u64, files: &[&str]| {
            let folder = dir.path().join(name);
            fs::create_dir_all(&folder).expect("a folder");
            for file in files {
                fs::write(folder.join(file), "").expect("a file");
                age(&folder.join(file), hours);
            }
            age(&folder, hours);
        };
        for hours in 10..16 {
            make(&format!("tree-{hours}"), hours, &["tree", "lock", "used"]);
        }
        for at in 0..6 {
            // As versions before this one left them.
            make(&format!("left-{at}"), 2, &["asked", "used"]);
        }
        make("begun", 0, &[]);
        make("failed", 2, &["making.lock"]);
        make("made", 2, &["making.lock"]);
        make(ASKED, 2, &["a"]);
        let file = File::open(dir.path().join("made/making.lock")).expect("a file");
        let _making = locked(file, FlockArg::LockExclusive).expect("it is free");
        let file = File::open(dir.path().join("tree-15/lock")).expect("a file");
        let _used = locked(file, FlockArg::LockShared).expect("it is free");
        trees.remove_old();
        assert_eq!(names(dir.path()), [ASKED, "begun", "made", "tree-10", "tree-11", "tree-12", "tree-13", "tree-15"]);
    }
}
