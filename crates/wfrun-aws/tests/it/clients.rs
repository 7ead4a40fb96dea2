//! Real clients, unmodified, with nothing but `AWS_ENDPOINT_URL`. Each test is skipped, visibly, where its client is absent.

use std::process::Stdio;

use tokio::process::Command;

use crate::support::World;

/// The environment of a client, without anything of the machine's own account.
pub(crate) fn command(program: &str, world: &World) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
        .env("AWS_ENDPOINT_URL", world.endpoint.url())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", &world.keys.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &world.keys.secret_access_key)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_PAGER", "")
        .stdin(Stdio::null());
    command
}

pub(crate) async fn is_there(program: &str, arguments: &[&str]) -> bool {
    let asked = Command::new(program).args(arguments).stdin(Stdio::null()).output().await;
    asked.is_ok_and(|output| output.status.success())
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub(crate) fn skipped(what: &str) {
    eprintln!("skipped: {what}");
}

#[tokio::test]
async fn the_aws_cli() {
    if !is_there("aws", &["--version"]).await {
        return skipped("the AWS CLI is not installed");
    }
    let (world, _folder) = World::new().await;
    world.push("news-api", "abc", b"layer").await;
    let run = async |line: &str| {
        let output = command("aws", &world).args(line.split(' ')).output().await.expect("the AWS CLI starts");
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        (output.status.success(), stdout.trim().to_owned(), stderr)
    };
    let (good, account, errors) = run("sts get-caller-identity --query Account --output text").await;
    assert!(good && account == "123456789012", "{account} {errors}");
    let (good, password, errors) = run("ecr get-login-password").await;
    assert!(good && password.len() > 20, "{errors}");
    let (good, tags, errors) =
        run("ecr describe-images --repository-name news-api --query imageDetails[0].imageTags[0] --output text").await;
    assert!(good && tags == "abc", "{tags} {errors}");
    let update = "ecs update-service --cluster news-api-cluster --service news-api-service --force-new-deployment \
                  --query service.deployments[0].rolloutState --output text";
    let (good, state, errors) = run(&update.split_whitespace().collect::<Vec<_>>().join(" ")).await;
    assert!(good && state == "IN_PROGRESS", "{state} {errors}");
    let (good, _, errors) =
        run("ecs wait services-stable --cluster news-api-cluster --services news-api-service").await;
    assert!(good, "{errors}");
    let (good, family, errors) =
        run("ecs describe-task-definition --task-definition news-api-task --query taskDefinition.family --output text")
            .await;
    assert!(good && family == "news-api-task", "{family} {errors}");
    let (good, _, errors) = run("ecs list-container-instances").await;
    assert!(
        !good
            && errors.contains("(UnknownOperationException)")
            && errors.contains("wfrun: ecs:ListContainerInstances is not emulated"),
        "{errors}"
    );
    let (good, _, errors) = run("iam list-groups").await;
    assert!(!good && errors.contains("(InvalidAction)"), "{errors}");
}

#[tokio::test]
async fn boto3() {
    if !is_there("python3", &["-c", "import boto3"]).await {
        return skipped("Python 3 has no boto3");
    }
    let (world, _folder) = World::new().await;
    let script = "
import boto3, base64
ecs, ecr, sts = (boto3.client(name) for name in ('ecs', 'ecr', 'sts'))
assert sts.get_caller_identity()['Arn'].endswith(':user/github-actions-deploy')
token = ecr.get_authorization_token()['authorizationData'][0]
assert base64.b64decode(token['authorizationToken']).count(b':') == 1
assert token['expiresAt'].year > 2020
td = ecs.describe_task_definition(taskDefinition='news-api-task')['taskDefinition']
new = ecs.register_task_definition(family='news-api-task', containerDefinitions=td['containerDefinitions'], memory='512')
assert new['taskDefinition']['revision'] == 2
names = dict(cluster='news-api-cluster', service='news-api-service')
up = ecs.update_service(taskDefinition='news-api-task:2', desiredCount=2, **names)['service']
assert [d['status'] for d in up['deployments']] == ['PRIMARY', 'ACTIVE']
ecs.get_waiter('services_stable').wait(cluster='news-api-cluster', services=['news-api-service'])
now = ecs.describe_services(cluster='news-api-cluster', services=['news-api-service'])['services'][0]
assert (now['runningCount'], now['deployments'][0]['rolloutState']) == (2, 'COMPLETED')
try:
    ecs.describe_services(cluster='nope', services=['x'])
except ecs.exceptions.ClusterNotFoundException:
    pass
print('done')
";
    let output = command("python3", &world).args(["-c", script]).output().await.expect("Python starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "done", "{}", String::from_utf8_lossy(&output.stderr));
}

/// The trace of a deployment guide, from the cluster to its end, with broken revisions between.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "the times of the waiters are there to be read")]
async fn every_answer_has_the_shape_of_its_model() {
    if !is_there("python3", &["-c", "import boto3"]).await {
        return skipped("Python 3 has no boto3");
    }
    let (world, _folder) = World::with_file("ecs: { faults: { broken: crash } }").await;
    world.push("news-api", "good", b"layer").await;
    world.push("news-api", "broken", b"other layer").await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/ecs_trace.py");
    let output = command("python3", &world).args([script, &world.host()]).output().await.expect("Python starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    eprintln!("{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "done", "{errors}");
}

/// A program that answers every request with `app` and its path; returns its port.
async fn app() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    let port = listener.local_addr().expect("it listens").port();
    let answer = |uri: axum::http::Uri| async move { format!("app {uri}") };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    port
}

#[tokio::test]
async fn boto3_on_load_balancers_and_logs() {
    if !is_there("python3", &["-c", "import boto3"]).await {
        return skipped("Python 3 has no boto3");
    }
    let (world, _folder) = World::new().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/shapes.py");
    let output = command("python3", &world)
        .arg(script)
        .env("APP_PORT", app().await.to_string())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .await
        .expect("Python starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "done 41", "{stderr}");
}

#[tokio::test]
async fn the_aws_cli_on_load_balancers_and_logs() {
    if !is_there("aws", &["--version"]).await {
        return skipped("the AWS CLI is not installed");
    }
    let (world, _folder) = World::with_file("elbv2: { load_balancers: [news-api-alb] }").await;
    let lines = ["starting", "KeyError: 'DATABASE_URL'"];
    world.account.put_log_lines("us-east-1", "/ecs/news-api", "ecs/news-api/1", lines, true).expect("they are kept");
    let run = async |line: &str| {
        let output = command("aws", &world).args(line.split(' ')).output().await.expect("the AWS CLI starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let asked = "elbv2 describe-load-balancers --names news-api-alb --query LoadBalancers[0].DNSName --output text";
    let (code, host, errors) = run(asked).await;
    assert_eq!(code, Some(0), "{errors}");
    let group =
        "elbv2 describe-target-groups --names news-api-alb-tg --query TargetGroups[0].TargetGroupArn --output text";
    let (_, group, _) = run(group).await;
    let port = app().await;
    let (code, _, errors) =
        run(&format!("elbv2 register-targets --target-group-arn {group} --targets Id=127.0.0.1,Port={port}")).await;
    assert_eq!(code, Some(0), "{errors}");
    let (code, _, errors) = run(&format!("elbv2 wait target-in-service --target-group-arn {group}")).await;
    assert_eq!(code, Some(0), "{errors}");
    let answer = crate::support::send_to(&host, "GET", "/docs", &[], b"").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "app /docs"));
    let stream = "--log-group-name /ecs/news-api --log-stream-name ecs/news-api/1";
    let (code, shown, errors) =
        run(&format!("logs get-log-events {stream} --query events[].message --output text")).await;
    assert_eq!((code, &*shown), (Some(0), "starting\tKeyError: 'DATABASE_URL'"), "{errors}");
    let refused = [
        ("elbv2 describe-load-balancers --names nope", "(LoadBalancerNotFound)", "Load balancers '[nope]' not found"),
        (
            "logs get-log-events --log-group-name nope --log-stream-name x",
            "(ResourceNotFoundException)",
            "log group does not exist.",
        ),
        (
            "logs filter-log-events --log-group-name /ecs/news-api --log-stream-names x",
            "(ResourceNotFoundException)",
            "log stream does not exist.",
        ),
    ];
    for (line, want_code, want) in refused {
        let (code, _, errors) = run(line).await;
        // Version 1 of the CLI ends with 255, version 2 with 254.
        assert!(
            matches!(code, Some(254 | 255)) && errors.contains(want_code) && errors.contains(want),
            "{line}: {errors}"
        );
    }
}

/// The cases T1 to T17 of the AWS rules 7.1, but for what `docker` does in them; every answer is held against botocore's models.
#[tokio::test]
async fn the_aws_cli_on_what_guides_ask_for() {
    if !is_there("python3", &["-c", "import awscli.clidriver"]).await {
        return skipped("Python 3 has no version 1 of the AWS CLI");
    }
    let (world, _folder) = World::with_file("ecr: { repositories: [cases] }").await;
    for tag in ["good", "better"] {
        world.push("cases", tag, tag.as_bytes()).await;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cli_cases.py");
    let output = command("python3", &world).arg(script).output().await.expect("Python starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(stdout.trim(), "done 46 20", "{stderr}");
}
