//! The operations of IAM.

use std::path::Path;

use serde_json::json;
use wfrun_aws::{Clock, Keys};

use crate::clients::{command, is_there, skipped};
use crate::support::{Answer, World, percent_encoded as encoded};

/// The text of the first element of that name.
pub(crate) fn element(answer: &Answer, name: &str) -> String {
    let xml = answer.text();
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name}: {xml}"));
    rest.split_once("</").map_or(rest, |(text, _)| text).to_owned()
}

/// The account's root, as whoever sets the account up.
async fn world(folder: &Path, file: &str) -> World {
    let world = World::open(folder, file, Clock::system()).await;
    let root = world.account.mint_root_keys();
    world.acting_as(root)
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, message: &str) {
    assert_eq!((answer.status, &*element(answer, "Code")), (status, code), "{}", answer.text());
    assert!(element(answer, "Message").contains(message), "{}", answer.text());
}

#[tokio::test]
async fn a_user_s_own_keys_and_policies_hold_and_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = "iam: { mode: enforce, users: { ann: {} } }";
    let root = world(folder.path(), file).await;
    let key = root.query("iam", "CreateAccessKey", "&UserName=ann").await;
    let ann = Keys { access_key_id: element(&key, "AccessKeyId"), secret_access_key: element(&key, "SecretAccessKey") };
    let policy = encoded(r#"{"Statement":{"Effect":"Allow","Action":["ecs:List*","iam:GetUser"],"Resource":"*"}}"#);
    let created = root.query("iam", "CreatePolicy", &format!("&PolicyName=look&PolicyDocument={policy}")).await;
    let arn = element(&created, "Arn");
    assert_eq!(arn, "arn:aws:iam::123456789012:policy/look");
    assert_eq!(root.query("iam", "AttachUserPolicy", &format!("&UserName=ann&PolicyArn={arn}")).await.status, 200);
    root.endpoint.stop().await;
    drop(root.account);

    let root = world(folder.path(), file).await;
    let root_keys = root.keys.clone();
    let as_ann = root.acting_as(ann);
    let who = as_ann.query("sts", "GetCallerIdentity", "").await;
    assert_eq!(element(&who, "Arn"), "arn:aws:iam::123456789012:user/ann");
    let own = as_ann.query("iam", "GetUser", "").await;
    assert_eq!(element(&own, "UserId"), element(&who, "UserId"));
    as_ann.ok("ecs", "ListTaskDefinitions", &json!({})).await;
    let (code, _) = as_ann.refused("ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": "x" })).await;
    assert_eq!(code, "AccessDeniedException");
    let key = as_ann.keys.clone();
    let form = format!("&UserName=ann&AccessKeyId={}&Status=Inactive", key.access_key_id);
    refused(
        &as_ann.query("iam", "UpdateAccessKey", &form).await,
        403,
        "AccessDenied",
        "iam:UpdateAccessKey on resource",
    );
    let root = as_ann.acting_as(root_keys);
    assert_eq!(root.query("iam", "UpdateAccessKey", &form).await.status, 200);
    let as_ann = root.acting_as(key);
    refused(&as_ann.query("sts", "GetCallerIdentity", "").await, 403, "InvalidClientTokenId", "The security token");
}

