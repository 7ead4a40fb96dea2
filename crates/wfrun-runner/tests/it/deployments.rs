//! The whole way: an image is pushed, deployed, reached through a load balancer; a broken one is rolled back.
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wfrun_engine::FactKind;

use crate::account::{World, get};
use crate::engine::Docker;

const FILE: &str = "
ecr: { repositories: [news-api] }
elbv2: { load_balancers: [{ name: alb, target_group: tg }] }
";

/// The text of an element of an answer in XML.
#[track_caller]
fn element(xml: &str, name: &str) -> String {
    let found = xml.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once('<'));
    found.unwrap_or_else(|| panic!("no {name}: {xml}")).0.to_owned()
}

async fn password(world: &World) -> String {
    let answer = world.ok("ecr", "GetAuthorizationToken", &json!({})).await;
    let token = answer["authorizationData"][0]["authorizationToken"].as_str().expect("a token");
    let pair = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, token).expect("base64");
    String::from_utf8(pair).expect("text").trim_start_matches("AWS:").to_owned()
}

fn container(image: &str, environment: &[(&str, &str)]) -> Value {
    let environment: Vec<Value> =
        environment.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!([{
        "name": "api", "image": image, "command": ["serve", "8000"], "stopTimeout": 2, "environment": environment,
        "portMappings": [{ "containerPort": 8000 }],
        "healthCheck": { "command": ["CMD", "/task", "check", "8000"] },
    }])
}

/// The first warnings that come, which is a moment behind what they are about.
async fn told(world: &mut World) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let told = world.warnings();
        if !told.is_empty() {
            return told;
        }
        assert!(Instant::now() < deadline, "nothing was told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn settled(world: &World, what: &str) -> Value {
    let ask = async |world: &World| {
        let service = world.service().await;
        let deployments = service["deployments"].as_array().map_or(0, Vec::len);
        if deployments == 1 && service["deployments"][0]["rolloutState"] == "COMPLETED" {
            Ok(service)
        } else {
            Err(service)
        }
    };
    world.until(what, ask).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_image_is_reached_and_a_broken_one_is_rolled_back() {
    let Some(mut docker) = Docker::find() else { return };
    let local = docker.build("deploy");
    let mut world = World::open("deploy", FILE).await;
    let image = format!("{}/news-api:one", world.host());
    docker.push(&local, &image, &password(&world).await);
    let groups = world.query("Action=DescribeTargetGroups").await;
    let group = element(&groups, "TargetGroupArn");
    let address = element(&world.query("Action=DescribeLoadBalancers").await, "DNSName");

    world.register(container(&image, &[("DATABASE_URL", "x"), ("VERSION", "one")])).await;
    let input = json!({
        "cluster": "c", "serviceName": "s", "taskDefinition": "api", "desiredCount": 1,
        "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } },
        "loadBalancers": [{ "targetGroupArn": group, "containerName": "api", "containerPort": 8000 }],
    });
    world.ok("ecs", "CreateService", &input).await;
    settled(&world, "the first deployment").await;
    assert_eq!(get(&address).await.expect("it answers"), "one");

    world.register(container(&image, &[("DATABASE_URL", "x"), ("VERSION", "two")])).await;
    let update = json!({ "cluster": "c", "service": "s", "taskDefinition": "api" });
    world.ok("ecs", "UpdateService", &update).await;
    let second = settled(&world, "the second deployment").await;
    assert_eq!(get(&address).await.expect("it answers"), "two");
    let told = second["events"].to_string();
    for part in ["registered 1 targets in", "deregistered 1 targets in", "has begun draining connections on 1 tasks."] {
        assert!(told.contains(part), "{part}: {told}");
    }

    // A variable is missing: each task ends at once.
    world.register(container(&image, &[("VERSION", "three")])).await;
    world.ok("ecs", "UpdateService", &update).await;
    let failed = async |world: &World| world.aws.account.service("c", "s").and_then(|it| it.failed).ok_or(Value::Null);
    let failed = world.until("failed", failed).await;
    assert_eq!((failed.reason.as_str(), failed.exit_code), ("Essential container in task exited", Some(1)));
    let back = settled(&world, "rolled back").await;
    assert_eq!(back["taskDefinition"], second["taskDefinition"]);
    assert_eq!(get(&address).await.expect("it answers"), "two");
    let mut notices = Vec::new();
    for _ in 0..600 {
        notices.extend(world.notices());
        tokio::time::sleep(Duration::from_millis(100)).await;
        if notices.iter().any(|it| it.contains(&failed.id)) {
            break;
        }
    }
    let said = notices.iter().find(|it| it.contains(&failed.id)).expect("it is told");
    assert!(said.ends_with("Essential container in task exited (exit code 1)\n  | KeyError: 'DATABASE_URL'"), "{said}");

    let run_id = world.run_id.clone();
    world.aws.stop().await;
    assert_eq!(docker.containers(&run_id), [""; 0]);
}

/// Nothing is really started, so that there are no last lines to wait for; the run may be over soon.
#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_deployment_that_fails_is_told_at_once() {
    let mut world = World::simulated("ecs: { faults: { broken: crash } }").await;
    world.register(container("nginx:broken", &[])).await;
    let input = json!({
        "cluster": "c", "serviceName": "s", "taskDefinition": "api", "desiredCount": 1,
        "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } },
    });
    world.ok("ecs", "CreateService", &input).await;
    let failed = async |world: &World| world.aws.account.service("c", "s").and_then(|it| it.failed).ok_or(Value::Null);
    world.until("failed", failed).await;
    let told = told(&mut world).await;
    assert!(told.iter().any(|it| it.ends_with("Essential container in task exited (exit code 1)")), "{told:?}");
    world.aws.stop().await;
}

