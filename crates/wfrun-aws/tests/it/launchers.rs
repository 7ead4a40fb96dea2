//! A launcher of somebody else's: what it is given, and what its reports come to.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;
use wfrun_aws::{
    Account, AccountError, Clock, ContainerEnd, PublishedPort, TaskLaunch, TaskLauncher, TaskReport, TaskReporter,
};

use crate::support::{World, news_api, port_without_listener, settings};

const CLUSTER: &str = "news-api-cluster";
const SERVICE: &str = "news-api-service";

/// Starts nothing; the test reports.
#[derive(Default)]
struct Fake {
    started: Mutex<Vec<(TaskLaunch, TaskReporter)>>,
    stopped: Mutex<Vec<String>>,
}

impl TaskLauncher for Fake {
    fn start(&self, task: TaskLaunch, reporter: TaskReporter) {
        self.started.lock().expect("no test panics with the lock").push((task, reporter));
    }

    fn stop(&self, task: &str) {
        self.stopped.lock().expect("no test panics with the lock").push(task.to_owned());
    }
}

impl Fake {
    fn started(&self) -> usize {
        self.started.lock().expect("no test panics with the lock").len()
    }

    fn launch(&self, at: usize) -> (TaskLaunch, TaskReporter) {
        self.started.lock().expect("no test panics with the lock")[at].clone()
    }

    fn report(&self, at: usize, reports: &[TaskReport]) {
        let (_, reporter) = self.launch(at);
        for report in reports {
            reporter.report(report.clone());
        }
    }
}

async fn world() -> (World, Arc<Fake>, TempDir) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let fake = Arc::new(Fake::default());
    (open(&folder, &fake).await, fake, folder)
}

async fn open(folder: &TempDir, fake: &Arc<Fake>) -> World {
    open_file(folder, fake, "ecs: { runtime: docker, waiter_hold: 0 }").await
}

async fn open_file(folder: &TempDir, fake: &Arc<Fake>, file: &str) -> World {
    let mut settings = settings(folder.path(), file, news_api());
    settings.launcher = Some(Arc::<Fake>::clone(fake));
    World::open_with(settings, Clock::system()).await
}

async fn deploy(world: &World) -> Value {
    let described = world.ok("ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": "news-api-task" })).await;
    let mut definition = described["taskDefinition"].clone();
    definition["containerDefinitions"][0]["image"] = json!(format!("{}/news-api:abc", world.host()));
    world.ok("ecs", "RegisterTaskDefinition", &definition).await;
    let input = json!({ "cluster": CLUSTER, "service": SERVICE, "taskDefinition": "news-api-task" });
    world.ok("ecs", "UpdateService", &input).await["service"].clone()
}

async fn service(world: &World) -> Value {
    let input = json!({ "cluster": CLUSTER, "services": [SERVICE] });
    world.ok("ecs", "DescribeServices", &input).await["services"][0].clone()
}

async fn tasks(world: &World, status: &str) -> Vec<Value> {
    let input = json!({ "cluster": CLUSTER, "desiredStatus": status });
    let arns = world.ok("ecs", "ListTasks", &input).await["taskArns"].clone();
    if arns == json!([]) {
        return Vec::new();
    }
    let input = json!({ "cluster": CLUSTER, "tasks": arns });
    world.ok("ecs", "DescribeTasks", &input).await["tasks"].as_array().expect("a list").clone()
}

fn running() -> TaskReport {
    let port = PublishedPort {
        container: "news-api".to_owned(),
        container_port: 8000,
        host_address: "127.0.0.1".to_owned(),
        host_port: 32768,
    };
    TaskReport::Running { address: Some("172.18.0.2".to_owned()), ports: vec![port] }
}

fn exited(exit_code: i32) -> TaskReport {
    let end = ContainerEnd { container: "news-api".to_owned(), exit_code: Some(exit_code), reason: None };
    TaskReport::Exited { containers: vec![end], last_lines: vec!["KeyError: 'DATABASE_URL'".to_owned()] }
}

#[tokio::test]
async fn without_one_docker_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Account::open(settings(folder.path(), "ecs: { runtime: docker }", news_api()), |_| {});
    assert!(matches!(refused, Err(AccountError::NotEmulated { field: "ecs.runtime", .. })));
}

