//! What exists from the start: what the account file defines, and what the workflow names.

mod named;

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use self::named::task_definitions_for_workflow;
pub(super) use self::named::{Had, by_names, from_workflow, had, never_there};
use super::settings::{AccountError, Notice, Wanted, WantedTaskDefinition};
use super::state::{Region, State};
use crate::account_file::{
    AccountFile, CircuitBreakerEntry, RepositoryEntry, ServiceTargetEntry, TagMutability, TaskDefinitionEntry,
};
use crate::ecr::{Repository, is_repository_name};
use crate::ecs::{Cluster, PLACEHOLDER_IMAGE, Service, TaskDefinition, balance, check_container, is_name, register};
use crate::elbv2::create_load_balancer;
use crate::ids::{Arns, DEFAULT_SECURITY_GROUP, DEFAULT_SUBNETS, root_arn};

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
