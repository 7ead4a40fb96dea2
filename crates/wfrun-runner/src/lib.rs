//! Carries out effects: environments, steps, actions, services. The only asynchronous orchestrator.
//!
//! Invariant: there is one loop and one receiver of facts; nothing else changes the run.
mod action_container;
mod action_images;
mod actions;
mod ahead;
mod aws_redirect;
mod containers;
mod decode;
mod failed_deployments;
mod find_action;
mod folders;
mod git;
mod groups;
mod hash_files;
mod inventory;
mod job;
mod job_folders;
mod kept;
mod lines;
mod node;
mod not_started;
mod opening;
mod own_repository;
mod paths;
mod read_file;
mod registry_clients;
mod run;
mod services;
mod settings;
mod snapshot;
mod step;
mod tasks;
mod tools;
mod trees;
mod vendor;
mod work_files;

pub use actions::{
    ActionError, ActionMode, ActionSettings, Actions, BuiltinActions, Content, Findings, KnownAction, LocalRepository,
    Mirror, MirrorError, Missing, Origin, Place, RefError, clean_action_store, commit_of,
};
pub use folders::remove_folder;
pub use git::{Git, GitError};
pub use groups::{Groups, Membership, Standing};
pub use hash_files::{HashError, HashedFolder, hash_files};
pub use inventory::{Images, Inventory, Item, Lack, Supply, Tools, image_of};
pub use lines::{LineSplitter, Lines};
pub use node::{node_of_machine, node_version};
pub use paths::container_workspace;
pub use registry_clients::registry_client;
pub use run::{Outside, run};
pub use services::{Aws, AwsSettings, GUARD, LocalServices, NamedRegistry, ServicesError, StepNames};
pub use settings::{AwsMode, RunSettings};
pub use snapshot::{Near, NearWanted, Snapshot, SnapshotError, SnapshotSettings, merge_commit};
pub use tasks::{DockerLauncher, LogPlace, LogSink, TaskSettings};
pub use tools::{FoundTool, ToolLack, find_tool};
pub use trees::{Trees, Way};
pub use vendor::{
    IMAGES, LOCK_FILE, Lock, LockedImage, LockedNode, LockedRepository, LockedTool, Mismatch, TOOLS, VendorError,
    Vendored, Vendoring, begins_as_archive, image_file_name, normalise_image, pack, replace, unpack,
};
