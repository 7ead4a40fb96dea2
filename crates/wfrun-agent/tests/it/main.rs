//! The tests of this crate in one binary.

mod cli;
mod protocol;
mod standins;
mod supervisor;
