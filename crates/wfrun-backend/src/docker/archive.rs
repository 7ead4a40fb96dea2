//! Images as archives: what `docker save` writes and `docker load` reads.
use std::path::Path;

use bollard::query_parameters::ImportImageOptions;
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

use super::DockerBackend;
use super::pull::with_tag;
use crate::BackendError;

/// Bytes of a file that are sent at once.
pub(super) const CHUNK: usize = 256 * 1024;

impl DockerBackend {
    /// Writes an image that the engine has into a file, as it comes.
    pub async fn save_image(&self, name: &str, target: &Path) -> Result<(), BackendError> {
        let file_failed = |err| BackendError::Archive { image: name.to_owned(), path: target.to_owned(), err };
        let mut file = tokio::fs::File::create(target).await.map_err(file_failed)?;
        let name_with_tag = with_tag(name);
        let mut archive = Box::pin(self.docker.export_image(&name_with_tag));
        while let Some(chunk) = archive.next().await {
            let chunk = chunk.map_err(|err| BackendError::Engine { action: format!("save image `{name}`"), err })?;
            file.write_all(&chunk).await.map_err(file_failed)?;
        }
        file.flush().await.map_err(file_failed)
    }

    /// Gives the engine the image of an archive, with the names that it has there.
    pub async fn load_image(&self, name: &str, archive: &Path) -> Result<(), BackendError> {
        let file_failed = |err| BackendError::Archive { image: name.to_owned(), path: archive.to_owned(), err };
        let file = tokio::fs::File::open(archive).await.map_err(file_failed)?;
        let body = ReaderStream::with_capacity(file, CHUNK);
        let options = ImportImageOptions { quiet: true, ..ImportImageOptions::default() };
        let mut progress = Box::pin(self.docker.import_image_stream(options, body, None));
        while let Some(step) = progress.next().await {
            step.map_err(|err| BackendError::Engine { action: format!("load image `{name}`"), err })?;
        }
        Ok(())
    }
}
