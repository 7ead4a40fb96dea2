//! Manifests: what tags name.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use super::fault::Fault;
use super::route::{Visit, created, empty, parameter};
use super::store::{Algorithm, Digest};
use crate::account_file::TagMutability;
use crate::ecr::{Manifest, Repository};

/// Source: OCI distribution specification 1.1, "Pushing manifests": registries should take at least 4 MiB.
const SIZE_LIMIT: usize = 4 * 1024 * 1024;
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGES: [&str; 2] =
    ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"];
const INDEXES: [&str; 2] = ["application/vnd.docker.distribution.manifest.list.v2+json", OCI_INDEX];

/// `HEAD` and `GET` of a manifest, by tag or digest.
///
/// Source: OCI distribution specification 1.1, "Pulling manifests"; the message is ECR's.
/// Differs: the stored manifest is returned also where its type is not among the accepted ones.
pub(super) fn get(visit: &Visit<'_>, reference: &str, with_body: bool) -> Result<Response<Body>, Fault> {
    let unknown = || Fault::missing("MANIFEST_UNKNOWN", "Requested image not found");
    let found = visit.repository(|repository| {
        let digest = repository.resolve(reference)?;
        Some((digest.to_owned(), repository.manifests.get(digest)?.clone()))
    })?;
    let (digest, manifest) = found.ok_or_else(unknown)?;
    let bytes =
        if with_body { visit.account.registry().read_manifest(&digest).map_err(|_| unknown())? } else { Vec::new() };
    Response::builder()
        .header(header::CONTENT_TYPE, manifest.media_type)
        .header(header::CONTENT_LENGTH, manifest.size)
        .header("docker-content-digest", digest)
        .body(Body::from(bytes))
        .map_err(|err| Fault::bad("UNSUPPORTED", err.to_string()))
}

/// `PUT` of a manifest, by tag or digest.
///
/// Source: OCI distribution specification 1.1, "Pushing manifests"; AWS ECR user guide, "Preventing image tags from being overwritten".
pub(super) async fn put(
    visit: &Visit<'_>,
    name: &str,
    reference: &str,
    request: Request<Body>,
) -> Result<Response<Body>, Fault> {
    let declared =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let bytes = to_bytes(request.into_body(), SIZE_LIMIT).await.map_err(|_| {
        Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", format!("a manifest has at most {SIZE_LIMIT} bytes"))
    })?;
    let invalid = |message: String| Fault::bad("MANIFEST_INVALID", message);
    let body: Value =
        serde_json::from_slice(&bytes).map_err(|err| invalid(format!("the manifest is not JSON: {err}")))?;
    let media_type = media_type(declared.as_deref(), &body).map_err(invalid)?;
    let by_digest = reference.contains(':');
    let digest = digest_of(&bytes, reference)?;
    if !by_digest && !is_tag(reference) {
        return Err(Fault::bad("TAG_INVALID", format!("`{reference}` is not a tag")));
    }
    let checked = Digest::read(&digest).ok_or_else(|| invalid("the digest has no known algorithm".to_owned()))?;
    visit.repository(|repository| complete(repository, &body, &media_type))??;
    visit.account.registry().keep_bytes(&bytes, &checked).map_err(|err| Fault::disk(&err))?;
    let pushed = Manifest {
        artifact_media_type: artifact_type(&body).map(ToOwned::to_owned),
        size: u64::try_from(bytes.len()).unwrap_or_default(),
        image_size: parts(&body).filter_map(|part| part["size"].as_u64()).sum(),
        pushed_at_ms: visit.account.now_ms(),
        subject: body["subject"]["digest"].as_str().map(ToOwned::to_owned),
        media_type,
    };
    let subject = pushed.subject.clone();
    visit.change(|repository| {
        if !by_digest {
            // Asked where the tag is set: two pushes may race for an immutable one.
            may_tag(repository, name, reference, &digest)?;
            repository.tags.insert(reference.to_owned(), digest.clone());
        }
        repository.manifests.entry(digest.clone()).or_insert(pushed);
        Ok(())
    })?;
    let mut response = created(&format!("/v2/{name}/manifests/{digest}"), &digest)?;
    if let Some(subject) = subject.and_then(|subject| HeaderValue::from_str(&subject).ok()) {
        response.headers_mut().insert("oci-subject", subject);
    }
    Ok(response)
}

/// `DELETE` of a tag, or of a manifest with all its tags.
pub(super) fn delete(visit: &Visit<'_>, reference: &str) -> Result<Response<Body>, Fault> {
    visit.change(|repository| {
        let unknown = || Fault::missing("MANIFEST_UNKNOWN", "Requested image not found");
        if reference.contains(':') {
            repository.manifests.shift_remove(reference).ok_or_else(unknown)?;
            repository.tags.retain(|_, digest| digest != reference);
        } else {
            repository.tags.shift_remove(reference).ok_or_else(unknown)?;
        }
        Ok(())
    })?;
    empty(StatusCode::ACCEPTED)
}

