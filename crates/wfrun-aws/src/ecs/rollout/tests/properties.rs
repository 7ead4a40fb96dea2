//! What holds for every service, whatever happens to it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Just, Strategy, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;

use super::{Fate, Stage};
use crate::ecs::model::{Rollout, Service};
use crate::launcher::TaskReport;

/// What can happen between ticks.
#[derive(Clone, Debug)]
enum Deed {
    Deploy(Fate),
    Scale(u32),
    Bounds(u32, u32),
    Breaker(bool, bool, bool),
    /// A task that was healthy dies, or fails its check.
    Harm(usize, bool),
    Tick(usize),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let fate = prop_oneof![
        Just(Fate::Healthy),
        Just(Fate::Crash),
        Just(Fate::Unhealthy),
        Just(Fate::CannotStart("CannotPullContainerError: no")),
    ];
    let minimum = prop_oneof![Just(0_u32), Just(50), Just(100)];
    let maximum = prop_oneof![Just(50_u32), Just(100), Just(150), Just(200)];
    let deed = prop_oneof![
        2 => fate.prop_map(Deed::Deploy),
        1 => (0..5_u32).prop_map(Deed::Scale),
        1 => (minimum, maximum).prop_map(|(minimum, maximum)| Deed::Bounds(minimum, maximum)),
        1 => (prop::bool::ANY, prop::bool::ANY, prop::bool::ANY).prop_map(|(on, back, reset)| Deed::Breaker(on, back, reset)),
        2 => (0..8_usize, prop::bool::ANY).prop_map(|(at, dies)| Deed::Harm(at, dies)),
        3 => (1..6_usize).prop_map(Deed::Tick),
    ];
    prop::collection::vec(deed, 0..16)
}

const NAMES: [&str; 16] = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "P", "Q"];

/// A stage with what was seen on it.
struct Watched {
    stage: Stage,
    /// Deployments and their task definitions, as they were begun.
    begun: BTreeMap<String, String>,
    /// Tasks that were hurt from outside; none recovers.
    harmed: BTreeSet<String>,
    told: Vec<String>,
}

impl Watched {
    fn act(&mut self, at: usize, deed: Deed) -> Result<(), TestCaseError> {
        let Self { stage, begun, harmed, .. } = self;
        match deed {
            Deed::Deploy(fate) => {
                stage.deploy(NAMES[at], fate);
                let primary = &stage.service.deployments[0];
                begun.insert(primary.id.clone(), primary.task_definition.clone());
            }
            Deed::Scale(desired) => {
                stage.service.desired = desired;
                stage.service.deployments[0].desired = desired;
                stage.service.steady = false;
                stage.service.stuck_told = false;
            }
            Deed::Bounds(minimum, maximum) => {
                stage.service.configuration.minimum_healthy_percent = minimum;
                stage.service.configuration.maximum_percent = maximum;
                stage.service.stuck_told = false;
            }
            Deed::Breaker(enable, rollback, reset) => {
                let breaker = &mut stage.service.configuration.breaker;
                (breaker.enable, breaker.rollback, breaker.reset_on_healthy) = (enable, rollback, reset);
            }
            Deed::Harm(at, dies) => {
                let healthy: Vec<_> = stage.service.tasks.iter().filter(|task| task.healthy).collect();
                let Some(task) = healthy.get(at) else { return Ok(()) };
                let exited = TaskReport::Exited { containers: Vec::new(), last_lines: Vec::new() };
                harmed.insert(task.id.clone());
                stage.reports.reporter(&task.id).report(if dies { exited } else { TaskReport::Unhealthy });
            }
            Deed::Tick(count) => {
                for _ in 0..count {
                    self.tick()?;
                }
            }
        }
        Ok(())
    }

