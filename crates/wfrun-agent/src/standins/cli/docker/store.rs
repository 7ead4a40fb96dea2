//! The images of this environment: blobs by digest, and an index of names.

use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::error::DockerError;
use super::image::{self, ImageConfig};
use super::layer::{self, Layer};
use super::reference::Reference;
use crate::standins::cli::process::Process;

/// The folder of images: `blobs/sha256/<hex>` and `index.json`.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
}

/// An image of the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Image {
    /// The digest of the configuration, which is the image's id.
    pub(super) id: String,
    pub(super) layers: Vec<Layer>,
    /// `repository@digest` for every repository it was pushed to or pulled from.
    #[serde(default)]
    pub(super) repo_digests: Vec<String>,
    /// Why the image lacks a part, one sentence each; empty for a whole one.
    #[serde(default)]
    pub(super) missing: Vec<String>,
}

/// What is in the store.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Index {
    /// By id.
    pub(super) images: IndexMap<String, Image>,
    /// From `name:tag` to the id.
    pub(super) tags: IndexMap<String, String>,
}

impl Store {
    /// The store in `WFRUN_IMAGE_STORE`, else in `~/.local/share/wfrun/images`.
    pub(super) fn of(process: &Process<'_>) -> Self {
        let set = process.variable("WFRUN_IMAGE_STORE").map(|path| process.path(path));
        Self { root: set.unwrap_or_else(|| process.home().join(".local/share/wfrun/images")) }
    }

    /// What is in it; an absent file is an empty store.
    pub(super) fn index(&self) -> Result<Index, DockerError> {
        let path = self.root.join("index.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Index::default()),
            Err(error) => return Err(DockerError::file("read", path)(error)),
        };
        serde_json::from_str(&text).map_err(|error| {
            DockerError::failed(format!("`{}` is damaged: {error}; remove the folder to start anew", path.display()))
        })
    }

    /// Changes the index, as a whole or not at all.
    pub(super) fn update<T>(
        &self,
        change: impl FnOnce(&mut Index) -> Result<T, DockerError>,
    ) -> Result<T, DockerError> {
        fs::create_dir_all(&self.root).map_err(DockerError::file("create", &self.root))?;
        let lock_path = self.root.join("index.lock");
        let lock = fs::File::create(&lock_path).map_err(DockerError::file("create", &lock_path))?;
        lock.lock().map_err(DockerError::file("lock", &lock_path))?;
        let mut index = self.index()?;
        let result = change(&mut index)?;
        let path = self.root.join("index.json");
        let file = NamedTempFile::new_in(&self.root).map_err(DockerError::file("create", &path))?;
        serde_json::to_writer(&file, &index).map_err(|error| DockerError::file("write", &path)(error.into()))?;
        file.persist(&path).map_err(|error| DockerError::file("write", &path)(error.error))?;
        Ok(result)
    }

    /// The image that a name, an id or the beginning of an id stands for.
    pub(super) fn find(&self, name: &str) -> Result<Option<Image>, DockerError> {
        let index = self.index()?;
        Ok(index.resolve(name).and_then(|id| index.images.get(&id).cloned()))
    }

    /// Keeps an image's configuration and layers under its id.
    pub(super) fn add(
        &self,
        config: &[u8],
        layers: &[Layer],
        missing: &[String],
        tags: &[Reference],
    ) -> Result<String, DockerError> {
        let id = self.keep_bytes(config)?;
        self.update(|index| {
            let known = index.images.get(&id).map(|image| image.repo_digests.clone()).unwrap_or_default();
            let image =
                Image { id: id.clone(), layers: layers.to_vec(), repo_digests: known, missing: missing.to_vec() };
            index.images.insert(id.clone(), image);
            for tag in tags {
                index.tags.insert(tag.to_string(), id.clone());
            }
            Ok(())
        })?;
        Ok(id)
    }

