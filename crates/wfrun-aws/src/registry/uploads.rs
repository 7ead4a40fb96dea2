//! An upload: bytes that stream to a file, hashed on the way.

use std::io;
use std::path::Path;

use axum::body::Body;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256, Sha512};
use tempfile::TempPath;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::fault::Fault;
use super::store::{Algorithm, Digest};

/// An upload under way.
pub(super) struct Upload {
    /// Bytes received.
    pub(super) length: u64,
    file: File,
    path: Option<TempPath>,
    sha256: Sha256,
}

impl Upload {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let (file, path) = tempfile::NamedTempFile::new_in(folder)?.into_parts();
        let file = File::from_std(file);
        Ok(Self { length: 0, file, path: Some(path), sha256: Sha256::new() })
    }

    /// Appends a request's body as it arrives.
    pub(super) async fn append(&mut self, body: Body) -> Result<(), Fault> {
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk =
                chunk.map_err(|err| Fault::bad("BLOB_UPLOAD_INVALID", format!("the upload broke off: {err}")))?;
            self.file.write_all(&chunk).await.map_err(|err| Fault::disk(&err))?;
            self.sha256.update(&chunk);
            self.length += u64::try_from(chunk.len()).unwrap_or_default();
        }
        self.file.flush().await.map_err(|err| Fault::disk(&err))
    }

    /// Checks the digest and gives the file away.
    pub(super) async fn finish(&mut self, digest: &Digest<'_>) -> Result<TempPath, Fault> {
        let found = match digest.algorithm {
            Algorithm::Sha256 => format!("sha256:{}", hex::encode(self.sha256.clone().finalize())),
            Algorithm::Sha512 => self.sha512().await.map_err(|err| Fault::disk(&err))?,
        };
        if found != digest.text {
            let message = format!("provided digest did not match uploaded content: it is {found}, not {}", digest.text);
            return Err(Fault::bad("DIGEST_INVALID", message));
        }
        self.path.take().ok_or_else(|| Fault::missing("BLOB_UPLOAD_UNKNOWN", "the upload is complete already"))
    }

    /// Rare, so the file is read again rather than every upload hashed twice.
    async fn sha512(&mut self) -> io::Result<String> {
        let mut hasher = Sha512::new();
        let mut buffer = vec![0; 1 << 16];
        self.file.rewind().await?;
        loop {
            let read = self.file.read(&mut buffer).await?;
            if read == 0 {
                return Ok(format!("sha512:{}", hex::encode(hasher.finalize())));
            }
            hasher.update(&buffer[..read]);
        }
    }
}
