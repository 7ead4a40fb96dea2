//! Permissions: what is denied, in which words, and what the report says.

use std::path::Path;

use serde_json::{Value, json};
use wfrun_aws::{Clock, PermissionDecision};

use crate::support::{DOCKER_MANIFEST, World, digest, manifest};

const REPOSITORY: &str = "arn:aws:ecr:us-east-1:123456789012:repository/news-api";
const ROLE: &str = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole";

/// The policy of the deploy guide that the example follows.
fn deploy_policy() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Sid": "ECRAccess", "Effect": "Allow", "Resource": "*", "Action": [
                "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage",
                "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage",
            ] },
            { "Sid": "ECSAccess", "Effect": "Allow", "Resource": "*", "Action": [
                "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition", "ecs:DescribeServices", "ecs:UpdateService",
            ] },
            { "Sid": "PassRole", "Effect": "Allow", "Resource": "arn:aws:iam::*:role/ecsTaskExecutionRole", "Action": "iam:PassRole" },
        ],
    })
}

/// The policy without one action; a statement without actions is left out.
fn without(action: &str) -> Value {
    let mut policy = deploy_policy();
    let statements = policy["Statement"].as_array_mut().expect("a list of statements");
    for statement in &mut *statements {
        if let Some(actions) = statement["Action"].as_array_mut() {
            actions.retain(|it| it != action);
        }
    }
    statements.retain(|it| it["Action"] != action);
    policy
}

async fn world_with(folder: &Path, mode: &str, policy: &Value) -> World {
    std::fs::write(folder.join("policy.json"), policy.to_string()).expect("the test's folder is there");
    let file = format!("iam: {{ mode: {mode}, users: {{ github-actions-deploy: {{ policies: [policy.json] }} }} }}");
    World::open(folder, &file, Clock::system()).await
}

/// What the pipeline asks for, in its order. The first that is refused ends it, as it ends the run: which step, and the text.
async fn deploy(world: &World) -> Result<(), (&'static str, String)> {
    let answer = world.call("ecr", "GetAuthorizationToken", &json!({})).await;
    if answer.status != 200 {
        return Err(("login", denied(&answer.json())));
    }
    let token = answer.json()["authorizationData"][0]["authorizationToken"].as_str().expect("a token").to_owned();
    let authorization = format!("Basic {token}");
    let signed = [("Authorization", authorization.as_str())];
    let (layer, config) = (b"layer".as_slice(), b"{}".as_slice());
    for blob in [layer, config] {
        let answer = world.send("HEAD", &format!("/v2/news-api/blobs/{}", digest(blob)), &signed, b"").await;
        if answer.status == 403 {
            assert!(answer.body.is_empty(), "a HEAD has no body");
            return Err(("head", String::new()));
        }
        let answer = world.send("POST", "/v2/news-api/blobs/uploads/", &signed, b"").await;
        if answer.status != 202 {
            return Err(("post", registry_denial(answer.status, &answer.json())));
        }
        let location = answer.header("location").expect("a place").to_owned();
        let answer = world.send("PATCH", &location, &signed, blob).await;
        if answer.status != 202 {
            return Err(("patch", registry_denial(answer.status, &answer.json())));
        }
        let answer = world.send("PUT", &format!("{location}?digest={}", digest(blob)), &signed, b"").await;
        if answer.status != 201 {
            return Err(("put", registry_denial(answer.status, &answer.json())));
        }
    }
    let typed = [signed[0], ("Content-Type", DOCKER_MANIFEST)];
    let answer = world.send("PUT", "/v2/news-api/manifests/abc", &typed, manifest(config, layer).as_bytes()).await;
    if answer.status != 201 {
        return Err(("manifest", registry_denial(answer.status, &answer.json())));
    }
    let names = json!({ "cluster": "news-api-cluster", "services": ["news-api-service"] });
    let update =
        json!({ "cluster": "news-api-cluster", "service": "news-api-service", "taskDefinition": "news-api-task" });
    let family = json!({ "taskDefinition": "news-api-task" });
    let described = world.call("ecs", "DescribeTaskDefinition", &family).await.json();
    if described["__type"].is_string() {
        return Err(("describe", denied(&described)));
    }
    for (step, operation, input) in [
        ("register", "RegisterTaskDefinition", &described["taskDefinition"]),
        ("services", "DescribeServices", &names),
        ("update", "UpdateService", &update),
    ] {
        let answer = world.call("ecs", operation, input).await;
        if answer.status != 200 {
            return Err((step, denied(&answer.json())));
        }
    }
    Ok(())
}

