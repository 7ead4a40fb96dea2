//! ECR: repositories and what was pushed to them.

mod image_changes;
mod image_ids;
mod images;
mod layers;
mod lifecycle;
mod model;
mod mutability;
mod policies;
mod repositories;
mod scans;
mod settings;
mod tags;
mod templates;
mod token;

pub(crate) use self::model::{Ecr, Manifest, Repository, Undeleted};
pub(crate) use self::settings::{BLOB_MOUNTING, setting};
pub(crate) use self::templates::create_on_push;
pub(crate) use self::token::login_token;
use crate::account::{Call, Operation};
use crate::protocol::ApiError;

/// The operation of that name, if it is emulated.
pub(crate) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "GetAuthorizationToken" => token::get_authorization_token,
        "CreateRepository" => repositories::create_repository,
        "DescribeRepositories" => repositories::describe_repositories,
        "DeleteRepository" => repositories::delete_repository,
        "PutImageTagMutability" => repositories::put_image_tag_mutability,
        "PutImageScanningConfiguration" => repositories::put_image_scanning_configuration,
        "DescribeImages" => images::describe_images,
        "ListImages" => images::list_images,
        "BatchGetImage" => images::batch_get_image,
        "PutImage" => image_changes::put_image,
        "BatchDeleteImage" => image_changes::batch_delete_image,
        "StartImageScan" => scans::start_image_scan,
        "DescribeImageScanFindings" => scans::describe_image_scan_findings,
        "BatchCheckLayerAvailability" => layers::batch_check_layer_availability,
        "GetDownloadUrlForLayer" => layers::get_download_url_for_layer,
        "InitiateLayerUpload" => layers::initiate_layer_upload,
        "UploadLayerPart" => layers::upload_layer_part,
        "CompleteLayerUpload" => layers::complete_layer_upload,
        "SetRepositoryPolicy" => policies::set_repository_policy,
        "GetRepositoryPolicy" => policies::get_repository_policy,
        "DeleteRepositoryPolicy" => policies::delete_repository_policy,
        "PutLifecyclePolicy" => policies::put_lifecycle_policy,
        "GetLifecyclePolicy" => policies::get_lifecycle_policy,
        "DeleteLifecyclePolicy" => policies::delete_lifecycle_policy,
        "TagResource" => tags::tag_resource,
        "UntagResource" => tags::untag_resource,
        "ListTagsForResource" => tags::list_tags_for_resource,
        "PutAccountSetting" => settings::put_account_setting,
        "GetAccountSetting" => settings::get_account_setting,
        "DescribeRegistry" => settings::describe_registry,
        "CreateRepositoryCreationTemplate" => templates::create,
        "UpdateRepositoryCreationTemplate" => templates::update,
        "DeleteRepositoryCreationTemplate" => templates::delete,
        "DescribeRepositoryCreationTemplates" => templates::describe,
        _ => return None,
    })
}

/// The words for a repository that does not exist; the registry uses them too.
pub(crate) fn no_repository(name: &str, account: &str) -> String {
    format!("The repository with name '{name}' does not exist in the registry with id '{account}'")
}

/// Whether ECR takes `name` for a repository.
///
/// Source: AWS ECR API reference, `CreateRepository`, pattern of `repositoryName` (2 to 256 characters).
pub(crate) fn is_repository_name(name: &str) -> bool {
    let word = |text: &str| {
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        let bytes = text.as_bytes();
        edge(bytes.first()) && edge(bytes.last()) && text.bytes().all(inner) && !separators_clash(bytes)
    };
    (2..=256).contains(&name.len()) && name.split('/').all(word)
}

/// Between letters and digits stands one separator: `.`, `_`, `__` or any number of `-`.
fn separators_clash(bytes: &[u8]) -> bool {
    let runs = bytes.split(u8::is_ascii_alphanumeric).filter(|run| !run.is_empty());
    runs.into_iter().any(|run| !matches!(run, b"." | b"_" | b"__") && !run.iter().all(|byte| *byte == b'-'))
}

/// The words for a name that is none; the registry uses them too.
pub(crate) fn bad_repository_name() -> String {
    let pattern = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*";
    format!(
        "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '{pattern}''"
    )
}

/// An error about a parameter, in ECR's form.
fn invalid(parameter: &str, constraint: impl std::fmt::Display) -> ApiError {
    let message = format!("Invalid parameter at '{parameter}' failed to satisfy constraint: '{constraint}'");
    ApiError::new("InvalidParameterException", message)
}

fn repository<'a>(ecr: &'a Ecr, name: &str, account: &str) -> Result<&'a Repository, ApiError> {
    ecr.repositories.get(name).ok_or_else(|| not_found(name, account))
}

fn not_found(name: &str, registry: &str) -> ApiError {
    ApiError::new("RepositoryNotFoundException", no_repository(name, registry))
}

/// The repository that an operation is about. Another account's registry has none.
fn named(call: Call<'_>) -> Result<&str, ApiError> {
    let name = call.input.required("repositoryName")?;
    match call.input.text("registryId")?.filter(|id| *id != call.account.account_id()) {
        Some(other) => Err(not_found(name, other)),
        None => Ok(name),
    }
}

/// Looks at a repository.
fn look<T>(call: Call<'_>, name: &str, look: impl FnOnce(&Repository) -> T) -> Result<T, ApiError> {
    call.account.read(call.region(), |region| repository(&region.ecr, name, call.account.account_id()).map(look))
}

/// Changes a repository.
fn change<T>(
    call: Call<'_>,
    name: &str,
    alter: impl FnOnce(&mut Repository) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    call.account.change(call.region(), |region| {
        let found = region.ecr.repositories.get_mut(name);
        alter(found.ok_or_else(|| not_found(name, call.account.account_id()))?)
    })
}

/// One page of `items`: from `nextToken`, at most `maxResults`, and the token of the next page.
fn page<T>(items: Vec<T>, input: crate::account::Input<'_>) -> Result<(Vec<T>, Option<String>), ApiError> {
    const DEFAULT_PAGE: usize = 100;
    let bad =
        || ApiError::new("InvalidParameterException", "Invalid parameter at 'nextToken': not a token of this account");
    let start = input.text("nextToken")?.map_or(Ok(0), |token| token.parse::<usize>().map_err(|_| bad()))?;
    if start > items.len() {
        return Err(bad());
    }
    let size = match input.count("maxResults")? {
        None => DEFAULT_PAGE,
        Some(count @ 1..=1000) => usize::try_from(count).unwrap_or(DEFAULT_PAGE),
        Some(0) => return Err(invalid("maxResults", "Member must have value greater than or equal to 1")),
        Some(_) => return Err(invalid("maxResults", "Member must have value less than or equal to 1000")),
    };
    let next = (start + size < items.len()).then(|| (start + size).to_string());
    Ok((items.into_iter().skip(start).take(size).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::is_repository_name;

    #[test]
    fn repository_names() {
        let good = ["ab", "news-api", "team/news-api", "a.b", "a_b", "a__b", "a--b", "0/1", "a1"];
        let bad = ["", "a", "News", "-a", "a-", "a//b", "a/", "/a", "a..b", "a___b", "a._b", "a b", "é1"];
        for name in good {
            assert!(is_repository_name(name), "{name}");
        }
        for name in bad {
            assert!(!is_repository_name(name), "{name}");
        }
    }
}
