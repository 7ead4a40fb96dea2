//! Unit tests of workflows: `*.wftest.yml` files, read, played and judged.
//!
//! Invariant: a case asks neither git nor the network nor the clock; it means the same on every machine.
mod find;
mod given;
mod happening;
mod judge;
mod judged;
mod leaves;
mod model;
mod play;
mod playable;
mod read;
mod run;
mod undecided;

pub(crate) use find::files_below;
pub(crate) use run::run;
