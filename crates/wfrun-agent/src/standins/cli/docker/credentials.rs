//! Passwords of registries, in Docker's `config.json`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::error::DockerError;
use crate::standins::cli::process::Process;

/// `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
pub(super) fn path(process: &Process<'_>) -> PathBuf {
    let folder = process.variable("DOCKER_CONFIG").map(|folder| process.path(folder));
    folder.unwrap_or_else(|| process.home().join(".docker")).join("config.json")
}

/// The `Authorization` header for a registry, where a login is kept.
pub(super) fn header(registry: &str, process: &Process<'_>) -> Result<Option<String>, DockerError> {
    let config = read(process)?;
    let auths = config["auths"].as_object().into_iter().flatten();
    let mut found = auths.filter(|(server, _)| host(server) == registry);
    let entry = found.next().map(|(_, entry)| entry);
    let encoded = entry.and_then(|entry| match entry["auth"].as_str() {
        Some(auth) => Some(auth.to_owned()),
        None => Some(basic(entry["username"].as_str()?, entry["password"].as_str()?)),
    });
    Ok(encoded.filter(|encoded| !encoded.is_empty()).map(|encoded| format!("Basic {encoded}")))
}

/// Keeps a login.
pub(super) fn keep(registry: &str, user: &str, password: &str, process: &Process<'_>) -> Result<(), DockerError> {
    let mut config = read(process)?;
    if !config["auths"].is_object() {
        config["auths"] = json!({});
    }
    config["auths"][registry] = json!({ "auth": basic(user, password) });
    write(&config, process)
}

/// Forgets a login; says whether there was one.
pub(super) fn forget(registry: &str, process: &Process<'_>) -> Result<bool, DockerError> {
    let mut config = read(process)?;
    let Some(auths) = config.get_mut("auths").and_then(Value::as_object_mut) else {
        return Ok(false);
    };
    let before = auths.len();
    auths.retain(|server, _| host(server) != registry);
    let found = auths.len() < before;
    if found {
        write(&config, process)?;
    }
    Ok(found)
}

/// A server as typed, without scheme and path: `http://127.0.0.1:5557/` is `127.0.0.1:5557`.
pub(super) fn host(server: &str) -> &str {
    let rest = server.strip_prefix("https://").or_else(|| server.strip_prefix("http://")).unwrap_or(server);
    rest.split('/').next().unwrap_or(rest)
}

/// Base64 of `user:password`.
pub(super) fn basic(user: &str, password: &str) -> String {
    STANDARD.encode(format!("{user}:{password}"))
}

fn read(process: &Process<'_>) -> Result<Value, DockerError> {
    let path = path(process);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Value::Object(Map::new())),
        Err(error) => return Err(DockerError::file("read", path)(error)),
    };
    serde_json::from_str(&text).map_err(|error| {
        DockerError::failed(format!("WARNING: Error loading config file: {}: {error}", path.display()))
    })
}

fn write(config: &Value, process: &Process<'_>) -> Result<(), DockerError> {
    let path = path(process);
    let folder = path.parent().unwrap_or(&path);
    fs::create_dir_all(folder).map_err(DockerError::file("create", folder))?;
    let mut bytes = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, indent);
    serde::Serialize::serialize(config, &mut serializer).expect("a value in memory serialises");
    // A new file in the same folder is private from its first byte on, and takes the old one's place at once.
    let file = tempfile::NamedTempFile::new_in(folder).map_err(DockerError::file("create", &path))?;
    let written = fs::write(file.path(), bytes)
        .and_then(|()| fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)));
    written.map_err(DockerError::file("write", &path))?;
    file.persist(&path).map_err(|error| DockerError::file("write", &path)(error.error))?;
    Ok(())
}
