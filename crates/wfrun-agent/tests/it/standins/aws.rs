mod run_task;

use std::fs;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::server::{Request, Server};
use super::{Job, Outcome, Step, in_front, script};

const CONFIGURE: &str = "aws-actions/configure-aws-credentials";
const LOGIN: &str = "aws-actions/amazon-ecr-login";
const RENDER: &str = "aws-actions/amazon-ecs-render-task-definition";
const DEPLOY: &str = "aws-actions/amazon-ecs-deploy-task-definition";

/// The account's half of a rollout: what a service shows after each question.
#[derive(Clone, Copy, PartialEq)]
enum Rollout {
    Succeeds,
    IsRolledBack,
}

/// The operation that a request names.
fn operation(request: &Request) -> String {
    let target = request.header("x-amz-target");
    if let Some((_, operation)) = target.rsplit_once('.') {
        return operation.to_owned();
    }
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action=")).expect("names an action");
    action.to_owned()
}

fn operations(server: &Server) -> Vec<String> {
    server.requests().iter().map(operation).collect()
}

fn account(rollout: Rollout) -> Server {
    let asked = Mutex::new((0, false));
    Server::start(move |request, own| {
        let mut state = asked.lock().expect("no thread panicked");
        let old = "arn:aws:ecs:us-east-1:123456789012:task-definition/news:1";
        let new = "arn:aws:ecs:us-east-1:123456789012:task-definition/news:2";
        let deployment = |id: &str, status: &str, arn: &str| json!({ "id": id, "status": status, "taskDefinition": arn, "rolloutState": "COMPLETED" });
        let service = |deployments: Value, running: u32, arn: &str| {
            json!({ "serviceName": "svc", "status": "ACTIVE", "desiredCount": 2, "runningCount": running,
                    "taskDefinition": arn, "deployments": deployments, "deploymentController": { "type": "ECS" } })
        };
        let answer = match operation(request).as_str() {
            "GetCallerIdentity" => {
                let xml = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
                           <Arn>arn:aws:iam::123456789012:user/deploy</Arn><UserId>AIDA</UserId>\
                           <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
                return (200, xml.into());
            }
            "GetAuthorizationToken" => json!({ "authorizationData": [{
                // AWS:registry-password
                "authorizationToken": "QVdTOnJlZ2lzdHJ5LXBhc3N3b3Jk", "proxyEndpoint": own,
            }] }),
            "RegisterTaskDefinition" if request.json()["family"] == "refused" => {
                return (400, json!({ "__type": "ClientException", "message": "no such role" }).to_string().into());
            }
            "RegisterTaskDefinition" => json!({ "taskDefinition": { "taskDefinitionArn": new } }),
            "DescribeTaskDefinition" => {
                json!({ "taskDefinition": { "family": "news", "containerDefinitions": [{ "name": "app" }] },
                        "tags": [{ "key": "k", "value": "v" }] })
            }
            "UpdateService" => {
                state.1 = true;
                json!({ "service": service(json!([deployment("ecs-svc/2", "PRIMARY", new),
                                                  deployment("ecs-svc/1", "ACTIVE", old)]), 2, new) })
            }
            "DescribeServices" if request.json()["services"][0] == "gone" => {
                json!({ "services": [], "failures": [{ "arn": "arn:gone", "reason": "MISSING" }] })
            }
            "DescribeServices" => {
                if state.1 {
                    state.0 += 1;
                }
                let service = match (state.1, state.0, rollout) {
                    (true, 1, _) => service(
                        json!([deployment("ecs-svc/2", "PRIMARY", new), deployment("ecs-svc/1", "ACTIVE", old)]),
                        3,
                        new,
                    ),
                    (true, _, Rollout::Succeeds) => service(json!([deployment("ecs-svc/2", "PRIMARY", new)]), 2, new),
                    // Before the update; and ECS takes the old deployment's id up again when it rolls back.
                    (false, _, _) | (true, _, Rollout::IsRolledBack) => {
                        service(json!([deployment("ecs-svc/1", "PRIMARY", old)]), 2, old)
                    }
                };
                json!({ "services": [service], "failures": [] })
            }
            other => panic!("unexpected call {other}"),
        };
        (200, answer.to_string().into_bytes())
    })
}

