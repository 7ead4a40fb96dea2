//! Opening an account: what is created, what is kept, what is refused.

use serde_json::json;
use wfrun_aws::{Account, AccountError, Clock, Wanted, WantedService, WantedTaskDefinition};

use crate::support::{World, news_api, settings};

fn messages(notices: &[wfrun_aws::Notice]) -> Vec<&str> {
    notices.iter().map(|notice| notice.message.as_str()).collect()
}

#[tokio::test]
async fn what_the_workflow_names_is_created_once_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path(), "", Clock::system()).await;
    assert_eq!(
        messages(&world.notices),
        [
            "created repository `news-api`",
            "created cluster `news-api-cluster`",
            "created task definition `news-api-task` with a placeholder image in container `news-api`",
            "created service `news-api-service` in cluster `news-api-cluster`, running 1 task of `news-api-task`",
        ]
    );
    let view = world.account.service("news-api-cluster", "news-api-service").unwrap();
    assert_eq!((view.running, view.desired, view.rollout_state.as_str()), (1, 1, "COMPLETED"));
    assert!(view.assumed_images.is_empty());
    assert_eq!(world.account.service("news-api-cluster", "nope"), None);
    let pushed = world.push("news-api", "abc", b"layer").await;
    let described = world.ok("ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": "news-api-task" })).await;
    world.ok("ecs", "RegisterTaskDefinition", &described["taskDefinition"]).await;
    let World { account, endpoint, .. } = world;
    endpoint.stop().await;
    drop(account);

    let world = World::open(folder.path(), "", Clock::system()).await;
    assert!(world.notices.is_empty(), "{:?}", world.notices);
    let registered = world.ok("ecs", "RegisterTaskDefinition", &described["taskDefinition"]).await;
    assert_eq!(registered["taskDefinition"]["revision"], 3, "revisions grow from run to run");
    let images = world.ok("ecr", "DescribeImages", &json!({ "repositoryName": "news-api" })).await;
    assert_eq!(images["imageDetails"][0]["imageDigest"], pushed, "images stay");
}

/// What a step names when its turn comes: by names, ARNs and images, in its own region, and once.
#[tokio::test]
async fn what_a_step_names_is_created_in_its_region() {
    let (world, _folder) = World::new().await;
    let service = |cluster: &str, service: &str, by_code_deploy| WantedService {
        cluster: cluster.to_owned(),
        service: service.to_owned(),
        by_code_deploy,
    };
    let wanted = Wanted {
        account: None,
        region: Some("eu-west-1".to_owned()),
        repositories: [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/shop",
            "No",
            // As a host begins, and is none; and another account's image.
            "my.team/app",
            "999988887777.dkr.ecr.eu-west-1.amazonaws.com/other",
        ]
        .map(str::to_owned)
        .to_vec(),
        clusters: vec!["arn:aws:ecs:eu-west-1:123456789012:cluster/prod".to_owned(), "<cluster>".to_owned()],
        services: vec![
            service("default", "arn:aws:ecs:eu-west-1:123456789012:service/prod/api", false),
            service("prod", "worker", true),
            service("prod", ".web", false),
        ],
        task_definitions: vec![WantedTaskDefinition {
            family: "arn:aws:ecs:eu-west-1:123456789012:task-definition/jobs:3".to_owned(),
            containers: vec!["one".to_owned(), "two".to_owned()],
        }],
    };
    let notices = world.account.provide(&wanted).unwrap();
    let not_created = |name: &str, what: &str| {
        format!("nothing is created for a name in the workflow: `{name}` is not a name {what}")
    };
    let of_ecs = "ECS takes for a cluster or service";
    let created = [
        "created repository `team/shop`".to_owned(),
        not_created("No", "ECR takes for a repository"),
        "created repository `my.team/app`".to_owned(),
        "created cluster `prod`".to_owned(),
        not_created("<cluster>", of_ecs),
        "created task definition `jobs` with a placeholder image in container `one` and in container `two`".to_owned(),
        "created service `api` in cluster `prod`, running 1 task of `api`".to_owned(),
        "created service `worker` in cluster `prod`, running 1 task of `worker`".to_owned(),
        not_created(".web", of_ecs),
    ];
    assert_eq!(messages(&notices), created.map(|it| format!("{it}, in eu-west-1")));
    let again = world.account.provide(&wanted).unwrap();
    assert!(again.iter().all(|it| it.message.starts_with("nothing is created")), "{again:?}");
    let services = json!({ "cluster": "prod", "services": ["api", "worker"] });
    let shown = world.call_in("eu-west-1", "ecs", "DescribeServices", &services).await.json();
    let network = &shown["services"][0]["networkConfiguration"]["awsvpcConfiguration"];
    assert_eq!(network["subnets"].as_array().map(Vec::len), Some(3), "{shown}");
    assert_eq!(shown["services"][0]["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"], true);
    assert_eq!(shown["services"][1]["deploymentController"]["type"], "CODE_DEPLOY");
    let update = json!({ "cluster": "prod", "service": "worker", "taskDefinition": "jobs" });
    let refused = world.call_in("eu-west-1", "ecs", "UpdateService", &update).await;
    assert!(refused.text().contains("with a CODE_DEPLOY deployment controller"), "{}", refused.text());
}

