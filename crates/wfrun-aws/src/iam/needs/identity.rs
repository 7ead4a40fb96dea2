//! Permissions of IAM and STS.

use super::{Asked, Need, Rule, arn_in, nothing, tag_keys, text, with_tags};
use crate::iam::{Owner, arn, service_linked};

pub(super) const IAM: &[(&str, Rule)] = &[
    ("CreateUser", |asked, action| with_tags(asked, user(asked, action), "Tags", "iam:TagUser")),
    ("GetUser", user),
    ("DeleteUser", user),
    ("ListUsers", |asked, action| all(asked, action, "user")),
    ("CreateAccessKey", user),
    ("ListAccessKeys", user),
    ("UpdateAccessKey", user),
    ("DeleteAccessKey", user),
    ("AttachUserPolicy", |asked, action| attaching(asked, user(asked, action))),
    ("DetachUserPolicy", |asked, action| attaching(asked, user(asked, action))),
    ("ListAttachedUserPolicies", user),
    ("PutUserPolicy", user),
    ("GetUserPolicy", user),
    ("ListUserPolicies", user),
    ("DeleteUserPolicy", user),
    ("CreatePolicy", |asked, action| with_tags(asked, new_policy(asked, action), "Tags", "iam:TagPolicy")),
    ("ListPolicies", |asked, action| all(asked, action, "policy")),
    ("GetPolicy", policy),
    ("DeletePolicy", policy),
    ("CreatePolicyVersion", policy),
    ("GetPolicyVersion", policy),
    ("ListPolicyVersions", policy),
    ("SetDefaultPolicyVersion", policy),
    ("DeletePolicyVersion", policy),
    ("ListEntitiesForPolicy", policy),
    ("CreateRole", |asked, action| with_tags(asked, role(asked, action), "Tags", "iam:TagRole")),
    ("CreateServiceLinkedRole", service_linked_role),
    ("TagUser", |asked, action| tagging(asked, user(asked, action))),
    ("UntagUser", user),
    ("ListUserTags", user),
    ("TagRole", |asked, action| tagging(asked, role(asked, action))),
    ("UntagRole", role),
    ("ListRoleTags", role),
    ("TagPolicy", |asked, action| tagging(asked, policy(asked, action))),
    ("UntagPolicy", policy),
    ("ListPolicyTags", policy),
    ("GetRole", role),
    ("DeleteRole", role),
    ("UpdateRole", role),
    ("UpdateAssumeRolePolicy", role),
    ("ListRoles", |asked, action| all(asked, action, "role")),
    ("AttachRolePolicy", |asked, action| attaching(asked, role(asked, action))),
    ("DetachRolePolicy", |asked, action| attaching(asked, role(asked, action))),
    ("ListAttachedRolePolicies", role),
    ("PutRolePolicy", role),
    ("GetRolePolicy", role),
    ("ListRolePolicies", role),
    ("DeleteRolePolicy", role),
    ("CreateOpenIDConnectProvider", new_provider),
    ("GetOpenIDConnectProvider", |asked, action| arn_in(asked, action, "OpenIDConnectProviderArn")),
    ("DeleteOpenIDConnectProvider", |asked, action| arn_in(asked, action, "OpenIDConnectProviderArn")),
    ("ListOpenIDConnectProviders", |asked, action| all(asked, action, "oidc-provider")),
    ("SimulatePrincipalPolicy", |asked, action| arn_in(asked, action, "PolicySourceArn")),
    ("SimulateCustomPolicy", super::any),
];

/// `GetCallerIdentity` and `GetSessionToken` need nothing, and the unsigned ones ask the role's trust policy themselves.
///
/// Source: AWS STS API reference, `GetCallerIdentity` and `GetSessionToken` ("No permissions are required").
pub(super) const STS: &[(&str, Rule)] = &[
    ("GetCallerIdentity", nothing),
    ("GetSessionToken", nothing),
    ("AssumeRoleWithWebIdentity", nothing),
    ("AssumeRole", assume_role),
];

fn user(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let name = text(asked, "UserName").or(asked.known.user()).unwrap_or("*");
    vec![Need::new(action, arn_of(asked, Owner::User, name))]
}

fn role(asked: Asked<'_>, action: &str) -> Vec<Need> {
    vec![Need::new(action, arn_of(asked, Owner::Role, text(asked, "RoleName").unwrap_or("*")))]
}

/// Of what is there the path is known; what will be has the one of the input.
fn arn_of(asked: Asked<'_>, owner: Owner, name: &str) -> String {
    let kind = match owner {
        Owner::User => "user",
        Owner::Role => "role",
    };
    let known = asked.known.path(owner, name);
    let path = known.as_deref().or_else(|| text(asked, "Path")).unwrap_or("/");
    arn(asked.arns.account, kind, path, name)
}

/// Of lists, as AWS names them: `arn:aws:iam::123456789012:user/`.
fn all(asked: Asked<'_>, action: &str, kind: &str) -> Vec<Need> {
    let path = text(asked, "PathPrefix").unwrap_or("/");
    vec![Need::new(action, arn(asked.arns.account, kind, path, ""))]
}

fn policy(asked: Asked<'_>, action: &str) -> Vec<Need> {
    arn_in(asked, action, "PolicyArn")
}

fn new_policy(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let (name, path) = (text(asked, "PolicyName").unwrap_or("*"), text(asked, "Path").unwrap_or("/"));
    vec![Need::new(action, arn(asked.arns.account, "policy", path, name))]
}

fn new_provider(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let url = text(asked, "Url").unwrap_or("*");
    let host = url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/');
    vec![Need::new(action, arn(asked.arns.account, "oidc-provider", "/", host))]
}

fn tagging(asked: Asked<'_>, mut needs: Vec<Need>) -> Vec<Need> {
    for need in &mut needs {
        need.keys.extend(tag_keys(asked, "Tags"));
    }
    needs
}

/// Source: AWS Service Authorization Reference, IAM, `CreateServiceLinkedRole` with `iam:AWSServiceName`.
fn service_linked_role(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let service = text(asked, "AWSServiceName").unwrap_or("*");
    vec![Need::new(action, service_linked::role_arn(asked.arns.account, service)).key("iam:AWSServiceName", service)]
}

fn attaching(asked: Asked<'_>, needs: Vec<Need>) -> Vec<Need> {
    let Some(policy) = text(asked, "PolicyArn") else { return needs };
    needs.into_iter().map(|it| it.key("iam:PolicyARN", policy)).collect()
}

/// The caller's policies and the role's trust policy must allow it; tags are a permission of their own.
///
/// A role that is not in IAM trusts the account: whoever may assume it by a policy does.
fn assume_role(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let arn = text(asked, "RoleArn").unwrap_or("*");
    let trust = asked.known.trust_of(arn);
    let mut keys = tag_keys(asked, "Tags");
    for (key, member) in [("sts:ExternalId", "ExternalId"), ("sts:RoleSessionName", "RoleSessionName")] {
        keys.extend(text(asked, member).map(|it| (key.to_owned(), vec![it.to_owned()])));
    }
    let transitive = super::texts(asked, "TransitiveTagKeys");
    if !transitive.is_empty() {
        keys.push(("sts:TransitiveTagKeys".to_owned(), transitive.into_iter().map(ToOwned::to_owned).collect()));
    }
    let has_tags = !asked.input.list("Tags").unwrap_or_default().is_empty();
    let assume = Need { keys, trust, ..Need::new(action, arn) };
    let tag = has_tags.then(|| Need { action: "sts:TagSession".to_owned(), ..assume.clone() });
    std::iter::once(assume).chain(tag).collect()
}
