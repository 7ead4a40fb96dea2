use serde_json::json;
use uuid::Uuid;

use super::super::rollout::{Turn, begin, tick};
use super::*;
use crate::account_file::LoadBalancerEntry;
use crate::elbv2::create_load_balancer;
use crate::ids::Arns;
use crate::launcher::{PublishedPort, TaskReport};

/// A region with a load balancer, and a service behind it whose first deployment is complete.
struct Stage {
    region: Region,
    group: String,
    now_ms: u64,
}

impl Stage {
    fn new() -> Self {
        let entry = LoadBalancerEntry { name: "alb".to_owned(), target_group: None, health_check: None };
        let mut region = Region::default();
        let arns = Arns { account: "123456789012", region: "us-east-1" };
        create_load_balancer(&mut region, &entry, arns, 7).unwrap();
        let group = region.elbv2.target_group_arns().remove(0);
        let mut service = Service::new("S", 1, "me", 0);
        service.configuration.breaker.enable = true;
        service.configuration.breaker.rollback = true;
        let balancers = json!([{ "targetGroupArn": group, "containerName": "app", "containerPort": 8000 }]);
        service.settings.insert("loadBalancers".to_owned(), balancers);
        begin(&mut service, "one", 0, &mut Uuid::new_v4);
        region.ecs.clusters.entry("C".to_owned()).or_default().services.insert("S".to_owned(), service);
        Self { region, group, now_ms: 1000 }
    }

    fn service(&mut self) -> &mut Service {
        &mut self.region.ecs.clusters["C"].services["S"]
    }

    /// The newest task.
    fn task(&mut self) -> Task {
        self.service().tasks.last().cloned().expect("a task")
    }

    /// A step, with reports on the newest task; the events come back.
    fn step(&mut self, ms: u64, reports: &[TaskReport]) -> Vec<String> {
        self.now_ms += ms;
        join(&mut self.region);
        let (now_ms, id) = (self.now_ms, self.service().tasks.last().map(|task| task.id.clone()).unwrap_or_default());
        let reports: Vec<_> = reports.iter().map(|report| (id.clone(), report.clone())).collect();
        let turn = &mut Turn { now_ms, reports: &reports, new_id: &mut Uuid::new_v4 };
        let events = tick(self.service(), turn);
        self.service().tasks.iter_mut().for_each(|task| task.launch.ordered = true);
        leave(&mut self.region, now_ms);
        events
    }

    fn say(&mut self, health: TargetHealth) {
        let (group, id) = (self.group.clone(), self.task().address());
        assert!(set_health(&mut self.region.elbv2, &group, &id, 8000, health));
    }

    fn state(&mut self) -> Option<HealthState> {
        let (group, id) = (self.group.clone(), self.task().address());
        target_health(&self.region.elbv2, &group, &id, 8000).map(|health| health.state)
    }
}

fn running() -> TaskReport {
    let port = PublishedPort {
        container: "app".to_owned(),
        container_port: 8000,
        host_address: "127.0.0.1".to_owned(),
        host_port: 40_000,
    };
    TaskReport::Running { address: Some("172.17.0.2".to_owned()), ports: vec![port] }
}

fn failing() -> TargetHealth {
    TargetHealth::unhealthy("Target.ResponseCodeMismatch", "Health checks failed with these codes: [502]")
}

