//! `run-task` of the ECS deploy action.

use serde_json::{Value, json};

use super::{DEPLOY, Job, Server, Step, deploy, operation, operations};

const TASK: &str = "arn:aws:ecs:us-east-1:123456789012:task/cl/0123";

/// An account whose task runs at the first look and has stopped at the second; its containers ended so.
fn account(containers: Value, answer: Value) -> Server {
    let looks = std::sync::Mutex::new(0);
    Server::start(move |request, _| {
        let mut looks = looks.lock().expect("no thread panicked");
        let body = match operation(request).as_str() {
            "RegisterTaskDefinition" => {
                json!({ "taskDefinition": { "taskDefinitionArn": "arn:task-definition/news:2" } })
            }
            "RunTask" if answer["__type"].is_string() => return (400, answer.to_string().into()),
            "RunTask" => answer.clone(),
            "DescribeTasks" if containers == "denied" => {
                let denied = json!({ "__type": "AccessDeniedException", "message": "not authorized to perform: ecs:DescribeTasks" });
                return (400, denied.to_string().into());
            }
            "DescribeTasks" => {
                *looks += 1;
                let status = if *looks > 1 { "STOPPED" } else { "RUNNING" };
                json!({ "tasks": [{ "taskArn": TASK, "lastStatus": status, "containers": containers }], "failures": [] })
            }
            // The service is none: where the step comes so far, it fails there.
            "DescribeServices" => {
                json!({ "services": [], "failures": [{ "arn": "arn:service", "reason": "MISSING" }] })
            }
            other => panic!("unexpected call {other}"),
        };
        (200, body.to_string().into())
    })
}

fn started() -> Value {
    json!({ "tasks": [{ "taskArn": TASK }], "failures": [] })
}

fn run_task<'a>(job: &'a Job, server: &Server, version: &str) -> Step<'a> {
    deploy(job, server, version).input("service", "").input("run-task", "True")
}

/// What the `RunTask` of a step was asked for.
fn asked(server: &Server) -> Value {
    server.requests().iter().find(|it| operation(it) == "RunTask").expect("a task is run").json()
}

#[test]
fn a_task_is_waited_for() {
    let ended = json!([{ "name": "app", "exitCode": 0 }]);
    let (job, server) = (Job::new(), account(ended, started()));
    let step = run_task(&job, &server, "v2").input("wait-for-task-stopped", "true").input("wait-for-minutes", "5");
    let outcome = step.run();
    outcome.assert_success();
    assert_eq!(
        operations(&server),
        ["RegisterTaskDefinition", "RunTask", "DescribeTasks", "DescribeTasks", "DescribeTasks"]
    );
    assert_eq!(outcome.output("run-task-arn"), Some(json!([TASK]).to_string().as_str()));
    let lines: Vec<&str> = outcome.lines.iter().map(String::as_str).filter(|it| !it.starts_with("::debug::")).collect();
    let expected = [
        "Running task",
        "Task running: https://console.aws.amazon.com/ecs/home?region=us-east-1#/clusters/cl/tasks",
        "Waiting for tasks to stop. Will wait for 5 minutes",
        "All tasks have stopped.",
    ];
    assert_eq!(lines, expected);
    assert_eq!(outcome.declarations, [Value::Null; 0]);
}

/// Without waiting the step goes on to its service at once; the task comes first.
#[test]
fn the_task_comes_before_the_service() {
    let (job, server) = (Job::new(), account(json!([]), started()));
    let outcome = run_task(&job, &server, "v2").input("service", "svc").run();
    outcome.assert_failure("arn:service is MISSING");
    assert_eq!(operations(&server), ["RegisterTaskDefinition", "RunTask", "DescribeServices"]);
    assert!(outcome.output("run-task-arn").is_some());
    // What is no `true` runs none, and v1 knows no such input.
    for (version, value) in [("v2", "yes"), ("v2", "false"), ("v1", "true")] {
        let server = account(json!([]), started());
        deploy(&job, &server, version).input("service", "").input("run-task", value).run().assert_success();
        assert_eq!(operations(&server), ["RegisterTaskDefinition"], "{version} {value}");
    }
}

#[test]
fn a_task_that_fails_fails_the_step() {
    let cases = [
        (json!([{ "name": "app", "exitCode": 3 }]), "Run task failed: [null]"),
        (
            json!([{ "name": "app", "exitCode": 0 }, { "name": "b", "reason": "CannotPullContainerError: no" }]),
            "Run task failed: [\"CannotPullContainerError: no\"]",
        ),
        (
            json!([{ "name": "app", "exitCode": 137, "reason": "OutOfMemoryError" }, { "name": "b" }]),
            "Run task failed: [\"OutOfMemoryError\",null]",
        ),
    ];
    let job = Job::new();
    for (containers, text) in cases {
        let server = account(containers.clone(), started());
        let step = run_task(&job, &server, "v2").input("service", "svc").input("wait-for-task-stopped", "true");
        let outcome = step.run();
        outcome.assert_failure(text);
        // Its service is left as it is.
        assert!(!operations(&server).contains(&"DescribeServices".to_owned()), "{containers}");
        if let Some(code) = containers[0]["exitCode"].as_i64().filter(|code| *code != 0) {
            outcome.assert_line(&format!("::notice::container app of the task ended with exit code {code}"));
        }
        // Who does not wait does not see it.
        run_task(&job, &server, "v2").run().assert_success();
    }
    let blind = account(json!("denied"), started());
    let outcome = run_task(&job, &blind, "v2").input("wait-for-task-stopped", "true").run();
    outcome.assert_failure("not authorized to perform: ecs:DescribeTasks");
    let failure = json!({ "tasks": [], "failures": [{ "arn": "arn:instance", "reason": "RESOURCE:MEMORY" }] });
    let outcome = run_task(&job, &account(json!([]), failure), "v2").run();
    outcome.assert_failure("arn:instance is RESOURCE:MEMORY");
    assert_eq!(outcome.output("run-task-arn"), Some("[]"));
    let denied = json!({ "__type": "AccessDeniedException", "message": "is not authorized to perform: ecs:RunTask" });
    run_task(&job, &account(json!([]), denied), "v2").run().assert_failure("is not authorized to perform: ecs:RunTask");
}