#[tokio::test]
async fn a_deployment_as_its_launcher_sees_it() {
    let (world, fake, folder) = world().await;
    let digest = world.push("news-api", "abc", b"layer").await;
    world.until("the placeholder is healthy", async |world| service(world).await["runningCount"] == 1).await;
    assert_eq!(fake.started(), 0, "the placeholder is simulated");
    let updated = deploy(&world).await;
    world.until("a start", async |_| fake.started() == 1).await;
    let (launch, _) = fake.launch(0);
    assert_eq!(
        (launch.group.as_str(), launch.cluster.as_str(), launch.region.as_str()),
        ("service:news-api-service", CLUSTER, "us-east-1")
    );
    let image = &launch.images["news-api"];
    assert_eq!(
        (image.digest.as_deref(), &image.pull),
        (Some(&*digest), &format!("{}/news-api@{digest}", world.host()))
    );
    assert_eq!(launch.definition["containerDefinitions"][0]["name"], "news-api");
    assert!(launch.arn.ends_with(&launch.id) && launch.overrides.is_empty() && launch.is_of_service());
    let login = crate::support::basic(&launch.registry.user, &launch.registry.password);
    let path = format!("/v2/news-api/manifests/{digest}");
    assert_eq!(world.send("GET", &path, &[("Authorization", &login)], b"").await.status, 200, "the launcher may pull");
    assert!(!format!("{launch:?}").contains(&launch.registry.password));

    fake.report(0, &[TaskReport::Pulling, TaskReport::Pulled, running()]);
    world.until("RUNNING", async |world| service(world).await["deployments"][0]["runningCount"] == 1).await;
    let now = service(&world).await;
    assert_eq!(now["deployments"].as_array().unwrap().len(), 2, "not healthy yet: the old one stays");
    fake.report(0, &[TaskReport::Healthy]);
    world.until("the end", async |world| service(world).await["deployments"].as_array().unwrap().len() == 1).await;
    let now = service(&world).await;
    assert_eq!((&now["deployments"][0]["id"], &now["runningCount"]), (&updated["deployments"][0]["id"], &json!(1)));
    let task = tasks(&world, "RUNNING").await.remove(0);
    assert_eq!(task["containers"][0]["networkBindings"][0]["hostPort"], 32768);
    assert!(task["pullStartedAt"].is_number() && task["pullStoppedAt"].is_number());

    // A task that was healthy dies: it is replaced, and no failure.
    fake.report(0, &[exited(137)]);
    world.until("the replacement", async |_| fake.started() == 2).await;
    assert_eq!(service(&world).await["deployments"][0]["failedTasks"], 0);
    fake.report(1, &[running(), TaskReport::Healthy]);
    world.until("healthy", async |world| service(world).await["runningCount"] == 1).await;
    // One that becomes unhealthy is replaced before it is stopped.
    fake.report(1, &[TaskReport::Unhealthy]);
    world.until("the replacement", async |_| fake.started() == 3).await;
    assert!(fake.stopped.lock().unwrap().is_empty());
    let suffix = "Amazon ECS replaced 1 tasks due to an unhealthy status.";
    assert!(service(&world).await["events"].to_string().contains(suffix));
    fake.report(2, &[running(), TaskReport::Healthy]);
    world.until("the stop", async |_| !fake.stopped.lock().unwrap().is_empty()).await;
    assert_eq!(*fake.stopped.lock().unwrap(), [fake.launch(1).0.id]);
    fake.report(1, &[TaskReport::Stopped]);

    // Another process has to start it again.
    let World { account, endpoint, .. } = world;
    endpoint.stop().await;
    drop(account);
    let world = open(&folder, &fake).await;
    world.until("a start", async |_| fake.started() == 4).await;
    assert_eq!(fake.launch(3).0.id, fake.launch(2).0.id);
    fake.report(3, &[running(), TaskReport::Healthy]);
    world.until("healthy", async |world| service(world).await["runningCount"] == 1).await;
}

