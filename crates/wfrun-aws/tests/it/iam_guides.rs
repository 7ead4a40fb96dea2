//! What deploy guides do with IAM: they attach AWS' policies, make the service-linked role of ECS, and tag.

use serde_json::json;
use wfrun_aws::{Clock, Keys};

use crate::iam::element;
use crate::support::{Answer, World, percent_encoded as encoded};

async fn ok(world: &World, operation: &str, form: &str) -> Answer {
    let answer = world.query("iam", operation, &format!("&{form}")).await;
    assert_eq!(answer.status, 200, "{operation} {form}: {}", answer.text());
    answer
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, message: &str) {
    assert_eq!((answer.status, &*element(answer, "Code")), (status, code), "{}", answer.text());
    assert!(element(answer, "Message").contains(message), "{}", answer.text());
}

/// The account in a folder, and its root.
async fn world(folder: &tempfile::TempDir, file: &str) -> (World, Keys) {
    let world = World::open(folder.path(), file, Clock::system()).await;
    let root = world.account.mint_root_keys();
    (world.acting_as(root.clone()), root)
}

/// Source: AWS Managed Policy Reference Guide.
#[tokio::test]
async fn policies_of_aws_are_attached_and_decide() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut world, root) = world(&folder, "iam: { mode: enforce, users: { ann: {} } }").await;
    let ann = world.account.mint_keys("ann");
    for (policy, service, operation, input, allowed) in [
        ("AmazonECS_FullAccess", "ecs", "ListClusters", json!({}), true),
        ("AmazonECS_FullAccess", "ecr", "DescribeRepositories", json!({}), false),
        ("CloudWatchLogsFullAccess", "logs", "DescribeLogGroups", json!({}), true),
        ("CloudWatchLogsFullAccess", "ecs", "ListClusters", json!({}), false),
        ("CloudWatchFullAccess", "logs", "DescribeLogGroups", json!({}), true),
        ("AmazonEC2ContainerRegistryPullOnly", "ecr", "GetAuthorizationToken", json!({}), true),
        ("AmazonEC2ContainerRegistryPullOnly", "ecr", "DescribeRepositories", json!({}), false),
        ("service-role/AmazonEC2ContainerServiceforEC2Role", "ecr", "GetAuthorizationToken", json!({}), true),
        ("service-role/AmazonEC2ContainerServiceforEC2Role", "ecs", "ListClusters", json!({}), false),
        ("AmazonS3FullAccess", "ecs", "ListClusters", json!({}), false),
        ("AmazonS3ReadOnlyAccess", "ecs", "ListClusters", json!({}), false),
        ("SecretsManagerReadWrite", "ecs", "ListClusters", json!({}), false),
        ("AmazonSSMReadOnlyAccess", "ecs", "ListClusters", json!({}), false),
    ] {
        let form = format!("UserName=ann&PolicyArn=arn:aws:iam::aws:policy/{policy}");
        ok(&world, "AttachUserPolicy", &form).await;
        world = world.acting_as(ann.clone());
        let answer = world.call(service, operation, &input).await;
        assert_eq!(answer.status == 200, allowed, "{policy} {operation}: {}", answer.text());
        world = world.acting_as(root.clone());
        ok(&world, "DetachUserPolicy", &form).await;
    }
    for (policy, operation, allowed) in [
        ("IAMReadOnlyAccess", "ListUsers", true),
        ("IAMReadOnlyAccess", "CreateUser", false),
        ("IAMFullAccess", "CreateUser", true),
        ("ElasticLoadBalancingFullAccess", "ListUsers", false),
    ] {
        let form = format!("UserName=ann&PolicyArn=arn:aws:iam::aws:policy/{policy}");
        ok(&world, "AttachUserPolicy", &form).await;
        world = world.acting_as(ann.clone());
        let answer = world.query("iam", operation, "&UserName=new").await;
        assert_eq!(answer.status == 200, allowed, "{policy} {operation}: {}", answer.text());
        world = world.acting_as(root.clone());
        ok(&world, "DetachUserPolicy", &form).await;
    }
    let form = "&UserName=ann&PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess";
    refused(&world.query("iam", "AttachUserPolicy", form).await, 404, "NoSuchEntity", "is not attachable");
}

