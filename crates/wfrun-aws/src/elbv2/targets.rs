//! Targets, as a runtime of ECS uses them: register, deregister, and what their health is.
//!
//! Everything is a function over the region's state, so that it can be part of one change together with what ECS changes:
//!
//! - A task with a published port registers as [`Answers::At`] that address of loopback. The endpoint probes it and forwards to it;
//!   the runtime reads [`target_health`].
//! - A simulated task registers as [`Answers::Nobody`] and the runtime calls [`set_health`]. The load balancer then answers 503 and
//!   says that nothing runs.

pub(crate) use super::model::{Answers, HealthState, TargetHealth};
use super::model::{Elbv2, Target};
use super::target_groups;
use crate::protocol::ApiError;

/// Registers a target, which starts as `initial` or, where no listener forwards to the group, `unused`.
///
/// A target that is there already stays as it is, unless it was being deregistered or answers elsewhere now.
/// Fails with `TargetGroupNotFound`.
pub(crate) fn register(
    elb: &mut Elbv2,
    target_group: &str,
    id: &str,
    port: u16,
    answers: Answers,
) -> Result<(), ApiError> {
    let used = !elb.users_of(target_group).is_empty();
    let group = elb.target_groups.get_mut(target_group).ok_or_else(|| target_groups::not_found(target_group))?;
    let same = |target: &Target| (target.id.as_str(), target.port) == (id, port);
    if group
        .targets
        .iter()
        .any(|target| same(target) && target.draining_since_ms.is_none() && target.answers == answers)
    {
        return Ok(());
    }
    group.targets.retain(|target| !same(target));
    let health = if used { TargetHealth::initial() } else { TargetHealth::not_in_use() };
    group.targets.push(Target { id: id.to_owned(), port, answers, health, draining_since_ms: None });
    Ok(())
}

/// Starts to deregister a target: nothing new is sent to it, and it goes once its requests have been answered, at the latest after
/// the group's `deregistration_delay.timeout_seconds` (scaled). Returns whether it was there.
pub(crate) fn deregister(elb: &mut Elbv2, target_group: &str, id: &str, port: u16, now_ms: u64) -> bool {
    let Some(group) = elb.target_groups.get_mut(target_group) else { return false };
    let Some(at) = group.targets.iter().position(|target| (target.id.as_str(), target.port) == (id, port)) else {
        return false;
    };
    let target = &mut group.targets[at];
    if target.answers == Answers::Nobody {
        group.targets.remove(at);
    } else if target.draining_since_ms.is_none() {
        target.draining_since_ms = Some(now_ms);
        target.health = TargetHealth::draining();
    }
    true
}

/// Takes a target away at once, as one that is gone.
pub(crate) fn forget(elb: &mut Elbv2, target_group: &str, id: &str, port: u16) {
    if let Some(group) = elb.target_groups.get_mut(target_group) {
        group.targets.retain(|target| (target.id.as_str(), target.port) != (id, port));
    }
}

/// Says what the health of a target is. Returns whether it was there and this was news.
///
/// A target that is being deregistered keeps saying so.
pub(crate) fn set_health(elb: &mut Elbv2, target_group: &str, id: &str, port: u16, health: TargetHealth) -> bool {
    let targets = elb.target_groups.get_mut(target_group).map(|group| &mut group.targets);
    let found = targets.into_iter().flatten().find(|target| (target.id.as_str(), target.port) == (id, port));
    match found {
        Some(target) if target.draining_since_ms.is_none() && target.health != health => {
            target.health = health;
            true
        }
        Some(_) | None => false,
    }
}

/// The health of a target; `None` where it is not registered.
pub(crate) fn target_health<'a>(elb: &'a Elbv2, target_group: &str, id: &str, port: u16) -> Option<&'a TargetHealth> {
    let targets = &elb.target_groups.get(target_group)?.targets;
    targets.iter().find(|target| (target.id.as_str(), target.port) == (id, port)).map(|target| &target.health)
}

/// Brings what is registered in line with the listeners: a group that no listener forwards to is not probed.
pub(super) fn follow_use(elb: &mut Elbv2) {
    let used: Vec<bool> = elb.target_groups.keys().map(|arn| !elb.users_of(arn).is_empty()).collect();
    for (group, used) in elb.target_groups.values_mut().zip(used) {
        for target in group.targets.iter_mut().filter(|target| target.draining_since_ms.is_none()) {
            match (used, target.health.state) {
                (true, HealthState::Unused) => target.health = TargetHealth::initial(),
                (false, _) => target.health = TargetHealth::not_in_use(),
                (true, _) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
