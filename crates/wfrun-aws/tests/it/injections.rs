//! Faults that a run is to meet.

use serde_json::{Value, json};
use tempfile::TempDir;
use wfrun_aws::{Clock, Injection};

use crate::support::{World, basic, news_api, settings};

const NAMES: [&str; 2] = ["news-api-cluster", "news-api-service"];

async fn world(faults: &[&str]) -> (World, TempDir) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut settings = settings(folder.path(), "", news_api());
    settings.injections = faults.iter().map(|text| Injection::parse(text).expect("the test's fault is one")).collect();
    (World::open_with(settings, Clock::system()).await, folder)
}

async fn redeploy(world: &World) -> Value {
    let input = json!({ "cluster": NAMES[0], "service": NAMES[1], "forceNewDeployment": true });
    world.ok("ecs", "UpdateService", &input).await["service"].clone()
}

async fn describe(world: &World) -> Value {
    let input = json!({ "cluster": NAMES[0], "services": [NAMES[1]] });
    world.ok("ecs", "DescribeServices", &input).await["services"][0].clone()
}

#[tokio::test]
async fn tasks_of_new_deployments_fail_and_are_rolled_back() {
    for (fault, reason) in
        [("ecs:crash", "Essential container in task exited"), ("ecs:unhealthy", "Task failed container health checks")]
    {
        let (world, _folder) = world(&[fault]).await;
        assert_eq!(describe(&world).await["runningCount"], 1, "what ran before goes on");
        let updated = redeploy(&world).await;
        let service = describe(&world).await;
        assert_eq!(service["deployments"].as_array().unwrap().len(), 1, "{service}");
        assert_eq!(service["deployments"][0]["id"], updated["deployments"][1]["id"], "rolled back");
        let failed = world.account.service(NAMES[0], NAMES[1]).unwrap().failed.unwrap();
        assert_eq!((json!(failed.id), failed.reason.as_str()), (updated["deployments"][0]["id"].clone(), reason));
    }
}

#[tokio::test]
async fn slow_tasks_start_late() {
    let (world, _folder) = world(&["ecs:slow=600ms"]).await;
    let before = std::time::Instant::now();
    redeploy(&world).await;
    let service = describe(&world).await;
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    let took = before.elapsed().as_millis();
    assert!(took >= 600, "{took} ms");
}

#[tokio::test]
async fn requests_for_ecr_are_throttled_at_first() {
    let (world, _folder) = world(&["ecr:throttle"]).await;
    for operation in ["DescribeRepositories", "GetAuthorizationToken"] {
        for _ in 0..2 {
            let refused = world.refused("ecr", operation, &json!({})).await;
            assert_eq!(refused, ("ThrottlingException".to_owned(), "Rate exceeded".to_owned()), "{operation}");
        }
        world.ok("ecr", operation, &json!({})).await;
    }
    let authorization = world.docker_login().await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let answer = world.send("GET", "/v2/news-api/tags/list", &[("Authorization", &authorization)], b"").await;
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [429, 429, 200]);
    let base = world.send("GET", "/v2/", &[("Authorization", &authorization)], b"").await;
    assert_eq!(base.status, 200, "the login itself is no operation of ECR");
    world.ok("ecs", "DescribeClusters", &json!({})).await;
}

#[tokio::test]
async fn credentials_are_expired() {
    let (world, _folder) = world(&["sts:expired"]).await;
    let refused = world.refused("ecs", "DescribeClusters", &json!({})).await;
    let message = "The security token included in the request is expired";
    assert_eq!(refused, ("ExpiredTokenException".to_owned(), message.to_owned()));
    let (authorization, form) = (world.authorization("sts"), b"Action=GetCallerIdentity&Version=2011-06-15");
    let answer = world.send("POST", "/", &[("Authorization", &authorization)], form).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("<Code>ExpiredToken</Code>"), "{}", answer.text());
}

#[tokio::test]
async fn a_permission_is_taken_away() {
    let (world, _folder) = world(&["iam:deny=ecs:UpdateService", "iam:deny=ecr:Initiate*"]).await;
    let input = json!({ "cluster": NAMES[0], "service": NAMES[1], "forceNewDeployment": true });
    let (code, message) = world.refused("ecs", "UpdateService", &input).await;
    assert_eq!(code, "AccessDeniedException");
    assert_eq!(
        message,
        "User: arn:aws:iam::123456789012:user/github-actions-deploy is not authorized to perform: ecs:UpdateService on resource: \
         arn:aws:ecs:us-east-1:123456789012:service/news-api-cluster/news-api-service \
         because no identity-based policy allows the ecs:UpdateService action"
    );
    assert_eq!(describe(&world).await["deployments"].as_array().unwrap().len(), 1, "nothing was updated");
    let call = world.calls.lock().unwrap().iter().find(|call| call.operation == "UpdateService").cloned().unwrap();
    assert!(!call.allowed);

    let authorization = world.docker_login().await;
    let path = "/v2/news-api/blobs/uploads/";
    let answer = world.send("POST", path, &[("Authorization", &authorization)], b"").await;
    assert_eq!((answer.status, &answer.json()["errors"][0]["code"]), (403, &json!("DENIED")));
    let message = answer.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(
        "perform: ecr:InitiateLayerUpload on resource: arn:aws:ecr:us-east-1:123456789012:repository/news-api"
    ));
    let nobody = world.send("POST", path, &[("Authorization", &basic("AWS", "no"))], b"").await;
    assert_eq!(nobody.status, 401);
}