type Inputs<'a> = &'a [(&'a str, &'a str)];

/// Its members are those of the release. Source: the action's `index.js` at each tag.
#[test]
fn inputs_become_the_request() {
    let plain = json!({
        "startedBy": "GitHub-Actions", "cluster": "cl", "taskDefinition": "arn:task-definition/news:2",
        "overrides": { "containerOverrides": [] }, "launchType": "FARGATE",
    });
    let with = |more: Value| {
        let mut all = plain.clone();
        for (member, value) in more.as_object().into_iter().flatten() {
            all[member] = value.clone();
        }
        all
    };
    let network = |members: Value| json!({ "awsvpcConfiguration": members });
    let strategy = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
    let mut on_providers =
        with(json!({ "tags": [], "volumeConfigurations": [], "capacityProviderStrategy": strategy }));
    on_providers.as_object_mut().expect("an object").remove("launchType");
    let cases: [(&str, Inputs<'_>, Value); 6] = [
        ("v2.0.0", &[], with(json!({ "networkConfiguration": network(json!({ "assignPublicIp": "DISABLED" })) }))),
        ("v2.1.0", &[("enable-ecs-managed-tags", "TRUE")], with(json!({ "tags": [], "enableECSManagedTags": true }))),
        ("v2", &[("run-task-assign-public-IP", "ENABLED")], with(json!({ "tags": [], "volumeConfigurations": [] }))),
        (
            "v2",
            &[("run-task-capacity-provider-strategy", &strategy.to_string()), ("run-task-launch-type", "EC2")],
            on_providers,
        ),
        (
            "v2",
            &[
                ("run-task-subnets", "subnet-1,subnet-2"),
                ("run-task-security-groups", "sg-1"),
                ("run-task-assign-public-IP", "ENABLED"),
            ],
            with(json!({
                "tags": [], "volumeConfigurations": [],
                "networkConfiguration": network(json!({
                    "subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED",
                })),
            })),
        ),
        (
            "v2",
            &[
                ("run-task-container-overrides", r#"[{"name": "app", "command": ["migrate"]}]"#),
                ("run-task-tags", r#"[{"key": "a", "value": "b"}]"#),
                ("run-task-started-by", "me"),
                ("run-task-launch-type", "EC2"),
            ],
            with(json!({
                "overrides": { "containerOverrides": [{ "name": "app", "command": ["migrate"] }] },
                "tags": [{ "key": "a", "value": "b" }], "startedBy": "me", "launchType": "EC2", "volumeConfigurations": [],
            })),
        ),
    ];
    let job = Job::new();
    for (version, inputs, expected) in cases {
        let server = account(json!([]), started());
        let step = run_task(&job, &server, version);
        inputs.iter().fold(step, |step, (name, value)| step.input(name, value)).run().assert_success();
        assert_eq!(asked(&server), expected, "{version} {inputs:?}");
    }
    for input in ["run-task-container-overrides", "run-task-tags", "run-task-capacity-provider-strategy"] {
        let server = account(json!([]), started());
        let outcome = run_task(&job, &server, "v2").input(input, "[{").run();
        outcome.assert_failure(&format!("`{input}` is not valid JSON: EOF while parsing"));
    }
}

/// Nothing is changed before, and the step says in the journal what was not done.
#[test]
fn managed_volumes_are_refused() {
    for (whose, service) in [("run-task", ""), ("service", "svc")] {
        let (job, server) = (Job::new(), account(json!([]), started()));
        let named = || {
            run_task(&job, &server, "v2")
                .input("service", service)
                .input(&format!("{whose}-managed-ebs-volume-name"), "data")
        };
        let volume = format!("{whose}-managed-ebs-volume");
        let outcome = named().input(&volume, r#"{"sizeInGiB": 30}"#).run();
        outcome.assert_failure(&format!(
            "a managed volume (`{volume}`) is not supported yet by the built-in stand-in for {DEPLOY}"
        ));
        assert_eq!(operations(&server), Vec::<String>::new(), "{whose}");
        let declared = json!({ "how": "not run", "subject": DEPLOY, "detail": format!("its stand-in does not have a managed volume (`{volume}`)") });
        assert_eq!(outcome.declarations, [declared]);
        // A name alone is none, for the action, too.
        let outcome = named().run();
        let warning =
            format!("::warning::{volume}-name provided without {volume} value. VolumeConfigurations property");
        assert!(outcome.lines.iter().any(|line| line.starts_with(&warning)), "{outcome:#?}");
        assert!(operations(&server).contains(&"RunTask".to_owned()), "{whose}");
    }
}
