//! Golden timelines, in the order of the AWS rules' appendix B: every line is a tick, `deployments | running/pending of the service | events`.

mod properties;

use std::collections::HashMap;

use indexmap::IndexMap;
use uuid::Uuid;

use super::{Turn, begin, tick};
use crate::account_file::Fault;
use crate::ecs::model::{Breaker, DeploymentConfiguration, Service, Threshold};
use crate::ecs::targets::{Balanced, Standing};
use crate::ecs::task::{Task, TaskStatus};
use crate::launcher::{RegistryLogin, Simulate, TaskLaunch, TaskLauncher as _, TaskReport, TaskReports};

/// What becomes of the tasks of a task definition.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    Healthy,
    Crash,
    Unhealthy,
    CannotStart(&'static str),
}

/// A service under test, with names instead of ids.
struct Stage {
    service: Service,
    fates: HashMap<String, Fate>,
    /// Ids of deployments and the letters they are shown as.
    names: Vec<(String, &'static str)>,
    now_ms: u64,
    next_id: u128,
    reports: TaskReports,
    simulate: Simulate,
    /// Task definitions whose targets fail, and why.
    bad_targets: HashMap<String, &'static str>,
}

impl Stage {
    /// A service whose deployment `O` runs `desired` tasks.
    fn new(desired: u32, minimum: u32, maximum: u32) -> Self {
        let mut next_id = 0;
        let mut new_id = || {
            next_id += 1;
            Uuid::from_u128(next_id)
        };
        let mut service = Service::running("S", "old", (desired, serde_json::Map::new()), "me", 0, &mut new_id);
        (service.configuration.breaker.enable, service.configuration.breaker.rollback) = (true, true);
        service.configuration.minimum_healthy_percent = minimum;
        service.configuration.maximum_percent = maximum;
        service.events.clear();
        let names = vec![(service.deployments[0].id.clone(), "O")];
        let reports = TaskReports::default();
        let simulate = Simulate::new(IndexMap::new(), reports.clone());
        Self {
            service,
            fates: HashMap::new(),
            names,
            now_ms: 1000,
            next_id,
            reports,
            simulate,
            bad_targets: HashMap::new(),
        }
    }

    fn breaker(mut self, enable: bool, rollback: bool) -> Self {
        self.service.configuration.breaker.enable = enable;
        self.service.configuration.breaker.rollback = rollback;
        self
    }

    fn deploy(&mut self, name: &'static str, fate: Fate) {
        self.fates.insert(name.to_owned(), fate);
        let next_id = &mut self.next_id;
        begin(&mut self.service, name, self.now_ms, &mut || {
            *next_id += 1;
            Uuid::from_u128(*next_id)
        });
        self.names.push((self.service.deployments[0].id.clone(), name));
    }

    /// A new deployment of a definition that was deployed before.
    fn force(&mut self, name: &'static str, definition: &str) {
        let next_id = &mut self.next_id;
        begin(&mut self.service, definition, self.now_ms, &mut || {
            *next_id += 1;
            Uuid::from_u128(*next_id)
        });
        self.names.push((self.service.deployments[0].id.clone(), name));
    }

    fn ticks(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.tick()).collect()
    }

    fn tick(&mut self) -> String {
        self.now_ms += 50;
        self.simulate.advance();
        let reports = self.reports.take();
        let Self { service, next_id, now_ms, .. } = self;
        let mut new_id = || {
            *next_id += 1;
            Uuid::from_u128(*next_id)
        };
        let bad = self.bad_targets.clone();
        let standing = move |task: &Task, _: &[Balanced]| match bad.get(&task.definition) {
            Some(why) => Standing::Bad { group: "TG".to_owned(), port: 80, why: (*why).to_owned() },
            None => Standing::Good,
        };
        let events =
            tick(service, &mut Turn { now_ms: *now_ms, reports: &reports, standing: &standing, new_id: &mut new_id });
        self.carry_out();
        self.line(&events)
    }