/// Source: AWS IAM API reference, the errors of each operation.
#[tokio::test]
async fn what_is_refused_and_how() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "").await;
    let good = encoded(r#"{"Statement":{"Effect":"Allow","Action":"ecs:*","Resource":"*"}}"#);
    let trust = encoded(r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"}}"#);
    let huge = encoded(
        &json!({ "Statement": { "Effect": "Allow", "Action": "ecs:*", "Resource":
        (0..200).map(|at| format!("arn:aws:ecs:us-east-1:123456789012:service/{at}")).collect::<Vec<_>>() } })
        .to_string(),
    );
    let look = "arn:aws:iam::123456789012:policy/look";
    for (operation, form) in [
        ("CreateUser", "UserName=ann".to_owned()),
        ("CreateAccessKey", "UserName=ann".to_owned()),
        ("CreateAccessKey", "UserName=ann".to_owned()),
        ("CreatePolicy", format!("PolicyName=look&PolicyDocument={good}")),
        ("AttachUserPolicy", format!("UserName=ann&PolicyArn={look}")),
        ("AttachUserPolicy", format!("UserName=ann&PolicyArn={look}")),
        ("PutUserPolicy", format!("UserName=ann&PolicyName=own&PolicyDocument={good}")),
        ("CreateRole", format!("RoleName=deploy&AssumeRolePolicyDocument={trust}&Path=/team/")),
        ("AttachRolePolicy", "RoleName=deploy&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess".to_owned()),
        ("CreateOpenIDConnectProvider", "Url=https://example.com".to_owned()),
        ("CreatePolicyVersion", format!("PolicyArn={look}&PolicyDocument={good}&SetAsDefault=true")),
    ] {
        let answer = world.query("iam", operation, &format!("&{form}")).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
    }
    let rows: Vec<(&str, String, u16, &str, &str)> = vec![
        ("CreateUser", "UserName=ann".into(), 409, "EntityAlreadyExists", "User with name ann already exists."),
        ("CreateUser", "UserName=a+b".into(), 400, "ValidationError", "The specified value for userName is invalid."),
        ("CreateUser", String::new(), 400, "ValidationError", "Value null at 'userName'"),
        (
            "CreateUser",
            "UserName=bob&Path=x".into(),
            400,
            "ValidationError",
            "The specified value for path is invalid.",
        ),
        ("GetUser", "UserName=bob".into(), 404, "NoSuchEntity", "The user with name bob cannot be found."),
        ("GetUser", String::new(), 400, "ValidationError", "Must specify userName when calling with non-User"),
        (
            "CreateAccessKey",
            "UserName=ann".into(),
            409,
            "LimitExceeded",
            "Cannot exceed quota for AccessKeysPerUser: 2",
        ),
        ("CreateAccessKey", "UserName=bob".into(), 404, "NoSuchEntity", "The user with name bob cannot be found."),
        ("DeleteAccessKey", "UserName=ann&AccessKeyId=AKIA".into(), 404, "NoSuchEntity", "The Access Key with id AKIA"),
        ("DeleteUser", "UserName=ann".into(), 409, "DeleteConflict", "must delete access keys first."),
        (
            "CreatePolicy",
            "PolicyName=p&PolicyDocument=%7B".into(),
            400,
            "MalformedPolicyDocument",
            "Syntax errors in policy.",
        ),
        (
            "CreatePolicy",
            format!("PolicyName=look&PolicyDocument={good}"),
            409,
            "EntityAlreadyExists",
            "A policy called look",
        ),
        ("CreatePolicy", format!("PolicyName=p&PolicyDocument={huge}"), 409, "LimitExceeded", "PolicySize: 6144"),
        (
            "PutUserPolicy",
            format!("UserName=ann&PolicyName=p&PolicyDocument={huge}"),
            409,
            "LimitExceeded",
            "2048 bytes",
        ),
        (
            "AttachUserPolicy",
            "UserName=ann&PolicyArn=arn:x".into(),
            404,
            "NoSuchEntity",
            "Policy arn:x does not exist or is not",
        ),
        ("AttachUserPolicy", format!("UserName=bob&PolicyArn={look}"), 404, "NoSuchEntity", "The user with name bob"),
        ("GetPolicy", "PolicyArn=arn:x".into(), 404, "NoSuchEntity", "Policy arn:x was not found."),
        ("GetPolicyVersion", format!("PolicyArn={look}&VersionId=v9"), 404, "NoSuchEntity", "version v9"),
        ("DeletePolicyVersion", format!("PolicyArn={look}&VersionId=v2"), 409, "DeleteConflict", "the default version"),
        ("DeletePolicy", format!("PolicyArn={look}"), 409, "DeleteConflict", "This policy has more than one version."),
        (
            "GetUserPolicy",
            "UserName=ann&PolicyName=x".into(),
            404,
            "NoSuchEntity",
            "The user policy with name x cannot be found.",
        ),
        (
            "CreateRole",
            format!("RoleName=deploy&AssumeRolePolicyDocument={trust}"),
            409,
            "EntityAlreadyExists",
            "Role with name",
        ),
        (
            "CreateRole",
            format!("RoleName=x&AssumeRolePolicyDocument={good}"),
            400,
            "MalformedPolicyDocument",
            "Has prohibited",
        ),
        (
            "CreateRole",
            format!("RoleName=x&AssumeRolePolicyDocument={trust}&MaxSessionDuration=60"),
            400,
            "ValidationError",
            "between 3600 and 43200",
        ),
        ("GetRole", "RoleName=x".into(), 404, "NoSuchEntity", "The role with name x cannot be found."),
        ("DeleteRole", "RoleName=deploy".into(), 409, "DeleteConflict", "must detach all policies first."),
        (
            "CreateOpenIDConnectProvider",
            "Url=https://example.com".into(),
            409,
            "EntityAlreadyExists",
            "Provider with url",
        ),
        (
            "CreateOpenIDConnectProvider",
            "Url=http://x".into(),
            400,
            "ValidationError",
            "Invalid Open ID Connect Provider URL",
        ),
        ("ListUsers", "MaxItems=0".into(), 400, "ValidationError", "between 1 and 1000"),
        ("ListUsers", "Marker=x".into(), 400, "ValidationError", "Invalid Marker"),
        ("SimulatePrincipalPolicy", "PolicySourceArn=x".into(), 400, "ValidationError", "Invalid Entity Arn"),
    ];
    for (operation, form, status, code, message) in rows {
        let answer = world.query("iam", operation, &format!("&{form}")).await;
        assert!(answer.status == status, "{operation} {form}: {}", answer.text());
        refused(&answer, status, code, message);
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "iam: { users: { a: {}, b: {}, c: {} } }").await;
    let (mut seen, mut form) = (Vec::new(), "&MaxItems=3".to_owned());
    loop {
        let answer = world.query("iam", "ListUsers", &form).await;
        let text = answer.text();
        seen.push(text.matches("<UserName>").count());
        if element(&answer, "IsTruncated") == "false" {
            assert!(!text.contains("<Marker>"));
            break;
        }
        form = format!("&MaxItems=3&Marker={}", element(&answer, "Marker"));
    }
    assert_eq!(seen, [3, 1], "a, b, c, and the workflow's");
}

#[tokio::test]
async fn what_would_be_allowed_can_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "iam: { users: { ann: {} } }").await;
    let policy = encoded(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:*","Resource":"*","Condition":{"StringEquals":{"ecs:cluster":"c"}}},{"Effect":"Deny","Action":"ecs:Delete*","Resource":"*"}]}"#,
    );
    world.query("iam", "PutUserPolicy", &format!("&UserName=ann&PolicyName=own&PolicyDocument={policy}")).await;
    let form = "&PolicySourceArn=arn:aws:iam::123456789012:user/ann&ActionNames.member.1=ecs:UpdateService\
                &ActionNames.member.2=ecs:DeleteService&ActionNames.member.3=ecr:PutImage";
    let cluster = "&ContextEntries.member.1.ContextKeyName=ecs:cluster&ContextEntries.member.1.ContextKeyType=string\
                   &ContextEntries.member.1.ContextKeyValues.member.1=c";
    let decisions = async |form: &str| {
        let text = world.query("iam", "SimulatePrincipalPolicy", form).await.text();
        let words = text.split("<EvalDecision>").skip(1).map(|it| it.split('<').next().unwrap_or_default().to_owned());
        words.collect::<Vec<_>>()
    };
    assert_eq!(decisions(form).await, ["implicitDeny", "explicitDeny", "implicitDeny"]);
    assert_eq!(decisions(&format!("{form}{cluster}")).await, ["allowed", "explicitDeny", "implicitDeny"]);
}

