//! What runs inside a job's environment: the step supervisor and the built-in stand-ins for well-known actions and commands.
//!
//! Everything here is ordinary, blocking code without a runtime, so that the supervisor starts in about a millisecond.
//! The same executable plays every part; [`supervisor::SUBCOMMAND`] names the supervisor's.
//!
//! Invariants: the supervisor never outlives the connection to the process that opened the environment, and takes
//! everything it started with it; no byte of a step's output is dropped or reordered within its stream.

pub mod container_entry;
pub mod dockerfile;
pub mod ecr_registry;
pub mod glob;
pub mod go_duration;
pub mod image_name;
mod metadata;
pub mod mount_table;
pub mod protocol;
mod reaping;
mod rights;
pub mod standins;
pub mod supervisor;
