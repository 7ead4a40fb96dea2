//! From decisions to launchers: a step of all services and tasks, and what launchers are told after it.

use std::collections::{BTreeMap, HashSet};
use std::mem;

use indexmap::IndexMap;
use serde_json::Map;
use uuid::Uuid;

use super::model::{Cluster, Ecs, Service, TaskDefinition};
use super::rollout::{self, Turn};
use super::targets::{Balanced, Standing, balanced, follow, standing};
use super::task::{Launch, Task, TaskStatus};
use crate::account::{Region, State, TaskFaults};
use crate::account_file::Fault;
use crate::elbv2::Elbv2;
use crate::ids::Arns;
use crate::launcher::{LaunchImage, RegistryLogin, TaskLaunch, TaskReport};
use crate::registry::{Home, ImageReference};

/// The image of services that were created for a workflow. It is always healthy, and nobody can pull it.
pub(crate) const PLACEHOLDER_IMAGE: &str = "wfrun/placeholder:always-healthy";

/// What launchers are told.
#[derive(Debug)]
pub(crate) enum Order {
    Start {
        task: Box<TaskLaunch>,
        /// `simulate` plays it, whatever the account's launcher is.
        simulated: bool,
        fault: Option<Fault>,
    },
    /// It cannot be started, and no launcher has to try.
    Refuse {
        task: String,
        reason: String,
    },
    Stop {
        task: String,
        simulated: bool,
    },
}

/// What a step is given.
pub(crate) struct Step<'a> {
    pub(crate) account: &'a str,
    pub(crate) now_ms: u64,
    pub(crate) reports: &'a [(String, TaskReport)],
    /// No launcher but `simulate` is there.
    pub(crate) simulate: bool,
    /// Faults that tasks of new deployments are to have.
    pub(crate) faults: TaskFaults,
    /// For the region: how launchers log in to the account's registry.
    pub(crate) login: &'a dyn Fn(&str) -> RegistryLogin,
    pub(crate) new_id: &'a mut dyn FnMut() -> Uuid,
}

/// Drives every service of `state` by one tick, and every task without a service. Returns whether anything changed, and what launchers
/// are to be told.
pub(crate) fn tick(state: &mut State, step: &mut Step<'_>) -> (bool, Vec<Order>) {
    let mut changed = false;
    let told: HashSet<&str> = step.reports.iter().map(|(task, _)| task.as_str()).collect();
    for Region { ecs, elbv2, .. } in state.regions.values_mut() {
        for cluster in ecs.clusters.values_mut() {
            for service in cluster.services.values_mut() {
                changed |= tick_service(service, elbv2, &told, step);
            }
            for task in cluster.tasks.iter_mut().filter(|task| told.contains(task.id.as_str())) {
                changed = true;
                for (id, report) in step.reports {
                    if *id == task.id {
                        task.take_in(report, false, step.now_ms);
                    }
                }
            }
        }
    }
    let orders = orders(state, step);
    (changed || !orders.is_empty(), orders)
}

fn tick_service(service: &mut Service, elb: &mut Elbv2, told: &HashSet<&str>, step: &mut Step<'_>) -> bool {
    let balanced = balanced(service);
    let news = service.tasks.iter().any(|task| {
        let bad = || task.healthy && matches!(standing(elb, task, &balanced), Standing::Bad { .. });
        told.contains(task.id.as_str()) || (!balanced.is_empty() && bad())
    });
    let mut changed = false;
    if news || !service.is_at_rest() {
        let before = service.clone();
        let standing = |task: &Task, balanced: &[Balanced]| standing(elb, task, balanced);
        let (now_ms, reports) = (step.now_ms, step.reports);
        let events =
            rollout::tick(service, &mut Turn { now_ms, reports, standing: &standing, new_id: &mut *step.new_id });
        changed = !events.is_empty() || *service != before;
    }
    follow(elb, service, step.now_ms) || changed
}

/// A task that waits for its launcher.
struct Waiting {
    region: String,
    cluster: String,
    service: Option<String>,
    task: Task,
    /// It is of a deployment that began in this process, or without a service.
    fresh: bool,
    /// The digests that the deployment has already.
    digests: IndexMap<String, String>,
}