    /// What the account does between ticks: tells the launcher what to start and stop.
    fn carry_out(&mut self) {
        let Self { service, fates, reports, simulate, .. } = self;
        for task in &mut service.tasks {
            if task.status == TaskStatus::Pending && !task.launch.ordered {
                task.launch.ordered = true;
                let reporter = reports.reporter(&task.id);
                match fates.get(&task.definition).unwrap_or(&Fate::Healthy) {
                    Fate::Healthy => simulate.start(launch(&task.id), reporter),
                    Fate::Crash => simulate.start_with(&launch(&task.id), reporter, Some(Fault::Crash)),
                    Fate::Unhealthy => simulate.start_with(&launch(&task.id), reporter, Some(Fault::Unhealthy)),
                    Fate::CannotStart(reason) => {
                        reporter.report(TaskReport::CannotStart { reason: (*reason).to_owned() });
                    }
                }
            }
            if task.status == TaskStatus::Deactivating && !task.launch.stop_ordered {
                task.launch.stop_ordered = true;
                simulate.stop(&task.id);
            }
        }
    }

    fn line(&self, events: &[String]) -> String {
        let named = |text: &str| self.names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name));
        let deployments = self.service.deployments.iter().enumerate().map(|(at, deployment)| {
            let (running, pending) = self.service.counts(Some(&deployment.id));
            let status = if at == 0 { "PRIMARY" } else { "ACTIVE" };
            let state = deployment.rollout.word();
            let (desired, failed) = (deployment.desired, deployment.failed_tasks);
            named(&format!("{} {status} {state} {running}+{pending}/{desired} f{failed}", deployment.id))
        });
        let (running, pending) = self.service.counts(None);
        let events = events
            .iter()
            .map(|event| named(event.split(": (task").next().unwrap_or_default()).replace("(service S) ", ""));
        let (deployments, events) = (deployments.collect::<Vec<_>>().join(", "), events.collect::<Vec<_>>().join("; "));
        format!("{deployments} | {running}/{pending} | {events}").trim_end().to_owned()
    }
}

fn launch(id: &str) -> TaskLaunch {
    let container = serde_json::json!({ "containerDefinitions": [{ "name": "app" }] });
    TaskLaunch {
        id: id.to_owned(),
        arn: String::new(),
        cluster: "c".to_owned(),
        region: "us-east-1".to_owned(),
        group: "service:S".to_owned(),
        definition: container.as_object().expect("the literal above is an object").clone(),
        overrides: serde_json::Map::new(),
        images: std::collections::BTreeMap::new(),
        registry: RegistryLogin { host: String::new(), user: String::new(), password: String::new() },
    }
}

#[track_caller]
fn check(found: &[String], want: &[&str]) {
    assert_eq!(found, want, "\nfound:\n{}\nwant:\n{}", found.join("\n"), want.join("\n"));
}

#[test]
fn b1_good_revision() {
    let mut stage = Stage::new(2, 100, 200);
    stage.deploy("N", Fate::Healthy);
    assert_eq!(stage.line(&[]), "N PRIMARY IN_PROGRESS 0+0/2 f0, O ACTIVE COMPLETED 2+0/2 f0 | 2/0 |");
    check(
        &stage.ticks(5),
        &[
            "N PRIMARY IN_PROGRESS 0+2/2 f0, O ACTIVE COMPLETED 2+0/2 f0 | 2/2 | has started 2 tasks",
            "N PRIMARY IN_PROGRESS 2+0/2 f0, O ACTIVE COMPLETED 2+0/2 f0 | 4/0 |",
            "N PRIMARY IN_PROGRESS 2+0/2 f0, O ACTIVE COMPLETED 0+0/2 f0 | 2/0 | has stopped 2 running tasks",
            "N PRIMARY COMPLETED 2+0/2 f0 | 2/0 | (deployment N) deployment completed.; has reached a steady state.",
            "N PRIMARY COMPLETED 2+0/2 f0 | 2/0 |",
        ],
    );
}

