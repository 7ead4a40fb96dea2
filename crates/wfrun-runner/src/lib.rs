//! Carries out effects: environments, steps, actions, services. The only asynchronous orchestrator.
//!
//! Invariant: there is one loop and one receiver of facts; nothing else changes the run.
mod action_container;
mod actions;
mod aws_names;
mod containers;
mod folders;
mod git;
mod groups;
mod hash_files;
mod job;
mod lines;
mod paths;
mod run;
mod services;
mod settings;
mod snapshot;
mod step;
mod trees;
mod work_files;

pub use actions::{ActionError, BuiltinActions};
pub use aws_names::{aws_names, uses_aws};
pub use folders::remove_folder;
pub use git::{Git, GitError};
pub use groups::{Groups, Membership, Standing};
pub use hash_files::{HashError, hash_files};
pub use lines::LineSplitter;
pub use run::{Outside, run};
pub use services::{LocalServices, ServicesError};
pub use settings::{AwsMode, RunSettings};
pub use snapshot::{Snapshot, SnapshotError, SnapshotSettings, merge_commit};
pub use trees::Trees;