/// What launchers are to be told; it is noted on the tasks.
fn orders(state: &mut State, step: &Step<'_>) -> Vec<Order> {
    let mut orders = stops(state);
    for waiting in waiting(state) {
        let slow = step.faults.slow_ms.filter(|_| waiting.fresh).unwrap_or_default();
        if step.now_ms < waiting.task.created_at_ms + slow {
            continue;
        }
        let (order, digests) = match launch(state, step, &waiting) {
            Ok((launch, digests)) => {
                let fault = step.faults.fate.filter(|_| waiting.fresh);
                let placeholder = launch.images.values().any(|image| image.name == PLACEHOLDER_IMAGE);
                let simulated = step.simulate || placeholder || fault.is_some();
                (Order::Start { task: Box::new(launch), simulated, fault }, digests)
            }
            Err(reason) => (Order::Refuse { task: waiting.task.id.clone(), reason }, IndexMap::new()),
        };
        let simulated = matches!(order, Order::Start { simulated: true, .. });
        note(state, &waiting, simulated, digests);
        orders.push(order);
    }
    orders
}

fn stops(state: &mut State) -> Vec<Order> {
    let stopping =
        all_tasks_mut(state).filter(|task| task.status == TaskStatus::Deactivating && !task.launch.stop_ordered);
    stopping
        .map(|task| {
            task.launch.stop_ordered = true;
            Order::Stop { task: task.id.clone(), simulated: task.launch.simulated }
        })
        .collect()
}

fn waiting(state: &State) -> Vec<Waiting> {
    let mut waiting = Vec::new();
    let waits = |task: &&Task| task.status == TaskStatus::Pending && !task.launch.ordered;
    for (region, here) in &state.regions {
        for (cluster, found) in &here.ecs.clusters {
            let place = |service: Option<&Service>, task: &Task| {
                let deployments = service.map_or(&[][..], |service| &service.deployments);
                let deployment = deployments.iter().find(|of| of.id == task.deployment);
                Waiting {
                    region: region.clone(),
                    cluster: cluster.clone(),
                    service: service.map(|service| service.name.clone()),
                    fresh: service.is_none() || deployment.is_some_and(|of| of.fresh),
                    digests: deployment.map(|of| of.digests.clone()).unwrap_or_default(),
                    task: task.clone(),
                }
            };
            for service in found.services.values() {
                waiting.extend(service.tasks.iter().filter(waits).map(|task| place(Some(service), task)));
            }
            waiting.extend(found.tasks.iter().filter(waits).map(|task| place(None, task)));
        }
    }
    waiting
}

/// Notes on a task that its launcher has it and, at the first time, its tags, and on its deployment which digests its images have.
///
/// Source: AWS ECS developer guide, "Container image resolution" (version consistency): those of the first task, for all.
fn note(state: &mut State, waiting: &Waiting, simulated: bool, digests: IndexMap<String, String>) {
    let Some(region) = state.regions.get_mut(&waiting.region) else { return };
    let of_definition = definition(&region.ecs, &waiting.task.definition).map(|it| it.tags.clone()).unwrap_or_default();
    let Some(cluster) = region.ecs.clusters.get_mut(&waiting.cluster) else { return };
    let service = waiting.service.as_ref().and_then(|name| cluster.services.get_mut(name));
    let tags = service.as_ref().map(|service| service.tags_of_task(&waiting.cluster, &of_definition));
    let task = match service {
        Some(Service { tasks, deployments, records, .. }) => {
            let of = |id: &str| id == waiting.task.deployment;
            if let Some(deployment) = deployments.iter_mut().find(|deployment| of(&deployment.id)) {
                deployment.digests.clone_from(&digests);
            }
            if let Some(record) = records.iter_mut().rfind(|record| of(&record.deployment)) {
                record.digests.clone_from(&digests);
            }
            tasks.iter_mut().find(|task| task.id == waiting.task.id)
        }
        None => cluster.tasks.iter_mut().find(|task| task.id == waiting.task.id),
    };
    let Some(task) = task else { return };
    task.launch.ordered = true;
    task.launch.simulated = simulated;
    task.tags = task.tags.take().or(tags);
    if let Some(alone) = &mut task.alone {
        alone.digests = digests;
    }
}