/// What calls deleted does not come back because a step names it.
#[tokio::test]
async fn what_is_deleted_stays_gone() {
    let (world, folder) = World::new().await;
    let state = folder.path().join("aws/state.json");
    let service = WantedService { cluster: "c".to_owned(), service: "s".to_owned(), by_code_deploy: false };
    let wanted = Wanted {
        repositories: vec!["made".to_owned(), "wanted".to_owned()],
        clusters: vec!["c".to_owned()],
        services: vec![service],
        task_definitions: vec![WantedTaskDefinition { family: "f".to_owned(), containers: Vec::new() }],
        ..Wanted::default()
    };
    world.ok("ecr", "CreateRepository", &json!({ "repositoryName": "made" })).await;
    assert_eq!(world.account.provide(&wanted).unwrap().len(), 4, "all but the one that a call made");
    for name in ["made", "wanted"] {
        world.ok("ecr", "DeleteRepository", &json!({ "repositoryName": name })).await;
    }
    world.ok("ecs", "DeleteService", &json!({ "cluster": "c", "service": "s", "force": true })).await;
    world.ok("ecs", "DeregisterTaskDefinition", &json!({ "taskDefinition": "f:1" })).await;
    let before = std::fs::read(&state).unwrap();
    assert_eq!(world.account.provide(&wanted).unwrap(), []);
    assert_eq!(std::fs::read(&state).unwrap(), before, "nothing is written");
    let shown = world.ok("ecr", "DescribeRepositories", &json!({})).await;
    assert_eq!(shown["repositories"].as_array().map(Vec::len), Some(1), "{shown}");
}

#[tokio::test]
async fn the_number_is_the_file_s_or_the_state_s_or_the_workflow_s() {
    let (mine, other) = ("555566667777", "210987654321");
    let wanted = |account: &str| Wanted { account: Some(account.to_owned()), ..Wanted::default() };
    let open = |folder: &std::path::Path, file: &str, wanted: Wanted| {
        let (account, notices) = Account::open(settings(folder, file, wanted), |_| {}).unwrap();
        (account.account_id().to_owned(), notices.into_iter().map(|it| it.message).collect::<Vec<_>>())
    };
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(open(folder.path(), "", wanted(mine)), (mine.to_owned(), vec![]));
    assert_eq!(open(folder.path(), "", Wanted::default()), (mine.to_owned(), vec![]), "the state has it");
    let (id, notices) = open(folder.path(), "", wanted(other));
    assert_eq!(id, mine);
    assert!(
        notices[0].contains(&format!("the workflow names account {other}, and the emulated one is {mine}")),
        "{notices:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let (id, notices) = open(folder.path(), &format!("account: \"{other}\""), wanted(mine));
    assert_eq!((id.as_str(), notices.len()), (other, 1));
}

