//! `aws ecs wait`: asks until the answer is as hoped, or never will be.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::call::Caller;
use super::error::CliError;
use super::globals::Globals;
use super::model::Model;
use super::query::Query;
use super::{declare, parameters, python};
use crate::standins::cli::process::Process;

/// When the AWS CLI gives up. Source: AWS service model of ECS, waiters (40 × 15 s, 100 × 6 s).
const PATIENCE: Duration = Duration::from_mins(10);
const FIRST_PAUSE: Duration = Duration::from_millis(200);

struct Waiter {
    command: &'static str,
    name: &'static str,
    operation: &'static str,
    /// The longest pause between two looks.
    delay: Duration,
    acceptors: &'static [Acceptor],
}

struct Acceptor {
    matcher: Matcher,
    query: &'static str,
    expected: &'static str,
    succeeds: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Matcher {
    /// The whole result is as expected.
    Path,
    /// One of the results is.
    Any,
    /// All of the results are, and there is one.
    All,
}

const fn fails(query: &'static str, expected: &'static str) -> Acceptor {
    Acceptor { matcher: Matcher::Any, query, expected, succeeds: false }
}

const fn succeeds(matcher: Matcher, query: &'static str, expected: &'static str) -> Acceptor {
    Acceptor { matcher, query, expected, succeeds: true }
}

/// Source: AWS service model of ECS, waiters.
const WAITERS: &[Waiter] = &[
    Waiter {
        command: "services-stable",
        name: "ServicesStable",
        operation: "describe-services",
        delay: Duration::from_secs(15),
        acceptors: &[
            fails("failures[].reason", "MISSING"),
            fails("services[].status", "DRAINING"),
            fails("services[].status", "INACTIVE"),
            succeeds(
                Matcher::Path,
                "length(services[?!(length(deployments) == `1` && runningCount == desiredCount)]) == `0`",
                "True",
            ),
        ],
    },
    Waiter {
        command: "services-inactive",
        name: "ServicesInactive",
        operation: "describe-services",
        delay: Duration::from_secs(15),
        acceptors: &[fails("failures[].reason", "MISSING"), succeeds(Matcher::Any, "services[].status", "INACTIVE")],
    },
    Waiter {
        command: "tasks-running",
        name: "TasksRunning",
        operation: "describe-tasks",
        delay: Duration::from_secs(6),
        acceptors: &[
            fails("tasks[].lastStatus", "STOPPED"),
            fails("failures[].reason", "MISSING"),
            succeeds(Matcher::All, "tasks[].lastStatus", "RUNNING"),
        ],
    },
    Waiter {
        command: "tasks-stopped",
        name: "TasksStopped",
        operation: "describe-tasks",
        delay: Duration::from_secs(6),
        acceptors: &[succeeds(Matcher::All, "tasks[].lastStatus", "STOPPED")],
    },
];

/// Runs `ecs wait <waiter> …`; success is silent.
///
/// Differs: looks again after 0.2 s and then at growing intervals up to the AWS CLI's own; it gives up after the same time.
pub(super) fn run(
    words: &[String],
    globals: &Globals,
    model: &Model,
    process: &mut Process<'_>,
) -> Result<(), CliError> {
    let (command, rest) = words.split_first().ok_or_else(|| {
        let usage = "usage: aws [options] ecs wait <subcommand> [parameters]\naws: [ERROR]: too few arguments";
        CliError::Parameter(usage.to_owned())
    })?;
    let Some(waiter) = WAITERS.iter().find(|waiter| waiter.command == command) else {
        return Err(CliError::not_supported(format!("ecs wait {command}")));
    };
    let operation = model.operation(waiter.operation).expect("the model has the operations of the waiters");
    let parameters = parameters::read(model, operation, rest, process)?;
    let caller = Caller::new(globals, process, &format!("ecs.wait.{command}"))?;
    declare(process, &format!("aws ecs wait {command}"));
    let input = Value::Object(parameters.input);
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = caller.call(model, operation, &input).map_err(|error| waiter.of_service(error))?;
        if waiter.judge(&answer)? {
            return Ok(());
        }
        if started.elapsed() + pause > PATIENCE {
            return Err(waiter.failed("Max attempts exceeded"));
        }
        thread::sleep(pause);
        pause = (pause * 3 / 2).min(waiter.delay);
    }
}

impl Waiter {
    /// Whether the wait is over; an error where it can no longer succeed.
    fn judge(&self, answer: &Value) -> Result<bool, CliError> {
        for acceptor in self.acceptors {
            let found = Query::parse(acceptor.query)?.search(answer)?;
            if acceptor.matches(&found) {
                return if acceptor.succeeds { Ok(true) } else { Err(self.failed(&acceptor.reason())) };
            }
        }
        Ok(false)
    }

    fn failed(&self, reason: &str) -> CliError {
        CliError::General(format!("Waiter {} failed: {reason}", self.name))
    }

    fn of_service(&self, error: CliError) -> CliError {
        match error {
            CliError::Service { code, message, .. } => self.failed(&format!("An error occurred ({code}): {message}")),
            error @ (CliError::Parameter(_)
            | CliError::UnknownOptions { .. }
            | CliError::NotSupported { .. }
            | CliError::NoCredentials
            | CliError::NoEndpoint
            | CliError::General(_)
            | CliError::Silent { .. }) => error,
        }
    }
}

impl Acceptor {
    fn matches(&self, found: &Value) -> bool {
        let is_it = |value: &Value| python::str(value) == self.expected;
        let items = found.as_array().map_or(&[][..], Vec::as_slice);
        match self.matcher {
            Matcher::Path => is_it(found),
            Matcher::Any => items.iter().any(is_it),
            Matcher::All => !items.is_empty() && items.iter().all(is_it),
        }
    }

    fn reason(&self) -> String {
        format!(
            "Waiter encountered a terminal failure state: For expression \"{}\" we matched expected path: \"{}\" at least once",
            self.query, self.expected
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn judges_services() {
        let service = |status: &str, deployments: usize, running: u32| json!({"services": [{"status": status, "deployments": vec![0; deployments], "runningCount": running, "desiredCount": 2}], "failures": []});
        let cases = [
            (service("ACTIVE", 1, 2), Ok(true)),
            (service("ACTIVE", 2, 2), Ok(false)),
            (service("ACTIVE", 1, 1), Ok(false)),
            (service("DRAINING", 1, 2), Err("\"services[].status\" we matched expected path: \"DRAINING\"")),
            (json!({"services": [], "failures": [{"reason": "MISSING"}]}), Err("path: \"MISSING\" at least once")),
        ];
        for (answer, want) in cases {
            match (WAITERS[0].judge(&answer), want) {
                (Ok(over), Ok(want)) => assert_eq!(over, want, "{answer}"),
                (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{error}"),
                (got, _) => panic!("{answer}: {got:?}"),
            }
        }
    }
}