#[test]
fn b2_crashing_revision_is_rolled_back() {
    let mut stage = Stage::new(1, 100, 200);
    let old_task = stage.service.tasks[0].id.clone();
    stage.deploy("N", Fate::Crash);
    check(
        &stage.ticks(8),
        &[
            "N PRIMARY IN_PROGRESS 0+1/1 f0, O ACTIVE COMPLETED 1+0/1 f0 | 1/1 | has started 1 tasks",
            "N PRIMARY IN_PROGRESS 0+0/1 f1, O ACTIVE COMPLETED 1+0/1 f0 | 1/0 |",
            "N PRIMARY IN_PROGRESS 0+1/1 f1, O ACTIVE COMPLETED 1+0/1 f0 | 1/1 | has started 1 tasks",
            "N PRIMARY IN_PROGRESS 0+0/1 f2, O ACTIVE COMPLETED 1+0/1 f0 | 1/0 |",
            "N PRIMARY IN_PROGRESS 0+1/1 f2, O ACTIVE COMPLETED 1+0/1 f0 | 1/1 | has started 1 tasks",
            "O PRIMARY IN_PROGRESS 1+0/1 f0, N ACTIVE FAILED 0+0/0 f3 | 1/0 | \
         (deployment N) deployment failed: tasks failed to start.; rolling back to deployment O.",
            "O PRIMARY COMPLETED 1+0/1 f0 | 1/0 | (deployment O) deployment completed.; has reached a steady state.",
            "O PRIMARY COMPLETED 1+0/1 f0 | 1/0 |",
        ],
    );
    assert_eq!(stage.service.task_definition, "old");
    let kept = stage.service.tasks.iter().find(|task| task.id == old_task).unwrap();
    assert!(kept.is_live(), "the old task is never stopped");
    let stopped: Vec<_> = stage.service.tasks.iter().filter_map(|task| task.stop.as_ref()).collect();
    assert!(stopped.iter().all(|stop| stop.code == "EssentialContainerExited" && stop.exit_code == Some(1)));
    assert_eq!(stopped.len(), 3);
}

#[test]
fn an_image_that_cannot_be_pulled_is_rolled_back() {
    let mut stage = Stage::new(1, 100, 200);
    stage.deploy("N", Fate::CannotStart("CannotPullContainerError: no"));
    let lines = stage.ticks(7);
    assert!(lines[1].ends_with("| was unable to place a task. Reason: CannotPullContainerError: no."), "{}", lines[1]);
    assert!(lines[6].starts_with("O PRIMARY COMPLETED"), "{}", lines[6]);
    let stopped: Vec<_> = stage.service.tasks.iter().filter_map(|task| task.stop.as_ref()).collect();
    assert_eq!(stopped.len(), 3);
    assert!(stopped.iter().all(|stop| stop.code == "TaskFailedToStart"));
}

#[test]
fn an_unhealthy_revision_is_rolled_back() {
    let mut stage = Stage::new(1, 100, 200);
    stage.deploy("N", Fate::Unhealthy);
    let lines = stage.ticks(12);
    assert!(lines[2].contains("| (task "), "the failed check is told: {}", lines[2]);
    assert!(lines.iter().any(|line| line.contains("rolling back to deployment O.")), "{}", lines.join("\n"));
    assert!(lines[11].starts_with("O PRIMARY COMPLETED"), "{}", lines[11]);
}

#[test]
fn b3_without_breaker_it_goes_on_for_ever() {
    let mut stage = Stage::new(1, 100, 200).breaker(false, false);
    stage.deploy("N", Fate::Crash);
    let lines = stage.ticks(400);
    let told = lines.iter().filter(|line| line.contains("is unable to consistently start tasks successfully.")).count();
    assert_eq!(told, 1);
    let last = lines.last().unwrap();
    assert!(last.starts_with("N PRIMARY IN_PROGRESS") && last.contains("O ACTIVE COMPLETED 1+0/1"), "{last}");
    assert!((5..20).contains(&stage.service.deployments[0].failed_tasks), "the delay grows: {last}");
}

#[test]
fn b4_bounds_that_let_nothing_happen() {
    let mut stage = Stage::new(1, 100, 100);
    stage.deploy("N", Fate::Healthy);
    let lines = stage.ticks(5);
    assert!(lines[0].contains(
        "was unable to stop or start tasks during a deployment because of the service deployment configuration."
    ));
    for line in &lines[1..] {
        assert_eq!(line, "N PRIMARY IN_PROGRESS 0+0/1 f0, O ACTIVE COMPLETED 1+0/1 f0 | 1/0 |");
    }
}

