//! Places to run processes in: `docker`, `sandbox`, `host`, and `scripted` for tests.
//!
//! All of them give an [`Environment`], which speaks to a supervisor inside; only how it is made and taken away differs.
//! Nothing here knows of workflows, steps or GitHub.
//!
//! Invariants: an environment that is closed or dropped leaves no process, mount or container behind, also when wfrun is
//! killed; what a step writes outside its work directory is never seen by the host (but on `host`, which says so).

mod account;
mod agent_process;
mod backend;
pub mod docker;
mod environment;
mod error;
mod host;
mod inherited;
mod link;
pub mod network;
pub mod outbound;
mod owner;
mod process;
pub mod sandbox;
mod scripted;

pub use account::user_name;
pub use backend::{Backend, EnvironmentSpec, Mount};
pub use docker::{DockerBackend, clean};
pub use environment::{Environment, Facts};
pub use error::{BackendError, chain};
pub use host::HostBackend;
pub use outbound::{CaFileError, Outbound, OutboundSettings};
pub use owner::{owner, owner_lives};
pub use process::{Exec, Process, ProcessControl, ProcessEvent};
pub use sandbox::{SandboxBackend, probe_sandbox};
pub use scripted::{Scripted, ScriptedReply};
pub use wfrun_agent::protocol::{FoundProcess, Signal, Stream, Target};
