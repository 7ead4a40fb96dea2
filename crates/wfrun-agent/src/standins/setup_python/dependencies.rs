//! The cache that the `cache` input asks for: of pip, pipenv or poetry.
//!
//! Source: `actions/setup-python`, `src/cache-distributions/` and `src/cache-save.ts`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::standins::dependency_cache::{self, hash_files, matching_files};
use crate::standins::error::StandInError;
use crate::standins::search_path::SearchPath;
use crate::standins::tool_cache::architecture;
use crate::standins::toolkit;

const PATHS: &str = "cache-paths";
const PRIMARY_KEY: &str = "cache-primary-key";
const MATCHED_KEY: &str = "cache-matched-key";

/// Restores the cache of a package manager for this version of Python.
pub(super) fn restore(manager: &str, python: &str, action: u32, path: &SearchPath) -> Result<(), StandInError> {
    let given = toolkit::input("cache-dependency-path");
    let default = match manager {
        "pip" => "**/requirements.txt",
        "pipenv" => "**/Pipfile.lock",
        "poetry" => "**/poetry.lock",
        other => return Err(StandInError::action(format!("Caching for '{other}' is not supported"))),
    };
    let patterns = if given.is_empty() { default } else { given.as_str() };
    let key = Key { manager, python, action };
    let mut hash = hash_files(patterns)?;
    if hash.is_empty() && manager == "pip" {
        hash = hash_files("**/pyproject.toml")?;
    }
    if hash.is_empty() {
        let also = if manager == "pip" { " or **/pyproject.toml" } else { "" };
        let here = std::env::current_dir().unwrap_or_default();
        return Err(StandInError::action(format!(
            "No file in {} matched to [{}{also}], make sure you have checked out the target repository",
            here.display(),
            patterns.split('\n').collect::<Vec<_>>().join(","),
        )));
    }
    let primary = format!("{}-{hash}", key.prefix()?);
    let restore_keys = if manager == "pip" { vec![key.prefix()?] } else { Vec::new() };
    let (folders, projects) = folders(manager, patterns, path)?;
    dependency_cache::keep_paths(PATHS, &folders)?;
    let matched = match dependency_cache::restore(&folders, &primary, &restore_keys) {
        Ok(matched) => matched,
        Err(error) => {
            toolkit::info(&format!("[warning]{}", error.chain()));
            return toolkit::set_output("cache-hit", "false");
        }
    };
    toolkit::save_state(PRIMARY_KEY, &primary)?;
    use_python(&projects, path);
    match &matched {
        Some(matched) => {
            toolkit::save_state(MATCHED_KEY, matched)?;
            toolkit::info(&format!("Cache restored from key: {matched}"));
        }
        None => toolkit::info(&format!("{manager} cache is not found")),
    }
    toolkit::set_output("cache-hit", if matched.as_ref() == Some(&primary) { "true" } else { "false" })
}

/// Saves in the post step what the main step wanted kept.
pub(super) fn save() -> Result<(), StandInError> {
    let manager = toolkit::input("cache");
    if manager.is_empty() || !dependency_cache::was_available() {
        return Ok(());
    }
    let folders = dependency_cache::kept_paths(PATHS);
    if toolkit::state(PATHS).is_empty() {
        toolkit::warning(
            "Cache paths are empty. Please check the previous logs and make sure that the python version is specified",
        );
        return Ok(());
    }
    if !folders.iter().any(|it| Path::new(it).exists()) {
        return Err(StandInError::action(format!(
            "Cache folder path is retrieved for {manager} but doesn't exist on disk: {}. This likely indicates that there are \
             no dependencies to cache. Consider removing the cache step if it is not needed.",
            folders.join(", ")
        )));
    }
    let (primary, matched) = (toolkit::state(PRIMARY_KEY), toolkit::state(MATCHED_KEY));
    if primary.is_empty() {
        toolkit::warning("Error retrieving key from state.");
    } else if let Err(error) = dependency_cache::save_if_new(&folders, &primary, &matched) {
        toolkit::info(&format!("[warning]{}", error.chain()));
    }
    Ok(())
}

struct Key<'a> {
    manager: &'a str,
    python: &'a str,
    action: u32,
}

