//! An image's configuration and manifest.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::layer::Layer;

/// The media types that `docker push` sends. Source: Docker, "Image Manifest Version 2, Schema 2".
pub(super) const MANIFEST_TYPE: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Marks a line of the history that says what is not in the image.
const MISSING: &str = "not made by wfrun's stand-in for docker";
const CONFIG_TYPE: &str = "application/vnd.docker.container.image.v1+json";
const LAYER_TYPE: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// This machine's, in Docker's words.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// What an image says about itself. Source: OCI image specification, "Image configuration", with Docker's additions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ImageConfig {
    pub(super) architecture: String,
    #[serde(default)]
    pub(super) config: RunConfig,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<String>,
    #[serde(default)]
    pub(super) history: Vec<History>,
    pub(super) os: String,
    pub(super) rootfs: RootFs,
}

/// How a container of an image starts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "the members of the format")]
pub(super) struct RunConfig {
    pub(super) hostname: String,
    pub(super) domainname: String,
    pub(super) user: String,
    pub(super) attach_stdin: bool,
    pub(super) attach_stdout: bool,
    pub(super) attach_stderr: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exposed_ports: Option<IndexMap<String, Value>>,
    pub(super) tty: bool,
    pub(super) open_stdin: bool,
    pub(super) stdin_once: bool,
    pub(super) env: Option<Vec<String>>,
    pub(super) cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) healthcheck: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) args_escaped: Option<bool>,
    pub(super) image: String,
    pub(super) volumes: Option<IndexMap<String, Value>>,
    pub(super) working_dir: String,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) on_build: Option<Vec<String>>,
    pub(super) labels: Option<IndexMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_signal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shell: Option<Vec<String>>,
}

/// One step of an image's making.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct History {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<String>,
    #[serde(default)]
    pub(super) created_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) empty_layer: bool,
}

/// The layers of an image, uncompressed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RootFs {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) diff_ids: Vec<String>,
}

impl ImageConfig {
    /// An image of nothing, for this machine.
    pub(super) fn empty() -> Self {
        Self {
            architecture: architecture().to_owned(),
            config: RunConfig::default(),
            created: None,
            author: None,
            history: Vec::new(),
            os: "linux".to_owned(),
            rootfs: RootFs { kind: "layers".to_owned(), diff_ids: Vec::new() },
        }
    }

    /// Writes into the history what the image lacks, so that it is known wherever the image goes.
    pub(super) fn note_missing(&mut self, missing: &[String]) {
        let known = self.missing();
        for sentence in missing.iter().filter(|sentence| !known.contains(sentence)) {
            let (created, comment) = (self.created.clone(), Some(MISSING.to_owned()));
            self.history.push(History { created, created_by: sentence.clone(), comment, empty_layer: true });
        }
    }

    /// What the image lacks, by its history.
    pub(super) fn missing(&self) -> Vec<String> {
        let notes = self.history.iter().filter(|step| step.comment.as_deref() == Some(MISSING));
        notes.map(|step| step.created_by.clone()).collect()
    }

    /// The bytes whose digest is the image's id.
    pub(super) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a configuration serialises")
    }
}

/// The manifest of an image, as `docker push` lays it out.
pub(super) fn manifest(config_digest: &str, config_size: u64, layers: &[Layer]) -> Vec<u8> {
    let layers: Vec<Value> = layers
        .iter()
        .map(|layer| json!({ "mediaType": LAYER_TYPE, "size": layer.size, "digest": layer.digest }))
        .collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": { "mediaType": CONFIG_TYPE, "size": config_size, "digest": config_digest },
        "layers": layers,
    });
    let mut bytes = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"   ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, indent);
    manifest.serialize(&mut serializer).expect("a value in memory serialises");
    bytes
}
