//! The account's registry by Amazon's name, for the jobs of one run on an engine.

use std::collections::HashMap;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use bollard::Docker;
use bollard::query_parameters::{ListImagesOptions, TagImageOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use wfrun_agent::ecr_registry::EcrRegistry;
use wfrun_agent::image_name::ImageName;

use super::connection::TIMEOUT_SECONDS;
use super::{DockerBackend, EcrSocket, cleaning};
use crate::BackendError;

/// An [`EcrSocket`] that a run's jobs get in the engine's place, and the image names that they give in the engine.
///
/// One run has them at a time: names of images are the engine's, and another run's would be taken for this one's.
#[derive(Debug)]
pub struct EcrNames {
    engine: DockerBackend,
    socket: EcrSocket,
    through: Docker,
    owed: Owed,
    /// Bound as long as they are this run's.
    _claim: UnixListener,
}

/// Image names that are to go from an engine when a run ends, or is killed.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Owed {
    /// The account's registry, as [`EcrRegistry::to_variable`] writes it.
    registry: String,
    /// Which image had which of Amazon's names of the registry before; none where the registry was called by its address only.
    before: Option<HashMap<String, String>>,
}

/// Why an engine cannot be asked by Amazon's names.
#[derive(Debug, Error)]
pub enum EcrNamesError {
    /// They are another run's.
    #[error("another run uses that name on this engine now")]
    Taken,
    /// There can be no socket.
    #[error("nothing can listen at {}", path.display())]
    Listen {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        err: io::Error,
    },
    /// The engine does not do as it is asked.
    #[error(transparent)]
    Engine(#[from] BackendError),
}

impl EcrNames {
    /// Listens at `path` until this is dropped.
    ///
    /// Must be called inside a runtime. The path must be short, as those of sockets are: below 108 bytes.
    /// Should this process be killed, the names go back all the same; `executable` is this one.
    pub async fn start(
        backend: &DockerBackend,
        path: &Path,
        registry: EcrRegistry,
        (executable, run_id): (&Path, &str),
    ) -> Result<Self, EcrNamesError> {
        let claim = claim(&backend.socket, &registry.account)?;
        let before = names(&backend.docker, &registry).await?.into_iter().collect();
        let owed = Owed { registry: registry.to_variable(), before: Some(before) };
        backend.watch_over(executable, run_id)?;
        backend.owe(Some(&owed));
        let listen = |err| EcrNamesError::Listen { path: path.to_owned(), err };
        let socket = EcrSocket::start(path, Path::new(&backend.socket), registry).map_err(listen)?;
        let version = backend.docker.client_version();
        let through = Docker::connect_with_unix(&path.to_string_lossy(), TIMEOUT_SECONDS, &version);
        let through = through.map_err(|err| failed("be reached over a socket of wfrun's", err))?;
        Ok(Self { engine: backend.clone(), socket, through, owed, _claim: claim })
    }

    /// Where the socket is.
    pub fn path(&self) -> &Path {
        self.socket.path()
    }

    /// Whether an image's name is one of the registry.
    pub(super) fn has(&self, image: &str) -> bool {
        self.owed.registry().is_some_and(|it| it.has(image))
    }

    /// The engine, which over this socket knows the registry by Amazon's name.
    pub(super) fn through(&self) -> &Docker {
        &self.through
    }

    /// Gives the registry's names back to the images that had them before, and takes away all that are new.
    ///
    /// The newest image of each repository stays as `wfrun.local/NAME:latest`, so that the next build finds its layers.
    pub async fn give_back(&self) -> Result<(), BackendError> {
        self.owed.give_back(&self.engine.docker).await?;
        self.engine.owe(None);
        Ok(())
    }
}

impl Owed {
    fn registry(&self) -> Option<EcrRegistry> {
        EcrRegistry::of_variable(&self.registry)
    }

    /// As the one that outlives a killed run does it: not where another run has the names by now.
    pub(super) async fn give_back_for_the_dead(&self, backend: &DockerBackend) -> Result<(), EcrNamesError> {
        let Some(registry) = self.registry() else { return Ok(()) };
        let claimed = self.before.is_some().then(|| claim(&backend.socket, &registry.account)).transpose();
        match claimed {
            Err(EcrNamesError::Taken) => {}
            Err(other) => return Err(other),
            Ok(_claim) => self.give_back(&backend.docker).await?,
        }
        Ok(cleaning::forget_registry(&backend.docker, &registry.here).await?)
    }

