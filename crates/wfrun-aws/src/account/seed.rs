//! What exists from the start: what the account file defines, and what the workflow names.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::settings::{AccountError, Notice, Wanted, WantedService, WantedTaskDefinition};
use super::state::{Region, State};
use crate::account_file::{
    AccountFile, CircuitBreakerEntry, RepositoryEntry, ServiceTargetEntry, TagMutability, TaskDefinitionEntry,
};
use crate::ecr::{Repository, is_repository_name};
use crate::ecs::{
    Cluster, PLACEHOLDER_IMAGE, Service, TaskDefinition, balance, check_container, family, is_name, register,
    short_name,
};
use crate::elbv2::create_load_balancer;
use crate::ids::{Arns, DEFAULT_SECURITY_GROUP, DEFAULT_SUBNETS, root_arn};
use crate::registry::{Home, ImageReference};

/// Where and when things are created.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) now_ms: u64,
}

/// Creates what the account file defines and the state lacks. What a workflow changed since stays changed.
pub(super) fn from_file(
    state: &mut State,
    file: &AccountFile,
    file_dir: &Path,
    wanted: &Wanted,
    world: World<'_>,
) -> Result<Vec<Notice>, AccountError> {
    let mut notices = Vec::new();
    for user in file.iam.users.keys() {
        state.iam.user_or_new(user, world.now_ms);
    }
    for RepositoryEntry { name, image_tag_mutability, exclusion_filters } in &file.ecr.repositories {
        let repository = create_repository(state, name, *image_tag_mutability, world)?;
        repository.mutability = *image_tag_mutability;
        repository.exclusions.clone_from(exclusion_filters);
    }
    for TaskDefinitionEntry { file } in &file.ecs.task_definitions {
        notices.extend(register_file(state, file, file_dir, world)?);
    }
    for entry in &file.elbv2.load_balancers {
        let arns = Arns { account: world.account, region: world.region };
        create_load_balancer(region(state, world), entry, arns, world.now_ms)
            .map_err(|message| AccountError::Name { message })?;
    }
    // A service of the file may run a task definition that only the workflow names.
    if !file.ecs.clusters.is_empty() {
        notices.extend(task_definitions_for_workflow(state, wanted, world));
    }
    for (name, cluster) in &file.ecs.clusters {
        check_ecs_names(std::iter::once(name).chain(cluster.services.keys()))?;
        let region = region(state, world);
        region.ecs.clusters.entry(name.clone()).or_default();
        for (service, entry) in &cluster.services {
            let no_definition = || AccountError::NoTaskDefinition {
                cluster: name.clone(),
                service: service.clone(),
                task_definition: entry.task_definition.clone(),
            };
            let definition = region.ecs.task_definition(&entry.task_definition).ok_or_else(no_definition)?;
            let (arn, settings) = (definition.arn.clone(), service_settings(definition, false));
            let balancers = service_targets(region, service, &entry.load_balancers)?;
            if region.ecs.clusters.get(name).is_some_and(|cluster| cluster.services.contains_key(service)) {
                continue;
            }
            check_targets(service, definition, &balancers)?;
            let cluster = region.ecs.clusters.entry(name.clone()).or_default();
            let breaker = entry.deployment_circuit_breaker;
            let created = create_service(cluster, service, &arn, (entry.desired_count, settings, breaker), world);
            if !balancers.is_empty() {
                balance(created, Value::Array(balancers));
            }
        }
    }
    Ok(notices)
}

/// Creates what a workflow names and the account lacks, and says so; also where it cannot.
///
/// `is_later`: the account was used already, so that a task definition may be one that does not run.
pub(super) fn from_workflow(
    state: &mut State,
    wanted: &Wanted,
    world: World<'_>,
    is_later: bool,
) -> Result<Vec<Notice>, AccountError> {
    let wanted = &by_names(wanted, world.account);
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
            Ok(()) => notices.extend(service_for_workflow(state, service, (wanted, is_later), world)?),
            Err(err) => notices.push(not_created(&err)),
        }
    }
    notices.dedup();
    Ok(notices)
}

