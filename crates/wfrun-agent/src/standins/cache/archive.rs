//! The archive of a cache: tar, compressed with zstd, paths relative to the workspace.
//!
//! Modes, links, empty folders and modification times to the nanosecond come back as they were. Owners do not: what is
//! unpacked belongs to who unpacks it, as with `tar` on a hosted runner.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use tar::{Archive, Builder, EntryType, Header};

use crate::standins::error::StandInError;
use crate::standins::node_path::resolve;

/// Packs the files and folders, with all that is in them.
pub(super) fn pack(paths: &[PathBuf], workspace: &Path, sink: &mut File) -> Result<(), StandInError> {
    let failed = || StandInError::file("write", "the cache archive");
    let mut encoder = zstd::Encoder::new(sink, 3).map_err(failed())?;
    {
        let mut builder = Builder::new(&mut encoder);
        for path in paths {
            append_tree(&mut builder, path, workspace)?;
        }
        builder.finish().map_err(failed())?;
    }
    encoder.finish().map_err(failed())?;
    Ok(())
}

fn append_tree<W: Write>(builder: &mut Builder<W>, path: &Path, workspace: &Path) -> Result<(), StandInError> {
    let metadata = fs::symlink_metadata(path).map_err(StandInError::file("read", path))?;
    append_entry(builder, path, &relative(path, workspace), &metadata).map_err(StandInError::file("pack", path))?;
    if metadata.is_dir() {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut children: Vec<PathBuf> =
            entries.map_err(StandInError::file("read", path))?.into_iter().map(|entry| entry.path()).collect();
        children.sort();
        for child in children {
            append_tree(builder, &child, workspace)?;
        }
    }
    Ok(())
}

fn append_entry<W: Write>(builder: &mut Builder<W>, path: &Path, name: &Path, metadata: &Metadata) -> io::Result<()> {
    let target = if metadata.is_symlink() { Some(fs::read_link(path)?) } else { None };
    let kind = if metadata.is_dir() {
        EntryType::Directory
    } else if target.is_some() {
        EntryType::Symlink
    } else if metadata.is_file() {
        EntryType::Regular
    } else {
        // A socket or a device cannot be cached; tar leaves sockets out as well.
        return Ok(());
    };
    let name = name.as_os_str().as_bytes();
    let target = target.as_ref().map(|target| target.as_os_str().as_bytes()).unwrap_or_default();
    let time = format!("{}.{:09}", metadata.mtime(), metadata.mtime_nsec());
    let mut extensions: Vec<(&str, &[u8])> = vec![("mtime", time.as_bytes())];
    // The fields of the classic header hold a hundred bytes; the extensions hold any length.
    if name.len() > 100 {
        extensions.push(("path", name));
    }
    if target.len() > 100 {
        extensions.push(("linkpath", target));
    }
    builder.append_pax_extensions(extensions)?;
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(metadata.mode() & 0o7777);
    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
    header.set_uid(0);
    header.set_gid(0);
    // Set by hand: the library's own way refuses `..`, which every path outside the workspace has.
    copy_into(&mut header.as_old_mut().name, name);
    copy_into(&mut header.as_old_mut().linkname, target);
    if kind == EntryType::Regular {
        let mut file = File::open(path)?;
        header.set_size(metadata.len());
        header.set_cksum();
        // A file that grows meanwhile must not spoil the archive; one that shrinks does, and is an error.
        return builder.append(&header, ExactLength { file: &mut file, left: metadata.len() });
    }
    header.set_size(0);
    header.set_cksum();
    builder.append(&header, io::empty())
}

fn copy_into(field: &mut [u8; 100], bytes: &[u8]) {
    let length = bytes.len().min(field.len());
    field[..length].copy_from_slice(&bytes[..length]);
}

struct ExactLength<'a> {
    file: &'a mut File,
    left: u64,
}

impl Read for ExactLength<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read(&mut buffer[..limit])?;
        if count == 0 && limit > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// Unpacks, relative to the workspace; what is there already is replaced.
