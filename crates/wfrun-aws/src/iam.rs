//! IAM: users and their keys, roles, and policies.

use serde::{Deserialize, Serialize};

use crate::account::Operation;

/// What there is in the account.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Iam {}

/// The operation of that name, if it is emulated.
pub(crate) fn operation(_name: &str) -> Option<Operation> {
    None
}