    /// One tick, and what must hold of it.
    fn tick(&mut self) -> Result<(), TestCaseError> {
        let before = self.stage.service.clone();
        let line = self.stage.tick();
        self.told.push(line.clone());
        let after = &self.stage.service;
        let healthy = |service: &Service| {
            let of = service.tasks.iter().filter(|task| task.is_live() && task.healthy);
            of.map(|task| task.id.clone()).collect::<BTreeSet<_>>()
        };
        let live = after.tasks.iter().filter(|task| task.is_live()).count();
        let desired = usize::try_from(after.desired).expect("few tasks");
        let percent = |percent: u32| desired * usize::try_from(percent).expect("a percentage");
        let lower = percent(after.configuration.minimum_healthy_percent).div_ceil(100);
        let upper = percent(after.configuration.maximum_percent) / 100;

        let started = &after.tasks[before.tasks.len()..];
        prop_assert!(started.is_empty() || live <= upper, "{live} live of at most {upper}: {line}");
        let primary = after.deployments.first().expect("a service has a deployment");
        for task in started {
            prop_assert_eq!(&task.deployment, &primary.id);
            prop_assert!(primary.rollout != Rollout::Failed, "a failed deployment starts nothing: {}", line);
        }
        let stopped = |id: &String| {
            let task = after.tasks.iter().find(|task| task.id == *id);
            task.and_then(|task| task.stop.as_ref()).is_some_and(|stop| stop.reason.starts_with("Scaling activity"))
        };
        let stopped_healthy = healthy(&before).difference(&self.harmed).any(stopped);
        let (left, line) = (healthy(after).len(), &line);
        prop_assert!(!stopped_healthy || left >= lower, "{left} healthy of at least {lower}: {line}");

        prop_assert_eq!(&after.task_definition, &primary.task_definition);
        let ids: BTreeSet<_> = after.deployments.iter().map(|deployment| &deployment.id).collect();
        prop_assert_eq!(ids.len(), after.deployments.len());
        for deployment in &after.deployments {
            prop_assert_eq!(self.begun.get(&deployment.id), Some(&deployment.task_definition));
        }
        Ok(())
    }

    /// The service comes to rest, or stands still and has said why, or starts failing tasks for ever and has said so.
    fn ends(&mut self) -> Result<(), TestCaseError> {
        const LONG_MS: u64 = 60_000;
        let mut last = self.stage.service.clone();
        let mut still = 0;
        for _ in 0..400 {
            self.stage.now_ms += LONG_MS;
            self.tick()?;
            still = if self.stage.service == last { still + 1 } else { 0 };
            last.clone_from(&self.stage.service);
            if still > 5 {
                break;
            }
        }
        let (service, told) = (&self.stage.service, self.told.join("\n"));
        let primary = &service.deployments[0];
        let fate = self.stage.fates.get(&primary.task_definition).unwrap_or(&Fate::Healthy);
        if still > 5 {
            let said = service.stuck_told || primary.rollout == Rollout::Failed;
            prop_assert!(service.is_at_rest() || said, "it stands still and says nothing:\n{told}");
        } else {
            prop_assert!(*fate != Fate::Healthy, "it never ends:\n{told}");
            prop_assert!(told.contains("is unable to consistently start tasks successfully."), "{told}");
        }
        if service.is_at_rest() {
            prop_assert_eq!(service.counts(None), (service.desired, 0), "{}", told);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn bounds_ids_and_ends_hold_in_every_history(desired in 0..5_u32, minimum in 0..=100_u32, maximum in 100..=200_u32, deeds in deeds()) {
        let stage = Stage::new(desired, minimum, maximum);
        let begun = stage.service.deployments.iter().map(|one| (one.id.clone(), one.task_definition.clone())).collect();
        let mut watched = Watched { stage, begun, harmed: BTreeSet::new(), told: Vec::new() };
        for (at, deed) in deeds.into_iter().enumerate() {
            watched.act(at, deed)?;
        }
        watched.ends()?;
    }

    /// With the default bounds and the breaker on with rollback, every service gets its desired tasks back.
    #[test]
    fn every_history_ends_in_a_steady_state(desired in 1..5_u32, deeds in deeds()) {
        let stage = Stage::new(desired, 100, 200);
        let begun = stage.service.deployments.iter().map(|one| (one.id.clone(), one.task_definition.clone())).collect();
        let mut watched = Watched { stage, begun, harmed: BTreeSet::new(), told: Vec::new() };
        for (at, deed) in deeds.into_iter().enumerate() {
            // With none desired, a bad revision completes at once, and there is nothing to go back to.
            if !matches!(deed, Deed::Bounds(..) | Deed::Breaker(..) | Deed::Scale(0)) {
                watched.act(at, deed)?;
            }
        }
        watched.ends()?;
        prop_assert!(watched.stage.service.is_at_rest(), "{}", watched.told.join("\n"));
    }
}
