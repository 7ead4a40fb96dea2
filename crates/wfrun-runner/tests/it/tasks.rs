//! Tasks as containers, one at a time.
use serde_json::{Value, json};

use crate::account::{World, get};
use crate::engine::Docker;

fn serving(image: &str) -> Value {
    json!({
        "name": "api", "image": image, "command": ["serve", "8000"], "stopTimeout": 2,
        "portMappings": [{ "containerPort": 8000 }],
        "environment": [{ "name": "VERSION", "value": "one" }],
        "secrets": [{ "name": "DATABASE_URL", "valueFrom": "/app/url" }],
        "dockerLabels": { "team": "blue" },
        "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/api", "awslogs-stream-prefix": "ecs" } },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_runs_is_reached_is_stopped_and_leaves_nothing() {
    let Some(mut docker) = Docker::find() else { return };
    let image = docker.build("one");
    let mut world = World::open("one", "").await;
    let mut container = serving(&image);
    container["healthCheck"] = json!({ "command": ["CMD", "/task", "check", "8000"] });
    world.register(json!([container])).await;
    let arn = world.run_task().await;
    let task = world.until_status(&arn, "RUNNING").await;
    let port = task["containers"][0]["networkBindings"][0]["hostPort"].as_u64().expect("a port");
    let answers = async |_: &World| {
        let said = get(&format!("127.0.0.1:{port}")).await.unwrap_or_default();
        if said == "one" { Ok(()) } else { Err(json!(said)) }
    };
    world.until("reached", answers).await;
    let healthy = async |world: &World| {
        let task = world.task(&arn).await;
        if task["healthStatus"] == "HEALTHY" { Ok(()) } else { Err(task) }
    };
    world.until("healthy", healthy).await;
    let names = docker.containers(&world.run_id);
    assert_eq!(names.len(), 1, "{names:?}");
    let hosts = docker.ok(&["inspect", "--format", "{{.HostConfig.ExtraHosts}}", &names[0]]);
    assert!(hosts.contains("sts.us-east-1.amazonaws.com:0.0.0.0"), "AWS's names lead nowhere: {hosts}");
    let format = r#"{{index .Config.Labels "team"}} {{index .Config.Labels "com.amazonaws.ecs.task-arn"}} {{.Config.Healthcheck.Test}}"#;
    let inspected = docker.ok(&["inspect", "--format", format, &names[0]]);
    assert_eq!(inspected.trim(), format!("blue {} [NONE]", arn.as_str().expect("a text")));
    let id = arn.as_str().and_then(|it| it.rsplit('/').next()).expect("an id");
    let lines = world.aws.account.last_log_lines("us-east-1", "/ecs/api", &format!("ecs/api/{id}"), 20);
    assert_eq!(lines, ["listening on 8000"]);
    assert!(world.notices().iter().any(|it| it.contains("created log group `/ecs/api`")));
    world.ok("ecs", "StopTask", &json!({ "cluster": "c", "task": arn })).await;
    let stopped = world.until_status(&arn, "STOPPED").await;
    assert_eq!(
        (&stopped["stopCode"], &stopped["containers"][0]["exitCode"]),
        (&json!("UserInitiated"), &json!(137)),
        "{stopped:#}"
    );
    assert_eq!(docker.containers(&world.run_id), [""; 0]);
    world.aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_said_as_ecs_says_it() {
    let Some(mut docker) = Docker::find() else { return };
    let image = docker.build("wrong");
    let world = World::open("wrong", "").await;
    let cases = [
        (json!({ "command": ["fail"] }), "Essential container in task exited", Some(3)),
        (json!({ "entryPoint": ["/none"] }), "CannotStartContainerError: Error response from daemon: ", None),
        (
            json!({ "secrets": [{ "name": "X", "valueFrom": "/none" }] }),
            "ResourceInitializationError: unable to pull secrets or registry auth: ",
            None,
        ),
        (
            json!({ "image": "127.0.0.1:1/none:1" }),
            "CannotPullContainerError: pull image manifest has been retried",
            None,
        ),
    ];
    for (members, reason, exit_code) in cases {
        let mut container = json!({ "name": "api", "image": image });
        let (all, more) = (container.as_object_mut().expect("a map"), members.as_object().expect("a map"));
        all.extend(more.clone());
        world.register(json!([container])).await;
        let arn = world.run_task().await;
        let task = world.until_status(&arn, "STOPPED").await;
        let said = task["stoppedReason"].as_str().expect("a reason");
        assert!(said.starts_with(reason), "{said}");
        assert_eq!(task["containers"][0]["exitCode"].as_i64(), exit_code, "{task:#}");
    }
    assert_eq!(docker.containers(&world.run_id), [""; 0]);
    world.aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_containers_share_a_network_and_a_volume_and_start_in_order() {
    let Some(mut docker) = Docker::find() else { return };
    let image = docker.build("several");
    let world = World::open("several", "").await;
    let depends = |on: &str, condition: &str| json!([{ "containerName": on, "condition": condition }]);
    // Listed last, started first: the check of `web` reaches `api` on the network that they share.
    let mut api = serving(&image);
    api["dependsOn"] = depends("migrate", "SUCCESS");
    api["healthCheck"] = json!({ "command": ["CMD", "/task", "check", "8000"] });
    let web = json!({
        "name": "web", "image": image, "command": ["serve", "9000"], "environment": [{ "name": "DATABASE_URL", "value": "x" }],
        "dependsOn": depends("api", "HEALTHY"), "stopTimeout": 2, "portMappings": [{ "containerPort": 9000 }],
        "healthCheck": { "command": ["CMD", "/task", "check", "8000"] },
    });
    let migrate = json!({
        "name": "migrate", "image": image, "command": ["say", "migrated"], "essential": false,
        "mountPoints": [{ "sourceVolume": "data", "containerPath": "/data" }],
    });
    let input = json!({
        "family": "api", "memory": "128", "containerDefinitions": [web, api, migrate], "volumes": [{ "name": "data" }],
    });
    world.ok("ecs", "RegisterTaskDefinition", &input).await;
    let arn = world.run_task().await;
    let healthy = async |world: &World| {
        let task = world.task(&arn).await;
        if task["healthStatus"] == "HEALTHY" { Ok(task) } else { Err(task) }
    };
    world.until("healthy", healthy).await;
    let names = docker.containers(&world.run_id);
    assert_eq!(names.len(), 4, "three, and one that holds the network: {names:?}");
    assert_eq!(docker.volumes(&world.run_id).len(), 1);
    // Whoever ends the run waits for none of them.
    let run_id = world.run_id.clone();
    world.aws.stop().await;
    assert_eq!((docker.containers(&run_id), docker.volumes(&run_id)), (Vec::new(), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_fails_its_checks_is_unhealthy() {
    let Some(mut docker) = Docker::find() else { return };
    let image = docker.build("sick");
    let world = World::open("sick", "").await;
    let mut container = serving(&image);
    // It listens elsewhere.
    container["healthCheck"] = json!({ "command": ["CMD", "/task", "check", "8001"], "interval": 5, "retries": 1 });
    world.register(json!([container])).await;
    let input = json!({
        "cluster": "c", "serviceName": "s", "taskDefinition": "api", "desiredCount": 1,
        "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } },
    });
    world.ok("ecs", "CreateService", &input).await;
    let failed = async |world: &World| {
        let service = world.service().await;
        if service["deployments"][0]["rolloutState"] == "FAILED" { Ok(service) } else { Err(service) }
    };
    let service = world.until("given up", failed).await;
    let told = service["events"].to_string();
    assert!(told.contains("failed container health checks."), "{told}");
    let view = world.aws.account.service("c", "s").and_then(|view| view.failed).expect("it failed");
    assert_eq!(view.reason, "Task failed container health checks");
    world
        .until("its lines", async |world| {
            let lines = world
                .aws
                .account
                .service("c", "s")
                .and_then(|it| it.failed)
                .map(|it| it.last_lines)
                .unwrap_or_default();
            let wanted = ["listening on 8000", "the health check ended with exit code 1 and printed nothing"];
            if lines == wanted { Ok(()) } else { Err(json!(lines)) }
        })
        .await;
    world.aws.stop().await;
}