#[tokio::test]
async fn what_a_crashed_task_wrote_is_kept() {
    let (world, fake, _folder) = world().await;
    world.push("news-api", "abc", b"layer").await;
    deploy(&world).await;
    for at in 0..3 {
        world.until("a start", async |_| fake.started() == at + 1).await;
        fake.report(at, &[running(), exited(3)]);
    }
    world.until("the rollback", async |world| service(world).await["deployments"].as_array().unwrap().len() == 1).await;
    let failed = world.account.service(CLUSTER, SERVICE).unwrap().failed.unwrap();
    assert_eq!(failed.last_lines, ["KeyError: 'DATABASE_URL'"]);
    let task = tasks(&world, "STOPPED").await.remove(0);
    assert_eq!(
        (&task["stopCode"], &task["containers"][0]["exitCode"]),
        (&json!("EssentialContainerExited"), &json!(3))
    );
}

const BALANCED: &str =
    "{ ecs: { runtime: docker, waiter_hold: 0 }, elbv2: { load_balancers: [alb], time_scale: 0.001 } }";

/// A task whose port is published as `host_port`. Each has an address of its own: targets are told apart by it.
fn published(host_port: u16) -> TaskReport {
    let TaskReport::Running { mut ports, .. } = running() else { unreachable!("running() is Running") };
    ports[0].host_port = host_port;
    TaskReport::Running { address: Some(format!("172.18.{}.{}", host_port / 256, host_port % 256)), ports }
}

/// What a launcher is to do is said to it once, so that it must be said then.
#[tokio::test]
async fn a_task_is_stopped_also_where_the_state_cannot_be_written() {
    let (world, fake, folder) = world().await;
    world.push("news-api", "abc", b"layer").await;
    deploy(&world).await;
    world.until("a start", async |_| fake.started() == 1).await;
    fake.report(0, &[running(), TaskReport::Healthy]);
    world.until("the end", async |world| service(world).await["deployments"].as_array().unwrap().len() == 1).await;
    let (place, aside) = (folder.path().join("aws"), folder.path().join("aside"));
    std::fs::rename(&place, &aside).unwrap();
    let (launch, _) = fake.launch(0);
    let refused = world.refused("ecs", "StopTask", &json!({ "cluster": CLUSTER, "task": launch.id })).await;
    assert_eq!(refused.0, "WfrunStateNotWritten");
    world.until("the stop", async |_| !fake.stopped.lock().unwrap().is_empty()).await;
    assert_eq!(*fake.stopped.lock().unwrap(), [launch.id]);
    std::fs::rename(&aside, &place).unwrap();
}

/// Creates a service behind the load balancer of the account file; its target group's ARN.
async fn balanced_service(world: &World) -> String {
    let form = "&Names.member.1=alb-tg";
    let text = world.query("elasticloadbalancing", "DescribeTargetGroups", form).await.text();
    let arn = text.split_once("<TargetGroupArn>").and_then(|(_, rest)| rest.split_once('<'));
    let arn = arn.expect("the target group is there").0.to_owned();
    let container =
        json!({ "name": "news-api", "image": "nginx", "memory": 64, "portMappings": [{ "containerPort": 8000 }] });
    let input = json!({ "family": "app", "containerDefinitions": [container] });
    world.ok("ecs", "RegisterTaskDefinition", &input).await;
    let input = json!({
        "cluster": CLUSTER, "serviceName": "balanced", "taskDefinition": "app", "desiredCount": 1,
        "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } },
        "loadBalancers": [{ "targetGroupArn": arn, "containerName": "news-api", "containerPort": 8000 }],
    });
    world.ok("ecs", "CreateService", &input).await;
    arn
}

async fn balanced(world: &World) -> Value {
    let input = json!({ "cluster": CLUSTER, "services": ["balanced"] });
    world.ok("ecs", "DescribeServices", &input).await["services"][0].clone()
}

async fn target_health(world: &World, group: &str) -> String {
    let form = format!("&TargetGroupArn={group}");
    world.query("elasticloadbalancing", "DescribeTargetHealth", &form).await.text()
}