#[test]
fn a_task_is_healthy_when_its_target_is_and_leaves_before_it_stops() {
    let mut stage = Stage::new();
    stage.step(50, &[]);
    let events = stage.step(50, &[running(), TaskReport::Healthy]);
    assert_eq!(events, [format!("(service S) registered 1 targets in (target-group {})", stage.group)]);
    stage.step(50, &[]);
    assert_eq!(
        (stage.state(), stage.task().healthy),
        (Some(HealthState::Initial), false),
        "its check alone is not enough"
    );
    stage.say(TargetHealth::healthy());
    let events = stage.step(50, &[]);
    assert!(stage.task().healthy && stage.service().deployments[0].ever_completed, "{events:?}");
    assert!(stage.service().is_at_rest() || events.len() == 2);

    // It fails later: replaced, and no failure of the deployment.
    stage.say(failing());
    let first = stage.task();
    let events = stage.step(50, &[]);
    let unhealthy = format!(
        "(service S) (task {}) (port 8000) is unhealthy in (target-group {}) due to (reason Health checks failed with these codes: [502]).",
        first.id, stage.group
    );
    assert_eq!(events[0], unhealthy);
    assert!(events[1].ends_with("Amazon ECS replaced 1 tasks due to an unhealthy status."), "{events:?}");
    assert_eq!(stage.service().deployments[0].failed_tasks, 0);

    // A service that goes takes its targets along, and waits until they are drained.
    stage.step(50, &[TaskReport::Running { address: Some("172.17.0.3".to_owned()), ports: Vec::new() }]);
    stage.step(50, &[]);
    stage.service().status = super::super::model::ServiceStatus::Draining;
    stage.step(50, &[]);
    let targets: Vec<TaskTarget> = stage.service().tasks.iter().flat_map(|task| task.targets.clone()).collect();
    assert!(targets[0].draining, "it answers what is under way: {targets:?}");
    assert_eq!(targets[1].registered, None, "nobody answers there: {targets:?}");
    forget(&mut stage.region.elbv2, &stage.group.clone(), "172.17.0.2", 8000);
    stage.step(50, &[]);
    assert!(!stage.service().tasks[0].targets[0].draining);
}

#[test]
fn a_target_that_never_answers_is_a_failure_after_its_time() {
    let mut stage = Stage::new();
    stage.service().settings.insert("healthCheckGracePeriodSeconds".to_owned(), json!(20));
    stage.step(50, &[]);
    stage.step(50, &[running(), TaskReport::Healthy]);
    stage.step(50, &[]);
    stage.say(failing());
    assert_eq!(stage.step(19_000, &[]), [""; 0], "its grace period");
    let task = stage.task();
    let events = stage.step(2000, &[]);
    assert!(events[0].contains(&format!("(task {}) (port 8000) is unhealthy in", task.id)), "{events:?}");
    let stopped = stage.service().tasks[0].clone();
    let reason = format!("Task failed ELB health checks in (target-group {})", stage.group);
    assert_eq!(stopped.stop.map(|stop| stop.reason), Some(reason));
    assert_eq!(stage.service().deployments[0].failed_tasks, 1);
}

#[test]
fn a_simulated_task_is_a_target_that_nobody_answers_for() {
    let mut stage = Stage::new();
    stage.step(50, &[]);
    stage.service().tasks[0].launch.simulated = true;
    stage.step(50, &[TaskReport::Running { address: None, ports: Vec::new() }]);
    stage.step(50, &[TaskReport::Healthy]);
    stage.step(50, &[]);
    assert_eq!((stage.state(), stage.task().healthy), (Some(HealthState::Healthy), true));
    // What an earlier process registered is gone.
    let mut state = State::default();
    state.regions.insert("us-east-1".to_owned(), stage.region.clone());
    forget_targets(&mut state);
    stage.region = state.regions["us-east-1"].clone();
    assert_eq!((stage.state(), stage.task().targets[0].passes.clone()), (None, Passes::Unknown));
}

#[test]
fn load_balancers_that_do_not_fit_are_refused() {
    let stage = Stage::new();
    let group = stage.group.as_str();
    let body = json!({ "containerDefinitions": [{ "name": "app", "portMappings": [{ "containerPort": 8000 }] }] });
    let definition =
        TaskDefinition { arn: String::new(), revision: 1, body: body.as_object().unwrap().clone(), tags: Vec::new() };
    let given = |group: &str, name: &str, port: u16| json!([{ "targetGroupArn": group, "containerName": name, "containerPort": port }]);
    let cases = [
        (given(group, "app", 8000), None),
        (given("arn:nope", "app", 8000), Some("The target group with targetGroupArn arn:nope does not exist.")),
        (given(group, "web", 8000), Some("The container web does not exist in the task definition.")),
        (given(group, "app", 80), Some("The container app did not have a container port 80 defined.")),
        (json!([{ "loadBalancerName": "x" }]), Some("wfrun: load balancers without a target group are not emulated")),
    ];
    for (balancers, message) in cases {
        let refused = check(&stage.region.elbv2, &definition, Some(&balancers)).map_err(|err| err.message);
        assert_eq!(refused.err().as_deref(), message, "{balancers}");
    }
    let mut alone = stage.region.elbv2.clone();
    alone.forget_listeners();
    let err = check(&alone, &definition, Some(&given(group, "app", 8000))).unwrap_err();
    assert!(err.message.ends_with("does not have an associated load balancer."), "{}", err.message);
}