fn step<'a>(job: &'a Job, server: &Server, arguments: &str) -> Step<'a> {
    job.step(arguments)
        .env("AWS_ENDPOINT_URL", &server.url)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "environment-secret")
}

pub(super) fn configure<'a>(job: &'a Job, server: &Server, version: &str) -> Step<'a> {
    job.step(&format!("{CONFIGURE} main {version}"))
        .env("AWS_ENDPOINT_URL", &server.url)
        .input("aws-access-key-id", "AKIAEXAMPLE")
        .input("aws-secret-access-key", "input-secret")
        .input("aws-region", "us-east-1")
}

#[test]
fn credentials_go_into_the_environment() {
    let (job, server) = (Job::new(), account(Rollout::Succeeds));
    let outcome = configure(&job, &server, "v2").run();
    outcome.assert_success();
    let masks = ["::add-mask::AKIAEXAMPLE", "::add-mask::input-secret", "::add-mask::123456789012"];
    assert_eq!(outcome.lines, masks, "v2 hides the account, and prints nothing else");
    let exported: Vec<(&str, &str)> = outcome.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "input-secret"),
    ];
    assert_eq!(exported, expected);
    assert_eq!(outcome.outputs, [("aws-account-id".to_owned(), "123456789012".to_owned())]);
    let requests = server.requests();
    let [request] = requests.as_slice() else { panic!("one call: {requests:?}") };
    assert_eq!(String::from_utf8_lossy(&request.body), "Action=GetCallerIdentity&Version=2011-06-15");
    let authorization = request.header("authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"), "{authorization}");
    assert!(authorization.contains("/us-east-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, "));
    assert_eq!(request.header("user-agent"), "configure-aws-credentials-for-github-actions");
    // The signature covers the host; it must be the one that is sent, and sent once.
    let hosts: Vec<&str> = request
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, it)| it.as_str())
        .collect();
    assert_eq!(hosts, [server.url.strip_prefix("http://").expect("is http")]);
}

#[test]
fn majors_of_configure_differ() {
    let (job, server) = (Job::new(), account(Rollout::Succeeds));
    let masks_account = |outcome: &Outcome| outcome.lines.iter().any(|line| line == "::add-mask::123456789012");
    for (version, setting, masked, arn) in [
        ("v1", "", true, false),
        ("v2", "true", true, false),
        ("v2", "no", false, false),
        ("v3", "", false, false),
        ("v4", "", false, true),
        ("v4.2.0", "", false, false),
        ("v6", "true", true, true),
    ] {
        let outcome = configure(&job, &server, version).input("mask-aws-account-id", setting).run();
        outcome.assert_success();
        assert_eq!(masks_account(&outcome), masked, "{version} {setting}");
        assert_eq!(outcome.output("authenticated-arn").is_some(), arn, "{version}");
        assert_eq!(
            outcome.lines.iter().any(|line| line == "Proceeding with IAM user credentials"),
            !matches!(version, "v1" | "v2"),
            "{version}"
        );
    }
    configure(&job, &server, "v5").input("mask-aws-account-id", "no").run().assert_failure("YAML 1.2 \"Core Schema\"");
    let outcome = configure(&job, &server, "v5").input("allowed-account-ids", "1, 2").run();
    outcome.assert_failure("(123456789012) does not match any of the expected account IDs: 1, 2");
    let outcome =
        configure(&job, &server, "v4").input("output-credentials", "true").input("aws-session-token", "tok").run();
    assert_eq!(outcome.output("aws-session-token"), Some("tok"));
    // From v4.2 on the variable stands in for the input; before, the input is missing.
    for (version, works) in [("v4", true), ("v3", false)] {
        let outcome = configure(&job, &server, version).input("aws-region", "").env("AWS_REGION", "eu-west-1").run();
        assert_eq!(outcome.code == 0, works, "{version}: {outcome:#?}");
    }
    // A token of earlier credentials is cleared.
    let outcome = configure(&job, &server, "v2").env("AWS_SESSION_TOKEN", "old").run();
    assert_eq!(outcome.exported("AWS_SESSION_TOKEN"), Some(""));
}

