//! The stand-in for `actions/upload-artifact`.
//!
//! Source: actions/upload-artifact, `src/upload/`, and `@actions/artifact`, `upload-artifact.ts`, for log lines and failures

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::service::{New, Service};
use super::uploading::{Segment, Uploading};
use super::{archive, names};
use crate::glob::{Found, Options, Places, Reach, find};
use crate::standins::error::StandInError;
use crate::standins::toolkit;
use crate::standins::version::Version;

/// What the step asks for.
#[expect(clippy::struct_excessive_bools, reason = "each is an input of its own")]
struct Inputs {
    name: String,
    path: String,
    if_no_files_found: Option<IfNoFiles>,
    retention_days: Option<i64>,
    level: i64,
    overwrite: bool,
    with_hidden: bool,
    /// Packed, or as it is.
    packed: bool,
    /// Something is wrong, and said; the action goes on all the same.
    is_wrong: bool,
}

#[derive(Clone, Copy)]
enum IfNoFiles {
    Warn,
    Error,
    Ignore,
}

pub(super) fn run(version: Version) -> Result<(), StandInError> {
    let inputs = Inputs::read(version)?;
    let working_folder = toolkit::path_variable("GITHUB_WORKSPACE")?;
    let home = PathBuf::from(toolkit::variable("HOME"));
    let places = Places { working_folder: &working_folder, home: &home };
    let reach = Reach::machine();
    let options = Options { reach: &reach, follows_links: true, with_hidden: inputs.with_hidden, with_classes: false };
    let Found { files, search_paths } = find(&inputs.path, &places, &options)?;
    say_alike(&files);
    let root = root(&files, &search_paths);
    let is_done = if files.is_empty() { nothing_found(&inputs) } else { upload(&inputs, version, &files, &root)? };
    if is_done && !inputs.is_wrong { Ok(()) } else { Err(StandInError::Said) }
}

impl Inputs {
    fn read(version: Version) -> Result<Self, StandInError> {
        let mut is_wrong = false;
        let mut wrong = |message: &str| {
            toolkit::error(message);
            is_wrong = true;
        };
        let path = toolkit::required_input("path")?;
        let overwrite = toolkit::strict_boolean_input("overwrite")?;
        let with_hidden = toolkit::strict_boolean_input("include-hidden-files")?;
        let packed = version.major < 7 || toolkit::strict_boolean_input("archive")?;
        let asked = toolkit::input("if-no-files-found");
        let if_no_files_found = match asked.as_str() {
            "warn" => Some(IfNoFiles::Warn),
            "error" => Some(IfNoFiles::Error),
            "ignore" => Some(IfNoFiles::Ignore),
            _ => None,
        };
        if if_no_files_found.is_none() {
            wrong(&format!(
                "Unrecognized if-no-files-found input. Provided: {asked}. Available options: warn,error,ignore"
            ));
        }
        let days = toolkit::input("retention-days");
        let retention_days = toolkit::parse_int(&days);
        if !days.is_empty() && retention_days.is_none() {
            wrong("Invalid retention-days");
        }
        let level = toolkit::input("compression-level");
        let parsed = if level.is_empty() { Some(archive::DEFAULT_LEVEL) } else { toolkit::parse_int(&level) };
        if parsed.is_none() {
            wrong("Invalid compression-level");
        }
        let level = parsed.unwrap_or(archive::DEFAULT_LEVEL);
        if !(0..=9).contains(&level) {
            // The real one goes on and then breaks in zlib, with the name taken and nothing uploaded.
            return Err(StandInError::action("Invalid compression-level. Valid values are 0-9"));
        }
        Ok(Self {
            name: toolkit::input("name"),
            path,
            if_no_files_found,
            // 0 is the default of the repository.
            retention_days: retention_days.filter(|it| *it != 0),
            level,
            overwrite,
            with_hidden,
            packed,
            is_wrong,
        })
    }
}

/// `false`: that fails the step.
fn nothing_found(inputs: &Inputs) -> bool {
    let message =
        format!("No files were found with the provided path: {}. No artifacts will be uploaded.", inputs.path);
    match inputs.if_no_files_found {
        Some(IfNoFiles::Warn) => toolkit::warning(&message),
        Some(IfNoFiles::Ignore) => toolkit::info(&message),
        Some(IfNoFiles::Error) => toolkit::error(&message),
        None => {}
    }
    !matches!(inputs.if_no_files_found, Some(IfNoFiles::Error))
}