#[test]
fn b5_old_tasks_stop_first() {
    let mut stage = Stage::new(2, 0, 100);
    stage.deploy("N", Fate::Healthy);
    check(
        &stage.ticks(5),
        &[
            "N PRIMARY IN_PROGRESS 0+0/2 f0, O ACTIVE COMPLETED 0+0/2 f0 | 0/0 | has stopped 2 running tasks",
            "N PRIMARY IN_PROGRESS 0+2/2 f0, O ACTIVE COMPLETED 0+0/2 f0 | 0/2 | has started 2 tasks",
            "N PRIMARY IN_PROGRESS 2+0/2 f0, O ACTIVE COMPLETED 0+0/2 f0 | 2/0 |",
            "N PRIMARY COMPLETED 2+0/2 f0 | 2/0 | (deployment N) deployment completed.; has reached a steady state.",
            "N PRIMARY COMPLETED 2+0/2 f0 | 2/0 |",
        ],
    );
}

#[test]
fn b6_a_second_update_before_the_first_is_complete() {
    let mut stage = Stage::new(2, 100, 200);
    stage.deploy("N1", Fate::Healthy);
    stage.ticks(1);
    stage.deploy("N2", Fate::Crash);
    let lines = stage.ticks(20);
    let ids: Vec<_> =
        lines[0].split(" | ").next().unwrap().split(", ").map(|one| one.split(' ').next().unwrap()).collect();
    assert_eq!(ids, ["N2", "N1", "O"]);
    assert!(lines.iter().any(|line| line.contains("rolling back to deployment O.")), "{}", lines.join("\n"));
    let last = lines.last().unwrap();
    assert_eq!(last, "O PRIMARY COMPLETED 2+0/2 f0 | 2/0 |", "{}", lines.join("\n"));
}

#[test]
fn b6_a_second_update_that_is_good() {
    let mut stage = Stage::new(2, 100, 200);
    stage.deploy("N1", Fate::Healthy);
    stage.ticks(2);
    stage.deploy("N2", Fate::Healthy);
    let lines = stage.ticks(12);
    assert_eq!(lines.last().unwrap(), "N2 PRIMARY COMPLETED 2+0/2 f0 | 2/0 |", "{}", lines.join("\n"));
}

#[test]
fn without_rollback_the_failed_deployment_stays_beside_the_old_one() {
    let mut stage = Stage::new(1, 100, 200).breaker(true, false);
    stage.deploy("N", Fate::Crash);
    let lines = stage.ticks(20);
    assert_eq!(lines.last().unwrap(), "N PRIMARY FAILED 0+0/1 f3, O ACTIVE COMPLETED 1+0/1 f0 | 1/0 |");
}

#[test]
fn a_healthy_task_starts_the_count_afresh_if_it_should() {
    for (reset, trips) in [(true, false), (false, true)] {
        let mut stage = Stage::new(2, 100, 150);
        stage.service.configuration.breaker.reset_on_healthy = reset;
        stage.deploy("N", Fate::Crash);
        stage.ticks(4);
        assert_eq!(stage.service.deployments[0].failed_tasks, 2);
        stage.fates.insert("N".to_owned(), Fate::Healthy);
        stage.ticks(3);
        stage.fates.insert("N".to_owned(), Fate::Crash);
        let lines = stage.ticks(3);
        assert_eq!(lines.iter().any(|line| line.contains("rolling back")), trips, "{}", lines.join("\n"));
        assert_eq!(stage.service.deployments.iter().map(|one| one.failed_tasks).max(), Some(3), "{}", lines.join("\n"));
    }
}

#[test]
fn scaling_keeps_the_deployment() {
    let mut stage = Stage::new(2, 100, 200);
    for (desired, want) in [(3, "O PRIMARY COMPLETED 3+0/3 f0 | 3/0 |"), (0, "O PRIMARY COMPLETED 0+0/0 f0 | 0/0 |")] {
        stage.service.desired = desired;
        stage.service.deployments[0].desired = desired;
        stage.service.steady = false;
        let lines = stage.ticks(6);
        assert_eq!(lines.last().unwrap(), want, "{}", lines.join("\n"));
        assert!(lines.iter().any(|line| line.ends_with("has reached a steady state.")), "{}", lines.join("\n"));
    }
}