/// Source: the AWS rules 7.1, T1 to T5.
#[tokio::test]
async fn the_aws_cli_sets_a_deploy_user_up() {
    if !is_there("aws", &["--version"]).await {
        return skipped("the AWS CLI is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("policy.json"),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:*","Resource":"*"}]}"#,
    )
    .unwrap();
    std::fs::write(folder.path().join("broken.json"), "{\"Version\":").unwrap();
    let root = world(folder.path(), "").await;
    let run = async |world: &World, line: &str| {
        let output = command("aws", world).args(line.split_whitespace()).current_dir(folder.path()).output().await;
        let output = output.expect("the AWS CLI starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let ok = async |world: &World, line: &str| {
        let (code, stdout, errors) = run(world, line).await;
        assert_eq!(code, Some(0), "{line}: {errors}");
        stdout
    };
    let fails = async |line: &str, error: &str| {
        let (code, _, errors) = run(&root, line).await;
        // 255 in version 1, 254 in version 2.
        assert!(matches!(code, Some(254 | 255)) && errors.contains(error), "{line}: {code:?} {errors}");
    };
    let user = ok(&root, "iam create-user --user-name deploy-guide").await;
    let user: serde_json::Value = serde_json::from_str(&user).unwrap();
    assert_eq!(user["User"]["Path"], "/");
    assert_eq!(user["User"]["Arn"], "arn:aws:iam::123456789012:user/deploy-guide");
    assert!(user["User"]["UserId"].as_str().unwrap().starts_with("AIDA") && user["User"]["CreateDate"].is_string());
    let exists = "An error occurred (EntityAlreadyExists) when calling the CreateUser operation: User with name deploy-guide \
                  already exists.";
    fails("iam create-user --user-name deploy-guide", exists).await;
    let key = ok(&root, "iam create-access-key --user-name deploy-guide").await;
    let key: serde_json::Value = serde_json::from_str(&key).unwrap();
    let text = |member: &str| key["AccessKey"][member].as_str().unwrap().to_owned();
    assert_eq!(text("Status"), "Active");
    ok(&root, "iam create-access-key --user-name deploy-guide").await;
    let limit =
        "(LimitExceeded) when calling the CreateAccessKey operation: Cannot exceed quota for AccessKeysPerUser: 2";
    fails("iam create-access-key --user-name deploy-guide", limit).await;
    let create = "iam create-policy --policy-name GitHubActionsDeployPolicy --policy-document";
    let arn = ok(&root, &format!("{create} file://policy.json --query Policy.Arn --output text")).await;
    assert_eq!(arn, "arn:aws:iam::123456789012:policy/GitHubActionsDeployPolicy");
    let malformed = "(MalformedPolicyDocument) when calling the CreatePolicy operation: Syntax errors in policy.";
    fails(&format!("{create} file://broken.json"), malformed).await;
    ok(&root, &format!("iam attach-user-policy --user-name deploy-guide --policy-arn {arn}")).await;
    let list =
        "iam list-attached-user-policies --user-name deploy-guide --query AttachedPolicies[0].PolicyName --output text";
    assert_eq!(ok(&root, list).await, "GitHubActionsDeployPolicy");
    let attach = "iam attach-user-policy --user-name deploy-guide --policy-arn arn:aws:iam::123456789012:policy/nope";
    fails(
        attach,
        "(NoSuchEntity) when calling the AttachUserPolicy operation: Policy arn:aws:iam::123456789012:policy/nope",
    )
    .await;
    let version = format!(
        "iam get-policy-version --policy-arn {arn} --version-id v1 --query PolicyVersion.Document.Version --output text"
    );
    assert_eq!(ok(&root, &version).await, "2012-10-17", "the CLI decodes the document");
    let deploy =
        root.acting_as(Keys { access_key_id: text("AccessKeyId"), secret_access_key: text("SecretAccessKey") });
    let who = ok(&deploy, "sts get-caller-identity --query Arn --output text").await;
    assert_eq!(who, "arn:aws:iam::123456789012:user/deploy-guide");
    assert_eq!(ok(&deploy, "sts get-caller-identity --query Account --output text").await, "123456789012");
}

/// Source: the AWS rules 7.3.
#[tokio::test]
async fn every_answer_has_the_shape_that_botocore_s_model_has() {
    if !is_there("python3", &["-c", "import boto3"]).await {
        return skipped("Python 3 has no boto3");
    }
    let folder = tempfile::tempdir().unwrap();
    let root = world(folder.path(), "").await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/shapes_of_iam.py");
    let output = command("python3", &root).arg(script).output().await.expect("Python starts");
    let (stdout, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(stdout.trim(), "57 operations, 0 findings", "{errors}");
}