fn denied(body: &Value) -> String {
    assert_eq!(body["__type"], "AccessDeniedException", "{body}");
    body["message"].as_str().expect("a message").to_owned()
}

fn registry_denial(status: u16, body: &Value) -> String {
    assert_eq!((status, body["errors"][0]["code"].as_str()), (403, Some("DENIED")), "{body}");
    body["errors"][0]["message"].as_str().expect("a message").to_owned()
}

fn text(action: &str, resource: &str) -> String {
    format!(
        "User: arn:aws:iam::123456789012:user/github-actions-deploy is not authorized to perform: {action} on resource: {resource} \
         because no identity-based policy allows the {action} action"
    )
}

/// Source: the AWS rules 5.5, 5.7 and appendix D.
#[tokio::test]
async fn the_deploy_policy_is_enough_and_each_action_of_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let world = world_with(folder.path(), "enforce", &deploy_policy()).await;
    assert_eq!(deploy(&world).await, Ok(()));
    let report = world.account.permission_report();
    assert!(report.denied.is_empty(), "{report:?}");
    let unused: Vec<_> = report.unused.iter().map(|it| (it.at.sid.as_deref(), it.actions.join(" "))).collect();
    assert_eq!(unused, [(Some("ECRAccess"), "ecr:GetDownloadUrlForLayer ecr:BatchGetImage".to_owned())]);

    let service = "arn:aws:ecs:us-east-1:123456789012:service/news-api-cluster/news-api-service";
    let rows = [
        ("ecr:GetAuthorizationToken", "login", "*", "*"),
        ("ecr:BatchCheckLayerAvailability", "head", REPOSITORY, ""),
        ("ecr:InitiateLayerUpload", "post", REPOSITORY, REPOSITORY),
        ("ecr:UploadLayerPart", "patch", REPOSITORY, REPOSITORY),
        ("ecr:CompleteLayerUpload", "put", REPOSITORY, REPOSITORY),
        ("ecr:PutImage", "manifest", REPOSITORY, REPOSITORY),
        ("ecs:DescribeTaskDefinition", "describe", "*", "*"),
        (
            "ecs:RegisterTaskDefinition",
            "register",
            "arn:aws:ecs:us-east-1:123456789012:task-definition/news-api-task:*",
            "*",
        ),
        ("iam:PassRole", "register", ROLE, ROLE),
        ("ecs:DescribeServices", "services", service, service),
        ("ecs:UpdateService", "update", service, service),
    ];
    for (action, step, resource, shown) in rows {
        let folder = tempfile::tempdir().unwrap();
        let world = world_with(folder.path(), "enforce", &without(action)).await;
        // A HEAD has no body to say it in.
        let words = if shown.is_empty() { String::new() } else { text(action, shown) };
        assert_eq!(deploy(&world).await, Err((step, words)), "{action}");
        let report = world.account.permission_report();
        let [denial] = &report.denied[..] else { panic!("{action}: {:?}", report.denied) };
        assert_eq!((&*denial.action, &*denial.resource), (action, resource));
        let shown = if shown.is_empty() { resource } else { shown };
        assert_eq!(denial.denial, Some(text(action, shown)), "{action}");
        let calls = world.calls.lock().unwrap();
        let call = calls.iter().find(|it| it.denial.is_some()).expect("the call was told");
        assert_eq!(
            (call.allowed, call.iam_action.as_deref(), call.resource.as_deref(), call.denial.as_ref()),
            (false, Some(action), Some(resource), denial.denial.as_ref()),
        );
    }
}

