//! Waiting for a service to become stable, and for tasks to stop.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The time, so that tests need none.
pub(super) trait Clock {
    /// Since the start.
    fn elapsed(&self) -> Duration;
    fn sleep(&mut self, duration: Duration);
}

/// The machine's clock.
#[derive(Debug)]
pub(super) struct SystemClock(Instant);

impl SystemClock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// How the wait ended.
#[derive(Debug, PartialEq)]
pub(super) enum Waited {
    /// With this answer.
    Yes(Value),
    /// With one that rules it out.
    Never(Value),
    /// The time was up.
    NotInTime,
}

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// What an answer says: it is so, it will never be, or (`None`) it is not decided yet.
pub(super) type Verdict = fn(&Value) -> Option<bool>;

/// Asks until the answer says so, at most for `seconds`.
///
/// The conditions are AWS's. The pauses are not: an emulated service is stable in seconds, and what the step does and
/// prints does not depend on them.
pub(super) fn wait<E>(
    seconds: u64,
    verdict: Verdict,
    clock: &mut impl Clock,
    mut describe: impl FnMut() -> Result<Value, E>,
) -> Result<Waited, E> {
    let end = clock.elapsed() + Duration::from_secs(seconds);
    let mut delay = FIRST_DELAY;
    loop {
        let answer = describe()?;
        match verdict(&answer) {
            Some(true) => return Ok(Waited::Yes(answer)),
            Some(false) => return Ok(Waited::Never(answer)),
            None => {}
        }
        if clock.elapsed() + delay > end {
            return Ok(Waited::NotInTime);
        }
        clock.sleep(delay);
        delay = (delay * 3 / 2).min(LONGEST_DELAY);
    }
}

/// All tasks that the answer has are stopped, and it has one.
///
/// Source: AWS, the waiter `TasksStopped` of the SDK for JavaScript 3.
pub(super) fn tasks_stopped(answer: &Value) -> Option<bool> {
    let tasks = answer["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let stopped = !tasks.is_empty() && tasks.iter().all(|task| task["lastStatus"] == json!("STOPPED"));
    stopped.then_some(true)
}

/// Source: AWS, the waiter `ServicesStable` (the AWS rules §4.7).
pub(super) fn services_stable(answer: &Value) -> Option<bool> {
    let list = |member: &str| answer[member].as_array().map(Vec::as_slice).unwrap_or_default();
    let services = list("services");
    let is_missing = list("failures").iter().any(|failure| failure["reason"] == json!("MISSING"));
    let is_ending = services.iter().any(|service| matches!(service["status"].as_str(), Some("DRAINING" | "INACTIVE")));
    if is_missing || is_ending {
        return Some(false);
    }
    let stable = services.iter().all(|service| {
        let deployments = service["deployments"].as_array().map_or(0, Vec::len);
        deployments == 1 && service["runningCount"] == service["desiredCount"]
    });
    stable.then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake(Duration, Vec<u128>);

    impl Clock for Fake {
        fn elapsed(&self) -> Duration {
            self.0
        }

        fn sleep(&mut self, duration: Duration) {
            self.0 += duration;
            self.1.push(duration.as_millis());
        }
    }

    fn service(status: &str, deployments: usize, running: u32) -> Value {
        let deployments = vec![json!({}); deployments];
        json!({ "services": [{ "status": status, "deployments": deployments, "runningCount": running, "desiredCount": 2 }] })
    }

    #[test]
    fn knows_the_conditions() {
        let cases = [
            (service("ACTIVE", 1, 2), Some(true)),
            (service("ACTIVE", 2, 2), None),
            (service("ACTIVE", 1, 1), None),
            (service("DRAINING", 1, 2), Some(false)),
            (service("INACTIVE", 1, 2), Some(false)),
            (json!({ "services": [], "failures": [{ "reason": "MISSING" }] }), Some(false)),
        ];
        for (answer, expected) in cases {
            assert_eq!(services_stable(&answer), expected, "{answer}");
        }
    }

    #[test]
    fn tasks_have_stopped_when_all_have() {
        let tasks = |statuses: &[&str]| {
            let tasks: Vec<Value> = statuses.iter().map(|status| json!({ "lastStatus": status })).collect();
            json!({ "tasks": tasks })
        };
        let cases = [
            (tasks(&["STOPPED", "STOPPED"]), Some(true)),
            (tasks(&["STOPPED", "RUNNING"]), None),
            (tasks(&["PENDING"]), None),
            // One that is not known never stops: the time is up some day.
            (json!({ "tasks": [], "failures": [{ "reason": "MISSING" }] }), None),
        ];
        for (answer, expected) in cases {
            assert_eq!(tasks_stopped(&answer), expected, "{answer}");
        }
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let mut clock = Fake(Duration::ZERO, Vec::new());
        let mut asked = 0;
        let result = wait::<()>(60, services_stable, &mut clock, || {
            asked += 1;
            Ok(if asked == 12 { service("ACTIVE", 1, 2) } else { service("ACTIVE", 2, 1) })
        });
        assert!(matches!(result, Ok(Waited::Yes(_))));
        assert_eq!(clock.1, [100, 150, 225, 337, 506, 759, 1139, 1708, 2000, 2000, 2000]);
    }

    #[test]
    fn ends_in_time() {
        let mut clock = Fake(Duration::ZERO, Vec::new());
        let result = wait::<()>(60, services_stable, &mut clock, || Ok(service("ACTIVE", 2, 1)));
        assert_eq!(result, Ok(Waited::NotInTime));
        assert!(clock.elapsed() <= Duration::from_mins(1), "{:?}", clock.elapsed());
    }
}