/// Source: AWS IAM API reference, `CreateServiceLinkedRole`.
#[tokio::test]
async fn the_service_linked_role_of_ecs() {
    let folder = tempfile::tempdir().expect("a folder");
    let (world, _) = world(&folder, "").await;
    let made = ok(&world, "CreateServiceLinkedRole", "AWSServiceName=ecs.amazonaws.com").await;
    let arn = "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    assert_eq!(element(&made, "Arn"), arn);
    assert_eq!(element(&ok(&world, "GetRole", "RoleName=AWSServiceRoleForECS").await, "Arn"), arn);
    let taken = "Service role name AWSServiceRoleForECS has been taken in this account, please try a different suffix.";
    let protected = "Cannot perform the operation on the protected role 'AWSServiceRoleForECS'";
    let policy = encoded(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#);
    for (operation, form, code, message) in [
        ("CreateServiceLinkedRole", "AWSServiceName=ecs.amazonaws.com".to_owned(), "InvalidInput", taken),
        (
            "CreateServiceLinkedRole",
            "AWSServiceName=x".to_owned(),
            "InvalidInput",
            "the service-linked role of x is not",
        ),
        (
            "CreateServiceLinkedRole",
            "AWSServiceName=ecs.amazonaws.com&CustomSuffix=b".to_owned(),
            "InvalidInput",
            "Custom suffix is not allowed",
        ),
        ("CreateServiceLinkedRole", String::new(), "ValidationError", "aWSServiceName"),
        ("DeleteRole", "RoleName=AWSServiceRoleForECS".to_owned(), "UnmodifiableEntity", protected),
        (
            "AttachRolePolicy",
            "RoleName=AWSServiceRoleForECS&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess".to_owned(),
            "UnmodifiableEntity",
            protected,
        ),
        (
            "PutRolePolicy",
            format!("RoleName=AWSServiceRoleForECS&PolicyName=p&PolicyDocument={policy}"),
            "UnmodifiableEntity",
            protected,
        ),
    ] {
        refused(&world.query("iam", operation, &format!("&{form}")).await, 400, code, message);
    }
}

/// Source: AWS IAM API reference, `TagRole`, `UntagRole` and `ListRoleTags`, and those of users and policies.
#[tokio::test]
async fn tags_come_and_go_and_conditions_see_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut world, root) = world(&folder, "iam: { mode: enforce, users: { ann: {} } }").await;
    let allow = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"news"}}}}"#;
    let trust = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"}}"#;
    ok(&world, "CreatePolicy", &format!("PolicyName=p&PolicyDocument={}", encoded(allow))).await;
    ok(&world, "CreateRole", &format!("RoleName=r&AssumeRolePolicyDocument={}", encoded(trust))).await;
    ok(&world, "CreateUser", "UserName=bob").await;
    let policy = "arn:aws:iam::123456789012:policy/p";
    ok(&world, "AttachUserPolicy", &format!("UserName=ann&PolicyArn={policy}")).await;
    let ann = world.account.mint_keys("ann");
    for (kind, named, get) in [
        ("User", "UserName=bob".to_owned(), "GetUser"),
        ("Role", "RoleName=r".to_owned(), "GetRole"),
        ("Policy", format!("PolicyArn={policy}"), "GetPolicy"),
    ] {
        let tag = format!(
            "{named}&Tags.member.1.Key=z&Tags.member.1.Value=1&Tags.member.2.Key=team&Tags.member.2.Value=news"
        );
        let listed = async |world: &World| {
            let text = ok(world, &format!("List{kind}Tags"), &named).await.text();
            let start = text.find("<Tags>").expect("a list");
            text[start..text.find("<IsTruncated>").expect("its end")].to_owned()
        };
        world = world.acting_as(ann.clone());
        refused(&world.query("iam", get, &format!("&{named}")).await, 403, "AccessDenied", get);
        world = world.acting_as(root.clone());
        assert_eq!(listed(&world).await, "<Tags></Tags>", "{kind}");
        ok(&world, &format!("Tag{kind}"), &tag).await;
        ok(&world, &format!("Tag{kind}"), &format!("{named}&Tags.member.1.Key=Z&Tags.member.1.Value=2")).await;
        let both = "<Tags><member><Key>Z</Key><Value>2</Value></member><member><Key>team</Key><Value>news</Value></member></Tags>";
        assert_eq!(listed(&world).await, both, "{kind}");
        world = world.acting_as(ann.clone());
        ok(&world, get, &named).await;
        world = world.acting_as(root.clone());
        ok(&world, &format!("Untag{kind}"), &format!("{named}&TagKeys.member.1=z&TagKeys.member.2=none")).await;
        assert_eq!(listed(&world).await, "<Tags><member><Key>team</Key><Value>news</Value></member></Tags>", "{kind}");
    }
    let many: Vec<_> = (1..=50).map(|at| format!("&Tags.member.{at}.Key=k{at}&Tags.member.{at}.Value=v")).collect();
    let many = many.concat();
    refused(
        &world.query("iam", "TagUser", &format!("&UserName=bob{many}")).await,
        409,
        "LimitExceeded",
        "TagsPerResource: 50",
    );
    refused(&world.query("iam", "ListRoleTags", "&RoleName=x").await, 404, "NoSuchEntity", "role with name x");
    let aws = "&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess&Tags.member.1.Key=a&Tags.member.1.Value=b";
    assert_eq!(element(&world.query("iam", "TagPolicy", aws).await, "Code"), "AccessDenied");
}
