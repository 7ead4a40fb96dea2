//! The cache that the `cache` input asks for: of modules and of what was built.
//!
//! Source: `actions/setup-go`, `src/cache-utils.ts`, `src/cache-restore.ts`, `src/cache-save.ts`.

use std::path::Path;

use crate::standins::dependency_cache::{self, MATCHED_KEY, PRIMARY_KEY, hash_locks};
use crate::standins::error::StandInError;
use crate::standins::search_path::SearchPath;
use crate::standins::tool_cache::architecture;
use crate::standins::toolkit;

/// Restores the cache for this version of Go.
pub(super) fn restore(version: &str, action: u32, path: &SearchPath) -> Result<(), StandInError> {
    let folders = folders(action, path)?;
    let given = toolkit::input("cache-dependency-path");
    let file = if given.is_empty() { find_dependencies(action)? } else { given };
    let hash = hash_locks(&file)?;
    let os = toolkit::variable("RUNNER_OS");
    let processor = if action >= 5 { format!("-{}", architecture()) } else { String::new() };
    // What JavaScript makes of a variable that is not there is part of the key.
    let image = std::env::var("ImageOS").unwrap_or_else(|_| "undefined".to_owned());
    let image = if action >= 4 && os == "Linux" { format!("{image}-") } else { String::new() };
    let key = format!("setup-go-{os}{processor}-{image}go-{version}-{hash}");
    toolkit::save_state(PRIMARY_KEY, &key)?;
    dependency_cache::restore_and_tell(&folders, &key, &[], "Cache is not found").map(drop)
}

/// Saves in the post step what the main step wanted kept. A failure is a warning; up to v3 it is the step's.
pub(super) fn save(action: u32) -> Result<(), StandInError> {
    match try_save(action) {
        Err(error) if action >= 4 => {
            toolkit::warning(&error.chain());
            Ok(())
        }
        other => other,
    }
}

fn try_save(action: u32) -> Result<(), StandInError> {
    if !toolkit::strict_boolean_input("cache")? {
        return Ok(());
    }
    let folders = folders(action, &SearchPath::of_the_step())?;
    let absent: Vec<&String> = folders.iter().filter(|it| !Path::new(it).exists()).collect();
    if absent.len() == folders.len() {
        toolkit::warning("There are no cache folders on the disk");
        return Ok(());
    }
    if !absent.is_empty() {
        let names: Vec<&str> = absent.iter().map(|it| it.as_str()).collect();
        toolkit::info(&format!(
            "[warning]Cache folder path is retrieved but doesn't exist on disk: {}",
            names.join(", ")
        ));
    }
    let key = toolkit::state(PRIMARY_KEY);
    if key.is_empty() && action >= 4 {
        toolkit::info(
            "Primary key was not generated. Please check the log messages above for more errors or information",
        );
        return Ok(());
    }
    dependency_cache::save_if_new(&folders, &key, &toolkit::state(MATCHED_KEY))
}

fn folders(action: u32, path: &SearchPath) -> Result<Vec<String>, StandInError> {
    let mut found = Vec::new();
    for folder in ["GOMODCACHE", "GOCACHE"] {
        match path.ask(&["go", "env", folder], None) {
            Ok(told) if !told.is_empty() => found.push(told),
            Ok(_) if action == 3 => return Err(no_folders()),
            Ok(_) => {}
            Err(error) if action == 3 => return Err(error),
            Err(error) => {
                toolkit::info(&format!("[warning]getting cache directory path failed: Error: {}", error.chain()));
            }
        }
    }
    if found.is_empty() { Err(no_folders()) } else { Ok(found) }
}

fn no_folders() -> StandInError {
    StandInError::action("Could not get cache folder paths.")
}

fn find_dependencies(action: u32) -> Result<String, StandInError> {
    let workspace = toolkit::path_variable("GITHUB_WORKSPACE")?;
    let name = if action >= 6 { "go.mod" } else { "go.sum" };
    let file = workspace.join(name);
    if std::fs::symlink_metadata(&file).is_ok() {
        return Ok(file.to_string_lossy().into_owned());
    }
    Err(StandInError::action(format!(
        "Dependencies file is not found in {}. Supported file pattern: {name}",
        workspace.display()
    )))
}
