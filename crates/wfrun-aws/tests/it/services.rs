//! Clusters, task definitions and services from their creation to their end.

use serde_json::{Value, json};

use crate::support::World;

const CLUSTER: &str = "c";
const FILE: &str = "elbv2: { load_balancers: [{ name: alb, target_group: tg }] }";

async fn register(world: &World, image: &str) -> String {
    let container = json!({
        "name": "app", "image": image, "memory": 64, "portMappings": [{ "containerPort": 80 }],
    });
    let input = json!({ "family": "app", "containerDefinitions": [container] });
    let registered = world.ok("ecs", "RegisterTaskDefinition", &input).await;
    registered["taskDefinition"]["taskDefinitionArn"].as_str().expect("an ARN").to_owned()
}

/// The ARN of the target group `tg`.
async fn group(world: &World) -> String {
    let form = "&Names.member.1=tg";
    let said = world.versioned("elasticloadbalancing", ("DescribeTargetGroups", "2015-12-01"), form).await.text();
    let arn = said.split_once("<TargetGroupArn>").and_then(|(_, rest)| rest.split_once('<'));
    arn.expect("an ARN").0.to_owned()
}

async fn create(world: &World, name: &str, desired: u32) -> Value {
    let breaker = json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } });
    let input = json!({
        "cluster": CLUSTER, "serviceName": name, "taskDefinition": "app", "desiredCount": desired,
        "deploymentConfiguration": breaker, "tags": [{ "key": "team", "value": "news" }],
        "loadBalancers": [{ "targetGroupArn": group(world).await, "containerName": "app", "containerPort": 80 }],
    });
    world.ok("ecs", "CreateService", &input).await["service"].clone()
}

async fn describe(world: &World, name: &str) -> Value {
    let input = json!({ "cluster": CLUSTER, "services": [name], "include": ["TAGS"] });
    world.ok("ecs", "DescribeServices", &input).await["services"][0].clone()
}

async fn world() -> (World, tempfile::TempDir) {
    let (world, folder) = World::with_file(FILE).await;
    world.ok("ecs", "CreateCluster", &json!({ "clusterName": CLUSTER, "tags": [{ "key": "a", "value": "b" }] })).await;
    register(&world, "nginx").await;
    (world, folder)
}

#[tokio::test]
async fn clusters_come_and_go() {
    let (world, _folder) = world().await;
    let again = world.ok("ecs", "CreateCluster", &json!({ "clusterName": CLUSTER })).await;
    assert_eq!((&again["cluster"]["status"], &again["cluster"]["tags"][0]["key"]), (&json!("ACTIVE"), &json!("a")));
    let first = world.ok("ecs", "ListClusters", &json!({ "maxResults": 1 })).await;
    let rest = world.ok("ecs", "ListClusters", &json!({ "nextToken": first["nextToken"] })).await;
    assert_eq!(rest["clusterArns"], json!(["arn:aws:ecs:us-east-1:123456789012:cluster/c"]));
    assert!(rest.get("nextToken").is_none());
    create(&world, "s", 1).await;
    let named = json!({ "cluster": CLUSTER });
    assert_eq!(world.refused("ecs", "DeleteCluster", &named).await.0, "ClusterContainsServicesException");
    world.ok("ecs", "DeleteService", &json!({ "cluster": CLUSTER, "service": "s", "force": true })).await;
    world.until("INACTIVE", async |world| describe(world, "s").await["status"] == "INACTIVE").await;
    world.ok("ecs", "RunTask", &json!({ "cluster": CLUSTER, "taskDefinition": "app" })).await;
    assert_eq!(world.refused("ecs", "DeleteCluster", &named).await.0, "ClusterContainsTasksException");
    world.until("the task's end", async |world| world.call("ecs", "DeleteCluster", &named).await.status == 200).await;
    let shown = world.ok("ecs", "DescribeClusters", &json!({ "clusters": [CLUSTER] })).await;
    assert_eq!(shown["clusters"][0]["status"], "INACTIVE");
    assert_eq!(world.refused("ecs", "ListServices", &named).await.0, "ClusterNotFoundException");
    let bad = world.refused("ecs", "CreateCluster", &json!({ "clusterName": "a b" })).await;
    assert_eq!(bad.0, "InvalidParameterException");
}

