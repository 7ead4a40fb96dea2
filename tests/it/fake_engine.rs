//! An engine that has images and nothing else: what it is asked for is on record.
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

/// A Docker engine on a socket of its own, for as long as the value lives.
pub(crate) struct FakeEngine {
    dir: TempDir,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Ids by name.
    images: BTreeMap<String, String>,
    /// What its registry has.
    registry: BTreeMap<String, String>,
    /// `METHOD path` of what was asked, without the API's version.
    asked: Vec<String>,
    /// The images of which containers were to be made.
    made: Vec<String>,
    /// How many images were saved: each archive is of another time.
    saved: u64,
}

impl FakeEngine {
    pub(crate) fn new(images: &[(&str, &str)], registry: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let map = |all: &[(&str, &str)]| all.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect();
        let state = State { images: map(images), registry: map(registry), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let listener = UnixListener::bind(dir.path().join("docker.sock")).expect("a socket");
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { dir, state }
    }

    /// The value of `DOCKER_HOST`.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.dir.path().join("docker.sock").display())
    }

    /// The images that it has, `name id` each.
    pub(crate) fn images(&self) -> Vec<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.images.iter().map(|(name, id)| format!("{name} {id}")).collect()
    }

    /// The images of which containers were to be made.
    pub(crate) fn made(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).made.clone()
    }

    /// What it was asked for since the last look, of paths with `part` in them.
    pub(crate) fn asked(&self, part: &str) -> Vec<String> {
        let asked = std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).asked);
        asked.into_iter().filter(|it| it.contains(part)).collect()
    }
}

/// Answers one request after the other until the client goes.
fn serve(stream: UnixStream, state: &Mutex<State>) {
    let Ok(mut writer) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    while let Some((line, body)) = request(&mut reader) {
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = without_version(path);
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked.push(format!("{method} {path}"));
        let (status, answer) = state.answer(method, path, &body);
        drop(state);
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&answer)).is_err() {
            return;
        }
    }
}

/// The first line of a request, and its body.
fn request(reader: &mut BufReader<UnixStream>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|it| *it > 0)?;
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        length = header.strip_prefix("content-length:").and_then(|it| it.trim().parse().ok()).unwrap_or(length);
        is_chunked |= header == "transfer-encoding: chunked";
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    while is_chunked {
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        body.extend(&chunk[..size]);
        is_chunked = size > 0;
    }
    Some((line.trim().to_owned(), body))
}

/// `/v1.41/images/…` is `/images/…`.
fn without_version(path: &str) -> &str {
    let rest = path.strip_prefix("/v").and_then(|it| it.find('/').map(|at| &it[at..]));
    rest.filter(|_| path[2..].starts_with(|it: char| it.is_ascii_digit())).unwrap_or(path)
}

impl State {
    fn answer(&mut self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let json = |text: String| (200, text.into_bytes());
        let missing = |name: &str| (404, format!("{{\"message\":\"No such image: {name}\"}}").into_bytes());
        let of = |suffix: &str| Some(path.strip_prefix("/images/")?.strip_suffix(suffix)?.replace("%3A", ":"));
        if path == "/version" {
            return json(r#"{"ApiVersion":"1.41","MinAPIVersion":"1.12","Version":"20.10.24"}"#.to_owned());
        }
        if let (Some(name), "GET") = (of("/json"), method) {
            let found = self.images.get(&name).or_else(|| self.images.values().find(|it| **it == name));
            return found.map_or_else(|| missing(&name), |id| json(format!("{{\"Id\":\"{id}\"}}")));
        }
        if let (Some(name), "GET") = (of("/get"), method) {
            self.saved += 1;
            return match self.images.get(&name) {
                Some(id) => (200, archive(&name, id, self.saved)),
                None => missing(&name),
            };
        }
        if path.starts_with("/images/load") {
            let (name, id) = content(body);
            // An archive knows no digests of registries: such an image is known by its id only.
            let name = if name.contains('@') { id.clone() } else { name };
            self.images.insert(name, id);
            return json("{\"stream\":\"Loaded image\"}".to_owned());
        }
        if let Some(query) = path.strip_prefix("/images/create?") {
            let name = query.split('&').find_map(|it| it.strip_prefix("fromImage=")).unwrap_or_default();
            let name = name.replace("%3A", ":").replace("%2F", "/");
            return match self.registry.get(&name).cloned() {
                Some(id) => {
                    self.images.insert(name, id);
                    json("{\"status\":\"done\"}".to_owned())
                }
                None => (404, b"{\"message\":\"manifest unknown\"}".to_vec()),
            };
        }
        if path == "/networks/create" {
            return (201, b"{\"Id\":\"net\",\"Warning\":\"\"}".to_vec());
        }
        if path.starts_with("/containers/create") {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            self.made.push(body["Image"].as_str().unwrap_or_default().to_owned());
        }
        (500, format!("{{\"message\":\"nobody taught this engine {method} {path}\"}}").into_bytes())
    }
}

/// An archive of an image, with a time in it.
fn archive(name: &str, id: &str, time: u64) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, text) in [("manifest.json", format!("{name} {id}")), ("a/layer", "x".repeat(1000))] {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_mtime(time);
        header.set_size(text.len() as u64);
        builder.append_data(&mut header, path, text.as_bytes()).expect("an entry");
    }
    builder.into_inner().expect("an archive")
}

/// Name and id of the image in an archive.
fn content(archive: &[u8]) -> (String, String) {
    let mut tar = tar::Archive::new(archive);
    for entry in tar.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        if entry.path().expect("a path").ends_with("manifest.json") {
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("a text");
            let (name, id) = text.split_once(' ').expect("a name and an id");
            return (name.to_owned(), id.to_owned());
        }
    }
    panic!("no image is in the archive");
}