/// What a workflow names by ARNs and images, by names; images of other registries are no repositories of the account's.
pub(super) fn by_names(wanted: &Wanted, account: &str) -> Wanted {
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
        repositories: {
            let images = wanted.repositories.iter().map(|it| ImageReference::read(it));
            let ours = images.filter(|it| it.host.is_none() || it.home(account) != Home::Elsewhere);
            ours.map(|it| owned(it.repository)).collect()
        },
        clusters: wanted.clusters.iter().map(|it| owned(short_name(it))).collect(),
        services: wanted.services.iter().map(service).collect(),
        task_definitions: wanted.task_definitions.iter().map(definition).collect(),
        ..wanted.clone()
    }
}

/// What an account had: a region, a kind of thing, and its name.
pub(super) type Had = HashSet<(String, &'static str, String)>;

const REPOSITORY: &str = "repository";
const CLUSTER: &str = "cluster";
const SERVICE: &str = "service";
const FAMILY: &str = "task definition";

/// All that there is.
pub(super) fn had(state: &State) -> Had {
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
pub(super) fn never_there(had: &mut Had, wanted: &Wanted, region: &str) -> Wanted {
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

fn task_definitions_for_workflow(state: &mut State, wanted: &Wanted, world: World<'_>) -> Vec<Notice> {
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
) -> Result<Option<Notice>, AccountError> {
    let region = region(state, world);
    let exists =
        region.ecs.clusters.get(&wanted.cluster).is_some_and(|found| found.services.contains_key(&wanted.service));
    if exists {
        return Ok(None);
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
        register_placeholder(region, &WantedTaskDefinition { family: family.clone(), containers: Vec::new() }, world)?;
    }
    let Some(definition) = region.ecs.task_definition(&family) else { return Ok(None) };
    let (arn, settings) = (definition.arn.clone(), service_settings(definition, wanted.by_code_deploy));
    let cluster = region.ecs.clusters.entry(wanted.cluster.clone()).or_default();
    create_service(cluster, &wanted.service, &arn, (1, settings, CircuitBreakerEntry::default()), world);
    Ok(Some(Notice::new(format!(
        "created service `{}` in cluster `{}`, running 1 task of `{family}`",
        wanted.service, wanted.cluster
    ))))
}

fn check_ecs_names<'n>(mut names: impl Iterator<Item = &'n String>) -> Result<(), AccountError> {
    names.find(|name| !is_name(name)).map_or(Ok(()), |name| {
        Err(AccountError::Name { message: format!("`{name}` is not a name ECS takes for a cluster or service") })
    })
}

fn region<'a>(state: &'a mut State, world: World<'_>) -> &'a mut Region {
    state.regions.entry(world.region.to_owned()).or_default()
}

fn create_repository<'a>(
    state: &'a mut State,
    name: &str,
    mutability: TagMutability,
    world: World<'_>,
) -> Result<&'a mut Repository, AccountError> {
    if !is_repository_name(name) {
        return Err(AccountError::Name { message: format!("`{name}` is not a name ECR takes for a repository") });
    }
    let repositories = &mut region(state, world).ecr.repositories;
    Ok(repositories.entry(name.to_owned()).or_insert_with(|| Repository::new(world.now_ms, mutability)))
}

fn create_service<'a>(
    cluster: &'a mut Cluster,
    name: &str,
    task_definition: &str,
    (desired, settings, breaker): (u32, Map<String, Value>, CircuitBreakerEntry),
    world: World<'_>,
) -> &'a mut Service {
    cluster.services.entry(name.to_owned()).or_insert_with(|| {
        let (by, now_ms) = (root_arn(world.account), world.now_ms);
        let mut service = Service::running(name, task_definition, (desired, settings), &by, now_ms, &mut Uuid::new_v4);
        service.configuration.breaker.enable = breaker.enable;
        service.configuration.breaker.rollback = breaker.rollback;
        service
    })
}

/// What a service that was always there was created with: the network that every region has, where its tasks need to be told one.
fn service_settings(definition: &TaskDefinition, by_code_deploy: bool) -> Map<String, Value> {
    let mut settings = Map::new();
    if definition.body.get("networkMode").and_then(Value::as_str) == Some("awsvpc") {
        let network = json!({
            "subnets": DEFAULT_SUBNETS, "securityGroups": [DEFAULT_SECURITY_GROUP], "assignPublicIp": "ENABLED",
        });
        settings.insert("networkConfiguration".to_owned(), json!({ "awsvpcConfiguration": network }));
    }
    if by_code_deploy {
        settings.insert("deploymentController".to_owned(), json!({ "type": "CODE_DEPLOY" }));
    }
    settings
}