#[tokio::test]
async fn task_definitions_are_deregistered_and_deleted() {
    let (world, _folder) = world().await;
    register(&world, "nginx:2").await;
    let gone = world.ok("ecs", "DeregisterTaskDefinition", &json!({ "taskDefinition": "app:2" })).await;
    assert_eq!(gone["taskDefinition"]["status"], "INACTIVE");
    let newest = world.ok("ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": "app" })).await;
    assert_eq!(newest["taskDefinition"]["revision"], 1, "the newest that is active");
    let list = async |status: &str| {
        let input = json!({ "familyPrefix": "app", "status": status });
        world.ok("ecs", "ListTaskDefinitions", &input).await["taskDefinitionArns"].as_array().unwrap().len()
    };
    assert_eq!((list("ACTIVE").await, list("INACTIVE").await), (1, 1));
    let input = json!({ "cluster": CLUSTER, "serviceName": "s", "taskDefinition": "app:2", "desiredCount": 1 });
    let refused = world.refused("ecs", "CreateService", &input).await;
    assert_eq!(refused, ("ClientException".to_owned(), "TaskDefinition is inactive".to_owned()));
    let asked = json!({ "taskDefinitions": ["app:1", "app:2", "app:9"] });
    let deleted = world.ok("ecs", "DeleteTaskDefinitions", &asked).await;
    assert_eq!(deleted["taskDefinitions"][0]["status"], "DELETE_IN_PROGRESS");
    assert_eq!(deleted["failures"].as_array().unwrap().len(), 2);
    assert!(register(&world, "nginx:3").await.ends_with("app:3"), "a number is never used twice");
    let families = world.ok("ecs", "ListTaskDefinitionFamilies", &json!({ "status": "ACTIVE" })).await;
    assert_eq!(families["families"], json!(["app", "news-api-task"]));
    let unknown = world.refused("ecs", "DeregisterTaskDefinition", &json!({ "taskDefinition": "app:9" })).await;
    assert_eq!(unknown.0, "ClientException");
}

#[tokio::test]
async fn a_service_from_its_creation_to_its_end() {
    let (world, _folder) = world().await;
    let created = create(&world, "s", 2).await;
    assert_eq!(created["deployments"][0]["rolloutState"], "IN_PROGRESS");
    assert_eq!((&created["launchType"], &created["schedulingStrategy"]), (&json!("EC2"), &json!("REPLICA")));
    assert_eq!(created["tags"], json!([{ "key": "team", "value": "news" }]));
    assert_eq!(created["loadBalancers"][0]["targetGroupArn"], json!(group(&world).await));
    let stable = describe(&world, "s").await;
    assert_eq!((&stable["runningCount"], &stable["deployments"][0]["rolloutState"]), (&json!(2), &json!("COMPLETED")));
    assert!(
        stable["events"].to_string().contains("registered 2 targets in (target-group arn:aws:elasticloadbalancing:")
    );
    let again = json!({ "cluster": CLUSTER, "serviceName": "s", "taskDefinition": "app", "desiredCount": 2 });
    let refused = world.refused("ecs", "CreateService", &again).await;
    assert_eq!(refused.1, "Creation of service was not idempotent.");
    for name in ["t", "u"] {
        create(&world, name, 0).await;
    }
    let page = world.ok("ecs", "ListServices", &json!({ "cluster": CLUSTER, "maxResults": 2 })).await;
    assert_eq!(page["serviceArns"].as_array().unwrap().len(), 2);
    let input = json!({ "cluster": CLUSTER, "nextToken": page["nextToken"] });
    let rest = world.ok("ecs", "ListServices", &input).await;
    assert_eq!(rest["serviceArns"], json!(["arn:aws:ecs:us-east-1:123456789012:service/c/u"]));

    let named = json!({ "cluster": CLUSTER, "service": "s" });
    let refused = world.refused("ecs", "DeleteService", &named).await;
    assert_eq!(refused.1, "The service cannot be stopped while it is scaled above 0.");
    let input = json!({ "cluster": CLUSTER, "service": "s", "force": true });
    let deleted = world.ok("ecs", "DeleteService", &input).await;
    assert_eq!(deleted["service"]["status"], "DRAINING");
    assert_eq!(world.refused("ecs", "UpdateService", &named).await.1, "Service was not ACTIVE.");
    world.until("INACTIVE", async |world| describe(world, "s").await["status"] == "INACTIVE").await;
    assert_eq!(world.refused("ecs", "DeleteService", &named).await.0, "ServiceNotFoundException");
    let left = world.ok("ecs", "ListServices", &json!({ "cluster": CLUSTER })).await;
    assert_eq!(left["serviceArns"].as_array().unwrap().len(), 2);
    assert_eq!(create(&world, "s", 1).await["status"], "ACTIVE", "the name is free again");
}

