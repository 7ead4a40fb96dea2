//! What IAM remembers.

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::aws_managed;
use crate::ids::unique_id;

/// Users, roles, policies and identity providers of the account.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Iam {
    #[serde(default)]
    pub(crate) users: IndexMap<String, User>,
    #[serde(default)]
    pub(crate) roles: IndexMap<String, Role>,
    /// By ARN.
    #[serde(default)]
    pub(crate) policies: IndexMap<String, ManagedPolicy>,
    /// By ARN.
    #[serde(default)]
    pub(crate) providers: IndexMap<String, OidcProvider>,
}

/// A user.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct User {
    /// `AIDA…`
    pub(crate) id: String,
    /// Begins and ends with a slash.
    pub(crate) path: String,
    pub(crate) created_ms: u64,
    pub(crate) tags: IndexMap<String, String>,
    pub(crate) keys: Vec<AccessKey>,
    pub(crate) holdings: Holdings,
}

/// An access key that was created by IAM. `Debug` does not show its secret.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) active: bool,
    pub(crate) created_ms: u64,
}

/// A role.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Role {
    /// `AROA…`
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) created_ms: u64,
    pub(crate) description: Option<String>,
    /// The trust policy, as it was given.
    pub(crate) trust: String,
    pub(crate) longest_session_s: u64,
    pub(crate) tags: IndexMap<String, String>,
    pub(crate) holdings: Holdings,
}

/// The policies of a user or role.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Holdings {
    /// ARNs, in order of their attachment.
    pub(crate) attached: Vec<String>,
    /// Inline policies by name, as they were given.
    pub(crate) inline: IndexMap<String, String>,
}

/// A policy of the account with its versions.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct ManagedPolicy {
    pub(crate) name: String,
    /// `ANPA…`
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) description: Option<String>,
    pub(crate) created_ms: u64,
    pub(crate) updated_ms: u64,
    pub(crate) tags: IndexMap<String, String>,
    pub(crate) versions: Vec<PolicyVersion>,
    pub(crate) default_version: u32,
}

/// A version of a policy; a number is never used twice.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct PolicyVersion {
    pub(crate) number: u32,
    pub(crate) document: String,
    pub(crate) created_ms: u64,
}

/// An `OpenID` Connect provider.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct OidcProvider {
    /// Without `https://`.
    pub(crate) url: String,
    pub(crate) client_ids: Vec<String>,
    pub(crate) thumbprints: Vec<String>,
    pub(crate) created_ms: u64,
}

/// Whose policies an operation is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Owner {
    User,
    Role,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).field("active", &self.active).finish_non_exhaustive()
    }
}

impl User {
    pub(crate) fn new(id: String, created_ms: u64) -> Self {
        let (tags, keys, holdings) = Default::default();
        Self { id, path: "/".to_owned(), created_ms, tags, keys, holdings }
    }
}

impl Holdings {
    /// Whether the managed policy is attached.
    pub(super) fn has(&self, arn: &str) -> bool {
        self.attached.iter().any(|held| held == arn)
    }
}

impl ManagedPolicy {
    /// The document that is in force.
    pub(crate) fn document(&self) -> &str {
        let current = self.versions.iter().find(|it| it.number == self.default_version);
        current.map_or("", |it| it.document.as_str())
    }
}

impl Iam {
    /// The user of that name, created where absent.
    pub(crate) fn user_or_new(&mut self, name: &str, now_ms: u64) -> &mut User {
        let new = || User::new(unique_id("AIDA", 17, Uuid::new_v4()), now_ms);
        self.users.entry(name.to_owned()).or_insert_with(new)
    }

    /// What each user and role holds.
    fn all_holdings(&self) -> impl Iterator<Item = &Holdings> {
        self.users.values().map(|it| &it.holdings).chain(self.roles.values().map(|it| &it.holdings))
    }

    /// Whether any user or role holds any policy.
    pub(crate) fn has_policies(&self) -> bool {
        self.all_holdings().any(|it| !it.attached.is_empty() || !it.inline.is_empty())
    }

    /// The policy of that ARN, the account's or AWS'.
    pub(crate) fn document(&self, arn: &str) -> Option<&str> {
        self.policies.get(arn).map(ManagedPolicy::document).or_else(|| aws_managed::find(arn).map(|it| it.document))
    }

    /// Names and documents of what a user or role holds: attached policies by ARN, then inline ones by name.
    pub(crate) fn documents<'a>(&'a self, holdings: &'a Holdings) -> impl Iterator<Item = (&'a str, &'a str)> {
        let attached = holdings.attached.iter().filter_map(|arn| Some((arn.as_str(), self.document(arn)?)));
        attached.chain(holdings.inline.iter().map(|(name, document)| (name.as_str(), document.as_str())))
    }

    /// The role with that ARN, the path included, and its name.
    pub(crate) fn role(&self, account: &str, role_arn: &str) -> Option<(&str, &Role)> {
        let (name, role) = self.roles.get_key_value(role_arn.rsplit('/').next()?)?;
        (arn(account, "role", &role.path, name) == role_arn).then_some((name.as_str(), role))
    }

    pub(crate) fn holdings(&self, owner: Owner, name: &str) -> Option<&Holdings> {
        match owner {
            Owner::User => self.users.get(name).map(|it| &it.holdings),
            Owner::Role => self.roles.get(name).map(|it| &it.holdings),
        }
    }

    pub(super) fn holdings_mut(&mut self, owner: Owner, name: &str) -> Option<&mut Holdings> {
        match owner {
            Owner::User => self.users.get_mut(name).map(|it| &mut it.holdings),
            Owner::Role => self.roles.get_mut(name).map(|it| &mut it.holdings),
        }
    }

    /// How many users and roles hold a policy.
    pub(super) fn attachments(&self, arn: &str) -> usize {
        self.all_holdings().filter(|it| it.has(arn)).count()
    }

    /// Who has an access key of IAM's, and the key.
    pub(crate) fn key(&self, id: &str) -> Option<(&str, &AccessKey)> {
        let mut all = self.users.iter().flat_map(|(name, user)| user.keys.iter().map(move |key| (name.as_str(), key)));
        all.find(|(_, key)| key.id == id)
    }
}

/// The ARN of something of the account's: `kind` is `user`, `role`, `policy` or `oidc-provider`, `path` begins and ends with a slash.
pub(crate) fn arn(account: &str, kind: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:{kind}{path}{name}")
}

/// The name in an ARN, without the path.
pub(super) fn name_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The path in an ARN: `/`, or as `/service-role/`.
pub(super) fn path_of(arn: &str) -> &str {
    let start = arn.find('/').unwrap_or(0);
    arn.get(start..arn.len() - name_of(arn).len()).unwrap_or("/")
}