#[tokio::test]
async fn the_smallest_policy_is_narrow_and_would_do() {
    let folder = tempfile::tempdir().unwrap();
    let world = world_with(
        folder.path(),
        "report",
        &json!({ "Version": "2012-10-17", "Statement": {
        "Sid": "Little", "Effect": "Allow", "Action": ["ecs:*", "logs:*"], "Resource": "*",
    } }),
    )
    .await;
    assert_eq!(deploy(&world).await, Ok(()), "a report denies nothing");
    let report = world.account.permission_report();
    let denied: Vec<&str> = report.denied.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(
        denied,
        [
            "ecr:GetAuthorizationToken",
            "ecr:BatchCheckLayerAvailability",
            "ecr:InitiateLayerUpload",
            "ecr:UploadLayerPart",
            "ecr:CompleteLayerUpload",
            "ecr:PutImage",
            "iam:PassRole"
        ]
    );
    let unused: Vec<_> = report.unused.iter().map(|it| (it.actions.join(" "), it.whole_statement)).collect();
    assert_eq!(unused, [("logs:*".to_owned(), false)]);
    let register = report.needed.iter().find(|it| it.action == "ecs:RegisterTaskDefinition").unwrap();
    assert_eq!((register.decision, register.count), (PermissionDecision::Allowed, 1));
    assert_eq!(register.reason, "Statement[0] `Little` of `policy.json` allows it");
    let head = report.needed.iter().find(|it| it.action == "ecr:BatchCheckLayerAvailability").unwrap();
    assert_eq!((head.count, head.principal.as_str()), (2, "arn:aws:iam::123456789012:user/github-actions-deploy"));
    let call = world.calls.lock().unwrap().iter().find(|it| it.operation == "PutImage").cloned().unwrap();
    assert_eq!((call.status, call.allowed, call.denial), (201, true, Some(text("ecr:PutImage", REPOSITORY))));

    let [smallest] = &report.smallest[..] else { panic!("{:?}", report.smallest) };
    let service = "arn:aws:ecs:us-east-1:123456789012:service/news-api-cluster/news-api-service";
    assert_eq!(
        smallest.policy,
        json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": ["ecr:GetAuthorizationToken", "ecs:DescribeTaskDefinition"], "Resource": "*" },
            { "Effect": "Allow", "Resource": REPOSITORY, "Action": [
                "ecr:BatchCheckLayerAvailability", "ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage",
                "ecr:UploadLayerPart",
            ] },
            { "Effect": "Allow", "Action": "ecs:RegisterTaskDefinition",
              "Resource": "arn:aws:ecs:us-east-1:123456789012:task-definition/news-api-task:*" },
            { "Effect": "Allow", "Action": "iam:PassRole", "Resource": ROLE,
              "Condition": { "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } } },
            { "Effect": "Allow", "Action": ["ecs:DescribeServices", "ecs:UpdateService"], "Resource": service },
        ] })
    );
    let written = serde_json::to_value(&report).unwrap();
    assert_eq!((&written["mode"], &written["needed"][0]["decision"]), (&json!("report"), &json!("denied")));

    let folder = tempfile::tempdir().unwrap();
    let world = world_with(folder.path(), "enforce", &smallest.policy).await;
    assert_eq!(deploy(&world).await, Ok(()));
    let report = world.account.permission_report();
    assert!(report.unused.is_empty() && report.denied.is_empty(), "{report:?}");
    assert_eq!(report.smallest[0].policy, smallest.policy);
}

#[tokio::test]
async fn what_an_explicit_deny_says_and_who_am_i_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
        { "Sid": "No", "Effect": "Deny", "Action": "*", "Resource": "*" },
    ] });
    let world = world_with(folder.path(), "enforce", &policy).await;
    let answer = world.query("sts", "GetCallerIdentity", "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (code, message) = world.refused("ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": "x" })).await;
    assert_eq!(
        (&*code, &*message),
        (
            "AccessDeniedException",
            "User: arn:aws:iam::123456789012:user/github-actions-deploy is not authorized to perform: ecs:DescribeTaskDefinition on \
             resource: * with an explicit deny in an identity-based policy"
        )
    );
    let answer = world.query("iam", "CreateUser", "&UserName=x").await;
    assert_eq!(answer.status, 403);
    let text = answer.text();
    let words = "is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::123456789012:user/x with an explicit deny";
    assert!(text.contains("<Code>AccessDenied</Code>") && text.contains(words), "{text}");
    let report = world.account.permission_report();
    assert_eq!(report.denied[0].by.as_ref().map(|it| it.statement), Some(1));
    // The root may everything, and needs no policy.
    let keys = world.account.mint_root_keys();
    let world = world.acting_as(keys);
    world.ok("ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": "news-api-task" })).await;
}

