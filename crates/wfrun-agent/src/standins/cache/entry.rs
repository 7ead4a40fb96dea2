//! Entries of the cache: what is packed, sent, fetched and unpacked.

use std::io::{Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::Instant;

use super::service::{Service, version_of};
use super::{archive, paths};
use crate::standins::error::StandInError;
use crate::standins::toolkit;

/// Brings back what is under the key or, by prefix, under one of the restore keys; returns the key that was found.
pub(in crate::standins) fn fetch(
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
    let mut file = toolkit::scratch_file()?;
    service.download(&hit.url, &mut file)?;
    let size = file.stream_position().map_err(StandInError::file("read", "the downloaded cache"))?;
    file.seek(SeekFrom::Start(0)).map_err(StandInError::file("read", "the downloaded cache"))?;
    say_size(size);
    archive::unpack(&file, &workspace()?)?;
    toolkit::info("Cache restored successfully");
    Ok(Some(hit.key))
}

/// Packs what the patterns name and saves it under the key. `Ok(false)`: the key is taken, and the log says so.
///
/// `sent` is told the archive's size in bytes, and how many milliseconds the upload took.
pub(in crate::standins) fn store(
    service: &Service,
    key: &str,
    patterns: &[String],
    sent: impl FnOnce(u64, u128),
) -> Result<bool, StandInError> {
    let workspace = workspace()?;
    let found = paths::resolve(patterns, &workspace, &home());
    if found.is_empty() {
        return Err(StandInError::action(
            "Path Validation Error: Path(s) specified in the action for caching do(es) not exist, hence no cache is \
             being saved.",
        ));
    }
    let entry_version = version_of(patterns);
    let Some(url) = service.reserve(key, &entry_version)? else {
        toolkit::info(&format!(
            "Failed to save: Unable to reserve cache with key {key}, another job may be creating this cache."
        ));
        return Ok(false);
    };
    let mut file = toolkit::scratch_file()?;
    archive::pack(&found, &workspace, &mut file)?;
    let size = file.stream_position().map_err(StandInError::file("read", "the packed cache"))?;
    file.seek(SeekFrom::Start(0)).map_err(StandInError::file("read", "the packed cache"))?;
    let started = Instant::now();
    service.upload(&url, &file, size)?;
    sent(size, started.elapsed().as_millis());
    service.finalize(key, &entry_version, size)?;
    Ok(true)
}

/// The rules for keys, before the service is asked.
pub(in crate::standins) fn check_keys(key: &str, restore_keys: &[String]) -> Result<(), StandInError> {
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

/// Whether the key that was found is the one asked for.
pub(in crate::standins) fn is_exact(key: &str, matched: &str) -> bool {
    !matched.is_empty() && key.to_lowercase() == matched.to_lowercase()
}

/// Tells the log how large an archive is.
pub(in crate::standins) fn say_size(size: u64) {
    let megabytes = (size + 512 * 1024) / (1024 * 1024);
    toolkit::info(&format!("Cache Size: ~{megabytes} MB ({size} B)"));
}

/// Tells the log how fast an archive was sent.
pub(in crate::standins) fn say_sent(size: u64, milliseconds: u128) {
    // In tenths of a megabyte a second.
    let tenths = u128::from(size) * 10_000 / milliseconds.max(1) / (1024 * 1024);
    toolkit::info(&format!("Sent {size} of {size} (100.0%), {}.{} MBs/sec", tenths / 10, tenths % 10));
}

fn workspace() -> Result<PathBuf, StandInError> {
    toolkit::path_variable("GITHUB_WORKSPACE")
}

fn home() -> PathBuf {
    PathBuf::from(toolkit::variable("HOME"))
}