#[test]
fn bounds_hold_for_every_service() {
    for desired in 0..6 {
        for (minimum, maximum) in [(100, 200), (50, 100), (0, 100), (50, 150), (100, 150), (0, 200)] {
            let mut stage = Stage::new(desired, minimum, maximum);
            stage.deploy("N", Fate::Healthy);
            let lower = (desired * minimum).div_ceil(100);
            let upper = desired * maximum / 100;
            for _ in 0..40 {
                stage.tick();
                let live = stage.service.tasks.iter().filter(|task| task.is_live()).count();
                let healthy = stage.service.tasks.iter().filter(|task| task.is_live() && task.healthy).count();
                let case = format!("desired {desired}, {minimum}..{maximum}: {live} live, {healthy} healthy");
                assert!(live <= usize::try_from(upper.max(desired)).unwrap(), "{case}");
                assert!(healthy >= usize::try_from(lower).unwrap(), "{case}");
            }
            // Nothing can move where the bounds leave no room: no more may start, none may stop.
            let stuck = upper <= desired && lower >= desired && desired > 0;
            assert_eq!(
                stage.service.is_rolling_out(),
                stuck,
                "desired {desired}, {minimum}..{maximum}: {}",
                stage.line(&[])
            );
        }
    }
}

#[test]
fn thresholds_of_the_breaker() {
    let bounded = Threshold::BoundedPercent(50);
    let cases = [
        (bounded, 1, 3),
        (bounded, 2, 3),
        (bounded, 6, 3),
        (bounded, 7, 4),
        (bounded, 25, 13),
        (bounded, 400, 200),
        (bounded, 800, 200),
        (Threshold::UnboundedPercent(50), 800, 400),
        (Threshold::Count(7), 1, 7),
    ];
    let Breaker { enable, rollback, reset_on_healthy, .. } = DeploymentConfiguration::default().breaker;
    for (threshold, desired, want) in cases {
        let breaker = Breaker { enable, rollback, threshold, reset_on_healthy };
        assert_eq!(breaker.trips_at(desired), want, "{threshold:?} of {desired}");
    }
}

/// Source: the AWS rules, appendix B1 with load balancer and B7.
#[test]
fn b1_b7_a_forced_deployment_behind_a_load_balancer() {
    let mut stage = Stage::new(2, 100, 200);
    let balancers = serde_json::json!([{ "targetGroupArn": "TG", "containerName": "app", "containerPort": 80 }]);
    stage.service.settings.insert("loadBalancers".to_owned(), balancers);
    stage.force("N", "old");
    check(
        &stage.ticks(4),
        &[
            "N PRIMARY IN_PROGRESS 0+2/2 f0, O ACTIVE COMPLETED 2+0/2 f0 | 2/2 | has started 2 tasks",
            "N PRIMARY IN_PROGRESS 2+0/2 f0, O ACTIVE COMPLETED 2+0/2 f0 | 4/0 | registered 2 targets in (target-group TG)",
            "N PRIMARY IN_PROGRESS 2+0/2 f0, O ACTIVE COMPLETED 0+0/2 f0 | 2/0 | has stopped 2 running tasks; \
             deregistered 2 targets in (target-group TG); (service S, taskSet O) has begun draining connections on 2 tasks.",
            "N PRIMARY COMPLETED 2+0/2 f0 | 2/0 | (deployment N) deployment completed.; has reached a steady state.",
        ],
    );
    assert_eq!(
        (stage.service.task_definition.as_str(), stage.service.deployments[0].id == stage.names[0].0),
        ("old", false)
    );
}