#[test]
fn configure_fails_as_the_real_one() {
    let (job, server) = (Job::new(), account(Rollout::Succeeds));
    let fails = |step: Step<'_>, text: &str| {
        let outcome = step.run();
        outcome.assert_failure(text);
        outcome
    };
    let outcome =
        fails(configure(&job, &server, "v2").input("aws-secret-access-key", ""), "'aws-secret-access-key' must be");
    assert_eq!(outcome.exported("AWS_REGION"), Some("us-east-1"), "the region is exported before");
    fails(configure(&job, &server, "v2").input("aws-region", "us east"), "Region is not valid: us east");
    fails(configure(&job, &server, "v2").input("aws-region", ""), "Input required and not supplied: aws-region");
    let empty = configure(&job, &server, "v2").input("aws-access-key-id", "").input("aws-secret-access-key", "");
    fails(empty, "Credentials could not be loaded, please check your action inputs: Could not load credentials");
    let role = || configure(&job, &server, "v4").input("role-to-assume", super::web_identity::ROLE);
    fails(role(), "`role-to-assume`) is not supported yet");
    let nothing = role().input("aws-access-key-id", "").input("aws-secret-access-key", "");
    let outcome = fails(nothing, "Credentials could not be loaded, please check your action inputs: Could not load");
    assert!(outcome.lines.iter().any(|it| it.contains("Did you mean to set the `id-token` permission?")));
    let refusing = Server::start(|_, _| {
        let xml = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code>\
                   <Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>";
        (403, xml.into())
    });
    let outcome = fails(configure(&job, &refusing, "v2"), "The security token included in the request is invalid.");
    assert_eq!(outcome.exported("AWS_ACCESS_KEY_ID"), Some("AKIAEXAMPLE"), "exported although the step failed");
    let text = "Credentials could not be loaded, please check your action inputs: The security token";
    fails(configure(&job, &refusing, "v6"), text);
    fails(configure(&job, &server, "v2").env("AWS_ENDPOINT_URL", "http://10.1.2.3:1"), "is not on this machine");
    fails(configure(&job, &server, "v2").env("AWS_ENDPOINT_URL", ""), "no AWS account to talk to");
}

#[test]
fn configure_clears_up() {
    let job = Job::new();
    let outcome = job.step(&format!("{CONFIGURE} post v2")).run();
    outcome.assert_success();
    let names: Vec<&str> = outcome.env.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_REGION"]
    );
    assert!(outcome.env.iter().all(|(_, value)| value.is_empty()));
    let outcome = job.step(&format!("{CONFIGURE} post v4")).input("output-env-credentials", "false").run();
    assert!(outcome.env.is_empty());
}

/// A `docker` that writes down what it is given and ends with `code`.
fn docker(job: &Job, code: u8) -> std::ffi::OsString {
    let log = job.path("docker.log");
    let text = format!(
        "#!/bin/sh\nprintf '%s|' \"$@\" >> {0}\ncat >> {0}\necho >> {0}\necho 'denied: no' >&2\nexit {code}\n",
        log.display()
    );
    in_front(&script(job, "docker", &text))
}

