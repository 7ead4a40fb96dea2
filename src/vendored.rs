//! The vendored folder that a command takes: opened, and held against its lock.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wfrun_backend::chain;
use wfrun_runner::{Mismatch, VendorError, Vendored, unpack};
use wfrun_syntax::Diagnostic;

use crate::environment::Environment;
use crate::output::Help;

/// Where it is in a repository, unless options say otherwise.
pub(crate) const DEFAULT: &str = ".wfrun/vendor";
/// The value of `--vendored` that stands for none.
const NONE: &str = "none";

/// Finds what `--vendored` names, or else what is in the repository at `root`; an archive is unpacked.
pub(crate) fn find(
    given: Option<&Path>,
    root: &Path,
    environment: &Environment,
) -> anyhow::Result<Option<Arc<Vendored>>> {
    let Some(path) = given else {
        let folder = root.join(DEFAULT);
        return if Vendored::is_at(&folder) { open(&folder).map(Some) } else { Ok(None) };
    };
    if path.as_os_str() == NONE {
        return Ok(None);
    }
    open(&folder_of(path, environment)?).map(Some)
}

/// The folder of a path that may be an archive's.
pub(crate) fn folder_of(path: &Path, environment: &Environment) -> anyhow::Result<PathBuf> {
    if path.is_file() {
        return unpack(path, &environment.cache.join("vendored")).map_err(|err| refuse(&err));
    }
    Ok(path.to_owned())
}

/// Opens a vendored folder.
pub(crate) fn open(folder: &Path) -> anyhow::Result<Arc<Vendored>> {
    Vendored::open(folder).map(Arc::new).map_err(|err| refuse(&err))
}

/// An error of a vendored folder, with its way out.
pub(crate) fn refuse(err: &VendorError) -> anyhow::Error {
    let (code, help) = match err {
        VendorError::NoLock { .. } => {
            ("cli/vendored", "`wfrun vendor WORKFLOW --output DIR` makes such a folder; `--vendored none` takes none")
        }
        VendorError::BadLock { .. } => ("vendor/lock", "`wfrun vendor` writes it anew, once the old one is gone"),
        VendorError::Files { .. } => ("vendor/files", "is the disk full, or the folder read-only, or another user's?"),
    };
    Help::error(code, chain(err), help)
}

/// Most files that are named one by one.
const MOST: usize = 20;

/// What in a vendored folder is not as its lock says: each is an error.
pub(crate) fn check(vendored: &Vendored) -> anyhow::Result<Vec<Diagnostic>> {
    let mismatches = vendored.verify().map_err(|err| refuse(&err))?;
    let more = mismatches.len().saturating_sub(MOST);
    let mut all: Vec<Diagnostic> = mismatches.iter().take(MOST).map(|it| mismatch(vendored, it)).collect();
    if more > 0 {
        let message = format!("{more} more files in {} are not as its lock says", vendored.folder.display());
        all.push(Diagnostic::error("vendor/changed", message).help(WAY_OUT));
    }
    Ok(all)
}

const WAY_OUT: &str = "put it back as it was, or let `wfrun vendor` make the folder anew";

/// Names the file, and what it belongs to.
fn mismatch(vendored: &Vendored, it: &Mismatch) -> Diagnostic {
    let lock = &vendored.lock;
    let is_below = |folder: &str| it.path().strip_prefix(folder).is_some_and(|it| it.starts_with('/'));
    let repository = lock.repositories.iter().find(|it| is_below(&it.folder));
    let image = lock.images.iter().find(|image| image.file == it.path());
    let of = match (repository, image) {
        (Some(found), _) => format!(", of `{}@{}`", found.name, found.git_ref),
        (None, Some(found)) => format!(", the image `{}`", found.name),
        (None, None) => String::new(),
    };
    let message = format!("{it} in {}{of}", vendored.folder.display());
    Diagnostic::error("vendor/changed", message).help(WAY_OUT)
}
