//! Deployments over HTTP, as the deploy action and the AWS CLI see them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PATIENCE, World};

const SERVICE: &str = "news-api-service";
const CLUSTER: &str = "news-api-cluster";

/// What the pipeline does: describe, set the image, register, look, update.
async fn deploy(world: &World, image: &str) -> Value {
    let described = world.ok("ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": "news-api-task" })).await;
    let mut definition = described["taskDefinition"].clone();
    definition["containerDefinitions"][0]["image"] = json!(image);
    let registered = world.ok("ecs", "RegisterTaskDefinition", &definition).await;
    let arn = registered["taskDefinition"]["taskDefinitionArn"].clone();
    let before = describe(world).await;
    assert_eq!(before["failures"], json!([]));
    let input = json!({ "cluster": CLUSTER, "service": SERVICE, "taskDefinition": arn, "forceNewDeployment": false });
    let updated = world.ok("ecs", "UpdateService", &input).await;
    assert_eq!(updated["service"]["taskDefinition"], arn);
    updated["service"].clone()
}

async fn describe(world: &World) -> Value {
    world.ok("ecs", "DescribeServices", &json!({ "cluster": CLUSTER, "services": [SERVICE] })).await
}

#[tokio::test]
async fn a_deployment_of_a_pushed_image_is_stable_at_the_first_poll() {
    let (world, _folder) = World::new().await;
    world.push("news-api", "abc123", b"layer").await;
    let image = format!("{}/news-api:abc123", world.host());
    let updated = deploy(&world, &image).await;
    let states: Vec<_> =
        updated["deployments"].as_array().unwrap().iter().map(|one| (&one["status"], &one["rolloutState"])).collect();
    assert_eq!(states, [(&json!("PRIMARY"), &json!("IN_PROGRESS")), (&json!("ACTIVE"), &json!("COMPLETED"))]);
    let (new_id, old_id) = (&updated["deployments"][0]["id"], &updated["deployments"][1]["id"]);
    assert_eq!(
        updated["deployments"][0]["rolloutStateReason"],
        format!("ECS deployment {} in progress.", new_id.as_str().unwrap())
    );
    assert_ne!(new_id, old_id);

    let service = describe(&world).await["services"][0].clone();
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1, "the poll was held until the rollout was over");
    assert_eq!(
        (&service["deployments"][0]["id"], &service["deployments"][0]["rolloutState"]),
        (new_id, &json!("COMPLETED"))
    );
    assert_eq!(
        (&service["runningCount"], &service["desiredCount"], &service["status"]),
        (&json!(1), &json!(1), &json!("ACTIVE"))
    );
    assert!(service["events"][0]["message"].as_str().unwrap().ends_with("has reached a steady state."));

    let view = world.account.service(CLUSTER, SERVICE).unwrap();
    assert_eq!(view.images, [image]);
    assert_eq!((view.running, view.desired, view.rollout_state.as_str()), (1, 1, "COMPLETED"));
    assert!(view.assumed_images.is_empty());
    assert_eq!(view.failed, None);
    assert!(view.task_definition.ends_with(":task-definition/news-api-task:2"));

    let tasks = world.ok("ecs", "ListTasks", &json!({ "cluster": CLUSTER, "serviceName": SERVICE })).await;
    assert_eq!(tasks["taskArns"].as_array().unwrap().len(), 1);
    for (filter, count) in [("news-api-task", 1), ("other", 0)] {
        let found = world.ok("ecs", "ListTasks", &json!({ "cluster": CLUSTER, "family": filter })).await;
        assert_eq!(found["taskArns"].as_array().unwrap().len(), count, "{filter}");
    }
    let tasks = world.ok("ecs", "DescribeTasks", &json!({ "cluster": CLUSTER, "tasks": tasks["taskArns"] })).await;
    assert_eq!((&tasks["tasks"][0]["lastStatus"], &tasks["tasks"][0]["startedBy"]), (&json!("RUNNING"), new_id));
    assert!(tasks["tasks"][0]["containers"][0]["imageDigest"].as_str().unwrap().starts_with("sha256:"));
    let definitions = world.ok("ecs", "ListTaskDefinitions", &json!({ "familyPrefix": "news-api-task" })).await;
    assert_eq!(definitions["taskDefinitionArns"].as_array().unwrap().len(), 2);
    let clusters = world.ok("ecs", "DescribeClusters", &json!({ "clusters": [CLUSTER, "nope"] })).await;
    assert_eq!(
        (&clusters["clusters"][0]["activeServicesCount"], &clusters["failures"][0]["reason"]),
        (&json!(1), &json!("MISSING"))
    );
}

