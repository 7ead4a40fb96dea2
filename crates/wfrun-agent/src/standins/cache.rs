//! Stand-in for `actions/cache`, `actions/cache/restore` and `actions/cache/save`.
//!
//! It speaks the cache service's own protocol (version 2), so entries made by it and by the real action are the same.

mod archive;
pub(super) mod entry;
mod paths;
pub(super) mod service;

use super::error::StandInError;
use super::toolkit::{self, How};
use super::{Invocation, Phase, Version};
use entry::{check_keys, is_exact};
use service::Service;

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
/// Differs: where `cache-mode` forbids it, the stand-in of `actions/cache` asks the service all the same and logs its refusal;
/// versions since July 2026 say in one line that they do not ask.
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
    let matched = entry::fetch(&service, &key, &restore_keys, &patterns, lookup_only).unwrap_or_else(|error| {
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
    if !entry::store(&service, &key, &patterns, |size, milliseconds| say_sent(version, size, milliseconds))? {
        return Ok(false);
    }
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

/// Up to v2 the log tells the size, from then on the speed.
fn say_sent(version: Version, size: u64, milliseconds: u128) {
    if version.major < 3 { entry::say_size(size) } else { entry::say_sent(size, milliseconds) }
}

/// The real action marks its warnings so in the log; they are no annotations.
fn warn_in_log(message: &str) {
    toolkit::info(&format!("[warning]{message}"));
}