/// Source: AWS Service Authorization Reference; the AWS rules 5.6.
#[tokio::test]
async fn what_is_passed_and_tagged_and_mounted_is_asked_for() {
    let (world, _folder) = World::with_file("iam: { mode: report }").await;
    let told = |it: &wfrun_aws::Notice| it.message.starts_with("`iam.mode` is on and nobody has a policy");
    assert!(world.notices.iter().any(told), "{:?}", world.notices);
    let definition = json!({
        "family": "f", "containerDefinitions": [{ "name": "a", "image": "b", "memory": 8 }],
        "executionRoleArn": "exec", "taskRoleArn": "arn:aws:iam::123456789012:role/service-role/task",
        "tags": [{ "key": "team", "value": "a" }],
    });
    world.ok("ecs", "RegisterTaskDefinition", &definition).await;
    let authorization = world.docker_login().await;
    let signed = [("Authorization", authorization.as_str())];
    let mount = format!("/v2/news-api/blobs/uploads/?mount={}&from=team/base", digest(b"x"));
    world.send("POST", &mount, &signed, b"").await;
    let whole = format!("/v2/news-api/blobs/uploads/?digest={}", digest(b"x"));
    world.send("POST", &whole, &signed, b"x").await;
    world.ok("ecr", "DescribeRepositories", &json!({})).await;
    let report = world.account.permission_report();
    let needed: Vec<String> = report.needed.iter().map(|it| format!("{} {}", it.action, it.resource)).collect();
    let ecr = "arn:aws:ecr:us-east-1:123456789012:repository";
    let definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/f:*";
    assert_eq!(
        needed,
        [
            format!("ecs:RegisterTaskDefinition {definition}"),
            format!("ecs:TagResource {definition}"),
            "iam:PassRole arn:aws:iam::123456789012:role/exec".to_owned(),
            "iam:PassRole arn:aws:iam::123456789012:role/service-role/task".to_owned(),
            "ecr:GetAuthorizationToken *".to_owned(),
            format!("ecr:InitiateLayerUpload {ecr}/news-api"),
            format!("ecr:GetDownloadUrlForLayer {ecr}/team/base"),
            format!("ecr:UploadLayerPart {ecr}/news-api"),
            format!("ecr:CompleteLayerUpload {ecr}/news-api"),
            "ecr:DescribeRepositories *".to_owned(),
        ]
    );
    assert_eq!(report.needed[0].keys["aws:RequestTag/team"], ["a"]);
    assert_eq!(report.needed[2].keys["iam:PassedToService"], ["ecs-tasks.amazonaws.com"]);
}

#[tokio::test]
async fn in_the_mode_off_nothing_is_denied_and_what_was_needed_is_known() {
    let (world, _folder) = World::new().await;
    assert_eq!(deploy(&world).await, Ok(()));
    let report = world.account.permission_report();
    assert!(report.needed.iter().all(|it| it.decision == PermissionDecision::Unasked));
    assert!(report.denied.is_empty() && report.unused.is_empty());
    assert_eq!(report.smallest[0].policy["Statement"].as_array().map(Vec::len), Some(5));
}

/// Source: the AWS rules 5.6: AWS lists no `iam:PassRole` for services; the account file can ask for it.
#[tokio::test]
async fn roles_are_passed_on_update_where_the_account_file_says_so() {
    let update =
        json!({ "cluster": "news-api-cluster", "service": "news-api-service", "taskDefinition": "news-api-task" });
    for (file, roles) in [("", 0), ("iam: { passrole_on_update: true }", 1)] {
        let (world, _folder) = World::with_file(file).await;
        world.ok("ecs", "UpdateService", &update).await;
        let needed = world.account.permission_report().needed;
        let passed: Vec<_> = needed.iter().filter(|it| it.action == "iam:PassRole").collect();
        assert_eq!(passed.len(), roles, "{file}");
        assert!(passed.iter().all(|it| it.resource == ROLE));
        assert_eq!(needed[0].keys["ecs:cluster"], ["arn:aws:ecs:us-east-1:123456789012:cluster/news-api-cluster"]);
        let definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/news-api-task:1";
        assert_eq!(needed[0].keys["ecs:task-definition"], [definition]);
    }
}

