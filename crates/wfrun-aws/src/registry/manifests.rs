//! Manifests: what tags name.

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::fault::Fault;
use super::push::{OCI_INDEX, PushedManifest, artifact_type};
use super::route::{Visit, created, empty, next_link, parameter};
use super::store::Digest;
use crate::ecr::{Manifest, Repository, Undeleted};
use crate::endpoint::Bodies;

/// Source: OCI distribution specification 1.1, "Pushing manifests": registries should take at least 4 MiB.
const SIZE_LIMIT: usize = 4 * 1024 * 1024;

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
    if with_body {
        pulled(visit, &digest, &manifest);
    }
    Response::builder()
        .header(header::CONTENT_TYPE, manifest.media_type)
        .header(header::CONTENT_LENGTH, manifest.size)
        .header("docker-content-digest", digest)
        .body(Body::from(bytes))
        .map_err(|err| Fault::bad("UNSUPPORTED", err.to_string()))
}

/// Remembers that a manifest was pulled, once in a day.
///
/// Source: AWS ECR API reference, `ImageDetail`, `lastRecordedPullTime`: refreshed at least once every 24 hours.
fn pulled(visit: &Visit<'_>, digest: &str, manifest: &Manifest) {
    const DAY_MS: u64 = 24 * 3_600_000;
    let now_ms = visit.account.now_ms();
    if manifest.pulled_at_ms.is_some_and(|at_ms| at_ms + DAY_MS > now_ms) {
        return;
    }
    let changed = visit.change(|repository| {
        if let Some(manifest) = repository.manifests.get_mut(digest) {
            manifest.pulled_at_ms = Some(now_ms);
        }
        Ok(())
    });
    if let Err(fault) = changed {
        tracing::warn!(message = fault.message, "the time of a pull was not written");
    }
}

/// `PUT` of a manifest, by tag or digest.
///
/// Source: OCI distribution specification 1.1, "Pushing manifests".
pub(super) async fn put(
    visit: &Visit<'_>,
    (name, reference): (&str, &str),
    bodies: &Bodies,
    request: Request<Body>,
) -> Result<Response<Body>, Fault> {
    let (head, body) = request.into_parts();
    let declared = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kept = bodies.receive(&head.headers, body, SIZE_LIMIT).await?;
    let bytes = &kept.bytes;
    let (digest, tag) = if reference.contains(':') { (Some(reference), None) } else { (None, Some(reference)) };
    let pushed = PushedManifest::read(bytes, declared, digest, tag)?;
    visit.repository(|repository| pushed.check(repository))??;
    visit.account.registry().keep_manifest(bytes, &pushed.digest).map_err(|err| Fault::disk(&err))?;
    visit.change(|repository| Ok(pushed.enter(repository, name, visit.account.now_ms())?))?;
    let mut response = created(&format!("/v2/{name}/manifests/{}", pushed.digest), &pushed.digest)?;
    if let Some(subject) = pushed.subject.and_then(|subject| HeaderValue::from_str(&subject).ok()) {
        response.headers_mut().insert("oci-subject", subject);
    }
    Ok(response)
}

/// `DELETE` of a tag, or of a manifest with all its tags.
///
/// Source: OCI distribution specification 1.1, "Deleting manifests".
pub(super) fn delete(visit: &Visit<'_>, reference: &str) -> Result<Response<Body>, Fault> {
    let undeleted = |why| match why {
        Undeleted::NotFound => Fault::missing("MANIFEST_UNKNOWN", "Requested image not found"),
        Undeleted::Referenced(by) => {
            let message = format!("Requested image referenced by manifest list: [{}]", by.join(", "));
            Fault::new(StatusCode::FORBIDDEN, "DENIED", message)
        }
    };
    visit.change(|repository| {
        if reference.contains(':') {
            repository.remove_image(reference).map(|_| ()).map_err(undeleted)
        } else {
            repository.tags.shift_remove(reference).map(|_| ()).ok_or_else(|| undeleted(Undeleted::NotFound))
        }
    })?;
    empty(StatusCode::ACCEPTED)
}