#[tokio::test]
async fn a_service_of_the_file_has_the_circuit_breaker_that_it_says() {
    let file = "ecs: { clusters: { c: { services: { s: { task_definition: news-api-task, deployment_circuit_breaker: { enable: false, \
                rollback: false } } } } } }";
    let (world, _folder) = World::with_file(file).await;
    let shown = world.ok("ecs", "DescribeServices", &json!({ "cluster": "c", "services": ["s"] })).await;
    let breaker = &shown["services"][0]["deploymentConfiguration"]["deploymentCircuitBreaker"];
    assert_eq!((&breaker["enable"], &breaker["rollback"]), (&json!(false), &json!(false)), "{shown}");
}

#[tokio::test]
async fn the_account_file_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let definition = json!({
        "family": "news-api-task", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "containerDefinitions": [{ "name": "news-api", "image": "example.com/news-api:1" }],
    });
    let path = folder.path().join("task-definition.json");
    std::fs::write(&path, definition.to_string()).unwrap();
    let file = "
account: \"210987654321\"
region: eu-west-1
ecr: { repositories: [news-api] }
ecs:
  task_definitions: [{ file: task-definition.json }]
  clusters:
    news-api-cluster:
      services: { news-api-service: { task_definition: news-api-task, desired_count: 2 } }
elbv2: { load_balancers: [news-api-alb] }
";
    let world = World::open(folder.path(), file, Clock::system()).await;
    assert_eq!(
        messages(&world.notices),
        [
            "the workflow uses region `us-east-1`, but the account file creates everything in `eu-west-1`, where the workflow will not find it",
        ]
    );
    assert_eq!((world.account.account_id(), world.account.region()), ("210987654321", "eu-west-1"));
    let view = world.account.service("news-api-cluster", "news-api-service").unwrap();
    assert_eq!((view.running, view.desired), (2, 2));
    assert_eq!(view.task_definition, "arn:aws:ecs:eu-west-1:210987654321:task-definition/news-api-task:1");
    let World { account, endpoint, .. } = world;
    endpoint.stop().await;
    drop(account);

    let (account, notices) = Account::open(settings(folder.path(), file, news_api()), |_| {}).unwrap();
    assert!(!messages(&notices).iter().any(|message| message.contains("task-definition.json")), "{notices:?}");
    drop(account);
    std::fs::write(&path, definition.to_string().replace("news-api:1", "news-api:2")).unwrap();
    let (_account, notices) = Account::open(settings(folder.path(), file, news_api()), |_| {}).unwrap();
    assert_eq!(
        notices[0].message,
        "`task-definition.json` changed and was registered as `arn:aws:ecs:eu-west-1:210987654321:task-definition/news-api-task:2`"
    );
}

#[test]
fn what_cannot_be_opened_says_why_and_the_way_out() {
    let open = |folder: &std::path::Path, file: &str| {
        Account::open(settings(folder, file, Wanted::default()), |_| {}).map(|_| ()).map_err(|err| err.to_string())
    };
    let cases = [
        (
            "ecs: { runtime: docker }",
            "`ecs.runtime: docker` in the account file is not supported yet; use `ecs.runtime: simulate`",
        ),
        (
            "iam: { users: { u: { policies: [broken.json] } } }",
            "broken.json:1:1` is not valid: Syntax errors in policy. (not JSON: EOF while parsing an object at line 1 column 1); \
             correct it, or take it out of `iam.users.u.policies` of the account file",
        ),
        (
            "iam: { users: { u: { policies: [empty.json] } } }",
            "empty.json:1:1` is not valid: Syntax errors in policy. (`Statement` is missing); correct it",
        ),
        ("iam: { users: { u: { policies: [nope.json] } } }", "nope.json`"),
        ("ecr: { repositories: [Bad] }", "`Bad` is not a name ECR takes for a repository"),
        ("ecs: { clusters: { a/b: {} } }", "`a/b` is not a name ECS takes for a cluster or service"),
        ("ecs: { task_definitions: [{ file: nope.json }] }", "nope.json`"),
        ("ecs: { task_definitions: [{ file: broken.json }] }", "is not valid: EOF"),
        (
            "ecs: { task_definitions: [{ file: empty.json }] }",
            "is not valid: Family contains invalid characters or is empty.",
        ),
        (
            "ecs: { clusters: { c: { services: { s: { task_definition: t } } } } }",
            "names the task definition `t`, which does not exist",
        ),
    ];
    for (file, want) in cases {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("broken.json"), "{").unwrap();
        std::fs::write(folder.path().join("empty.json"), "{}").unwrap();
        let message = open(folder.path(), file).unwrap_err();
        assert!(message.contains(want), "{file}: {message}");
    }
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), "").unwrap();
    let message = open(folder.path(), "account: \"210987654321\"").unwrap_err();
    assert!(message.contains("is that of account 123456789012") && message.contains("delete the folder"), "{message}");
    let state = folder.path().join("aws/state.json");
    let text = std::fs::read_to_string(&state).unwrap();
    std::fs::write(&state, text.replace("\"format\":1", "\"format\":99")).unwrap();
    assert!(open(folder.path(), "").unwrap_err().contains("has format 99, this version reads 1"));
    std::fs::write(&state, &text[..text.len() / 2]).unwrap();
    let message = open(folder.path(), "").unwrap_err();
    assert!(message.contains("state.json` is corrupt; delete the folder"), "{message}");
}

