//! What became of tasks between two ticks.

use serde_json::Value;

use super::super::model::{Rollout, Service};
use super::super::targets::{Balanced, Standing, balanced};
use super::super::task::{Change, Task, TaskStatus};
use super::{TICK, Turn, tell};

/// What the reports since the last tick come to, for the PRIMARY deployment.
#[derive(Default)]
struct News {
    /// Failures that count: tasks that ended before they were ever healthy.
    failures: usize,
    became_healthy: bool,
    started: usize,
    events: Vec<String>,
}

/// Takes in the reports on the service's tasks. Returns whether a task of the PRIMARY deployment failed.
pub(super) fn take_in(service: &mut Service, turn: &mut Turn<'_>) -> bool {
    let primary = service.deployments.first().map(|primary| primary.id.clone()).unwrap_or_default();
    let (balanced, grace_ms) = (balanced(service), grace_ms(service));
    let standing = |task: &Task| match (turn.standing)(task, &balanced) {
        Standing::Bad { .. } if turn.now_ms < task.started_at_ms.unwrap_or(turn.now_ms) + grace_ms => Standing::Waiting,
        standing @ (Standing::Good | Standing::Waiting | Standing::Bad { .. }) => standing,
    };
    let mut news = News::default();
    let mut moved = false;
    let mut note = |task: &Task, change: Change, standing: &Standing| {
        moved |= !matches!(change, Change::None | Change::Stopped);
        if task.deployment == primary {
            news.add(&service.name, task, change, standing);
        } else if change == Change::Started {
            news.started += 1;
        }
    };
    for (id, report) in turn.reports {
        let Some(task) = service.tasks.iter_mut().find(|task| task.id == *id) else { continue };
        let waits = standing(task) != Standing::Good;
        let change = task.take_in(report, waits, turn.now_ms);
        // What a task wrote that was stopped for its health is only known at its end.
        let unexplained = service.failed.as_mut().filter(|it| it.id == task.deployment && it.last_lines.is_empty());
        if let Some(failed) = unexplained {
            failed.last_lines.clone_from(&task.launch.last_lines);
        }
        note(task, change, &Standing::Good);
    }
    for task in service.tasks.iter_mut().filter(|task| task.status == TaskStatus::Running) {
        let standing = standing(task);
        let change = task.follow_targets(&standing, turn.now_ms);
        note(task, change, &standing);
    }
    if moved {
        service.steady = false;
    }
    let registered = registered(&service.name, &balanced, news.started);
    for event in registered.into_iter().chain(news.events) {
        tell(service, turn, event);
    }
    count(service, turn, news.failures, news.became_healthy);
    news.failures > 0
}

/// For how long after its start a task's targets may fail, in milliseconds.
///
/// Source: AWS ECS API reference, `CreateService`, `healthCheckGracePeriodSeconds`.
/// Differs: a service's `healthCheckGracePeriodSeconds` take a twentieth of their time.
fn grace_ms(service: &Service) -> u64 {
    service.settings.get("healthCheckGracePeriodSeconds").and_then(Value::as_u64).unwrap_or_default().saturating_mul(50)
}

impl News {
    fn add(&mut self, service: &str, task: &Task, change: Change, standing: &Standing) {
        let failed_checks = || match standing {
            Standing::Bad { group, port, why } => format!(
                "(service {service}) (task {}) (port {port}) is unhealthy in (target-group {group}) due to (reason {why}).",
                task.id
            ),
            Standing::Good | Standing::Waiting => {
                format!("(service {service}) (task {}) failed container health checks.", task.id)
            }
        };
        match change {
            Change::None | Change::Stopped | Change::Ended { was_healthy: true } => {}
            Change::Started => self.started += 1,
            Change::BecameHealthy => self.became_healthy = true,
            Change::Failing => self.events.push(failed_checks()),
            Change::NeverHealthy => {
                self.failures += 1;
                self.events.push(failed_checks());
            }
            Change::CannotStart { reason } => {
                self.failures += 1;
                self.events.push(format!("(service {service}) was unable to place a task. Reason: {reason}."));
            }
            Change::Ended { was_healthy: false } => self.failures += 1,
        }
    }
}

/// The events for tasks that joined the service's target groups.
fn registered(service: &str, balanced: &[Balanced], tasks: usize) -> Vec<String> {
    let groups = balanced.iter().filter(|_| tasks > 0);
    let told = |of: &Balanced| format!("(service {service}) registered {tasks} targets in (target-group {})", of.group);
    groups.map(told).collect()
}

/// Counts failures of the PRIMARY deployment. The first three rounds are retried at once, later ones after a growing delay.
///
/// Source: AWS ECS developer guide, "Service throttle logic" (at most 15 minutes).
/// Differs: a service that cannot start its tasks tries again after at most 45 seconds, a twentieth of AWS' time.
fn count(service: &mut Service, turn: &mut Turn<'_>, failures: usize, became_healthy: bool) {
    const LONGEST_DELAY_MS: u64 = 45_000;
    const FREE_ROUNDS: u32 = 3;
    let breaker = service.configuration.breaker;
    let name = service.name.clone();
    let Some(primary) = service.deployments.first_mut() else { return };
    if became_healthy {
        primary.failures_in_a_row = 0;
        if breaker.reset_on_healthy {
            primary.counted_failures = 0;
        }
    }
    if failures == 0 {
        return;
    }
    let failures = u32::try_from(failures).unwrap_or(u32::MAX);
    let before = primary.failures_in_a_row;
    primary.failed_tasks += failures;
    primary.counted_failures += failures;
    primary.failures_in_a_row += failures;
    primary.updated_at_ms = turn.now_ms;
    let tick_ms = u64::try_from(TICK.as_millis()).unwrap_or_default();
    let rounds = primary.failures_in_a_row.saturating_sub(FREE_ROUNDS);
    let delay = tick_ms.checked_shl(rounds.min(16)).unwrap_or(LONGEST_DELAY_MS).min(LONGEST_DELAY_MS);
    // One tick always passes: tasks are not started in the tick in which one failed.
    primary.not_before_ms = turn.now_ms + if rounds == 0 { 0 } else { delay };
    let crossed = before < FREE_ROUNDS && primary.failures_in_a_row >= FREE_ROUNDS;
    // A deployment under way that the breaker watches ends otherwise.
    let watched = breaker.enable && primary.rollout == Rollout::InProgress;
    if crossed && !watched {
        let message = format!(
            "(service {name}) is unable to consistently start tasks successfully. \
             For more information, see the Troubleshooting section."
        );
        tell(service, turn, message);
    }
}
