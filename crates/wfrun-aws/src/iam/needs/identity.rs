//! Permissions of IAM and STS.

use super::{Need, Rule, arn_in, nothing, tag_keys, text, with_tags};
use crate::account::{Call, Principal};
use crate::iam::{Owner, arn};

pub(super) const IAM: &[(&str, Rule)] = &[
    ("CreateUser", |call, action| with_tags(call, user(call, action), "Tags", "iam:TagUser")),
    ("GetUser", user),
    ("DeleteUser", user),
    ("ListUsers", |call, action| all(call, action, "user")),
    ("CreateAccessKey", user),
    ("ListAccessKeys", user),
    ("UpdateAccessKey", user),
    ("DeleteAccessKey", user),
    ("AttachUserPolicy", |call, action| attaching(call, user(call, action))),
    ("DetachUserPolicy", |call, action| attaching(call, user(call, action))),
    ("ListAttachedUserPolicies", user),
    ("PutUserPolicy", user),
    ("GetUserPolicy", user),
    ("ListUserPolicies", user),
    ("DeleteUserPolicy", user),
    ("CreatePolicy", |call, action| with_tags(call, new_policy(call, action), "Tags", "iam:TagPolicy")),
    ("ListPolicies", |call, action| all(call, action, "policy")),
    ("GetPolicy", policy),
    ("DeletePolicy", policy),
    ("CreatePolicyVersion", policy),
    ("GetPolicyVersion", policy),
    ("ListPolicyVersions", policy),
    ("SetDefaultPolicyVersion", policy),
    ("DeletePolicyVersion", policy),
    ("ListEntitiesForPolicy", policy),
    ("CreateRole", |call, action| with_tags(call, role(call, action), "Tags", "iam:TagRole")),
    ("GetRole", role),
    ("DeleteRole", role),
    ("UpdateRole", role),
    ("UpdateAssumeRolePolicy", role),
    ("ListRoles", |call, action| all(call, action, "role")),
    ("AttachRolePolicy", |call, action| attaching(call, role(call, action))),
    ("DetachRolePolicy", |call, action| attaching(call, role(call, action))),
    ("ListAttachedRolePolicies", role),
    ("PutRolePolicy", role),
    ("GetRolePolicy", role),
    ("ListRolePolicies", role),
    ("DeleteRolePolicy", role),
    ("CreateOpenIDConnectProvider", new_provider),
    ("GetOpenIDConnectProvider", |call, action| arn_in(call, action, "OpenIDConnectProviderArn")),
    ("DeleteOpenIDConnectProvider", |call, action| arn_in(call, action, "OpenIDConnectProviderArn")),
    ("ListOpenIDConnectProviders", |call, action| all(call, action, "oidc-provider")),
    ("SimulatePrincipalPolicy", |call, action| arn_in(call, action, "PolicySourceArn")),
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

fn user(call: Call<'_>, action: &str) -> Vec<Need> {
    let own = match &call.caller.principal {
        Principal::User(name) => Some(name.as_str()),
        Principal::Root | Principal::Session(_) | Principal::Nobody => None,
    };
    let name = text(call, "UserName").or(own).unwrap_or("*");
    vec![Need::new(action, arn_of(call, Owner::User, name))]
}

fn role(call: Call<'_>, action: &str) -> Vec<Need> {
    vec![Need::new(action, arn_of(call, Owner::Role, text(call, "RoleName").unwrap_or("*")))]
}

/// Of what is there the path is known; what will be has the one of the input.
fn arn_of(call: Call<'_>, owner: Owner, name: &str) -> String {
    let (kind, known) = call.account.read_iam(|iam| match owner {
        Owner::User => ("user", iam.users.get(name).map(|it| it.path.clone())),
        Owner::Role => ("role", iam.roles.get(name).map(|it| it.path.clone())),
    });
    let path = known.as_deref().or_else(|| text(call, "Path")).unwrap_or("/");
    arn(call.account.account_id(), kind, path, name)
}

/// Of lists, as AWS names them: `arn:aws:iam::123456789012:user/`.
fn all(call: Call<'_>, action: &str, kind: &str) -> Vec<Need> {
    let path = text(call, "PathPrefix").unwrap_or("/");
    vec![Need::new(action, arn(call.account.account_id(), kind, path, ""))]
}

fn policy(call: Call<'_>, action: &str) -> Vec<Need> {
    arn_in(call, action, "PolicyArn")
}

fn new_policy(call: Call<'_>, action: &str) -> Vec<Need> {
    let (name, path) = (text(call, "PolicyName").unwrap_or("*"), text(call, "Path").unwrap_or("/"));
    vec![Need::new(action, arn(call.account.account_id(), "policy", path, name))]
}

fn new_provider(call: Call<'_>, action: &str) -> Vec<Need> {
    let url = text(call, "Url").unwrap_or("*");
    let host = url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/');
    vec![Need::new(action, arn(call.account.account_id(), "oidc-provider", "/", host))]
}

fn attaching(call: Call<'_>, needs: Vec<Need>) -> Vec<Need> {
    let Some(policy) = text(call, "PolicyArn") else { return needs };
    needs.into_iter().map(|it| it.key("iam:PolicyARN", policy)).collect()
}

/// The caller's policies and the role's trust policy must allow it; tags are a permission of their own.
///
/// A role that is not in IAM trusts the account: whoever may assume it by a policy does.
fn assume_role(call: Call<'_>, action: &str) -> Vec<Need> {
    let arn = text(call, "RoleArn").unwrap_or("*");
    let trust = call.account.trust_of(arn);
    let mut keys = tag_keys(call, "Tags");
    for (key, member) in [("sts:ExternalId", "ExternalId"), ("sts:RoleSessionName", "RoleSessionName")] {
        keys.extend(text(call, member).map(|it| (key.to_owned(), vec![it.to_owned()])));
    }
    let transitive = super::texts(call, "TransitiveTagKeys");
    if !transitive.is_empty() {
        keys.push(("sts:TransitiveTagKeys".to_owned(), transitive.into_iter().map(ToOwned::to_owned).collect()));
    }
    let has_tags = !call.input.list("Tags").unwrap_or_default().is_empty();
    let assume = Need { keys, trust, ..Need::new(action, arn) };
    let tag = has_tags.then(|| Need { action: "sts:TagSession".to_owned(), ..assume.clone() });
    std::iter::once(assume).chain(tag).collect()
}