#[tokio::test]
async fn a_task_behind_a_load_balancer_is_healthy_when_its_target_is() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Arc::new(Fake::default());
    let world = open_file(&folder, &fake, BALANCED).await;
    let group = balanced_service(&world).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().port();
    world.until("a start", async |_| fake.started() == 1).await;
    fake.report(0, &[published(at), TaskReport::Healthy]);
    world
        .until("the target", async |world| target_health(world, &group).await.contains("<State>initial</State>"))
        .await;
    assert_eq!(
        balanced(&world).await["deployments"][0]["rolloutState"],
        "IN_PROGRESS",
        "the program does not answer yet"
    );
    let app = axum::Router::new().fallback(async || "app");
    tokio::spawn(async move { axum::serve(listener, app).await });
    world.until("the end", async |world| balanced(world).await["deployments"][0]["rolloutState"] == "COMPLETED").await;
    assert!(target_health(&world, &group).await.contains("<State>healthy</State>"));
    let good = balanced(&world).await["deployments"][0]["id"].clone();

    // A revision whose port nobody listens at.
    let (_kept, nobody) = port_without_listener();
    let input = json!({ "cluster": CLUSTER, "service": "balanced", "forceNewDeployment": true });
    world.ok("ecs", "UpdateService", &input).await;
    for at in 1..4 {
        world.until("a start", async |_| fake.started() == at + 1).await;
        fake.report(at, &[published(nobody), TaskReport::Healthy]);
        let id = fake.launch(at).0.id;
        world.until("the stop", async |_| fake.stopped.lock().unwrap().contains(&id)).await;
        if at < 3 {
            fake.report(at, &[TaskReport::Stopped]);
        }
    }
    world.until("the rollback", async |world| balanced(world).await["deployments"][0]["id"] == good).await;
    let failed = world.account.failed_services().remove(0);
    assert!(failed.is_ending && failed.deployment.last_lines.is_empty(), "its last task has not ended yet");
    fake.report(3, &[exited(137)]);
    world.until("its end", async |world| !world.account.failed_services()[0].is_ending).await;
    let failed = world.account.service(CLUSTER, "balanced").unwrap().failed.unwrap();
    assert_eq!(failed.last_lines, ["KeyError: 'DATABASE_URL'"], "known only when the task that was stopped has ended");
    assert_eq!(failed.reason, format!("Task failed ELB health checks in (target-group {group})"));
    let told = format!("is unhealthy in (target-group {group}) due to (reason ");
    assert!(balanced(&world).await["events"].to_string().contains(&told));
    assert!(target_health(&world, &group).await.contains("<State>healthy</State>"), "the old one still answers");
}

/// No container outlives the process: what an earlier one registered is no target any more, and the task is one anew.
#[tokio::test]
async fn targets_of_an_earlier_process_leave() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Arc::new(Fake::default());
    let world = open_file(&folder, &fake, BALANCED).await;
    let group = balanced_service(&world).await;
    let mut ports = Vec::new();
    for _ in 0..2 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        ports.push(listener.local_addr().unwrap().port());
        let app = axum::Router::new().fallback(async || "app");
        tokio::spawn(async move { axum::serve(listener, app).await });
    }
    let healthy = async |world: &World| target_health(world, &group).await.contains("<State>healthy</State>");
    world.until("a start", async |_| fake.started() == 1).await;
    fake.report(0, &[published(ports[0]), TaskReport::Healthy]);
    world.until("the target", healthy).await;
    world.endpoint.stop().await;
    drop(world.account);

    let world = open_file(&folder, &fake, BALANCED).await;
    world.until("a start", async |_| fake.started() == 2).await;
    world.until("its end", async |world| !target_health(world, &group).await.contains("<Target>")).await;
    fake.report(1, &[published(ports[1]), TaskReport::Healthy]);
    world.until("the target", healthy).await;
    assert_eq!(target_health(&world, &group).await.matches("<Target>").count(), 1);
}

#[tokio::test]
async fn a_simulated_task_is_a_healthy_target_that_nobody_answers_for() {
    let file = "elbv2: { load_balancers: [alb] }";
    let (world, _folder) = World::with_file(file).await;
    let group = balanced_service(&world).await;
    let service = balanced(&world).await;
    assert_eq!(
        (&service["runningCount"], &service["deployments"][0]["rolloutState"]),
        (&json!(1), &json!("COMPLETED"))
    );
    assert!(target_health(&world, &group).await.contains("<State>healthy</State>"));
    let input = json!({ "cluster": CLUSTER, "service": "balanced", "desiredCount": 0 });
    world.ok("ecs", "UpdateService", &input).await;
    let gone = async |world: &World| !target_health(world, &group).await.contains("<Target>");
    world.until("the deregistration", gone).await;
}
