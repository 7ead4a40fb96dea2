//! The cache that the `cache` input asks for: of the packages that .NET fetches.
//!
//! Source: `actions/setup-dotnet`, `src/cache-restore.ts`, `src/cache-save.ts`, `src/cache-utils.ts`.

use std::path::Path;

use crate::standins::dependency_cache::{self, MATCHED_KEY, PRIMARY_KEY, find_lock, hash_locks};
use crate::standins::error::StandInError;
use crate::standins::search_path::SearchPath;
use crate::standins::toolkit;

const LOCK: &str = "packages.lock.json";
const COMMAND: &str = "dotnet nuget locals all --list --force-english-output";

/// Restores the packages.
pub(super) fn restore(path: &SearchPath) -> Result<(), StandInError> {
    let given = toolkit::input("cache-dependency-path");
    let lock = if given.is_empty() { find_lock(&[LOCK])? } else { given };
    let hash = hash_locks(&lock)?;
    let key = format!("dotnet-cache-{}-{hash}", toolkit::variable("RUNNER_OS"));
    toolkit::save_state(PRIMARY_KEY, &key)?;
    dependency_cache::restore_and_tell(&[packages(path)?], &key, &[], "Dotnet cache is not found").map(drop)
}

/// Saves in the post step what the main step wanted kept.
pub(super) fn save() -> Result<(), StandInError> {
    if !toolkit::strict_boolean_input("cache")? {
        return Ok(());
    }
    let key = toolkit::state(PRIMARY_KEY);
    if key.is_empty() {
        toolkit::info("Primary key was not generated, not saving cache.");
        return Ok(());
    }
    let folder = packages(&SearchPath::of_the_step())?;
    if !Path::new(&folder).exists() {
        return Err(StandInError::action(format!(
            "Cache folder path is retrieved for .NET CLI but doesn't exist on disk: {folder}"
        )));
    }
    dependency_cache::save_if_new(&[folder], &key, &toolkit::state(MATCHED_KEY))
}

/// The folder of all packages.
fn packages(path: &SearchPath) -> Result<String, StandInError> {
    let told = path.ask_silently(COMMAND, super::machine::INSTALL)?;
    let folder = told.lines().find_map(|it| it.split_once("global-packages: ").map(|(_, folder)| folder));
    Ok(folder.unwrap_or_default().to_owned())
}
