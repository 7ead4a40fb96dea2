use serde::{Deserialize, Serialize};

/// What wfrun asks of the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "request")]
pub enum Request {
    /// Start a process; answered by `Started` or `FailedToStart`, then `Output`s and one `Exited`.
    Spawn {
        /// Names the process in all that follows; never used twice on one connection.
        id: u32,
        /// The command and its arguments; a command without `/` is looked up in the `PATH` of `env`.
        argv: Vec<String>,
        /// The whole environment: nothing is inherited.
        env: Vec<(String, String)>,
        /// The working directory.
        cwd: String,
    },
    /// Send a signal; a process that is gone is passed over.
    Signal {
        /// To which process.
        id: u32,
        /// Which signal.
        signal: Signal,
        /// To whom exactly.
        target: Target,
    },
    /// Look a command up; answered by `Found`.
    Which {
        /// Returned in the answer.
        id: u32,
        /// The command, with or without `/`.
        command: String,
        /// The directories to search, with `:` between them.
        path: String,
    },
    /// Kill every process whose environment has `name=value`; answered by `Swept`.
    ///
    /// Source: GitHub: execution rules E1.8, orphans at `Complete job` (`RUNNER_TRACKING_ID`).
    Sweep {
        /// Returned in the answer.
        id: u32,
        /// The variable.
        name: String,
        /// Its exact value.
        value: String,
    },
    /// Kill everything that was started, then end.
    Shutdown,
}

/// What the supervisor says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply")]
pub enum Reply {
    /// The environment stands; the first frame of every connection, unless it is `SetupFailed`.
    Ready(Ready),
    /// The environment could not be made; nothing follows.
    SetupFailed {
        /// What was tried and what the system said.
        message: String,
    },
    /// A process runs.
    Started {
        /// Which.
        id: u32,
        /// Its process id, as seen inside.
        pid: i32,
    },
    /// Output of a process, as it came.
    #[serde(skip)]
    Output {
        /// Whose.
        id: u32,
        /// From which stream.
        stream: Stream,
        /// At most 256 KiB.
        bytes: Vec<u8>,
    },
    /// A process ended and its output is complete.
    Exited {
        /// Which.
        id: u32,
        /// Its exit code, 128+n for death by signal n.
        code: i32,
    },
    /// Something to heed about a process that its output does not say.
    Warning {
        /// Which.
        id: u32,
        /// What.
        message: String,
    },
    /// A process could not be started.
    FailedToStart {
        /// Which.
        id: u32,
        /// What GitHub's runner would print.
        message: String,
    },
    /// Where a command is.
    Found {
        /// Of the request.
        id: u32,
        /// The absolute path of an executable file, if there is one.
        path: Option<String>,
    },
    /// What was killed.
    Swept {
        /// Of the request.
        id: u32,
        /// In ascending order of process ids.
        processes: Vec<FoundProcess>,
    },
}

/// The environment as the supervisor finds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The supervisor's process id, as seen inside: 1 where it has a process namespace of its own.
    pub pid: u32,
    /// `X64` or `ARM64`, as in `runner.arch`.
    pub arch: String,
    /// The supervisor's own environment: an image's and what the container was made with.
    pub env: Vec<(String, String)>,
    /// Why steps reach a machine's metadata though they should not.
    pub metadata_open: Option<String>,
}

/// A process that [`Request::Sweep`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundProcess {
    /// Its process id, as seen inside.
    pub pid: i32,
    /// Its name, at most 15 bytes, as the kernel keeps it.
    pub name: String,
}

/// One of a process's two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The signals that end a step.
///
/// Source: GitHub: execution rules E1.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
}

/// Who gets a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The process that was started, as GitHub's runner does it.
    Leader,
    /// Its process group.
    Group,
    /// Its process group, all its descendants and their process groups.
    Tree,
}
