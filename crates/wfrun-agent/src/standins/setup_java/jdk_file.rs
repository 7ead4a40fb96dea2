//! `distribution: jdkfile`: a JDK from an archive that the workflow has.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::distribution::Distribution;
use super::version::Request;
use super::{ACTION, Found, Wanted};
use crate::standins::error::{REAL_ACTION, StandInError};
use crate::standins::tool_cache::ToolCache;
use crate::standins::{program, toolkit};

/// Takes it from the tool cache, or unpacks it into there.
///
/// Source: `actions/setup-java`, `src/distributions/local/installer.ts`.
pub(super) fn provide(request: &Request, wanted: &Wanted) -> Result<Found, StandInError> {
    let cache = ToolCache::of_the_job()?;
    let name = Distribution::find("jdkfile", 2).map(|it| it.folder(&wanted.package)).unwrap_or_default();
    if let Some(found) = request.find_in(&cache, &name, &wanted.architecture) {
        toolkit::info(&format!("Resolved Java {} from tool-cache", found.version));
        return Ok(found);
    }
    toolkit::info(&format!("Java {} was not found in tool-cache. Trying to unpack JDK file...", request.spec));
    if wanted.jdk_file.is_empty() {
        return Err(StandInError::action("'jdkFile' is not specified"));
    }
    let here = std::env::current_dir().map_err(StandInError::file("find", "the working folder"))?;
    let file = here.join(&wanted.jdk_file);
    if !file.is_file() {
        return Err(StandInError::action(format!("JDK file was not found in path '{}'", file.display())));
    }
    toolkit::info(&format!("Extracting Java from '{}'", file.display()));
    let folder = cache.folder(&name, &request.spec.replacen('+', "-", 1), &wanted.architecture);
    unpack(&file, &folder)?;
    let mark = folder.with_added_extension("complete");
    fs::write(&mark, "").map_err(StandInError::file("write", &mark))?;
    Ok(Found { version: request.spec.clone(), folder })
}

fn unpack(file: &Path, folder: &Path) -> Result<(), StandInError> {
    if file.extension().is_some_and(|it| it == "zip" || it == "7z") {
        return Err(StandInError::NotSupported {
            action: ACTION,
            what: format!("`{}`, an archive of another kind than tar", file.display()),
            way_out: format!("use one that ends in `.tar.gz`, {REAL_ACTION}"),
        });
    }
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(StandInError::file("remove", folder))?;
    }
    fs::create_dir_all(folder).map_err(StandInError::file("create", folder))?;
    // The JDK is the archive's one folder.
    let mut tar = Command::new("tar");
    tar.args(["xz", "--warning=no-unknown-keyword", "--overwrite", "--strip-components=1", "-C"]);
    tar.arg(folder).arg("-f").arg(file);
    program::stdout(&mut tar, None, "install tar").map(|_| ())
}