#[test]
fn docker_is_logged_in_and_out() {
    let (job, server) = (Job::new(), account(Rollout::Succeeds));
    let registry = server.url.strip_prefix("http://").expect("is http").to_owned();
    let suffix = registry.replace(['.', ':'], "_");
    for (version, masks) in [("v1", false), ("v2", true)] {
        let path = docker(&job, 0);
        fs::write(job.path("docker.log"), "").expect("can write");
        let outcome = step(&job, &server, &format!("{LOGIN} main {version}")).env("PATH", &path).run();
        outcome.assert_success();
        outcome.assert_line(&format!("Logging into registry {registry}"));
        assert_eq!(outcome.output("registry"), Some(registry.as_str()));
        assert_eq!(outcome.output(&format!("docker_username_{suffix}")), Some("AWS"));
        assert_eq!(outcome.output(&format!("docker_password_{suffix}")), Some("registry-password"));
        assert_eq!(outcome.lines.contains(&"::add-mask::registry-password".to_owned()), masks, "{version}");
        let warns = outcome.lines.iter().any(|line| line.starts_with("::warning::Your docker password is not masked."));
        assert_eq!(warns, !masks, "{version}");
        assert_eq!(outcome.lines.contains(&"Using environment variable credentials.".to_owned()), masks);
        let log = fs::read_to_string(job.path("docker.log")).expect("is there");
        assert_eq!(log, format!("login|-u|AWS|--password-stdin|{}|registry-password\n", server.url));
        let state = outcome.saved("registries").expect("is saved").to_owned();

        let post = step(&job, &server, &format!("{LOGIN} post {version}")).env("PATH", &path);
        let post = post.env("STATE_registries", &state).run();
        post.assert_success();
        assert_eq!(post.lines, [format!("Logging out of registry {registry}")]);
        let failing = step(&job, &server, &format!("{LOGIN} post {version}")).env("PATH", docker(&job, 1));
        failing.env("STATE_registries", &state).run().assert_failure(&format!("Failed to logout: {registry}"));
    }
    let failing = step(&job, &server, &format!("{LOGIN} main v1")).env("PATH", docker(&job, 1)).run();
    failing.assert_failure(&format!("Could not login to registry {registry}: denied: no"));
    assert_eq!(failing.output("registry"), Some(registry.as_str()), "set before the login");
    assert_eq!(failing.saved("registries"), None);
    let outcome = step(&job, &server, &format!("{LOGIN} main v2")).input("registry-type", "x").run();
    outcome.assert_failure("Invalid input for 'registry-type', possible options are [private, public]");
    let outcome = step(&job, &server, &format!("{LOGIN} main v2")).env("AWS_ACCESS_KEY_ID", "").run();
    outcome.assert_failure("Could not load credentials from any providers");
    let outcome = step(&job, &server, &format!("{LOGIN} main v2")).env("PATH", "/nowhere").run();
    outcome.assert_failure("failed to start `docker`");
}

/// What `aws ecs describe-task-definition --query taskDefinition` writes.
fn described() -> String {
    json!({
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/news:1",
        "containerDefinitions": [{ "name": "app", "image": "old", "environment": [{ "name": "A", "value": "1" }],
                                   "mountPoints": [], "essential": true }],
        "family": "news", "revision": 1, "volumes": [], "status": "ACTIVE", "cpu": "256",
        "requiresAttributes": [], "compatibilities": ["EC2"], "registeredAt": 1.5, "registeredBy": "x",
    })
    .to_string()
}

fn rendered(outcome: &Outcome) -> Value {
    let path = outcome.output("task-definition").expect("is set");
    serde_json::from_slice(&fs::read(path).expect("is there")).expect("is JSON")
}

#[test]
fn an_image_is_rendered() {
    let job = Job::new();
    job.write("work/repo/task.json", &described());
    let render = || job.step(&format!("{RENDER} main v1")).input("container-name", "app").input("image", "repo:sha");
    let outcome = render().input("task-definition", "task.json").run();
    outcome.assert_success();
    outcome.assert_line("Task definition file will be used.");
    let path = outcome.output("task-definition").expect("is set");
    assert!(path.starts_with(&format!("{}/task-definition-", job.path("temp").display())), "{path}");
    let expected = "{\n  \"containerDefinitions\": [\n    {\n      \"name\": \"app\",\n      \"image\": \"repo:sha\",\n      \
                    \"environment\": [\n        {\n          \"name\": \"A\",\n          \"value\": \"1\"\n        }\n      \
                    ],\n      \"mountPoints\": [],\n      \"essential\": true\n    }\n  ],\n  \"family\": \"news\",\n  \
                    \"volumes\": [],\n  \"cpu\": \"256\"\n}";
    assert_eq!(fs::read_to_string(path).expect("is there"), expected);

    let role = "arn:aws:iam::123456789012:role/task";
    let all = render()
        .input("task-definition", job.path("work/repo/task.json").to_str().expect("is text"))
        .input("environment-variables", "A=2\n\nB=x=y")
        .input("secrets", "S=arn:secret")
        .input("env-files", "arn:file")
        .input("log-configuration-log-driver", "awslogs")
        .input("log-configuration-options", "group=a=b")
        .input("docker-labels", "l=1")
        .input("command", "run it")
        .input("task-role-arn", role)
        .run();
    let definition = rendered(&all);
    let container = &definition["containerDefinitions"][0];
    assert_eq!(container["environment"], json!([{ "name": "A", "value": "2" }, { "name": "B", "value": "x=y" }]));
    assert_eq!(container["secrets"], json!([{ "name": "S", "valueFrom": "arn:secret" }]));
    assert_eq!(container["environmentFiles"], json!([{ "value": "arn:file", "type": "s3" }]));
    assert_eq!(container["logConfiguration"], json!({ "logDriver": "awslogs", "options": { "group": "a" } }));
    assert_eq!(container["dockerLabels"], json!({ "l": "1" }));
    assert_eq!(container["command"], json!(["run", "it"]));
    assert_eq!(definition["taskRoleArn"], role);

    let server = account(Rollout::Succeeds);
    let fetched = step(&job, &server, &format!("{RENDER} main v1")).input("container-name", "app").input("image", "i");
    let fetched = fetched.input("task-definition-family", "news").run();
    assert_eq!(rendered(&fetched)["tags"], json!([{ "key": "k", "value": "v" }]));
    assert_eq!(server.requests()[0].json(), json!({ "taskDefinition": "news", "include": ["TAGS"] }));
}

