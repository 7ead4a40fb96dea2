//! Permissions of ECR and its registry.

use axum::http::{Method, Uri};

use super::{Asked, Need, Rule, any, resource, tag_resource, text, texts, with_tags};
use crate::ids::Arns;

pub(super) const RULES: &[(&str, Rule)] = &[
    ("GetAuthorizationToken", any),
    ("PutAccountSetting", any),
    ("GetAccountSetting", any),
    ("CreateRepository", create_repository),
    ("DescribeRepositories", repositories),
    ("DeleteRepository", repository),
    ("ListImages", repository),
    ("ListImageReferrers", repository),
    ("DescribeImages", repository),
    ("BatchGetImage", repository),
    ("PutImage", repository),
    ("BatchDeleteImage", repository),
    ("BatchCheckLayerAvailability", repository),
    ("GetDownloadUrlForLayer", repository),
    ("InitiateLayerUpload", repository),
    ("UploadLayerPart", repository),
    ("CompleteLayerUpload", repository),
    ("PutImageTagMutability", repository),
    ("PutImageScanningConfiguration", repository),
    ("StartImageScan", repository),
    ("DescribeImageScanFindings", repository),
    ("GetRepositoryPolicy", repository),
    ("SetRepositoryPolicy", repository),
    ("DeleteRepositoryPolicy", repository),
    ("PutLifecyclePolicy", repository),
    ("GetLifecyclePolicy", repository),
    ("DeleteLifecyclePolicy", repository),
    ("ListTagsForResource", resource),
    ("TagResource", tag_resource),
    ("UntagResource", resource),
];

/// Source: AWS ECR Public user guide, "Registry authentication in Amazon ECR public": a login needs the second permission, too.
pub(super) const PUBLIC: &[(&str, Rule)] = &[
    ("GetAuthorizationToken", |asked, action| [any(asked, action), any(asked, "sts:GetServiceBearerToken")].concat()),
    ("DescribeRegistries", any),
];

fn repository(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let name = text(asked, "repositoryName").unwrap_or("*");
    vec![Need::new(action, asked.arns.repository(name))]
}

/// Those named, or `*` for all.
fn repositories(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let names = texts(asked, "repositoryNames");
    if names.is_empty() {
        return any(asked, action);
    }
    names.into_iter().map(|name| Need::new(action, asked.arns.repository(name))).collect()
}

fn create_repository(asked: Asked<'_>, action: &str) -> Vec<Need> {
    with_tags(asked, repository(asked, action), "tags", "ecr:TagResource")
}

/// What a request to the registry needs, by the ECR operation it stands for.
///
/// An upload in one request needs what its parts need, and a mount what a pull from the other repository needs.
///
/// Source: AWS ECR user guide, "IAM permissions for pushing an image" and "… for pulling an image".
pub(crate) fn registry(
    operation: &str,
    name: &str,
    (method, uri, has_body): (&Method, &Uri, bool),
    arns: Arns<'_>,
) -> Vec<Need> {
    let on = |operation: &str, name: &str| Need::new(format!("ecr:{operation}"), arns.repository(name));
    if operation == "DescribeRepositories" {
        return vec![Need::new("ecr:DescribeRepositories", "*")];
    }
    let mut needs = vec![on(operation, name)];
    let parameter = |key: &str| crate::registry::parameter(uri, key);
    match (operation, method) {
        ("InitiateLayerUpload", _) if parameter("digest").is_some() => {
            needs.extend([on("UploadLayerPart", name), on("CompleteLayerUpload", name)]);
        }
        ("InitiateLayerUpload", _) if parameter("mount").is_some() => {
            let from = parameter("from");
            needs.extend(from.map(|from| on("GetDownloadUrlForLayer", &from)));
        }
        ("CompleteLayerUpload", method) if *method == Method::PUT && has_body => {
            needs.insert(0, on("UploadLayerPart", name));
        }
        _ => {}
    }
    needs
}
