//! Roles for those who have keys, and sessions.

use serde_json::json;
use wfrun_aws::{Clock, IdentityPolicy, Keys};

use crate::iam::element;
use crate::support::{Answer, World, news_api, percent_encoded as encoded, settings};

const ROLE: &str = "arn:aws:iam::123456789012:role/team/deploy";

fn keys(answer: &Answer) -> (Keys, String) {
    let text = |name| element(answer, name);
    let keys = Keys { access_key_id: text("AccessKeyId"), secret_access_key: text("SecretAccessKey") };
    (keys, text("SessionToken"))
}

/// A call with session credentials: the token is not signed here, as clients may leave it.
async fn as_session(
    world: &World,
    session: &(Keys, String),
    service: &str,
    target: Option<&str>,
    body: &str,
) -> Answer {
    let authorization = world.authorization(service).replace(&world.keys.access_key_id, &session.0.access_key_id);
    let date = crate::signing::date(&world.clock);
    let signed = crate::signing::sign(("POST", "/"), &world.host(), &date, &authorization, &session.0, body.as_bytes());
    let mut headers = vec![
        ("Authorization", signed.as_str()),
        ("X-Amz-Date", &date),
        ("X-Amz-Security-Token", &session.1),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    headers.extend(target.map(|it| ("X-Amz-Target", it)));
    world.send("POST", "/", &headers, body.as_bytes()).await
}

async fn who(world: &World, session: &(Keys, String)) -> String {
    element(&as_session(world, session, "sts", None, "Action=GetCallerIdentity&Version=2011-06-15").await, "Arn")
}

async fn describe_clusters(world: &World, session: &(Keys, String)) -> Answer {
    let target = Some("AmazonEC2ContainerServiceV20141113.DescribeClusters");
    as_session(world, session, "ecs", target, r#"{"clusters":["news-api-cluster"]}"#).await
}

/// An account that enforces, with a role that the workflow's user may assume with an external id.
async fn world() -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let policy =
        json!({ "Statement": { "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*" } });
    std::fs::write(folder.path().join("policy.json"), policy.to_string()).expect("the folder is there");
    let file = "iam: { mode: enforce, users: { github-actions-deploy: { policies: [policy.json] } } }";
    let world = World::open(folder.path(), file, Clock::system()).await;
    let user = world.keys.clone();
    let root = world.account.mint_root_keys();
    let world = world.acting_as(root);
    let trust = encoded(
        &json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": "123456789012" }, "Action": "sts:AssumeRole",
              "Condition": { "StringEquals": { "sts:ExternalId": "xyz" } } },
            { "Effect": "Allow", "Principal": { "AWS": "123456789012" }, "Action": "sts:TagSession",
              "Condition": { "ForAllValues:StringEquals": { "aws:TagKeys": ["Repository"] } } },
        ] })
        .to_string(),
    );
    let form = format!("&RoleName=deploy&Path=/team/&AssumeRolePolicyDocument={trust}&MaxSessionDuration=7200");
    assert_eq!(world.query("iam", "CreateRole", &form).await.status, 200);
    let policy = encoded(
        &json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "ecs:*", "Resource": "*",
            "Condition": { "StringEqualsIfExists": { "aws:PrincipalTag/Repository": "o/r" } } } })
        .to_string(),
    );
    let form = format!("&RoleName=deploy&PolicyName=own&PolicyDocument={policy}");
    assert_eq!(world.query("iam", "PutRolePolicy", &form).await.status, 200);
    (world.acting_as(user), folder)
}

async fn assume(world: &World, role: &str, more: &str) -> Answer {
    world.query("sts", "AssumeRole", &format!("&RoleArn={role}&RoleSessionName=ci{more}")).await
}

