//! What a container is made of: its image by digest, and the engine's socket among what it sees.

use serde_json::{Map, Value};

use super::{Shared, names};
use crate::docker::container::ENGINE_SOCKET;

/// The body of a request for a container, with this machine's names; `None` where it stays as it is.
pub(super) fn rewrite(body: &[u8], shared: &Shared) -> Option<Vec<u8>> {
    let mut wanted: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let mut is_changed = false;
    // An engine knows a digest only of the registry that it asked.
    let image = wanted.get("Image").and_then(Value::as_str);
    let by_digest = image.filter(|it| it.contains("@sha256:")).and_then(|image| {
        let (host, rest) = image.split_once('/')?;
        Some(format!("{}/{rest}", names(&shared.registry, host)?.here))
    });
    if let Some(image) = by_digest {
        wanted.insert("Image".to_owned(), Value::String(image));
        is_changed = true;
    }
    let mut nothing = Map::new();
    let config = wanted.get_mut("HostConfig").and_then(Value::as_object_mut).unwrap_or(&mut nothing);
    for bind in config.get_mut("Binds").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some((source, rest)) = bind.as_str().and_then(|it| it.split_once(':')) else { continue };
        if shared.is_engine(source) {
            *bind = Value::String(format!("{}:{rest}", shared.path.display()));
            is_changed = true;
        }
    }
    for mount in config.get_mut("Mounts").and_then(Value::as_array_mut).into_iter().flatten() {
        let source = mount.get_mut("Source").filter(|it| it.as_str().is_some_and(|it| shared.is_engine(it)));
        if let Some(source) = source {
            *source = Value::String(shared.path.display().to_string());
            is_changed = true;
        }
    }
    is_changed.then(|| Value::Object(wanted).to_string().into_bytes())
}

impl Shared {
    /// Whether a path of this machine is the engine's socket, by its own name or by the one that jobs see.
    fn is_engine(&self, path: &str) -> bool {
        path == ENGINE_SOCKET || path == "/run/docker.sock" || self.engine.as_os_str() == path
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;
    use crate::docker::EcrRegistry;

    #[test]
    fn what_a_container_gets() {
        let registry = EcrRegistry { account: "123456789012".to_owned(), here: "127.0.0.1:5".to_owned() };
        let (path, engine) = ("/w/docker.sock".into(), "/own/engine.sock".into());
        let shared = Shared { path, engine, registry, turns: Mutex::default() };
        let digest = "sha256:00";
        for (wanted, made) in [
            (
                json!({ "Image": format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/a@{digest}"), "Tty": true }),
                Some(json!({ "Image": format!("127.0.0.1:5/a@{digest}"), "Tty": true })),
            ),
            (
                json!({ "HostConfig": { "Binds": ["/var/run/docker.sock:/d:ro", "/own/engine.sock:/e", "/a:/b"] } }),
                Some(json!({ "HostConfig": { "Binds": ["/w/docker.sock:/d:ro", "/w/docker.sock:/e", "/a:/b"]} })),
            ),
            (
                json!({ "HostConfig": { "Mounts": [{ "Source": "/run/docker.sock", "Target": "/d" }, { "Source": "v" }] } }),
                Some(
                    json!({ "HostConfig": { "Mounts": [{ "Source": "/w/docker.sock", "Target": "/d" }, { "Source": "v" }] } }),
                ),
            ),
            (json!({ "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1" }), None),
            (
                json!({ "Image": format!("ghcr.io/a@{digest}"), "HostConfig": { "Binds": ["/a:/var/run/docker.sock"] } }),
                None,
            ),
            (json!("?"), None),
        ] {
            let read = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).expect("JSON");
            let rewritten = rewrite(wanted.to_string().as_bytes(), &shared).map(read);
            assert_eq!(rewritten, made, "{wanted}");
        }
    }
}
