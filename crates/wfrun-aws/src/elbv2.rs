//! Elastic Load Balancing, version 2: load balancers, their listeners and target groups.

use serde::{Deserialize, Serialize};

use crate::account::Operation;

/// What there is in a region.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Elbv2 {}

/// The operation of that name, if it is emulated.
pub(crate) fn operation(_name: &str) -> Option<Operation> {
    None
}