/// Source: AWS STS API reference, `AssumeRole`.
#[tokio::test]
async fn a_role_is_assumed_as_its_trust_policy_says() {
    let (world, _folder) = world().await;
    let answer = assume(&world, ROLE, "&ExternalId=xyz&DurationSeconds=7200").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(element(&answer, "Arn"), "arn:aws:sts::123456789012:assumed-role/deploy/ci");
    assert!(element(&answer, "AssumedRoleId").starts_with("AROA"));
    let session = keys(&answer);
    assert_eq!(who(&world, &session).await, "arn:aws:sts::123456789012:assumed-role/deploy/ci");
    assert_eq!(describe_clusters(&world, &session).await.status, 200);

    let user = "arn:aws:iam::123456789012:user/github-actions-deploy";
    let denied =
        |action: &str, role: &str| format!("User: {user} is not authorized to perform: {action} on resource: {role}");
    let max = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    let tag = "&Tags.member.1.Key=Repository&Tags.member.1.Value=o/r";
    let rows = [
        (ROLE, "", 403, "AccessDenied", denied("sts:AssumeRole", ROLE)),
        (ROLE, "&ExternalId=other", 403, "AccessDenied", denied("sts:AssumeRole", ROLE)),
        (
            ROLE,
            "&ExternalId=xyz&Tags.member.1.Key=Actor&Tags.member.1.Value=a",
            403,
            "AccessDenied",
            denied("sts:TagSession", ROLE),
        ),
        (ROLE, "&ExternalId=xyz&DurationSeconds=7201", 400, "ValidationError", max.to_owned()),
        (ROLE, "&ExternalId=xyz&DurationSeconds=60", 400, "ValidationError", "1 validation error detected".to_owned()),
        (ROLE, "&ExternalId=xyz&Policy=%7B", 400, "MalformedPolicyDocument", "Syntax errors in policy.".to_owned()),
        (
            "arn:aws:iam::210987654321:role/x",
            "",
            403,
            "AccessDenied",
            denied("sts:AssumeRole", "arn:aws:iam::210987654321:role/x"),
        ),
        ("deploy", "", 400, "ValidationError", "deploy is invalid".to_owned()),
        // A role that is not in IAM has sessions of an hour.
        ("arn:aws:iam::123456789012:role/new", "&DurationSeconds=21600", 400, "ValidationError", max.to_owned()),
    ];
    for (role, more, status, code, message) in rows {
        let answer = assume(&world, role, more).await;
        assert_eq!((answer.status, &*element(&answer, "Code")), (status, code), "{role} {more}: {}", answer.text());
        assert!(element(&answer, "Message").starts_with(&message), "{role} {more}: {}", answer.text());
    }
    let tagged = assume(&world, ROLE, &format!("&ExternalId=xyz{tag}")).await;
    assert_eq!(tagged.status, 200, "{}", tagged.text());
    assert_eq!(describe_clusters(&world, &keys(&tagged)).await.status, 200);
}

#[tokio::test]
async fn a_session_policy_only_takes_away() {
    let (world, _folder) = world().await;
    let narrow = encoded(r#"{"Statement":{"Effect":"Allow","Action":["ecs:List*","ecr:*"],"Resource":"*"}}"#);
    let answer = assume(&world, ROLE, &format!("&ExternalId=xyz&Policy={narrow}")).await;
    assert!(element(&answer, "PackedPolicySize").parse::<u32>().is_ok());
    let session = keys(&answer);
    let denied = describe_clusters(&world, &session).await;
    let message = denied.json()["message"].as_str().unwrap_or_default().to_owned();
    let words = "because no session policy allows the ecs:DescribeClusters action";
    assert!(denied.status == 400 && message.ends_with(words), "{message}");
    let target = Some("AmazonEC2ContainerServiceV20141113.ListTaskDefinitions");
    assert_eq!(as_session(&world, &session, "ecs", target, "{}").await.status, 200);
    let target = Some("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
    let answer = as_session(&world, &session, "ecr", target, "{}").await;
    let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("no identity-based policy allows"), "the role may not: {message}");
    // The role's policy asks for the tag where there is one.
    let trust =
        encoded(r#"{"Statement":{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":"*"}}"#);
    let (user, root) = (world.keys.clone(), world.account.mint_root_keys());
    let world = world.acting_as(root);
    world.query("iam", "UpdateAssumeRolePolicy", &format!("&RoleName=deploy&PolicyDocument={trust}")).await;
    let world = world.acting_as(user);
    let tagged = assume(&world, ROLE, "&Tags.member.1.Key=Repository&Tags.member.1.Value=else").await;
    assert_eq!(describe_clusters(&world, &keys(&tagged)).await.status, 400);
}

/// Source: AWS IAM user guide, "AWS global condition context keys", `aws:PrincipalTag`, and "Pass session tags in AWS STS".
#[tokio::test]
async fn conditions_see_the_tags_of_the_role_and_those_of_the_session_first() {
    let (world, _folder) = world().await;
    let user = world.keys.clone();
    let root = world.account.mint_root_keys();
    let world = world.acting_as(root);
    let trust =
        encoded(r#"{"Statement":{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":"*"}}"#);
    let policy = encoded(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecs:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"a"}}}}"#,
    );
    for (role, team) in [("mine", "a"), ("other", "b")] {
        let form = format!(
            "&RoleName={role}&AssumeRolePolicyDocument={trust}&Tags.member.1.Key=team&Tags.member.1.Value={team}"
        );
        assert_eq!(world.query("iam", "CreateRole", &form).await.status, 200);
        let form = format!("&RoleName={role}&PolicyName=own&PolicyDocument={policy}");
        assert_eq!(world.query("iam", "PutRolePolicy", &form).await.status, 200);
    }
    let world = world.acting_as(user);
    for (role, more, status) in [
        ("mine", "", 200),
        ("other", "", 400),
        ("mine", "&Tags.member.1.Key=team&Tags.member.1.Value=b", 400),
        ("other", "&Tags.member.1.Key=team&Tags.member.1.Value=a", 200),
    ] {
        let answer = assume(&world, &format!("arn:aws:iam::123456789012:role/{role}"), more).await;
        assert_eq!(answer.status, 200, "{role} {more}: {}", answer.text());
        assert_eq!(describe_clusters(&world, &keys(&answer)).await.status, status, "{role} {more}");
    }
}

