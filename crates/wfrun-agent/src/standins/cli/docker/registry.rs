//! Registries on this machine: login, push, pull.
//!
//! Source: OCI distribution specification; the lines and errors are those of the Docker CLI.

use std::fs::File;
use std::io::Seek as _;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use super::credentials::{self, host};
use super::error::DockerError;
use super::image::MANIFEST_TYPE;
use super::layer::{self, Layer};
use super::reference::{DOCKER_HUB, Reference, is_digest};
use super::short;
use super::store::{Image, Store};
use crate::ecr_registry::{self, EcrRegistry};
use crate::standins::cli::process::{How, Process};
use crate::standins::http::{Client, HttpError, Payload, Response};

const NOT_FOUND: u16 = 404;
const TOO_MANY_REQUESTS: u16 = 429;

/// Before the second attempt; each further one waits so much longer.
const PAUSE: Duration = Duration::from_millis(50);

const OCI_MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// Where a registry is on this machine, as `127.0.0.1:5000`; `None` for one that is elsewhere.
///
/// The emulated account's has Amazon's name, where the run says so.
pub(super) fn address(registry: &str, process: &Process<'_>) -> Option<String> {
    let named = process.variable(ecr_registry::VARIABLE).and_then(EcrRegistry::of_variable);
    let named = named.filter(|it| it.is_named(registry)).map(|it| it.here);
    let address = named.unwrap_or_else(|| registry.to_owned());
    is_here(&address).then_some(address)
}

/// Whether a registry is on this machine, without asking a name server: a loopback address, `localhost`, or a name that
/// `/etc/hosts` maps to one.
fn is_here(registry: &str) -> bool {
    let name = registry.rsplit_once(':').map_or(registry, |(name, _)| name).trim_matches(['[', ']']);
    if name == "localhost" {
        return true;
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.is_loopback();
    }
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mapped = hosts.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    });
    let addresses: Vec<IpAddr> = mapped.collect();
    !addresses.is_empty() && addresses.iter().all(IpAddr::is_loopback)
}

/// A conversation with one registry.
struct Registry {
    client: Client,
    /// `http://host`.
    base: String,
    authorization: Option<String>,
}

impl Registry {
    /// Opens a registry with the login that is kept for it. One that is not on this machine is refused.
    fn open(name: &str, authorization: Option<String>, process: &Process<'_>) -> Result<Self, DockerError> {
        let address = address(name, process).ok_or_else(|| DockerError::Elsewhere { registry: name.to_owned() })?;
        Ok(Self { client: Client::new(), base: format!("http://{address}"), authorization })
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        payload: Payload<'_>,
    ) -> Result<Response, DockerError> {
        let url = if path.starts_with("http://") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut headers = headers.to_vec();
        if let Some(authorization) = &self.authorization {
            headers.push(("authorization", authorization));
        }
        let no_answer = |source: HttpError| DockerError::NoAnswer { url: format!("{}/v2/", self.base), source };
        // The engine tries a layer five times.
        for attempt in 1..5 {
            let response = self.client.send(method, &url, &headers, payload).map_err(no_answer)?;
            if response.status != TOO_MANY_REQUESTS {
                return Ok(response);
            }
            if let Payload::File(mut file, _) = payload
                && file.rewind().is_err()
            {
                return Ok(response);
            }
            std::thread::sleep(PAUSE * attempt);
        }
        self.client.send(method, &url, &headers, payload).map_err(no_answer)
    }

    /// Asks `/v2/`: an answer says that this is a registry and that the login holds.
    fn ping(&self) -> Result<Response, DockerError> {
        self.send("GET", "/v2/", &[], Payload::Empty)
    }

    /// Puts a blob in a repository; `false` where it was there.
    fn put_blob(&self, repository: &str, digest: &str, store: &Store) -> Result<bool, DockerError> {
        let there = self.send("HEAD", &format!("/v2/{repository}/blobs/{digest}"), &[], Payload::Empty)?;
        if there.is_success() {
            return Ok(false);
        }
        // Anything but its absence is no reason to go on: what may not be asked for may not be pushed.
        if there.status != NOT_FOUND {
            return self.succeeded(there).map(|_| false);
        }
        let begun = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], Payload::Bytes(b""))?;
        let begun = self.succeeded(begun)?;
        let location = begun.header("location").unwrap_or_default();
        let separator = if location.contains('?') { '&' } else { '?' };
        let path = store.blob(digest);
        let file = File::open(&path).map_err(DockerError::file("open", &path))?;
        let size = file.metadata().map_err(DockerError::file("read", &path))?.len();
        let headers = [("content-type", "application/octet-stream")];
        let target = format!("{location}{separator}digest={digest}");
        self.succeeded(self.send("PUT", &target, &headers, Payload::File(&file, size))?)?;
        Ok(true)
    }

    /// The answer, or its error in Docker's words.
    fn succeeded(&self, answer: Response) -> Result<Response, DockerError> {
        if answer.is_success() {
            return Ok(answer);
        }
        if answer.status == 401 && self.authorization.is_none() {
            return Err(DockerError::failed("no basic auth credentials"));
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        let error = &body["errors"][0];
        let Some(code) = error["code"].as_str() else {
            if (400..500).contains(&answer.status) && answer.body.is_empty() {
                let number = answer.status;
                let why = format!("error parsing HTTP {number} response body: unexpected end of JSON input: \"\"");
                return Err(DockerError::failed(why));
            }
            let (status, text) = (status(answer.status), answer.text());
            return Err(DockerError::failed(format!("received unexpected HTTP status: {status}: {}", text.trim())));
        };
        let code = code.to_lowercase().replace('_', " ");
        Err(DockerError::failed(format!("{code}: {}", error["message"].as_str().unwrap_or("unknown error"))))
    }
}

