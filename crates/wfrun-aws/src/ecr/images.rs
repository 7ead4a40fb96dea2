//! The operations on images.

use serde_json::{Value, json};

use super::image_ids::{ImageId, image_ids, some_image_ids};
use super::{Manifest, Repository, look, named, page};
use crate::account::{Call, Input};
use crate::clock::epoch_seconds;
use crate::protocol::ApiError;

/// `DescribeImages`.
///
/// Source: AWS ECR API reference, `DescribeImages`; `imageSizeInBytes` is the sum of configuration and compressed layers.
pub(crate) fn describe_images(call: Call<'_>) -> Result<Value, ApiError> {
    let name = named(call)?;
    let ids = image_ids(call.input)?;
    let status = tag_status(call.input)?;
    let account = call.account.account_id();
    let details = look(call, name, |repository| {
        let digests: Vec<&str> = if ids.is_empty() {
            repository.manifests.keys().map(String::as_str).filter(|digest| status.admits(repository, digest)).collect()
        } else {
            ids.iter()
                .map(|id| id.find(repository).ok_or_else(|| id.not_found(name, account)))
                .collect::<Result<_, _>>()?
        };
        let detail = |digest: &str| {
            repository.manifests.get(digest).map(|manifest| detail(repository, manifest, digest, name, account))
        };
        Ok::<_, ApiError>(digests.into_iter().filter_map(detail).collect::<Vec<_>>())
    })??;
    let (details, next) = page(details, call.input)?;
    Ok(json!({ "imageDetails": details, "nextToken": next }))
}

/// `ListImages`: one entry per tag, and one per digest without tag.
///
/// Source: AWS ECR API reference, `ListImages`.
pub(crate) fn list_images(call: Call<'_>) -> Result<Value, ApiError> {
    let name = named(call)?;
    let status = tag_status(call.input)?;
    let ids = look(call, name, |repository| {
        let mut ids = Vec::new();
        for digest in repository.manifests.keys().filter(|digest| status.admits(repository, digest)) {
            let tags = repository.tags_of(digest);
            if tags.is_empty() {
                ids.push(json!({ "imageDigest": digest }));
            }
            ids.extend(tags.iter().map(|tag| json!({ "imageDigest": digest, "imageTag": tag })));
        }
        ids
    })?;
    let (ids, next) = page(ids, call.input)?;
    Ok(json!({ "imageIds": ids, "nextToken": next }))
}

/// `BatchGetImage`: manifests, and a failure for each image that is not there.
///
/// Source: AWS ECR API reference, `BatchGetImage`.
/// Differs: ECR's `acceptedMediaTypes` is not looked at: the manifest comes as it was pushed.
pub(crate) fn batch_get_image(call: Call<'_>) -> Result<Value, ApiError> {
    let name = named(call)?;
    let ids = some_image_ids(call.input)?;
    let account = call.account.account_id();
    let found = look(call, name, |repository| {
        let find = |id: &ImageId<'_>| {
            let digest = id.find(repository)?;
            Some((digest.to_owned(), repository.manifests.get(digest)?.media_type.clone()))
        };
        ids.iter().map(find).collect::<Vec<_>>()
    })?;
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for (id, found) in ids.iter().zip(found) {
        let manifest = found.and_then(|(digest, media_type)| {
            let text = call.account.registry().read_manifest(&digest).ok()?;
            Some((digest, media_type, String::from_utf8(text).ok()?))
        });
        if let Some((digest, media_type, text)) = manifest {
            images.push(json!({
                "registryId": account,
                "repositoryName": name,
                "imageId": { "imageDigest": digest, "imageTag": id.tag },
                "imageManifest": text,
                "imageManifestMediaType": media_type,
            }));
        } else {
            failures.push(json!({
                "imageId": { "imageDigest": id.digest, "imageTag": id.tag },
                "failureCode": "ImageNotFound",
                "failureReason": "Requested image not found",
            }));
        }
    }
    Ok(json!({ "images": images, "failures": failures }))
}

/// The filter `tagStatus`.
#[derive(Clone, Copy)]
enum TagStatus {
    Any,
    Tagged,
    Untagged,
}

impl TagStatus {
    fn admits(self, repository: &Repository, digest: &str) -> bool {
        let tagged = || repository.tags.values().any(|tagged| tagged == digest);
        match self {
            Self::Any => true,
            Self::Tagged => tagged(),
            Self::Untagged => !tagged(),
        }
    }
}

fn tag_status(input: Input<'_>) -> Result<TagStatus, ApiError> {
    let status = input.map("filter")?.map(|filter| filter.text("tagStatus")).transpose()?.flatten();
    match status {
        None | Some("ANY") => Ok(TagStatus::Any),
        Some("TAGGED") => Ok(TagStatus::Tagged),
        Some("UNTAGGED") => Ok(TagStatus::Untagged),
        Some(other) => {
            let message = format!("Invalid parameter at 'filter.tagStatus': '{other}' is not ANY, TAGGED or UNTAGGED");
            Err(ApiError::new("InvalidParameterException", message))
        }
    }
}

fn detail(repository: &Repository, manifest: &Manifest, digest: &str, name: &str, account: &str) -> Value {
    let tags = repository.tags_of(digest);
    json!({
        "registryId": account,
        "repositoryName": name,
        "imageDigest": digest,
        "imageTags": if tags.is_empty() { None } else { Some(tags) },
        "imageSizeInBytes": manifest.image_size,
        "imagePushedAt": epoch_seconds(manifest.pushed_at_ms),
        "imageManifestMediaType": manifest.media_type,
        "artifactMediaType": manifest.artifact_media_type,
        "lastRecordedPullTime": manifest.pulled_at_ms.map(epoch_seconds),
        "subjectManifestDigest": manifest.subject,
        "imageStatus": "ACTIVE",
    })
}
