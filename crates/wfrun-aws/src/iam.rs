//! IAM: users and their keys, roles, policies, and who may do what.

mod access_keys;
mod answer;
mod attachments;
mod aws_managed;
mod foreseen;
mod gate;
mod inline;
mod ledger;
mod managed;
mod model;
mod needs;
mod policy;
mod policy_files;
mod providers;
mod resource_tags;
mod roles;
mod service_linked;
mod simulate;
mod smallest;
mod tags;
mod trust;
mod users;

pub(crate) use self::answer::{document_size, invalid, malformed, required};
pub use self::foreseen::{ForeseenPermission, IdentityPolicy, PolicyError, PolicyOutlook, RequestTarget};
pub(crate) use self::gate::{Permissions, Permit};
pub use self::ledger::{
    DecidingStatement, PermissionDecision, PermissionReport, PermissionUse, SmallestPolicy, UnusedPermission,
};
pub(crate) use self::model::{Iam, Owner, User, arn};
pub(crate) use self::needs::{needs, registry as registry_needs};
pub use self::policy::UNKNOWN;
pub(crate) use self::policy::{Kind, Named, Pattern, Policy};
pub(crate) use self::policy_files::PolicyFiles;
use crate::account::Operation;

/// The operation of that name, if it is emulated.
///
/// Differs: groups, instance profiles, permissions boundaries and tags of identity providers after their creation are not emulated.
pub(crate) fn operation(name: &str) -> Option<Operation> {
    users::operation(name)
        .or_else(|| access_keys::operation(name))
        .or_else(|| managed::operation(name))
        .or_else(|| attachments::operation(name))
        .or_else(|| inline::operation(name))
        .or_else(|| roles::operation(name))
        .or_else(|| service_linked::operation(name))
        .or_else(|| tags::operation(name))
        .or_else(|| providers::operation(name))
        .or_else(|| simulate::operation(name))
}
