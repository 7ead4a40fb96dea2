//! Bodies to disk: hashed and written beside the network, never held whole.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::sync::mpsc;

use super::error::BlobError;

/// Chunks between the network and the disk; more would only hide a slow disk in memory, for each of many bodies at once.
const CHUNKS_IN_FLIGHT: usize = 2;

const COPY_BUFFER: usize = 256 * 1024;

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
    let (sender, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
    let folder = folder.to_owned();
    let writer = tokio::task::spawn_blocking(move || write(receiver, &folder));
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
    let archive = writer.await.map_err(io::Error::from).flatten().map_err(|err| BlobError::store(&err))?;
    if is_silent {
        return Err(BlobError::new(
            StatusCode::REQUEST_TIMEOUT,
            "OperationTimedOut",
            format!("nothing came for {} s after {} bytes", patience.as_secs(), archive.size),
        ));
    }
    match broken {
        Some(err) => Err(BlobError::new(
            StatusCode::BAD_REQUEST,
            "InvalidInput",
            format!("the body broke off after {} bytes: {err}", archive.size),
        )),
        None if archive.size != announced => Err(BlobError::new(
            StatusCode::BAD_REQUEST,
            "InvalidInput",
            format!("{announced} bytes were announced, {} came", archive.size),
        )),
        None => Ok(archive),
    }
}

fn write(mut chunks: mpsc::Receiver<Bytes>, folder: &Path) -> io::Result<Archive> {
    let mut writing = Writing::new(folder)?;
    while let Some(chunk) = chunks.blocking_recv() {
        writing.add(&chunk)?;
    }
    Ok(writing.finish())
}

/// Puts blocks together, in order, as a new file in `folder`.
pub(crate) fn join(blocks: &[PathBuf], folder: &Path) -> io::Result<Archive> {
    let mut writing = Writing::new(folder)?;
    let mut buffer = vec![0; COPY_BUFFER];
    for block in blocks {
        let mut block = File::open(block)?;
        loop {
            match block.read(&mut buffer)? {
                0 => break,
                count => writing.add(&buffer[..count])?,
            }
        }
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