#[tokio::test]
async fn what_a_service_cannot_be() {
    let (world, _folder) = world().await;
    let full = json!({ "cluster": CLUSTER, "serviceName": "s", "taskDefinition": "app", "desiredCount": 1 });
    for (member, value, code, message) in [
        ("cluster", json!("nope"), "ClusterNotFoundException", "Cluster not found."),
        ("taskDefinition", json!("nope"), "ClientException", "TaskDefinition not found."),
        ("serviceName", json!("a b"), "InvalidParameterException", "Service name must be"),
        (
            "schedulingStrategy",
            json!("DAEMON"),
            "InvalidParameterException",
            "wfrun: the scheduling strategy DAEMON is not emulated, only REPLICA",
        ),
        (
            "deploymentConfiguration",
            json!({ "strategy": "RED_BLACK" }),
            "InvalidParameterException",
            "The deployment strategy RED_BLACK is not one of ROLLING, BLUE_GREEN, LINEAR, CANARY.",
        ),
        (
            "deploymentConfiguration",
            json!({ "alarms": { "alarmNames": ["a"], "enable": true } }),
            "InvalidParameterException",
            "The deployment alarms need the member rollback.",
        ),
        (
            "deploymentController",
            json!({ "type": "CODE_DEPLOY" }),
            "InvalidParameterException",
            "CODE_DEPLOY is not emulated",
        ),
        (
            "deploymentConfiguration",
            json!({ "minimumHealthyPercent": 150 }),
            "InvalidParameterException",
            "between 0 and 100",
        ),
        (
            "taskDefinition",
            json!("news-api-task"),
            "InvalidParameterException",
            "Network Configuration must be provided",
        ),
        ("desiredCount", Value::Null, "InvalidParameterException", "Desired count can not be null"),
    ] {
        let mut input = full.clone();
        input[member] = value;
        let found = world.refused("ecs", "CreateService", &input).await;
        assert_eq!(found.0, code, "{member}: {}", found.1);
        assert!(found.1.contains(message), "{member}: {}", found.1);
    }
    // Whoever wants DAEMON gives no count.
    let daemon =
        json!({ "cluster": CLUSTER, "serviceName": "s", "taskDefinition": "app", "schedulingStrategy": "DAEMON" });
    let found = world.refused("ecs", "CreateService", &daemon).await;
    assert!(found.1.contains("scheduling strategy DAEMON"), "{}", found.1);
    assert_eq!(world.told(), [""; 0], "what is refused is not told beside");
}

