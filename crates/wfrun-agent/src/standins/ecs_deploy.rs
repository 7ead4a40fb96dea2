//! Stand-in for `aws-actions/amazon-ecs-deploy-task-definition`: register, update the service, wait until it is stable.

mod definition;
mod waiter;

use serde_json::{Value, json};

use super::aws_client::{AwsClient, AwsError, ECS};
use super::error::StandInError;
use super::toolkit::{self, Annotation};
use super::{Invocation, Version};
use waiter::{Clock, Stable, SystemClock};

const ACTION: &str = "aws-actions/amazon-ecs-deploy-task-definition";
const USER_AGENT: &str = "amazon-ecs-deploy-task-definition-for-github-actions";
const MAX_WAIT_MINUTES: u64 = 360;

/// The inputs that decide something here.
#[derive(Debug)]
struct Settings {
    service: String,
    cluster: String,
    wait: bool,
    wait_minutes: u64,
    force: bool,
    desired_count: Option<i64>,
}

/// Runs the action.
///
/// Source: the AWS rules §1.5, and the README of `aws-actions/amazon-ecs-deploy-task-definition`.
pub(super) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    let version = invocation.version;
    refuse_what_is_missing()?;
    let client = AwsClient::from_environment(USER_AGENT).map_err(StandInError::from_sdk)?;
    let settings = Settings::from_inputs();
    let definition = definition::load(version)?;
    let arn = register(&client, version, &definition)?;
    toolkit::set_output("task-definition-arn", &arn)?;
    if settings.service.is_empty() {
        toolkit::debug("Service was not specified, no service updated");
        return Ok(());
    }
    let service = describe(&client, &settings)?;
    match service["deploymentController"]["type"].as_str().unwrap_or("ECS") {
        "ECS" => update(&client, version, &settings, &service, &arn, &mut SystemClock::start()),
        "CODE_DEPLOY" => Err(StandInError::NotSupported {
            action: ACTION,
            what: "a service with the deployment controller CODE_DEPLOY".to_owned(),
            way_out: "give the service of the emulated account the controller ECS".to_owned(),
        }),
        other => Err(StandInError::action(format!("Unsupported deployment controller: {other}"))),
    }
}

impl Settings {
    fn from_inputs() -> Self {
        let cluster = toolkit::input("cluster");
        let minutes =
            toolkit::parse_int(&toolkit::input("wait-for-minutes")).filter(|minutes| *minutes != 0).unwrap_or(30);
        Self {
            service: toolkit::input("service"),
            cluster: if cluster.is_empty() { "default".to_owned() } else { cluster },
            wait: toolkit::loose_boolean_input("wait-for-service-stability"),
            wait_minutes: u64::try_from(minutes).unwrap_or(0).min(MAX_WAIT_MINUTES),
            force: toolkit::loose_boolean_input("force-new-deployment"),
            desired_count: toolkit::parse_int(&toolkit::input("desired-count")),
        }
    }
}

fn refuse_what_is_missing() -> Result<(), StandInError> {
    for (name, what) in [
        ("run-task", "running a task outside a service (`run-task`)"),
        ("service-managed-ebs-volume-name", "a managed volume (`service-managed-ebs-volume-name`)"),
    ] {
        let value = toolkit::input(name);
        if !value.is_empty() && !value.eq_ignore_ascii_case("false") {
            return Err(StandInError::NotSupported {
                action: ACTION,
                what: what.to_owned(),
                way_out: "skip the step with `if:` where it runs on your machine".to_owned(),
            });
        }
    }
    Ok(())
}

fn register(client: &AwsClient, version: Version, definition: &Value) -> Result<String, StandInError> {
    toolkit::debug("Registering the task definition");
    // Up to v1.5.0 the action carries an SDK that knows the members of May 2024 and refuses all others itself.
    let checked = if version.major == 1 && !version.is_at_least(6, 0, (5, 0)) {
        definition::check_members(definition).inspect_err(|_| {
            toolkit::notice(
                "amazon-ecs-deploy-task-definition@v1 takes only the members of a task definition that there were in \
                 May 2024, here as on GitHub. Use @v2, or delete the others, as in `jq 'del(.enableFaultInjection)'`.",
            );
        })
    } else {
        Ok(())
    };
    let answer =
        checked.and_then(|()| client.json(ECS, "RegisterTaskDefinition", definition).map_err(StandInError::from));
    let answer = answer.inspect_err(|error| {
        toolkit::error(&format!("Failed to register task definition in ECS: {}", error.chain()));
        toolkit::debug("Task definition contents:");
        toolkit::debug(&serde_json::to_string_pretty(definition).unwrap_or_default());
    })?;
    let arn = answer["taskDefinition"]["taskDefinitionArn"].as_str();
    arn.map(str::to_owned).ok_or_else(|| StandInError::action("RegisterTaskDefinition returned no taskDefinitionArn"))
}

fn describe(client: &AwsClient, settings: &Settings) -> Result<Value, StandInError> {
    let mut answer = describe_services(client, settings)?;
    if let Some(failure) = answer["failures"].as_array().and_then(|failures| failures.first()) {
        let text = |member: &str| failure[member].as_str().unwrap_or("undefined").to_owned();
        return Err(StandInError::action(format!("{} is {}", text("arn"), text("reason"))));
    }
    let service = answer["services"][0].take();
    match service["status"].as_str() {
        Some("ACTIVE") => Ok(service),
        status => Err(StandInError::action(format!("Service is {}", status.unwrap_or("undefined")))),
    }
}

