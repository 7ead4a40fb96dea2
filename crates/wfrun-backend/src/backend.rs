use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::docker::PreparedContainer;
use crate::{BackendError, DockerBackend, Environment, Outbound};

/// A kind of place to run a job in.
pub trait Backend: Send + Sync {
    /// `docker`, `sandbox`, `host` or `scripted`.
    fn name(&self) -> &'static str;

    /// The engine that makes containers, where there is one: jobs can have containers and services there.
    fn engine(&self) -> Option<&DockerBackend> {
        None
    }

    /// Makes an environment and waits until processes can be started in it.
    fn open(&self, spec: EnvironmentSpec) -> BoxFuture<'_, Result<Environment, BackendError>>;
}

/// What a job needs of its environment.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentSpec {
    /// The run; goes into names and labels.
    pub run_id: String,
    /// The job's key; goes into names and labels.
    pub job: String,
    /// The image; without meaning to `sandbox` and `host`.
    pub image: Option<String>,
    /// The container that the job itself asked for, in place of one of its runner's kind; only `docker` has any.
    pub container: Option<PreparedContainer>,
    /// Ports of 127.0.0.1 that are seen at the same address inside of `container`, which has a network of its own; those of
    /// `outbound` are seen at [`Facts::moved_ports`](crate::Facts::moved_ports).
    pub passed_on: Vec<u16>,
    /// Directories of this machine that are empty inside, where this machine's own files are seen at all.
    pub hidden: Vec<PathBuf>,
    /// A directory of this machine that exists; seen inside at [`Facts::work`](crate::Facts::work).
    pub work_dir: PathBuf,
    /// This executable, linked statically: it is the supervisor and the stand-ins inside.
    pub agent_executable: PathBuf,
    /// What else is seen inside; without meaning to `host`, which sees everything at its own place.
    pub mounts: Vec<Mount>,
    /// Names that resolve to these addresses inside; without meaning to `host`.
    pub hosts: Vec<(String, IpAddr)>,
    /// The name server inside, instead of this machine's; without meaning to `host`.
    pub dns: Option<IpAddr>,
    /// Whether programs are kept from the addresses at which clouds tell a machine its own credentials; that one asked is a
    /// [`ProcessEvent::Warning`](crate::ProcessEvent::Warning), and where it cannot be done is
    /// [`Facts::metadata_open`](crate::Facts::metadata_open).
    pub cuts_metadata: bool,
    /// Commands (`aws`, `sudo`) that are a link to `agent_executable`, last on the `PATH` inside: what steps install comes before.
    pub shims: Vec<String>,
    /// The same, first on the `PATH`: what there is of these names is of no use inside. Only `sandbox` has any.
    pub covers: Vec<String>,
    /// This machine's proxies, certificates and package indexes.
    pub outbound: Arc<Outbound>,
    /// Variables that every process inherits, after those of the place itself.
    pub env: Vec<(String, String)>,
}

/// A file or directory of this machine that is seen inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its place on this machine; it exists.
    pub source: PathBuf,
    /// Its absolute place inside; made if missing.
    pub target: String,
    /// Whether writing to it fails inside.
    pub read_only: bool,
}
