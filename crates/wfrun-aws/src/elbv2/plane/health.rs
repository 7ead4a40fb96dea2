//! Probes of the targets, and the end of those that are being deregistered.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CONNECTION, HOST, USER_AGENT};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{DataPlane, TargetKey, http};
use crate::account::Account;
use crate::elbv2::attributes::DEREGISTRATION_DELAY;
use crate::elbv2::check::HealthCheck;
use crate::elbv2::model::{Answers, Elbv2, HealthState, TargetGroup, TargetHealth};
use crate::elbv2::targets;
use crate::endpoint::wait_until;

/// How often it is looked whether a probe is due.
const LOOK: Duration = Duration::from_millis(100);

/// A new target is probed at least so often, so that a deployment does not wait for a check's interval.
const EAGER: Duration = Duration::from_millis(250);

/// A target, with its region.
type Place = (String, TargetKey);

/// What is known of a target beside its health.
struct Watched {
    /// Since when it has been watched.
    since: Instant,
    next: Instant,
    probing: bool,
    passes: u32,
    failures: u32,
}

/// What a probe found: `Err` has the reason and the description.
type Found = Result<(), (&'static str, String)>;

/// Probes every target that somebody answers for, until the endpoint closes.
///
/// Source: AWS ELB v2 user guide, "Health checks for Application Load Balancer target groups": one success makes a new target healthy;
/// then the thresholds decide.
/// Differs: intervals of health checks and the deregistration delay are shortened (`elbv2.time_scale`), and a new target is probed at
/// least four times a second.
pub(crate) async fn keep_health(account: Arc<Account>, closed: watch::Receiver<bool>) {
    let end = wait_until(closed);
    tokio::pin!(end);
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut watched: HashMap<Place, Watched> = HashMap::new();
    let mut probes: JoinSet<(Place, Found)> = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut end => return,
            Some(done) = probes.join_next() => match done {
                Ok((place, found)) => take_in(&account, &mut watched, &place, found),
                Err(err) => tracing::error!(%err, "a probe of a target ended"),
            },
            _ = ticks.tick() => {
                forget_drained(&account);
                start_due(&account, &mut watched, &mut probes);
            }
        }
    }
}

fn start_due(account: &Account, watched: &mut HashMap<Place, Watched>, probes: &mut JoinSet<(Place, Found)>) {
    let all = targets_to_probe(account);
    watched.retain(|place, _| all.iter().any(|(known, ..)| known == place));
    let now = Instant::now();
    for (place, address, check) in all {
        let fresh = || Watched { since: now, next: now, probing: false, passes: 0, failures: 0 };
        let known = watched.entry(place.clone()).or_insert_with(fresh);
        if known.probing || known.next > now {
            continue;
        }
        known.probing = true;
        probes.spawn(async move { (place, probe(address, &check).await) });
    }
}

fn targets_to_probe(account: &Account) -> Vec<(Place, SocketAddr, HealthCheck)> {
    let mut found = Vec::new();
    for name in account.region_names() {
        account.read(&name, |region| {
            for (arn, group) in &region.elbv2.target_groups {
                for target in &group.targets {
                    let Answers::At(address) = target.answers else { continue };
                    if matches!(target.health.state, HealthState::Draining | HealthState::Unused) {
                        continue;
                    }
                    let place = (name.clone(), (arn.clone(), target.id.clone(), target.port));
                    found.push((place, checked_at(group, &target.id, address), group.check.clone()));
                }
            }
        });
    }
    found
}

/// Where a target is probed. Of one that is published under another port, only that one is known.
fn checked_at(group: &TargetGroup, id: &str, address: SocketAddr) -> SocketAddr {
    match (group.check.port.parse(), id.parse()) {
        (Ok(port), Ok(ip)) if address.ip() == ip => SocketAddr::new(ip, port),
        _ => address,
    }
}

async fn probe(address: SocketAddr, check: &HealthCheck) -> Found {
    let patience = Duration::from_secs(check.timeout_s.into());
    tokio::time::timeout(patience, ask(address, check)).await.unwrap_or_else(|_| Err(timed_out()))
}

