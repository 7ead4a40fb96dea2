//! Artifacts: files that a run keeps, by their names in it.

mod methods;
mod name;
mod store;

pub use store::Artifact;

pub(crate) use methods::{SERVICE, call};
#[cfg(test)]
pub(crate) use store::expiry;
pub(crate) use store::{Artifacts, Claim};
