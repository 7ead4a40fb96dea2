use serde_json::json;
use wfrun_aws::RegistryLogin;

use super::*;

fn launch(containers: &Value) -> TaskLaunch {
    let names: Vec<String> = containers.as_array().expect("a list").iter().filter_map(|it| text(&it["name"])).collect();
    let definition = json!({
        "family": "api", "revision": 7, "memory": "512", "containerDefinitions": containers,
        "volumes": [{ "name": "shared", "host": {} }],
    });
    let image = |name: String| {
        let image = LaunchImage { name: name.clone(), digest: None, pull: format!("{name}:latest") };
        (name, image)
    };
    TaskLaunch {
        id: "abc".to_owned(),
        arn: "arn:aws:ecs:us-east-1:123456789012:task/c/abc".to_owned(),
        cluster: "c".to_owned(),
        region: "us-east-1".to_owned(),
        group: "service:api".to_owned(),
        definition: definition.as_object().expect("a map").clone(),
        overrides: Map::new(),
        images: names.into_iter().map(image).collect(),
        registry: RegistryLogin { host: String::new(), user: String::new(), password: String::new() },
    }
}

fn settings() -> TaskSettings {
    TaskSettings {
        run_id: "7".to_owned(),
        executable: "/wfrun".into(),
        secrets: IndexMap::from([("/app/url".to_owned(), "postgres://db".to_owned())]),
        health_scale: 0.1,
    }
}

#[test]
fn a_definition_becomes_a_container() {
    let mut launch = launch(&json!([{
        "name": "api", "cpu": 1, "memoryReservation": 64, "user": "1000", "workingDirectory": "/app", "stopTimeout": 2,
        "entryPoint": ["/bin/api"], "command": ["serve"], "dockerLabels": { "team": "blue" }, "readonlyRootFilesystem": true,
        "environment": [{ "name": "A", "value": "1" }, { "name": "B", "value": "1" }],
        "secrets": [{ "name": "DATABASE_URL", "valueFrom": "/app/url" }],
        "portMappings": [{ "containerPort": 8000, "hostPort": 80, "protocol": "tcp" }, { "containerPort": 53, "protocol": "udp" }],
        "mountPoints": [{ "sourceVolume": "shared", "containerPath": "/data", "readOnly": true }],
        "ulimits": [{ "name": "nofile", "softLimit": 10, "hardLimit": 20 }],
        "linuxParameters": { "initProcessEnabled": true, "sharedMemorySize": 8, "capabilities": { "drop": ["ALL"] },
            "tmpfs": [{ "containerPath": "/run", "size": 4, "mountOptions": ["noexec"] }] },
        "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/api", "awslogs-stream-prefix": "ecs" } },
    }]));
    launch.overrides = json!({ "containerOverrides": [
        { "name": "api", "command": ["migrate"], "environment": [{ "name": "B", "value": "2" }] },
    ]})
    .as_object()
    .expect("a map")
    .clone();
    let plan = read(&launch, &settings()).expect("it can be read");
    let one = &plan.containers[0];
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let made = &one.container;
    assert_eq!(made.name, "wfrun-7-abc-api");
    let own = pair("AWS_EC2_METADATA_DISABLED", "true");
    assert_eq!(made.env, [own, pair("A", "1"), pair("B", "2"), pair("DATABASE_URL", "postgres://db")]);
    let nowhere = ("ecs.us-east-1.amazonaws.com".to_owned(), Ipv4Addr::UNSPECIFIED.into());
    assert!(made.hosts.contains(&nowhere), "{:?}", made.hosts);
    assert_eq!(
        (made.entrypoint.clone(), made.command.clone()),
        (Some(vec!["/bin/api".into()]), Some(vec!["migrate".into()]))
    );
    let limits = &made.limits;
    assert_eq!(
        (limits.cpu_shares, limits.memory, limits.memory_reservation),
        (Some(2), Some(512 << 20), Some(64 << 20))
    );
    assert_eq!((limits.read_only, limits.init, limits.shm_size), (true, true, Some(8 << 20)));
    assert_eq!(
        (&limits.cap_drop[..], &limits.tmpfs[..]),
        (&["ALL".to_owned()][..], &[pair("/run", "size=4m,noexec")][..])
    );
    assert_eq!(limits.ulimits, [("nofile".to_owned(), 10, 20)]);
    assert_eq!(made.volumes, [("wfrun-7-abc-shared".to_owned(), "/data".to_owned(), true)]);
    let wanted = [
        pair("team", "blue"),
        pair("com.amazonaws.ecs.task-arn", &launch.arn),
        pair("com.amazonaws.ecs.task-definition-version", "7"),
    ];
    assert!(wanted.iter().all(|label| made.labels.contains(label)), "{:?}", made.labels);
    assert_eq!((&one.ports[..], one.stop_timeout.as_secs(), one.essential), (&[8000][..], 2, true));
    let logs = one.logs.as_ref().expect("logs");
    assert_eq!((logs.group.as_str(), logs.region.as_str(), logs.create_group), ("/ecs/api", "us-east-1", false));
    assert_eq!(plan.volumes, ["wfrun-7-abc-shared"]);
}

#[test]
fn what_cannot_be_started_says_why() {
    let secret = json!([{ "name": "a", "secrets": [{ "name": "X", "valueFrom": "/none" }] }]);
    let files = json!([{ "name": "a", "environmentFiles": [{ "value": "arn:aws:s3:::b/f", "type": "s3" }] }]);
    let depends = |on: &str| json!([{ "containerName": on, "condition": "START" }]);
    let circle = json!([{ "name": "a", "dependsOn": depends("b") }, { "name": "b", "dependsOn": depends("a") }]);
    let cases = [
        (secret, "unable to pull secrets or registry auth"),
        (files, "failed to download env files"),
        (circle, "dependsOn of container a leads back to itself"),
    ];
    for (containers, part) in cases {
        let said = read(&launch(&containers), &settings()).map(|_| ()).expect_err(part);
        assert!(said.starts_with("ResourceInitializationError: ") && said.contains(part), "{said}");
    }
    let mut of_host = launch(&json!([{ "name": "a" }]));
    of_host.definition.insert("volumes".to_owned(), json!([{ "name": "v", "host": { "sourcePath": "/etc" } }]));
    let said = read(&of_host, &settings()).map(|_| ()).expect_err("no folder of the host");
    assert!(said.contains("volume v"), "{said}");
}
