//! Commands inside of containers that run.

use std::time::Duration;

use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use futures_util::StreamExt as _;

use super::{DockerBackend, words};

/// So much of what a command printed is kept, in bytes.
const KEPT: usize = 4096;

/// What came of a command in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// `None`: it did not end in time.
    pub exit_code: Option<i64>,
    /// What it printed, at most 4 KiB.
    pub output: String,
}

impl DockerBackend {
    /// Runs a command in a container, with its user, variables and working directory, for at most `patience`.
    ///
    /// A command that does not end in time is left to the container's end: the engine cannot kill it.
    pub async fn probe_task(&self, id: &str, command: Vec<String>, patience: Duration) -> Result<Probe, String> {
        match tokio::time::timeout(patience, self.run_inside(id, command)).await {
            Ok(done) => done,
            Err(_) => Ok(Probe { exit_code: None, output: String::new() }),
        }
    }

    async fn run_inside(&self, id: &str, command: Vec<String>) -> Result<Probe, String> {
        let config = ExecConfig {
            cmd: Some(command),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let exec = self.docker.create_exec(id, config).await.map_err(|err| words(&err))?.id;
        let mut output = Vec::new();
        let started = self.docker.start_exec(&exec, None).await.map_err(|err| words(&err))?;
        if let StartExecResults::Attached { output: mut chunks, .. } = started {
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.map_err(|err| words(&err))?.into_bytes();
                let room = KEPT.saturating_sub(output.len()).min(chunk.len());
                output.extend_from_slice(&chunk[..room]);
            }
        }
        let ended = self.docker.inspect_exec(&exec).await.map_err(|err| words(&err))?;
        Ok(Probe { exit_code: ended.exit_code, output: String::from_utf8_lossy(&output).trim().to_owned() })
    }
}