    /// An image's configuration: its bytes and what they say.
    pub(super) fn config(&self, image: &Image) -> Result<(Vec<u8>, ImageConfig), DockerError> {
        let path = self.blob(&image.id);
        let bytes = fs::read(&path).map_err(DockerError::file("read", &path))?;
        let config = serde_json::from_slice(&bytes)
            .map_err(|error| DockerError::failed(format!("`{}` is no image configuration: {error}", path.display())))?;
        Ok((bytes, config))
    }

    /// An image's manifest.
    pub(super) fn manifest(&self, image: &Image) -> Result<Vec<u8>, DockerError> {
        let (config, _) = self.config(image)?;
        Ok(image::manifest(&image.id, config.len() as u64, &image.layers))
    }

    /// Where a blob is, or would be.
    pub(super) fn blob(&self, digest: &str) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.trim_start_matches("sha256:"))
    }

    /// A file that becomes a blob.
    pub(super) fn new_blob(&self) -> Result<NamedTempFile, DockerError> {
        let folder = self.root.join("blobs/sha256");
        fs::create_dir_all(&folder).map_err(DockerError::file("create", &folder))?;
        NamedTempFile::new_in(&folder).map_err(DockerError::file("write in", folder))
    }

    /// Gives a written blob its name.
    pub(super) fn keep_blob(&self, blob: NamedTempFile, digest: &str) -> Result<(), DockerError> {
        let path = self.blob(digest);
        blob.persist(&path).map_err(|error| DockerError::file("write", &path)(error.error))?;
        Ok(())
    }

    /// Keeps bytes as a blob and gives their digest.
    pub(super) fn keep_bytes(&self, bytes: &[u8]) -> Result<String, DockerError> {
        let digest = layer::digest(bytes);
        let blob = self.new_blob()?;
        fs::write(blob.path(), bytes).map_err(DockerError::file("write", blob.path()))?;
        self.keep_blob(blob, &digest)?;
        Ok(digest)
    }

    /// Removes the blobs that no image uses.
    pub(super) fn sweep(&self, index: &Index) {
        let used: Vec<PathBuf> = index
            .images
            .values()
            .flat_map(|image| image.layers.iter().map(|layer| &layer.digest).chain([&image.id]))
            .map(|digest| self.blob(digest))
            .collect();
        let listed = fs::read_dir(self.root.join("blobs/sha256")).into_iter().flatten().flatten();
        // Names of other lengths are files that a build is writing.
        let is_blob = |path: &PathBuf| path.file_name().is_some_and(|name| name.len() == 64);
        for path in listed.map(|entry| entry.path()).filter(|path| is_blob(path) && !used.contains(path)) {
            // What cannot be removed now is removed next time.
            fs::remove_file(path).ok();
        }
    }

    /// The folder, for temporary files beside the blobs.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

impl Index {
    /// The id that a name, an id or the beginning of an id stands for.
    pub(super) fn resolve(&self, name: &str) -> Option<String> {
        let tagged = Reference::parse(name).ok().and_then(|reference| {
            let full = reference.with_default_tag();
            let by_digest = full.digest.as_ref().and_then(|digest| {
                let wanted = format!("{}@{digest}", full.repository());
                self.images.values().find(|image| image.repo_digests.contains(&wanted)).map(|image| image.id.clone())
            });
            self.tags.get(&full.to_string()).cloned().or(by_digest)
        });
        let hex = name.trim_start_matches("sha256:");
        let is_hex = hex.len() >= 4 && hex.chars().all(|letter| letter.is_ascii_hexdigit());
        let by_id = || self.images.keys().find(|id| id["sha256:".len()..].starts_with(hex)).cloned();
        tagged.or_else(|| is_hex.then(by_id).flatten())
    }

    /// The names of an image.
    pub(super) fn tags_of(&self, id: &str) -> Vec<String> {
        self.tags.iter().filter(|(_, of)| *of == id).map(|(tag, _)| tag.clone()).collect()
    }
}