/// Differs: a health check over HTTPS speaks plain HTTP.
async fn ask(address: SocketAddr, check: &HealthCheck) -> Found {
    let failed = |fault: super::answers::Fault| {
        if fault.is_time_out() { timed_out() } else { ("Target.FailedHealthChecks", "Health checks failed".to_owned()) }
    };
    if check.protocol == "TCP" {
        return http::connect(address).await.map(drop).map_err(failed);
    }
    let request = Request::get(check.path.as_str())
        .header(HOST, address.to_string())
        .header(USER_AGENT, "ELB-HealthChecker/2.0")
        .header(CONNECTION, "close")
        .body(Body::empty());
    let request = request.map_err(|_| ("Target.FailedHealthChecks", "Health checks failed".to_owned()))?;
    let status = http::send(address, request).await.map_err(failed)?.status().as_u16();
    if check.matches(status) {
        return Ok(());
    }
    Err(("Target.ResponseCodeMismatch", format!("Health checks failed with these codes: [{status}]")))
}

fn timed_out() -> (&'static str, String) {
    ("Target.Timeout", "Request timed out".to_owned())
}

fn take_in(account: &Account, watched: &mut HashMap<Place, Watched>, place: &Place, found: Found) {
    let (region, (arn, id, port)) = place;
    let known = account.read(region, |it| {
        let check = it.elbv2.target_groups.get(arn)?.check.clone();
        Some((check, targets::target_health(&it.elbv2, arn, id, *port)?.state))
    });
    let (Some((check, state)), Some(known)) = (known, watched.get_mut(place)) else { return };
    let interval = account.data_plane().scaled(check.interval_s);
    known.probing = false;
    known.next = Instant::now() + if state == HealthState::Initial { interval.min(EAGER) } else { interval };
    (known.passes, known.failures) = if found.is_ok() { (known.passes + 1, 0) } else { (0, known.failures + 1) };
    let health = match (state, found) {
        (HealthState::Initial, Ok(())) => Some(TargetHealth::healthy()),
        // More probes than the interval asks for must not make a slow start a failure.
        (HealthState::Initial, Err((reason, description))) => {
            let patience = interval * check.unhealthy_threshold;
            (known.since.elapsed() >= patience).then(|| TargetHealth::unhealthy(reason, description))
        }
        (HealthState::Unhealthy, Ok(())) => (known.passes >= check.healthy_threshold).then(TargetHealth::healthy),
        (HealthState::Unhealthy, Err((reason, description))) => Some(TargetHealth::unhealthy(reason, description)),
        (HealthState::Healthy, Err((reason, description))) => {
            (known.failures >= check.unhealthy_threshold).then(|| TargetHealth::unhealthy(reason, description))
        }
        (HealthState::Healthy | HealthState::Draining | HealthState::Unused, _) => None,
    };
    let Some(health) = health else { return };
    let same = account.read(region, |it| targets::target_health(&it.elbv2, arn, id, *port) == Some(&health));
    if same {
        return;
    }
    let changed = account.change(region, |it| Ok(targets::set_health(&mut it.elbv2, arn, id, *port, health)));
    if let Err(err) = changed {
        tracing::error!(error = err.message, "a target's health was not written");
    }
}

/// Takes out the targets that are being deregistered and have nothing more to answer, or no time left.
fn forget_drained(account: &Account) {
    let now_ms = account.now_ms();
    let plane = account.data_plane();
    for region in account.region_names() {
        let over = account.read(&region, |it| drained(&it.elbv2, plane, now_ms));
        if over.is_empty() {
            continue;
        }
        let changed = account.change(&region, |it| {
            for (arn, id, port) in &over {
                if let Some(group) = it.elbv2.target_groups.get_mut(arn) {
                    group.targets.retain(|target| {
                        target.draining_since_ms.is_none() || (&target.id, target.port) != (id, *port)
                    });
                }
            }
            Ok(())
        });
        if let Err(err) = changed {
            tracing::error!(error = err.message, "the end of a target was not written");
        }
    }
}

fn drained(elb: &Elbv2, plane: &DataPlane, now_ms: u64) -> Vec<TargetKey> {
    let mut over = Vec::new();
    for (arn, group) in &elb.target_groups {
        let own = group.attributes.get(DEREGISTRATION_DELAY.0).map_or(DEREGISTRATION_DELAY.1, String::as_str);
        let delay_ms = plane.scaled(own.parse().unwrap_or(0)).as_millis();
        for target in &group.targets {
            let Some(since_ms) = target.draining_since_ms else { continue };
            let key = (arn.clone(), target.id.clone(), target.port);
            if u128::from(now_ms.saturating_sub(since_ms)) >= delay_ms || plane.busy.is_idle(&key) {
                over.push(key);
            }
        }
    }
    over
}