#[tokio::test]
async fn an_image_that_was_not_pushed_is_rolled_back() {
    let (world, _folder) = World::new().await;
    for (image, why) in [
        (format!("{}/news-api:typo", world.host()), "news-api:typo: not found"),
        (format!("{}/nope:abc", world.host()), "The repository with name 'nope' does not exist"),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/news-api:abc".to_owned(),
            "amazonaws.com/news-api:abc: not found",
        ),
    ] {
        let updated = deploy(&world, &image).await;
        let (new_id, old_id) = (updated["deployments"][0]["id"].clone(), updated["deployments"][1]["id"].clone());
        let service = describe(&world).await["services"][0].clone();
        assert_eq!(service["deployments"].as_array().unwrap().len(), 1, "{service}");
        assert_eq!(service["deployments"][0]["id"], old_id, "a rollback re-uses the old deployment");
        assert_eq!(service["taskDefinition"], updated["deployments"][1]["taskDefinition"]);
        let failed =
            world.account.service(CLUSTER, SERVICE).unwrap().failed.expect("the rollback is seen from outside");
        assert_eq!(json!([failed.id, failed.task_definition]), json!([new_id, updated["taskDefinition"]]));
        assert!(failed.reason.starts_with("CannotPullContainerError: "), "{}", failed.reason);
        let messages: Vec<_> =
            service["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect();
        let told = |text: &str| messages.iter().any(|message| message.contains(text));
        assert!(told("was unable to place a task. Reason: CannotPullContainerError: ") && told(why), "{messages:#?}");
        assert!(
            told(&format!("(deployment {}) deployment failed: tasks failed to start.", new_id.as_str().unwrap())),
            "{messages:#?}"
        );
        assert!(told(&format!("rolling back to deployment {}.", old_id.as_str().unwrap())), "{messages:#?}");
    }
    let stopped = world.ok("ecs", "ListTasks", &json!({ "cluster": CLUSTER, "desiredStatus": "STOPPED" })).await;
    let described =
        world.ok("ecs", "DescribeTasks", &json!({ "cluster": CLUSTER, "tasks": stopped["taskArns"] })).await;
    let task = &described["tasks"][0];
    assert_eq!((&task["stopCode"], &task["lastStatus"]), (&json!("TaskFailedToStart"), &json!("STOPPED")));
    assert!(task["stoppedReason"].as_str().unwrap().starts_with("CannotPullContainerError: "));
}

#[tokio::test]
async fn faults_and_other_registries() {
    let (world, _folder) = World::with_file("ecs: { faults: { broken: crash } }").await;
    world.push("news-api", "broken", b"layer").await;
    let updated = deploy(&world, &format!("{}/news-api:broken", world.host())).await;
    let service = describe(&world).await["services"][0].clone();
    assert_eq!(service["deployments"][0]["id"], updated["deployments"][1]["id"]);

    deploy(&world, "nginx:1.27").await;
    let service = describe(&world).await["services"][0].clone();
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    let view = world.account.service(CLUSTER, SERVICE).unwrap();
    assert_eq!(view.assumed_images, ["nginx:1.27"], "what was not looked at is declared");
}

#[tokio::test]
async fn what_starts_a_deployment() {
    let (world, _folder) = World::new().await;
    let update = async |member: &str, value: Value| {
        let mut input = json!({ "cluster": CLUSTER, "service": SERVICE });
        input[member] = value;
        let updated = world.ok("ecs", "UpdateService", &input).await["service"].clone();
        describe(&world).await;
        updated["deployments"].as_array().unwrap().len() > 1
    };
    assert!(!update("taskDefinition", json!("news-api-task")).await, "the same definition");
    assert!(!update("volumeConfigurations", json!([])).await);
    assert!(!update("deploymentConfiguration", json!({ "maximumPercent": 150 })).await);
    assert!(!update("desiredCount", json!(3)).await);
    assert!(update("forceNewDeployment", json!(true)).await);
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
    assert!(update("networkConfiguration", network.clone()).await);
    assert!(!update("networkConfiguration", network).await);
    let service = describe(&world).await["services"][0].clone();
    assert_eq!(
        (&service["runningCount"], &service["deploymentConfiguration"]["maximumPercent"]),
        (&json!(3), &json!(150))
    );
}

