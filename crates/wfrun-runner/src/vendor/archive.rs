//! A vendored folder as one file.
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tar::{Archive, Builder, EntryType, Header};

use super::lock::LOCK_FILE;
use super::tree::sha256;
use super::{VendorError, Vendored};
use crate::folders::put_in_place;

/// Packs a vendored folder: the lock first, then every file in order of the paths. The same files make the same bytes.
pub fn pack(folder: &Path, target: &Path) -> Result<(), VendorError> {
    let vendored = Vendored::open(folder)?;
    let failed = VendorError::files("write", target);
    let mut builder = Builder::new(io::BufWriter::new(File::create(target).map_err(&failed)?));
    builder.follow_symlinks(false);
    let names = [LOCK_FILE].into_iter().chain(vendored.lock.files.keys().map(String::as_str));
    for name in names {
        append(&mut builder, &folder.join(name), name).map_err(VendorError::files("pack", &folder.join(name)))?;
    }
    finish(builder).map_err(&failed)
}

/// Writes the end of an archive, and all that is not written yet.
pub(super) fn finish(builder: Builder<io::BufWriter<File>>) -> io::Result<()> {
    builder.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(())
}

/// A header without a time and an owner, so that the same files make the same bytes.
pub(super) fn header() -> Header {
    let mut header = Header::new_gnu();
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn append<W: io::Write>(builder: &mut Builder<W>, path: &Path, name: &str) -> io::Result<()> {
    let metadata = std::fs::symlink_metadata(path)?;
    let mut header = header();
    if metadata.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        return builder.append_link(&mut header, name, std::fs::read_link(path)?);
    }
    header.set_mode(if metadata.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 });
    header.set_size(metadata.len());
    builder.append_data(&mut header, name, File::open(path)?)
}

/// Whether a file begins as the archive of a vendored folder does: with its lock.
pub fn begins_as_archive(path: &Path) -> bool {
    let mut name = [0; LOCK_FILE.len()];
    File::open(path).and_then(|mut it| it.read_exact(&mut name)).is_ok() && name == *LOCK_FILE.as_bytes()
}

/// Unpacks an archive below `store`, once for each content, and gives back the folder.
pub fn unpack(archive: &Path, store: &Path) -> Result<PathBuf, VendorError> {
    let read = VendorError::files("read", archive);
    let folder = store.join(&sha256(archive).map_err(&read)?[..32]);
    if folder.is_dir() {
        return Ok(folder);
    }
    let write = VendorError::files("write", &folder);
    std::fs::create_dir_all(store).map_err(&write)?;
    let unfinished = tempfile::Builder::new().prefix(".unfinished-").tempdir_in(store).map_err(&write)?;
    let mut tar = Archive::new(io::BufReader::new(File::open(archive).map_err(&read)?));
    tar.set_preserve_permissions(true);
    tar.set_preserve_mtime(false);
    for entry in tar.entries().map_err(&read)? {
        let mut entry = entry.map_err(&read)?;
        if !entry.unpack_in(unfinished.path()).map_err(&read)? {
            let path = entry.path().map_err(&read)?.display().to_string();
            return Err(read(io::Error::other(format!("`{path}` leads out of its folder"))));
        }
    }
    put_in_place(unfinished, &folder).map_err(&write)?;
    Ok(folder)
}