/// The container listens on another port than the one that is published, and ignores SIGTERM: as the first process of its container it
/// has no handler. What it has printed is told before it ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_port_is_told_at_once_also_where_the_task_takes_long_to_stop() {
    let Some(mut docker) = Docker::find() else { return };
    let image = docker.build("port");
    let mut world = World::open("port", FILE).await;
    let group = element(&world.query("Action=DescribeTargetGroups").await, "TargetGroupArn");
    let mut containers = container(&image, &[("DATABASE_URL", "x")]);
    containers[0]["command"] = json!(["serve", "8001"]);
    containers[0]["healthCheck"] = Value::Null;
    containers[0]["stopTimeout"] = json!(100);
    world.register(containers).await;
    let input = json!({
        "cluster": "c", "serviceName": "s", "taskDefinition": "api", "desiredCount": 1,
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": { "enable": true, "rollback": true, "thresholdConfiguration": { "type": "COUNT", "value": 1 } },
        },
        "loadBalancers": [{ "targetGroupArn": group, "containerName": "api", "containerPort": 8000 }],
    });
    world.ok("ecs", "CreateService", &input).await;
    let failed = async |world: &World| world.aws.account.service("c", "s").and_then(|it| it.failed).ok_or(Value::Null);
    let failed = world.until("failed", failed).await;
    assert_eq!(failed.reason, format!("Task failed ELB health checks in (target-group {group})"));
    let told = told(&mut world).await;
    assert!(world.aws.account.failed_services()[0].is_ending, "the task still has its time");
    let end = format!("Task failed ELB health checks in (target-group {group})\n  | listening on 8001");
    assert!(told.len() == 1 && told[0].ends_with(&end), "{told:?}");
    world.aws.stop().await;
}

/// An end tells what has failed since anybody looked.
#[tokio::test]
async fn a_deployment_that_fails_last_is_told_before_the_end() {
    let world = World::simulated("ecs: { faults: { broken: crash } }").await;
    world.register(container("nginx:broken", &[])).await;
    let input = json!({
        "cluster": "c", "serviceName": "s", "taskDefinition": "api", "desiredCount": 1,
        "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } },
    });
    world.ok("ecs", "CreateService", &input).await;
    // Nothing else runs on this thread between the failure and the end.
    while world.aws.account.service("c", "s").and_then(|it| it.failed).is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut told = world.stop().await;
    let told = std::iter::from_fn(|| told.try_recv().ok()).filter(|it| matches!(it, FactKind::Warned(_)));
    assert_eq!(told.count(), 1);
}
