//! The events of streams: files that grow, one event a line.
//!
//! A write that was cut off leaves half a line, which nobody reads and which the next write closes. A file that has become too large
//! loses its older half.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::account::lock;

/// A stream's file is not longer than this for long; its newer half is kept then.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// An event of a stream.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Event {
    /// Milliseconds since 1970.
    #[serde(rename = "t")]
    pub(super) at_ms: u64,
    /// When it came in.
    #[serde(rename = "i")]
    pub(super) ingested_at_ms: u64,
    /// Counts up in its stream.
    #[serde(rename = "n")]
    pub(super) number: u64,
    #[serde(rename = "m")]
    pub(super) message: String,
}

impl Event {
    /// The event's id, and its place in its stream: 56 digits, as AWS gives them.
    pub(super) fn id(&self) -> String {
        id(self.at_ms, self.number)
    }
}

/// The id of an event.
pub(super) fn id(at_ms: u64, number: u64) -> String {
    format!("{at_ms:020}{number:036}")
}

/// A stream, as the files know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamName<'a> {
    pub(crate) region: &'a str,
    pub(crate) group: &'a str,
    pub(crate) stream: &'a str,
}

/// The folder of all events.
#[derive(Debug)]
pub(crate) struct EventStore {
    folder: PathBuf,
    most_bytes: u64,
    /// The next number of each stream that was written to. Its lock is held while a file is written or read.
    next: Mutex<HashMap<PathBuf, u64>>,
}

impl EventStore {
    /// The store below an account's folder. Nothing is made before the first event.
    pub(crate) fn new(state_dir: &Path) -> Self {
        Self { folder: state_dir.join("logs"), most_bytes: MOST_BYTES, next: Mutex::default() }
    }

    /// Appends events: time and message of each.
    pub(super) fn append<'e>(
        &self,
        name: StreamName<'_>,
        ingested_at_ms: u64,
        events: impl IntoIterator<Item = (u64, &'e str)>,
    ) -> io::Result<()> {
        let path = self.path(name);
        let mut numbers = lock(&self.next);
        let mut number = match numbers.get(&path) {
            Some(number) => *number,
            None => read(&path)?.last().map_or(0, |last| last.number + 1),
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::options().create(true).append(true).read(true).open(&path)?;
        let mut text = if ends_a_line(&mut file)? { Vec::new() } else { vec![b'\n'] };
        for (at_ms, message) in events {
            let event = Event { at_ms, ingested_at_ms, number, message: message.to_owned() };
            serde_json::to_writer(&mut text, &event)?;
            text.push(b'\n');
            number += 1;
        }
        file.write_all(&text)?;
        let length = file.metadata()?.len();
        numbers.insert(path.clone(), number);
        if length > self.most_bytes { shorten(&path, self.most_bytes / 2) } else { Ok(()) }
    }

    /// All events of a stream, by time; those of the same time as they came in.
    pub(super) fn events(&self, name: StreamName<'_>) -> io::Result<Vec<Event>> {
        let _writing = lock(&self.next);
        let mut events = read(&self.path(name))?;
        events.sort_by_key(|event| (event.at_ms, event.number));
        Ok(events)
    }

    pub(super) fn delete_stream(&self, name: StreamName<'_>) -> io::Result<()> {
        let path = self.path(name);
        lock(&self.next).remove(&path);
        absent_is_gone(fs::remove_file(path))
    }

    pub(super) fn delete_group(&self, region: &str, group: &str) -> io::Result<()> {
        let folder = self.group(region, group);
        lock(&self.next).retain(|path, _| !path.starts_with(&folder));
        absent_is_gone(fs::remove_dir_all(folder))
    }

    fn path(&self, name: StreamName<'_>) -> PathBuf {
        self.group(name.region, name.group).join(format!("{}.ndjson", file_name(name.stream)))
    }

    fn group(&self, region: &str, group: &str) -> PathBuf {
        self.folder.join(file_name(region)).join(file_name(group))
    }
}

/// A name that is safe in a path, whatever the client has sent: what is plain in it, and a digest that tells it from others.
fn file_name(name: &str) -> String {
    let plain = |char: char| if char.is_ascii_alphanumeric() || char == '-' { char } else { '_' };
    let shown: String = name.chars().map(plain).take(60).collect();
    let digest = hex::encode(Sha256::digest(name));
    format!("{shown}.{}", digest.get(..24).unwrap_or(&digest))
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn read(path: &Path) -> io::Result<Vec<Event>> {
    let file = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(err),
    };
    let mut events = Vec::new();
    for line in file.split(b'\n') {
        // Half a line is what a kill leaves.
        events.extend(serde_json::from_slice(&line?).ok());
    }
    Ok(events)
}

/// Keeps the last lines of a file, `kept` bytes at most, and replaces it in one step.
fn shorten(path: &Path, kept: u64) -> io::Result<()> {
    let text = fs::read(path)?;
    let from = text.len().saturating_sub(usize::try_from(kept).unwrap_or(usize::MAX));
    let start = text[from..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| from + at + 1);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(&text[start..])?;
    beside.persist(path).map_err(|err| err.error)?;
    Ok(())
}

fn absent_is_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(err) if err.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
