//! The operations on layers. They share the registry's store: what one pushes the other has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{change, invalid, look, named};
use crate::account::Call;
use crate::protocol::ApiError;
use crate::registry::{LayerLink, UploadFault, is_digest, owner};

/// What clients should send at once. Source: AWS ECR API reference, example of `InitiateLayerUpload`.
const PART_SIZE: u64 = 10 * 1024 * 1024;

/// `BatchCheckLayerAvailability`.
///
/// Source: AWS ECR API reference, `BatchCheckLayerAvailability`.
pub(crate) fn batch_check_layer_availability(call: Call<'_>) -> Result<Value, ApiError> {
    let name = named(call)?;
    let digests = call.input.texts("layerDigests")?;
    if !(1..=100).contains(&digests.len()) {
        return Err(invalid("layerDigests", "Member must have length between 1 and 100"));
    }
    let registry = call.account.registry();
    look(call, name, |found| {
        let (mut layers, mut failures) = (Vec::new(), Vec::new());
        for digest in digests {
            if !is_digest(digest) {
                let reason = format!("Invalid layer digest '{digest}'");
                let code = "InvalidLayerDigest";
                failures.push(json!({ "layerDigest": digest, "failureCode": code, "failureReason": reason }));
                continue;
            }
            let size = found.blobs.get(digest).filter(|_| registry.has(digest));
            layers.push(json!({
                "layerDigest": digest,
                "layerAvailability": if size.is_some() { "AVAILABLE" } else { "UNAVAILABLE" },
                "layerSize": size,
            }));
        }
        json!({ "layers": layers, "failures": failures })
    })
}

/// `GetDownloadUrlForLayer`: a URL that needs no credentials for an hour.
///
/// Source: AWS ECR API reference, `GetDownloadUrlForLayer`.
/// Differs: the URL is the account's endpoint, not S3.
pub(crate) fn get_download_url_for_layer(call: Call<'_>) -> Result<Value, ApiError> {
    const VALID_MS: u64 = 3_600_000;
    let name = named(call)?;
    let digest = call.input.required("layerDigest")?;
    let is_there = look(call, name, |found| found.blobs.contains_key(digest))? && call.account.registry().has(digest);
    if !is_there {
        let message = format!(
            "The layer with digest '{digest}' is not available in the repository with name '{name}' in the registry with id \
             '{}'",
            call.account.account_id()
        );
        return Err(ApiError::new("LayersNotFoundException", message));
    }
    let link = LayerLink {
        layer: digest.to_owned(),
        repository: name.to_owned(),
        region: call.region().to_owned(),
        expires_at_ms: call.account.now_ms() + VALID_MS,
    };
    Ok(json!({ "downloadUrl": link.url(call.account), "layerDigest": digest }))
}

/// `InitiateLayerUpload`.
///
/// Source: AWS ECR API reference, `InitiateLayerUpload`.
pub(crate) fn initiate_layer_upload(call: Call<'_>) -> Result<Value, ApiError> {
    let name = known(call)?;
    let id = call.account.registry().begin(&owner(call.region(), name));
    let id = id.map_err(|err| ApiError::new("WfrunStateNotWritten", format!("wfrun: no upload can begin: {err}")))?;
    Ok(json!({ "uploadId": id, "partSize": PART_SIZE }))
}

/// `UploadLayerPart`.
///
/// Source: AWS ECR API reference, `UploadLayerPart`.
pub(crate) fn upload_layer_part(call: Call<'_>) -> Result<Value, ApiError> {
    let name = known(call)?;
    let id = call.input.required("uploadId")?;
    let byte = |member: &str| {
        let found = call.input.get(member).and_then(Value::as_u64);
        found.ok_or_else(|| invalid(member, "Member must not be null"))
    };
    let (first, last) = (byte("partFirstByte")?, byte("partLastByte")?);
    let blob = call.input.required("layerPartBlob")?;
    let bytes = STANDARD.decode(blob).map_err(|_| invalid("layerPartBlob", "Member must be base64"))?;
    let upload = call.account.registry().upload(&owner(call.region(), name), id);
    let mut upload = upload.as_ref().ok_or_else(|| unknown(call, name, id))?.try_lock().map_err(|_| busy(id))?;
    let length = u64::try_from(bytes.len()).unwrap_or_default();
    if first != upload.length || last.checked_sub(first).map(|span| span + 1) != Some(length) {
        let message = format!(
            "Invalid layer part upload for upload with id '{id}' in the repository with name '{name}' in the registry with id '{}'",
            call.account.account_id()
        );
        return Err(ApiError::new("InvalidLayerPartException", message));
    }
    upload.append_now(&bytes).map_err(|fault| refused(call, name, id, &fault))?;
    Ok(json!({
        "registryId": call.account.account_id(),
        "repositoryName": name,
        "uploadId": id,
        "lastByteReceived": upload.length.saturating_sub(1),
    }))
}

/// `CompleteLayerUpload`.
///
/// Source: AWS ECR API reference, `CompleteLayerUpload`.
pub(crate) fn complete_layer_upload(call: Call<'_>) -> Result<Value, ApiError> {
    let name = known(call)?;
    let id = call.input.required("uploadId")?;
    let digests = call.input.texts("layerDigests")?;
    let account = call.account.account_id();
    let [digest] = digests[..] else {
        return Err(invalid("layerDigests", "wfrun: one digest is taken"));
    };
    let registry = call.account.registry();
    let mine = owner(call.region(), name);
    let upload = registry.upload(&mine, id);
    let mut upload = upload.as_ref().ok_or_else(|| unknown(call, name, id))?.try_lock().map_err(|_| busy(id))?;
    if upload.length == 0 {
        let message = format!("The upload with id '{id}' does not contain any layer parts");
        return Err(ApiError::new("EmptyUploadException", message));
    }
    registry.end(&mine, id);
    let length = upload.length;
    upload.keep_now(registry, digest).map_err(|fault| refused(call, name, id, &fault))?;
    change(call, name, |repository| {
        if repository.blobs.insert(digest.to_owned(), length).is_some() {
            let message = format!(
                "The layer with digest '{digest}' already exists in the repository with name '{name}' in the registry with id \
                 '{account}'"
            );
            return Err(ApiError::new("LayerAlreadyExistsException", message));
        }
        Ok(json!({ "registryId": account, "repositoryName": name, "uploadId": id, "layerDigest": digest }))
    })
}

/// The repository's name, where it exists.
fn known(call: Call<'_>) -> Result<&str, ApiError> {
    let name = named(call)?;
    look(call, name, |_| name)
}

fn unknown(call: Call<'_>, name: &str, id: &str) -> ApiError {
    let account = call.account.account_id();
    let place = format!("for the repository with name '{name}' in the registry with id '{account}'");
    ApiError::new("UploadNotFoundException", format!("Upload with id '{id}' could not be found {place}"))
}

fn busy(id: &str) -> ApiError {
    ApiError::new("InvalidLayerPartException", format!("another request is writing to the upload with id '{id}'"))
}

fn refused(call: Call<'_>, name: &str, id: &str, fault: &UploadFault) -> ApiError {
    match fault {
        UploadFault::Gone => unknown(call, name, id),
        UploadFault::BadDigest => {
            invalid("layerDigests", "must satisfy regular expression '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'")
        }
        UploadFault::OtherDigest { found, asked } => ApiError::new(
            "InvalidLayerException",
            format!("The layer digest '{asked}' does not match the uploaded layer, whose digest is '{found}'"),
        ),
        UploadFault::Disk(why) => ApiError::new("WfrunStateNotWritten", format!("wfrun: {why}")),
    }
}
