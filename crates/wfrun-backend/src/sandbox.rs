//! Jobs in Linux namespaces with an overlay over this machine's root: no daemon, no image.
//!
//! The executable starts twice: once to leave the old namespaces, once as the first process of the new ones, where it
//! makes the file system and becomes the supervisor. Everything made here lives in those namespaces, so it goes with
//! the last process, however that ends; nothing is ever written below this machine's own directories.
//!
//! Covered: everything on the root file system and on disks mounted below it can be written to, and is forgotten.
//! Not covered: mounts that cannot carry an overlay (network file systems, FUSE, read-only media) are read-only inside;
//! `/tmp` and `/run` start empty; `/proc/sys` is read-only; the network is this machine's own.
//!
//! Differs: in the sandbox root has the capabilities of a container, not of a machine: `mount`, `modprobe`, `iptables`
//! and setting the clock fail.
//!
//! Differs: in the sandbox of an unprivileged user system directories belong to nobody, so `apt-get install` fails, and there
//! is no other user whom files could be given to; run wfrun as root, or use `--backend docker`.

mod capabilities;
mod config;
mod devices;
mod entry;
mod layers;
mod mount;
mod mount_table;
mod private_files;
mod probe;
mod setup;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use wfrun_agent::supervisor::{COVER_DIR, SHIM_DIR};

pub use entry::{SUBCOMMAND, main};
pub use probe::probe_sandbox;

use crate::agent_process::AgentProcess;
use crate::environment::Teardown;
use crate::sandbox::config::Config;
use crate::{Backend, BackendError, Environment, EnvironmentSpec, Facts, inherited};

/// Makes sandboxes.
#[derive(Debug, Clone, Copy, Default)]
pub struct SandboxBackend;

impl Backend for SandboxBackend {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn open(&self, spec: EnvironmentSpec) -> BoxFuture<'_, Result<Environment, BackendError>> {
        open(spec).boxed()
    }
}

async fn open(spec: EnvironmentSpec) -> Result<Environment, BackendError> {
    let begin = Instant::now();
    let config = Config::new(&spec, |path| canonical(&spec.job, path))?;
    let (agent, link, ready) =
        AgentProcess::open(&spec.job, &config.agent_executable, &[SUBCOMMAND.to_owned()], config.to_frame()).await?;
    let mut path = inherited::path();
    if !spec.covers.is_empty() {
        path = format!("{COVER_DIR}:{path}");
    }
    if !spec.shims.is_empty() {
        path = format!("{path}:{SHIM_DIR}");
    }
    let mut known = inherited::variables();
    known.extend(spec.outbound.in_sandbox());
    let facts = Facts {
        os: "Linux",
        arch: ready.arch,
        base_env: inherited::base_env(known, &path, setup::HOME, spec.env),
        path,
        home: setup::HOME.to_owned(),
        work: setup::WORK.to_owned(),
        tool_cache: setup::TOOL_CACHE.to_owned(),
        moved_ports: Vec::new(),
        metadata_open: ready.metadata_open,
        started_in: begin.elapsed(),
    };
    Ok(Environment::new(facts, link, Teardown::Sandbox { agent }))
}

/// Inside, symbolic links would be looked up in the new root: only real paths go there.
fn canonical(job: &str, path: &Path) -> Result<PathBuf, BackendError> {
    fs::canonicalize(path).map_err(|err| BackendError::Path { job: job.to_owned(), path: path.to_owned(), err })
}
