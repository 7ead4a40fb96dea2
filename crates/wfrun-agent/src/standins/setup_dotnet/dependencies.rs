//! The cache that the `cache` input asks for: of the packages that .NET fetches.
//!
//! Source: `actions/setup-dotnet`, `src/cache-restore.ts`, `src/cache-save.ts`, `src/cache-utils.ts`.

use std::path::Path;

use crate::standins::dependency_cache::{self, hash_files};
use crate::standins::error::StandInError;
use crate::standins::program;
use crate::standins::search_path::SearchPath;
use crate::standins::toolkit;

const PRIMARY_KEY: &str = "CACHE_KEY";
const MATCHED_KEY: &str = "CACHE_RESULT";
const LOCK: &str = "packages.lock.json";
const COMMAND: &str = "dotnet nuget locals all --list --force-english-output";

/// Restores the packages.
pub(super) fn restore(path: &SearchPath) -> Result<(), StandInError> {
    let given = toolkit::input("cache-dependency-path");
    let lock = if given.is_empty() { find_lock()? } else { given };
    let hash = hash_files(&lock)?;
    if hash.is_empty() {
        return Err(StandInError::action("Some specified paths were not resolved, unable to cache dependencies."));
    }
    let key = format!("dotnet-cache-{}-{hash}", toolkit::variable("RUNNER_OS"));
    toolkit::save_state(PRIMARY_KEY, &key)?;
    let matched = dependency_cache::restore(&[packages(path)?], &key, &[])?;
    toolkit::set_output("cache-hit", if matched.is_some() { "true" } else { "false" })?;
    match matched {
        Some(matched) => {
            toolkit::save_state(MATCHED_KEY, &matched)?;
            toolkit::info(&format!("Cache restored from key: {matched}"));
        }
        None => toolkit::info("Dotnet cache is not found"),
    }
    Ok(())
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
    if key == toolkit::state(MATCHED_KEY) {
        toolkit::info(&format!("Cache hit occurred on the primary key {key}, not saving cache."));
    } else if dependency_cache::save(&[folder], &key)? {
        toolkit::info(&format!("Cache saved with the key: {key}"));
    }
    Ok(())
}

fn find_lock() -> Result<String, StandInError> {
    let workspace = toolkit::path_variable("GITHUB_WORKSPACE")?;
    let file = workspace.join(LOCK);
    if std::fs::symlink_metadata(&file).is_ok() {
        return Ok(file.to_string_lossy().into_owned());
    }
    Err(StandInError::action(format!(
        "Dependencies lock file is not found in {}. Supported file patterns: {LOCK}",
        workspace.display()
    )))
}

/// The folder of all packages.
fn packages(path: &SearchPath) -> Result<String, StandInError> {
    let words: Vec<&str> = COMMAND.split(' ').collect();
    let dotnet = path.find_or_say("dotnet")?;
    let output = program::output(path.command(&dotnet).args(&words[1..]), None, super::machine::INSTALL)?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code().unwrap_or_default();
        return Err(StandInError::action(if told.trim().is_empty() {
            format!("The '{COMMAND}' command failed with exit code: {code}")
        } else {
            told
        }));
    }
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let folder = told.lines().find_map(|it| it.split_once("global-packages: ").map(|(_, folder)| folder));
    Ok(folder.unwrap_or_default().to_owned())
}