/// Source: AWS STS API reference, `GetSessionToken`.
#[tokio::test]
async fn a_user_has_a_session_of_its_own() {
    let (world, _folder) = world().await;
    let answer = world.query("sts", "GetSessionToken", "&DurationSeconds=900").await;
    let session = keys(&answer);
    assert_eq!(who(&world, &session).await, "arn:aws:iam::123456789012:user/github-actions-deploy");
    assert_eq!(describe_clusters(&world, &session).await.status, 400, "it may what the user may");
    let again = as_session(&world, &session, "sts", None, "Action=GetSessionToken&Version=2011-06-15").await;
    assert_eq!((again.status, &*element(&again, "Code")), (403, "AccessDenied"));
}

/// A key-based workflow that assumes a role, in an account that nobody set up.
#[tokio::test]
async fn a_role_that_is_not_in_iam_may_be_assumed() {
    let (world, _folder) = World::new().await;
    let answer = assume(&world, "arn:aws:iam::123456789012:role/anything", "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let session = keys(&answer);
    assert_eq!(describe_clusters(&world, &session).await.status, 200);
    let chained = as_session(
        &world,
        &session,
        "sts",
        None,
        &format!("Action=AssumeRole&Version=2011-06-15&RoleArn={ROLE}&RoleSessionName=ci&DurationSeconds=7200"),
    )
    .await;
    assert!(element(&chained, "Message").contains("role chaining"), "{}", chained.text());
}

/// The policies of a run's files are those of a role that is not in IAM; one that is has its own.
#[tokio::test]
async fn a_role_that_is_not_in_iam_has_the_policies_of_the_workflow() {
    let folder = tempfile::tempdir().unwrap();
    let policy = json!({ "Statement": {
        "Effect": "Allow", "Action": ["sts:AssumeRole", "ecs:DescribeClusters"], "Resource": "*",
    } });
    let mut settings = settings(folder.path(), "iam: { mode: enforce }", news_api());
    settings.iam_policies = vec![IdentityPolicy::parse("policy.json", &policy.to_string()).unwrap()];
    let world = World::open_with(settings, Clock::system()).await;
    let (user, root) = (world.keys.clone(), world.account.mint_root_keys());
    let world = world.acting_as(root);
    let trust = encoded(r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"}}"#);
    let form = format!("&RoleName=known&AssumeRolePolicyDocument={trust}");
    assert_eq!(world.query("iam", "CreateRole", &form).await.status, 200);
    let world = world.acting_as(user);
    for (role, status) in [("anything", 200), ("known", 400)] {
        let answer = assume(&world, &format!("arn:aws:iam::123456789012:role/{role}"), "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(describe_clusters(&world, &keys(&answer)).await.status, status, "{role}");
    }
}
