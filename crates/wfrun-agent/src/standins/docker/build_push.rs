//! Stand-in for `docker/build-push-action`: `docker build`, and `docker push` of each tag.
//!
//! Differs: `docker/build-push-action` builds by buildx and `BuildKit`; here `docker build` does, without secrets, attestations, other platforms and caches.
//! Differs: a Git context of the workflow's own repository is taken from a snapshot on this machine; one of another repository fails the step.

mod dockerfile;
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
    let platform = own_platform()?;
    let request = Request::read(action, &platform)?;
    let builders = Builders::read()?;
    let builder = builders.choose([&request.builder, &toolkit::variable("BUILDX_BUILDER")]);
    let Some(driver) = builders.driver_of(&builder) else {
        return Err(StandInError::action(format!("no builder \"{builder}\" found")));
    };
    check_tags(&request)?;
    declare(action, &request);
    let folder = temporary()?;
    toolkit::save_state("tmpDir", &folder.display().to_string())?;

    let stays = request.exports.load || (driver == DOCKER_DRIVER && !request.exports.cache_only);
    let id = build(&request, &folder, &platform, stays)?;
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
        toolkit::declare(How::StandIn, &subject, "no effect: the image is built with the engine's own cache");
    }
    if request.allows {
        toolkit::declare(
            How::StandIn,
            "build-push-action allow",
            "no effect: `docker build` asks for no such permission",
        );
    }
    if request.has_default_provenance {
        let detail = "on GitHub the image is pushed with an attestation of its provenance, under another digest";
        toolkit::declare(How::StandIn, "build-push-action provenance", detail);
    }
    if action >= 6 && !is_summary_off() {
        let detail = "on GitHub the job's summary tells about the build, whose record is an artifact";
        toolkit::declare(How::StandIn, "build-push-action summary", detail);
    }
}

/// The folder of this step's files; the post step removes it.
fn temporary() -> Result<PathBuf, StandInError> {
    let made = tempfile::Builder::new().prefix("docker-actions-toolkit-").tempdir();
    Ok(made.map_err(StandInError::file("create a folder in", std::env::temp_dir()))?.keep())
}

/// A context that is a folder, and its Dockerfile.
struct Prepared {
    root: PathBuf,
    dockerfile: PathBuf,
    /// Whether the folder is this step's own.
    is_own: bool,
}

fn prepare(request: &Request, folder: &Path) -> Result<Prepared, StandInError> {
    let own = Own::of_the_step();
    match own.source(&request.context) {
        Source::Folder(root) => {
            let file = &request.file;
            let dockerfile = if file.is_empty() { root.join("Dockerfile") } else { PathBuf::from(file) };
            Ok(Prepared { root, dockerfile, is_own: false })
        }
        Source::Own { reference, folder: inside } => {
            let root = source::write_out(&own, reference.as_deref(), &inside, folder)?;
            let file = if request.file.is_empty() { "Dockerfile" } else { &request.file };
            Ok(Prepared { dockerfile: file_within(&root, file)?, root, is_own: true })
        }
        Source::Elsewhere(context) => Err(StandInError::NotSupported {
            action: ACTION,
            what: format!("`context: {context}`"),
            way_out: "check it out or unpack it in an earlier step, and name its folder, or give the real action and a buildx by `--actions real`"
                .to_owned(),
        }),
    }
}

/// Builds, and gives the image's id.
fn build(request: &Request, folder: &Path, platform: &str, stays: bool) -> Result<String, StandInError> {
    let prepared = prepare(request, folder)?;
    dockerfile::heed_own_ignore_file(&prepared.dockerfile, &prepared.root, prepared.is_own)?;
    // One that is not there is docker's to tell.
    let text = fs::read_to_string(&prepared.dockerfile).unwrap_or_default();
    let id_file = folder.join("iidfile");
    let mut words = vec!["build".to_owned()];
    words.extend(request.options.iter().cloned());
    for argument in dockerfile::automatic_arguments(&text, platform, &request.options) {
        words.extend(["--build-arg".to_owned(), argument]);
    }
    words.extend(["--iidfile".to_owned(), id_file.display().to_string()]);
    if stays {
        words.extend(request.tags.iter().flat_map(|tag| ["--tag".to_owned(), tag.clone()]));
    }
    if let Some(text) = dockerfile::without_own_platform(&text) {
        words.extend(["--file".to_owned(), rewrite(&prepared.dockerfile, &text, folder)?]);
    } else if !request.file.is_empty() {
        words.extend(["--file".to_owned(), prepared.dockerfile.display().to_string()]);
    }
    words.push(prepared.root.display().to_string());
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

/// Another text for a Dockerfile, in the step's own folder, with its ignore file beside it.
fn rewrite(dockerfile: &Path, text: &str, folder: &Path) -> Result<String, StandInError> {
    let path = folder.join("Dockerfile");
    fs::write(&path, text).map_err(StandInError::file("write", &path))?;
    let ignore = format!("{}.dockerignore", dockerfile.display());
    if Path::new(&ignore).is_file() {
        let copy = folder.join("Dockerfile.dockerignore");
        fs::copy(ignore, &copy).map_err(StandInError::file("write", copy))?;
    }
    Ok(path.display().to_string())
}

/// A Dockerfile of a Git context is a file of it.
fn file_within(root: &Path, file: &str) -> Result<PathBuf, StandInError> {
    let inside = file.trim_start_matches('/');
    let is_outside = Path::new(inside).components().any(|it| matches!(it, Component::ParentDir));
    let path = root.join(inside);
    if is_outside || !path.is_file() {
        return Err(StandInError::action(format!(
            "buildx failed with: ERROR: failed to solve: failed to read dockerfile: open {file}: no such file or directory"
        )));
    }
    Ok(path)
}

fn is_summary_off() -> bool {
    matches!(toolkit::variable("DOCKER_BUILD_SUMMARY").to_ascii_lowercase().as_str(), "0" | "false")
}

fn tell_summary() {
    toolkit::start_group("Reference");
    toolkit::info("No build reference found");
    toolkit::end_group();
    toolkit::start_group("Check build summary support");
    toolkit::info(if is_summary_off() { "Build summary disabled" } else { "Build summary requires a build reference" });
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