#[tokio::test]
async fn users_of_an_earlier_version_stay_who_they_were() {
    let folder = tempfile::tempdir().unwrap();
    drop(Account::open(settings(folder.path(), "", Wanted::default()), |_| {}).unwrap());
    let state = folder.path().join("aws/state.json");
    let text = std::fs::read_to_string(&state).unwrap();
    let old = r#""users":{"github-actions-deploy":"AIDAOLDOLDOLDOLDOLDOL"}"#;
    assert!(text.contains(r#"{"users":{},"iam""#), "{text}");
    let text = text.replacen(r#""users":{}"#, old, 1);
    let (start, rest) = text.split_once(r#""iam":"#).unwrap();
    let (_, rest) = rest.split_once(r#","registered_files""#).unwrap();
    std::fs::write(&state, format!("{start}\"registered_files\"{rest}")).unwrap();
    let world = World::open(folder.path(), "", Clock::system()).await;
    let text = world.query("sts", "GetCallerIdentity", "").await.text();
    assert!(text.contains("<UserId>AIDAOLDOLDOLDOLDOLDOL</UserId>"), "{text}");
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Account::open(settings(folder.path(), "", Wanted::default()), |_| {});
    let first = open().unwrap();
    assert!(matches!(open(), Err(AccountError::InUse { .. })));
    drop(first);
    assert!(open().is_ok());
}

#[test]
fn keys_are_minted_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (account, _) = Account::open(settings(folder.path(), "", Wanted::default()), |_| {}).unwrap();
    let (one, two) = (account.mint_keys("a"), account.mint_keys("a"));
    assert_ne!(one, two);
    assert!(
        one.access_key_id.starts_with("AKIA") && one.access_key_id.len() == 20 && one.secret_access_key.len() == 40
    );
    assert_eq!(format!("{one:?}"), "Keys { access_key_id: \"***\", secret_access_key: \"***\" }");
    let state = std::fs::read_to_string(folder.path().join("aws/state.json")).unwrap();
    assert!(!state.contains(&one.access_key_id) && !state.contains(&one.secret_access_key));
}

#[tokio::test]
async fn stopped_tasks_are_forgotten_after_an_hour() {
    let folder = tempfile::tempdir().unwrap();
    let stopped = async |now_ms: u64| {
        let world = World::open(folder.path(), "", Clock::from_fn(move || now_ms)).await;
        let input = json!({ "cluster": "news-api-cluster", "desiredStatus": "STOPPED" });
        let before = world.ok("ecs", "ListTasks", &input).await["taskArns"].as_array().unwrap().len();
        let input = json!({ "cluster": "news-api-cluster", "service": "news-api-service", "forceNewDeployment": true });
        world.ok("ecs", "UpdateService", &input).await;
        world
            .ok("ecs", "DescribeServices", &json!({ "cluster": "news-api-cluster", "services": ["news-api-service"] }))
            .await;
        world.endpoint.stop().await;
        before
    };
    let start_ms = 1_795_425_600_000;
    assert_eq!(stopped(start_ms).await, 0);
    assert_eq!(stopped(start_ms + 3_599_999).await, 1);
    assert_eq!(stopped(start_ms + 3_600_000).await, 1, "the first is forgotten, the second is not");
}
