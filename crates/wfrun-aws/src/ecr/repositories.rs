//! The operations on repositories.

use serde_json::{Value, json};

use super::{
    Repository, bad_repository_name, change, invalid, is_repository_name, mutability, named, page, repository, tags,
};
use crate::account::{Call, Input};
use crate::protocol::ApiError;

/// `CreateRepository`.
///
/// Source: AWS ECR API reference, `CreateRepository`.
/// Differs: an ECR repository's encryption is kept as a setting, and its layers lie on this machine as they are.
pub(crate) fn create_repository(call: Call<'_>) -> Result<Value, ApiError> {
    let name = call.input.required("repositoryName")?;
    if !is_repository_name(name) {
        return Err(ApiError::new("InvalidParameterException", bad_repository_name()));
    }
    let (wanted, exclusions) = mutability::read(call.input)?;
    let mut created = Repository::new(call.account.now_ms(), wanted.unwrap_or_default());
    created.exclusions = exclusions;
    created.scan_on_push = scan_on_push(call.input)?.unwrap_or_default();
    created.encryption = encryption(call.input)?;
    tags::add(&mut created.resource_tags, call.input.list("tags")?)?;
    let (arns, host) = (call.arns(), call.account.image_host(call.region()));
    call.account.change(call.region(), |region| {
        if region.ecr.repositories.contains_key(name) {
            let message = format!(
                "The repository with name '{name}' already exists in the registry with id '{}'",
                call.account.account_id()
            );
            return Err(ApiError::new("RepositoryAlreadyExistsException", message));
        }
        let described = created.described(name, arns, &host);
        region.ecr.repositories.insert(name.to_owned(), created);
        Ok(json!({ "repository": described }))
    })
}

/// `DescribeRepositories`.
///
/// Source: AWS ECR API reference, `DescribeRepositories`.
pub(crate) fn describe_repositories(call: Call<'_>) -> Result<Value, ApiError> {
    let names = call.input.texts("repositoryNames")?;
    let (arns, host) = (call.arns(), call.account.image_host(call.region()));
    let described = call.account.read(call.region(), |region| {
        if names.is_empty() {
            return Ok(region
                .ecr
                .repositories
                .iter()
                .map(|(name, found)| found.described(name, arns, &host))
                .collect());
        }
        names
            .iter()
            .map(|name| Ok(repository(&region.ecr, name, arns.account)?.described(name, arns, &host)))
            .collect::<Result<Vec<_>, ApiError>>()
    })?;
    let (repositories, next) = page(described, call.input)?;
    Ok(json!({ "repositories": repositories, "nextToken": next }))
}

/// `DeleteRepository`: with images only by `force`.
///
/// Source: AWS ECR API reference, `DeleteRepository`.
pub(crate) fn delete_repository(call: Call<'_>) -> Result<Value, ApiError> {
    let name = named(call)?;
    let force = call.input.flag("force")?.unwrap_or_default();
    let (arns, host) = (call.arns(), call.account.image_host(call.region()));
    call.account.change(call.region(), |region| {
        let found = repository(&region.ecr, name, arns.account)?;
        if !force && !found.manifests.is_empty() {
            let message = format!(
                "The repository with name '{name}' in registry with id '{}' cannot be deleted because it still contains images",
                arns.account
            );
            return Err(ApiError::new("RepositoryNotEmptyException", message));
        }
        let described = found.described(name, arns, &host);
        region.ecr.repositories.shift_remove(name);
        Ok(json!({ "repository": described }))
    })
}

/// `PutImageTagMutability`.
///
/// Source: AWS ECR API reference, `PutImageTagMutability`.
pub(crate) fn put_image_tag_mutability(call: Call<'_>) -> Result<Value, ApiError> {
    call.input.required("imageTagMutability")?;
    let (wanted, exclusions) = mutability::read(call.input)?;
    change(call, named(call)?, |repository| {
        repository.mutability = wanted.unwrap_or_default();
        repository.exclusions = exclusions;
        Ok(json!({
            "registryId": call.account.account_id(),
            "repositoryName": named(call)?,
            "imageTagMutability": repository.mutability,
            "imageTagMutabilityExclusionFilters": mutability::described(&repository.exclusions),
        }))
    })
}

/// `PutImageScanningConfiguration`.
///
/// Source: AWS ECR API reference, `PutImageScanningConfiguration`.
/// Differs: `scanOnPush` is kept as a setting and nothing is scanned.
pub(crate) fn put_image_scanning_configuration(call: Call<'_>) -> Result<Value, ApiError> {
    let wanted = scan_on_push(call.input)?;
    change(call, named(call)?, |repository| {
        repository.scan_on_push = wanted.unwrap_or_default();
        Ok(json!({
            "registryId": call.account.account_id(),
            "repositoryName": named(call)?,
            "imageScanningConfiguration": { "scanOnPush": repository.scan_on_push },
        }))
    })
}

fn scan_on_push(input: Input<'_>) -> Result<Option<bool>, ApiError> {
    Ok(input.map("imageScanningConfiguration")?.map(|it| it.flag("scanOnPush")).transpose()?.flatten())
}

/// `encryptionConfiguration`, checked.
pub(super) fn encryption(input: Input<'_>) -> Result<Option<Value>, ApiError> {
    const PARAMETER: &str = "encryptionConfiguration";
    let Some(configuration) = input.map(PARAMETER)? else { return Ok(None) };
    let (kind, key) = (configuration.text("encryptionType")?, configuration.text("kmsKey")?);
    match (kind, key) {
        (Some("AES256"), Some(_)) => Err(invalid(PARAMETER, "kmsKey is for encryptionType KMS only")),
        (Some("AES256" | "KMS" | "KMS_DSSE"), _) => Ok(Some(json!({ "encryptionType": kind, "kmsKey": key }))),
        _ => Err(invalid(PARAMETER, "Member must satisfy enum value set: [KMS, AES256, KMS_DSSE]")),
    }
}

/// The encryption that was asked for, or the one that a repository has without asking.
pub(super) fn encryption_or_default(asked: Option<&Value>) -> Value {
    asked.cloned().unwrap_or_else(|| json!({ "encryptionType": "AES256" }))
}
