use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptions, ListImagesOptions, ListNetworksOptions, ListVolumesOptions,
    RemoveContainerOptions, RemoveImageOptions, RemoveVolumeOptions, TagImageOptions,
};
use wfrun_agent::image_name::ImageName;

use super::connection::{is_conflict, is_not_found};
use super::{OWNER_LABEL, RUN_LABEL};
use crate::BackendError;

/// The engine removes a container on its own within this time, once it said that it is about to.
const REMOVAL_POLLS: usize = 400;
const REMOVAL_POLL: Duration = Duration::from_millis(25);

/// Removes the containers, networks and volumes that a run made, or every run that has ended where `run_id` is `None`;
/// returns how many.
pub async fn clean(docker: &Docker, run_id: Option<&str>) -> Result<usize, BackendError> {
    let label = run_id.map_or_else(|| RUN_LABEL.to_owned(), |id| format!("{RUN_LABEL}={id}"));
    let filters = Some(HashMap::from([("label".to_owned(), vec![label])]));
    let failed = |action: &str| {
        let action = action.to_owned();
        move |err| BackendError::Engine { action, err }
    };
    // Another wfrun, perhaps of another user, may be at work.
    let stays = |labels: Option<&HashMap<String, String>>| run_id.is_none() && labels.is_some_and(has_living_owner);
    let mut count = 0;
    let options = ListContainersOptions { all: true, filters: filters.clone(), ..ListContainersOptions::default() };
    for container in docker.list_containers(Some(options)).await.map_err(failed("list containers"))? {
        if let Some(id) = container.id.filter(|_| !stays(container.labels.as_ref())) {
            remove_container(docker, &id).await?;
            count += 1;
        }
    }
    let options = ListNetworksOptions { filters: filters.clone() };
    for network in docker.list_networks(Some(options)).await.map_err(failed("list networks"))? {
        if let Some(id) = network.id.filter(|_| !stays(network.labels.as_ref())) {
            gone(docker.remove_network(&id).await).map_err(failed("remove a network"))?;
            count += 1;
        }
    }
    let volumes = docker.list_volumes(Some(ListVolumesOptions { filters })).await.map_err(failed("list volumes"))?;
    for volume in volumes.volumes.unwrap_or_default().into_iter().filter(|it| !stays(Some(&it.labels))) {
        remove_volume(docker, &volume.name).await.map_err(failed("remove a volume"))?;
        count += 1;
    }
    Ok(count)
}

/// Whether the process that made something still runs on this machine.
fn has_living_owner(labels: &HashMap<String, String>) -> bool {
    labels.get(OWNER_LABEL).is_some_and(|it| crate::owner_lives(it))
}

/// Takes away all image names that begin with `host/`.
///
/// The newest image of each repository stays as `wfrun.local/NAME:latest`, so that the next build finds its layers; the
/// one before it goes.
pub(super) async fn forget_registry(docker: &Docker, host: &str) -> Result<(), BackendError> {
    let failed = |err| BackendError::Engine { action: format!("take the image names of {host} away"), err };
    let filters = Some(HashMap::from([("reference".to_owned(), vec![format!("{host}/*"), format!("{host}/*/*")])]));
    let images = docker.list_images(Some(ListImagesOptions { filters, ..ListImagesOptions::default() })).await;
    for image in images.map_err(failed)? {
        for name in image.repo_tags.iter().filter(|it| it.starts_with(&format!("{host}/"))) {
            keep_for_builds(docker, &image.id, ImageName::of(name).path).await.map_err(failed)?;
            remove_image(docker, name).await.map_err(failed)?;
        }
        // What was pulled by its digest has no tag.
        for name in image.repo_digests.iter().filter(|it| it.starts_with(&format!("{host}/"))) {
            match remove_image(docker, name).await {
                Err(err) if is_conflict(&err) => {}
                other => other.map_err(failed)?,
            }
        }
    }
    Ok(())
}

pub(super) async fn keep_for_builds(docker: &Docker, id: &str, repository: &str) -> Result<(), Error> {
    let kept = format!("wfrun.local/{repository}");
    let earlier = docker.inspect_image(&kept).await.ok().and_then(|it| it.id).filter(|it| it != id);
    let options = TagImageOptions { repo: Some(kept), tag: Some("latest".to_owned()) };
    docker.tag_image(id, Some(options)).await?;
    match earlier {
        // Another name, or a container, may hold it: then it is not ours to remove.
        Some(earlier) => match remove_image(docker, &earlier).await {
            Err(err) if is_conflict(&err) => Ok(()),
            other => other,
        },
        None => Ok(()),
    }
}

pub(super) async fn remove_image(docker: &Docker, name: &str) -> Result<(), Error> {
    let options = RemoveImageOptions { force: false, noprune: false, ..RemoveImageOptions::default() };
    gone(docker.remove_image(name, Some(options), None).await.map(|_| ()))
}

/// Removes a container with its anonymous volumes, and waits until it is gone.
pub(super) async fn remove_container(docker: &Docker, id: &str) -> Result<(), BackendError> {
    let options = RemoveContainerOptions { force: true, v: true, link: false };
    let failed = |err| BackendError::Engine { action: format!("remove container {id}"), err };
    match docker.remove_container(id, Some(options)).await {
        Err(err) if is_conflict(&err) => {
            for _ in 0..REMOVAL_POLLS {
                match docker.inspect_container(id, None::<InspectContainerOptions>).await {
                    Err(err) if is_not_found(&err) => return Ok(()),
                    Ok(_) | Err(_) => tokio::time::sleep(REMOVAL_POLL).await,
                }
            }
            Err(failed(err))
        }
        result => gone(result).map_err(failed),
    }
}

/// Removes a volume with this name.
pub(super) async fn remove_volume(docker: &Docker, name: &str) -> Result<(), Error> {
    gone(docker.remove_volume(name, Some(RemoveVolumeOptions { force: true })).await)
}

/// What is not there any more is as good as removed.
pub(super) fn gone(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(err) if is_not_found(&err) => Ok(()),
        result => result,
    }
}
