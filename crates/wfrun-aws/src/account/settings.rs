//! What goes into an account and what it tells.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::injection::Injection;
use crate::account_file::AccountFile;
use crate::iam::IdentityPolicy;
use crate::launcher::TaskLauncher;

/// Everything an account is opened with.
#[derive(Clone)]
pub struct AccountSettings {
    /// The account file, or [`AccountFile::default`].
    pub file: AccountFile,
    /// The folder the account file's relative paths start at.
    pub file_dir: PathBuf,
    /// What the workflow names.
    pub wanted: Wanted,
    /// Where state and image layers are kept; created where absent.
    pub state_dir: PathBuf,
    /// Policies of the workflow's identity: the users that [`Account::mint_keys`](crate::Account::mint_keys) is called for, and roles
    /// that a workflow assumes and that are not in IAM.
    pub iam_policies: Vec<IdentityPolicy>,
    /// Faults that the run is to meet.
    pub injections: Vec<Injection>,
    /// What starts tasks where the account file says `runtime: docker`; without it such an account file is refused.
    pub launcher: Option<Arc<dyn TaskLauncher>>,
}

impl fmt::Debug for AccountSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountSettings").field("state_dir", &self.state_dir).finish_non_exhaustive()
    }
}

/// What a workflow names, by names, by ARNs, or by names of images. It is created where the account file does not define it: desired count 1, breaker on with rollback, and a
/// placeholder image that is always healthy.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    /// The account's number, 12 digits.
    pub account: Option<String>,
    /// The region the workflow uses.
    pub region: Option<String>,
    /// ECR repositories.
    pub repositories: Vec<String>,
    /// ECS clusters.
    pub clusters: Vec<String>,
    /// ECS services; their clusters are created too.
    pub services: Vec<WantedService>,
    /// ECS task definitions.
    pub task_definitions: Vec<WantedTaskDefinition>,
}

/// A service that a workflow names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WantedService {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// Whether `CodeDeploy` deploys it, as inputs of the deploy action tell.
    pub by_code_deploy: bool,
}

/// A task definition that a workflow names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WantedTaskDefinition {
    /// The family.
    pub family: String,
    /// The containers in it whose images the workflow may set; one of the family's name where there is none.
    pub containers: Vec<String>,
}

/// Something people should know: what was created, what is not emulated, or the way out of what failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// One sentence without full stop.
    pub message: String,
}

impl Notice {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// An access key. `Debug` does not show it.
#[derive(Clone, Eq, PartialEq)]
pub struct Keys {
    /// `AKIA` and 16 characters.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("access_key_id", &"***").field("secret_access_key", &"***").finish()
    }
}

/// One request to the account and its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceCall {
    /// `ecr`, `ecs`, `sts`, or the name of a service that is not emulated.
    pub service: String,
    /// As `DescribeServices`; for the registry the ECR operation it stands for, else method and path.
    pub operation: String,
    /// The answer's HTTP status.
    pub status: u16,
    /// The permission the request needs on AWS, as `ecs:DescribeServices`; of several the one that is denied, else the first. `None`
    /// where AWS asks none.
    pub iam_action: Option<String>,
    /// Whether it was allowed to happen. `false`: refused for who asked, not for what was asked.
    pub allowed: bool,
    /// The resource of `iam_action`: an ARN, or `*`.
    pub resource: Option<String>,
    /// What AWS answers where the policies do not allow it, as `User: … is not authorized to perform: …`. With `allowed` true the
    /// mode is `report`, and it happened all the same.
    pub denial: Option<String>,
    /// The statement of a policy that would allow it, as JSON; `None` where nothing was denied, or no statement can outweigh it.
    pub missing: Option<String>,
    /// Whether it was denied by `--inject iam:deny=…`, whatever the policies say.
    pub injected: bool,
    /// What of it AWS would do and the account does not, and why.
    pub not_done: Option<String>,
    /// Who asked: an ARN, followed by ` (unknown access key)` for a key that the account did not make; `None` without credentials.
    pub principal: Option<String>,
    /// What people should know since this call: each is told once while the account is open.
    pub notices: Vec<Notice>,
}