/// Verifies a login and keeps it.
pub(super) fn login(
    server: Option<&str>,
    user: &str,
    password: &str,
    process: &mut Process<'_>,
) -> Result<(), DockerError> {
    let name = host(server.unwrap_or(DOCKER_HUB)).to_owned();
    let authorization = format!("Basic {}", credentials::basic(user, password));
    let registry = Registry::open(&name, Some(authorization), process)?;
    let answer = registry.ping()?;
    if !answer.is_success() {
        let (url, status) = (format!("{}/v2/", registry.base), status(answer.status));
        return Err(DockerError::daemon(format!("login attempt to {url} failed with status: {status}")));
    }
    credentials::keep(&name, user, password, process)
}

/// Pushes one tag, or `name` as `latest`; `is_quiet`: without a word.
pub(super) fn push(name: &str, is_quiet: bool, process: &mut Process<'_>) -> Result<(), DockerError> {
    let given = Reference::parse(name)?;
    if given.tag.is_none() && !is_quiet {
        process.line("Using default tag: latest");
    }
    let reference = given.with_default_tag();
    push_tags(&reference.repository(), reference.tag.as_deref(), is_quiet, process)
}

/// Pushes a tag of a repository, or all its tags.
pub(super) fn push_tags(
    repository: &str,
    tag: Option<&str>,
    is_quiet: bool,
    process: &mut Process<'_>,
) -> Result<(), DockerError> {
    let reference = Reference::parse(repository)?;
    let store = Store::of(process);
    let shown = if reference.registry.is_none() && !reference.path.contains('/') {
        format!("{DOCKER_HUB}/library/{repository}")
    } else if reference.registry.is_none() {
        format!("{DOCKER_HUB}/{repository}")
    } else {
        repository.to_owned()
    };
    let say = |process: &mut Process<'_>, line: String| {
        if !is_quiet {
            process.line(&line);
        }
    };
    say(process, format!("The push refers to repository [{shown}]"));
    let prefix = format!("{repository}:");
    let index = store.index()?;
    let known: Vec<(String, String)> = index
        .tags
        .iter()
        .filter_map(|(name, id)| Some((name.strip_prefix(&prefix)?.to_owned(), id.clone())))
        .filter(|(name, _)| !name.contains('/'))
        .collect();
    if known.is_empty() {
        return Err(DockerError::failed(format!("An image does not exist locally with the tag: {repository}")));
    }
    let wanted: Vec<&(String, String)> = known.iter().filter(|(name, _)| tag.is_none_or(|tag| tag == name)).collect();
    if wanted.is_empty() {
        return Err(DockerError::failed(format!("tag does not exist: {prefix}{}", tag.unwrap_or_default())));
    }
    let name = reference.registry.as_deref().unwrap_or(DOCKER_HUB);
    let registry = Registry::open(name, credentials::header(name, process)?, process)?;
    for (tag, id) in wanted {
        let image = index.images.get(id).cloned();
        let image =
            image.ok_or_else(|| DockerError::failed(format!("the image of {prefix}{tag} is gone; build it again")))?;
        push_image(&registry, (&reference, tag), &image, &store, &say, process)?;
    }
    Ok(())
}

