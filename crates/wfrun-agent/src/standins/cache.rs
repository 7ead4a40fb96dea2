//! Stand-in for `actions/cache`, `actions/cache/restore` and `actions/cache/save`.
//!
//! It speaks the cache service's own protocol (version 2), so entries made by it and by the real action are the same.

mod archive;
mod paths;
mod service;

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::error::StandInError;
use super::toolkit::{self, How};
use super::{Invocation, Phase, Version};
use service::{Service, version_of};

/// Whether main and post step talk to each other, or one of them stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// `actions/cache`: key and match are kept as state for the post step.
    Whole,
    /// `actions/cache/restore`: they become outputs.
    RestoreOnly,
    /// `actions/cache/save`.
    SaveOnly,
}

/// Runs `actions/cache`.
///
/// Source: GitHub: execution rules E9.2, E9.4, and the README of `actions/cache`.
pub(super) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    match invocation.phase {
        Phase::Main => restore(Part::Whole),
        Phase::Post => {
            save(Part::Whole, invocation.version);
            Ok(())
        }
    }
}

/// Runs `actions/cache/restore`.
pub(super) fn run_restore_only(_: &Invocation) -> Result<(), StandInError> {
    restore(Part::RestoreOnly)
}

/// Runs `actions/cache/save`.
#[expect(clippy::unnecessary_wraps, reason = "all stand-ins have one signature; this one never fails its step")]
pub(super) fn run_save_only(invocation: &Invocation) -> Result<(), StandInError> {
    save(Part::SaveOnly, invocation.version);
    Ok(())
}

fn restore(part: Part) -> Result<(), StandInError> {
    let Some(service) = open_service() else {
        return toolkit::set_output("cache-hit", "false");
    };
    if !is_valid_event() {
        return Ok(());
    }
    let key = toolkit::required_input("key")?;
    remember(part, "CACHE_KEY", "cache-primary-key", &key)?;
    let restore_keys = lines("restore-keys");
    let patterns = lines("path");
    if patterns.is_empty() {
        return Err(StandInError::action("Input required and not supplied: path"));
    }
    check_keys(&key, &restore_keys)?;
    let lookup_only = toolkit::loose_boolean_input("lookup-only");
    // As the real action: a service that fails means a miss with a warning, not a failed step.
    let matched = fetch(&service, &key, &restore_keys, &patterns, lookup_only).unwrap_or_else(|error| {
        toolkit::warning(&format!("Failed to restore: {}", error.chain()));
        None
    });
    let Some(matched) = matched else {
        if toolkit::loose_boolean_input("fail-on-cache-miss") {
            return Err(StandInError::action(format!(
                "Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: {key}"
            )));
        }
        let keys: Vec<&str> = std::iter::once(&key).chain(&restore_keys).map(String::as_str).collect();
        toolkit::info(&format!("Cache not found for input keys: {}", keys.join(", ")));
        return Ok(());
    };
    remember(part, "CACHE_RESULT", "cache-matched-key", &matched)?;
    toolkit::set_output("cache-hit", if is_exact(&key, &matched) { "true" } else { "false" })?;
    let verb = if lookup_only { "found and can be restored" } else { "restored" };
    toolkit::info(&format!("Cache {verb} from key: {matched}"));
    Ok(())
}

fn fetch(
    service: &Service,
    key: &str,
    restore_keys: &[String],
    patterns: &[String],
    lookup_only: bool,
) -> Result<Option<String>, StandInError> {
    let Some(hit) = service.look_up(key, restore_keys, &version_of(patterns))? else {
        return Ok(None);
    };
    toolkit::info(&format!("Cache hit for{}: {}", if is_exact(key, &hit.key) { "" } else { " restore-key" }, hit.key));
    if lookup_only {
        return Ok(Some(hit.key));
    }
    let mut file = scratch_file()?;
    service.download(&hit.url, &mut file)?;
    let size = file.stream_position().map_err(StandInError::file("read", "the downloaded cache"))?;
    file.seek(SeekFrom::Start(0)).map_err(StandInError::file("read", "the downloaded cache"))?;
    say_size(size);
    archive::unpack(&file, &workspace()?)?;
    toolkit::info("Cache restored successfully");
    Ok(Some(hit.key))
}

/// Saves and, as the real action, never fails the step.
fn save(part: Part, version: Version) {
    match try_save(part, version) {
        Ok(saved) => {
            if !saved && part == Part::SaveOnly {
                toolkit::warning("Cache save failed.");
            }
        }
        Err(error) => warn_in_log(&error.chain()),
    }
}

