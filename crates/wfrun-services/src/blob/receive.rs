//! Bodies to disk: hashed and written beside the network, never held whole.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::sync::mpsc;

use super::error::BlobError;
use super::spool::Extent;
use super::under_way::{Bodies, FEW};

/// Chunks between the network and the disk, so that neither waits for each of the other's.
const CHUNKS_IN_FLIGHT: usize = 32;
/// The same where many bodies come at once: each would hide a slow disk in memory.
const CHUNKS_OF_MANY: usize = 2;

static COMING: Bodies = Bodies::new(FEW, CHUNKS_IN_FLIGHT, CHUNKS_OF_MANY);

pub(super) const COPY_BUFFER: usize = 256 * 1024;

/// A finished upload: a file that is removed when this is dropped.
pub(crate) struct Archive {
    pub(crate) file: TempPath,
    pub(crate) size: u64,
    /// Hexadecimal.
    pub(crate) sha256: String,
}

/// Writes a body of the announced length to a new file in `folder`; a client that sends nothing for as long as `patience`
/// is given up.
pub(crate) async fn receive(
    body: Body,
    announced: u64,
    folder: &Path,
    patience: Duration,
) -> Result<Archive, BlobError> {
    let folder = folder.to_owned();
    pour(body, announced, patience, move |mut chunks| {
        let mut writing = Writing::new(&folder)?;
        while let Some(chunk) = chunks.blocking_recv() {
            writing.add(&chunk)?;
        }
        let archive = writing.finish();
        Ok((archive.size, archive))
    })
    .await
}

/// Writes a body of the announced length to its place, in the same way.
pub(crate) async fn receive_block(body: Body, place: &Extent, patience: Duration) -> Result<(), BlobError> {
    let (announced, place) = (place.length, place.clone());
    pour(body, announced, patience, move |mut chunks| {
        let mut writer = place.writer()?;
        while let Some(chunk) = chunks.blocking_recv() {
            writer.add(&chunk)?;
        }
        Ok((writer.size, ()))
    })
    .await
}

/// Hands a body on to a thread that writes it, which gives back how many bytes that were, and what came of it.
async fn pour<T: Send + 'static>(
    body: Body,
    announced: u64,
    patience: Duration,
    write: impl FnOnce(mpsc::Receiver<Bytes>) -> io::Result<(u64, T)> + Send + 'static,
) -> Result<T, BlobError> {
    let coming = COMING.begin();
    let (sender, receiver) = mpsc::channel(coming.room);
    let writer = tokio::task::spawn_blocking(move || write(receiver));
    let mut chunks = body.into_data_stream();
    let mut broken = None;
    let mut is_silent = false;
    let mut came = 0;
    // What comes beyond what was announced is not taken.
    while came <= announced {
        let Ok(chunk) = tokio::time::timeout(patience, chunks.next()).await else {
            is_silent = true;
            break;
        };
        let Some(chunk) = chunk else { break };
        match chunk {
            // A closed channel means that the writer failed; its own error is the one to tell.
            Ok(chunk) => {
                came += chunk.len() as u64;
                if sender.send(chunk).await.is_err() {
                    break;
                }
            }
            Err(err) => {
                broken = Some(err);
                break;
            }
        }
    }
    drop(sender);
    let (size, written) = writer.await.map_err(io::Error::from).flatten().map_err(|err| BlobError::store(&err))?;
    if is_silent {
        return Err(BlobError::new(
            StatusCode::REQUEST_TIMEOUT,
            "OperationTimedOut",
            format!("nothing came for {} s after {size} bytes", patience.as_secs()),
        ));
    }
    let invalid = |why: String| BlobError::new(StatusCode::BAD_REQUEST, "InvalidInput", why);
    match broken {
        Some(err) => Err(invalid(format!("the body broke off after {size} bytes: {err}"))),
        None if size != announced => Err(invalid(format!("{announced} bytes were announced, {size} came"))),
        None => Ok(written),
    }
}

/// Puts blocks together, in order, as a new file in `folder`.
pub(crate) fn join(blocks: &[Extent], folder: &Path) -> io::Result<Archive> {
    let mut writing = Writing::new(folder)?;
    let mut buffer = vec![0; COPY_BUFFER];
    for block in blocks {
        block.read(&mut buffer, |bytes| writing.add(bytes))?;
    }
    Ok(writing.finish())
}

/// A file being written, with its size and digest so far.
struct Writing {
    file: File,
    path: TempPath,
    size: u64,
    digest: Sha256,
}

impl Writing {
    fn new(folder: &Path) -> io::Result<Self> {
        let (file, path) = NamedTempFile::new_in(folder)?.into_parts();
        Ok(Self { file, path, size: 0, digest: Sha256::new() })
    }

    fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn finish(self) -> Archive {
        Archive { file: self.path, size: self.size, sha256: hex::encode(self.digest.finalize()) }
    }
}
