use std::time::Duration;

use tempfile::TempDir;
use wfrun_agent::protocol::FoundProcess;

use crate::agent_process::AgentProcess;
use crate::docker::{Container, PassingOn};
use crate::link::Link;
use crate::{BackendError, Exec, Process};

/// The supervisor needs at most five seconds for what it cannot kill.
const CLOSE_WAIT: Duration = Duration::from_secs(8);

/// In a container it gives files back besides, which takes a second for some ten thousands of them; those that it does not
/// come to stay root's.
const GIVE_BACK_WAIT: Duration = Duration::from_mins(1);

/// What is true inside an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `Linux`, as in `runner.os`.
    pub os: &'static str,
    /// `X64` or `ARM64`, as in `runner.arch`.
    pub arch: String,
    /// The `PATH` that processes inherit, with the directory of the shims first where there are any.
    pub path: String,
    /// What processes inherit, with `PATH` and `HOME`: layer 1 of a step's environment.
    ///
    /// Source: GitHub: execution rules E2.6.
    pub base_env: Vec<(String, String)>,
    /// The home directory: `/home/runner`, but on `host`.
    pub home: String,
    /// Where `work_dir` is seen: `/home/runner/work`, but on `host`.
    pub work: String,
    /// A writable directory for tools: `/opt/hostedtoolcache`, but on `host`.
    pub tool_cache: String,
    /// Ports of 127.0.0.1 on this machine at which proxies listen, and the ports that stand for them inside; none where they
    /// are the same.
    pub moved_ports: Vec<(u16, u16)>,
    /// Why steps reach a machine's metadata though they should not; nothing where they do not, or should.
    pub metadata_open: Option<String>,
    /// How long it took until processes could be started.
    pub started_in: Duration,
}

/// A place where processes run, until it is closed or dropped.
#[derive(Debug)]
pub struct Environment {
    pub(crate) facts: Facts,
    pub(crate) link: Link,
    pub(crate) teardown: Teardown,
}

/// What is to be taken away after the supervisor ended.
#[derive(Debug)]
pub(crate) enum Teardown {
    /// Nothing.
    Nothing,
    /// The supervisor, then its scratch directory.
    Host { agent: AgentProcess, scratch: TempDir },
    /// The supervisor; everything else goes with its namespaces.
    Sandbox { agent: AgentProcess },
    /// The container, and what serves addresses inside of it.
    Docker { container: Container, passing_on: PassingOn },
}

impl Teardown {
    /// So long may the supervisor take to end.
    fn close_wait(&self) -> Duration {
        match self {
            Self::Nothing | Self::Host { .. } | Self::Sandbox { .. } => CLOSE_WAIT,
            Self::Docker { .. } => GIVE_BACK_WAIT,
        }
    }
}

impl Environment {
    pub(crate) fn new(facts: Facts, link: Link, teardown: Teardown) -> Self {
        Self { facts, link, teardown }
    }

    /// What is true inside.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The id and the name of the container that this is, if it is one.
    pub fn container(&self) -> Option<(String, String)> {
        match &self.teardown {
            Teardown::Docker { container, .. } => Some(container.named()),
            Teardown::Nothing | Teardown::Host { .. } | Teardown::Sandbox { .. } => None,
        }
    }

    /// Starts a process.
    ///
    /// Fails only when the environment is gone; a command that cannot be started is
    /// [`ProcessEvent::FailedToStart`](crate::ProcessEvent::FailedToStart).
    #[expect(clippy::unused_async, reason = "a backend that must wait before it can start a process changes no caller")]
    pub async fn spawn(&self, exec: Exec) -> Result<Process, BackendError> {
        self.link.spawn(exec)
    }

    /// Looks a command up in [`Facts::path`]; `None` when there is none or the environment is gone.
    pub async fn which(&self, command: &str) -> Option<String> {
        self.link.which(command, &self.facts.path).await
    }

    /// The same with a search path of the caller's.
    pub async fn which_in(&self, command: &str, path: &str) -> Option<String> {
        self.link.which(command, path).await
    }

    /// Kills every process whose environment has `name=value`, and says which.
    ///
    /// Source: GitHub: execution rules E1.8, orphans at `Complete job` (`RUNNER_TRACKING_ID`).
    pub async fn sweep(&self, name: &str, value: &str) -> Vec<FoundProcess> {
        self.link.sweep(name, value).await
    }

    /// Whether its supervisor still answers.
    pub fn is_alive(&self) -> bool {
        self.link.is_open()
    }

    /// Why it is gone, as far as that can be told: for when a process ended without an end.
    pub async fn why_lost(&self) -> String {
        match &self.teardown {
            Teardown::Docker { container, .. } => container.why_lost().await,
            Teardown::Nothing | Teardown::Host { .. } | Teardown::Sandbox { .. } => {
                "the supervisor of its processes ended; was it killed, for want of memory?".to_owned()
            }
        }
    }

    /// Kills what still runs and has the supervisor end, so that whoever takes the place of the environment away does it no
    /// harm. Nothing can be started any more.
    pub async fn shut_down(&self) {
        self.link.close(self.teardown.close_wait()).await;
    }

    /// Kills what still runs and takes the environment away; waits until nothing of it is left.
    pub async fn close(self) -> Result<(), BackendError> {
        let Self { facts: _, link, teardown } = self;
        let has_ended = link.close(teardown.close_wait()).await;
        match teardown {
            Teardown::Nothing => {}
            Teardown::Host { mut agent, scratch } => {
                end(&mut agent, has_ended).await;
                drop(scratch);
            }
            Teardown::Sandbox { mut agent } => end(&mut agent, has_ended).await,
            Teardown::Docker { container, passing_on } => {
                drop(passing_on);
                container.remove().await?;
            }
        }
        Ok(())
    }
}

async fn end(agent: &mut AgentProcess, has_ended: bool) {
    if !has_ended {
        agent.kill();
    }
    let end = agent.wait().await;
    tracing::debug!(end, "the supervisor ended");
}