#[tokio::test]
async fn what_is_carried_out_in_another_way_is_told_once() {
    let (world, _folder) = world().await;
    let alarms = json!({ "alarmNames": ["errors"], "enable": true, "rollback": true });
    let input = json!({
        "cluster": CLUSTER, "serviceName": "s", "taskDefinition": "app", "desiredCount": 1,
        "deploymentConfiguration": { "strategy": "BLUE_GREEN", "alarms": alarms },
    });
    let created = world.ok("ecs", "CreateService", &input).await["service"].clone();
    assert_eq!(created["deploymentConfiguration"]["strategy"], "ROLLING");
    let told = world.told();
    let [strategy, of_alarms] = &told[..] else { panic!("{told:?}") };
    assert!(
        strategy.starts_with("the deployment strategy BLUE_GREEN of service `s` is carried out as ROLLING"),
        "{strategy}"
    );
    assert!(
        of_alarms.starts_with("the alarms of the deployments of service `s` are kept and never fire"),
        "{of_alarms}"
    );
    let update =
        |configuration: Value| json!({ "cluster": CLUSTER, "service": "s", "deploymentConfiguration": configuration });
    world.ok("ecs", "UpdateService", &update(json!({ "strategy": "BLUE_GREEN", "alarms": alarms }))).await;
    world.ok("ecs", "UpdateService", &update(json!({ "maximumPercent": 150 }))).await;
    assert_eq!(world.told().len(), 2, "the same is told once");
    assert_eq!(describe(&world, "s").await["deploymentConfiguration"]["alarms"], alarms);
    world.ok("ecs", "UpdateService", &update(json!({ "strategy": "CANARY" }))).await;
    assert_eq!(world.told().len(), 3);
    let off = json!({ "alarmNames": [], "enable": false, "rollback": false });
    world.ok("ecs", "UpdateService", &update(json!({ "strategy": "ROLLING", "alarms": off }))).await;
    assert_eq!(world.told().len(), 3, "what is as on AWS is not told");
}

#[tokio::test]
async fn tasks_of_a_service_have_the_tags_that_it_propagates() {
    let (world, _folder) = world().await;
    let tag = |key: &str, value: &str| json!({ "key": key, "value": value });
    let container = json!({ "name": "app", "image": "nginx", "memory": 64 });
    let definition =
        json!({ "family": "tagged", "containerDefinitions": [container], "tags": [tag("from", "definition")] });
    world.ok("ecs", "RegisterTaskDefinition", &definition).await;
    let managed = [tag("aws:ecs:clusterName", CLUSTER), tag("aws:ecs:serviceName", "s")];
    let cases = [
        (json!({}), vec![]),
        (json!({ "propagateTags": "NONE" }), vec![]),
        (json!({ "propagateTags": "SERVICE" }), vec![tag("from", "service")]),
        (json!({ "propagateTags": "TASK_DEFINITION" }), vec![tag("from", "definition")]),
        (json!({ "enableECSManagedTags": true }), managed.to_vec()),
        (
            json!({ "propagateTags": "SERVICE", "enableECSManagedTags": true }),
            [&[tag("from", "service")][..], &managed].concat(),
        ),
    ];
    for (more, want) in cases {
        let mut input = json!({
            "cluster": CLUSTER, "serviceName": "s", "taskDefinition": "tagged", "desiredCount": 1, "tags": [tag("from", "service")],
        });
        more.as_object().into_iter().flatten().for_each(|(member, value)| input[member] = value.clone());
        world.ok("ecs", "CreateService", &input).await;
        world.until("a running task", async |world| describe(world, "s").await["runningCount"] == 1).await;
        let tasks = world.ok("ecs", "ListTasks", &json!({ "cluster": CLUSTER, "serviceName": "s" })).await;
        let task = tasks["taskArns"][0].clone();
        let ask = async |include: &Value| {
            let input = json!({ "cluster": CLUSTER, "tasks": [task], "include": include });
            world.ok("ecs", "DescribeTasks", &input).await["tasks"][0]["tags"].clone()
        };
        assert_eq!(ask(&json!(["TAGS"])).await, json!(want), "{more}");
        assert_eq!(ask(&json!([])).await, json!([]), "{more}");
        let listed = world.ok("ecs", "ListTagsForResource", &json!({ "resourceArn": task })).await;
        assert_eq!(listed["tags"], json!(want), "{more}");
        let added = json!({ "resourceArn": task, "tags": [tag("added", "later")] });
        world.ok("ecs", "TagResource", &added).await;
        assert_eq!(ask(&json!(["TAGS"])).await, json!([want.clone(), vec![tag("added", "later")]].concat()), "{more}");
        world.ok("ecs", "DeleteService", &json!({ "cluster": CLUSTER, "service": "s", "force": true })).await;
        world.until("INACTIVE", async |world| describe(world, "s").await["status"] == "INACTIVE").await;
    }
}

