//! The cache that the `cache` input asks for: of Maven, Gradle or sbt.
//!
//! Source: `actions/setup-java`, `src/cache.ts`.

use std::path::Path;

use crate::standins::dependency_cache::{self, hash_files};
use crate::standins::error::StandInError;
use crate::standins::tool_cache::architecture;
use crate::standins::toolkit;

const PRIMARY_KEY: &str = "cache-primary-key";
const MATCHED_KEY: &str = "cache-matched-key";

/// What a build tool keeps, and the files that say what that is.
struct Manager {
    paths: Vec<String>,
    patterns: &'static [&'static str],
    /// The tool's own program, in an entry of its own: its name, path and files. From v5 on.
    wrapper: Option<(&'static str, String, &'static [&'static str])>,
}

fn manager(name: &str, action: u32) -> Result<Manager, StandInError> {
    let home = toolkit::variable("HOME");
    let below = |path: &str| format!("{home}/{path}");
    Ok(match name {
        "maven" if action >= 5 => Manager {
            paths: vec![below(".m2/repository")],
            patterns: &["**/pom.xml", "**/.mvn/wrapper/maven-wrapper.properties", "**/.mvn/extensions.xml"],
            wrapper: Some(("maven-wrapper", below(".m2/wrapper/dists"), &["**/.mvn/wrapper/maven-wrapper.properties"])),
        },
        "maven" => Manager { paths: vec![below(".m2/repository")], patterns: &["**/pom.xml"], wrapper: None },
        "gradle" => {
            let (caches, wrapper) = (below(".gradle/caches"), below(".gradle/wrapper"));
            Manager {
                paths: if action >= 5 { vec![caches] } else { vec![caches, wrapper.clone()] },
                patterns: if action == 2 { &GRADLE[..2] } else { GRADLE },
                wrapper: (action >= 5).then_some(("gradle-wrapper", wrapper, &["**/gradle-wrapper.properties"])),
            }
        }
        "sbt" if action >= 3 => Manager {
            paths: vec![
                below(".ivy2/cache"),
                below(".sbt"),
                below(".cache/coursier"),
                format!("!{}", below(".sbt/*.lock")),
                format!("!{}", below("**/ivydata-*.properties")),
            ],
            patterns: &["**/*.sbt", "**/project/build.properties", "**/project/**.scala", "**/project/**.sbt"],
            wrapper: None,
        },
        other => return Err(StandInError::action(format!("unknown package manager specified: {other}"))),
    })
}

const GRADLE: &[&str] = &[
    "**/*.gradle*",
    "**/gradle-wrapper.properties",
    "buildSrc/**/Versions.kt",
    "buildSrc/**/Dependencies.kt",
    "gradle/*.versions.toml",
    "**/versions.properties",
];

fn key_of(name: &str, hash: &str, action: u32) -> String {
    let processor = if action >= 4 { format!("-{}", architecture()) } else { String::new() };
    format!("setup-java-{}{processor}-{name}-{hash}", toolkit::variable("RUNNER_OS"))
}

/// Restores the cache of a build tool.
pub(super) fn restore(name: &str, action: u32) -> Result<(), StandInError> {
    let manager = manager(name, action)?;
    let given = if action >= 3 { toolkit::input("cache-dependency-path") } else { String::new() };
    let patterns: Vec<&str> = if given.is_empty() { manager.patterns.to_vec() } else { given.split('\n').collect() };
    let hash = hash_files(&patterns.join("\n"))?;
    let key = key_of(name, &hash, action);
    if action == 2 || !hash.is_empty() {
        toolkit::save_state(PRIMARY_KEY, &key)?;
    }
    if hash.is_empty() {
        let here = std::env::current_dir().unwrap_or_default();
        return Err(StandInError::action(format!(
            "No file in {} matched to [{}], make sure you have checked out the target repository",
            here.display(),
            patterns.join(",")
        )));
    }
    if action >= 5 {
        toolkit::set_output(PRIMARY_KEY, &key)?;
    }
    let restore_keys =
        if action == 2 { vec![format!("setup-java-{}-{name}", toolkit::variable("RUNNER_OS"))] } else { Vec::new() };
    let matched = dependency_cache::restore(&manager.paths, &key, &restore_keys)?;
    if action >= 3 {
        toolkit::set_output("cache-hit", if matched.as_ref() == Some(&key) { "true" } else { "false" })?;
    }
    match matched {
        Some(matched) => {
            toolkit::save_state(MATCHED_KEY, &matched)?;
            toolkit::info(&format!("Cache restored from key: {matched}"));
        }
        None => toolkit::info(&format!("{name} cache is not found")),
    }
    let Some((name, path, files)) = manager.wrapper else { return Ok(()) };
    let hash = hash_files(&files.join("\n"))?;
    if hash.is_empty() {
        return Ok(());
    }
    let key = key_of(name, &hash, action);
    toolkit::save_state(&format!("{PRIMARY_KEY}-{name}"), &key)?;
    if let Some(matched) = dependency_cache::restore(&[path], &key, &[])? {
        toolkit::save_state(&format!("{MATCHED_KEY}-{name}"), &matched)?;
        toolkit::info(&format!("{name} cache restored from key: {matched}"));
    }
    Ok(())
}

/// Saves in the post step what the main step wanted kept, if the job has not failed.
pub(super) fn save(action: u32) -> Result<(), StandInError> {
    let name = toolkit::input("cache");
    if name.is_empty() || toolkit::input("job-status") != "success" {
        return Ok(());
    }
    let manager = manager(&name, action)?;
    if let Some((name, path, _)) = &manager.wrapper {
        save_wrapper(name, path)?;
    }
    let key = toolkit::state(PRIMARY_KEY);
    if key.is_empty() {
        toolkit::warning("Error retrieving key from state.");
        return Ok(());
    }
    dependency_cache::save_if_new(&manager.paths, &key, &toolkit::state(MATCHED_KEY))
}

fn save_wrapper(name: &str, path: &str) -> Result<(), StandInError> {
    let key = toolkit::state(&format!("{PRIMARY_KEY}-{name}"));
    if key.is_empty() {
        return Ok(());
    }
    if key == toolkit::state(&format!("{MATCHED_KEY}-{name}")) {
        toolkit::info(&format!("Cache hit occurred on the {name} primary key {key}, not saving cache."));
    } else if Path::new(path).exists() && dependency_cache::save(&[path.to_owned()], &key)? {
        toolkit::info(&format!("{name} cache saved with the key: {key}"));
    }
    Ok(())
}
