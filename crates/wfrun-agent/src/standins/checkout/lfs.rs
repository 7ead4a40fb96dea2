//! Files of Git LFS, from the objects that the user's own clone has.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::settings::Settings;
use super::snapshot::{INSTALL_GIT, in_folder, plain_git};
use crate::standins::error::StandInError;
use crate::standins::program;
use crate::standins::toolkit::{self, How};

/// A pointer is never larger. Source: the Git LFS specification.
const POINTER_LIMIT: u64 = 1024;

/// Puts files in the place of their pointers. What this machine does not have stays a pointer, and that is declared.
///
/// Differs: where a job's image has no `git-lfs`, git shows the files that `actions/checkout` with `lfs` put there as changed.
pub(super) fn fetch(settings: &Settings) -> Result<(), StandInError> {
    if !settings.lfs {
        return Ok(());
    }
    let store = Some(PathBuf::from(toolkit::variable("WFRUN_LFS"))).filter(|it| !it.as_os_str().is_empty());
    let mut missing = Vec::new();
    let pointers = pointers(&settings.path)?;
    toolkit::start_group("Fetching LFS objects");
    for Pointer { path, id } in &pointers {
        let below = Path::new(&id[..2]).join(&id[2..4]).join(id);
        let Some(object) = store.as_ref().map(|it| it.join(&below)).filter(|it| it.is_file()) else {
            missing.push(path.clone());
            continue;
        };
        let kept = settings.path.join(".git/lfs/objects").join(below);
        copy(&object, &kept)?;
        copy(&object, &settings.path.join(path))?;
    }
    if !pointers.is_empty() && has_lfs() {
        program::stdout(git(&settings.path).args(["lfs", "install", "--local"]), None, INSTALL_GIT)?;
        // With its filter git sees that nothing has changed.
        program::stdout(git(&settings.path).args(["add", "--renormalize", "--", "."]), None, INSTALL_GIT)?;
    }
    toolkit::end_group();
    if !missing.is_empty() {
        let detail = format!("files in Git LFS stay pointer files: {}", missing.join(", "));
        let way_out = "Fetch them in the clone that wfrun runs in (`git lfs fetch`)";
        toolkit::warning(&format!("actions/checkout: {detail}. {way_out}"));
        toolkit::declare(How::NotRun, "actions/checkout lfs", &detail);
    }
    Ok(())
}

struct Pointer {
    path: String,
    /// The SHA-256 of the file, in hex digits.
    id: String,
}

/// The pointers among the files that `.gitattributes` gives to the filter `lfs`.
fn pointers(folder: &Path) -> Result<Vec<Pointer>, StandInError> {
    let files = program::stdout(git(folder).args(["ls-files", "-z"]), None, INSTALL_GIT)?;
    let mut ask = git(folder);
    ask.args(["check-attr", "-z", "--stdin", "filter"]);
    let told = program::stdout(&mut ask, Some(files.as_bytes()), INSTALL_GIT)?;
    let words: Vec<&str> = told.split('\0').collect();
    let filtered = words.chunks_exact(3).filter(|it| it[2] == "lfs").map(|it| it[0]);
    Ok(filtered.filter_map(|path| Some(Pointer { path: path.to_owned(), id: id_of(&folder.join(path))? })).collect())
}

/// The file that a pointer stands for.
fn id_of(path: &Path) -> Option<String> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > POINTER_LIMIT {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    text.strip_prefix("version https://git-lfs.github.com/spec/")?;
    let id = text.lines().find_map(|it| it.strip_prefix("oid sha256:"))?;
    let is_hash = id.len() == 64 && id.bytes().all(|it| it.is_ascii_hexdigit());
    is_hash.then(|| id.to_owned())
}

/// Copies a file's content; its mode stays that of what is there.
fn copy(from: &Path, to: &Path) -> Result<(), StandInError> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(StandInError::file("create", folder))?;
    }
    let mut source = fs::File::open(from).map_err(StandInError::file("read", from))?;
    let mut target = fs::File::create(to).map_err(StandInError::file("write", to))?;
    std::io::copy(&mut source, &mut target).map_err(StandInError::file("write", to))?;
    Ok(())
}

fn has_lfs() -> bool {
    program::output(plain_git().args(["lfs", "version"]), None, INSTALL_GIT).is_ok_and(|it| it.status.success())
}

fn git(folder: &Path) -> Command {
    in_folder(plain_git(), folder)
}