#[test]
fn a_task_that_becomes_unhealthy_is_replaced_first_where_there_is_room() {
    let mut stage = Stage::new(2, 50, 150);
    let task = stage.service.tasks[0].id.clone();
    stage.reports.reporter(&task).report(TaskReport::Unhealthy);
    check(
        &stage.ticks(5),
        &[
            "O PRIMARY COMPLETED 2+1/2 f0 | 2/1 | (task 00000000000000000000000000000003) failed container health checks.; has started 1 tasks",
            "O PRIMARY COMPLETED 3+0/2 f0 | 3/0 |",
            "O PRIMARY COMPLETED 2+0/2 f0 | 2/0 | has stopped 1 running tasks",
            "O PRIMARY COMPLETED 2+0/2 f0 | 2/0 | has reached a steady state.",
            "O PRIMARY COMPLETED 2+0/2 f0 | 2/0 |",
        ],
    );
    assert_eq!(stage.service.tasks[0].stop.as_ref().unwrap().reason, "Task failed container health checks");
    let mut stage = Stage::new(2, 50, 100);
    stage.reports.reporter(&task).report(TaskReport::Unhealthy);
    let lines = stage.ticks(5);
    assert!(
        lines[0].ends_with("has stopped 1 running tasks") && lines[1].ends_with("has started 1 tasks"),
        "{lines:#?}"
    );
}

#[test]
fn a_task_that_dies_after_it_was_healthy_is_no_failure() {
    let mut stage = Stage::new(2, 100, 200);
    stage.deploy("N", Fate::Healthy);
    stage.ticks(2);
    let dying: Vec<_> = stage.service.tasks.iter().rev().take(1).map(|task| task.id.clone()).collect();
    for _ in 0..4 {
        stage.tick();
        for task in &dying {
            stage.reports.reporter(task).report(TaskReport::Exited { containers: Vec::new(), last_lines: Vec::new() });
        }
    }
    let lines = stage.ticks(4);
    assert_eq!(lines.last().unwrap(), "N PRIMARY COMPLETED 2+0/2 f0 | 2/0 |", "{}", lines.join("\n"));
}

#[test]
fn healthy_tasks_of_a_failed_deployment_leave_when_they_are_replaced() {
    let mut stage = Stage::new(4, 50, 100);
    stage.service.configuration.breaker.reset_on_healthy = false;
    stage.deploy("N", Fate::Healthy);
    stage.ticks(4);
    stage.fates.insert("N".to_owned(), Fate::Crash);
    let mut tripped = false;
    for _ in 0..60 {
        let line = stage.tick();
        tripped |= line.contains("rolling back");
        let healthy = stage.service.tasks.iter().filter(|task| task.healthy && task.is_live()).count();
        assert!(healthy >= 2, "{line}");
    }
    assert!(tripped && stage.service.is_at_rest());
    assert_eq!(stage.service.task_definition, "old");
}

#[test]
fn targets_decide_about_health_too() {
    let mut stage = Stage::new(1, 100, 200);
    stage.deploy("N", Fate::Healthy);
    stage.bad_targets.insert("N".to_owned(), "Health checks failed with these codes: [502]");
    let lines = stage.ticks(12);
    let told =
        "(port 80) is unhealthy in (target-group TG) due to (reason Health checks failed with these codes: [502]).";
    let events: Vec<_> = stage.service.events.iter().map(|event| event.message.as_str()).collect();
    assert!(events.iter().any(|event| event.ends_with(told)), "{events:#?}");
    assert_eq!(lines.last().unwrap(), "O PRIMARY COMPLETED 1+0/1 f0 | 1/0 |", "{}", lines.join("\n"));
    assert_eq!(stage.service.failed.as_ref().unwrap().reason, "Task failed ELB health checks in (target-group TG)");
    // One that was healthy is replaced.
    stage.bad_targets.insert("old".to_owned(), "Request timed out");
    let lines = stage.ticks(2);
    assert!(lines[0].ends_with("has started 1 tasks"), "{}", lines.join("\n"));
}

#[test]
fn targets_may_fail_in_the_grace_period() {
    let mut stage = Stage::new(1, 100, 200).breaker(true, true);
    stage.service.settings.insert("healthCheckGracePeriodSeconds".to_owned(), 10.into());
    stage.deploy("N", Fate::Healthy);
    stage.bad_targets.insert("N".to_owned(), "Request timed out");
    // A twentieth of ten seconds is ten ticks.
    let failed = |lines: &[String]| lines.iter().position(|line| line.contains("is unhealthy in (target-group TG)"));
    let lines = stage.ticks(20);
    let started = lines.iter().position(|line| line.starts_with("N PRIMARY IN_PROGRESS 1+0/1")).expect("it runs");
    assert_eq!(failed(&lines), Some(started + 10), "{lines:#?}");
}
