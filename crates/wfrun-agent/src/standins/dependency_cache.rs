//! The cache of dependencies that the `cache` input of set-up actions asks for.
//!
//! Source: `@actions/cache`, `restoreCache` and `saveCache`; `@actions/glob`, `hashFiles`.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::cache::entry::{check_keys, fetch, say_sent, store};
use super::cache::service::Service;
use super::error::StandInError;
use super::toolkit::{self, How};
use crate::glob::{self, Options, Places, Reach};

/// The state in which most set-up actions keep the key that is asked for.
pub(super) const PRIMARY_KEY: &str = "CACHE_KEY";
/// And the one that was found.
pub(super) const MATCHED_KEY: &str = "CACHE_RESULT";

/// Whether the job has a cache service. Where it has none, this is said as the real actions do, and declared for `action` if
/// a cache is wanted.
pub(super) fn is_available(action: &str, is_wanted: bool) -> bool {
    let is_there = Service::from_environment().is_some();
    if !is_there {
        toolkit::warning("The runner was not able to contact the cache service. Caching will be skipped");
        if is_wanted {
            toolkit::declare(How::NotRun, &format!("{action} cache"), "the job has no cache service");
        }
    }
    is_there
}

/// Whether the job has a cache service; without one the post step has nothing to say.
pub(super) fn was_available() -> bool {
    Service::from_environment().is_some()
}

/// Brings back what is under the key or, by prefix, under one of the others. Returns the key that was found.
///
/// As the real one: a service that fails means a miss with a warning, not a failed step; a bad key fails it.
pub(super) fn restore(paths: &[String], key: &str, restore_keys: &[String]) -> Result<Option<String>, StandInError> {
    check_keys(key, restore_keys)?;
    let Some(service) = Service::from_environment() else {
        toolkit::declare(How::NotRun, key, "the job has no cache service: neither restored nor saved");
        return Ok(None);
    };
    Ok(fetch(&service, key, restore_keys, paths, false).unwrap_or_else(|error| {
        toolkit::warning(&format!("Failed to restore: {}", error.chain()));
        None
    }))
}

/// As [`restore`]; output, state and log tell what was found. `missing` is the log's line where nothing was.
pub(super) fn restore_and_tell(
    paths: &[String],
    key: &str,
    restore_keys: &[String],
    missing: &str,
) -> Result<Option<String>, StandInError> {
    let matched = restore(paths, key, restore_keys)?;
    toolkit::set_output("cache-hit", if matched.is_some() { "true" } else { "false" })?;
    match &matched {
        Some(matched) => {
            toolkit::save_state(MATCHED_KEY, matched)?;
            toolkit::info(&format!("Cache restored from key: {matched}"));
        }
        None => toolkit::info(missing),
    }
    Ok(matched)
}

/// Saves what the paths name under the key of the main step, unless that is the key that was found.
pub(super) fn save_if_new(paths: &[String], key: &str, matched: &str) -> Result<(), StandInError> {
    if key == matched {
        toolkit::info(&format!("Cache hit occurred on the primary key {key}, not saving cache."));
    } else if save(paths, key)? {
        toolkit::info(&format!("Cache saved with the key: {key}"));
    }
    Ok(())
}

/// Saves what the paths name under the key. `Ok(false)`: it was not saved, and the log says why, or the main step has declared
/// that there is no service.
pub(super) fn save(paths: &[String], key: &str) -> Result<bool, StandInError> {
    check_keys(key, &[])?;
    let Some(service) = Service::from_environment() else { return Ok(false) };
    match store(&service, key, paths, say_sent) {
        Err(StandInError::Action(message)) if message.starts_with("Path Validation Error") => {
            Err(StandInError::Action(message))
        }
        Err(error) => {
            toolkit::warning(&format!("Failed to save: {}", error.chain()));
            Ok(false)
        }
        saved => saved,
    }
}

/// The hash of all files below the workspace that the lines of `patterns` name; empty where there are none.
pub(super) fn hash_files(patterns: &str) -> Result<String, StandInError> {
    let workspace = toolkit::path_variable("GITHUB_WORKSPACE")?;
    let mut hash = Sha256::new();
    let mut is_empty = true;
    for file in matching_files(patterns)? {
        if file.starts_with(&workspace) {
            let content = std::fs::read(&file).map_err(StandInError::file("read", &file))?;
            hash.update(Sha256::digest(content));
            is_empty = false;
        }
    }
    Ok(if is_empty { String::new() } else { hex::encode(hash.finalize()) })
}

/// As [`hash_files`], where it is an error that there are none.
pub(super) fn hash_locks(patterns: &str) -> Result<String, StandInError> {
    let hash = hash_files(patterns)?;
    if hash.is_empty() {
        return Err(StandInError::action("Some specified paths were not resolved, unable to cache dependencies."));
    }
    Ok(hash)
}

/// The first of the lock files that the workspace has.
pub(super) fn find_lock(names: &[&str]) -> Result<String, StandInError> {
    let workspace = toolkit::path_variable("GITHUB_WORKSPACE")?;
    let found = names.iter().map(|it| workspace.join(it)).find(|it| std::fs::symlink_metadata(it).is_ok());
    found.map(|it| it.to_string_lossy().into_owned()).ok_or_else(|| {
        StandInError::action(format!(
            "Dependencies lock file is not found in {}. Supported file patterns: {}",
            workspace.display(),
            names.join(",")
        ))
    })
}

/// The files that the lines of `patterns` name.
pub(super) fn matching_files(patterns: &str) -> Result<Vec<std::path::PathBuf>, StandInError> {
    let folder = std::env::current_dir().map_err(StandInError::file("find", "the working folder"))?;
    let home = toolkit::variable("HOME");
    let places = Places { working_folder: &folder, home: Path::new(&home) };
    let options = Options { reach: &Reach::machine(), follows_links: true, with_hidden: true, with_classes: false };
    Ok(glob::find(patterns, &places, &options)?.files)
}

/// The paths that the main step kept for the post step as a JSON list.
pub(super) fn kept_paths(state: &str) -> Vec<String> {
    serde_json::from_str(&toolkit::state(state)).unwrap_or_default()
}

/// Keeps paths for the post step; there they are [`kept_paths`].
pub(super) fn keep_paths(state: &str, paths: &[String]) -> Result<(), StandInError> {
    toolkit::save_state(state, &serde_json::Value::from(paths).to_string())
}