/// `GET` of a repository's tags, in order of the alphabet, `n` after `last`.
pub(super) fn tags(visit: &Visit<'_>, name: &str, request: &Request<Body>) -> Result<Response<Body>, Fault> {
    let tags = visit.repository(|repository| repository.tags.keys().cloned().collect::<Vec<_>>())?;
    let (tags, link) = next_link(tags, request.uri());
    let mut response = super::route::json(&json!({ "name": name, "tags": tags }), "application/json");
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// `GET` of the manifests about `digest`, as an OCI index; with `artifactType` those of that type.
///
/// Source: OCI distribution specification 1.1, "Listing referrers".
pub(super) fn referrers(visit: &Visit<'_>, digest: &str, request: &Request<Body>) -> Result<Response<Body>, Fault> {
    if Digest::read(digest).is_none() {
        return Err(Fault::bad("DIGEST_INVALID", format!("`{digest}` is not a digest")));
    }
    let wanted = parameter(request.uri(), "artifactType");
    let about = visit.repository(|repository| about(repository, digest))?;
    let entries = about.into_iter().filter_map(|(digest, manifest)| {
        let bytes = visit.account.registry().read_manifest(&digest).ok()?;
        let body: Value = serde_json::from_slice(&bytes).ok()?;
        let kind = artifact_type(&body);
        if wanted.is_some() && wanted.as_deref() != kind {
            return None;
        }
        let mut entry = json!({ "mediaType": manifest.media_type, "digest": digest, "size": manifest.size });
        if let Some(kind) = kind {
            entry["artifactType"] = json!(kind);
        }
        if body["annotations"].is_object() {
            entry["annotations"] = body["annotations"].clone();
        }
        Some(entry)
    });
    let entries: Vec<_> = entries.collect();
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
    let mut response = super::route::json(&index, OCI_INDEX);
    if wanted.is_some() {
        response.headers_mut().insert("oci-filters-applied", HeaderValue::from_static("artifactType"));
    }
    Ok(response)
}

fn about(repository: &Repository, digest: &str) -> Vec<(String, Manifest)> {
    let about = repository.manifests.iter().filter(|(_, manifest)| manifest.subject.as_deref() == Some(digest));
    about.map(|(digest, manifest)| (digest.clone(), manifest.clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use axum::body::{Body, Bytes};
    use axum::http::{Request, StatusCode};
    use futures_util::stream;

    use super::{SIZE_LIMIT, put};
    use crate::account::{Account, AccountSettings, Wanted};
    use crate::account_file::AccountFile;
    use crate::endpoint::{Bodies, Patience};
    use crate::registry::route::Visit;

    /// What a client cannot do to others: take memory without an end.
    #[tokio::test]
    async fn a_manifest_has_its_share_of_memory_and_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let settings = AccountSettings {
            file: AccountFile::default(),
            file_dir: folder.path().to_owned(),
            wanted: Wanted { repositories: vec!["news-api".to_owned()], ..Wanted::default() },
            state_dir: folder.path().join("aws"),
            iam_policies: Vec::new(),
            injections: Vec::new(),
            launcher: None,
        };
        let (account, _) = Account::open(settings, |_| {}).unwrap();
        let visit = Visit { account: &account, region: "us-east-1", name: "news-api" };
        let patience = Duration::from_millis(20);
        let patience = Patience { stalled: patience, whole: patience, room: patience, rest: patience };
        let silent = || Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let cases = [
            (SIZE_LIMIT, silent(), StatusCode::REQUEST_TIMEOUT),
            (SIZE_LIMIT - 1, Body::from("{}"), StatusCode::TOO_MANY_REQUESTS),
            (SIZE_LIMIT, Body::from("{}"), StatusCode::BAD_REQUEST),
        ];
        for (room, body, want) in cases {
            let bodies = Bodies::new([room, 0], 0, patience);
            let refused = put(&visit, ("news-api", "v1"), &bodies, Request::new(body)).await.unwrap_err();
            assert_eq!(refused.status, want, "{room}: {}", refused.message);
        }
    }
}
