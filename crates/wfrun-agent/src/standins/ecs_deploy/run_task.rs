//! Running a task outside the service, as a migration does: start it, wait until it has stopped, look at its exit codes.

use serde_json::{Value, json};

use super::waiter::{self, Clock, Waited};
use super::{Settings, has_since, not_stable};
use crate::standins::aws_client::{AwsClient, AwsError, ECS};
use crate::standins::error::StandInError;
use crate::standins::toolkit;
use crate::standins::version::Version;

/// Runs the task and, where it is asked to, waits for its end. `definition` is the ARN that was registered.
///
/// Source: `aws-actions/amazon-ecs-deploy-task-definition`, `index.js`, `runTask`, of v2.0.0 to v2.6.3.
pub(super) fn run(
    client: &AwsClient,
    version: Version,
    settings: &Settings,
    definition: &str,
    clock: &mut impl Clock,
) -> Result<(), StandInError> {
    toolkit::debug("Running ad-hoc task...");
    toolkit::info("Running task");
    let answer = client.json(ECS, "RunTask", &request(version, settings, definition)?)?;
    toolkit::debug(&format!("Run task response {answer}"));
    let arns: Vec<&Value> = answer["tasks"].as_array().into_iter().flatten().map(|task| &task["taskArn"]).collect();
    toolkit::set_output("run-task-arn", &json!(arns).to_string())?;
    let (host, region) = (super::console(client.region()), client.region());
    toolkit::info(&format!(
        "Task running: https://{host}/ecs/home?region={region}#/clusters/{}/tasks",
        settings.cluster
    ));
    super::check_failures(&answer)?;
    if !toolkit::loose_boolean_input("wait-for-task-stopped") {
        toolkit::debug("Not waiting for the task to stop");
        return Ok(());
    }
    let described = json!({ "cluster": settings.cluster, "tasks": arns });
    wait(client, version, settings, &described, clock)?;
    check_exit_codes(&client.json(ECS, "DescribeTasks", &described)?)
}

fn request(version: Version, settings: &Settings, definition: &str) -> Result<Value, StandInError> {
    let text = |name: &str, default: &str| {
        Some(toolkit::input(name)).filter(|it| !it.is_empty()).unwrap_or(default.to_owned())
    };
    let mut request = json!({
        "startedBy": text("run-task-started-by", "GitHub-Actions"),
        "cluster": settings.cluster,
        "taskDefinition": definition,
        "overrides": { "containerOverrides": list("run-task-container-overrides")? },
    });
    let strategy = if has_since(version, 2) { list("run-task-capacity-provider-strategy")? } else { json!([]) };
    if strategy == json!([]) {
        request["launchType"] = json!(text("run-task-launch-type", "FARGATE"));
    } else {
        request["capacityProviderStrategy"] = strategy;
    }
    if let Some(network) = network(version, &text("run-task-assign-public-IP", "DISABLED")) {
        request["networkConfiguration"] = json!({ "awsvpcConfiguration": network });
    }
    if has_since(version, 1) {
        if let Some(managed) = super::managed_tags() {
            request["enableECSManagedTags"] = json!(managed);
        }
        request["tags"] = list("run-task-tags")?;
    }
    if has_since(version, 3) {
        request["volumeConfigurations"] = json!([]);
    }
    Ok(request)
}

/// v2.0.0 gave the public address also where there was nothing to go with it.
fn network(version: Version, public_address: &str) -> Option<Value> {
    let mut network = json!({});
    for (input, member) in [("run-task-subnets", "subnets"), ("run-task-security-groups", "securityGroups")] {
        let ids = toolkit::input(input);
        if !ids.is_empty() {
            network[member] = ids.split(',').collect();
        }
    }
    if network == json!({}) && has_since(version, 1) {
        return None;
    }
    network["assignPublicIp"] = json!(public_address);
    Some(network)
}

/// An input that holds JSON; `[]` where it is empty.
///
/// Differs: where a JSON input of `aws-actions/amazon-ecs-deploy-task-definition` cannot be read, the stand-in says which; the action says V8's message alone.
fn list(name: &str) -> Result<Value, StandInError> {
    let text = toolkit::input(name);
    if text.is_empty() {
        return Ok(json!([]));
    }
    serde_json::from_str(&text).map_err(|error| StandInError::action(format!("`{name}` is not valid JSON: {error}")))
}

/// Differs: where `DescribeTasks` is refused while `run-task` is waited for, the step fails at once; the action asks on until its time is up.
fn wait(
    client: &AwsClient,
    version: Version,
    settings: &Settings,
    described: &Value,
    clock: &mut impl Clock,
) -> Result<(), StandInError> {
    let minutes = settings.wait_minutes;
    toolkit::info(&format!("Waiting for tasks to stop. Will wait for {minutes} minutes"));
    let ask = || -> Result<Value, AwsError> { client.json(ECS, "DescribeTasks", described) };
    match waiter::wait(minutes * 60, waiter::tasks_stopped, clock, ask)? {
        Waited::Yes(answer) => toolkit::debug(&format!("Run task response {answer}")),
        Waited::Never(answer) => return Err(not_stable(version, "FAILURE", &answer)),
        Waited::NotInTime => return Err(not_stable(version, "TIMEOUT", &json!("Waiter has timed out"))),
    }
    toolkit::info("All tasks have stopped.");
    Ok(())
}

/// A container that did not end with 0, or did not begin, fails the step. The action says its reason alone, which is `null` where it
/// ended by itself: the notice has the exit code.
fn check_exit_codes(answer: &Value) -> Result<(), StandInError> {
    let tasks = answer["tasks"].as_array().into_iter().flatten();
    let containers = tasks.flat_map(|task| task["containers"].as_array().into_iter().flatten());
    let failed: Vec<&Value> = containers.filter(|container| container["exitCode"] != json!(0)).collect();
    for container in &failed {
        if let (Some(name), Some(code)) = (container["name"].as_str(), container["exitCode"].as_i64()) {
            toolkit::notice(&format!("container {name} of the task ended with exit code {code}"));
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let reasons: Vec<&Value> = failed.iter().map(|container| &container["reason"]).collect();
    Err(StandInError::action(format!("Run task failed: {}", json!(reasons))))
}