fn push_image(
    registry: &Registry,
    (reference, tag): (&Reference, &str),
    image: &Image,
    store: &Store,
    say: &dyn Fn(&mut Process<'_>, String),
    process: &mut Process<'_>,
) -> Result<(), DockerError> {
    if let Some(first) = image.missing.first() {
        let detail = format!("the image of {reference}:{tag} is incomplete: {first}");
        process.declare(How::Simulated, "docker push", &detail);
    }
    // The topmost layer goes first.
    let layers: Vec<&Layer> = image.layers.iter().rev().collect();
    for layer in &layers {
        say(process, format!("{}: Preparing", short(&layer.diff_id)));
    }
    for layer in layers {
        let pushed = registry.put_blob(&reference.path, &layer.digest, store)?;
        let outcome = if pushed { "Pushed" } else { "Layer already exists" };
        say(process, format!("{}: {outcome}", short(&layer.diff_id)));
    }
    registry.put_blob(&reference.path, &image.id, store)?;
    let manifest = store.manifest(image)?;
    let headers = [("content-type", MANIFEST_TYPE)];
    let path = format!("/v2/{}/manifests/{tag}", reference.path);
    registry.succeeded(registry.send("PUT", &path, &headers, Payload::Bytes(&manifest))?)?;
    let digest = layer::digest(&manifest);
    say(process, format!("{tag}: digest: {digest} size: {}", manifest.len()));
    remember(store, &image.id, format!("{}@{digest}", reference.repository()))
}

fn remember(store: &Store, id: &str, repo_digest: String) -> Result<(), DockerError> {
    store.update(|index| {
        if let Some(image) = index.images.get_mut(id)
            && !image.repo_digests.contains(&repo_digest)
        {
            image.repo_digests.push(repo_digest);
        }
        Ok(())
    })
}

/// Pulls an image into the store, under its name; `is_quiet`: without a word.
///
/// Differs: an image index is refused, since the registries of this machine hold single images.
pub(super) fn pull(
    reference: &Reference,
    store: &Store,
    is_quiet: bool,
    process: &mut Process<'_>,
) -> Result<Image, DockerError> {
    let name = reference.registry.as_deref().unwrap_or(DOCKER_HUB);
    let registry = Registry::open(name, credentials::header(name, process)?, process)?;
    let wanted = reference.digest.as_deref().or(reference.tag.as_deref()).unwrap_or("latest");
    let accept = format!("{MANIFEST_TYPE}, {OCI_MANIFEST_TYPE}");
    let path = format!("/v2/{}/manifests/{wanted}", reference.path);
    let answer = registry.send("GET", &path, &[("accept", &accept)], Payload::Empty)?;
    let answer = registry.succeeded(answer).map_err(|error| match error.to_string() {
        text if text.starts_with("manifest unknown") => {
            DockerError::daemon(format!("manifest for {reference} not found: {text}"))
        }
        text => {
            let shown = reference.repository();
            DockerError::daemon(format!(
                "pull access denied for {shown}, repository does not exist or may require 'docker login': {text}"
            ))
        }
    })?;
    let manifest: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let Some(described) = manifest["layers"].as_array() else {
        return Err(DockerError::daemon(format!(
            "`{reference}` is no single image; wfrun's stand-in for `docker` pulls no index"
        )));
    };
    let fetch = |digest: &str| -> Result<(), DockerError> {
        if !is_digest(digest) {
            return Err(DockerError::daemon(format!(
                "the manifest of {reference} has the invalid digest \"{digest}\""
            )));
        }
        if store.blob(digest).exists() {
            return Ok(());
        }
        let answer = registry.send("GET", &format!("/v2/{}/blobs/{digest}", reference.path), &[], Payload::Empty)?;
        let body = registry.succeeded(answer)?.body;
        if layer::digest(&body) != digest {
            return Err(DockerError::daemon(format!("filesystem layer verification failed for digest {digest}")));
        }
        store.keep_bytes(&body).map(|_| ())
    };
    let id = manifest["config"]["digest"].as_str().unwrap_or_default().to_owned();
    fetch(&id)?;
    let mut image = Image { id: id.clone(), layers: Vec::new(), repo_digests: Vec::new(), missing: Vec::new() };
    let (_, config) = store.config(&image)?;
    image.missing = config.missing();
    let mut say = |line: String| {
        if !is_quiet {
            process.line(&line);
        }
    };
    say(format!("{wanted}: Pulling from {}", reference.path));
    for (at, layer) in described.iter().enumerate() {
        let digest = layer["digest"].as_str().unwrap_or_default().to_owned();
        fetch(&digest)?;
        say(format!("{}: Pull complete", short(&digest)));
        let size = layer["size"].as_u64().unwrap_or_default();
        let diff_id = config.rootfs.diff_ids.get(at).cloned().unwrap_or_default();
        image.layers.push(Layer { digest, diff_id, size, content_size: size });
    }
    let digest = layer::digest(&answer.body);
    say(format!("Digest: {digest}"));
    say(format!("Status: Downloaded newer image for {reference}"));
    image.repo_digests.push(format!("{}@{digest}", reference.repository()));
    store.update(|index| {
        index.images.insert(id.clone(), image.clone());
        if reference.tag.is_some() {
            index.tags.insert(reference.to_string(), id);
        }
        Ok(())
    })?;
    Ok(image)
}

/// A status as Go writes it.
fn status(code: u16) -> String {
    match code {
        400 => "400 Bad Request".to_owned(),
        401 => "401 Unauthorized".to_owned(),
        403 => "403 Forbidden".to_owned(),
        404 => "404 Not Found".to_owned(),
        500 => "500 Internal Server Error".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_is_on_this_machine() {
        let cases = [
            ("127.0.0.1:5557", true),
            ("127.77.0.1", true),
            ("localhost:5000", true),
            ("[::1]:5000", true),
            ("10.0.0.1:5000", false),
            ("docker.io", false),
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com.invalid", false),
        ];
        for (name, here) in cases {
            assert_eq!(is_here(name), here, "{name}");
        }
    }
}
