//! The runtime `simulate`: what becomes of a task is decided by looking its images up.

use std::collections::HashMap;

use indexmap::IndexMap;
use uuid::Uuid;

use super::model::{Ecs, TaskDefinition};
use super::rollout::{self, Fate, Turn};
use crate::account::State;
use crate::account_file::Fault;
use crate::registry::{Home, ImageReference};

/// The image of services that were created for a workflow. It is always healthy, and nobody can pull it.
pub(crate) const PLACEHOLDER_IMAGE: &str = "wfrun/placeholder:always-healthy";

/// Drives every service of `state` by one tick. Returns whether anything changed.
pub(crate) fn tick(
    state: &mut State,
    account: &str,
    faults: &IndexMap<String, Fault>,
    now_ms: u64,
    new_id: &mut dyn FnMut() -> Uuid,
) -> bool {
    let regions: Vec<String> = state.regions.keys().cloned().collect();
    let mut changed = false;
    for region in regions {
        let fates = fates(state, account, &region, faults);
        let fate = |task_definition: &str| {
            let unknown =
                || Fate::CannotStart(format!("ResourceInitializationError: {task_definition} does not exist"));
            fates.get(task_definition).cloned().unwrap_or_else(unknown)
        };
        let clusters = state.regions.get_mut(&region).map(|region| &mut region.ecs.clusters);
        for service in clusters.into_iter().flatten().flat_map(|(_, cluster)| cluster.services.values_mut()) {
            if service.is_at_rest() {
                continue;
            }
            let before = service.clone();
            let events = rollout::tick(service, &mut Turn { now_ms, fate: &fate, new_id });
            changed |= !events.is_empty() || *service != before;
        }
    }
    changed
}

/// The fates of the task definitions for which there are tasks under way.
fn fates(state: &State, account: &str, region: &str, faults: &IndexMap<String, Fault>) -> HashMap<String, Fate> {
    let Some(here) = state.regions.get(region) else { return HashMap::new() };
    let services = here.ecs.clusters.values().flat_map(|cluster| cluster.services.values());
    let waiting = services.flat_map(|service| &service.tasks).filter(|task| task.is_live() && !task.healthy);
    let mut fates = HashMap::new();
    for task in waiting {
        if let Some(definition) = definition(&here.ecs, &task.definition) {
            let known = fates.contains_key(&task.definition);
            if !known {
                fates.insert(task.definition.clone(), fate(state, account, region, faults, definition));
            }
        }
    }
    fates
}

fn definition<'a>(ecs: &'a Ecs, arn: &str) -> Option<&'a TaskDefinition> {
    ecs.task_definition(arn).filter(|definition| definition.arn == arn)
}

/// A task is healthy when its images can be pulled and none is marked as faulty.
///
/// Differs: images of other registries are taken as pullable without looking; [`ServiceView`](crate::ServiceView) names them.
fn fate(
    state: &State,
    account: &str,
    region: &str,
    faults: &IndexMap<String, Fault>,
    definition: &TaskDefinition,
) -> Fate {
    let mut digests = IndexMap::new();
    for image in definition.images().filter(|image| *image != PLACEHOLDER_IMAGE) {
        let name = ImageReference::read(image);
        let digest = match name.home(account) {
            Home::Elsewhere => None,
            Home::Ours { region: named } => match find(state, named.unwrap_or(region), &name) {
                Some(digest) => Some(digest),
                None => return Fate::CannotStart(cannot_pull(image, account, state, named.unwrap_or(region), &name)),
            },
        };
        let fault = faults.get(name.reference).or_else(|| digest.and_then(|digest| faults.get(digest)));
        match fault {
            Some(Fault::Crash) => return Fate::Crash { exit_code: 1 },
            Some(Fault::Unhealthy) => return Fate::Unhealthy,
            None => {}
        }
        digests.extend(digest.map(|digest| (image.to_owned(), digest.to_owned())));
    }
    Fate::Healthy(digests)
}

fn find<'a>(state: &'a State, region: &str, name: &ImageReference<'_>) -> Option<&'a str> {
    state.regions.get(region)?.ecr.repositories.get(name.repository)?.resolve(name.reference)
}

/// Source: AWS ECS developer guide, "`CannotPullContainer` task errors in Amazon ECS".
fn cannot_pull(image: &str, account: &str, state: &State, region: &str, name: &ImageReference<'_>) -> String {
    let repository = state.regions.get(region).and_then(|region| region.ecr.repositories.get(name.repository));
    let why = match repository {
        Some(_) => format!("{image}: not found"),
        None => crate::ecr::no_repository(name.repository, account),
    };
    format!(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {why}"
    )
}
