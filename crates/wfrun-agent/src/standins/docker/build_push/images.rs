//! Pushing an image under its tags, and leaving no other names behind than buildx would.

use super::metadata::Pushed;
use crate::image_name::ImageName;
use crate::standins::docker::{docker, ecr, login, shown, silent};
use crate::standins::error::StandInError;
use crate::standins::toolkit::{self, How};

/// A name of the engine that is needed for a push only.
struct Borrowed {
    name: String,
    /// The image that had the name before.
    before: Option<String>,
}

/// Pushes the image under each tag; gives what the first push says of it.
///
/// A builder of its own keeps its images apart from the engine's, so without `stays` the tags are taken away again: a later
/// step that runs the image must not find here what it would not find on GitHub.
pub(super) fn push(id: &str, tags: &[String], stays: bool) -> Result<Option<Pushed>, StandInError> {
    let mut borrowed = Vec::new();
    let result = push_all(id, tags, stays, &mut borrowed);
    for Borrowed { name, before } in borrowed {
        let mut command = match before {
            Some(before) => docker(["tag", &before, &name]),
            None => docker(["rmi", "--no-prune", &name]),
        };
        silent(&mut command, None)?;
    }
    result
}

fn push_all(
    id: &str,
    tags: &[String],
    stays: bool,
    borrowed: &mut Vec<Borrowed>,
) -> Result<Option<Pushed>, StandInError> {
    let mut targets = Vec::new();
    for tag in tags {
        let (host, rest) = tag.split_once('/').unwrap_or(("", tag));
        let target = match ecr::emulated(host) {
            Some(address) => {
                let detail = format!("the registry of the emulated account takes the push, {address}");
                toolkit::declare(How::StandIn, host, &detail);
                format!("{address}/{rest}")
            }
            None => tag.clone(),
        };
        if !stays || target != *tag {
            borrowed.push(Borrowed { before: image_id(&target)?, name: target.clone() });
            let ended = shown(&mut docker(["tag", id, &target]))?;
            if !ended.status.success() {
                return Err(StandInError::action(format!("buildx failed with: {}", ended.last_line())));
            }
        }
        targets.push((target, tag));
    }
    let mut first = None;
    for (target, tag) in targets {
        let mut command = docker(["push", &target]);
        if let Some(folder) = scoped_login(tag) {
            command.env("DOCKER_CONFIG", folder);
        }
        let ended = shown(&mut command)?;
        if !ended.status.success() {
            return Err(StandInError::action(format!(
                "buildx failed with: ERROR: failed to push {tag}: {}",
                ended.last_line()
            )));
        }
        first = first.or_else(|| ended.stdout.lines().find_map(Pushed::read));
    }
    Ok(first)
}

fn image_id(name: &str) -> Result<Option<String>, StandInError> {
    let ended = silent(&mut docker(["inspect", "--type", "image", "--format", "{{.Id}}", name]), None)?;
    Ok(ended.status.success().then(|| ended.stdout.trim().to_owned()).filter(|it| !it.is_empty()))
}

/// The settings with a login for just this repository, where `docker/login-action` made one with `scope`.
///
/// Source: Docker, "buildx", scoped credentials: `HOST/REPOSITORY@push`, then without `@push`, then the namespaces above.
fn scoped_login(tag: &str) -> Option<std::path::PathBuf> {
    let image = ImageName::of(tag);
    let library = if image.host.is_none() && !image.path.contains('/') { "library/" } else { "" };
    let folder = login::scopes_folder();
    let mut scope = format!("{}/{library}{}", image.host.unwrap_or("registry-1.docker.io"), image.path);
    loop {
        for end in ["@push", ""] {
            let found = folder.join(format!("{scope}{end}"));
            if found.join("config.json").is_file() {
                return Some(found);
            }
        }
        scope = scope.rsplit_once('/')?.0.to_owned();
    }
}
