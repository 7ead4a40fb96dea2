//! The tags of users, roles and policies after their creation.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::answer::{limit, name, no_role, no_user, paged, required, tags};
use super::managed;
use super::model::Iam;
use crate::account::{Call, Operation};
use crate::protocol::ApiError;

/// Source: AWS IAM user guide, "IAM and AWS STS quotas".
const MOST: usize = 50;

/// What is tagged.
#[derive(Clone, Copy)]
enum Kind {
    User,
    Role,
    Policy,
}

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "TagUser" => |call| tag(call, Kind::User),
        "UntagUser" => |call| untag(call, Kind::User),
        "ListUserTags" => |call| list(call, Kind::User),
        "TagRole" => |call| tag(call, Kind::Role),
        "UntagRole" => |call| untag(call, Kind::Role),
        "ListRoleTags" => |call| list(call, Kind::Role),
        "TagPolicy" => |call| tag(call, Kind::Policy),
        "UntagPolicy" => |call| untag(call, Kind::Policy),
        "ListPolicyTags" => |call| list(call, Kind::Policy),
        _ => return None,
    })
}

impl Kind {
    /// The name or ARN that the input gives.
    fn named(self, call: Call<'_>) -> Result<&str, ApiError> {
        match self {
            Self::User => name(call.input, "UserName", 128),
            Self::Role => name(call.input, "RoleName", 64),
            Self::Policy => required(call.input, "PolicyArn"),
        }
    }

    fn tags<'a>(self, iam: &'a Iam, named: &str) -> Result<&'a IndexMap<String, String>, ApiError> {
        match self {
            Self::User => iam.users.get(named).map(|it| &it.tags).ok_or_else(|| no_user(named)),
            Self::Role => iam.roles.get(named).map(|it| &it.tags).ok_or_else(|| no_role(named)),
            Self::Policy => managed::look_at_own(iam, named).map(|it| &it.tags),
        }
    }

    fn tags_mut<'a>(self, iam: &'a mut Iam, named: &str) -> Result<&'a mut IndexMap<String, String>, ApiError> {
        match self {
            Self::User => iam.users.get_mut(named).map(|it| &mut it.tags).ok_or_else(|| no_user(named)),
            Self::Role => iam.roles.get_mut(named).map(|it| &mut it.tags).ok_or_else(|| no_role(named)),
            Self::Policy => managed::own(iam, named).map(|it| &mut it.tags),
        }
    }
}

/// Source: AWS IAM API reference, `TagUser`, `TagRole` and `TagPolicy`: a tag with the key of another, in whatever case, takes its place.
fn tag(call: Call<'_>, kind: Kind) -> Result<Value, ApiError> {
    let (named, given) = (kind.named(call)?, tags(call.input)?);
    call.account.change_iam(|iam| {
        let known = kind.tags_mut(iam, named)?;
        let mut changed = known.clone();
        for (key, value) in given {
            changed.retain(|it, _| !it.eq_ignore_ascii_case(&key));
            changed.insert(key, value);
        }
        if changed.len() > MOST {
            return Err(limit(format!("Cannot exceed quota for TagsPerResource: {MOST}")));
        }
        *known = changed;
        Ok(Value::Null)
    })
}

/// Source: AWS IAM API reference, `UntagUser`, `UntagRole` and `UntagPolicy`.
fn untag(call: Call<'_>, kind: Kind) -> Result<Value, ApiError> {
    let (named, keys) = (kind.named(call)?, call.input.texts("TagKeys")?);
    call.account.change_iam(|iam| {
        kind.tags_mut(iam, named)?.retain(|it, _| !keys.iter().any(|key| it.eq_ignore_ascii_case(key)));
        Ok(Value::Null)
    })
}

/// Source: AWS IAM API reference, `ListUserTags`, `ListRoleTags` and `ListPolicyTags`: in order of their keys.
fn list(call: Call<'_>, kind: Kind) -> Result<Value, ApiError> {
    let named = kind.named(call)?;
    let mut tags = call.account.read_iam(|iam| kind.tags(iam, named).cloned())?;
    tags.sort_unstable_keys();
    let shown = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    paged(call.input, "Tags", shown)
}