/// `loadBalancers` of a service of the file, by the names of its target groups.
fn service_targets(region: &Region, service: &str, entries: &[ServiceTargetEntry]) -> Result<Vec<Value>, AccountError> {
    let mut balancers = Vec::new();
    for ServiceTargetEntry { target_group, container, port } in entries {
        let arn = region.elbv2.target_group_named(target_group).ok_or_else(|| AccountError::Name {
            message: format!(
                "service `{service}` of the account file names the target group `{target_group}`, which does not exist; add it under \
                 `elbv2.load_balancers`"
            ),
        })?;
        balancers.push(json!({ "targetGroupArn": arn, "containerName": container, "containerPort": port }));
    }
    Ok(balancers)
}

/// Container and port of each target must be those of the definition; of a placeholder nobody knows what comes in its place.
fn check_targets(service: &str, definition: &TaskDefinition, balancers: &[Value]) -> Result<(), AccountError> {
    if definition.images().any(|image| image == PLACEHOLDER_IMAGE) {
        return Ok(());
    }
    balancers.iter().try_for_each(|balancer| check_container(definition, balancer)).map_err(|err| AccountError::Name {
        message: format!("service `{service}` of the account file: {}", err.message),
    })
}

/// Registers a file as a new revision, unless its content was registered before.
fn register_file(
    state: &mut State,
    file: &Path,
    file_dir: &Path,
    world: World<'_>,
) -> Result<Option<Notice>, AccountError> {
    let path = file_dir.join(file);
    let text = fs::read_to_string(&path).map_err(|err| AccountError::Read { path: path.clone(), err })?;
    let digest = hex::encode(Sha256::digest(&text));
    let key = file.display().to_string();
    let known = state.registered_files.get(&key);
    if known == Some(&digest) {
        return Ok(None);
    }
    let changed = known.is_some();
    let invalid = |message: String| AccountError::TaskDefinition { path: path.clone(), message };
    let value: Value = serde_json::from_str(&text).map_err(|err| invalid(err.to_string()))?;
    // Both forms people have at hand: the input of a registration, and the answer of a description.
    let input = value.get("taskDefinition").unwrap_or(&value);
    let input = input.as_object().ok_or_else(|| invalid("it is not a JSON object".to_owned()))?;
    let arn = register_input(region(state, world), input, world).map_err(invalid)?;
    state.registered_files.insert(key, digest);
    Ok(changed.then(|| Notice::new(format!("`{}` changed and was registered as `{arn}`", file.display()))))
}

fn register_placeholder(
    region: &mut Region,
    wanted: &WantedTaskDefinition,
    world: World<'_>,
) -> Result<Vec<String>, AccountError> {
    let of_family = vec![wanted.family.clone()];
    let containers = if wanted.containers.is_empty() { of_family } else { wanted.containers.clone() };
    let definitions = (8000..).zip(&containers).map(|(port, name)| {
        json!({ "name": name, "image": PLACEHOLDER_IMAGE, "essential": true, "portMappings": [{ "containerPort": port }] })
    });
    let input = json!({
        "family": wanted.family,
        "containerDefinitions": definitions.collect::<Vec<_>>(),
        "executionRoleArn": format!("arn:aws:iam::{}:role/ecsTaskExecutionRole", world.account),
        "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
    });
    let Value::Object(input) = input else { unreachable!("the literal above is an object") };
    let family = &wanted.family;
    let invalid = |message| AccountError::Name {
        message: format!("the task definition `{family}` cannot be created: {message}"),
    };
    register_input(region, &input, world).map_err(invalid)?;
    Ok(containers)
}

fn register_input(region: &mut Region, input: &Map<String, Value>, world: World<'_>) -> Result<String, String> {
    let arns = Arns { account: world.account, region: world.region };
    let registered = register(&mut region.ecs, input, arns, &root_arn(world.account), world.now_ms);
    registered.map(|found| found.arn.clone()).map_err(|err| err.message)
}