/// `Ok(false)`: it was not uploaded, and the log says why.
fn upload(inputs: &Inputs, version: Version, files: &[PathBuf], root: &Path) -> Result<bool, StandInError> {
    let count = files.len();
    toolkit::info(&format!(
        "With the provided path, there will be {count} file{} uploaded",
        if count == 1 { "" } else { "s" }
    ));
    if !inputs.packed && count > 1 {
        toolkit::error(&format!(
            "When 'archive' is set to false, only a single file can be uploaded. Found {count} files to upload."
        ));
        return Ok(false);
    }
    if inputs.overwrite {
        delete(&inputs.name);
    }
    let first = files.first().map_or(root, PathBuf::as_path);
    let file_name = first.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = if inputs.packed { inputs.name.clone() } else { file_name };
    names::check_name(&name)?;
    toolkit::info("Root directory input is valid!");
    let entries = if inputs.packed { entries(files, root)? } else { Vec::new() };
    let service = Service::from_environment()?;
    let content_type = if inputs.packed { "application/zip" } else { mime_type(&name) };
    let url = service.create(&New {
        name: &name,
        version: if version.major < 7 { 4 } else { 7 },
        expires_at: inputs.retention_days.and_then(expiry),
        mime_type: (version.major >= 7).then_some(content_type),
    })?;
    if version.major >= 7 {
        toolkit::info(&format!("Uploading artifact: {name}{}", if inputs.packed { ".zip" } else { "" }));
    }
    toolkit::info("Beginning upload of artifact content to blob storage");
    let mut uploading = Uploading::begin(&url)?;
    let mut sink = |segment: Segment<'_>| uploading.take(segment);
    if inputs.packed {
        archive::pack(&entries, inputs.level, &mut sink)?;
    } else {
        archive::raw(first, &mut sink)?;
    }
    let (size, digest) = uploading.finish()?;
    toolkit::info("Finished uploading artifact content to blob storage!");
    let zip = if version.major < 7 { " zip" } else { "" };
    toolkit::info(&format!("SHA256 digest of uploaded artifact{zip} is {digest}"));
    if size == 0 {
        toolkit::warning("No data was uploaded to blob storage. Reported upload byte count is 0.");
    }
    toolkit::info("Finalizing artifact upload");
    let id = service.finalize(&name, size, &digest)?;
    let zip = if version.major < 7 { ".zip" } else { "" };
    toolkit::info(&format!("Artifact {name}{zip} successfully finalized. Artifact ID {id}"));
    toolkit::info(&format!(
        "Artifact {} has been successfully uploaded! Final size is {size} bytes. Artifact ID is {id}",
        inputs.name
    ));
    toolkit::set_output("artifact-id", &id)?;
    toolkit::set_output("artifact-digest", &digest)?;
    let variable = toolkit::variable;
    let url = format!(
        "{}/{}/actions/runs/{}/artifacts/{id}",
        variable("GITHUB_SERVER_URL"),
        variable("GITHUB_REPOSITORY"),
        variable("GITHUB_RUN_ID")
    );
    toolkit::info(&format!("Artifact download URL: {url}"));
    toolkit::set_output("artifact-url", &url)?;
    Ok(true)
}

/// Makes room for the new one. What goes wrong shows when its name is asked for.
fn delete(name: &str) {
    let deleted = || -> Result<Option<String>, StandInError> {
        let service = Service::from_environment()?;
        let found = service.list(Some(name))?;
        found.first().map(|it| service.delete(it)).transpose()
    };
    match deleted() {
        Ok(Some(id)) => toolkit::info(&format!("Artifact '{name}' (ID: {id}) deleted")),
        Ok(None) => toolkit::debug(&format!("Skipping deletion of '{name}', it does not exist")),
        Err(err) => toolkit::debug(&format!("Unable to delete artifact: {}", err.chain())),
    }
}

/// The files with their names in the archive: what is left of their paths without the root.
fn entries(files: &[PathBuf], root: &Path) -> Result<Vec<(PathBuf, String)>, StandInError> {
    let entry = |file: &PathBuf| {
        let relative = file.strip_prefix(root).map_err(|_| {
            StandInError::action(format!(
                "The rootDirectory: {} is not a parent directory of the file: {}",
                root.display(),
                file.display()
            ))
        })?;
        let relative = relative.to_string_lossy().into_owned();
        names::check_path(&format!("/{relative}"))?;
        Ok((file.clone(), relative))
    };
    files.iter().map(entry).collect()
}