///
/// As for the real action, a path may lead outside the workspace: `~/.cache/pip` does.
pub(super) fn unpack(source: &File, workspace: &Path) -> Result<(), StandInError> {
    let failed = || StandInError::file("read", "the cache archive");
    let decoder = zstd::Decoder::new(source).map_err(failed())?;
    let mut archive = Archive::new(decoder);
    archive.set_preserve_permissions(true);
    // Folders get mode and time at the end: a folder without write permission still takes its files, and files put into
    // it do not touch its time.
    let mut folders: Vec<(PathBuf, u32, SystemTime)> = Vec::new();
    for entry in archive.entries().map_err(failed())? {
        let mut entry = entry.map_err(failed())?;
        let path = resolve(workspace, entry.path().map_err(failed())?);
        let mode = entry.header().mode().map_err(failed())?;
        let time = modified(&mut entry).map_err(failed())?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(StandInError::file("create", parent))?;
        }
        if entry.header().entry_type() == EntryType::Directory {
            fs::create_dir_all(&path).map_err(StandInError::file("create", &path))?;
            folders.push((path, mode, time));
            continue;
        }
        let is_link = entry.header().entry_type() == EntryType::Symlink;
        entry.unpack(&path).map_err(StandInError::file("unpack", &path))?;
        if !is_link {
            set_modified(&path, time).map_err(StandInError::file("set the time of", &path))?;
        }
    }
    // Inner folders come after outer ones in the archive, so backwards.
    for (path, mode, time) in folders.into_iter().rev() {
        set_modified(&path, time).map_err(StandInError::file("set the time of", &path))?;
        fs::set_permissions(&path, Permissions::from_mode(mode))
            .map_err(StandInError::file("set the mode of", &path))?;
    }
    Ok(())
}

fn modified<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<SystemTime> {
    let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(entry.header().mtime()?);
    let Some(extensions) = entry.pax_extensions()? else { return Ok(whole) };
    for extension in extensions.flatten() {
        if extension.key() == Ok("mtime")
            && let Ok(value) = extension.value()
        {
            return Ok(parse_time(value).unwrap_or(whole));
        }
    }
    Ok(whole)
}

/// `1700000000.123456789`; a time before 1970 has none here.
fn parse_time(text: &str) -> Option<SystemTime> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanoseconds = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::new(seconds.parse().ok()?, nanoseconds))
}

fn set_modified(path: &Path, time: SystemTime) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.set_modified(time),
        // A file that its owner may not read keeps the time that the library gave it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// `path` as seen from `base`, with `..` where it lies outside.
fn relative(path: &Path, base: &Path) -> PathBuf {
    let common = path.components().zip(base.components()).take_while(|(a, b)| a == b).count();
    let up = base.components().skip(common).map(|_| Component::ParentDir);
    let result: PathBuf = up.chain(path.components().skip(common)).collect();
    if result.as_os_str().is_empty() { PathBuf::from(".") } else { result }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, SeekFrom};

    use super::*;

    #[test]
    fn paths_are_relative_to_the_workspace() {
        for (path, base, expected) in [
            ("/w/r/a/b", "/w/r", "a/b"),
            ("/home/u/.cache", "/w/r", "../../home/u/.cache"),
            ("/w/r", "/w/r", "."),
            ("/w/out", "/w/r", "../out"),
        ] {
            assert_eq!(relative(Path::new(path), Path::new(base)), Path::new(expected), "{path}");
            assert_eq!(resolve(Path::new(base), expected), Path::new(path), "{path}");
        }
    }

    #[test]
    fn what_goes_in_comes_out() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let from = root.path().join("one/repo");
        let long = "n".repeat(120);
        let outside = root.path().join("one/cache");
        fs::create_dir_all(from.join("empty")).expect("can create");
        fs::create_dir_all(outside.join(&long)).expect("can create");
        fs::write(outside.join(&long).join("tool"), "#!/bin/sh\n").expect("can write");
        fs::set_permissions(outside.join(&long).join("tool"), Permissions::from_mode(0o750)).expect("can set");
        std::os::unix::fs::symlink(format!("{long}/tool"), outside.join("link")).expect("can link");
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
        for path in [outside.join(&long).join("tool"), outside.join(&long)] {
            set_modified(&path, time).expect("can set");
        }
        fs::set_permissions(outside.join(&long), Permissions::from_mode(0o555)).expect("can set");

        let mut file = tempfile::tempfile().expect("a temporary file");
        pack(&[from.join("empty"), outside], &from, &mut file).expect("packs");
        file.seek(SeekFrom::Start(0)).expect("can seek");
        let to = root.path().join("two/repo");
        fs::create_dir_all(&to).expect("can create");
        unpack(&file, &to).expect("unpacks");

        let outside = root.path().join("two/cache");
        assert!(to.join("empty").is_dir());
        assert_eq!(fs::read_link(outside.join("link")).expect("is a link"), Path::new(&format!("{long}/tool")));
        let tool = fs::metadata(outside.join(&long).join("tool")).expect("is there");
        assert_eq!((tool.mode() & 0o7777, tool.modified().expect("has a time")), (0o750, time));
        let folder = fs::metadata(outside.join(&long)).expect("is there");
        assert_eq!((folder.mode() & 0o7777, folder.modified().expect("has a time")), (0o555, time));
        for side in ["one", "two"] {
            let folder = root.path().join(side).join("cache").join(&long);
            fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("can set");
        }
    }
}
