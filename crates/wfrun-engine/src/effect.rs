//! What is to be done outside.
use indexmap::IndexMap;
use serde_json::Value as Json;
use wfrun_journal::{Phase, RunEvent, Secret};
use wfrun_plan::{JobKey, StepPath};
use wfrun_syntax::upper_ordinal;
use wfrun_workflow::{ActionRef, CacheMode, Permissions, UsesTarget};

use crate::{ContainerSpec, ServiceSpec};

/// What came of one fact.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    /// To be done by the runner, in this order.
    pub effects: Vec<Effect>,
    /// To be written to the journal, in this order.
    pub events: Vec<RunEvent>,
}

/// The claims of a job's ID tokens by name, but for those that their issuer adds: who made it for whom, and when.
pub type IdTokenClaims = IndexMap<String, String>;

/// A job's `GITHUB_TOKEN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobToken {
    /// Its text.
    pub text: Secret,
    /// What it may do.
    pub permissions: Permissions,
}

/// What a job's environment is to be, whether it is made when the job begins or ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvironmentRequest {
    /// The labels of `runs-on`.
    pub labels: Vec<String>,
    /// The actions the job's steps use; those that these use in turn are wanted, too.
    pub actions: Vec<ActionRef>,
    /// The images that the job's steps name themselves: `uses: docker://…`.
    pub images: Vec<String>,
    /// Whether the job asks for containers, and so for a network of its own.
    pub network: bool,
    /// Whether nothing can see the workspace before `actions/checkout` fills it with the run's commit: then it may be
    /// filled at once.
    pub checks_out_first: bool,
    /// What it may do with caches, if any workflow says it.
    pub cache_mode: Option<CacheMode>,
    /// `github.event`, to be written where `GITHUB_EVENT_PATH` says.
    pub event: Json,
}

/// Something to do outside.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Make a job's environment, find its actions, then report `JobReady` or `JobNotReady`.
    OpenJob {
        /// Whose.
        job: JobKey,
        /// What it is to be.
        request: EnvironmentRequest,
        /// The container that it is to run in, instead of a place of its runner's kind.
        container: Option<Box<ContainerSpec>>,
        /// The services beside it, to be started one after another.
        services: Vec<ServiceSpec>,
        /// What ID tokens say of it, if it may ask for them.
        id_token: Option<Box<IdTokenClaims>>,
        /// Its `GITHUB_TOKEN`, if it has one of its own.
        token: Option<Box<JobToken>>,
    },
    /// Make a job's environment while others run: its `OpenJob` follows, or nothing does.
    MakeAhead {
        /// Whose.
        job: JobKey,
        /// What it is to be, as far as that can be known by now.
        request: EnvironmentRequest,
    },
    /// Take an environment away that was made ahead: its job does not run.
    DropAhead {
        /// Whose.
        job: JobKey,
    },
    /// Make the job's environment no further if that takes long, and report `JobReady` or `JobNotReady` soon; where it is being closed,
    /// wait for nothing and report `JobClosed`.
    HurryJob {
        /// Whose.
        job: JobKey,
    },
    /// Take the containers of a job away, but not its environment yet, then report `ContainersStopped`.
    StopContainers {
        /// Whose.
        job: JobKey,
    },
    /// Hash the files of the workspace that match, then report `Hashed`.
    HashFiles {
        /// For which job.
        job: JobKey,
        /// The patterns, with options such as `--follow-symbolic-links` as given.
        patterns: Vec<String>,
    },
    /// Enter a concurrency group, then report `GroupEntered`; and `GroupLost`, should another take the place.
    EnterGroup {
        /// Who: a job, or the run as a whole.
        job: Option<JobKey>,
        /// Which group.
        group: ConcurrencyGroup,
    },
    /// Leave the concurrency group that was entered.
    LeaveGroup {
        /// Who.
        job: Option<JobKey>,
    },
    /// Find an action that can be found only now, then report `ActionFound`.
    FindAction {
        /// For which job.
        job: JobKey,
        /// Which.
        action: UsesTarget,
    },
    /// Look a shell up, then report `ShellFound`.
    FindShell {
        /// For which job.
        job: JobKey,
        /// What is looked for, and where.
        search: ShellSearch,
    },
    /// Read a file that a step names, then report `FileRead`. What the process prints waits for it.
    ReadFile {
        /// For whom.
        job: JobKey,
        /// For which of its processes.
        process: u64,
        /// The file, as the process sees it; absolute.
        path: String,
    },
    /// Start a step's process, report its lines, then `StepEnded`.
    RunStep {
        /// Whose.
        job: JobKey,
        /// Its number: no other process of the job has it.
        process: u64,
        /// Which.
        step: StepPath,
        /// Which part of it.
        phase: Phase,
        /// How to start it.
        launch: Box<Launch>,
    },
    /// Send a signal to a step's process.
    Signal {
        /// Whose.
        job: JobKey,
        /// Its number.
        process: u64,
        /// Which.
        signal: Signal,
    },
    /// Report `Woke` when it is time.
    WakeAt {
        /// When, in milliseconds since the run began.
        at_ms: u64,
        /// What for.
        timer: Timer,
    },
    /// Take a job's environment away, then report `JobClosed`.
    CloseJob {
        /// Whose.
        job: JobKey,
        /// Whether somebody waits for the end of the run.
        hurries: bool,
    },
}

