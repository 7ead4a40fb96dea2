//! Bytes on disk: blobs under their digests, and uploads on their way there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use indexmap::IndexMap;
use tempfile::TempPath;
use uuid::Uuid;

use super::uploads::Upload;
use crate::account::{AccountError, lock};

/// The registry's folder and the uploads under way, by owner and id.
pub(crate) struct Registry {
    blobs: PathBuf,
    incoming: PathBuf,
    /// In the order in which they began.
    uploads: Mutex<IndexMap<(String, String), SharedUpload>>,
}

/// Uploads that may be open. The oldest makes room for a new one, as a registry forgets uploads that nobody ends.
const OPEN_UPLOADS: usize = 10_000;

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

/// Whether `text` has the form of a digest.
pub(crate) fn is_digest(text: &str) -> bool {
    Digest::read(text).is_some()
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

    /// Removes the blobs that no repository has: those of deleted images, and what was moved here by a process that ended
    /// before it could enter it anywhere. Nothing may be pushed meanwhile.
    pub(crate) fn sweep(&self, is_named: impl Fn(&str) -> bool) {
        let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
        for algorithm in ["sha256", "sha512"] {
            let files = entries(&self.blobs.join(algorithm)).flat_map(|folder| entries(&folder.path()));
            for file in files {
                let digest = format!("{algorithm}:{}", file.file_name().to_string_lossy());
                if !is_named(&digest)
                    && let Err(err) = fs::remove_file(file.path())
                {
                    tracing::warn!(%err, digest, "a blob that no repository has was not removed");
                }
            }
        }
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

    /// Whether the bytes with this digest are there, in whichever repository.
    pub(crate) fn has(&self, digest: &str) -> bool {
        Digest::read(digest).is_some_and(|digest| self.path(&digest).is_file())
    }

    /// Moves a complete file to the place of its digest. The same blob twice is one file.
    pub(super) fn keep(&self, file: TempPath, digest: &Digest<'_>) -> io::Result<()> {
        let path = self.path(digest);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        file.persist(path).map_err(|err| err.error)
    }

    /// Keeps a manifest whose digest was checked.
    pub(crate) fn keep_manifest(&self, bytes: &[u8], digest: &str) -> io::Result<()> {
        let digest = Digest::read(digest).ok_or(io::ErrorKind::InvalidInput)?;
        let file = tempfile::NamedTempFile::new_in(&self.incoming)?;
        fs::write(file.path(), bytes)?;
        self.keep(file.into_temp_path(), &digest)
    }

    /// Starts an upload for `owner`, a region and a repository, and returns its id.
    pub(crate) fn begin(&self, owner: &str) -> io::Result<String> {
        let id = Uuid::new_v4().to_string();
        let upload = Upload::new(TempPath::try_from_path(self.incoming.join(&id))?);
        let mut uploads = lock(&self.uploads);
        while uploads.len() >= OPEN_UPLOADS {
            uploads.shift_remove_index(0);
        }
        uploads.insert(key(owner, &id), Arc::new(tokio::sync::Mutex::new(upload)));
        Ok(id)
    }

    /// An upload under way. Another repository's path does not find it.
    pub(crate) fn upload(&self, owner: &str, id: &str) -> Option<SharedUpload> {
        lock(&self.uploads).get(&key(owner, id)).cloned()
    }

    /// Forgets an upload; its file goes with it, unless it was kept.
    pub(crate) fn end(&self, owner: &str, id: &str) {
        lock(&self.uploads).shift_remove(&key(owner, id));
    }
}

fn key(owner: &str, id: &str) -> (String, String) {
    (owner.to_owned(), id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Digest, OPEN_UPLOADS, Registry};

    #[test]
    fn uploads_that_nobody_ends_take_no_files_and_make_room() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        let first = registry.begin("r n").unwrap();
        let ids: Vec<_> = (1..OPEN_UPLOADS).map(|_| registry.begin("r n").unwrap()).collect();
        assert!(registry.upload("r n", &first).is_some());
        let last = registry.begin("r n").unwrap();
        assert!(registry.upload("r n", &first).is_none(), "the oldest made room");
        assert!(registry.upload("r n", &ids[0]).is_some() && registry.upload("r n", &last).is_some());
        assert_eq!(std::fs::read_dir(folder.path().join("ecr/uploads")).unwrap().count(), 0);
    }

    #[test]
    fn what_nobody_names_is_swept_out() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        let [named, left] = [b'1', b'2'].map(|byte| format!("sha256:{}", hex::encode([byte; 32])));
        for digest in [&named, &left] {
            registry.keep_manifest(b"x", digest).unwrap();
        }
        registry.sweep(|digest| digest == named);
        assert!(registry.has(&named) && !registry.has(&left));
    }

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
