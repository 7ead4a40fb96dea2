//! Layers: tar archives, compressed, named by their digests.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::error::DockerError;
use super::store::Store;
use super::tree::{Content, Kind, Node, Tree};

/// A layer in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layer {
    /// Of the compressed archive, as in `sha256:…`.
    pub(super) digest: String,
    /// Of the archive itself.
    pub(super) diff_id: String,
    /// Bytes of the compressed archive.
    pub(super) size: u64,
    /// Bytes of the files in it.
    pub(super) content_size: u64,
}

/// Marks a file that a lower layer has as removed. Source: OCI image specification, "Image layer filesystem changeset".
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// Writes the entries as a layer: sorted, owners by number, whole seconds. The same entries give the same bytes.
pub(super) fn write(store: &Store, entries: &BTreeMap<String, Option<Node>>) -> Result<Layer, DockerError> {
    let blob = store.new_blob()?;
    let path = blob.path().to_owned();
    let failed = |source| DockerError::File { doing: "write", path: path.clone(), source };
    let compressed = Hashing::new(blob);
    let compressor = GzBuilder::new().write(compressed, Compression::default());
    let mut archive = Builder::new(Hashing::new(compressor));
    let mut content_size = 0;
    for (path, node) in entries {
        match node {
            Some(node) => {
                content_size += node.size();
                append(&mut archive, path, node)?;
            }
            None => append(&mut archive, &whiteout(path), &empty_file())?,
        }
    }
    let archive = archive.into_inner().map_err(failed)?;
    let (compressor, diff_id, _) = archive.finish();
    let (blob, digest, size) = compressor.finish().map_err(failed)?.finish();
    store.keep_blob(blob, &digest)?;
    Ok(Layer { digest, diff_id, size, content_size })
}

fn append(archive: &mut Builder<impl Write>, path: &str, node: &Node) -> Result<(), DockerError> {
    let mut header = Header::new_gnu();
    header.set_mode(node.mode);
    header.set_uid(node.uid);
    header.set_gid(node.gid);
    header.set_mtime(u64::try_from(node.mtime).unwrap_or_default());
    header.set_size(node.size());
    let appended = match &node.kind {
        Kind::Folder => {
            header.set_entry_type(EntryType::Directory);
            archive.append_data(&mut header, format!("{path}/"), io::empty())
        }
        Kind::File(content) => {
            header.set_entry_type(EntryType::Regular);
            archive.append_data(&mut header, path, content.open()?)
        }
        Kind::Link(target) => {
            header.set_entry_type(EntryType::Symlink);
            archive.append_link(&mut header, path, target)
        }
    };
    appended.map_err(DockerError::file("pack", path))
}

fn whiteout(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let separator = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{separator}{WHITEOUT}{name}")
}

fn empty_file() -> Node {
    Node { kind: Kind::File(Content::InMemory(Arc::from([]))), mode: 0, uid: 0, gid: 0, mtime: 0 }
}

/// Lays a compressed layer over a tree; the files' bytes go to `scratch`.
pub(super) fn apply(tree: &mut Tree, blob: &Path, scratch: &Path) -> Result<(), DockerError> {
    let file = std::fs::File::open(blob).map_err(DockerError::file("open", blob))?;
    unpack(GzDecoder::new(file), blob, scratch, |path, node| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name == OPAQUE {
            tree.clear(folder);
        } else if let Some(removed) = name.strip_prefix(WHITEOUT) {
            let separator = if folder.is_empty() { "" } else { "/" };
            tree.remove(&format!("{folder}{separator}{removed}"));
        } else {
            tree.put(path, node);
        }
    })
}

/// Reads an archive; hard links become files of the same content, and what is no file, folder or link is left out.
pub(super) fn unpack(
    reader: impl Read,
    name: &Path,
    scratch: &Path,
    mut each: impl FnMut(&str, Node),
) -> Result<(), DockerError> {
    let failed = |source| DockerError::File { doing: "unpack", path: name.to_owned(), source };
    let mut contents: BTreeMap<String, Node> = BTreeMap::new();
    for entry in tar::Archive::new(reader).entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let path = super::context::clean(&entry.path().map_err(failed)?.to_string_lossy());
        let header = entry.header().clone();
        let link = entry.link_name().map_err(failed)?.map(|link| link.to_string_lossy().into_owned());
        let entry_type = header.entry_type();
        let kind = if entry_type.is_dir() {
            Kind::Folder
        } else if entry_type.is_file() || entry_type.is_contiguous() || entry_type.is_gnu_sparse() {
            Kind::File(save(&mut entry, scratch).map_err(failed)?)
        } else if entry_type.is_symlink() {
            Kind::Link(link.unwrap_or_default())
        } else if entry_type.is_hard_link() {
            let Some(linked) = contents.get(&super::context::clean(&link.unwrap_or_default())) else {
                continue;
            };
            linked.kind.clone()
        } else {
            continue;
        };
        let node = Node {
            kind,
            mode: header.mode().map_err(failed)? & 0o7777,
            uid: header.uid().map_err(failed)?,
            gid: header.gid().map_err(failed)?,
            mtime: header.mtime().ok().and_then(|mtime| mtime.try_into().ok()).unwrap_or_default(),
        };
        if !path.is_empty() {
            contents.insert(path.clone(), node.clone());
            each(&path, node);
        }
    }
    Ok(())
}

fn save(entry: &mut impl Read, scratch: &Path) -> io::Result<Content> {
    let file = tempfile::NamedTempFile::new_in(scratch)?;
    let (mut file, path): (_, PathBuf) = file.keep().map_err(|error| error.error)?;
    let size = io::copy(entry, &mut file)?;
    Ok(Content::OnDisk(path, size))
}

/// Passes bytes on, and knows their digest and number.
#[derive(Debug)]
struct Hashing<W> {
    inner: W,
    hash: Sha256,
    length: u64,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), length: 0 }
    }

    fn finish(self) -> (W, String, u64) {
        (self.inner, format!("sha256:{}", hex::encode(self.hash.finalize())), self.length)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// `sha256:…` of bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
