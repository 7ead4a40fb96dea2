//! The stand-in for `actions/download-artifact`.
//!
//! Source: actions/download-artifact, `src/download-artifact.ts`, and `@actions/artifact`, `download-artifact.ts`, for log
//! lines and failures

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::thread;

use percent_encoding::percent_decode_str;
use sha2::{Digest as _, Sha256};

use super::archive;
use super::service::{Listed, Service};
use crate::glob::name_pattern::name_matches;
use crate::standins::error::StandInError;
use crate::standins::http::Payload;
use crate::standins::node_path::resolve;
use crate::standins::toolkit;
use crate::standins::version::Version;

const BUFFER: usize = 256 * 1024;

/// What a digest that does not fit leads to.
#[derive(Clone, Copy, PartialEq)]
enum Mismatch {
    Ignore,
    Info,
    Warn,
    Error,
}

/// What the step asks for.
struct Inputs {
    name: String,
    ids: String,
    pattern: String,
    /// As `path.resolve` makes it.
    target: PathBuf,
    merges: bool,
    unpacks: bool,
    mismatch: Mismatch,
}

pub(super) fn run(version: Version) -> Result<(), StandInError> {
    let inputs = Inputs::read(version)?;
    let service = Service::from_environment()?;
    let artifacts = inputs.choose(&service)?;
    if !artifacts.is_empty() {
        toolkit::info("Preparing to download the following artifacts:");
        for it in &artifacts {
            toolkit::info(&format!("- {} (ID: {}, Size: {}, Expected Digest: {})", it.name, it.id, it.size, it.digest));
        }
    }
    let alone = artifacts.len() == 1 && version.major > 4;
    let together = !inputs.name.is_empty() || inputs.merges || alone;
    let mut mismatches = Vec::new();
    for it in &artifacts {
        let folder = if together { inputs.target.clone() } else { inputs.target.join(&it.name) };
        if download(&service, it, &folder, inputs.unpacks)? != it.digest {
            mismatches.push(it.name.as_str());
        }
    }
    inputs.judge(&mismatches)?;
    toolkit::info(&format!("Total of {} artifact(s) downloaded", artifacts.len()));
    toolkit::set_output("download-path", &inputs.target.to_string_lossy())?;
    toolkit::info("Download artifact has finished successfully");
    Ok(())
}

impl Inputs {
    fn read(version: Version) -> Result<Self, StandInError> {
        let merges = toolkit::strict_boolean_input("merge-multiple")?;
        let unpacks = version.major < 8 || !toolkit::strict_boolean_input("skip-decompress")?;
        let asked = if version.major < 8 { "warn".to_owned() } else { toolkit::input("digest-mismatch") };
        let mismatch = match asked.as_str() {
            "ignore" => Mismatch::Ignore,
            "info" => Mismatch::Info,
            "warn" => Mismatch::Warn,
            "error" | "" => Mismatch::Error,
            other => {
                return Err(StandInError::action(format!(
                    "Invalid value for 'digest-mismatch': '{other}'. Valid options are: ignore, info, warn, error"
                )));
            }
        };
        let (name, ids) = (toolkit::input("name"), toolkit::input("artifact-ids"));
        if !name.is_empty() && !ids.is_empty() {
            return Err(StandInError::action(
                "Inputs 'name' and 'artifact-ids' cannot be used together. Please specify only one.",
            ));
        }
        own_run_only()?;
        Ok(Self { name, ids, pattern: toolkit::input("pattern"), target: target()?, merges, unpacks, mismatch })
    }

    /// The artifacts to download.
    fn choose(&self, service: &Service) -> Result<Vec<Listed>, StandInError> {
        if !self.name.is_empty() {
            toolkit::info("Downloading single artifact");
            let found = service.list(Some(&self.name))?;
            let artifact = found.into_iter().next().ok_or_else(|| {
                StandInError::action(format!(
                    "Artifact not found for name: {}\n        Please ensure that your artifact is not expired and the \
                     artifact was uploaded using a compatible version of toolkit/upload-artifact.\n        For more \
                     information, visit the GitHub Artifacts FAQ: \
                     https://github.com/actions/toolkit/blob/main/packages/artifact/docs/faq.md",
                    self.name
                ))
            })?;
            return Ok(vec![artifact]);
        }
        if !self.ids.is_empty() {
            return by_ids(service, &self.ids);
        }
        let all = list(service)?;
        if self.pattern.is_empty() {
            toolkit::info("No input name, artifact-ids or pattern filtered specified, downloading all artifacts");
            if !self.merges {
                toolkit::info("An extra directory with the artifact name will be created for each download");
            }
            return Ok(all);
        }
        toolkit::info(&format!("Filtering artifacts by pattern '{}'", self.pattern));
        Ok(all.into_iter().filter(|it| name_matches(&self.pattern, &it.name)).collect())
    }

