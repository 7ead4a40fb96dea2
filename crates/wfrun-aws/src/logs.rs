//! `CloudWatch` Logs: groups, streams and what was written to them.

use serde::{Deserialize, Serialize};

use crate::account::Operation;

/// What there is in a region.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Logs {}

/// The operation of that name, if it is emulated.
pub(crate) fn operation(_name: &str) -> Option<Operation> {
    None
}