/// The task as a launcher gets it, and the digests of its images; or why it cannot be started.
fn launch(state: &State, step: &Step<'_>, waiting: &Waiting) -> Result<(TaskLaunch, IndexMap<String, String>), String> {
    let Waiting { region, cluster, service, task, digests: known, .. } = waiting;
    let ecs = state.regions.get(region).map(|region| &region.ecs);
    let definition = ecs.and_then(|ecs| definition(ecs, &task.definition));
    let definition =
        definition.ok_or_else(|| format!("ResourceInitializationError: {} does not exist", task.definition))?;
    let registry = (step.login)(region);
    let (mut images, mut digests) = (BTreeMap::new(), known.clone());
    for container in definition.containers() {
        let (Some(name), Some(image)) = (container["name"].as_str(), container["image"].as_str()) else { continue };
        let (digest, pull) = resolve(state, step.account, region, image, known, &registry.host)?;
        digests.extend(digest.iter().map(|digest| (image.to_owned(), digest.clone())));
        images.insert(name.to_owned(), LaunchImage { name: image.to_owned(), digest, pull });
    }
    let launch = TaskLaunch {
        id: task.id.clone(),
        arn: Arns { account: step.account, region }.task(cluster, &task.id),
        cluster: cluster.clone(),
        region: region.clone(),
        group: task.group(service.as_deref()),
        definition: definition.body.clone(),
        overrides: task.alone.as_ref().map_or_else(Map::new, |alone| alone.overrides.clone()),
        images,
        registry,
    };
    Ok((launch, digests))
}

fn definition<'a>(ecs: &'a Ecs, arn: &str) -> Option<&'a TaskDefinition> {
    ecs.task_definition(arn).filter(|definition| definition.arn == arn)
}

/// The digest of an image of the account's registry, and what to pull.
///
/// Differs: images of other registries are taken as pullable without looking; [`ServiceView`](crate::ServiceView) names them.
fn resolve(
    state: &State,
    account: &str,
    region: &str,
    image: &str,
    known: &IndexMap<String, String>,
    host: &str,
) -> Result<(Option<String>, String), String> {
    let name = ImageReference::read(image);
    let named = match name.home(account) {
        Home::Elsewhere => return Ok((None, image.to_owned())),
        Home::Ours { region: named } => named.unwrap_or(region),
    };
    let repository = state.regions.get(named).and_then(|region| region.ecr.repositories.get(name.repository));
    let found = || repository.and_then(|repository| repository.resolve(name.reference).map(ToOwned::to_owned));
    let Some(digest) = known.get(image).cloned().or_else(found) else {
        let why = match repository {
            Some(_) => format!("{image}: not found"),
            None => crate::ecr::no_repository(name.repository, account),
        };
        return Err(cannot_pull(image, &why));
    };
    let pull = format!("{host}/{}@{digest}", name.repository);
    Ok((Some(digest), pull))
}

/// Source: AWS ECS developer guide, "`CannotPullContainer` task errors in Amazon ECS".
fn cannot_pull(image: &str, why: &str) -> String {
    format!(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {why}"
    )
}

/// Takes up what an earlier process left: its launchers are gone, and with them what they had still to tell.
pub(crate) fn take_up(state: &mut State) {
    for task in all_tasks_mut(state) {
        match task.status {
            TaskStatus::Deactivating => task.status = TaskStatus::Stopped,
            TaskStatus::Pending => begin_anew(task),
            TaskStatus::Running if !task.healthy || !task.launch.simulated && task.launch.ordered => begin_anew(task),
            TaskStatus::Running if task.alone.is_some() => begin_anew(task),
            TaskStatus::Running | TaskStatus::Stopped => {}
        }
    }
}

/// Hands running tasks to a launcher that is there now; until then they were simulated.
pub(crate) fn launch_anew(state: &mut State) {
    let placeholders: HashSet<String> = (state.regions.values())
        .flat_map(|region| region.ecs.families.values().flat_map(|family| &family.revisions))
        .filter(|definition| definition.images().any(|image| image == PLACEHOLDER_IMAGE))
        .map(|definition| definition.arn.clone())
        .collect();
    let anew = |task: &&mut Task| task.is_live() && !placeholders.contains(&task.definition);
    all_tasks_mut(state).filter(anew).for_each(begin_anew);
}

fn begin_anew(task: &mut Task) {
    task.status = TaskStatus::Pending;
    task.healthy = false;
    // Its targets are deregistered at the next step.
    let targets = mem::take(&mut task.launch.targets);
    task.launch = Launch { version: task.launch.version, targets, ..Launch::default() };
}

fn all_tasks_mut(state: &mut State) -> impl Iterator<Item = &mut Task> {
    let clusters = state.regions.values_mut().flat_map(|region| region.ecs.clusters.values_mut());
    clusters.flat_map(|Cluster { services, tasks, .. }| {
        services.values_mut().flat_map(|service| &mut service.tasks).chain(tasks)
    })
}