#[test]
fn rendering_fails_as_the_real_one() {
    let job = Job::new();
    job.write("work/repo/task.json", &described());
    job.write("work/repo/flat.json", "{}");
    job.write("work/repo/empty.json", "");
    let file = ("task-definition", "task.json");
    for (inputs, text) in [
        (vec![("task-definition", "none.json")], "Task definition file does not exist: none.json"),
        (vec![("task-definition", "flat.json")], "containerDefinitions section is not present or is not an array"),
        (vec![("task-definition", "empty.json")], "the command that wrote it may have failed"),
        (vec![], "Either task definition, task definition arn or task definition family must be provided"),
        (vec![file, ("container-name", "web")], "Could not find container definition with matching name"),
        (vec![file, ("container-name", "app,")], "Invalid format for container name."),
        (vec![file, ("container-name", "")], "Input required and not supplied: container-name"),
        (vec![file, ("environment-variables", "A")], "Cannot parse the environment variable 'A'."),
        (vec![file, ("log-configuration-log-driver", "x")], "'x' is invalid logConfigurationLogDriver."),
        (vec![file, ("task-role-arn", "role/x")], "Invalid ARN format for task-role-arn."),
    ] {
        let mut step = job.step(&format!("{RENDER} main v1")).input("container-name", "app").input("image", "i");
        for (name, value) in inputs {
            step = step.input(name, value);
        }
        step.run().assert_failure(text);
    }
}

fn deploy<'a>(job: &'a Job, server: &Server, version: &str) -> Step<'a> {
    job.write(
        "work/repo/task.json",
        &json!({ "family": "news", "volumes": [], "containerDefinitions": [
            { "name": "app", "image": "repo:sha", "environment": [{ "name": "EMPTY", "value": "" }], "essential": false }
        ] })
        .to_string(),
    );
    step(job, server, &format!("{DEPLOY} main {version}"))
        .input("task-definition", "task.json")
        .input("service", "svc")
        .input("cluster", "cl")
        .input("wait-for-service-stability", "true")
}

