//! Stand-in for `docker/build-push-action`: `docker build`, and `docker push` of each tag.
//!
//! Differs: `docker/build-push-action` builds by buildx and `BuildKit`; here `docker build` does, without secrets, attestations, other platforms and caches.
//! Differs: a Git context of the workflow's own repository is taken from a snapshot on this machine; one of another repository fails the step.

mod images;
mod metadata;
mod request;
mod source;

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::builders::{Builders, DOCKER_DRIVER};
use super::{docker, own_platform, shown, tell_engine};
use crate::standins::cli;
use crate::standins::error::StandInError;
use crate::standins::toolkit::{self, How};
use crate::standins::{Invocation, Phase};
use metadata::Built;
use request::Request;
use source::{Own, Source};

const ACTION: &str = "docker/build-push-action";

/// Runs the action.
///
/// Source: `docker/build-push-action`, `src/main.ts`, each major version.
pub(in crate::standins) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    match invocation.phase {
        Phase::Main => main(invocation.version.major),
        Phase::Post => {
            remove_temporary();
            Ok(())
        }
    }
}

fn main(action: u32) -> Result<(), StandInError> {
    if let Some(why) = tell_engine()? {
        return Err(StandInError::action(why));
    }
    let request = Request::read(action, &own_platform()?)?;
    let builders = Builders::read()?;
    let builder = builders.choose(&request.builder);
    let Some(driver) = builders.driver_of(&builder) else {
        return Err(StandInError::action(format!("no builder \"{builder}\" found")));
    };
    check_tags(&request)?;
    declare(action, &request);
    let folder = temporary()?;
    toolkit::save_state("tmpDir", &folder.display().to_string())?;

    let stays = request.exports.load || (driver == DOCKER_DRIVER && !request.exports.cache_only);
    let id = build(&request, &folder, stays)?;
    let pushed = if request.exports.push { images::push(&id, &request.tags, stays)? } else { None };
    let is_exported = stays || request.exports.push || request.exports.image;
    if !is_exported && !request.exports.cache_only {
        // buildx' own words.
        toolkit::info(&format!(
            "WARNING: No output specified with {driver} driver. Build result will only remain in the build cache. To push \
             result image into registry use --push or to load image into docker use --load"
        ));
    }
    let built = Built {
        id: is_exported.then_some(id),
        is_in_engine: driver == DOCKER_DRIVER && is_exported,
        pushed,
        tags: request.tags,
    };
    built.put_out()?;
    if action >= 6 {
        tell_summary();
    }
    Ok(())
}

/// What buildx would refuse before it builds.
fn check_tags(request: &Request) -> Result<(), StandInError> {
    let failed = |why: String| Err(StandInError::action(format!("buildx failed with: ERROR: {why}")));
    for tag in &request.tags {
        if let Err(why) = cli::check_image_name(tag) {
            return failed(format!("invalid tag \"{tag}\": {why}"));
        }
    }
    if request.exports.push && request.tags.is_empty() {
        return failed("tag is needed when pushing to registry".to_owned());
    }
    Ok(())
}

fn declare(action: u32, request: &Request) {
    toolkit::declare(How::StandIn, ACTION, "`docker build` and `docker push` stand in for buildx");
    if !request.caches.is_empty() {
        let subject = format!("build-push-action {}", request.caches.join(", "));
        toolkit::declare(How::NotRun, &subject, "no effect: the image is built with the engine's own cache");
    }
    if request.allows {
        toolkit::declare(
            How::NotRun,
            "build-push-action allow",
            "no effect: `docker build` asks for no such permission",
        );
    }
    if request.has_default_provenance {
        let detail = "on GitHub the image is pushed with an attestation of its provenance, under another digest";
        toolkit::declare(How::NotRun, "build-push-action provenance", detail);
    }
    let is_disabled = matches!(toolkit::variable("DOCKER_BUILD_SUMMARY").to_ascii_lowercase().as_str(), "0" | "false");
    if action >= 6 && !is_disabled {
        let detail = "on GitHub the job's summary tells about the build, whose record is an artifact";
        toolkit::declare(How::NotRun, "build-push-action summary", detail);
    }
}

/// The folder of this step's files; the post step removes it.
fn temporary() -> Result<PathBuf, StandInError> {
    let made = tempfile::Builder::new().prefix("docker-actions-toolkit-").tempdir();
    Ok(made.map_err(StandInError::file("create a folder in", std::env::temp_dir()))?.keep())
}

/// Builds, and gives the image's id.
fn build(request: &Request, folder: &Path, stays: bool) -> Result<String, StandInError> {
    let own = Own::of_the_step();
    let mut words = vec!["build".to_owned()];
    words.extend(request.options.iter().cloned());
    let id_file = folder.join("iidfile");
    words.extend(["--iidfile".to_owned(), id_file.display().to_string()]);
    if stays {
        words.extend(request.tags.iter().flat_map(|tag| ["--tag".to_owned(), tag.clone()]));
    }
    match own.source(&request.context) {
        Source::Folder(context) => {
            if !request.file.is_empty() {
                words.extend(["--file".to_owned(), request.file.clone()]);
            }
            words.push(context.display().to_string());
        }
        Source::Own { reference, folder: inside } => {
            let root = source::write_out(&own, reference.as_deref(), &inside, folder)?;
            if !request.file.is_empty() {
                words.extend(["--file".to_owned(), file_within(&root, &request.file)?]);
            }
            words.push(root.display().to_string());
        }
        Source::Elsewhere(context) => {
            return Err(StandInError::NotSupported {
                action: ACTION,
                what: format!("`context: {context}`"),
                way_out: "check it out or unpack it in an earlier step, and name its folder".to_owned(),
            });
        }
    }
    let ended = shown(&mut docker(&words))?;
    if !ended.status.success() {
        if ended.stderr.contains("requires BuildKit") {
            toolkit::info(
                "help: `env: { DOCKER_BUILDKIT: \"1\" }` at the step makes `docker build` use the engine's BuildKit",
            );
        }
        return Err(StandInError::action(format!("buildx failed with: {}", ended.last_line())));
    }
    let id = fs::read_to_string(&id_file).map_err(StandInError::file("read", &id_file))?;
    Ok(id.trim().to_owned())
}

/// A Dockerfile of a Git context is a file of it.
fn file_within(root: &Path, file: &str) -> Result<String, StandInError> {
    let inside = file.trim_start_matches('/');
    let is_outside = Path::new(inside).components().any(|it| matches!(it, Component::ParentDir));
    let path = root.join(inside);
    if is_outside || !path.is_file() {
        return Err(StandInError::action(format!(
            "buildx failed with: ERROR: failed to solve: failed to read dockerfile: open {file}: no such file or directory"
        )));
    }
    Ok(path.display().to_string())
}

fn tell_summary() {
    toolkit::start_group("Reference");
    toolkit::info("No build reference found");
    toolkit::end_group();
    toolkit::start_group("Check build summary support");
    let text = toolkit::variable("DOCKER_BUILD_SUMMARY").to_ascii_lowercase();
    let is_disabled = matches!(text.as_str(), "0" | "false");
    toolkit::info(if is_disabled { "Build summary disabled" } else { "Build summary requires a build reference" });
    toolkit::end_group();
}

fn remove_temporary() {
    let folder = toolkit::state("tmpDir");
    if folder.is_empty() {
        return;
    }
    toolkit::start_group(&format!("Removing temp folder {folder}"));
    if fs::remove_dir_all(&folder).is_err() {
        toolkit::warning(&format!("Failed to remove temp folder {folder}"));
    }
    toolkit::end_group();
}
