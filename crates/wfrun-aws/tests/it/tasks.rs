//! Tasks without a service, and tasks that somebody stops.

use serde_json::{Value, json};

use wfrun_aws::Clock;

use crate::support::World;

const CLUSTER: &str = "news-api-cluster";

fn network() -> Value {
    json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } })
}

async fn run(world: &World, more: &Value) -> Vec<Value> {
    let mut input = json!({ "cluster": CLUSTER, "taskDefinition": "news-api-task", "networkConfiguration": network() });
    for (member, value) in more.as_object().into_iter().flatten() {
        input[member] = value.clone();
    }
    world.ok("ecs", "RunTask", &input).await["tasks"].as_array().expect("a list").clone()
}

async fn describe(world: &World, task: &Value) -> Value {
    let input = json!({ "cluster": CLUSTER, "tasks": [task["taskArn"]] });
    world.ok("ecs", "DescribeTasks", &input).await["tasks"][0].clone()
}

async fn list(world: &World, filters: &Value) -> usize {
    let mut input = json!({ "cluster": CLUSTER });
    for (member, value) in filters.as_object().into_iter().flatten() {
        input[member] = value.clone();
    }
    world.ok("ecs", "ListTasks", &input).await["taskArns"].as_array().expect("a list").len()
}

#[tokio::test]
async fn a_task_on_its_own_runs_and_ends() {
    let (world, _folder) = World::new().await;
    let overrides = json!({ "containerOverrides": [{ "name": "news-api", "command": ["migrate"] }] });
    let more = json!({ "count": 2, "startedBy": "me", "overrides": overrides, "tags": [{ "key": "a", "value": "b" }] });
    let tasks = run(&world, &more).await;
    assert_eq!(tasks.len(), 2);
    let task = &tasks[0];
    assert_eq!(
        (&task["lastStatus"], &task["group"], &task["startedBy"]),
        (&json!("PENDING"), &json!("family:news-api-task"), &json!("me"))
    );
    assert_eq!(task["overrides"]["containerOverrides"], overrides["containerOverrides"]);
    world.until("RUNNING", async |world| describe(world, task).await["lastStatus"] == "RUNNING").await;
    for (filters, want) in [
        (json!({}), 3),
        (json!({ "startedBy": "me" }), 2),
        (json!({ "serviceName": "news-api-service" }), 1),
        (json!({ "family": "news-api-task" }), 3),
        (json!({ "family": "other" }), 0),
        (json!({ "launchType": "FARGATE" }), 3),
        (json!({ "launchType": "EC2" }), 0),
        (json!({ "desiredStatus": "STOPPED" }), 0),
        (json!({ "containerInstance": "x" }), 0),
    ] {
        assert_eq!(list(&world, &filters).await, want, "{filters}");
    }
    let first = world.ok("ecs", "ListTasks", &json!({ "cluster": CLUSTER, "maxResults": 2 })).await;
    let input = json!({ "cluster": CLUSTER, "nextToken": first["nextToken"] });
    assert_eq!(world.ok("ecs", "ListTasks", &input).await["taskArns"].as_array().unwrap().len(), 1);
    world.until("STOPPED", async |world| describe(world, task).await["lastStatus"] == "STOPPED").await;
    let ended = describe(&world, task).await;
    assert_eq!(
        (&ended["stopCode"], &ended["containers"][0]["exitCode"]),
        (&json!("EssentialContainerExited"), &json!(0))
    );
    assert_eq!(list(&world, &json!({ "startedBy": "me", "desiredStatus": "STOPPED" })).await, 2);
    // Source: the AWS rules 2.6 and 4.9.
    let id = task["taskArn"].as_str().and_then(|arn| arn.rsplit('/').next()).expect("an ARN");
    let container = ended["containers"][0]["containerArn"].as_str().expect("an ARN");
    let start = format!("arn:aws:ecs:us-east-1:123456789012:container/{CLUSTER}/{id}/");
    let last = container.strip_prefix(&start).expect("of its task");
    assert_eq!(last.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{container}");
    let at = |member: &str| ended[member].as_f64().unwrap_or_else(|| panic!("{member}: {ended}"));
    let life = ["createdAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppedAt"].map(at);
    assert!(life.is_sorted(), "{life:?}");
}

/// Who names FARGATE, as the deploy action does of itself, gets it of definitions that are made for it.
#[tokio::test]
async fn tasks_on_their_own_run_where_they_are_asked_to() {
    let (world, _folder) = World::new().await;
    let container = json!({ "name": "app", "image": "nginx", "memory": 64 });
    world.ok("ecs", "RegisterTaskDefinition", &json!({ "family": "ec2", "containerDefinitions": [container] })).await;
    let item = |provider: &str, base: u32, weight: u32| json!({ "capacityProvider": provider, "base": base, "weight": weight });
    let strategy = |items: &[Value]| json!({ "capacityProviderStrategy": items });
    let cases = [
        (json!({}), json!("FARGATE"), Value::Null),
        (json!({ "launchType": "EC2" }), json!("EC2"), Value::Null),
        (strategy(&[item("FARGATE", 0, 1), item("FARGATE_SPOT", 0, 3)]), json!("FARGATE"), json!("FARGATE_SPOT")),
        (strategy(&[item("mine", 1, 0), item("FARGATE_SPOT", 0, 3)]), json!("EC2"), json!("mine")),
    ];
    for (more, launch_type, provider) in cases {
        let task = describe(&world, &run(&world, &more).await[0]).await;
        assert_eq!((&task["launchType"], &task["capacityProviderName"]), (&launch_type, &provider), "{more}");
    }
    let mut input = json!({ "cluster": CLUSTER, "taskDefinition": "ec2", "launchType": "FARGATE" });
    let refused = world.refused("ecs", "RunTask", &input).await;
    assert_eq!(refused.1, "Task definition does not support launch_type FARGATE.");
    input["capacityProviderStrategy"] = json!([item("FARGATE", 0, 1)]);
    let refused = world.refused("ecs", "RunTask", &input).await;
    assert!(refused.1.starts_with("Specifying both a launch type and capacity provider strategy"), "{}", refused.1);
    input = json!({ "cluster": CLUSTER, "taskDefinition": "ec2" });
    world.ok("ecs", "RunTask", &input).await;
}

#[tokio::test]
async fn tasks_on_their_own_are_tagged() {
    let (world, _folder) = World::new().await;
    let tag = |key: &str, value: &str| json!({ "key": key, "value": value });
    let definition = json!({
        "family": "tagged", "containerDefinitions": [{ "name": "app", "image": "nginx", "memory": 64 }],
        "tags": [tag("a", "definition"), tag("b", "definition")],
    });
    world.ok("ecs", "RegisterTaskDefinition", &definition).await;
    let cases = [
        (json!({}), vec![]),
        (json!({ "tags": [tag("a", "run")] }), vec![tag("a", "run")]),
        (json!({ "propagateTags": "TASK_DEFINITION" }), vec![tag("a", "definition"), tag("b", "definition")]),
        (
            json!({ "propagateTags": "TASK_DEFINITION", "tags": [tag("a", "run")], "enableECSManagedTags": true }),
            vec![tag("a", "run"), tag("b", "definition"), tag("aws:ecs:clusterName", CLUSTER)],
        ),
    ];
    for (mut more, want) in cases {
        more["taskDefinition"] = json!("tagged");
        let task = run(&world, &more).await[0].clone();
        let input = json!({ "cluster": CLUSTER, "tasks": [task["taskArn"]], "include": ["TAGS"] });
        let described = world.ok("ecs", "DescribeTasks", &input).await;
        assert_eq!(described["tasks"][0]["tags"], json!(want), "{more}");
        let listed = world.ok("ecs", "ListTagsForResource", &json!({ "resourceArn": task["taskArn"] })).await;
        assert_eq!(listed["tags"], json!(want), "{more}");
    }
}

#[tokio::test]
async fn tasks_are_stopped_and_those_of_services_replaced() {
    let (world, _folder) = World::new().await;
    let task = run(&world, &json!({})).await.remove(0);
    let input = json!({ "cluster": CLUSTER, "task": task["taskArn"], "reason": "enough" });
    let stopping = world.ok("ecs", "StopTask", &input).await["task"].clone();
    assert_eq!((&stopping["desiredStatus"], &stopping["stopCode"]), (&json!("STOPPED"), &json!("UserInitiated")));
    world.until("STOPPED", async |world| describe(world, &task).await["lastStatus"] == "STOPPED").await;
    assert_eq!(describe(&world, &task).await["stoppedReason"], "enough");

    let input = json!({ "cluster": CLUSTER, "serviceName": "news-api-service" });
    let arns = world.ok("ecs", "ListTasks", &input).await["taskArns"].clone();
    world.ok("ecs", "StopTask", &json!({ "cluster": CLUSTER, "task": arns[0] })).await;
    let replaced = async |world: &World| {
        let now = world.ok("ecs", "ListTasks", &input).await["taskArns"].clone();
        now != json!([]) && now[0] != arns[0]
    };
    world.until("the replacement", replaced).await;
    let input = json!({ "cluster": CLUSTER, "services": ["news-api-service"] });
    let service = world.ok("ecs", "DescribeServices", &input).await["services"][0].clone();
    assert_eq!(service["deployments"][0]["failedTasks"], 0);
}

/// Its tasks have the launch type of their service, whatever the definition says.
#[tokio::test]
async fn tasks_of_a_service_are_listed_by_its_launch_type() {
    let (world, _folder) = World::new().await;
    let container = json!({ "name": "app", "image": "nginx", "memory": 64 });
    world.ok("ecs", "RegisterTaskDefinition", &json!({ "family": "app", "containerDefinitions": [container] })).await;
    let input = json!({
        "cluster": CLUSTER, "serviceName": "s", "taskDefinition": "app", "desiredCount": 1, "launchType": "FARGATE",
    });
    world.ok("ecs", "CreateService", &input).await;
    world.until("a task", async |world| list(world, &json!({ "serviceName": "s" })).await == 1).await;
    for (launch_type, want) in [("FARGATE", 1), ("EC2", 0)] {
        let filters = json!({ "serviceName": "s", "launchType": launch_type });
        assert_eq!(list(&world, &filters).await, want, "{launch_type}");
    }
}

/// A stopped task can be described for an hour, and is not in the state for ever.
#[tokio::test]
async fn stopped_tasks_are_forgotten() {
    const HOUR_MS: u64 = 3_600_000;
    let folder = tempfile::tempdir().expect("a folder for the test");
    let begin_ms = 1_800_000_000_000;
    let open = |now_ms: u64| World::open(folder.path(), "", Clock::from_fn(move || now_ms));
    let stopped = json!({ "desiredStatus": "STOPPED" });
    let world = open(begin_ms).await;
    let task = run(&world, &json!({})).await.remove(0);
    world.ok("ecs", "StopTask", &json!({ "cluster": CLUSTER, "task": task["taskArn"] })).await;
    world.until("STOPPED", async |world| describe(world, &task).await["lastStatus"] == "STOPPED").await;
    world.endpoint.stop().await;
    drop(world.account);
    for (now_ms, want) in [(begin_ms + HOUR_MS - 1, 1), (begin_ms + HOUR_MS, 0)] {
        let world = open(now_ms).await;
        assert_eq!(list(&world, &stopped).await, want, "{now_ms}");
        world.endpoint.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_run() {
    let (world, _folder) = World::new().await;
    let full = json!({ "cluster": CLUSTER, "taskDefinition": "news-api-task", "networkConfiguration": network() });
    for (member, value, code, message) in [
        ("cluster", json!("nope"), "ClusterNotFoundException", "Cluster not found."),
        ("taskDefinition", json!("nope"), "ClientException", "TaskDefinition not found."),
        ("count", json!(11), "InvalidParameterException", "between 1 and 10"),
        ("networkConfiguration", Value::Null, "InvalidParameterException", "Network Configuration must be provided"),
        (
            "overrides",
            json!({ "containerOverrides": [{ "name": "x" }] }),
            "InvalidParameterException",
            "Override for container named x is not a container in the TaskDefinition.",
        ),
    ] {
        let mut input = full.clone();
        input[member] = value;
        let found = world.refused("ecs", "RunTask", &input).await;
        assert_eq!(found.0, code, "{member}: {}", found.1);
        assert!(found.1.contains(message), "{member}: {}", found.1);
    }
    let unknown = json!({ "cluster": CLUSTER, "task": "nope", "command": "sh", "interactive": true });
    assert_eq!(world.refused("ecs", "StopTask", &unknown).await.1, "The referenced task was not found.");
    assert_eq!(world.refused("ecs", "ExecuteCommand", &unknown).await.1, "The referenced task was not found.");
    let task = run(&world, &json!({})).await.remove(0);
    let input = json!({ "cluster": CLUSTER, "task": task["taskArn"], "command": "sh", "interactive": true });
    let refused = world.refused("ecs", "ExecuteCommand", &input).await;
    assert!(refused.1.starts_with("wfrun: ecs:ExecuteCommand is not emulated"), "{}", refused.1);
}

#[tokio::test]
async fn a_waiter_is_held_until_tasks_run_and_then_until_they_end() {
    let (world, _folder) = World::new().await;
    let task = run(&world, &json!({})).await.remove(0);
    let authorization = world.authorization("ecs");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeTasks"),
        ("User-Agent", "aws-cli/1.46 m/B,N"),
    ];
    let body = json!({ "cluster": CLUSTER, "tasks": [task["taskArn"]] }).to_string();
    for want in ["RUNNING", "STOPPED"] {
        let answer = world.send("POST", "/", &headers, body.as_bytes()).await.json();
        assert_eq!(answer["tasks"][0]["lastStatus"], want);
    }
}
