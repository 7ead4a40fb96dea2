//! How a target group's targets are checked.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::input::invalid;
use crate::account::Input;
use crate::protocol::ApiError;

/// The health check of a target group.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct HealthCheck {
    /// `HTTP`, `HTTPS` or `TCP`.
    pub(super) protocol: String,
    /// `traffic-port`, or a port.
    pub(super) port: String,
    /// Where the protocol is not `TCP`.
    pub(super) path: String,
    pub(super) interval_s: u32,
    pub(super) timeout_s: u32,
    pub(super) healthy_threshold: u32,
    pub(super) unhealthy_threshold: u32,
    /// As `200`, `200,202` or `200-299`.
    pub(super) matcher: String,
}

impl HealthCheck {
    /// What a target group has where nothing is said.
    ///
    /// Source: AWS ELB v2 API reference, `CreateTargetGroup`, defaults of application load balancers.
    pub(super) fn of(protocol: &str) -> Self {
        Self {
            protocol: if protocol == "TCP" { "TCP".to_owned() } else { "HTTP".to_owned() },
            port: "traffic-port".to_owned(),
            path: "/".to_owned(),
            interval_s: 30,
            timeout_s: if protocol == "TCP" { 10 } else { 5 },
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: "200".to_owned(),
        }
    }

    /// Takes over what an input says.
    ///
    /// Source: AWS ELB v2 API reference, `ModifyTargetGroup`, the members' ranges.
    pub(super) fn read(mut self, input: Input<'_>) -> Result<Self, ApiError> {
        if let Some(protocol) = input.text("HealthCheckProtocol")? {
            if !["HTTP", "HTTPS", "TCP"].contains(&protocol) {
                return Err(invalid(format!("wfrun: health checks over {protocol} are not emulated, use HTTP or TCP")));
            }
            protocol.clone_into(&mut self.protocol);
        }
        if let Some(port) = input.text("HealthCheckPort")? {
            if port != "traffic-port" && !port.parse::<u16>().is_ok_and(|port| port > 0) {
                return Err(invalid(format!(
                    "Health check port '{port}' must be 'traffic-port' or between 1 and 65535"
                )));
            }
            port.clone_into(&mut self.port);
        }
        if let Some(path) = input.text("HealthCheckPath")? {
            if !path.starts_with('/') || path.len() > 1024 || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(invalid(format!(
                    "Health check path '{path}' must begin with a '/' and have at most 1024 characters"
                )));
            }
            path.clone_into(&mut self.path);
        }
        if let Some(matcher) = input.map("Matcher")?.map(|it| it.text("HttpCode")).transpose()?.flatten() {
            if codes(matcher).is_none() {
                return Err(invalid(format!(
                    "Health check matcher HTTP code '{matcher}' must be within '200-499' inclusive"
                )));
            }
            matcher.clone_into(&mut self.matcher);
        }
        if input.flag("HealthCheckEnabled")? == Some(false) {
            return Err(invalid(
                "Health check enabled must be true for target groups with target type 'instance' or 'ip'",
            ));
        }
        let count = |member: &str, name: &str, lowest, highest, known| match input.count(member)? {
            None => Ok(known),
            Some(count) if (lowest..=highest).contains(&count) => Ok(count),
            Some(count) => {
                Err(invalid(format!("{name} '{count}' must be between '{lowest}' and '{highest}' inclusive")))
            }
        };
        self.interval_s = count("HealthCheckIntervalSeconds", "Health check interval", 5, 300, self.interval_s)?;
        self.timeout_s = count("HealthCheckTimeoutSeconds", "Health check timeout", 2, 120, self.timeout_s)?;
        self.healthy_threshold =
            count("HealthyThresholdCount", "Healthy threshold count", 2, 10, self.healthy_threshold)?;
        self.unhealthy_threshold =
            count("UnhealthyThresholdCount", "Unhealthy threshold count", 2, 10, self.unhealthy_threshold)?;
        if self.timeout_s > self.interval_s {
            return Err(invalid(format!(
                "Health check timeout '{}' must be smaller than or equal to the interval '{}'",
                self.timeout_s, self.interval_s
            )));
        }
        Ok(self)
    }

    /// Whether an answer with this status is that of a healthy target.
    pub(super) fn matches(&self, status: u16) -> bool {
        codes(&self.matcher).is_some_and(|ranges| ranges.iter().any(|range| range.contains(&status)))
    }

    /// Adds the members of a described target group.
    pub(super) fn describe(&self, group: &mut Value) {
        group["HealthCheckProtocol"] = json!(self.protocol);
        group["HealthCheckPort"] = json!(self.port);
        group["HealthCheckEnabled"] = json!(true);
        group["HealthCheckIntervalSeconds"] = json!(self.interval_s);
        group["HealthCheckTimeoutSeconds"] = json!(self.timeout_s);
        group["HealthyThresholdCount"] = json!(self.healthy_threshold);
        group["UnhealthyThresholdCount"] = json!(self.unhealthy_threshold);
        if self.protocol != "TCP" {
            group["HealthCheckPath"] = json!(self.path);
            group["Matcher"] = json!({ "HttpCode": self.matcher });
        }
    }
}

/// The ranges that a matcher names.
///
/// Source: AWS ELB v2 API reference, `Matcher`: "200,202" or "200-299", between 200 and 499.
fn codes(matcher: &str) -> Option<Vec<std::ops::RangeInclusive<u16>>> {
    let code = |text: &str| text.parse::<u16>().ok().filter(|code| (200..=499).contains(code));
    let range = |text: &str| match text.split_once('-') {
        Some((low, high)) => Some(code(low)?..=code(high)?),
        None => code(text).map(|code| code..=code),
    };
    matcher.split(',').map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::{HealthCheck, codes};

    #[test]
    fn matchers_match() {
        for (matcher, good, bad) in [
            ("200", &[200][..], &[199, 201, 500][..]),
            ("200,302", &[200, 302], &[201, 301]),
            ("200-299", &[200, 250, 299], &[300, 404]),
            ("200-202,404", &[201, 404], &[203, 403]),
        ] {
            let check = HealthCheck { matcher: matcher.to_owned(), ..HealthCheck::of("HTTP") };
            assert!(good.iter().all(|status| check.matches(*status)), "{matcher}");
            assert!(!bad.iter().any(|status| check.matches(*status)), "{matcher}");
        }
        for garbled in ["", "abc", "200-", "100", "500", "200,,201", "200-600"] {
            assert_eq!(codes(garbled), None, "{garbled}");
        }
    }
}
