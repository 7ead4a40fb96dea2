//! The cache that the `cache` input asks for: of npm, yarn or pnpm.
//!
//! Source: `actions/setup-node`, `src/cache-utils.ts`, `src/cache-restore.ts`, `src/cache-save.ts`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::standins::dependency_cache::{self, MATCHED_KEY, PRIMARY_KEY, find_lock, hash_locks, matching_files};
use crate::standins::error::StandInError;
use crate::standins::search_path::SearchPath;
use crate::standins::tool_cache::architecture;
use crate::standins::toolkit;

const MANAGER: &str = "SETUP_NODE_CACHE_PACKAGE_MANAGER";
const PATHS: &str = "CACHE_PATHS";

/// The package manager that `package.json` names; from v6 on only npm counts.
pub(super) fn named_in_package(action: u32) -> Option<&'static str> {
    let file = toolkit::path_variable("GITHUB_WORKSPACE").ok()?.join("package.json");
    let package: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    manager_in(&package, action)
}

fn manager_in(package: &Value, action: u32) -> Option<&'static str> {
    let names = |text: &str, name: &str| {
        let rest = text.strip_prefix('^').unwrap_or(text).strip_prefix(name);
        rest.is_some_and(|it| it.starts_with('@') || (it.is_empty() && action >= 6))
    };
    let field = package["packageManager"].as_str();
    if action < 6 {
        return ["npm", "yarn", "pnpm"].into_iter().find(|name| field.is_some_and(|it| names(it, name)));
    }
    let engines = &package["devEngines"]["packageManager"];
    let all = engines.as_array().map_or(std::slice::from_ref(engines), Vec::as_slice);
    let mut named = all.iter().filter_map(|it| it["name"].as_str()).chain(field);
    named.any(|it| names(it, "npm")).then_some("npm")
}

/// Restores the cache of a package manager.
pub(super) fn restore(manager: &str, action: u32, path: &SearchPath) -> Result<(), StandInError> {
    if action >= 3 {
        toolkit::save_state(MANAGER, manager)?;
    }
    let Some(locks) = lock_files(manager, action) else {
        return Err(StandInError::action(format!("Caching for '{manager}' is not supported")));
    };
    let given = toolkit::input("cache-dependency-path");
    let projects = if manager == "yarn" && !given.is_empty() && action >= 3 { projects(&given)? } else { vec![None] };
    let folders = folders(manager, &projects, action, path)?;
    if action >= 3 {
        dependency_cache::keep_paths(PATHS, &folders)?;
    }
    let lock = if given.is_empty() { find_lock(locks)? } else { given };
    let hash = hash_locks(&lock)?;
    let prefix = match action {
        ..=3 => format!("node-cache-{}-{manager}", toolkit::variable("RUNNER_OS")),
        _ => format!("node-cache-{}-{}-{manager}", toolkit::variable("RUNNER_OS"), architecture()),
    };
    let key = format!("{prefix}-{hash}");
    toolkit::save_state(PRIMARY_KEY, &key)?;
    if action >= 7 {
        toolkit::set_output("cache-primary-key", &key)?;
    }
    let mut restore_keys = Vec::new();
    if manager == "yarn" && action >= 3 && are_managed_locally(&projects, path)? {
        toolkit::info("All dependencies are managed locally by yarn3, the previous cache can be used");
        restore_keys.push(prefix);
    }
    let missing = format!("{manager} cache is not found");
    let matched = dependency_cache::restore_and_tell(&folders, &key, &restore_keys, &missing)?;
    if action >= 7 {
        toolkit::set_output("cache-matched-key", &matched.unwrap_or_default())?;
    }
    Ok(())
}

/// Saves in the post step what the main step wanted kept.
pub(super) fn save(action: u32) -> Result<(), StandInError> {
    let manager = if action >= 3 { toolkit::state(MANAGER) } else { toolkit::input("cache") };
    if lock_files(&manager, action).is_none() || !dependency_cache::was_available() {
        return Ok(());
    }
    let folders = if action >= 3 {
        dependency_cache::kept_paths(PATHS)
    } else {
        folders(&manager, &[None], action, &SearchPath::of_the_step())?
    };
    if folders.is_empty() {
        return Err(StandInError::action(format!(
            "Cache folder paths are not retrieved for {manager} with cache-dependency-path = {}",
            toolkit::input("cache-dependency-path")
        )));
    }
    if let Some(folder) = folders.first().filter(|it| action == 2 && !Path::new(it).exists()) {
        return Err(StandInError::action(format!(
            "Cache folder path is retrieved for {manager} but doesn't exist on disk: {folder}"
        )));
    }
    dependency_cache::save_if_new(&folders, &toolkit::state(PRIMARY_KEY), &toolkit::state(MATCHED_KEY))
}