/// `Ok(false)`: nothing was saved, and the log says why.
fn try_save(part: Part, version: Version) -> Result<bool, StandInError> {
    let Some(service) = open_service() else { return Ok(true) };
    if !is_valid_event() {
        return Ok(true);
    }
    let kept = if part == Part::Whole { toolkit::state("CACHE_KEY") } else { String::new() };
    let key = if kept.is_empty() { toolkit::input("key") } else { kept };
    if key.is_empty() {
        warn_in_log("Key is not specified.");
        return Ok(true);
    }
    if part == Part::Whole && is_exact(&key, &toolkit::state("CACHE_RESULT")) {
        toolkit::info(&format!("Cache hit occurred on the primary key {key}, not saving cache."));
        return Ok(true);
    }
    let patterns = lines("path");
    check_keys(&key, &[])?;
    let workspace = workspace()?;
    let found = paths::resolve(&patterns, &workspace, &home());
    if found.is_empty() {
        return Err(StandInError::action(
            "Path Validation Error: Path(s) specified in the action for caching do(es) not exist, hence no cache is \
             being saved.",
        ));
    }
    let entry_version = version_of(&patterns);
    let Some(url) = service.reserve(&key, &entry_version)? else {
        toolkit::info(&format!(
            "Failed to save: Unable to reserve cache with key {key}, another job may be creating this cache."
        ));
        return Ok(false);
    };
    let mut file = scratch_file()?;
    archive::pack(&found, &workspace, &mut file)?;
    let size = file.stream_position().map_err(StandInError::file("read", "the packed cache"))?;
    file.seek(SeekFrom::Start(0)).map_err(StandInError::file("read", "the packed cache"))?;
    let started = Instant::now();
    service.upload(&url, &file, size)?;
    say_sent(version, size, started.elapsed().as_millis());
    service.finalize(&key, &entry_version, size)?;
    if version.major < 3 {
        toolkit::info("Cache saved successfully");
    }
    toolkit::info(&format!("Cache saved with key: {key}"));
    Ok(true)
}

fn open_service() -> Option<Service> {
    let service = Service::from_environment();
    if service.is_none() {
        let detail = "the job has no cache service: neither restored nor saved";
        warn_in_log(
            "An internal error has occurred in cache backend. Please check https://www.githubstatus.com/ for any \
             ongoing issue in actions.",
        );
        toolkit::warning(&format!("actions/cache: {detail} (`ACTIONS_RESULTS_URL` is not set)"));
        toolkit::declare(How::NotRun, "actions/cache", detail);
    }
    service
}

fn is_valid_event() -> bool {
    let valid = !toolkit::variable("GITHUB_REF").is_empty();
    if !valid {
        let event = toolkit::variable("GITHUB_EVENT_NAME");
        warn_in_log(&format!(
            "Event Validation Error: The event type {event} is not supported because it's not tied to a branch or tag \
             ref."
        ));
    }
    valid
}

fn check_keys(key: &str, restore_keys: &[String]) -> Result<(), StandInError> {
    if restore_keys.len() + 1 > 10 {
        return Err(StandInError::action("Key Validation Error: Keys are limited to a maximum of 10."));
    }
    for key in std::iter::once(key).chain(restore_keys.iter().map(String::as_str)) {
        if key.chars().count() > 512 {
            return Err(StandInError::action(format!(
                "Key Validation Error: {key} cannot be larger than 512 characters."
            )));
        }
        if key.contains(',') {
            return Err(StandInError::action(format!("Key Validation Error: {key} cannot contain commas.")));
        }
    }
    Ok(())
}

fn remember(part: Part, state: &str, output: &str, value: &str) -> Result<(), StandInError> {
    match part {
        Part::Whole => toolkit::save_state(state, value),
        Part::RestoreOnly | Part::SaveOnly => toolkit::set_output(output, value),
    }
}

/// As the real action reads lists: trimmed, and `! x` is `!x`.
fn lines(input: &str) -> Vec<String> {
    let join = |line: String| match line.strip_prefix('!') {
        Some(rest) => format!("!{}", rest.trim_start()),
        None => line,
    };
    toolkit::input_lines(input).into_iter().map(join).collect()
}

fn is_exact(key: &str, matched: &str) -> bool {
    !matched.is_empty() && key.to_lowercase() == matched.to_lowercase()
}

/// Up to v2 the log tells the size, from then on the speed.
fn say_sent(version: Version, size: u64, milliseconds: u128) {
    if version.major < 3 {
        return say_size(size);
    }
    // In tenths of a megabyte a second.
    let tenths = u128::from(size) * 10_000 / milliseconds.max(1) / (1024 * 1024);
    toolkit::info(&format!("Sent {size} of {size} (100.0%), {}.{} MBs/sec", tenths / 10, tenths % 10));
}

fn say_size(size: u64) {
    let megabytes = (size + 512 * 1024) / (1024 * 1024);
    toolkit::info(&format!("Cache Size: ~{megabytes} MB ({size} B)"));
}

/// The real action marks its warnings so in the log; they are no annotations.
fn warn_in_log(message: &str) {
    toolkit::info(&format!("[warning]{message}"));
}

fn workspace() -> Result<PathBuf, StandInError> {
    toolkit::path_variable("GITHUB_WORKSPACE")
}

fn home() -> PathBuf {
    PathBuf::from(toolkit::variable("HOME"))
}

/// A file without a name in the step's temporary folder: it is gone when the program ends, however it ends.
fn scratch_file() -> Result<File, StandInError> {
    let folder = toolkit::path_variable("RUNNER_TEMP").unwrap_or_else(|_| std::env::temp_dir());
    tempfile::tempfile_in(Path::new(&folder)).map_err(StandInError::file("create a file in", folder))
}