/// `GET` of a repository's tags, in order of the alphabet, `n` after `last`.
pub(super) fn tags(visit: &Visit<'_>, name: &str, request: &Request<Body>) -> Result<Response<Body>, Fault> {
    let last = parameter(request.uri(), "last").unwrap_or_default();
    let limit = parameter(request.uri(), "n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    let mut tags = visit.repository(|repository| repository.tags.keys().cloned().collect::<Vec<_>>())?;
    tags.retain(|tag| *tag > last);
    tags.sort_unstable();
    let more = tags.len() > limit;
    tags.truncate(limit);
    let mut response = super::route::json(&json!({ "name": name, "tags": tags }), "application/json");
    let link =
        tags.last().filter(|_| more).map(|last| format!("</v2/{name}/tags/list?n={limit}&last={last}>; rel=\"next\""));
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// `GET` of the manifests about `digest`, as an OCI index.
pub(super) fn referrers(visit: &Visit<'_>, digest: &str) -> Result<Response<Body>, Fault> {
    if Digest::read(digest).is_none() {
        return Err(Fault::bad("DIGEST_INVALID", format!("`{digest}` is not a digest")));
    }
    let entries = visit.repository(|repository| {
        let about = repository.manifests.iter().filter(|(_, manifest)| manifest.subject.as_deref() == Some(digest));
        let entry = |(digest, manifest): (&String, &Manifest)| {
            json!({
                "mediaType": manifest.media_type, "digest": digest, "size": manifest.size,
                "artifactType": manifest.artifact_media_type,
            })
        };
        about.map(entry).collect::<Vec<_>>()
    })?;
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
    Ok(super::route::json(&index, OCI_INDEX))
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

/// Everything a manifest names must be in the repository before it.
fn complete(repository: &Repository, body: &Value, media_type: &str) -> Result<(), Fault> {
    let unknown = |digest: &str| Fault::bad("MANIFEST_BLOB_UNKNOWN", format!("blob unknown to registry: {digest}"));
    let digest = |part: &'_ Value| part["digest"].as_str().map(ToOwned::to_owned);
    if INDEXES.contains(&media_type) {
        let children =
            body["manifests"].as_array().ok_or_else(|| Fault::bad("MANIFEST_INVALID", "`manifests` is not a list"))?;
        let absent = children.iter().filter_map(digest).find(|digest| !repository.manifests.contains_key(digest));
        return absent.map_or(Ok(()), |digest| Err(unknown(&digest)));
    }
    if digest(&body["config"]).is_none() {
        return Err(Fault::bad("MANIFEST_INVALID", "`config.digest` is missing"));
    }
    let fetched_elsewhere = |part: &Value| {
        part["urls"].as_array().is_some_and(|urls| !urls.is_empty())
            || part["mediaType"]
                .as_str()
                .is_some_and(|kind| kind.contains("foreign") || kind.contains("nondistributable"))
    };
    let absent = parts(body)
        .filter(|part| !fetched_elsewhere(part))
        .filter_map(digest)
        .find(|digest| !repository.blobs.contains_key(digest));
    absent.map_or(Ok(()), |digest| Err(unknown(&digest)))
}

/// Configuration and layers.
fn parts(body: &Value) -> impl Iterator<Item = &Value> {
    body.get("config").into_iter().chain(body["layers"].as_array().into_iter().flatten())
}

fn artifact_type(body: &Value) -> Option<&str> {
    body["artifactType"].as_str().or_else(|| body["config"]["mediaType"].as_str())
}

/// The digest of `bytes`, by the algorithm of `reference` where that is a digest, which then must match.
fn digest_of(bytes: &[u8], reference: &str) -> Result<String, Fault> {
    let asked = Digest::read(reference);
    let found = match asked.as_ref().map(|digest| digest.algorithm) {
        Some(Algorithm::Sha512) => format!("sha512:{}", hex::encode(Sha512::digest(bytes))),
        Some(Algorithm::Sha256) | None => format!("sha256:{}", hex::encode(Sha256::digest(bytes))),
    };
    if reference.contains(':') && found != reference {
        return Err(Fault::bad("DIGEST_INVALID", format!("the manifest's digest is {found}, not {reference}")));
    }
    Ok(found)
}

/// Source: OCI distribution specification 1.1: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn is_tag(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with(['.', '-'])
}

/// An immutable tag may be pushed again only for the same manifest.
fn may_tag(repository: &Repository, name: &str, tag: &str, digest: &str) -> Result<(), Fault> {
    let taken = repository.tags.get(tag).is_some_and(|tagged| tagged != digest);
    match repository.mutability {
        TagMutability::Immutable if taken => Err(Fault::bad(
            "TAG_INVALID",
            format!(
                "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the tag is immutable."
            ),
        )),
        TagMutability::Immutable | TagMutability::Mutable => Ok(()),
    }
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
