use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::{ContainerInspectResponse, HealthStatusEnum};
use bollard::query_parameters::InspectContainerOptions;
use tokio::sync::watch;

use super::Service;
use crate::docker::Log;

/// So much of a failed service's log is shown.
///
/// Differs: of a service that does not become healthy the last 20 lines are shown, and the last health check with its
/// output; GitHub shows the whole log and no check.
pub(super) const LOG_LINES: usize = 20;
/// GitHub looks only when it says so; a service that is ready is no reason to wait.
const POLL: Duration = Duration::from_millis(200);

/// What the engine says of a service's health.
#[derive(Debug, PartialEq, Eq)]
enum Health {
    Healthy,
    Starting,
    /// Why it will not become healthy.
    Failed(String),
}

/// Waits until a service is healthy; otherwise says why it is not.
///
/// Source: GitHub: execution rules E8.4.
/// Differs: the state is looked at five times a second between the moments at which GitHub looks.
pub(super) async fn wait(
    docker: &Docker,
    service: &Service,
    log: &Log,
    mut hurry: watch::Receiver<bool>,
) -> Option<String> {
    let mut next = Instant::now();
    let mut round = 0;
    loop {
        let health = match docker.inspect_container(&service.container, None::<InspectContainerOptions>).await {
            Ok(state) => health(&state),
            Err(err) => Health::Failed(format!("is gone: {err}")),
        };
        match health {
            Health::Healthy => {
                log.line(format!("{} service is healthy.", service.id));
                return None;
            }
            Health::Failed(reason) => {
                log.line(format!("{} service is unhealthy.", service.id));
                return Some(reason);
            }
            Health::Starting => {}
        }
        if Instant::now() >= next {
            let seconds = pause(round);
            round += 1;
            next = Instant::now() + Duration::from_secs(seconds);
            log.line(format!("{} service is starting, waiting {seconds} seconds before checking again.", service.id));
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            _ = hurry.wait_for(|it| *it) => return None,
        }
    }
}

/// `min(2 + (2^n − 1) · 2, 32)`: the middle of the range in which GitHub chooses.
fn pause(round: u32) -> u64 {
    let doubled = 2_u64.checked_pow(round).map_or(32, |it| 2 + (it - 1) * 2);
    doubled.min(32)
}

fn health(state: &ContainerInspectResponse) -> Health {
    let Some(state) = &state.state else { return Health::Healthy };
    let Some(health) = &state.health else { return Health::Healthy };
    let is_running = state.running.unwrap_or(false);
    match health.status {
        Some(HealthStatusEnum::HEALTHY | HealthStatusEnum::NONE | HealthStatusEnum::EMPTY) | None => Health::Healthy,
        Some(HealthStatusEnum::STARTING) if is_running => Health::Starting,
        Some(HealthStatusEnum::STARTING | HealthStatusEnum::UNHEALTHY) => {
            let last = health.log.iter().flatten().last().map(|it| {
                let output = it.output.as_deref().unwrap_or_default().trim();
                let code = it.exit_code.unwrap_or_default();
                let said =
                    if output.is_empty() { "and printed nothing".to_owned() } else { format!("and printed: {output}") };
                format!("the last health check ended with {code} {said}")
            });
            let ended = (!is_running)
                .then(|| format!("its container ended with exit code {}", state.exit_code.unwrap_or_default()));
            let known: Vec<String> = ended.into_iter().chain(last).collect();
            let known = if known.is_empty() { "no health check has ended".to_owned() } else { known.join("; ") };
            Health::Failed(format!("is unhealthy: {known}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(json: &str) -> ContainerInspectResponse {
        serde_json::from_str(json).expect("what an engine says")
    }

    #[test]
    fn pauses_are_githubs() {
        assert_eq!([0, 1, 2, 3, 4, 5, 90].map(pause), [2, 4, 8, 16, 32, 32, 32]);
    }

    #[test]
    fn what_the_engine_says() {
        let unhealthy = r#"{"State": {"Running": true, "Health": {"Status": "unhealthy", "Log": [
            {"ExitCode": 0, "Output": "fine"}, {"ExitCode": 7, "Output": "no answer\n"}]}}}"#;
        let cases = [
            (r#"{"State": {"Running": true}}"#, Health::Healthy),
            (r#"{"State": {"Running": true, "Health": {"Status": "healthy"}}}"#, Health::Healthy),
            (r#"{"State": {"Running": true, "Health": {"Status": "starting"}}}"#, Health::Starting),
            (
                unhealthy,
                Health::Failed("is unhealthy: the last health check ended with 7 and printed: no answer".to_owned()),
            ),
            (
                r#"{"State": {"Running": false, "ExitCode": 3, "Health": {"Status": "starting"}}}"#,
                Health::Failed("is unhealthy: its container ended with exit code 3".to_owned()),
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(health(&state(json)), expected, "{json}");
        }
    }
}