/// A look for a shell.
///
/// Source: GitHub: execution rules E2.1, "Lookup".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ShellSearch {
    /// The command, as it is written.
    pub command: String,
    /// Another command to take where the first is not there.
    pub fallback: Option<&'static str>,
    /// The folders to look in, with colons between them.
    pub path: String,
}

/// What runs and jobs of the same name do one after another.
///
/// Source: GitHub: planning rules 4.7.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConcurrencyGroup {
    /// Its name, whose case does not matter.
    pub name: String,
    /// Whether who enters ends who is in it.
    pub cancel_in_progress: bool,
    /// Whether all wait in turn (`queue: max`); else who enters takes the place of who waits.
    pub queues_all: bool,
}

impl ConcurrencyGroup {
    /// So many wait at most.
    pub const MOST_PENDING: usize = 100;

    /// What is the same for all names of one group.
    pub fn key(&self) -> String {
        upper_ordinal(&self.name)
    }

    /// What GitHub says to who gives way to another.
    pub fn why_lost(&self) -> String {
        format!("Canceling since a higher priority waiting request for '{}' exists", self.name)
    }
}

/// How to start a step's process.
#[derive(Debug, Clone)]
pub struct Launch {
    /// What to start.
    pub program: Program,
    /// Its whole environment.
    pub env: IndexMap<String, String>,
    /// Its working directory.
    pub cwd: String,
    /// The files it may write to; to be made empty before and read after.
    pub files: FilePaths,
}

/// What a step starts.
#[derive(Debug, Clone)]
pub enum Program {
    /// A script, to be written to a file first.
    Script {
        /// The shell by its whole path; its name where there is none, and in job containers.
        command: String,
        /// Its arguments; `{0}` stands for the script's path.
        arguments: Vec<String>,
        /// The text.
        script: String,
        /// Where to write it.
        path: String,
    },
    /// A stand-in that wfrun carries in itself.
    StandIn {
        /// For which action.
        action: ActionRef,
        /// Which part of it.
        phase: Phase,
    },
    /// A JavaScript action.
    Node {
        /// The Node it asks for: `node20`.
        using: String,
        /// The script, as the job's processes see it.
        script: String,
    },
    /// A program in a container of its own.
    Container {
        /// What the container is made of.
        image: ContainerImage,
        /// What to start in place of the image's own entrypoint.
        entrypoint: Option<String>,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

/// The image of a container action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerImage {
    /// One that is to be had by its name.
    Named(String),
    /// One that is built.
    Built {
        /// The Dockerfile, as the job's processes see it; its folder is the build context.
        dockerfile: String,
    },
}

/// Where a step's files are, as its process sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePaths {
    /// `GITHUB_PATH`
    pub path: String,
    /// `GITHUB_ENV`
    pub env: String,
    /// `GITHUB_STEP_SUMMARY`
    pub summary: String,
    /// `GITHUB_STATE`
    pub state: String,
    /// `GITHUB_OUTPUT`
    pub output: String,
    /// `WFRUN_DECLARATIONS`
    pub declarations: String,
}

/// A signal to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT to the entry process.
    Interrupt,
    /// SIGTERM to the entry process.
    Terminate,
    /// SIGKILL to all that the step started.
    Kill,
}

/// What the engine wants to be woken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timer {
    /// A step's `timeout-minutes` is over.
    StepTimeout {
        /// Whose.
        job: JobKey,
        /// Which of the job's processes: a later one must not be hit.
        serial: u64,
    },
    /// A job's `timeout-minutes` is over.
    JobTimeout {
        /// Whose.
        job: JobKey,
    },
    /// A signal was not heeded.
    Escalate {
        /// Whose.
        job: JobKey,
        /// Which of the job's processes.
        serial: u64,
        /// What to send next.
        signal: Signal,
    },
    /// The time for cleaning up after a cancellation may be over: each job knows its own.
    CancelDeadline,
    /// The same for one job: `cancel-timeout-minutes`.
    JobCancelDeadline {
        /// Whose.
        job: JobKey,
    },
}
