//! What ELB v2 remembers.

use std::net::{IpAddr, SocketAddr};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::actions::Action;
use super::check::HealthCheck;

/// Texts by name: tags, attributes.
pub(super) type Texts = IndexMap<String, String>;

/// ELB v2 in one region. Everything is kept by ARN, in the order of creation.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Elbv2 {
    pub(super) load_balancers: IndexMap<String, LoadBalancer>,
    pub(super) target_groups: IndexMap<String, TargetGroup>,
    pub(super) listeners: IndexMap<String, Listener>,
}

/// A load balancer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct LoadBalancer {
    pub(super) name: String,
    pub(super) created_at_ms: u64,
    /// `internet-facing` or `internal`.
    pub(super) scheme: String,
    pub(super) subnets: Vec<String>,
    pub(super) security_groups: Vec<String>,
    pub(super) ip_address_type: String,
    pub(super) attributes: Texts,
    pub(super) tags: Texts,
    /// The port of loopback it had last: it is asked for again, so that its name stays the same.
    pub(super) port: Option<u16>,
}

/// A target group.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct TargetGroup {
    pub(super) name: String,
    /// `HTTP`, `HTTPS` or `TCP`.
    pub(super) protocol: String,
    pub(super) protocol_version: Option<String>,
    pub(super) port: u16,
    pub(super) vpc_id: Option<String>,
    /// `instance` or `ip`.
    pub(super) target_type: String,
    pub(super) check: HealthCheck,
    pub(super) attributes: Texts,
    pub(super) tags: Texts,
    pub(super) targets: Vec<Target>,
}

/// A listener.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Listener {
    pub(super) load_balancer: String,
    pub(super) port: u16,
    /// `HTTP` or `HTTPS`.
    pub(super) protocol: String,
    pub(super) ssl_policy: Option<String>,
    pub(super) certificates: Vec<String>,
    pub(super) actions: Vec<Action>,
    pub(super) tags: Texts,
}

/// A target of a target group.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Target {
    /// An address or an instance's id.
    pub(crate) id: String,
    pub(crate) port: u16,
    pub(crate) answers: Answers,
    pub(crate) health: TargetHealth,
    /// Since when it is being deregistered.
    pub(crate) draining_since_ms: Option<u64>,
}

/// Who answers for a target.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Answers {
    /// A process at this address of loopback: it is probed, and requests go there.
    At(SocketAddr),
    /// Nobody: a runtime says what its health is.
    Nobody,
}

/// The health of a target.
///
/// Source: AWS ELB v2 API reference, `TargetHealth`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct TargetHealth {
    pub(crate) state: HealthState,
    /// As `Target.ResponseCodeMismatch`.
    pub(crate) reason: Option<String>,
    pub(crate) description: Option<String>,
}

/// The state of a target.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HealthState {
    Initial,
    Healthy,
    Unhealthy,
    Draining,
    Unused,
}

impl TargetHealth {
    pub(crate) fn healthy() -> Self {
        Self { state: HealthState::Healthy, reason: None, description: None }
    }

    pub(crate) fn initial() -> Self {
        Self::because(HealthState::Initial, "Elb.InitialHealthChecking", "Initial health checks in progress")
    }

    /// `description` is a sentence as `Health checks failed with these codes: [500]`.
    pub(crate) fn unhealthy(reason: &str, description: impl Into<String>) -> Self {
        Self::because(HealthState::Unhealthy, reason, description)
    }

    pub(super) fn draining() -> Self {
        let description = "Target deregistration is in progress";
        Self::because(HealthState::Draining, "Target.DeregistrationInProgress", description)
    }

    pub(super) fn not_in_use() -> Self {
        let description = "Target group is not configured to receive traffic from the load balancer";
        Self::because(HealthState::Unused, "Target.NotInUse", description)
    }

    pub(super) fn not_registered() -> Self {
        let description = "Target is not registered to the target group";
        Self::because(HealthState::Unused, "Target.NotRegistered", description)
    }

    fn because(state: HealthState, reason: &str, description: impl Into<String>) -> Self {
        Self { state, reason: Some(reason.to_owned()), description: Some(description.into()) }
    }

    pub(super) fn described(&self) -> Value {
        json!({ "State": self.state, "Reason": self.reason, "Description": self.description })
    }
}

impl Answers {
    /// A target with an address of loopback answers there; of any other there is nobody on this machine.
    pub(super) fn of(id: &str, port: u16) -> Self {
        match id.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => Self::At(SocketAddr::new(address, port)),
            Ok(_) | Err(_) => Self::Nobody,
        }
    }
}

impl Elbv2 {
    /// Where load balancers listen while the account is served.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        self.load_balancers.values().filter_map(|it| it.port)
    }

    /// The listeners of a load balancer, with their ARNs.
    pub(super) fn listeners_of<'a>(
        &'a self,
        load_balancer: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Listener)> {
        self.listeners.iter().filter(move |(_, listener)| listener.load_balancer == load_balancer)
    }

    /// The ARN of the target group of that name.
    pub(crate) fn target_group_named(&self, name: &str) -> Option<&str> {
        self.target_groups.iter().find(|(_, group)| group.name == name).map(|(arn, _)| arn.as_str())
    }

    pub(crate) fn has_target_group(&self, arn: &str) -> bool {
        self.target_groups.contains_key(arn)
    }

    /// The ARNs of the load balancers that forward to a target group.
    pub(crate) fn users_of(&self, target_group: &str) -> Vec<&str> {
        let uses = |listener: &&Listener| listener.actions.iter().any(|action| action.forwards_to(target_group));
        let mut users: Vec<&str> =
            self.listeners.values().filter(uses).map(|listener| listener.load_balancer.as_str()).collect();
        users.sort_unstable();
        users.dedup();
        users
    }

    /// What was probed before the account was closed says nothing about now.
    pub(crate) fn start_afresh(&mut self) {
        for target in self.target_groups.values_mut().flat_map(|group| &mut group.targets) {
            if matches!(target.answers, Answers::At(_)) && target.draining_since_ms.is_none() {
                target.health = TargetHealth::initial();
            }
        }
    }
}
