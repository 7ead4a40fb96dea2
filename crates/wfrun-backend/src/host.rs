use std::env;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use wfrun_agent::supervisor;

use crate::agent_process::AgentProcess;
use crate::environment::Teardown;
use crate::{Backend, BackendError, Environment, EnvironmentSpec, Facts, account, inherited};

/// Starts processes on this machine as it is, without any isolation.
///
/// The work directory and the home directory are this machine's own.
/// Differs: `--backend host` isolates nothing: steps write to this machine's files, see its processes and share its `/tmp`.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostBackend;

impl Backend for HostBackend {
    fn name(&self) -> &'static str {
        "host"
    }

    fn open(&self, spec: EnvironmentSpec) -> BoxFuture<'_, Result<Environment, BackendError>> {
        open(spec).boxed()
    }
}

async fn open(spec: EnvironmentSpec) -> Result<Environment, BackendError> {
    let begin = Instant::now();
    let scratch = make_scratch(&spec)?;
    let shims = scratch.path().join("bin");
    supervisor::make_shims(&shims, &spec.agent_executable, &spec.shims)
        .map_err(|message| BackendError::Setup { job: spec.job.clone(), message })?;
    let mut args = vec![supervisor::SUBCOMMAND.to_owned()];
    if spec.cuts_metadata {
        args.extend(supervisor::CUTTING_METADATA.map(str::to_owned));
    }
    let (agent, link, ready) = AgentProcess::open(&spec.job, &spec.agent_executable, &args, Vec::new()).await?;
    let mut path = inherited::path();
    if !spec.shims.is_empty() {
        path = format!("{path}:{}", shims.display());
    }
    let home = account::home().display().to_string();
    let mut known = inherited::variables();
    known.extend(spec.outbound.on_machine());
    let facts = Facts {
        os: "Linux",
        arch: ready.arch,
        base_env: inherited::base_env(known, &path, &home, spec.env),
        path,
        home,
        work: spec.work_dir.display().to_string(),
        tool_cache: scratch.path().join("tools").display().to_string(),
        moved_ports: Vec::new(),
        metadata_open: ready.metadata_open,
        started_in: begin.elapsed(),
    };
    Ok(Environment::new(facts, link, Teardown::Host { agent, scratch }))
}

fn make_scratch(spec: &EnvironmentSpec) -> Result<TempDir, BackendError> {
    let make = || {
        let scratch = tempfile::Builder::new().prefix("wfrun-").tempdir()?;
        std::fs::create_dir(scratch.path().join("tools"))?;
        Ok(scratch)
    };
    make().map_err(|err| BackendError::Path { job: spec.job.clone(), path: env::temp_dir(), err })
}