#[tokio::test]
async fn deployments_are_remembered() {
    let (world, _folder) = world().await;
    create(&world, "s", 1).await;
    describe(&world, "s").await;
    let broken = register(&world, &format!("{}/nope:1", world.host())).await;
    let input = json!({ "cluster": CLUSTER, "service": "s", "taskDefinition": broken });
    let updated = world.ok("ecs", "UpdateService", &input).await["service"].clone();
    describe(&world, "s").await;
    let input = json!({ "cluster": CLUSTER, "service": "s" });
    let listed = world.ok("ecs", "ListServiceDeployments", &input).await["serviceDeployments"].clone();
    let statuses: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]);
    assert_eq!(listed[0]["serviceDeploymentArn"], updated["currentServiceDeployment"]);
    let filtered = json!({ "cluster": CLUSTER, "service": "s", "status": ["SUCCESSFUL"] });
    let filtered = world.ok("ecs", "ListServiceDeployments", &filtered).await;
    assert_eq!(filtered["serviceDeployments"].as_array().unwrap().len(), 1);

    let asked = json!({ "serviceDeploymentArns": [updated["currentServiceDeployment"], "x/y/z"] });
    let described = world.ok("ecs", "DescribeServiceDeployments", &asked).await;
    let one = &described["serviceDeployments"][0];
    assert_eq!(one["deploymentCircuitBreaker"], json!({ "status": "TRIGGERED", "failureCount": 3, "threshold": 3 }));
    assert_eq!(one["rollback"]["serviceRevisionArn"], listed[1]["targetServiceRevisionArn"]);
    assert_eq!(one["sourceServiceRevisions"][0]["arn"], listed[1]["targetServiceRevisionArn"]);
    assert_eq!(described["failures"], json!([{ "arn": "x/y/z", "reason": "MISSING" }]));
    let asked = json!({ "serviceRevisionArns": [one["targetServiceRevision"]["arn"]] });
    let revision = world.ok("ecs", "DescribeServiceRevisions", &asked).await["serviceRevisions"][0].clone();
    assert_eq!(
        (&revision["taskDefinition"], &revision["containerImages"][0]["containerName"]),
        (&json!(broken), &json!("app"))
    );

    let finished = json!({ "serviceDeploymentArn": updated["currentServiceDeployment"] });
    assert_eq!(world.refused("ecs", "StopServiceDeployment", &finished).await.0, "ConflictException");
}

