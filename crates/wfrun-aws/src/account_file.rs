//! The account file, `.wfrun/aws.yml`: what exists in the account before the first run.

use std::fmt;
use std::path::PathBuf;

use indexmap::IndexMap;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::iam::Pattern;

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
    /// By which name images of the account's registry are called.
    pub host_mode: HostMode,
    /// Repositories to create.
    pub repositories: Vec<RepositoryEntry>,
}

/// By which name images of the account's registry are called.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum HostMode {
    /// By Amazon's where all that a run asks registries with knows it, else by the loopback address.
    #[default]
    Auto,
    /// By its address, `127.0.0.1:PORT`.
    Loopback,
    /// By Amazon's, `ACCOUNT.dkr.ecr.REGION.amazonaws.com`.
    Proxy,
}

/// A repository: its name alone, or a map with `name`, `imageTagMutability` and `imageTagMutabilityExclusionFilters`.
#[derive(Clone, Debug, PartialEq)]
pub struct RepositoryEntry {
    /// The repository's name; it may contain slashes.
    pub name: String,
    /// Whether a tag may be pushed again.
    pub image_tag_mutability: TagMutability,
    /// Wildcards of the tags for which it is the other way round.
    pub exclusion_filters: Vec<String>,
}

/// Whether a tag may be moved to another image.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TagMutability {
    /// A push moves the tag.
    #[default]
    Mutable,
    /// A push of another image under an existing tag is refused.
    Immutable,
    /// As `Immutable`, but for tags that a filter fits.
    ImmutableWithExclusion,
    /// As `Mutable`, but for tags that a filter fits.
    MutableWithExclusion,
}

impl TagMutability {
    /// Whether `tag` must stay with its image once it is there; `exclusions` are wildcards of the tags for which it is the other way
    /// round.
    ///
    /// Source: AWS ECR user guide, "Preventing image tags from being overwritten".
    pub fn fixes(self, exclusions: &[String], tag: &str) -> bool {
        let excluded = || exclusions.iter().any(|filter| Pattern::plain(filter).matches(tag));
        match self {
            Self::Mutable => false,
            Self::Immutable => true,
            Self::ImmutableWithExclusion => !excluded(),
            Self::MutableWithExclusion => excluded(),
        }
    }
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
    /// Values of secrets and parameters for tasks that are really started, by ARN or name.
    pub secrets: SecretTexts,
    /// How many seconds a second of a container health check's interval takes where tasks are really started; 0.1 where absent.
    #[serde(deserialize_with = "above_zero")]
    pub health_scale: Option<f64>,
    /// Task definitions to register, in this order.
    pub task_definitions: Vec<TaskDefinitionEntry>,
    /// Clusters by name.
    pub clusters: IndexMap<String, ClusterEntry>,
}

/// Texts by name. `Debug` does not show them.
#[derive(Clone, Default, Deserialize, Eq, PartialEq)]
pub struct SecretTexts(pub IndexMap<String, String>);

impl fmt::Debug for SecretTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
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
    /// Target groups that its tasks are targets of.
    #[serde(default)]
    pub load_balancers: Vec<ServiceTargetEntry>,
    /// What becomes of a rollout that fails.
    #[serde(default)]
    pub deployment_circuit_breaker: CircuitBreakerEntry,
}

/// The circuit breaker of a service; on, with roll-back, where the file says nothing.
///
/// Differs: services that are created from the start have their circuit breaker on, with roll-back; AWS's own default is off.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CircuitBreakerEntry {
    /// Whether a rollout whose tasks fail again and again is given up.
    pub enable: bool,
    /// Whether the last good one is rolled out then.
    pub rollback: bool,
}

impl Default for CircuitBreakerEntry {
    fn default() -> Self {
        Self { enable: true, rollback: true }
    }
}

/// A target group that a service's tasks are targets of.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ServiceTargetEntry {
    /// The target group's name.
    pub target_group: String,
    /// The container that answers.
    pub container: String,
    /// The port in it.
    pub port: u16,
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
    /// Load balancers to create, each with a listener on port 80 and a target group.
    pub load_balancers: Vec<LoadBalancerEntry>,
    /// How many seconds a second of the settings of health checks and deregistration takes; 0.1 where absent.
    #[serde(deserialize_with = "above_zero")]
    pub time_scale: Option<f64>,
}

/// A load balancer: its name alone, or a map with `name`, `target_group` and `health_check`.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadBalancerEntry {
    /// The load balancer's name.
    pub name: String,
    /// The name of the target group that its listener forwards to; `<name>-tg` where absent.
    pub target_group: Option<String>,
    /// The path that is asked for health; `/` where absent.
    pub health_check: Option<String>,
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
    #[serde(default)]
    image_tag_mutability_exclusion_filters: Vec<String>,
}

impl<'de> Visitor<'de> for RepositoryVisitor {
    type Value = RepositoryEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a repository's name, or a map with `name`, `imageTagMutability` and `imageTagMutabilityExclusionFilters`",
        )
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        let (image_tag_mutability, exclusion_filters) = Default::default();
        Ok(RepositoryEntry { name: name.to_owned(), image_tag_mutability, exclusion_filters })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let RepositoryMap { name, image_tag_mutability, image_tag_mutability_exclusion_filters: exclusion_filters } =
            RepositoryMap::deserialize(MapAccessDeserializer::new(map))?;
        let excepts =
            matches!(image_tag_mutability, TagMutability::ImmutableWithExclusion | TagMutability::MutableWithExclusion);
        if excepts == exclusion_filters.is_empty() {
            let message = "`imageTagMutabilityExclusionFilters` goes with IMMUTABLE_WITH_EXCLUSION and MUTABLE_WITH_EXCLUSION, and they with it";
            return Err(A::Error::custom(message));
        }
        Ok(RepositoryEntry { name, image_tag_mutability, exclusion_filters })
    }
}

impl<'de> Deserialize<'de> for LoadBalancerEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LoadBalancerVisitor)
    }
}

struct LoadBalancerVisitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadBalancerMap {
    name: String,
    #[serde(default)]
    target_group: Option<String>,
    #[serde(default)]
    health_check: Option<String>,
}

impl<'de> Visitor<'de> for LoadBalancerVisitor {
    type Value = LoadBalancerEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a load balancer's name, or a map with `name`, `target_group` and `health_check`")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(LoadBalancerEntry { name: name.to_owned(), target_group: None, health_check: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let map = LoadBalancerMap::deserialize(MapAccessDeserializer::new(map))?;
        if let Some(path) = map.health_check.as_deref().filter(|path| !path.starts_with('/')) {
            return Err(A::Error::custom(format!("health_check `{path}` is not a path that begins with `/`")));
        }
        Ok(LoadBalancerEntry { name: map.name, target_group: map.target_group, health_check: map.health_check })
    }
}

fn above_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let number = Option::<f64>::deserialize(deserializer)?;
    match number {
        Some(number) if !(number > 0.0 && number <= 1.0) => {
            Err(D::Error::custom(format!("`{number}` is not above 0 and at most 1")))
        }
        _ => Ok(number),
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
