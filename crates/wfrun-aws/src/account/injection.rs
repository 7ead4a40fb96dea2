//! Faults that a run is to meet, so that a workflow's failure path runs for real.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Mutex;
use std::time::Duration;

use thiserror::Error;

use super::lock;
use crate::account_file::Fault;
use crate::iam::Pattern;

/// A fault of the account, as `--inject` names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Injection {
    /// `ecs:unhealthy`: tasks of new deployments run, and their health checks fail.
    EcsUnhealthy,
    /// `ecs:crash`: the essential container of tasks of new deployments, and of `RunTask`, exits with 1 as soon as it is started.
    EcsCrash,
    /// `ecs:slow=30s`: tasks of new deployments, and of `RunTask`, are started so much later.
    EcsSlow(Duration),
    /// `ecr:throttle`: the first two requests for each operation of ECR are refused as too many, those of the registry too.
    EcrThrottle,
    /// `sts:expired`: the credentials of every request are expired.
    StsExpired,
    /// `iam:deny=ecs:UpdateService`: whoever asks lacks the permission; `*` stands for any text.
    IamDeny {
        /// As `ecs:UpdateService`.
        action: String,
    },
}

/// Why a text is no injection.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum InjectionError {
    /// There is no such fault.
    #[error("there is no such fault")]
    Unknown {
        /// What was asked for.
        text: String,
    },
    /// The fault is there, but not with this value.
    #[error("it is written as `{like}`")]
    Value {
        /// What was asked for.
        text: String,
        /// How it is written.
        like: &'static str,
    },
}

impl Injection {
    /// Every fault there is, in the form it is written in.
    pub const KNOWN: [&'static str; 6] =
        ["ecs:unhealthy", "ecs:crash", "ecs:slow=30s", "ecr:throttle", "sts:expired", "iam:deny=ecs:UpdateService"];

    /// Reads one, as `ecs:crash` or `iam:deny=ecs:UpdateService`. Times are whole seconds (`30s`, `30`), minutes (`2m`) or
    /// milliseconds (`500ms`).
    pub fn parse(text: &str) -> Result<Self, InjectionError> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let bad = |like| InjectionError::Value { text: text.to_owned(), like };
        match (name, value) {
            ("ecs:unhealthy", None) => Ok(Self::EcsUnhealthy),
            ("ecs:crash", None) => Ok(Self::EcsCrash),
            ("ecr:throttle", None) => Ok(Self::EcrThrottle),
            ("sts:expired", None) => Ok(Self::StsExpired),
            ("ecs:slow", value) => value.and_then(duration).map(Self::EcsSlow).ok_or_else(|| bad("ecs:slow=30s")),
            ("iam:deny", value) => {
                let action = value.filter(|value| is_action(value)).map(ToOwned::to_owned);
                action.map(|action| Self::IamDeny { action }).ok_or_else(|| bad("iam:deny=ecs:UpdateService"))
            }
            ("ecs:unhealthy", Some(_)) => Err(bad("ecs:unhealthy")),
            ("ecs:crash", Some(_)) => Err(bad("ecs:crash")),
            ("ecr:throttle", Some(_)) => Err(bad("ecr:throttle")),
            ("sts:expired", Some(_)) => Err(bad("sts:expired")),
            _ => Err(InjectionError::Unknown { text: text.to_owned() }),
        }
    }
}

impl FromStr for Injection {
    type Err = InjectionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "" | "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "ms" => Some(Duration::from_millis(number)),
        _ => None,
    }
}

fn is_action(text: &str) -> bool {
    let word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-*".contains(&byte));
    text.split_once(':').is_some_and(|(service, name)| word(service) && word(name))
}

/// What happens to tasks of new deployments.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct TaskFaults {
    pub(crate) fate: Option<Fault>,
    /// So much later than they would be, they are started.
    pub(crate) slow_ms: Option<u64>,
}

/// The faults of a run, and how often they have been met.
#[derive(Debug, Default)]
pub(crate) struct Injected {
    faults: Vec<Injection>,
    throttled: Mutex<HashMap<String, u32>>,
}

impl Injected {
    pub(super) fn new(faults: Vec<Injection>) -> Self {
        Self { faults, throttled: Mutex::default() }
    }

    pub(crate) fn tasks(&self) -> TaskFaults {
        let mut tasks = TaskFaults::default();
        for fault in &self.faults {
            match fault {
                Injection::EcsUnhealthy => tasks.fate = tasks.fate.or(Some(Fault::Unhealthy)),
                Injection::EcsCrash => tasks.fate = tasks.fate.or(Some(Fault::Crash)),
                Injection::EcsSlow(late) => tasks.slow_ms = u64::try_from(late.as_millis()).ok(),
                Injection::EcrThrottle | Injection::StsExpired | Injection::IamDeny { .. } => {}
            }
        }
        tasks
    }

    /// Whether this request for an operation of ECR is one too many. Clients make at least three attempts.
    pub(crate) fn throttles(&self, operation: &str) -> bool {
        const REFUSED: u32 = 2;
        if !self.faults.contains(&Injection::EcrThrottle) {
            return false;
        }
        let mut throttled = lock(&self.throttled);
        let count = throttled.entry(operation.to_owned()).or_default();
        *count += 1;
        *count <= REFUSED
    }

    pub(crate) fn expires(&self) -> bool {
        self.faults.contains(&Injection::StsExpired)
    }

    /// Whether a permission is taken away. Case does not count, as in policies.
    pub(crate) fn denies(&self, action: &str) -> bool {
        self.faults.iter().any(|fault| {
            let Injection::IamDeny { action: denied } = fault else { return false };
            Pattern::plain(denied).matches_any_case(action)
        })
    }
}

#[cfg(test)]
mod tests;
