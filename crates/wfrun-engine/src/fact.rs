//! What happened outside.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_journal::{How, ServiceCalled, Stream};
use wfrun_plan::JobKey;
use wfrun_workflow::{Action, ActionRef, UsesTarget};

use crate::{JobContainers, ShellSearch, Timer};

/// Something that happened outside.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Milliseconds since the run began. The engine has no clock of its own.
    pub at_ms: u64,
    /// What happened.
    pub kind: FactKind,
}

/// What a [`Fact`] says.
#[derive(Debug, Clone)]
pub enum FactKind {
    /// The run may begin.
    Begin,
    /// A job's environment is there.
    JobReady {
        /// Whose.
        job: JobKey,
        /// What it is like.
        environment: Box<JobEnvironment>,
    },
    /// A job's environment could not be made.
    JobNotReady {
        /// Whose.
        job: JobKey,
        /// Why, with its causes.
        message: String,
        /// The way out.
        help: Option<String>,
    },
    /// Something is done before the steps of a job, as an entry of its log.
    EntryBegins {
        /// Whose.
        job: JobKey,
        /// What.
        entry: Entry,
        /// The image that the job will run in, where there is one.
        image: Option<String>,
        /// How its workspace was filled, as [`JobEnvironment::workspace`] says it.
        workspace: &'static str,
    },
    /// What was done, for the entry that has begun.
    EntryLines {
        /// Whose.
        job: JobKey,
        /// What, for the log.
        lines: Vec<String>,
    },
    /// The image of a container action is there, or not: the entry that has begun ends.
    ImageReady {
        /// Whose.
        job: JobKey,
        /// Why it is not there.
        error: Option<String>,
    },
    /// A job's containers are gone.
    ContainersStopped {
        /// Whose.
        job: JobKey,
        /// What could not be taken away.
        warnings: Vec<String>,
    },
    /// Files were hashed for `hashFiles`.
    Hashed {
        /// For which job.
        job: JobKey,
        /// The patterns asked for.
        patterns: Vec<String>,
        /// Hex digits, or empty where nothing matched; or why it failed.
        digest: Result<String, String>,
    },
    /// A concurrency group is entered.
    GroupEntered {
        /// By whom: a job, or the run as a whole.
        job: Option<JobKey>,
    },
    /// Who is in a concurrency group, or waits for it, has to give way.
    GroupLost {
        /// Who.
        job: Option<JobKey>,
        /// Why, in GitHub's words.
        reason: String,
    },
    /// An action was found, or not.
    ActionFound {
        /// For which job.
        job: JobKey,
        /// Which.
        action: UsesTarget,
        /// The action, or why it is not to be had.
        found: Result<Box<FoundAction>, String>,
    },
    /// A shell was looked up.
    ShellFound {
        /// For which job.
        job: JobKey,
        /// What was looked for.
        search: ShellSearch,
        /// Its whole path, if it is there.
        found: Option<String>,
    },
    /// A step's process wrote lines.
    Lines {
        /// Whose.
        job: JobKey,
        /// Its number.
        process: u64,
        /// Where to.
        stream: Stream,
        /// The lines without their ends, with `\n` between them; at least one.
        lines: String,
        /// Whether the last is only a piece of a line: the next fact of this stream goes on with it.
        goes_on: bool,
    },
    /// A file was read, or could not be.
    FileRead {
        /// For whom.
        job: JobKey,
        /// For which of its processes.
        process: u64,
        /// Its text, or why there is none.
        text: Result<String, String>,
    },
    /// Something a person should heed about a step, though its output does not say it.
    StepWarned {
        /// Whose.
        job: JobKey,
        /// The number of its process.
        process: u64,
        /// What.
        message: String,
    },
    /// A step's process ended.
    StepEnded {
        /// Whose.
        job: JobKey,
        /// Its number.
        process: u64,
        /// How.
        end: StepEnd,
        /// What it left in its files.
        files: Box<StepFiles>,
    },
    /// A job's environment is gone.
    JobClosed {
        /// Whose.
        job: JobKey,
        /// What could not be cleaned up.
        fault: Option<String>,
    },
    /// A person, or a signal, wants the run to end.
    Cancel {
        /// Whether to kill at once.
        force: bool,
    },
    /// A timer that the engine had asked for is due.
    Woke(Timer),
    /// A local service was called.
    ServiceCalled(ServiceCalled),
    /// GitHub's API was called, on this machine.
    ApiCalled(ApiCall),
    /// A job has made an artifact.
    ArtifactKept {
        /// Which.
        job: JobKey,
        /// The artifact's number.
        id: String,
        /// Its name.
        name: String,
        /// Bytes of what was uploaded.
        size: u64,
        /// Of the same.
        digest: String,
    },
    /// A job has removed an artifact.
    ArtifactRemoved {
        /// Which.
        job: JobKey,
        /// The artifact's number.
        id: String,
    },
    /// The AWS account on this machine was called.
    AwsCalled(AwsCall),
    /// Something a person should know.
    Noticed(String),
    /// Something a person should heed, though no step says it.
    Warned(String),
}

