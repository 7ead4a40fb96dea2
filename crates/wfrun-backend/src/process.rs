use tokio::sync::mpsc;
use wfrun_agent::protocol::{Request, Signal, Stream, Target};

use crate::link::Requests;

/// A process to start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exec {
    /// The command and its arguments; a command without `/` is looked up in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// The whole environment: nothing else is inherited, also not [`Facts::base_env`](crate::Facts::base_env).
    pub env: Vec<(String, String)>,
    /// The working directory inside.
    pub cwd: String,
}

/// What a process does, in the order in which it did it (between its two streams: about in that order).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessEvent {
    /// It wrote; at most 256 KiB at once, cut anywhere.
    Output {
        /// To which stream.
        stream: Stream,
        /// What.
        bytes: Vec<u8>,
    },
    /// Something to heed that its output does not say.
    Warning(String),
    /// It ended and its output is complete; 128+n for death by signal n. Nothing follows.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// It could not be started. Nothing follows.
    FailedToStart {
        /// What GitHub's runner prints, without `##[error]`.
        message: String,
    },
}

/// A process that was started.
///
/// Who does not read its events makes it, and with it its whole environment, wait: nothing is buffered without bound.
/// Dropping it does not end the process; its output is then thrown away.
#[derive(Debug)]
pub struct Process {
    pub(crate) events: mpsc::Receiver<ProcessEvent>,
    pub(crate) control: ProcessControl,
}

impl Process {
    /// Waits for the next event.
    ///
    /// `None` follows on [`ProcessEvent::Exited`] and [`ProcessEvent::FailedToStart`]; without one of them it means that
    /// the environment is gone (the container was removed, the supervisor killed).
    pub async fn next(&mut self) -> Option<ProcessEvent> {
        self.events.recv().await
    }

    /// What can signal the process while somebody else reads its events.
    pub fn control(&self) -> ProcessControl {
        self.control.clone()
    }
}

/// Signals a [`Process`].
#[derive(Debug, Clone)]
pub struct ProcessControl(pub(crate) Controlled);

/// What a [`ProcessControl`] reaches.
#[derive(Debug, Clone)]
pub(crate) enum Controlled {
    /// A process of a supervisor.
    Supervised { id: u32, requests: Requests },
    /// A container of its own: its first process, or to kill, all of it.
    Container(mpsc::UnboundedSender<Signal>),
}

impl ProcessControl {
    /// Sends a signal; passed over when the process or its environment is gone. Never waits.
    pub fn signal(&self, signal: Signal, target: Target) {
        match &self.0 {
            Controlled::Supervised { id, requests } => requests.send(Request::Signal { id: *id, signal, target }),
            Controlled::Container(signals) => {
                // Without a receiver it is over.
                signals.send(signal).ok();
            }
        }
    }
}