impl Key<'_> {
    fn prefix(&self) -> Result<String, StandInError> {
        // Up to v5 only what pip builds for is told apart by the system.
        let system = if self.manager == "pip" || self.action >= 6 { system()? } else { String::new() };
        let (os, processor) = (toolkit::variable("RUNNER_OS"), architecture());
        let version = if self.manager == "poetry" { "-v2" } else { "" };
        Ok(format!("setup-python-{os}-{processor}{system}-python-{}-{}{version}", self.python, self.manager))
    }
}

/// `-24.04-Ubuntu`, as `lsb_release` has it, or else `/etc/os-release`.
fn system() -> Result<String, StandInError> {
    let path = SearchPath::of_the_step();
    if let Some(program) = path.find("lsb_release") {
        let told = super::program::stdout(path.command(&program).args(["-i", "-r", "-s"]), None, "it is there")?;
        let mut lines = told.trim().lines();
        let (name, version) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        return Ok(format!("-{version}-{name}"));
    }
    let file = "/etc/os-release";
    let text = std::fs::read_to_string(file).map_err(StandInError::file("read", file))?;
    let value = |name: &str| {
        let found = text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
        found.map(|it| it.trim().replace('"', ""))
    };
    let (name, version) = (value("ID").unwrap_or_else(|| "Linux".to_owned()), value("VERSION_ID").unwrap_or_default());
    Ok(format!("-{version}-{name}"))
}

/// What is kept, and for poetry the folders of its projects.
fn folders(manager: &str, patterns: &str, path: &SearchPath) -> Result<(Vec<String>, Vec<PathBuf>), StandInError> {
    let home = toolkit::variable("HOME");
    match manager {
        "pip" => {
            let asked = path.run(&["pip", "cache", "dir"], None)?;
            if !asked.status.success() {
                return Err(StandInError::action("Could not get cache folder path for pip package manager"));
            }
            Ok((vec![String::from_utf8_lossy(&asked.stdout).trim().to_owned()], Vec::new()))
        }
        "pipenv" => Ok((vec![format!("{home}/.local/share/virtualenvs")], Vec::new())),
        _ => {
            let mut found = Vec::new();
            let mut projects: Vec<PathBuf> = Vec::new();
            for project in matching_files(patterns)?.iter().filter_map(|it| it.parent()) {
                if !projects.iter().any(|it| it == project) {
                    projects.push(project.to_owned());
                }
                for folder in of_poetry(project, path)? {
                    if !found.contains(&folder) {
                        found.push(folder);
                    }
                }
            }
            Ok((found, projects))
        }
    }
}

fn of_poetry(project: &Path, path: &SearchPath) -> Result<Vec<String>, StandInError> {
    let asked = path.run(&["poetry", "config", "--list"], Some(project))?;
    if !asked.status.success() {
        return Err(StandInError::action("Could not get cache folder path for poetry package manager"));
    }
    let told = String::from_utf8_lossy(&asked.stdout).into_owned();
    let value = |key: &str| -> Value {
        let line =
            told.lines().find_map(|it| it.split('#').next()?.split_once('=').filter(|(name, _)| name.trim() == key));
        line.and_then(|(_, value)| serde_json::from_str(value.trim()).ok()).unwrap_or_default()
    };
    let text = |key: &str| value(key).as_str().unwrap_or_default().to_owned();
    let mut found = vec![text("virtualenvs.path").replace("{cache-dir}", &text("cache-dir"))];
    if value("virtualenvs.in-project") == Value::Bool(true) {
        found.push(project.join(".venv").to_string_lossy().into_owned());
    }
    Ok(found)
}

/// Has poetry's environments use the Python that was set up: a restored one may have been made with another.
fn use_python(projects: &[PathBuf], path: &SearchPath) {
    let Some(python) = path.find("python").filter(|_| !projects.is_empty()) else { return };
    for project in projects {
        match path.run(&["poetry", "env", "use", &python.to_string_lossy()], Some(project)) {
            Ok(output) if output.status.success() => {}
            Ok(output) => toolkit::info(&format!("[warning]{}", String::from_utf8_lossy(&output.stderr))),
            Err(error) => toolkit::info(&format!("[warning]{}", error.chain())),
        }
    }
}