/// What a service runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceView {
    /// The service's task definition, a full ARN.
    pub task_definition: String,
    /// The images of the task definition's containers, in its order.
    pub images: Vec<String>,
    /// The ones among `images` that stand in other registries: simulate takes them as pullable without looking.
    pub assumed_images: Vec<String>,
    /// Running tasks of all deployments.
    pub running: u32,
    /// Desired tasks.
    pub desired: u32,
    /// Of the newest deployment: `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout_state: String,
    /// The deployment that the circuit breaker gave up, until the next one begins. After a rollback the service is stable again, and
    /// old versions of the deploy action take that for success.
    pub failed: Option<FailedDeployment>,
}

/// A deployment that the circuit breaker gave up.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FailedDeployment {
    /// `ecs-svc/` and digits.
    pub id: String,
    /// What it should have run, a full ARN.
    pub task_definition: String,
    /// Why its last task stopped, as `CannotPullContainerError: …`.
    pub reason: String,
    /// With which code that task's essential container ended, if it did.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// The last lines that task wrote, oldest first, at most 20; empty where nothing was really started.
    #[serde(default)]
    pub last_lines: Vec<String>,
}

/// A service whose newest deployment the circuit breaker gave up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FailedService {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// What was given up.
    pub deployment: FailedDeployment,
    /// A task of it is still being stopped, and its last lines may yet come.
    pub is_ending: bool,
}

/// A service whose newest deployment is under way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RollingService {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// The deployment, as `ecs-svc/4412077261593308162`.
    pub deployment: String,
}

/// Why an account cannot be opened.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The state folder cannot be made or written.
    #[error("failed to write `{}`", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        err: io::Error,
    },
    /// A file that should be there cannot be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        err: io::Error,
    },
    /// The state file is not what was written.
    #[error("the account's state `{}` is corrupt; delete the folder `{}` to start with an empty account", path.display(), state_dir.display())]
    Corrupt {
        /// The state file.
        path: PathBuf,
        /// The folder to delete.
        state_dir: PathBuf,
        /// Where it is corrupt.
        #[source]
        err: serde_json::Error,
    },
    /// The state was written by a newer or older version.
    #[error(
        "the account's state `{}` has format {found}, this version reads {expected}; delete the folder `{}` to start with an empty account",
        path.display(), state_dir.display()
    )]
    Format {
        /// The state file.
        path: PathBuf,
        /// The folder to delete.
        state_dir: PathBuf,
        /// The format found.
        found: u32,
        /// The format this version reads.
        expected: u32,
    },
    /// The state belongs to an account with another number.
    #[error(
        "the account's state in `{}` is that of account {found}, but the account file says {expected}; set `account: \"{found}\"` or delete the folder",
        state_dir.display()
    )]
    OtherAccount {
        /// The folder.
        state_dir: PathBuf,
        /// The number in the state.
        found: String,
        /// The number in the settings.
        expected: String,
    },
    /// Another process has the account open.
    #[error("the account in `{}` is in use by another run; wait for it to end", state_dir.display())]
    InUse {
        /// The folder.
        state_dir: PathBuf,
    },
    /// A task definition named by the account file is not valid.
    #[error("the task definition `{}` is not valid: {message}", path.display())]
    TaskDefinition {
        /// The file.
        path: PathBuf,
        /// What is wrong, in ECS' words where it is ECS that would refuse it.
        message: String,
    },
    /// A service of the account file names a task definition that does not exist.
    #[error(
        "service `{service}` of cluster `{cluster}` in the account file names the task definition `{task_definition}`, which does not exist; \
         add its file under `ecs.task_definitions`"
    )]
    NoTaskDefinition {
        /// The cluster.
        cluster: String,
        /// The service.
        service: String,
        /// The name that was not found.
        task_definition: String,
    },
    /// A policy file of the account file is no policy.
    #[error("the policy `{place}` is not valid: {message}; correct it, or take it out of {named_by}")]
    Policy {
        /// The file, with line and column.
        place: String,
        /// What is wrong, in IAM's words, and with which statement.
        message: String,
        /// What names the file.
        named_by: String,
    },
    /// A name that AWS would refuse.
    #[error("{message}")]
    Name {
        /// What is wrong, in AWS' words.
        message: String,
    },
    /// The account file asks for what is not emulated yet.
    #[error("`{field}: {value}` in the account file is not supported yet; use `{field}: {instead}`")]
    NotEmulated {
        /// The field's path.
        field: &'static str,
        /// Its value.
        value: &'static str,
        /// The value that works.
        instead: &'static str,
    },
}

impl AccountError {
    /// The source's words, or nothing.
    pub(crate) fn cause(&self) -> String {
        self.source().map(ToString::to_string).unwrap_or_default()
    }
}