#[tokio::test]
async fn conditions_see_the_tags_of_users() {
    let folder = tempfile::tempdir().unwrap();
    let policy = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "iam:*", "Resource": "*",
        "Condition": { "StringEqualsIfExists": { "aws:ResourceTag/team": "a", "aws:RequestTag/team": "b" } } } });
    let world = world_with(folder.path(), "enforce", &policy).await;
    let tag = |value: &str| format!("&Tags.member.1.Key=team&Tags.member.1.Value={value}");
    assert_eq!(world.query("iam", "CreateUser", &format!("&UserName=x{}", tag("c"))).await.status, 403);
    assert_eq!(world.query("iam", "CreateUser", &format!("&UserName=x{}", tag("b"))).await.status, 200);
    let answer = world.query("iam", "GetUser", "&UserName=x").await;
    assert!(answer.status == 403 && answer.text().contains("user/x because no identity-based"), "{}", answer.text());
    assert_eq!(world.query("iam", "GetUser", "").await.status, 200, "a user without tags");
}

/// Source: AWS Service Authorization Reference, actions and condition keys of ECS and of Elastic Load Balancing.
#[tokio::test]
async fn what_a_request_brings_with_it_is_asked_for_too() {
    let (world, _folder) = World::with_file("iam: { mode: report }").await;
    let cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/news-api-cluster";
    let tags = json!([{ "key": "team", "value": "a" }]);
    world.ok("ecs", "TagResource", &json!({ "resourceArn": cluster, "tags": tags })).await;
    let other = "arn:aws:iam::123456789012:role/other";
    let task = json!({
        "cluster": "news-api-cluster", "taskDefinition": "news-api-task", "overrides": { "taskRoleArn": other },
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
    });
    world.ok("ecs", "RunTask", &task).await;
    let form =
        "&Name=web&Tags.member.1.Key=team&Tags.member.1.Value=b&Subnets.member.1=subnet-1&Subnets.member.2=subnet-2";
    let answer = world.query("elasticloadbalancing", "CreateLoadBalancer", form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let needed = world.account.permission_report().needed;
    let shown: Vec<(&str, &str)> = needed.iter().map(|it| (&*it.action, &*it.resource)).collect();
    let balancer = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/*";
    assert_eq!(
        shown,
        [
            ("ecs:TagResource", cluster),
            ("ecs:RunTask", "arn:aws:ecs:us-east-1:123456789012:task-definition/news-api-task:1"),
            ("iam:PassRole", ROLE),
            ("iam:PassRole", other),
            ("elasticloadbalancing:CreateLoadBalancer", balancer),
            ("elasticloadbalancing:AddTags", balancer),
        ]
    );
    assert_eq!(needed[0].keys["aws:RequestTag/team"], ["a"]);
    assert_eq!(needed[5].keys["aws:RequestTag/team"], ["b"]);
}

/// Source: AWS Service Authorization Reference, resource types of `CloudWatch` Logs: `log-group:NAME` and `log-group:NAME:*`.
#[tokio::test]
async fn a_policy_names_a_log_group_in_either_form() {
    for (group, status) in [("/a", 200), ("/a:*", 200), ("/b:*", 400)] {
        let folder = tempfile::tempdir().unwrap();
        let resource = format!("arn:aws:logs:*:*:log-group:{group}");
        let policy = json!({ "Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": resource,
        } });
        let world = world_with(folder.path(), "enforce", &policy).await;
        let answer = world.call("logs", "CreateLogGroup", &json!({ "logGroupName": "/a" })).await;
        assert_eq!(answer.status, status, "{group}: {}", answer.text());
    }
}