fn describe_services(client: &AwsClient, settings: &Settings) -> Result<Value, AwsError> {
    let request = json!({ "services": [settings.service], "cluster": settings.cluster });
    client.json(ECS, "DescribeServices", &request)
}

fn update(
    client: &AwsClient,
    version: Version,
    settings: &Settings,
    before: &Value,
    arn: &str,
    clock: &mut impl Clock,
) -> Result<(), StandInError> {
    toolkit::debug("Updating the service");
    let answer = client.json(ECS, "UpdateService", &update_request(version, settings, arn))?;
    say_started(version, settings, client.region());
    if !settings.wait {
        toolkit::debug("Not waiting for the service to become stable");
        return Ok(());
    }
    let minutes = settings.wait_minutes;
    toolkit::debug(&format!("Waiting for the service to become stable. Will wait for {minutes} minutes"));
    let stable = waiter::wait(minutes * 60, clock, || describe_services(client, settings))?;
    let stable = match stable {
        Stable::Yes(answer) => answer,
        Stable::Never(answer) => return Err(not_stable(version, "FAILURE", &answer)),
        Stable::NotInTime => return Err(not_stable(version, "TIMEOUT", &json!("Waiter has timed out"))),
    };
    let (old, new) = (primary(before), primary(&answer["service"]));
    if new.is_empty() || new == old {
        toolkit::debug("No new deployment was created by the update, skipping deployment verification");
        return Ok(());
    }
    // The floating v2 points at 2.6.3; no release of v1 verifies.
    if version.major >= 2 && version.is_at_least(6, 2, (6, 3)) {
        let verified = describe_services(client, settings)?;
        return verify(&verified["services"][0], &new);
    }
    warn_of_rollback(version, settings, &stable["services"][0], &new, arn);
    Ok(())
}

fn update_request(version: Version, settings: &Settings, arn: &str) -> Value {
    let mut request = json!({
        "cluster": settings.cluster,
        "service": settings.service,
        "taskDefinition": arn,
        "forceNewDeployment": settings.force,
    });
    if version.major >= 2 {
        let tags = toolkit::input("enable-ecs-managed-tags");
        if !tags.is_empty() {
            request["enableECSManagedTags"] = json!(tags.eq_ignore_ascii_case("true"));
        }
        let propagate = toolkit::input("propagate-tags");
        if !propagate.is_empty() {
            request["propagateTags"] = json!(propagate);
        }
        request["volumeConfigurations"] = json!([]);
    }
    if let Some(count) = settings.desired_count {
        request["desiredCount"] = json!(count);
    }
    request
}

fn say_started(version: Version, settings: &Settings, region: &str) {
    let host = if region.starts_with("cn") { "console.amazonaws.cn" } else { "console.aws.amazon.com" };
    let Settings { cluster, service, .. } = settings;
    let url = if version.major == 1 {
        format!("https://{host}/ecs/home?region={region}#/clusters/{cluster}/services/{service}/events")
    } else {
        format!("https://{region}.{host}/ecs/v2/clusters/{cluster}/services/{service}/deployments?region={region}")
    };
    toolkit::info(&format!("Deployment started. Watch this deployment's progress in the Amazon ECS console: {url}"));
}

fn not_stable(version: Version, state: &str, reason: &Value) -> StandInError {
    if version.major == 1 && !version.is_at_least(6, 0, (5, 0)) {
        return StandInError::action("Resource is not in the state servicesStable");
    }
    StandInError::action(json!({ "state": state, "reason": reason }).to_string())
}

/// The id of the PRIMARY deployment; empty where there is none.
fn primary(service: &Value) -> String {
    let deployments = service["deployments"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = deployments.iter().find(|deployment| deployment["status"] == json!("PRIMARY"));
    found.and_then(|deployment| deployment["id"].as_str()).unwrap_or_default().to_owned()
}

fn verify(service: &Value, id: &str) -> Result<(), StandInError> {
    let Some(deployment) = deployment(service, id) else {
        return Err(StandInError::action(format!(
            "Deployment {id} not found after stabilization. The deployment was likely rolled back by the deployment \
             circuit breaker."
        )));
    };
    let state = deployment["rolloutState"].as_str();
    if state == Some("FAILED") {
        let reason = deployment["rolloutStateReason"].as_str().unwrap_or("unknown reason");
        return Err(StandInError::action(format!("Deployment {id} FAILED: {reason}")));
    }
    toolkit::info(&format!("Deployment {id} verified: rolloutState={}", state.unwrap_or("N/A")));
    Ok(())
}

fn deployment<'a>(service: &'a Value, id: &str) -> Option<&'a Value> {
    service["deployments"].as_array()?.iter().find(|deployment| deployment["id"] == json!(id))
}

/// Source: the AWS rules §0.4: before v2.6.2 a rollback ends in a stable service and a green step. It is said here.
fn warn_of_rollback(version: Version, settings: &Settings, service: &Value, id: &str, arn: &str) {
    let found = deployment(service, id);
    let failed = found.is_none_or(|it| it["rolloutState"] == json!("FAILED"));
    let runs = service["taskDefinition"].as_str().unwrap_or_default();
    if !failed && runs == arn {
        return;
    }
    let message = format!(
        "the deployment {id} of service {} was rolled back: it runs {runs}, not {arn}. This step is green all the same, \
         here as on GitHub: v{} of the action takes any stable service for a success. From v2.6.2 on it fails; use \
         `{ACTION}@v2`.",
        settings.service, version.major
    );
    toolkit::warning_at(
        &message,
        &Annotation { title: Some("The deployment was rolled back"), ..Annotation::default() },
    );
}

#[cfg(test)]
mod tests;
