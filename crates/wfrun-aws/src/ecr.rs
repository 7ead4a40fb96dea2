//! ECR: repositories and what was pushed to them.

mod images;
mod repositories;
mod token;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::images::{batch_get_image, describe_images, list_images};
use self::repositories::{create_repository, describe_repositories};
use self::token::get_authorization_token;
use crate::account::Operation;
use crate::account_file::TagMutability;
use crate::clock::epoch_seconds;
use crate::ids::Arns;
use crate::protocol::ApiError;

/// The operation of that name, if it is emulated.
pub(crate) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "GetAuthorizationToken" => get_authorization_token,
        "CreateRepository" => create_repository,
        "DescribeRepositories" => describe_repositories,
        "DescribeImages" => describe_images,
        "ListImages" => list_images,
        "BatchGetImage" => batch_get_image,
        _ => return None,
    })
}

/// The repositories of a region, by name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Ecr {
    pub(crate) repositories: IndexMap<String, Repository>,
}

/// A repository. Bytes lie in the registry's blob store, shared by all; here is what belongs to it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Repository {
    pub(crate) created_at_ms: u64,
    pub(crate) mutability: TagMutability,
    /// Layers and configurations: digest and size in bytes.
    pub(crate) blobs: IndexMap<String, u64>,
    /// Manifests by digest, in order of their first push.
    pub(crate) manifests: IndexMap<String, Manifest>,
    /// Tags and the digests of their manifests.
    pub(crate) tags: IndexMap<String, String>,
}

/// A manifest that was pushed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    /// Of the configuration, or the manifest's own `artifactType`.
    pub(crate) artifact_media_type: Option<String>,
    /// The manifest itself, in bytes.
    pub(crate) size: u64,
    /// Layers and configuration as they were pushed, in bytes; 0 for an index.
    pub(crate) image_size: u64,
    pub(crate) pushed_at_ms: u64,
    /// The manifest that this one is about.
    pub(crate) subject: Option<String>,
}

impl Repository {
    pub(crate) fn new(created_at_ms: u64, mutability: TagMutability) -> Self {
        let (blobs, manifests, tags) = Default::default();
        Self { created_at_ms, mutability, blobs, manifests, tags }
    }

    /// The digest of a tag, or of a digest that is there.
    pub(crate) fn resolve(&self, reference: &str) -> Option<&str> {
        let tagged = self.tags.get(reference).map(String::as_str);
        tagged.or_else(|| self.manifests.get_key_value(reference).map(|(digest, _)| digest.as_str()))
    }

    /// The tags of a digest, in order of their first push.
    pub(crate) fn tags_of(&self, digest: &str) -> Vec<&str> {
        self.tags.iter().filter(|(_, tagged)| *tagged == digest).map(|(tag, _)| tag.as_str()).collect()
    }

    /// As `DescribeRepositories` shows it.
    fn described(&self, name: &str, arns: Arns<'_>, host: &str) -> Value {
        json!({
            "repositoryArn": arns.repository(name),
            "registryId": arns.account,
            "repositoryName": name,
            "repositoryUri": format!("{host}/{name}"),
            "createdAt": epoch_seconds(self.created_at_ms),
            "imageTagMutability": self.mutability,
            "imageScanningConfiguration": { "scanOnPush": false },
            "encryptionConfiguration": { "encryptionType": "AES256" },
        })
    }
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

fn repository<'a>(ecr: &'a Ecr, name: &str, account: &str) -> Result<&'a Repository, ApiError> {
    ecr.repositories.get(name).ok_or_else(|| ApiError::new("RepositoryNotFoundException", no_repository(name, account)))
}

/// One page of `items`: from `nextToken`, at most `maxResults`, and the token of the next page.
fn page<T>(items: Vec<T>, input: crate::account::Input<'_>) -> Result<(Vec<T>, Option<String>), ApiError> {
    const DEFAULT_PAGE: usize = 100;
    let bad =
        || ApiError::new("InvalidParameterException", "Invalid parameter at 'nextToken': not a token of this account");
    let start = input.text("nextToken")?.map_or(Ok(0), |token| token.parse::<usize>().map_err(|_| bad()))?;
    let size = input.count("maxResults")?.map_or(DEFAULT_PAGE, |count| usize::try_from(count).unwrap_or(DEFAULT_PAGE));
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
