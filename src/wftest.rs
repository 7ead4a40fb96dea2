//! Unit tests of workflows: `*.wftest.yml` files, read, played and judged.
//!
//! Invariant: a case asks neither the network nor the clock, and git only if it says `since`; any other means the same on
//! every machine.
mod assumed;
mod find;
mod given;
mod groups;
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
