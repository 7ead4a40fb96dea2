//! Stand-in for `aws-actions/amazon-ecs-deploy-task-definition`: register, run a task, update the service, wait until it is stable.

mod definition;
mod run_task;
mod waiter;

use serde_json::{Value, json};

use super::aws_client::{AwsClient, AwsError, ECS};
use super::error::StandInError;
use super::toolkit::{self, Annotation};
use super::{Invocation, Version};
use waiter::{Clock, SystemClock, Waited};

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
    let settings = Settings::from_inputs();
    let runs_task = has_since(version, 0) && toolkit::loose_boolean_input("run-task");
    refuse_volumes(version, &settings, runs_task)?;
    let client = AwsClient::from_environment(USER_AGENT).map_err(StandInError::from_sdk)?;
    let definition = definition::load(version)?;
    let arn = register(&client, version, &definition)?;
    toolkit::set_output("task-definition-arn", &arn)?;
    if runs_task {
        run_task::run(&client, version, &settings, &arn, &mut SystemClock::start())?;
    }
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
            way_out: "leave out the inputs `codedeploy-*`, so that the service is one of ECS; the AWS account on this machine has \
                      no CodeDeploy, and only `--aws off --actions real` deploys by it"
                .to_owned(),
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

/// Whether the release has what v2.`minor`.0 brought. Of the floating v2, which is v2.6.3, that is all.
fn has_since(version: Version, minor: u32) -> bool {
    version.major >= 2 && version.is_at_least(minor, 0, (6, 3))
}

/// Refuses volumes that AWS would make for a task or a service, before anything is changed.
///
/// A name without a volume is none, as for the action.
fn refuse_volumes(version: Version, settings: &Settings, runs_task: bool) -> Result<(), StandInError> {
    let asked = [("run-task", runs_task), ("service", !settings.service.is_empty())];
    for (whose, _) in asked.into_iter().filter(|(_, asked)| *asked && has_since(version, 3)) {
        let (volume, name) = (format!("{whose}-managed-ebs-volume"), format!("{whose}-managed-ebs-volume-name"));
        if toolkit::input(&name).is_empty() {
            continue;
        }
        if !matches!(toolkit::input(&volume).as_str(), "" | "{}") {
            return Err(StandInError::NotSupported {
                action: ACTION,
                what: format!("a managed volume (`{volume}`)"),
                way_out: "leave out the input: no AWS account on this machine has volumes".to_owned(),
            });
        }
        let operation = if whose == "service" { "UpdateService" } else { "RunTask" };
        toolkit::warning(&format!(
            "{name} provided without {volume} value. VolumeConfigurations property will not be included in the {operation} API call"
        ));
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
    check_failures(&answer)?;
    let service = answer["services"][0].take();
    match service["status"].as_str() {
        Some("ACTIVE") => Ok(service),
        status => Err(StandInError::action(format!("Service is {}", status.unwrap_or("undefined")))),
    }
}

/// What an answer lists among its failures, the first of them.
fn check_failures(answer: &Value) -> Result<(), StandInError> {
    let Some(failure) = answer["failures"].as_array().and_then(|failures| failures.first()) else { return Ok(()) };
    let text = |member: &str| failure[member].as_str().unwrap_or("undefined").to_owned();
    Err(StandInError::action(format!("{} is {}", text("arn"), text("reason"))))
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
    let stable = waiter::wait(minutes * 60, waiter::services_stable, clock, || describe_services(client, settings))?;
    let stable = match stable {
        Waited::Yes(answer) => answer,
        Waited::Never(answer) => return Err(not_stable(version, "FAILURE", &answer)),
        Waited::NotInTime => return Err(not_stable(version, "TIMEOUT", &json!("Waiter has timed out"))),
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
        if let Some(managed) = managed_tags() {
            request["enableECSManagedTags"] = json!(managed);
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

/// `None` where the input is empty.
fn managed_tags() -> Option<bool> {
    let tags = toolkit::input("enable-ecs-managed-tags");
    (!tags.is_empty()).then(|| tags.eq_ignore_ascii_case("true"))
}

/// The console's host for a region.
fn console(region: &str) -> &'static str {
    if region.starts_with("cn") { "console.amazonaws.cn" } else { "console.aws.amazon.com" }
}

fn say_started(version: Version, settings: &Settings, region: &str) {
    let host = console(region);
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