/// The folder that the archive's names begin at.
fn root(files: &[PathBuf], search_paths: &[PathBuf]) -> PathBuf {
    match search_paths {
        [] => PathBuf::from("/"),
        [only] => match files {
            // One file that is named as it is: only its own name is kept.
            [file] if file == only => file.parent().unwrap_or(file).to_owned(),
            _ => only.clone(),
        },
        [first, others @ ..] => {
            toolkit::info("Multiple search paths detected. Calculating the least common ancestor of all paths");
            let ancestor = others.iter().fold(first.clone(), |ancestor, path| {
                ancestor.iter().zip(path.iter()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
            });
            toolkit::info(&format!(
                "The least common ancestor is {}. This will be the root directory of the artifact",
                ancestor.display()
            ));
            ancestor
        }
    }
}

/// Says which files would be one where letters have no case.
fn say_alike(files: &[PathBuf]) {
    let mut seen = HashSet::new();
    for file in files {
        if !seen.insert(file.to_string_lossy().to_lowercase()) {
            toolkit::info(&format!(
                "Uploads are case insensitive: {} was detected that it will be overwritten by another file with the same \
                 path",
                file.display()
            ));
        }
    }
}

/// When an artifact is to go: so many days from now, or as many as the repository allows.
fn expiry(days: i64) -> Option<String> {
    let most = toolkit::parse_int(&toolkit::variable("GITHUB_RETENTION_DAYS")).filter(|it| *it != 0);
    let days = match most {
        Some(most) if most < days => {
            toolkit::warning(&format!(
                "Retention days cannot be greater than the maximum allowed retention set within the repository. Using \
                 {most} instead."
            ));
            most
        }
        Some(_) | None => days,
    };
    let hours = jiff::SignedDuration::try_from_hours(days.checked_mul(24)?)?;
    jiff::Timestamp::now().checked_add(hours).ok().map(|it| format!("{it:.3}"))
}

/// What is not packed has a type by its name.
///
/// Source: `@actions/artifact`, `types.ts`
fn mime_type(name: &str) -> &'static str {
    const TYPES: [(&str, &str); 43] = [
        ("txt", "text/plain"),
        ("html", "text/html"),
        ("htm", "text/html"),
        ("css", "text/css"),
        ("csv", "text/csv"),
        ("xml", "text/xml"),
        ("md", "text/markdown"),
        ("js", "application/javascript"),
        ("mjs", "application/javascript"),
        ("json", "application/json"),
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("jpeg", "image/jpeg"),
        ("gif", "image/gif"),
        ("svg", "image/svg+xml"),
        ("webp", "image/webp"),
        ("ico", "image/x-icon"),
        ("bmp", "image/bmp"),
        ("tiff", "image/tiff"),
        ("tif", "image/tiff"),
        ("mp3", "audio/mpeg"),
        ("wav", "audio/wav"),
        ("ogg", "audio/ogg"),
        ("flac", "audio/flac"),
        ("mp4", "video/mp4"),
        ("webm", "video/webm"),
        ("avi", "video/x-msvideo"),
        ("mov", "video/quicktime"),
        ("pdf", "application/pdf"),
        ("doc", "application/msword"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("xls", "application/vnd.ms-excel"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("ppt", "application/vnd.ms-powerpoint"),
        ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("zip", "application/zip"),
        ("tar", "application/x-tar"),
        ("gz", "application/gzip"),
        ("rar", "application/vnd.rar"),
        ("7z", "application/x-7z-compressed"),
        ("wasm", "application/wasm"),
        ("yaml", "application/x-yaml"),
        ("yml", "application/x-yaml"),
    ];
    const FONTS: [(&str, &str); 5] = [
        ("woff", "font/woff"),
        ("woff2", "font/woff2"),
        ("ttf", "font/ttf"),
        ("otf", "font/otf"),
        ("eot", "application/vnd.ms-fontobject"),
    ];
    let extension = Path::new(name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let known = TYPES.iter().chain(&FONTS).find(|(it, _)| *it == extension);
    known.map_or("application/octet-stream", |(_, mime_type)| mime_type)
}