impl FactKind {
    /// The process whose output or end this is.
    pub(crate) fn of_process(&self) -> Option<(&JobKey, u64)> {
        match self {
            Self::Lines { job, process, .. }
            | Self::StepWarned { job, process, .. }
            | Self::StepEnded { job, process, .. } => Some((job, *process)),
            Self::Begin
            | Self::JobReady { .. }
            | Self::JobNotReady { .. }
            | Self::Hashed { .. }
            | Self::EntryBegins { .. }
            | Self::EntryLines { .. }
            | Self::ImageReady { .. }
            | Self::ContainersStopped { .. }
            | Self::GroupEntered { .. }
            | Self::GroupLost { .. }
            | Self::ActionFound { .. }
            | Self::ShellFound { .. }
            | Self::FileRead { .. }
            | Self::JobClosed { .. }
            | Self::Cancel { .. }
            | Self::Woke(_)
            | Self::ServiceCalled(_)
            | Self::ApiCalled(_)
            | Self::ArtifactKept { .. }
            | Self::ArtifactRemoved { .. }
            | Self::AwsCalled(_)
            | Self::Noticed(_)
            | Self::Warned(_) => None,
        }
    }
}

/// A call of GitHub's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiCall {
    /// The job whose token came with it.
    pub job: Option<JobKey>,
    /// GitHub's name of the operation, or method and path.
    pub operation: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// What a person should know of it.
    pub note: Option<ApiNote>,
}

/// What a person should know of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiNote {
    /// What it would have done on GitHub: `create release v1.2`.
    Would(String),
    /// What was asked and is not served here.
    Unserved(String),
    /// What the token may not do, and why.
    Refused(String),
}

/// A call of the AWS account on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsCall {
    /// As `ecs`.
    pub service: String,
    /// As `DescribeServices`.
    pub operation: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The permission that it needs, as `ecs:DescribeServices`.
    pub iam_action: Option<String>,
    /// The resource of it: an ARN, or `*`.
    pub resource: Option<String>,
    /// Whether it was allowed to happen.
    pub allowed: bool,
    /// Where the policies do not allow it, why.
    pub denial: Option<AwsDenial>,
    /// What of it AWS would do and the account does not, and why.
    pub not_done: Option<String>,
}

/// Why AWS denies a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsDenial {
    /// In AWS's words.
    pub words: String,
    /// The statement of a policy that would allow it, if one would.
    pub missing: Option<String>,
    /// Somebody wanted to see it denied.
    pub injected: bool,
}

/// How a step's process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEnd {
    /// With this code; 128 + n after signal n.
    Exited {
        /// The code.
        code: i32,
    },
    /// The job's environment went away below it: nobody knows how it ended.
    Lost {
        /// What is known of why, and what to do about it.
        reason: String,
    },
    /// It never started.
    NotStarted {
        /// Why not, as GitHub's log has it.
        message: String,
    },
}