    fn judge(&self, mismatches: &[&str]) -> Result<(), StandInError> {
        for name in mismatches {
            let message =
                format!("Artifact '{name}' digest validation failed. Please verify the integrity of the artifact.");
            match self.mismatch {
                Mismatch::Ignore | Mismatch::Error => {}
                Mismatch::Info => toolkit::info(&message),
                Mismatch::Warn => toolkit::warning(&message),
            }
        }
        if mismatches.is_empty() || self.mismatch != Mismatch::Error {
            return Ok(());
        }
        Err(StandInError::action(format!(
            "Digest validation failed for artifact(s): {}. Use 'digest-mismatch: warn' to continue on mismatch.",
            mismatches.join(", ")
        )))
    }
}

/// With a token the real action asks GitHub's API, for another run or repository, too.
///
/// Differs: `github-token` of `actions/download-artifact` has no effect for the run's own artifacts, and another run's or repository's are not to be had.
fn own_run_only() -> Result<(), StandInError> {
    if toolkit::input("github-token").is_empty() {
        return Ok(());
    }
    let (repository, run) = (toolkit::input("repository"), toolkit::input("run-id"));
    let is_own = |input: &str, variable: &str| input.is_empty() || input == toolkit::variable(variable);
    if is_own(&repository, "GITHUB_REPOSITORY") && is_own(&run, "GITHUB_RUN_ID") {
        let detail = "the run's own artifacts come from its artifact service, not from GitHub's API";
        toolkit::declare(toolkit::How::StandIn, "actions/download-artifact", detail);
        return Ok(());
    }
    Err(StandInError::NotSupported {
        action: "actions/download-artifact",
        what: format!("an artifact of run {run} of {repository}"),
        way_out: "`wfrun download` unpacks those of earlier runs on this machine".to_owned(),
    })
}

fn list(service: &Service) -> Result<Vec<Listed>, StandInError> {
    let all = service.list(None)?;
    toolkit::info(&format!("Found {} artifact(s)", all.len()));
    Ok(all)
}

fn by_ids(service: &Service, ids: &str) -> Result<Vec<Listed>, StandInError> {
    toolkit::info("Downloading artifacts by ID");
    let texts: Vec<&str> = ids.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
    if texts.is_empty() {
        return Err(StandInError::action("No valid artifact IDs provided in 'artifact-ids' input"));
    }
    let number = |text: &&str| {
        let number = toolkit::parse_int(text);
        number.ok_or_else(|| StandInError::action(format!("Invalid artifact ID: '{text}'. Must be a number.")))
    };
    let wanted: Vec<i64> = texts.iter().map(number).collect::<Result<_, _>>()?;
    let is = |artifact: &Listed, id: i64| i64::try_from(artifact.id).is_ok_and(|it| it == id);
    let all = list(service)?;
    let found: Vec<Listed> = all.into_iter().filter(|it| wanted.iter().any(|id| is(it, *id))).collect();
    if found.is_empty() {
        return Err(StandInError::action("None of the provided artifact IDs were found"));
    }
    if found.len() < wanted.len() {
        let missing = wanted.iter().filter(|id| !found.iter().any(|it| is(it, **id)));
        let missing: Vec<String> = missing.map(i64::to_string).collect();
        toolkit::warning(&format!("Could not find the following artifact IDs: {}", missing.join(", ")));
    }
    Ok(found)
}

