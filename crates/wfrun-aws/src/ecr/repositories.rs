//! The operations on repositories.

use serde_json::{Value, json};

use super::{Repository, is_repository_name, page, repository};
use crate::account::Call;
use crate::account_file::TagMutability;
use crate::protocol::ApiError;

/// `CreateRepository`.
///
/// Source: AWS ECR API reference, `CreateRepository`.
/// Differs: `tags`, scanning and encryption settings are accepted and not kept.
pub(crate) fn create_repository(call: Call<'_>) -> Result<Value, ApiError> {
    let name = call.input.required("repositoryName")?;
    if !is_repository_name(name) {
        return Err(ApiError::new(
            "InvalidParameterException",
            format!(
                "Invalid parameter at 'repositoryName' failed to satisfy constraint: '{name}' is not a repository name"
            ),
        ));
    }
    let mutability = match call.input.text("imageTagMutability")? {
        None | Some("MUTABLE") => TagMutability::Mutable,
        Some("IMMUTABLE") => TagMutability::Immutable,
        Some(other) => {
            let message = format!("wfrun: imageTagMutability {other} is not emulated, use MUTABLE or IMMUTABLE");
            return Err(ApiError::new("InvalidParameterException", message));
        }
    };
    let (arns, host) = (call.arns(), call.account.registry_host());
    call.account.change(call.region(), |region| {
        if region.ecr.repositories.contains_key(name) {
            let message = format!(
                "The repository with name '{name}' already exists in the registry with id '{}'",
                call.account.account_id()
            );
            return Err(ApiError::new("RepositoryAlreadyExistsException", message));
        }
        let created = Repository::new(call.account.now_ms(), mutability);
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
    let (arns, host) = (call.arns(), call.account.registry_host());
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
