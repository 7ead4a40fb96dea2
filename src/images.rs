//! Images of containers: saved into a vendored folder, and loaded from one.
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use wfrun_backend::docker::Log;
use wfrun_backend::{BackendError, DockerBackend, chain};
use wfrun_runner::{
    IMAGES, Inventory, Lack, LockedImage, Supply, VendorError, Vendored, image_file_name, image_of, normalise_image,
};

use crate::vendored::refuse;

/// The engine of this machine, or why there is none, without the way out.
pub(crate) async fn engine() -> Result<DockerBackend, String> {
    let said = |err: BackendError| err.to_string().split("; ").next().unwrap_or_default().to_owned();
    DockerBackend::connect().await.map_err(said)
}

/// What saving images needs to know.
pub(crate) struct Saving<'a> {
    /// The engine, if one answers.
    pub(crate) engine: Option<&'a DockerBackend>,
    /// What was vendored before, and stays as it is.
    pub(crate) kept: Option<&'a Vendored>,
    /// The images of labels that the caller chose.
    pub(crate) of_labels: &'a IndexMap<String, String>,
    /// Whether what the engine has is pulled anew.
    pub(crate) update: bool,
}

impl Saving<'_> {
    /// Puts the images of inventories into a folder; one that cannot be pulled is missing from then on.
    pub(crate) async fn save(&self, inventories: &mut [Inventory], folder: &Path) -> anyhow::Result<Vec<LockedImage>> {
        let mut done: IndexMap<String, Result<LockedImage, String>> = IndexMap::new();
        for item in inventories.iter_mut().flat_map(|it| &mut it.items) {
            let Some((name, is_pulled)) = image_of(&item.needed.dependency, self.of_labels) else { continue };
            let is_had = match &item.supply {
                Supply::Image(_) => !(self.update && is_pulled),
                Supply::Pullable => false,
                Supply::Vendored(_) => true,
                Supply::Own
                | Supply::Action(_)
                | Supply::Workflow(_)
                | Supply::StandIn
                | Supply::Tool(_)
                | Supply::Machine(_)
                | Supply::NotLooked
                | Supply::Missing(_) => continue,
            };
            if !done.contains_key(&name) {
                done.insert(name.clone(), self.save_one(&name, is_had, folder).await?);
            }
            if let Some(Err(why)) = done.get(&name) {
                item.supply = Supply::Missing(Lack::NotPulled(why.clone()));
            }
        }
        Ok(done.into_values().filter_map(Result::ok).collect())
    }

    async fn save_one(&self, name: &str, is_had: bool, folder: &Path) -> anyhow::Result<Result<LockedImage, String>> {
        let images = folder.join(IMAGES);
        std::fs::create_dir_all(&images).map_err(failed("write", &images))?;
        if let Some((locked, archive)) = self.kept.and_then(|it| it.image(name)) {
            let target = folder.join(&locked.file);
            // The same file twice, where the place allows it: archives are large.
            let linked = std::fs::hard_link(&archive, &target);
            linked.or_else(|_| std::fs::copy(&archive, &target).map(|_| ())).map_err(failed("write", &target))?;
            return Ok(Ok(locked.clone()));
        }
        let Some(engine) = self.engine else { return Ok(Err("no engine answers".to_owned())) };
        if !is_had {
            let (log, _lines) = Log::new();
            if let Err(err) = engine.pull_image(name, None, &log).await {
                let why = std::error::Error::source(&err).map_or_else(|| err.to_string(), chain);
                return Ok(Err(why));
            }
        }
        let Some(id) = engine.image_id(name).await? else { return Ok(Err("the engine has lost it".to_owned())) };
        let file = format!("{IMAGES}/{}", image_file_name(name, &id));
        let as_it_came = images.join(".saving");
        engine.save_image(name, &as_it_came).await?;
        let target = folder.join(&file);
        let from = as_it_came.clone();
        tokio::task::spawn_blocking(move || normalise_image(&from, &target)).await?.map_err(|err| refuse(&err))?;
        std::fs::remove_file(&as_it_came).map_err(failed("remove", &as_it_came))?;
        Ok(Ok(LockedImage { name: name.to_owned(), id, file }))
    }
}

fn failed(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> anyhow::Error {
    let path: PathBuf = path.to_owned();
    move |err| refuse(&VendorError::Files { action, path: path.clone(), err })
}

/// Gives the engine the vendored images that are needed, unless it has them; returns the ids of those that it does not know
/// by their names then, as images that are named by a digest.
pub(crate) async fn load(
    engine: &DockerBackend,
    vendored: &Vendored,
    inventory: &Inventory,
    of_labels: &IndexMap<String, String>,
) -> Result<IndexMap<String, String>, BackendError> {
    let mut ids = IndexMap::new();
    let mut seen: Vec<String> = Vec::new();
    for item in &inventory.items {
        let Some((name, _)) = image_of(&item.needed.dependency, of_labels) else { continue };
        let Some((locked, archive)) = vendored.image(&name) else { continue };
        if seen.contains(&name) {
            continue;
        }
        seen.push(name.clone());
        if engine.image_id(&name).await?.as_ref() == Some(&locked.id) {
            continue;
        }
        if engine.image_id(&locked.id).await?.is_none() || !name.contains('@') {
            engine.load_image(&name, &archive).await?;
        }
        if engine.image_id(&name).await?.is_none() {
            ids.insert(name, locked.id.clone());
        }
    }
    Ok(ids)
}
