//! The account file, `.wfrun/aws.yml`: what exists in the account before the first run.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// The account file as written. Everything is optional; an absent file is [`AccountFile::default`].
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct AccountFile {
    /// The account's number, 12 digits; `123456789012` where absent.
    #[serde(deserialize_with = "account_number")]
    pub account: Option<String>,
    /// The region everything is created in; where absent, the one the workflow names, else `us-east-1`.
    pub region: Option<String>,
    /// Image repositories.
    pub ecr: EcrSection,
    /// Task definitions, clusters and services.
    pub ecs: EcsSection,
    /// Users, and how permissions are treated.
    pub iam: IamSection,
    /// How access keys and signatures are treated.
    pub auth: AuthSection,
    /// Load balancers.
    pub elbv2: Elbv2Section,
}

/// The section `ecr`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct EcrSection {
    /// Repositories to create.
    pub repositories: Vec<RepositoryEntry>,
}

/// A repository: its name alone, or a map with `name` and `imageTagMutability`.
#[derive(Clone, Debug, PartialEq)]
pub struct RepositoryEntry {
    /// The repository's name; it may contain slashes.
    pub name: String,
    /// Whether a tag may be pushed again.
    pub image_tag_mutability: TagMutability,
}

/// Whether a tag may be moved to another image.
///
/// Differs: the values with exclusion filters (`IMMUTABLE_WITH_EXCLUSION`, `MUTABLE_WITH_EXCLUSION`) are rejected, not emulated.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TagMutability {
    /// A push moves the tag.
    #[default]
    Mutable,
    /// A push of another image under an existing tag is refused.
    Immutable,
}

/// The section `ecs`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct EcsSection {
    /// How tasks run.
    pub runtime: Runtime,
    /// Which age of `DescribeTaskDefinition` answers.
    pub task_definition_era: Era,
    /// How long `DescribeServices` may stay open while a rollout is under way, in seconds; 12 where absent, 0 turns it off.
    pub waiter_hold: Option<u64>,
    /// Images that fail in simulate, by tag or digest: tests of a rollback.
    pub faults: IndexMap<String, Fault>,
    /// Task definitions to register, in this order.
    pub task_definitions: Vec<TaskDefinitionEntry>,
    /// Clusters by name.
    pub clusters: IndexMap<String, ClusterEntry>,
}

/// How tasks run.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// Nothing is started; a task is healthy when its images are in the registry.
    #[default]
    Simulate,
    /// Containers are started.
    Docker,
}

/// Which age of `DescribeTaskDefinition` answers.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
pub enum Era {
    /// Without `enableFaultInjection`, unless it was registered.
    #[default]
    #[serde(rename = "2024-05")]
    Y2024M05,
    /// As AWS answers now: `enableFaultInjection` is always there, which old versions of the deploy action refuse.
    #[serde(rename = "current")]
    Current,
}

/// How a simulated task fails.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The essential container exits with code 1 as soon as it is started.
    Crash,
    /// The container runs, and its health check fails.
    Unhealthy,
}

/// A task definition to register.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct TaskDefinitionEntry {
    /// The JSON that `aws ecs register-task-definition --cli-input-json` takes; relative to the account file.
    pub file: PathBuf,
}

/// A cluster.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterEntry {
    /// Services by name.
    pub services: IndexMap<String, ServiceEntry>,
}

/// A service, which runs its task definition when the account is first opened.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ServiceEntry {
    /// `family`, `family:revision` or an ARN.
    pub task_definition: String,
    /// How many tasks run; 1 where absent.
    #[serde(default = "one")]
    pub desired_count: u32,
}

/// The section `iam`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct IamSection {
    /// How permissions are treated.
    pub mode: IamMode,
    /// Whether `UpdateService` and `CreateService` need `iam:PassRole` for the roles of their task definition; AWS asks for none.
    pub passrole_on_update: bool,
    /// Users by name.
    pub users: IndexMap<String, UserEntry>,
}

/// How permissions are treated.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IamMode {
    /// Everything is allowed.
    #[default]
    Off,
    /// Everything is allowed, and what would have been denied is reported.
    Report,
    /// What the policies do not allow is denied.
    Enforce,
}

/// The section `auth`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSection {
    /// Whether signatures are verified.
    pub verify: Verify,
    /// What becomes of access keys that the account did not make; where absent, they are the root's unless `iam.mode` is `enforce`.
    pub unknown_keys: Option<UnknownKeys>,
}

/// Whether signatures are verified.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// A request must be signed with the key's secret, at most 15 minutes ago.
    #[default]
    Signature,
    /// The access key id alone says who it is.
    None,
}

/// What becomes of access keys that the account did not make.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownKeys {
    /// They are the root's; their signatures cannot be verified.
    AcceptAsRoot,
    /// They are refused, as AWS does.
    Reject,
}

/// A user.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct UserEntry {
    /// Files with the user's policies; relative to the account file.
    pub policies: Vec<PathBuf>,
}

/// The section `elbv2`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Elbv2Section {
    /// Names of load balancers.
    pub load_balancers: Vec<String>,
}

/// Why an account file cannot be read.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{message}")]
pub struct AccountFileError {
    /// What is wrong.
    pub message: String,
    /// Line from 1; 1 where the place is not known.
    pub line: usize,
    /// Column from 1, in characters.
    pub column: usize,
    /// The way out.
    pub help: String,
}

impl AccountFile {
    /// Reads the text of an account file. An empty text is an empty file.
    pub fn parse(text: &str) -> Result<Self, AccountFileError> {
        let blank = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
        if blank {
            return Ok(Self::default());
        }
        serde_yaml::from_str(text).map_err(|err| AccountFileError::new(&err))
    }
}

impl AccountFileError {
    fn new(err: &serde_yaml::Error) -> Self {
        let text = err.to_string();
        let (line, column) = err.location().map_or((1, 1), |at| (at.line(), at.column()));
        // The place is in fields of its own; serde appends it to the sentence as well.
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(head, _)| head);
        let (message, help) = text.split_once(", expected ").map_or_else(
            || (text, "every field is described in docs/account-file.md".to_owned()),
            |(head, expected)| (head, format!("expected here: {}", expected.trim_start_matches("one of "))),
        );
        Self { message: message.to_owned(), line, column, help }
    }
}

impl<'de> Deserialize<'de> for RepositoryEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RepositoryVisitor)
    }
}

struct RepositoryVisitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RepositoryMap {
    name: String,
    #[serde(default)]
    image_tag_mutability: TagMutability,
}

impl<'de> Visitor<'de> for RepositoryVisitor {
    type Value = RepositoryEntry;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a repository's name, or a map with `name` and `imageTagMutability`")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(RepositoryEntry { name: name.to_owned(), image_tag_mutability: TagMutability::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let RepositoryMap { name, image_tag_mutability } = RepositoryMap::deserialize(MapAccessDeserializer::new(map))?;
        Ok(RepositoryEntry { name, image_tag_mutability })
    }
}

fn account_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(number) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let valid = number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit());
    if valid { Ok(Some(number)) } else { Err(D::Error::custom(format!("account `{number}` is not 12 digits"))) }
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests;