#[tokio::test]
async fn only_who_waits_is_held() {
    let (world, _folder) = World::with_file("{ ecs: { waiter_hold: 30 }, auth: { verify: none } }").await;
    let input = json!({ "cluster": CLUSTER, "service": SERVICE, "deploymentConfiguration": { "maximumPercent": 100 } });
    world.ok("ecs", "UpdateService", &input).await;
    let input = json!({ "cluster": CLUSTER, "service": SERVICE, "forceNewDeployment": true });
    world.ok("ecs", "UpdateService", &input).await;
    let authorization = world.authorization("ecs").replace(&world.keys.access_key_id, "AKIASOMEBODYELSE");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeServices"),
    ];
    let body = json!({ "cluster": CLUSTER, "services": [SERVICE] }).to_string();
    let answer = world.send("POST", "/", &headers, body.as_bytes()).await.json();
    assert_eq!(
        answer["services"][0]["deployments"][0]["rolloutState"], "IN_PROGRESS",
        "a rollout that cannot move, seen at once"
    );

    let World { account, endpoint, calls: _, notices: _, keys, clock: _ } = world;
    let url = endpoint.url();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let held = tokio::spawn(held_describe(url, keys.access_key_id, begun));
    begins.await.expect("the endpoint reads");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!held.is_finished(), "the one who updated is held");
    endpoint.stop().await;
    assert!(held.await.unwrap().contains("IN_PROGRESS"), "stopping answers what was held");
    drop(account);
}

/// Says when the endpoint has begun with the request.
async fn held_describe(url: String, key: String, begun: tokio::sync::oneshot::Sender<()>) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let body = json!({ "cluster": CLUSTER, "services": [SERVICE] }).to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\
         X-Amz-Target: AmazonEC2ContainerServiceV20141113.DescribeServices\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={key}/20261123/us-east-1/ecs/aws4_request\r\n\r\n",
        body.len()
    );
    let mut stream =
        tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.expect("the endpoint listens");
    stream.write_all(head.as_bytes()).await.expect("the endpoint reads");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.expect("the endpoint wants the body");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.expect("the endpoint reads");
    begun.send(()).expect("somebody waits");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the endpoint answers");
    answer
}

#[tokio::test]
async fn regions_are_apart() {
    let (world, _folder) = World::new().await;
    let authorization = world.authorization("ecs").replace("us-east-1", "eu-west-1");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeServices"),
    ];
    let body = json!({ "cluster": CLUSTER, "services": [SERVICE] }).to_string();
    let answer = world.send("POST", "/", &headers, body.as_bytes()).await;
    assert_eq!((answer.status, answer.json()["__type"].as_str()), (400, Some("ClusterNotFoundException")));
}

#[tokio::test]
async fn the_era_decides_about_fault_injection() {
    for (file, want) in [("", None), ("ecs: { task_definition_era: current }", Some(&json!(false)))] {
        let (world, _folder) = World::with_file(file).await;
        let described = world
            .ok("ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": "news-api-task", "include": ["TAGS"] }))
            .await;
        assert_eq!(described["taskDefinition"].get("enableFaultInjection"), want, "{file}");
        assert_eq!(described["tags"], json!([]));
    }
}

#[tokio::test]
async fn a_deployment_keeps_the_image_its_tag_named_first() {
    let (world, _folder) = World::new().await;
    let first = world.push("news-api", "latest", b"layer").await;
    deploy(&world, &format!("{}/news-api:latest", world.host())).await;
    describe(&world).await;
    assert_ne!(world.push("news-api", "latest", b"other layer").await, first);
    world.ok("ecs", "UpdateService", &json!({ "cluster": CLUSTER, "service": SERVICE, "desiredCount": 2 })).await;
    let running = async || {
        let tasks = world.ok("ecs", "ListTasks", &json!({ "cluster": CLUSTER })).await;
        let tasks = world.ok("ecs", "DescribeTasks", &json!({ "cluster": CLUSTER, "tasks": tasks["taskArns"] })).await;
        tasks["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|task| task["lastStatus"] == "RUNNING")
            .cloned()
            .collect::<Vec<_>>()
    };
    let deadline = std::time::Instant::now() + PATIENCE;
    while running().await.len() < 2 {
        assert!(std::time::Instant::now() < deadline, "the service was scaled");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for task in running().await {
        assert_eq!(task["containers"][0]["imageDigest"], first);
    }
}

#[tokio::test]
async fn a_waiter_is_held_whoever_updated() {
    let (world, _folder) = World::new().await;
    world
        .ok("ecs", "UpdateService", &json!({ "cluster": CLUSTER, "service": SERVICE, "forceNewDeployment": true }))
        .await;
    let authorization = world.authorization("ecs").replace(&world.keys.access_key_id, "AKIASOMEBODYELSE");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeServices"),
        ("User-Agent", "aws-cli/1.45 md/Botocore#1.43 m/B,N"),
    ];
    let body = json!({ "cluster": CLUSTER, "services": [SERVICE] }).to_string();
    let answer = world.send("POST", "/", &headers, body.as_bytes()).await.json();
    assert_eq!(answer["services"][0]["deployments"][0]["rolloutState"], "COMPLETED");
}
