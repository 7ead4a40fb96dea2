//! A manifest on its way into a repository, from the registry or from `PutImage`.

use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};

use super::store::{Algorithm, Digest};
use crate::ecr::{Manifest, Repository};

pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGES: [&str; 2] =
    ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"];
const INDEXES: [&str; 2] = ["application/vnd.docker.distribution.manifest.list.v2+json", OCI_INDEX];

/// A manifest that was read.
pub(crate) struct PushedManifest {
    pub(crate) digest: String,
    pub(crate) media_type: String,
    /// The manifest that this one is about.
    pub(crate) subject: Option<String>,
    tag: Option<String>,
    size: u64,
    body: Value,
}

/// Why a manifest does not enter.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// It is not a manifest, and why.
    Invalid(String),
    /// The tag is none.
    Tag(String),
    /// It has another digest than was said.
    Digest { found: String, asked: String },
    /// Configuration or layers that are not in the repository.
    LayersMissing(Vec<String>),
    /// Manifests that are not in the repository.
    ImagesMissing(Vec<String>),
    /// The tag is taken for good; ECR's sentence about it.
    Immutable(String),
    /// The folder cannot be written.
    Disk(String),
}

impl PushedManifest {
    /// Reads `bytes`, declared to be of a media type, to have a digest, to be tagged.
    pub(crate) fn read(
        bytes: &[u8],
        declared: Option<&str>,
        digest: Option<&str>,
        tag: Option<&str>,
    ) -> Result<Self, Rejection> {
        let body: Value = serde_json::from_slice(bytes)
            .map_err(|err| Rejection::Invalid(format!("the manifest is not JSON: {err}")))?;
        let media_type = media_type(declared, &body).map_err(Rejection::Invalid)?;
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(Rejection::Tag(tag.to_owned()));
        }
        let pushed = Self {
            digest: digest_of(bytes, digest)?,
            subject: body["subject"]["digest"].as_str().map(ToOwned::to_owned),
            tag: tag.map(ToOwned::to_owned),
            size: u64::try_from(bytes.len()).unwrap_or_default(),
            media_type,
            body,
        };
        pushed.is_whole().map_err(Rejection::Invalid)?;
        Ok(pushed)
    }

    /// Everything a manifest names must be in the repository before it.
    pub(crate) fn check(&self, repository: &Repository) -> Result<(), Rejection> {
        if self.is_index() {
            let missing = missing(self.children(), |digest| repository.manifests.contains_key(digest));
            return if missing.is_empty() { Ok(()) } else { Err(Rejection::ImagesMissing(missing)) };
        }
        let here = self.layers().filter(|part| !is_fetched_elsewhere(part));
        let missing = missing(here, |digest| repository.blobs.contains_key(digest));
        if missing.is_empty() { Ok(()) } else { Err(Rejection::LayersMissing(missing)) }
    }

    /// Puts the manifest under its digest and its tag.
    pub(crate) fn enter(&self, repository: &mut Repository, name: &str, now_ms: u64) -> Result<(), Rejection> {
        // Asked again where it is decided: another request may have deleted a layer or set the tag.
        self.check(repository)?;
        if let Some(tag) = &self.tag {
            let moved = repository.tags.get(tag).is_some_and(|tagged| *tagged != self.digest);
            if moved && repository.is_immutable(tag) {
                return Err(Rejection::Immutable(immutable(tag, name)));
            }
            repository.tags.insert(tag.clone(), self.digest.clone());
        }
        let parts = if self.is_index() { self.children().collect::<Vec<_>>() } else { self.layers().collect() };
        repository.manifests.entry(self.digest.clone()).or_insert_with(|| Manifest {
            artifact_media_type: artifact_type(&self.body).map(ToOwned::to_owned),
            size: self.size,
            image_size: self.layers().filter_map(|part| part["size"].as_u64()).fold(0, u64::saturating_add),
            pushed_at_ms: now_ms,
            pulled_at_ms: None,
            subject: self.subject.clone(),
            parts: parts.iter().filter_map(|part| part["digest"].as_str()).map(ToOwned::to_owned).collect(),
            media_type: self.media_type.clone(),
        });
        Ok(())
    }

    fn is_index(&self) -> bool {
        INDEXES.contains(&self.media_type.as_str())
    }

    /// Whether it has what every manifest of its type has, each part with a digest that can be looked for.
    fn is_whole(&self) -> Result<(), String> {
        let named = |part: &Value| part["digest"].as_str().is_some_and(|digest| Digest::read(digest).is_some());
        if self.is_index() {
            let children = self.body["manifests"].as_array().ok_or("`manifests` is not a list")?;
            return if children.iter().all(named) { Ok(()) } else { Err("a manifest has no digest".to_owned()) };
        }
        if !named(&self.body["config"]) {
            return Err("`config.digest` is missing".to_owned());
        }
        let layers = self.body["layers"].as_array().ok_or("`layers` is not a list")?;
        if layers.iter().all(named) { Ok(()) } else { Err("a layer has no digest".to_owned()) }
    }

    fn children(&self) -> impl Iterator<Item = &Value> {
        self.body["manifests"].as_array().into_iter().flatten()
    }

    /// Configuration and layers.
    fn layers(&self) -> impl Iterator<Item = &Value> {
        self.body.get("config").into_iter().chain(self.body["layers"].as_array().into_iter().flatten())
    }
}

