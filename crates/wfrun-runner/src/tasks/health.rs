//! Health checks of task definitions, on a schedule of our own: the engine waits a whole interval before its first one.
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use wfrun_backend::DockerBackend;
use wfrun_backend::docker::Probe;

use super::PATIENCE;

/// An early probe is followed by another so soon.
const EAGER: Duration = Duration::from_millis(500);
const SHORTEST: Duration = Duration::from_millis(250);

/// A health check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Check {
    /// A program and its arguments.
    pub(super) command: Vec<String>,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) retries: u32,
    pub(super) start_period: Duration,
}

/// What a check says of its container.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Healthy,
    /// What the last probe said.
    Unhealthy(String),
}

impl Check {
    /// The check of a container definition; `NONE` and an empty command are no check.
    ///
    /// Source: AWS ECS API reference, `HealthCheck`: 30 s, 5 s, 3, 0 s.
    pub(super) fn read(definition: &Value) -> Option<Self> {
        let check = definition.get("healthCheck")?;
        let words: Vec<String> =
            check["command"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let command = match words.split_first()? {
            (first, _) if first == "NONE" => return None,
            (first, rest) if first == "CMD" => rest.to_vec(),
            (first, rest) if first == "CMD-SHELL" => vec!["/bin/sh".to_owned(), "-c".to_owned(), rest.join(" ")],
            // ECS takes a command without its kind as one for the shell.
            _ => vec!["/bin/sh".to_owned(), "-c".to_owned(), words.join(" ")],
        };
        let number = |member: &str, otherwise: u64| check[member].as_u64().unwrap_or(otherwise);
        (!command.is_empty()).then(|| Self {
            command,
            interval: Duration::from_secs(number("interval", 30)),
            timeout: Duration::from_secs(number("timeout", 5)),
            retries: u32::try_from(number("retries", 3)).unwrap_or(3).max(1),
            start_period: Duration::from_secs(number("startPeriod", 0)),
        })
    }
}

/// Probes a container for ever, and tells each change.
pub(super) async fn watch(check: &Check, scale: f64, engine: &DockerBackend, container: &str, tell: impl Fn(Verdict)) {
    let began = Instant::now();
    let mut schedule = Schedule::new(check, scale, PATIENCE);
    loop {
        let probe = engine.probe_task(container, check.command.clone(), check.timeout).await;
        let failure = failure(probe, check.timeout);
        let Turn { news, pause } = schedule.take_in(failure.is_some(), began.elapsed());
        match news {
            Some(true) => tell(Verdict::Healthy),
            Some(false) => tell(Verdict::Unhealthy(failure.unwrap_or_default())),
            None => {}
        }
        tokio::time::sleep(pause).await;
    }
}

/// When it is probed, and what the probes come to.
///
/// Source: AWS ECS API reference, `HealthCheck`: failures within the start period do not count, a success ends it.
/// Differs: intervals and start periods of container health checks take a tenth of their time (`ecs.health_scale`), timeouts their whole
/// time; a container is probed at once and every half second until its first interval is over, where AWS waits for that; but none is
/// called unhealthy in its first ten seconds, unless AWS would.
#[derive(Debug)]
struct Schedule {
    interval: Duration,
    retries: u32,
    /// Failures before do not count.
    counts_from: Duration,
    /// Nothing is unhealthy before.
    earliest: Duration,
    failures: u32,
    told: Option<bool>,
}

/// What comes of a probe.
#[derive(Debug)]
struct Turn {
    /// Whether the container is healthy, where that is news.
    news: Option<bool>,
    /// Until the next probe.
    pause: Duration,
}

impl Schedule {
    fn new(check: &Check, scale: f64, patience: Duration) -> Self {
        let interval = check.interval.mul_f64(scale).max(SHORTEST);
        let of_aws = check.start_period.saturating_add(check.interval.saturating_mul(check.retries));
        Self {
            interval,
            retries: check.retries,
            counts_from: check.start_period.mul_f64(scale) + interval,
            earliest: of_aws.min(patience),
            failures: 0,
            told: None,
        }
    }

