//! The operations on targets.

use serde_json::{Value, json};

use super::input::{invalid, needed, port, structures};
use super::model::{Answers, HealthState, Target, TargetGroup, TargetHealth};
use super::{target_groups, targets};
use crate::account::{Call, Input};
use crate::protocol::ApiError;

/// `RegisterTargets`.
///
/// Source: AWS ELB v2 API reference, `RegisterTargets`: the port is the group's where none is given.
/// Differs: targets are reached on loopback only; any other is unhealthy, as one that does not answer.
pub(super) fn register_targets(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = needed(call.input, "TargetGroupArn")?;
    let asked = asked(call.input)?;
    if asked.is_empty() {
        return Err(invalid(
            "1 validation error detected: Value '[]' at 'targets' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ));
    }
    call.account.change(call.region(), |region| {
        let elb = &mut region.elbv2;
        let group = elb.target_groups.get(arn).ok_or_else(|| target_groups::not_found(arn))?;
        let (own_port, ip) = (group.port, group.target_type == "ip");
        for (id, _) in &asked {
            let valid = if ip { id.parse::<std::net::IpAddr>().is_ok() } else { id.starts_with("i-") };
            if !valid {
                let what = if ip { "IP address" } else { "instance ID" };
                return Err(invalid(format!("The {what} '{id}' is not a valid {what}")));
            }
        }
        for (id, port) in asked {
            let port = port.unwrap_or(own_port);
            let answers = Answers::of(id, port);
            targets::register(elb, arn, id, port, answers)?;
            if answers == Answers::Nobody {
                let nobody = TargetHealth::unhealthy("Target.Timeout", "Request timed out");
                targets::set_health(elb, arn, id, port, nobody);
            }
        }
        targets::follow_use(elb);
        Ok(json!({}))
    })
}

/// `DeregisterTargets`.
///
/// Source: AWS ELB v2 API reference, `DeregisterTargets`: without a port, all ports of the target.
pub(super) fn deregister_targets(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = needed(call.input, "TargetGroupArn")?;
    let asked = asked(call.input)?;
    let now_ms = call.account.now_ms();
    call.account.change(call.region(), |region| {
        let elb = &mut region.elbv2;
        let group = elb.target_groups.get(arn).ok_or_else(|| target_groups::not_found(arn))?;
        let mut leaving = Vec::new();
        for (id, port) in asked {
            let matching = found(group, id, port);
            if matching.is_empty() {
                let message = format!("The following targets are not registered in the target group '{arn}': '{id}'");
                return Err(ApiError::new("InvalidTarget", message));
            }
            leaving.extend(matching.into_iter().map(|target| (target.id.clone(), target.port)));
        }
        for (id, port) in leaving {
            targets::deregister(elb, arn, &id, port, now_ms);
        }
        Ok(json!({}))
    })
}

/// `DescribeTargetHealth`.
///
/// Source: AWS ELB v2 API reference, `DescribeTargetHealth`.
pub(super) fn describe(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = needed(call.input, "TargetGroupArn")?;
    let asked = asked(call.input)?;
    call.account.read(call.region(), |region| {
        let group = region.elbv2.target_groups.get(arn).ok_or_else(|| target_groups::not_found(arn))?;
        let mut shown = Vec::new();
        if asked.is_empty() {
            shown.extend(group.targets.iter().map(|target| described(group, &target.id, target.port, &target.health)));
        }
        for (id, port) in asked {
            let matching = found(group, id, port);
            if matching.is_empty() {
                shown.push(described(group, id, port.unwrap_or(group.port), &TargetHealth::not_registered()));
            }
            shown.extend(matching.into_iter().map(|target| described(group, &target.id, target.port, &target.health)));
        }
        Ok(json!({ "TargetHealthDescriptions": shown }))
    })
}

/// Whether a target that the input of `DescribeTargetHealth` asks about is still unknown, or going.
pub(crate) fn is_settling(call: Call<'_>) -> bool {
    let (Ok(arn), Ok(asked)) = (needed(call.input, "TargetGroupArn"), asked(call.input)) else { return false };
    call.account.read(call.region(), |region| {
        let Some(group) = region.elbv2.target_groups.get(arn) else { return false };
        let meant = |target: &&Target| {
            asked.is_empty()
                || asked.iter().any(|(id, port)| target.id == *id && port.is_none_or(|port| port == target.port))
        };
        let passing = |target: &Target| matches!(target.health.state, HealthState::Initial | HealthState::Draining);
        group.targets.iter().filter(meant).any(passing)
    })
}

fn asked(input: Input<'_>) -> Result<Vec<(&str, Option<u16>)>, ApiError> {
    structures(input, "Targets")?.into_iter().map(|target| Ok((needed(target, "Id")?, port(target, "Port")?))).collect()
}

fn found<'a>(group: &'a TargetGroup, id: &str, port: Option<u16>) -> Vec<&'a Target> {
    let asked = |target: &&Target| target.id == id && port.is_none_or(|port| port == target.port);
    group.targets.iter().filter(asked).collect()
}

fn described(group: &TargetGroup, id: &str, port: u16, health: &TargetHealth) -> Value {
    let check_port = match group.check.port.as_str() {
        "traffic-port" => port.to_string(),
        other => other.to_owned(),
    };
    let registered = health.reason.as_deref() != Some("Target.NotRegistered");
    json!({
        "Target": { "Id": id, "Port": port },
        "HealthCheckPort": registered.then_some(check_port),
        "TargetHealth": health.described(),
    })
}