#[tokio::test]
async fn a_deployment_is_stopped_and_rolled_back() {
    let (world, _folder) = World::with_file(&format!("{FILE}\necs: {{ waiter_hold: 0 }}")).await;
    world.ok("ecs", "CreateCluster", &json!({ "clusterName": CLUSTER })).await;
    register(&world, "nginx").await;
    let old = create(&world, "s", 1).await;
    let settled = async |world: &World| describe(world, "s").await["deployments"][0]["rolloutState"] == "COMPLETED";
    world.until("the first deployment", settled).await;
    // With these bounds it can neither start nor stop a task.
    let input = json!({
        "cluster": CLUSTER, "service": "s", "forceNewDeployment": true,
        "deploymentConfiguration": { "maximumPercent": 100 },
    });
    let updated = world.ok("ecs", "UpdateService", &input).await["service"].clone();
    let stop = json!({ "serviceDeploymentArn": updated["currentServiceDeployment"] });
    assert_eq!(world.ok("ecs", "StopServiceDeployment", &stop).await, stop);
    world.until("the rollback", settled).await;
    let now = describe(&world, "s").await;
    assert_eq!(now["deployments"][0]["id"], old["deployments"][0]["id"]);
    assert!(world.account.service(CLUSTER, "s").is_none_or(|view| view.failed.is_none()), "nothing failed");
    let input = json!({ "cluster": CLUSTER, "service": "s", "status": ["ROLLBACK_SUCCESSFUL"] });
    assert_eq!(
        world.ok("ecs", "ListServiceDeployments", &input).await["serviceDeployments"].as_array().unwrap().len(),
        1
    );
    let unknown = world.refused("ecs", "StopServiceDeployment", &json!({ "serviceDeploymentArn": "a/b/c" })).await;
    assert_eq!(unknown.0, "ServiceDeploymentNotFoundException");
}

#[tokio::test]
async fn resources_have_tags() {
    let (world, _folder) = world().await;
    create(&world, "s", 0).await;
    let input = json!({ "cluster": CLUSTER, "taskDefinition": "app" });
    let task = world.ok("ecs", "RunTask", &input).await["tasks"][0]["taskArn"].as_str().unwrap().to_owned();
    let own = |rest: &str| format!("arn:aws:ecs:us-east-1:123456789012:{rest}");
    for arn in [own("cluster/c"), own("service/c/s"), own("task-definition/app:1"), task] {
        let before = world.ok("ecs", "ListTagsForResource", &json!({ "resourceArn": arn })).await["tags"].clone();
        let tags = json!([{ "key": "k", "value": "1" }, { "key": "l", "value": "2" }]);
        assert_eq!(world.ok("ecs", "TagResource", &json!({ "resourceArn": arn, "tags": tags })).await, json!({}));
        world.ok("ecs", "TagResource", &json!({ "resourceArn": arn, "tags": [{ "key": "k", "value": "3" }] })).await;
        world.ok("ecs", "UntagResource", &json!({ "resourceArn": arn, "tagKeys": ["l"] })).await;
        let after = world.ok("ecs", "ListTagsForResource", &json!({ "resourceArn": arn })).await["tags"].clone();
        let mut want = before.as_array().unwrap().clone();
        want.push(json!({ "key": "k", "value": "3" }));
        assert_eq!(after, json!(want), "{arn}");
    }
    let unknown = json!({ "resourceArn": own("service/c/nope") });
    assert_eq!(world.refused("ecs", "ListTagsForResource", &unknown).await.0, "InvalidParameterException");
    let setting = json!({ "name": "containerInsights", "value": "enabled" });
    world.ok("ecs", "PutAccountSetting", &setting).await;
    let settings = world.ok("ecs", "ListAccountSettings", &json!({})).await;
    assert_eq!(settings["settings"][0]["value"], "enabled");
}

#[tokio::test]
async fn scaling_and_deleting_are_waited_for() {
    let (world, _folder) = world().await;
    create(&world, "s", 1).await;
    assert_eq!(describe(&world, "s").await["runningCount"], 1);
    for desired in [3, 0, 2] {
        let input = json!({ "cluster": CLUSTER, "service": "s", "desiredCount": desired });
        world.ok("ecs", "UpdateService", &input).await;
        assert_eq!(describe(&world, "s").await["runningCount"], desired, "the first look waits for the tasks");
    }
    world.ok("ecs", "DeleteService", &json!({ "cluster": CLUSTER, "service": "s", "force": true })).await;
    assert_eq!(describe(&world, "s").await["status"], "INACTIVE");
}