/// What a step left in its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepFiles {
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
    /// What stand-ins declared.
    pub declarations: Vec<RawDeclaration>,
    /// Files that could not be read, by GitHub's names for them (`env`, `output` …), and why.
    pub unreadable: Vec<(&'static str, String)>,
}

/// One line of a step's declarations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawDeclaration {
    /// How it was done.
    pub how: How,
    /// What.
    pub subject: String,
    /// The difference.
    pub detail: String,
}

/// What a job's environment is like, as its processes see it.
#[derive(Debug, Clone)]
pub struct JobEnvironment {
    /// The image, where there is one.
    pub image: Option<String>,
    /// `runner.os`
    pub os: String,
    /// `runner.arch`
    pub arch: String,
    /// `runner.name`
    pub name: String,
    /// Where things are.
    pub layout: Layout,
    /// The search path before any `GITHUB_PATH`.
    pub path: String,
    /// What every process inherits.
    pub base_env: IndexMap<String, String>,
    /// What every step gets above its own `env:`, such as `AWS_ENDPOINT_URL`.
    pub step_env: IndexMap<String, String>,
    /// What only actions get: `ACTIONS_RUNTIME_TOKEN` …
    pub action_env: IndexMap<String, String>,
    /// The actions its steps use, and those that these use in turn.
    pub actions: IndexMap<ActionRef, ResolvedAction>,
    /// How the workspace was made: `files`, `overlay`, `clone`, `copy`.
    pub workspace: &'static str,
    /// Further values to mask: tokens made for this job.
    pub secrets: Vec<String>,
    /// The containers that the job asked for, if it did.
    pub containers: Option<JobContainers>,
    /// Why no process can be started: the job's own container could not be made. Each step that would run fails with it.
    pub absent: Option<&'static str>,
}

/// What is done before the steps of a job.
///
/// Source: GitHub: execution rules E1.1, rows 3 and 4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The image of a container action is pulled or built.
    Image {
        /// As the log calls it: `Pull alpine:3`, `Build octo/d@v1`.
        name: String,
    },
    /// `Initialize containers`.
    Containers,
}

/// The places of a job, as its processes see them. All absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// `github.workspace`
    pub workspace: String,
    /// `runner.workspace`: its parent.
    pub runner_workspace: String,
    /// `runner.temp`
    pub temp: String,
    /// `runner.tool_cache`
    pub tool_cache: String,
    /// `HOME`
    pub home: String,
    /// Where action and script processes find the event's payload.
    pub event_path: String,
    /// The folder of the file commands.
    pub file_commands: String,
}

impl Layout {
    /// As GitHub's runners have it below a work folder. `repository` is the repository's name, without its owner.
    pub fn below(work: &str, repository: &str, tool_cache: &str, home: &str) -> Self {
        Self {
            workspace: format!("{work}/{repository}/{repository}"),
            runner_workspace: format!("{work}/{repository}"),
            temp: format!("{work}/_temp"),
            tool_cache: tool_cache.to_owned(),
            home: home.to_owned(),
            event_path: format!("{work}/_temp/_github_workflow/event.json"),
            file_commands: format!("{work}/_temp/_runner_file_commands"),
        }
    }
}

/// An action that was found.
#[derive(Debug, Clone)]
pub struct ResolvedAction {
    /// Its manifest.
    pub manifest: Arc<Action>,
    /// How faithfully it will run.
    pub how: How,
    /// Its folder as the job's processes see it: `github.action_path`; none for what wfrun carries in itself.
    pub folder: Option<String>,
}

/// An action that was found while its job runs, with what it uses in turn.
#[derive(Debug, Clone)]
pub struct FoundAction {
    /// The action.
    pub action: ResolvedAction,
    /// The actions of repositories that its steps use, and those that these use.
    pub actions: IndexMap<ActionRef, ResolvedAction>,
}
