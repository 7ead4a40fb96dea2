//! Bytes on disk: blobs under their digests, and uploads on their way there.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use super::uploads::Upload;
use crate::account::{AccountError, lock};

/// The registry's folder and the uploads under way, by owner and id.
pub(crate) struct Registry {
    blobs: PathBuf,
    incoming: PathBuf,
    uploads: Mutex<HashMap<(String, String), SharedUpload>>,
}

/// An upload that one request at a time may append to.
type SharedUpload = Arc<tokio::sync::Mutex<Upload>>;

/// A digest whose form was checked, so that it can be part of a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Digest<'a> {
    pub(super) text: &'a str,
    pub(super) algorithm: Algorithm,
    hex: &'a str,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Algorithm {
    Sha256,
    Sha512,
}

impl<'a> Digest<'a> {
    /// Source: OCI image specification, digests: `sha256:` and 64 or `sha512:` and 128 lower-case hexadecimal digits.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (name, hex) = text.split_once(':')?;
        let (algorithm, length) = match name {
            "sha256" => (Algorithm::Sha256, 64),
            "sha512" => (Algorithm::Sha512, 128),
            _ => return None,
        };
        let digits = hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (hex.len() == length && digits).then_some(Self { text, algorithm, hex })
    }
}

impl Registry {
    /// Makes the folders; what an interrupted upload left behind is removed.
    pub(crate) fn open(state_dir: &Path) -> Result<Self, AccountError> {
        let root = state_dir.join("ecr");
        let (blobs, incoming) = (root.join("blobs"), root.join("uploads"));
        let failed = |path: &Path, err| AccountError::Write { path: path.to_owned(), err };
        match fs::remove_dir_all(&incoming) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(failed(&incoming, err)),
            Ok(()) | Err(_) => {}
        }
        for folder in [&blobs, &incoming] {
            fs::create_dir_all(folder).map_err(|err| failed(folder, err))?;
        }
        Ok(Self { blobs, incoming, uploads: Mutex::default() })
    }

    /// The bytes of a manifest that the state knows.
    pub(crate) fn read_manifest(&self, digest: &str) -> io::Result<Vec<u8>> {
        let digest = Digest::read(digest).ok_or(io::ErrorKind::InvalidInput)?;
        fs::read(self.path(&digest))
    }

    /// Where the blob with this digest lies, or would lie.
    pub(super) fn path(&self, digest: &Digest<'_>) -> PathBuf {
        let algorithm = match digest.algorithm {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        };
        self.blobs.join(algorithm).join(&digest.hex[..2]).join(digest.hex)
    }

    /// Moves a complete file to the place of its digest. The same blob twice is one file.
    pub(super) fn keep(&self, file: tempfile::TempPath, digest: &Digest<'_>) -> io::Result<()> {
        let path = self.path(digest);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        file.persist(path).map_err(|err| err.error)
    }

    /// Keeps bytes that are at hand.
    pub(super) fn keep_bytes(&self, bytes: &[u8], digest: &Digest<'_>) -> io::Result<()> {
        let file = tempfile::NamedTempFile::new_in(&self.incoming)?;
        fs::write(file.path(), bytes)?;
        self.keep(file.into_temp_path(), digest)
    }

    /// Starts an upload for `owner`, a region and a repository, and returns its id.
    pub(super) fn begin(&self, owner: &str) -> io::Result<String> {
        let id = Uuid::new_v4().to_string();
        let upload = Upload::new(&self.incoming)?;
        lock(&self.uploads).insert(key(owner, &id), Arc::new(tokio::sync::Mutex::new(upload)));
        Ok(id)
    }

    /// An upload under way. Another repository's path does not find it.
    pub(super) fn upload(&self, owner: &str, id: &str) -> Option<SharedUpload> {
        lock(&self.uploads).get(&key(owner, id)).cloned()
    }

    /// Forgets an upload; its file goes with it, unless it was kept.
    pub(super) fn end(&self, owner: &str, id: &str) {
        lock(&self.uploads).remove(&key(owner, id));
    }
}

fn key(owner: &str, id: &str) -> (String, String) {
    (owner.to_owned(), id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn only_real_digests_become_paths() {
        let sha256 = format!("sha256:{}", "0a".repeat(32));
        let sha512 = format!("sha512:{}", "0a".repeat(64));
        assert!(Digest::read(&sha256).is_some() && Digest::read(&sha512).is_some());
        let traversal = format!("sha256:../{}", "0".repeat(61));
        for text in ["", "sha256:", "md5:00", &sha256[..70], &sha256.to_uppercase(), "sha256:0g", &traversal] {
            assert_eq!(Digest::read(text), None, "{text}");
        }
    }
}