fn lock_files(manager: &str, action: u32) -> Option<&'static [&'static str]> {
    match manager {
        "npm" if action == 2 => Some(&["package-lock.json", "yarn.lock"]),
        "npm" => Some(&["package-lock.json", "npm-shrinkwrap.json", "yarn.lock"]),
        "pnpm" => Some(&["pnpm-lock.yaml"]),
        "yarn" => Some(&["yarn.lock"]),
        _ => None,
    }
}

/// The folders of the projects whose files the patterns name.
fn projects(patterns: &str) -> Result<Vec<Option<PathBuf>>, StandInError> {
    let mut found: Vec<Option<PathBuf>> = Vec::new();
    for file in matching_files(patterns)? {
        let folder = file.parent().and_then(|it| fs::canonicalize(it).ok());
        if folder.is_some() && !found.contains(&folder) {
            found.push(folder);
        }
    }
    if found.is_empty() {
        toolkit::warning(&format!("No existing directories found containing cache-dependency-path=\"{patterns}\""));
    }
    Ok(found)
}

/// Where the package manager keeps what it fetches, for each of the projects.
fn folders(
    manager: &str,
    projects: &[Option<PathBuf>],
    action: u32,
    path: &SearchPath,
) -> Result<Vec<String>, StandInError> {
    let mut found: Vec<String> = Vec::new();
    for project in projects {
        let project = project.as_deref();
        let folder = match manager {
            "npm" => path.ask(&["npm", "config", "get", "cache"], None)?,
            "pnpm" if action == 2 => path.ask(&["pnpm", "store", "path"], None)?,
            "pnpm" => path.ask(&["pnpm", "store", "path", "--silent"], None)?,
            _ => match path.ask(&["yarn", "--version"], project)? {
                version if version.starts_with("1.") => path.ask(&["yarn", "cache", "dir"], project)?,
                _ => path.ask(&["yarn", "config", "get", "cacheFolder"], project)?,
            },
        };
        if folder.is_empty() {
            return Err(StandInError::action(format!("Could not get {manager} cache folder path")));
        }
        if !found.contains(&folder) {
            found.push(folder);
        }
    }
    Ok(found)
}

/// Whether yarn keeps the dependencies of all projects in a cache of theirs that is not in the repository.
fn are_managed_locally(projects: &[Option<PathBuf>], path: &SearchPath) -> Result<bool, StandInError> {
    let workspace = toolkit::path_variable("GITHUB_WORKSPACE")?;
    let mut are_all = true;
    for project in projects {
        let folder = project.as_deref().unwrap_or(&workspace);
        let is_kept = folder.join(".yarn/cache").is_dir();
        are_all &=
            !is_kept && path.ask(&["yarn", "config", "get", "enableGlobalCache"], Some(folder))?.contains("false");
    }
    Ok(are_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_package_manager() {
        let cases = [
            (5, r#"{"packageManager":"yarn@4.1.0"}"#, "yarn"),
            (5, r#"{"packageManager":"^pnpm@9"}"#, "pnpm"),
            (5, r#"{"packageManager":"npm"}"#, ""),
            (5, r#"{"devEngines":{"packageManager":{"name":"npm"}}}"#, ""),
            (6, r#"{"packageManager":"yarn@4.1.0"}"#, ""),
            (6, r#"{"packageManager":"npm"}"#, "npm"),
            (6, r#"{"packageManager":"npmx@1"}"#, ""),
            (6, r#"{"devEngines":{"packageManager":[{"name":"pnpm"},{"name":"npm"}]}}"#, "npm"),
            (6, r#"{"name":"x"}"#, ""),
        ];
        for (action, package, expected) in cases {
            let package = serde_json::from_str(package).expect("is JSON");
            assert_eq!(manager_in(&package, action).unwrap_or_default(), expected, "v{action}: {package}");
        }
    }
}
