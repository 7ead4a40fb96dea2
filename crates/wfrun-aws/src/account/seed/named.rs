//! What a workflow names: created where the account lacks it, and never twice.

use std::collections::HashSet;

use super::super::settings::{AccountError, Notice, Wanted, WantedService, WantedTaskDefinition};
use super::super::state::State;
use super::{
    World, check_ecs_names, create_repository, create_service, region, register_placeholder, service_settings,
};
use crate::account_file::{CircuitBreakerEntry, TagMutability};
use crate::ecs::{Cluster, PLACEHOLDER_IMAGE, TaskDefinition, family, short_name};
use crate::registry::{Home, ImageReference};

/// Creates what a workflow names and the account lacks, and says so; also where it cannot. `wanted` is [`by_names`].
///
/// `is_later`: the account was used already, so that a task definition may be one that does not run.
pub(in crate::account) fn from_workflow(
    state: &mut State,
    wanted: &Wanted,
    world: World<'_>,
    is_later: bool,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    if let Some(asked) = wanted.region.as_deref().filter(|asked| *asked != world.region) {
        notices.push(Notice::new(format!(
            "the workflow uses region `{asked}`, but the account file creates everything in `{}`, where the workflow will not find it",
            world.region
        )));
    }
    for name in &wanted.repositories {
        if region(state, world).ecr.repositories.contains_key(name) {
            continue;
        }
        notices.push(match create_repository(state, name, TagMutability::default(), world) {
            Ok(_) => Notice::new(format!("created repository `{name}`")),
            Err(err) => not_created(&err),
        });
    }
    let of_services = wanted.services.iter().map(|wanted| &wanted.cluster).filter(|_| !is_later);
    for name in wanted.clusters.iter().chain(of_services) {
        let clusters = &mut region(state, world).ecs.clusters;
        if clusters.contains_key(name) {
            continue;
        }
        notices.push(match check_ecs_names(std::iter::once(name)) {
            Ok(()) => {
                clusters.insert(name.clone(), Cluster::default());
                Notice::new(format!("created cluster `{name}`"))
            }
            Err(err) => not_created(&err),
        });
    }
    notices.extend(task_definitions_for_workflow(state, wanted, world));
    for service in &wanted.services {
        match check_ecs_names([&service.cluster, &service.service].into_iter()) {
            // One that was deleted does not come back.
            Ok(()) if is_later && region(state, world).ecs.cluster(&service.cluster).is_err() => {}
            Ok(()) => notices.extend(service_for_workflow(state, service, (wanted, is_later), world)),
            Err(err) => notices.push(not_created(&err)),
        }
    }
    notices.dedup();
    notices
}

/// What a workflow names by ARNs and images, by names; images of other registries are no repositories of the account's.
pub(in crate::account) fn by_names(wanted: &Wanted, account: &str) -> Wanted {
    let owned = |name: &str| name.to_owned();
    let service = |wanted: &WantedService| {
        // `arn:…:service/CLUSTER/NAME`, where it is not one of those without the cluster.
        let parts: Vec<&str> = wanted.service.split('/').collect();
        let cluster = if let [_, cluster, _] = parts.as_slice() { cluster } else { short_name(&wanted.cluster) };
        WantedService { cluster: owned(cluster), service: owned(short_name(&wanted.service)), ..wanted.clone() }
    };
    let definition = |wanted: &WantedTaskDefinition| WantedTaskDefinition {
        family: owned(family(&wanted.family)),
        ..wanted.clone()
    };
    Wanted {
        repositories: wanted.repositories.iter().filter_map(|it| repository(it, account)).map(owned).collect(),
        clusters: wanted.clusters.iter().map(|it| owned(short_name(it))).collect(),
        services: wanted.services.iter().map(service).collect(),
        task_definitions: wanted.task_definitions.iter().map(definition).collect(),
        ..wanted.clone()
    }
}

/// The repository that a name or an image's name says; none for an image of another account's registry. A name of a repository may begin
/// as a host does.
fn repository<'n>(name: &'n str, account: &str) -> Option<&'n str> {
    let image = ImageReference::read(name);
    if image.home(account) != Home::Elsewhere {
        return Some(image.repository);
    }
    (!image.is_amazons()).then_some(name)
}