/// ECR's words for a tag that stays.
///
/// Source: AWS ECR user guide, "Preventing image tags from being overwritten".
fn immutable(tag: &str, name: &str) -> String {
    format!(
        "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the tag is immutable."
    )
}

fn missing<'a>(parts: impl Iterator<Item = &'a Value>, is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let digests = parts.filter_map(|part| part["digest"].as_str());
    digests.filter(|digest| !is_there(digest)).map(ToOwned::to_owned).collect()
}

/// Layers that nobody pushes.
///
/// Source: OCI image specification, "Non-distributable layers"; Docker's image manifest 2.2, foreign layers with `urls`.
fn is_fetched_elsewhere(part: &Value) -> bool {
    let kind = part["mediaType"].as_str().unwrap_or_default();
    part["urls"].as_array().is_some_and(|urls| !urls.is_empty())
        || kind.contains("foreign")
        || kind.contains("nondistributable")
}

/// The type the client declares; the manifest's own must agree.
fn media_type(declared: Option<&str>, body: &Value) -> Result<String, String> {
    let declared = declared.map(|value| value.split(';').next().unwrap_or_default().trim());
    let own = body["mediaType"].as_str();
    let media_type = match (declared, own) {
        (Some(declared), Some(own)) if declared != own => {
            return Err(format!("the manifest says it is `{own}`, the header says `{declared}`"));
        }
        (Some(known), _) | (None, Some(known)) => known,
        (None, None) => return Err("neither header nor manifest say a media type".to_owned()),
    };
    if IMAGES.contains(&media_type) || INDEXES.contains(&media_type) {
        Ok(media_type.to_owned())
    } else {
        Err(format!("the media type `{media_type}` is not supported"))
    }
}

pub(super) fn artifact_type(body: &Value) -> Option<&str> {
    body["artifactType"].as_str().or_else(|| body["config"]["mediaType"].as_str())
}

/// The digest of `bytes`, by the algorithm of the one that is asked for, which then must match.
fn digest_of(bytes: &[u8], asked: Option<&str>) -> Result<String, Rejection> {
    let algorithm = asked.and_then(Digest::read).map(|digest| digest.algorithm);
    let found = match algorithm {
        Some(Algorithm::Sha512) => format!("sha512:{}", hex::encode(Sha512::digest(bytes))),
        Some(Algorithm::Sha256) | None => format!("sha256:{}", hex::encode(Sha256::digest(bytes))),
    };
    match asked {
        Some(asked) if asked != found => Err(Rejection::Digest { found, asked: asked.to_owned() }),
        Some(_) | None => Ok(found),
    }
}

/// Source: OCI distribution specification 1.1: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn is_tag(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::{is_tag, media_type};
    use serde_json::json;

    #[test]
    fn tags() {
        for tag in ["latest", "_x", "v1.2-3", "0", &"a".repeat(128)] {
            assert!(is_tag(tag), "{tag}");
        }
        for tag in ["", ".x", "-x", "a/b", "a b", &"a".repeat(129)] {
            assert!(!is_tag(tag), "{tag}");
        }
    }

    #[test]
    fn media_types() {
        let oci = "application/vnd.oci.image.manifest.v1+json";
        let docker = "application/vnd.docker.distribution.manifest.v2+json";
        let schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        assert_eq!(media_type(Some(docker), &json!({})).as_deref(), Ok(docker));
        assert_eq!(
            media_type(Some(&format!("{oci}; charset=utf-8")), &json!({ "mediaType": oci })).as_deref(),
            Ok(oci)
        );
        assert_eq!(media_type(None, &json!({ "mediaType": oci })).as_deref(), Ok(oci));
        assert!(media_type(Some(docker), &json!({ "mediaType": oci })).is_err());
        assert!(media_type(Some(schema1), &json!({})).is_err());
        assert!(media_type(None, &json!({})).is_err());
    }
}