/// Downloads one and gives back the digest of what came.
fn download(service: &Service, artifact: &Listed, folder: &Path, unpacks: bool) -> Result<String, StandInError> {
    fs::create_dir_all(folder).map_err(StandInError::file("create", folder))?;
    let url = service.url_of(artifact)?;
    toolkit::info(&format!("Redirecting to blob download url: {}", url.split('?').next().unwrap_or_default()));
    toolkit::info(&format!("Starting download of artifact to: {}", folder.display()));
    let failed =
        |err: StandInError| StandInError::action(format!("Unable to download and extract artifact: {}", err.chain()));
    let mut file = toolkit::scratch_file()?;
    let (status, headers) = service.client.send_into("GET", &url, &[], Payload::Empty, &mut file)?;
    if status != 200 {
        return Err(failed(StandInError::action(format!("Unexpected HTTP response from blob storage: {status}"))));
    }
    let header = |name: &str| headers.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value.as_str());
    let content_type = header("content-type").split(';').next().unwrap_or_default().trim().to_lowercase();
    let is_archive = ["application/zip", "application/x-zip-compressed", "application/zip-compressed"];
    let digest = thread::scope(|scope| {
        let digest = scope.spawn(|| digest_of(&file));
        if unpacks && is_archive.contains(&content_type.as_str()) {
            archive::unpack(Shared::of(&file), folder).map_err(failed)?;
        } else {
            let target = folder.join(saved_name(header("content-disposition")));
            toolkit::info(&format!("Downloading raw file (non-zip) to: {}", target.display()));
            let copied = File::create(&target).and_then(|mut saved| io::copy(&mut Shared::of(&file), &mut saved));
            copied.map_err(StandInError::file("write", &target))?;
        }
        let digest = digest.join().unwrap_or_else(|_| Err(io::Error::other("the digest was not made")));
        digest.map_err(StandInError::file("read", "the downloaded artifact"))
    })?;
    toolkit::info(&format!("SHA256 digest of downloaded artifact is {digest}"));
    toolkit::info("Artifact download completed successfully.");
    Ok(format!("sha256:{digest}"))
}

/// The last part of the name that the service gives, as it is or percent-encoded.
fn saved_name(disposition: &str) -> String {
    let parts = || disposition.split(';').map(str::trim);
    let decoded = |it: &str| percent_decode_str(it).decode_utf8_lossy().into_owned();
    let encoded = parts().find_map(|it| it.strip_prefix("filename*=UTF-8''")).map(decoded);
    let plain = parts().find_map(|it| it.strip_prefix("filename=")).map(|it| it.trim_matches('"').to_owned());
    let name = encoded.or(plain).unwrap_or_default();
    let last = Path::new(&name).file_name().map(|it| it.to_string_lossy().into_owned());
    last.unwrap_or_else(|| "artifact".to_owned())
}

/// Where to, from the workspace on; a leading `~` is the home folder.
fn target() -> Result<PathBuf, StandInError> {
    let workspace = toolkit::path_variable("GITHUB_WORKSPACE")?;
    let path = toolkit::input("path");
    let path = match path.strip_prefix('~') {
        Some(rest) => format!("{}{rest}", toolkit::variable("HOME")),
        None => path,
    };
    Ok(resolve(&workspace, path))
}

/// A file that several read at once, each at a position of its own.
struct Shared<'a> {
    file: &'a File,
    position: u64,
}

impl<'a> Shared<'a> {
    fn of(file: &'a File) -> Self {
        Self { file, position: 0 }
    }
}

impl Read for Shared<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Shared<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "a position outside of the file");
        let position = match to {
            SeekFrom::Start(it) => Some(it),
            SeekFrom::Current(it) => self.position.checked_add_signed(it),
            SeekFrom::End(it) => self.file.metadata()?.len().checked_add_signed(it),
        };
        self.position = position.ok_or_else(outside)?;
        Ok(self.position)
    }
}

/// Hexadecimal.
fn digest_of(file: &File) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut reader = Shared::of(file);
    let mut buffer = vec![0; BUFFER];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hex::encode(digest.finalize())),
            count => digest.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::saved_name;

    #[test]
    fn names_are_those_of_files() {
        for (disposition, name) in [
            ("attachment; filename=\"a.txt\"; filename*=UTF-8''%C3%A9%201.txt", "é 1.txt"),
            ("attachment; filename=\"a.txt\"", "a.txt"),
            ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
            ("attachment; filename=\"..\"", "artifact"),
            ("", "artifact"),
            ("attachment; filename*=UTF-8''100%", "100%"),
        ] {
            assert_eq!(saved_name(disposition), name, "{disposition}");
        }
    }
}