#[test]
fn a_service_is_deployed() {
    for (version, calls) in [("v1", 5), ("v2", 6)] {
        let (job, server) = (Job::new(), account(Rollout::Succeeds));
        let outcome = deploy(&job, &server, version).run();
        outcome.assert_success();
        let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/news:2";
        assert_eq!(outcome.output("task-definition-arn"), Some(arn));
        let expected = [
            "RegisterTaskDefinition",
            "DescribeServices",
            "UpdateService",
            "DescribeServices",
            "DescribeServices",
            // v2 looks once more.
            "DescribeServices",
        ];
        assert_eq!(operations(&server), expected[..calls], "{version}");
        let requests = server.requests();
        let container = json!({ "name": "app", "image": "repo:sha", "environment": [{ "name": "EMPTY", "value": "" }],
                                "essential": false });
        assert_eq!(requests[0].json(), json!({ "family": "news", "containerDefinitions": [container] }));
        assert_eq!(requests[0].header("user-agent"), "amazon-ecs-deploy-task-definition-for-github-actions");
        let mut update =
            json!({ "cluster": "cl", "service": "svc", "taskDefinition": arn, "forceNewDeployment": false });
        let started = "Deployment started. Watch this deployment's progress in the Amazon ECS console: https://";
        if version == "v1" {
            outcome.assert_line(&format!(
                "{started}console.aws.amazon.com/ecs/home?region=us-east-1#/clusters/cl/services/svc/events"
            ));
        } else {
            update["volumeConfigurations"] = json!([]);
            outcome.assert_line(&format!(
                "{started}us-east-1.console.aws.amazon.com/ecs/v2/clusters/cl/services/svc/deployments?region=us-east-1"
            ));
            outcome.assert_line("Deployment ecs-svc/2 verified: rolloutState=COMPLETED");
        }
        assert_eq!(requests[2].json(), update, "{version}");
    }
}

/// A rollback fails v2.6.2 and later only; what GitHub shows as green is green here, with a warning of our own.
#[test]
fn a_rollback_is_never_passed_over() {
    for (version, fails) in [("v1", false), ("v2.5.0", false), ("v2.6.2", true), ("v2", true)] {
        let (job, server) = (Job::new(), account(Rollout::IsRolledBack));
        let outcome = deploy(&job, &server, version).run();
        if fails {
            outcome.assert_failure("Deployment ecs-svc/2 not found after stabilization.");
        } else {
            outcome.assert_success();
            let warning = "::warning title=The deployment was rolled back::the deployment ecs-svc/2 of service svc";
            assert!(outcome.lines.iter().any(|line| line.starts_with(warning)), "{version}: {outcome:#?}");
        }
    }
}

#[test]
fn deploying_without_waiting() {
    let (job, server) = (Job::new(), account(Rollout::Succeeds));
    let step = deploy(&job, &server, "v1").input("wait-for-service-stability", "").input("desired-count", "3");
    step.input("force-new-deployment", "true").run().assert_success();
    assert_eq!(operations(&server), ["RegisterTaskDefinition", "DescribeServices", "UpdateService"]);
    let update = server.requests()[2].json();
    assert_eq!((&update["desiredCount"], &update["forceNewDeployment"]), (&json!(3), &json!(true)));

    let server = account(Rollout::Succeeds);
    deploy(&job, &server, "v1").input("service", "").run().assert_success();
    assert_eq!(operations(&server), ["RegisterTaskDefinition"]);
}

#[test]
fn deploying_fails_as_the_real_one() {
    let (job, server) = (Job::new(), account(Rollout::Succeeds));
    deploy(&job, &server, "v1").input("service", "gone").run().assert_failure("arn:gone is MISSING");
    deploy(&job, &server, "v1").input("task-definition", "no.json").run().assert_failure("ENOENT: no such file");

    let young = json!({ "family": "news", "containerDefinitions": [{ "name": "app" }], "enableFaultInjection": false });
    let step = deploy(&job, &server, "v1");
    job.write("work/repo/task.json", &young.to_string());
    let outcome = step.run();
    let message = "Unexpected key 'enableFaultInjection' found in params";
    outcome.assert_failure(message);
    outcome.assert_line(&format!("::error::Failed to register task definition in ECS: {message}"));
    outcome.assert_line(&format!("::error::{message}"));
    assert!(
        outcome.lines.iter().any(|line| line.starts_with("::notice::") && line.contains("Use @v2")),
        "{outcome:#?}"
    );
    let step = deploy(&job, &server, "v2");
    job.write("work/repo/task.json", &young.to_string());
    step.run().assert_success();

    let step = deploy(&job, &server, "v2");
    job.write("work/repo/task.json", "family: refused\nrevision: 4\ncontainerDefinitions:\n- name: app\n");
    let outcome = step.run();
    outcome.assert_failure("no such role");
    outcome.assert_line("::error::Failed to register task definition in ECS: no such role");
    assert!(outcome.lines.iter().any(|line| line.starts_with("::warning::Ignoring property 'revision' in")));
}
