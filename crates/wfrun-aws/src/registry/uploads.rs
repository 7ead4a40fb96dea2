//! An upload: bytes that go to a file and are hashed on the way, beside the connection that brings them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256, Sha512};
use tempfile::TempPath;
use tokio::task::{JoinHandle, spawn_blocking};

use super::fault::Fault;
use super::store::{Algorithm, Digest, Registry};

/// How much is written and hashed at a time, while as much is received: what an upload takes of memory is about twice this.
const BATCH: usize = 512 * 1024;

/// An upload under way. Between requests it has no file open: thousands may wait.
pub(crate) struct Upload {
    /// Bytes received.
    pub(crate) length: u64,
    /// Made by the first byte.
    path: Option<TempPath>,
    /// Of what is written; absent while it is with `writing`, and after a failure.
    sha256: Option<Sha256>,
    writing: Option<JoinHandle<io::Result<Sha256>>>,
}

/// Why an upload does not go on.
#[derive(Debug)]
pub(crate) enum UploadFault {
    /// It is complete, or an earlier part was lost.
    Gone,
    /// The digest is none.
    BadDigest,
    /// The bytes have another digest.
    OtherDigest { found: String, asked: String },
    /// The folder cannot be written.
    Disk(String),
}

impl Upload {
    /// An upload into `path`, which need not exist.
    pub(super) fn new(path: TempPath) -> Self {
        Self { length: 0, path: Some(path), sha256: Some(Sha256::new()), writing: None }
    }

    /// Appends a request's body as it arrives.
    pub(super) async fn append(&mut self, body: Body) -> Result<(), Fault> {
        let mut chunks = body.into_data_stream();
        let (mut batch, mut size) = (Vec::new(), 0);
        let mut broken = None;
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(chunk) => {
                    size += chunk.len();
                    batch.push(chunk);
                }
                Err(err) => {
                    // What came before counts: the client may ask how far it got.
                    broken = Some(Fault::bad("BLOB_UPLOAD_INVALID", format!("the upload broke off: {err}")));
                    break;
                }
            }
            if size >= BATCH {
                self.hand_over(std::mem::take(&mut batch), std::mem::take(&mut size)).await?;
            }
        }
        self.hand_over(batch, size).await?;
        self.settle().await?;
        broken.map_or(Ok(()), Err)
    }

    /// Appends bytes that are at hand.
    pub(crate) fn append_now(&mut self, bytes: &[u8]) -> Result<(), UploadFault> {
        let path = self.path.as_ref().ok_or(UploadFault::Gone)?;
        let mut sha256 = self.sha256.take().ok_or(UploadFault::Gone)?;
        write(path, &[bytes], &mut sha256)?;
        self.sha256 = Some(sha256);
        self.length += u64::try_from(bytes.len()).unwrap_or_default();
        Ok(())
    }

    /// Checks the digest and moves the file to its place.
    pub(super) async fn keep(&mut self, registry: &Registry, digest: &Digest<'_>) -> Result<(), UploadFault> {
        self.settle().await?;
        let again = match (digest.algorithm, self.path.as_ref().filter(|_| self.length > 0)) {
            (Algorithm::Sha512, Some(path)) => {
                let path = path.to_path_buf();
                Some(spawn_blocking(move || sha512(&path)).await.map_err(io::Error::other)??)
            }
            (Algorithm::Sha512 | Algorithm::Sha256, _) => None,
        };
        self.keep_as(registry, digest, again)
    }

    /// The same where nothing is being written.
    pub(crate) fn keep_now(&mut self, registry: &Registry, digest: &str) -> Result<(), UploadFault> {
        self.keep_as(registry, &Digest::read(digest).ok_or(UploadFault::BadDigest)?, None)
    }

    fn keep_as(
        &mut self,
        registry: &Registry,
        digest: &Digest<'_>,
        sha512_of_it: Option<String>,
    ) -> Result<(), UploadFault> {
        let (path, sha256) = (self.path.take(), self.sha256.take());
        let (path, sha256) = (path.ok_or(UploadFault::Gone)?, sha256.ok_or(UploadFault::Gone)?);
        if self.length == 0 {
            File::create(&path)?;
        }
        let found = match (digest.algorithm, sha512_of_it) {
            (Algorithm::Sha256, _) => format!("sha256:{}", hex::encode(sha256.finalize())),
            (Algorithm::Sha512, Some(found)) => found,
            (Algorithm::Sha512, None) => sha512(&path)?,
        };
        if found != digest.text {
            return Err(UploadFault::OtherDigest { found, asked: digest.text.to_owned() });
        }
        Ok(registry.keep(path, digest)?)
    }

    /// Writes and hashes a batch beside what is received next.
    async fn hand_over(&mut self, batch: Vec<Bytes>, size: usize) -> Result<(), UploadFault> {
        self.settle().await?;
        if size == 0 {
            return Ok(());
        }
        let path = self.path.as_ref().ok_or(UploadFault::Gone)?.to_path_buf();
        let mut sha256 = self.sha256.take().ok_or(UploadFault::Gone)?;
        self.length += u64::try_from(size).unwrap_or_default();
        self.writing = Some(spawn_blocking(move || {
            write(&path, &batch, &mut sha256)?;
            Ok(sha256)
        }));
        Ok(())
    }

    /// Waits for what is being written. A request that went away leaves that to the next one.
    async fn settle(&mut self) -> Result<(), UploadFault> {
        let Some(writing) = &mut self.writing else { return Ok(()) };
        let written = writing.await;
        self.writing = None;
        self.sha256 = Some(written.map_err(io::Error::other)??);
        Ok(())
    }
}

impl From<io::Error> for UploadFault {
    fn from(err: io::Error) -> Self {
        Self::Disk(format!("the registry's folder cannot be used: {err}"))
    }
}

fn write(path: &Path, batch: &[impl AsRef<[u8]>], sha256: &mut Sha256) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    for bytes in batch {
        file.write_all(bytes.as_ref())?;
        sha256.update(bytes.as_ref());
    }
    Ok(())
}

/// Rare, so the file is read again rather than every upload hashed twice.
fn sha512(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut hasher, mut buffer) = (Sha512::new(), vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(format!("sha512:{}", hex::encode(hasher.finalize())));
        }
        hasher.update(&buffer[..read]);
    }
}