/// What an account had: a region, a kind of thing, and its name.
pub(in crate::account) type Had = HashSet<(String, &'static str, String)>;

const REPOSITORY: &str = "repository";
const CLUSTER: &str = "cluster";
const SERVICE: &str = "service";
const FAMILY: &str = "task definition";

/// All that there is.
pub(in crate::account) fn had(state: &State) -> Had {
    let mut had = Had::new();
    for (name, region) in &state.regions {
        let mut add = |kind, thing: String| had.insert((name.clone(), kind, thing));
        for repository in region.ecr.repositories.keys() {
            add(REPOSITORY, repository.clone());
        }
        for (cluster, found) in &region.ecs.clusters {
            add(CLUSTER, cluster.clone());
            for service in found.services.keys() {
                add(SERVICE, format!("{cluster}/{service}"));
            }
        }
        for family in region.ecs.families.keys() {
            add(FAMILY, family.clone());
        }
    }
    had
}

/// What of `wanted` there never was: what a run deleted does not come back because a step names it. `had` learns of all that is wanted.
pub(in crate::account) fn never_there(had: &mut Had, wanted: &Wanted, region: &str) -> Wanted {
    let mut is_new = |kind, thing: String| had.insert((region.to_owned(), kind, thing));
    let mut new = Wanted { account: None, region: None, ..wanted.clone() };
    new.repositories.retain(|it| is_new(REPOSITORY, it.clone()));
    let mut clusters = new.clusters.clone();
    clusters.extend(new.services.iter().map(|it| it.cluster.clone()));
    clusters.retain(|it| is_new(CLUSTER, it.clone()));
    new.clusters = clusters;
    new.task_definitions.retain(|it| is_new(FAMILY, it.family.clone()));
    new.services.retain(|it| is_new(SERVICE, format!("{}/{}", it.cluster, it.service)));
    new
}

/// What a text of a workflow was taken for may not be what it is: that is no reason not to run it.
fn not_created(err: &AccountError) -> Notice {
    Notice::new(format!("nothing is created for a name in the workflow: {err}"))
}

pub(super) fn task_definitions_for_workflow(state: &mut State, wanted: &Wanted, world: World<'_>) -> Vec<Notice> {
    let mut notices = Vec::new();
    for wanted in &wanted.task_definitions {
        let family = &wanted.family;
        if region(state, world).ecs.task_definition(family).is_some() {
            continue;
        }
        notices.push(match register_placeholder(region(state, world), wanted, world) {
            Ok(containers) => Notice::new(format!(
                "created task definition `{family}` with a placeholder image in container {}",
                containers.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" and in container ")
            )),
            Err(err) => not_created(&err),
        });
    }
    notices
}

fn service_for_workflow(
    state: &mut State,
    wanted: &WantedService,
    (all, is_later): (&Wanted, bool),
    world: World<'_>,
) -> Option<Notice> {
    let region = region(state, world);
    let exists =
        region.ecs.clusters.get(&wanted.cluster).is_some_and(|found| found.services.contains_key(&wanted.service));
    if exists {
        return None;
    }
    // With one task definition and one service it is the service's; else the service gets one of its own name.
    let family = match all.task_definitions.as_slice() {
        [only] if all.services.len() == 1 => only.family.clone(),
        _ => wanted.service.clone(),
    };
    // What was registered meanwhile is what the service is to be given: it must not run already.
    let is_given = |definition: &TaskDefinition| definition.images().any(|image| image != PLACEHOLDER_IMAGE);
    let family = if is_later && region.ecs.task_definition(&family).is_some_and(is_given) {
        format!("{}-before", wanted.service)
    } else {
        family
    };
    if region.ecs.task_definition(&family).is_none() {
        let placeholder = WantedTaskDefinition { family: family.clone(), containers: Vec::new() };
        if let Err(err) = register_placeholder(region, &placeholder, world) {
            return Some(not_created(&err));
        }
    }
    let definition = region.ecs.task_definition(&family)?;
    let (arn, settings) = (definition.arn.clone(), service_settings(definition, wanted.by_code_deploy));
    let cluster = region.ecs.clusters.entry(wanted.cluster.clone()).or_default();
    create_service(cluster, &wanted.service, &arn, (1, settings, CircuitBreakerEntry::default()), world);
    Some(Notice::new(format!(
        "created service `{}` in cluster `{}`, running 1 task of `{family}`",
        wanted.service, wanted.cluster
    )))
}