    fn take_in(&mut self, failed: bool, elapsed: Duration) -> Turn {
        if failed && self.told.is_none() && elapsed < self.counts_from {
            return Turn { news: None, pause: EAGER.min(self.interval) };
        }
        self.failures = if failed { self.failures.saturating_add(1) } else { 0 };
        let now = match failed {
            false => Some(true),
            true if self.failures >= self.retries && elapsed >= self.earliest => Some(false),
            true => self.told,
        };
        let news = now.filter(|_| now != self.told);
        self.told = now;
        Turn { news, pause: self.interval }
    }
}

/// What was wrong with a probe.
fn failure(probe: Result<Probe, String>, timeout: Duration) -> Option<String> {
    match probe {
        Ok(Probe { exit_code: Some(0), .. }) => None,
        Ok(Probe { exit_code: Some(code), output }) if output.is_empty() => {
            Some(format!("the health check ended with exit code {code} and printed nothing"))
        }
        Ok(Probe { exit_code: Some(code), output }) => {
            Some(format!("the health check ended with exit code {code} and printed: {output}"))
        }
        Ok(Probe { exit_code: None, .. }) => {
            Some(format!("the health check did not end within {} s", timeout.as_secs()))
        }
        Err(err) => Some(format!("the health check could not be run: {err}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn as_a_task_definition_says_it() {
        let read = |command: Value| Check::read(&json!({ "healthCheck": { "command": command } }));
        let command = |command: Value| read(command).map(|check| check.command.join("|"));
        let cases = [
            (json!(["CMD", "curl", "-f", "x"]), Some("curl|-f|x")),
            (json!(["CMD-SHELL", "curl -f x || exit 1"]), Some("/bin/sh|-c|curl -f x || exit 1")),
            (json!(["curl", "x"]), Some("/bin/sh|-c|curl x")),
            (json!(["NONE"]), None),
            (json!(["CMD"]), None),
            (json!([]), None),
        ];
        for (given, expected) in cases {
            assert_eq!(command(given.clone()).as_deref(), expected, "{given}");
        }
        let check = read(json!(["CMD", "x"])).expect("a check");
        assert_eq!((check.interval.as_secs(), check.timeout.as_secs(), check.retries), (30, 5, 3));
        assert_eq!(Check::read(&json!({})), None);
    }

    /// When which verdict is told, in milliseconds, of a minute in which probes take no time.
    fn told(check: &Check, fails: impl Fn(u128) -> bool) -> Vec<(u128, bool)> {
        let (mut schedule, mut now, mut told) = (Schedule::new(check, 0.1, PATIENCE), Duration::ZERO, Vec::new());
        while now < Duration::from_mins(1) {
            let Turn { news, pause } = schedule.take_in(fails(now.as_millis()), now);
            told.extend(news.map(|healthy| (now.as_millis(), healthy)));
            now += pause;
        }
        told
    }

    fn check(interval: u64, retries: u32, start_period: u64) -> Check {
        let seconds = Duration::from_secs;
        let (interval, start_period) = (seconds(interval), seconds(start_period));
        Check { command: Vec::new(), interval, timeout: seconds(5), retries, start_period }
    }

    #[test]
    fn when_it_is_told() {
        // Healthy at the first probe, or at the first that passes.
        assert_eq!(told(&check(30, 3, 0), |_| false), [(0, true)]);
        assert_eq!(told(&check(30, 3, 0), |at| at < 1200), [(1500, true)]);
        // Never healthy: not in the first ten seconds, where AWS needs a minute and a half.
        assert_eq!(told(&check(30, 3, 0), |_| true), [(12_000, false)]);
        // AWS would call it unhealthy after five seconds.
        assert_eq!(told(&check(5, 1, 0), |_| true), [(5000, false)]);
        // The start period is scaled as well.
        assert_eq!(told(&check(30, 3, 100), |_| true), [(19_000, false)]);
        // It fails after it was healthy, and comes back.
        let back = told(&check(30, 3, 0), |at| (20_000..40_000).contains(&at));
        assert_eq!(back, [(0, true), (27_000, false), (42_000, true)]);
    }
}
