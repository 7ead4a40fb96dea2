//! The operations that push and delete images.

use serde_json::{Value, json};

use super::image_ids::{ImageId, some_image_ids};
use super::{Repository, Undeleted, change, invalid, look, named};
use crate::account::Call;
use crate::protocol::ApiError;
use crate::registry::{PushedManifest, Rejection};

/// `PutImage`: what a `PUT` of a manifest is to the registry.
///
/// Source: AWS ECR API reference, `PutImage`.
pub(crate) fn put_image(call: Call<'_>) -> Result<Value, ApiError> {
    let name = named(call)?;
    let text = call.input.required("imageManifest")?;
    let (tag, asked) = (call.input.text("imageTag")?, call.input.text("imageDigest")?);
    let media_type = call.input.text("imageManifestMediaType")?;
    let account = call.account.account_id();
    // A repository that is not there comes before whatever is wrong with the image.
    look(call, name, |_| ())?;
    let rejected = |rejection| rejected(rejection, name, account);
    let pushed = PushedManifest::read(text.as_bytes(), media_type, asked, tag).map_err(rejected)?;
    look(call, name, |repository| pushed.check(repository))?.map_err(rejected)?;
    let disk = |err: std::io::Error| rejected(Rejection::Disk(err.to_string()));
    call.account.registry().keep_manifest(text.as_bytes(), &pushed.digest).map_err(disk)?;
    change(call, name, |repository| {
        let same = repository.manifests.contains_key(&pushed.digest)
            && tag.is_none_or(|tag| repository.tags.get(tag) == Some(&pushed.digest));
        if same {
            let shown = tag.unwrap_or("null");
            let message = format!(
                "Image with digest '{}' and tag '{shown}' already exists in the repository with name '{name}' in registry with \
                 id '{account}'",
                pushed.digest
            );
            return Err(ApiError::new("ImageAlreadyExistsException", message));
        }
        pushed.enter(repository, name, call.account.now_ms()).map_err(rejected)
    })?;
    Ok(json!({ "image": {
        "registryId": account,
        "repositoryName": name,
        "imageId": { "imageDigest": pushed.digest, "imageTag": tag },
        "imageManifest": text,
        "imageManifestMediaType": pushed.media_type,
    }}))
}

/// `BatchDeleteImage`: tags, or digests with all their tags.
///
/// Source: AWS ECR API reference, `BatchDeleteImage`.
pub(crate) fn batch_delete_image(call: Call<'_>) -> Result<Value, ApiError> {
    let ids = some_image_ids(call.input)?;
    change(call, named(call)?, |repository| {
        let (mut deleted, mut failures) = (Vec::new(), Vec::new());
        for id in &ids {
            match delete(repository, id) {
                Ok(gone) => deleted.extend(gone),
                Err((code, reason)) => failures.push(json!({
                    "imageId": { "imageDigest": id.digest, "imageTag": id.tag },
                    "failureCode": code,
                    "failureReason": reason,
                })),
            }
        }
        Ok(json!({ "imageIds": deleted, "failures": failures }))
    })
}

/// Deletes what `id` names; what is gone, or code and reason of the failure.
fn delete(repository: &mut Repository, id: &ImageId<'_>) -> Result<Vec<Value>, (&'static str, String)> {
    let undeleted = |why| match why {
        Undeleted::NotFound => ("ImageNotFound", "Requested image not found".to_owned()),
        Undeleted::Referenced(by) => (
            "ImageReferencedByManifestList",
            format!("Requested image referenced by manifest list: [{}]", by.join(", ")),
        ),
    };
    let gone = |digest: &str, tag: Option<&str>| json!({ "imageDigest": digest, "imageTag": tag });
    match (id.digest, id.tag) {
        (None, None) => {
            Err(("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null".to_owned()))
        }
        (Some(digest), _) if !is_digest(digest) => {
            let pattern = "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+";
            let reason = format!("Invalid request parameters: image digest should satisfy the regex '{pattern}'");
            Err(("InvalidImageDigest", reason))
        }
        (Some(digest), Some(tag)) if repository.tags.get(tag).is_some_and(|tagged| tagged != digest) => {
            Err(("ImageTagDoesNotMatchDigest", "The image tag does not match the image digest".to_owned()))
        }
        (_, Some(tag)) => repository.remove_tag(tag).map(|digest| vec![gone(&digest, Some(tag))]).map_err(undeleted),
        (Some(digest), None) => {
            let tags = repository.remove_image(digest).map_err(undeleted)?;
            let tags: Vec<_> = tags.iter().map(|tag| gone(digest, Some(tag))).collect();
            Ok(if tags.is_empty() { vec![gone(digest, None)] } else { tags })
        }
    }
}

/// Source: AWS ECR API reference, pattern of `imageDigest`.
fn is_digest(text: &str) -> bool {
    let kind = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+.".contains(&byte);
    let parts = text.split_once(':').filter(|(name, hex)| !name.is_empty() && !hex.is_empty());
    parts.is_some_and(|(name, hex)| name.bytes().all(kind) && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn rejected(rejection: Rejection, name: &str, account: &str) -> ApiError {
    let place = format!("for pushing image into repository with name '{name}' in the registry with id '{account}'");
    let absent = |what: &str, digests: &[String]| {
        format!("{what} with digests '[{}]' required {place} do not exist", digests.join(", "))
    };
    match rejection {
        Rejection::Invalid(why) => {
            invalid("ImageManifest", format_args!("Invalid JSON syntax or unsupported manifest: {why}"))
        }
        Rejection::Tag(tag) => invalid("imageTag", format_args!("'{tag}' is not a tag")),
        Rejection::Digest { found, asked } => ApiError::new(
            "ImageDigestDoesNotMatchException",
            format!("The provided image digest '{asked}' does not match the digest of the image manifest, '{found}'"),
        ),
        Rejection::LayersMissing(digests) => ApiError::new("LayersNotFoundException", absent("Layers", &digests)),
        Rejection::ImagesMissing(digests) => {
            ApiError::new("ReferencedImagesNotFoundException", absent("Images", &digests))
        }
        Rejection::Immutable(message) => ApiError::new("ImageTagAlreadyExistsException", message),
        Rejection::Disk(why) => ApiError::new("WfrunStateNotWritten", format!("wfrun: {why}")),
    }
}
