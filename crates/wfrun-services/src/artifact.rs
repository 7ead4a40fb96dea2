//! Artifacts: files that a run keeps, by their names in it.

mod methods;
mod name;
mod store;

pub use store::Artifact;

pub(crate) use methods::{SERVICE, call};
pub(crate) use store::{Artifacts, Claim};