    async fn give_back(&self, docker: &Docker) -> Result<(), BackendError> {
        let (Some(registry), Some(before)) = (self.registry(), &self.before) else { return Ok(()) };
        let failed = |err| failed("give image names back", err);
        let now = names(docker, &registry).await?;
        // The newest one last: it is the one that stays.
        for (name, id) in now.iter().rev() {
            if !before.contains_key(name) {
                cleaning::keep_for_builds(docker, id, ImageName::of(name).path).await.map_err(failed)?;
                cleaning::remove_image(docker, name).await.map_err(failed)?;
            }
        }
        let now: HashMap<&String, &String> = now.iter().map(|(name, id)| (name, id)).collect();
        for (name, id) in before.iter().filter(|(name, id)| now.get(*name) != Some(id)) {
            let image = ImageName::of(name);
            let (repo, tag) = (image.repository(), image.tag.unwrap_or("latest").to_owned());
            let options = TagImageOptions { repo: Some(repo), tag: Some(tag) };
            // A step may have removed the image itself.
            cleaning::gone(docker.tag_image(id, Some(options)).await).map_err(failed)?;
        }
        Ok(())
    }
}

/// A socket that only one process can have, and that goes with it.
fn claim(engine: &str, account: &str) -> Result<UnixListener, EcrNamesError> {
    let engine = Path::new(engine);
    let engine = engine.canonicalize().unwrap_or_else(|_| engine.to_owned());
    let name = hex::encode(Sha256::digest(format!("{account}\n{}", engine.display())));
    let claimed =
        SocketAddr::from_abstract_name(format!("wfrun-ecr-{name}")).and_then(|it| UnixListener::bind_addr(&it));
    claimed.map_err(|err| {
        if err.kind() == io::ErrorKind::AddrInUse {
            EcrNamesError::Taken
        } else {
            EcrNamesError::Listen { path: engine, err }
        }
    })
}

/// The tags of the registry in an engine, in all regions, and their images, the newest first.
async fn names(docker: &Docker, registry: &EcrRegistry) -> Result<Vec<(String, String)>, BackendError> {
    let images = docker.list_images(None::<ListImagesOptions>).await;
    let images = images.map_err(|err| failed("list images", err))?;
    let of_image =
        |image: bollard::models::ImageSummary| image.repo_tags.into_iter().map(move |it| (it, image.id.clone()));
    Ok(images.into_iter().flat_map(of_image).filter(|(name, _)| registry.has(name)).collect())
}

fn failed(action: &str, err: bollard::errors::Error) -> BackendError {
    BackendError::Engine { action: action.to_owned(), err }
}

impl DockerBackend {
    /// The engine as its jobs have it, with what they give names to.
    pub(super) fn of_jobs(&self) -> &Docker {
        self.names.as_ref().map_or(&self.docker, |it| it.through())
    }

    /// Has the names that images get by the registry's address taken away should this process be killed; `executable` is this one.
    pub fn guard_registry(&self, executable: &Path, run_id: &str, registry: &EcrRegistry) -> Result<(), BackendError> {
        self.watch_over(executable, run_id)?;
        self.owe(Some(&Owed { registry: registry.to_variable(), before: None }));
        Ok(())
    }

    /// The same engine, whose jobs call the account's registry by Amazon's name.
    #[must_use]
    pub fn with_names(&self, names: std::sync::Arc<EcrNames>) -> Self {
        Self { names: Some(names), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_has_the_names_of_an_account_on_an_engine() {
        let account = "100000000001";
        let first = claim("/nowhere/a.sock", account).expect("nobody has it");
        assert!(matches!(claim("/nowhere/a.sock", account), Err(EcrNamesError::Taken)));
        claim("/nowhere/b.sock", account).expect("another engine");
        claim("/nowhere/a.sock", "100000000002").expect("another account");
        drop(first);
        claim("/nowhere/a.sock", account).expect("it was given up");
    }
}
