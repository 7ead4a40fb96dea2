//! Archives of artifacts: made while they are sent, unpacked from a file.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::standins::error::StandInError;

const COPY_BUFFER: usize = 256 * 1024;

/// Of the input `compression-level`.
pub(super) const DEFAULT_LEVEL: i64 = 6;

/// Beyond this a file's size may not fit into 32 bits once it is compressed.
const LARGE: u64 = 0xff00_0000;

/// Writes an archive of files, each with its name in it, to `sink`, which it gives back. Links are followed.
///
/// `level` is zlib's; 0 stores, and so does 6, which is what nobody asked for: the archive stays on this machine, where making
/// it smaller takes much longer than writing it.
///
/// Differs: `compression-level: 6` of `actions/upload-artifact`, the default, compresses nothing in the stand-in, so that the artifact's size is another.
pub(super) fn pack<W: Write>(files: &[(PathBuf, String)], level: i64, sink: W) -> Result<W, StandInError> {
    let mut archive = ZipWriter::new_stream(sink);
    let mut buffer = vec![0; COPY_BUFFER];
    for (path, name) in files {
        let read = |err| StandInError::file("read", path)(err);
        let mut file = File::open(path).map_err(read)?;
        let facts = file.metadata().map_err(read)?;
        let is_stored = matches!(level, 0 | DEFAULT_LEVEL);
        let method = if is_stored { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let mut options = SimpleFileOptions::default()
            .compression_method(method)
            .unix_permissions(facts.permissions().mode() & 0o7777)
            .large_file(facts.len() >= LARGE);
        if !is_stored {
            options = options.compression_level(Some(level));
        }
        if let Some(time) = facts.modified().ok().and_then(time_of) {
            options = options.last_modified_time(time);
        }
        archive.start_file(name.as_str(), options).map_err(sending)?;
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
                Err(err) => return Err(read(err)),
            };
            archive.write_all(&buffer[..count]).map_err(sending)?;
        }
    }
    Ok(archive.finish().map_err(sending)?.into_inner())
}

/// A failure of the service comes through the archive as one of writing.
fn sending(err: impl Into<ZipError>) -> StandInError {
    let failed = |why: String| {
        StandInError::action(format!("An error has occurred during zip creation for the artifact: {why}"))
    };
    let err = err.into();
    let ZipError::Io(err) = err else { return failed(err.to_string()) };
    err.downcast().unwrap_or_else(|err| failed(err.to_string()))
}

/// In UTC, as GitHub's client writes it; a zip file knows the years 1980 to 2107.
fn time_of(time: std::time::SystemTime) -> Option<DateTime> {
    let time = jiff::Timestamp::try_from(time).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).ok();
    DateTime::from_date_and_time(
        u16::try_from(time.year()).ok()?,
        part(time.month())?,
        part(time.day())?,
        part(time.hour())?,
        part(time.minute())?,
        part(time.second())?,
    )
    .ok()
}

/// Unpacks an archive below `folder`. Files that are there are overwritten, and none keeps its permissions.
///
/// Differs: an archive with a path that leads out of the folder fails the stand-in of `actions/download-artifact`; the real one writes there.
pub(super) fn unpack(archive: impl Read + Seek, folder: &Path) -> Result<(), StandInError> {
    let broken = |err: &dyn std::fmt::Display| StandInError::action(format!("invalid archive: {err}"));
    let archive = BufReader::with_capacity(COPY_BUFFER, archive);
    let mut archive = ZipArchive::new(archive).map_err(|err| broken(&err))?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|err| broken(&err))?;
        let Some(relative) = entry.enclosed_name() else {
            return Err(broken(&format!("its entry {index} leads out of the folder")));
        };
        let target = folder.join(relative);
        let parent = if entry.is_dir() { Some(target.as_path()) } else { target.parent() };
        if let Some(parent) = parent {
            fs::create_dir_all(parent).map_err(StandInError::file("create", parent))?;
        }
        if entry.is_dir() {
            continue;
        }
        let file = File::create(&target).map_err(StandInError::file("write", &target))?;
        // Parts as large as the buffer are copied; without it they are small.
        let mut file = BufWriter::with_capacity(COPY_BUFFER, file);
        let copied = io::copy(&mut entry, &mut file).and_then(|_| file.flush());
        copied.map_err(StandInError::file("write", &target))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn archive(files: &[(&str, &str)], level: i64) -> Vec<u8> {
        let dir = tempfile::tempdir().expect("a folder");
        let files: Vec<(PathBuf, String)> = files
            .iter()
            .enumerate()
            .map(|(index, (name, text))| {
                let path = dir.path().join(index.to_string());
                fs::write(&path, text).expect("a file");
                (path, (*name).to_owned())
            })
            .collect();
        pack(&files, level, Vec::new()).expect("an archive")
    }

    #[test]
    fn what_is_packed_comes_back() {
        let text = "the same line\n".repeat(1000);
        for level in [0, 1, 6, 9] {
            let bytes = archive(&[("a.txt", &text), ("d/ü.txt", "x"), ("empty", "")], level);
            assert_eq!(bytes.len() < text.len(), matches!(level, 1 | 9), "level {level}: {}", bytes.len());
            let dir = tempfile::tempdir().expect("a folder");
            unpack(Cursor::new(bytes), dir.path()).expect("a whole archive");
            let read = |name: &str| fs::read_to_string(dir.path().join(name)).expect("a file");
            assert_eq!((read("a.txt"), read("d/ü.txt"), read("empty")), (text.clone(), "x".to_owned(), String::new()));
        }
    }

    /// Refuses all, as a service does that takes no upload.
    struct Refusing;

    impl Write for Refusing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other(StandInError::action("the service's own words")))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_the_service_says_comes_through() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        fs::write(&path, "a").expect("a file");
        let refused = pack(&[(path, "a".to_owned())], 6, Refusing).map(drop).expect_err("is refused");
        assert_eq!(refused.chain(), "the service's own words");
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        let inside = dir.path().join("in");
        for name in ["../out", "a/../../out"] {
            assert!(unpack(Cursor::new(archive(&[(name, "x")], 6)), &inside).is_err(), "{name}");
        }
        assert!(!dir.path().join("out").exists());
        assert!(unpack(Cursor::new(b"PK no archive".to_vec()), &inside).is_err());
    }
}
