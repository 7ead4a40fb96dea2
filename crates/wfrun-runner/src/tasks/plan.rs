//! What a task comes to as containers: read from its definition before anything is made.
use std::net::Ipv4Addr;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use wfrun_aws::{LaunchImage, TaskLaunch};
use wfrun_backend::docker::{TaskContainer, TaskLimits};
use wfrun_backend::network::blocked_hosts;

use super::TaskSettings;
use super::health::Check;
use super::secrets;

/// Source: AWS ECS API reference, `ContainerDefinition`: `stopTimeout` is 30 s where absent.
const STOP_TIMEOUT: u64 = 30;
const MEBIBYTE: i64 = 1024 * 1024;

/// The containers of a task.
#[derive(Debug)]
pub(super) struct TaskPlan {
    /// In the order of the definition.
    pub(super) containers: Vec<ContainerPlan>,
    /// Names of the volumes that its containers share.
    pub(super) volumes: Vec<String>,
}

/// A container of a task.
#[derive(Debug)]
pub(super) struct ContainerPlan {
    pub(super) name: String,
    /// Its end is the task's.
    pub(super) essential: bool,
    pub(super) image: LaunchImage,
    /// Without its network.
    pub(super) container: TaskContainer,
    pub(super) ports: Vec<u16>,
    /// What it waits for, by place in the list.
    pub(super) depends: Vec<(usize, Condition)>,
    pub(super) check: Option<Check>,
    pub(super) stop_timeout: Duration,
    pub(super) logs: Option<Logs>,
}

/// Where a container's output goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Logs {
    pub(super) region: String,
    pub(super) group: String,
    pub(super) prefix: Option<String>,
    pub(super) create_group: bool,
}

/// What has to be true of another container.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Condition {
    Start,
    Complete,
    Success,
    Healthy,
}

/// Reads a task; `Err` is why it cannot be started, as ECS words it.
pub(super) fn read(launch: &TaskLaunch, settings: &TaskSettings) -> Result<TaskPlan, String> {
    let definitions = list(&launch.definition, "containerDefinitions");
    let names: Vec<&str> = definitions.iter().filter_map(|it| it["name"].as_str()).collect();
    let volumes = volumes(launch, settings)?;
    let mut containers = Vec::new();
    for definition in definitions {
        containers.push(read_container(launch, settings, definition, &names, &volumes)?);
    }
    if let Some(stuck) = in_a_circle(&containers) {
        let name = &containers[stuck].name;
        return Err(format!("ResourceInitializationError: dependsOn of container {name} leads back to itself"));
    }
    Ok(TaskPlan { containers, volumes: volumes.into_values().collect() })
}

fn read_container(
    launch: &TaskLaunch,
    settings: &TaskSettings,
    definition: &Value,
    names: &[&str],
    volumes: &IndexMap<String, String>,
) -> Result<ContainerPlan, String> {
    let name = definition["name"].as_str().unwrap_or_default();
    let image = launch.images.get(name);
    let image = image.ok_or_else(|| format!("ResourceInitializationError: container {name} has no image"))?;
    if definition["environmentFiles"].as_array().is_some_and(|files| !files.is_empty()) {
        return Err(format!(
            "ResourceInitializationError: failed to download env files of container {name}: wfrun has no S3; use environment or secrets"
        ));
    }
    let overrides = list(&launch.overrides, "containerOverrides").iter().find(|it| it["name"] == name);
    let given = |member: &str| overrides.map(|it| &it[member]).filter(|value| !value.is_null());
    let or_own = |member: &str| given(member).unwrap_or(&definition[member]);
    let ports = definition["portMappings"].as_array().into_iter().flatten();
    let ports =
        ports.filter(|it| it["protocol"] != "udp").filter_map(|it| u16::try_from(it["containerPort"].as_u64()?).ok());
    let container = TaskContainer {
        name: format!("wfrun-{}-{}-{}", plain(&settings.run_id), plain(&launch.id), plain(name)),
        run_id: settings.run_id.clone(),
        job: launch.group.clone(),
        labels: labels(launch, definition, name),
        image: image.pull.clone(),
        entrypoint: words(&definition["entryPoint"]),
        command: words(or_own("command")),
        env: environment(definition, given("environment"), settings)?,
        cwd: text(&definition["workingDirectory"]),
        user: text(&definition["user"]),
        hostname: text(&definition["hostname"]),
        limits: limits(launch, definition, &or_own),
        volumes: mounts(definition, volumes),
        hosts: blocked_hosts(&launch.region).into_iter().map(|it| (it, Ipv4Addr::UNSPECIFIED.into())).collect(),
        ..TaskContainer::default()
    };
    Ok(ContainerPlan {
        name: name.to_owned(),
        essential: definition["essential"] != false,
        image: image.clone(),
        container,
        ports: ports.collect(),
        depends: depends(definition, names),
        check: Check::read(definition),
        stop_timeout: Duration::from_secs(definition["stopTimeout"].as_u64().unwrap_or(STOP_TIMEOUT)),
        logs: logs(definition, &launch.region),
    })
}

/// Source: AWS ECS developer guide: secrets stand beside the environment, overrides above both.
fn environment(
    definition: &Value,
    overrides: Option<&Value>,
    settings: &TaskSettings,
) -> Result<Vec<(String, String)>, String> {
    // On a machine of Amazon's that is where this machine's own role would be found.
    let mut all = IndexMap::from([("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned())]);
    for (name, value) in pairs(&definition["environment"], "value") {
        all.insert(name, value);
    }
    for (name, from) in pairs(&definition["secrets"], "valueFrom") {
        all.insert(name, secrets::value(&from, &settings.secrets)?);
    }
    all.extend(overrides.into_iter().flat_map(|it| pairs(it, "value")));
    Ok(all.into_iter().collect())
}

/// Source: AWS ECS developer guide, "Amazon ECS container metadata": the labels of the agent.
fn labels(launch: &TaskLaunch, definition: &Value, name: &str) -> Vec<(String, String)> {
    let own = definition["dockerLabels"].as_object().into_iter().flatten();
    let mut labels: Vec<(String, String)> =
        own.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    let of_definition = |member: &str| launch.definition.get(member).map(as_text).unwrap_or_default();
    let ecs = [
        ("cluster", launch.cluster.clone()),
        ("container-name", name.to_owned()),
        ("task-arn", launch.arn.clone()),
        ("task-definition-family", of_definition("family")),
        ("task-definition-version", of_definition("revision")),
    ];
    labels.extend(ecs.map(|(name, value)| (format!("com.amazonaws.ecs.{name}"), value)));
    labels
}

/// Source: AWS ECS API reference, `ContainerDefinition`: `cpu` becomes CPU shares of at least 2; `memory` is a hard limit.
fn limits<'a>(launch: &'a TaskLaunch, definition: &'a Value, or_own: &impl Fn(&str) -> &'a Value) -> TaskLimits {
    let mebibytes = |value: &Value| whole(value).filter(|it| *it > 0).map(|it| it.saturating_mul(MEBIBYTE));
    let of_task = launch.overrides.get("memory").or_else(|| launch.definition.get("memory"));
    let linux = &definition["linuxParameters"];
    let ulimits = definition["ulimits"].as_array().into_iter().flatten();
    let tmpfs = linux["tmpfs"].as_array().into_iter().flatten().filter_map(|it| {
        let options = words(&it["mountOptions"]).unwrap_or_default();
        let options: Vec<String> = [format!("size={}m", whole(&it["size"])?)].into_iter().chain(options).collect();
        Some((text(&it["containerPath"])?, options.join(",")))
    });
    TaskLimits {
        memory: mebibytes(or_own("memory")).or_else(|| of_task.and_then(mebibytes)),
        memory_reservation: mebibytes(or_own("memoryReservation")),
        cpu_shares: whole(or_own("cpu")).filter(|it| *it > 0).map(|it| it.max(2)),
        shm_size: mebibytes(&linux["sharedMemorySize"]),
        ulimits: ulimits
            .filter_map(|it| Some((text(&it["name"])?, whole(&it["softLimit"])?, whole(&it["hardLimit"])?)))
            .collect(),
        read_only: definition["readonlyRootFilesystem"] == true,
        init: linux["initProcessEnabled"] == true,
        cap_add: words(&linux["capabilities"]["add"]).unwrap_or_default(),
        cap_drop: words(&linux["capabilities"]["drop"]).unwrap_or_default(),
        tmpfs: tmpfs.collect(),
    }
}

/// The task's volumes, and their names in the engine.
fn volumes(launch: &TaskLaunch, settings: &TaskSettings) -> Result<IndexMap<String, String>, String> {
    let mut known = IndexMap::new();
    for volume in list(&launch.definition, "volumes") {
        let name = volume["name"].as_str().unwrap_or_default();
        let elsewhere = ["efsVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration"];
        if volume["host"]["sourcePath"].is_string() || elsewhere.iter().any(|kind| volume[kind].is_object()) {
            return Err(format!(
                "ResourceInitializationError: volume {name}: wfrun gives tasks volumes of their own only, no folder of the host and no EFS"
            ));
        }
        let own = format!("wfrun-{}-{}-{}", plain(&settings.run_id), plain(&launch.id), plain(name));
        known.insert(name.to_owned(), own);
    }
    Ok(known)
}

fn mounts(definition: &Value, volumes: &IndexMap<String, String>) -> Vec<(String, String, bool)> {
    let points = definition["mountPoints"].as_array().into_iter().flatten();
    let read = points.filter_map(|it| {
        let volume = volumes.get(it["sourceVolume"].as_str()?)?;
        Some((volume.clone(), text(&it["containerPath"])?, it["readOnly"] == true))
    });
    read.collect()
}

fn depends(definition: &Value, names: &[&str]) -> Vec<(usize, Condition)> {
    let read = definition["dependsOn"].as_array().into_iter().flatten().filter_map(|it| {
        let at = names.iter().position(|name| it["containerName"] == *name)?;
        let condition = match it["condition"].as_str()? {
            "COMPLETE" => Condition::Complete,
            "SUCCESS" => Condition::Success,
            "HEALTHY" => Condition::Healthy,
            _ => Condition::Start,
        };
        Some((at, condition))
    });
    read.collect()
}

/// A container that can never be started, if there is one.
fn in_a_circle(containers: &[ContainerPlan]) -> Option<usize> {
    let mut started = vec![false; containers.len()];
    loop {
        let free = |at: &usize| !started[*at] && containers[*at].depends.iter().all(|(on, _)| started[*on]);
        match (0..containers.len()).find(free) {
            Some(at) => started[at] = true,
            None => return started.iter().position(|started| !started),
        }
    }
}

fn logs(definition: &Value, region: &str) -> Option<Logs> {
    let configuration = &definition["logConfiguration"];
    let option = |name: &str| text(&configuration["options"][name]);
    (configuration["logDriver"] == "awslogs").then_some(())?;
    Some(Logs {
        region: option("awslogs-region").unwrap_or_else(|| region.to_owned()),
        group: option("awslogs-group")?,
        prefix: option("awslogs-stream-prefix"),
        create_group: option("awslogs-create-group").as_deref() == Some("true"),
    })
}

fn list<'a>(map: &'a Map<String, Value>, member: &str) -> &'a [Value] {
    map.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn words(value: &Value) -> Option<Vec<String>> {
    let words: Vec<String> = value.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

fn pairs(value: &Value, member: &str) -> Vec<(String, String)> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(|it| Some((text(&it["name"])?, it[member].as_str().unwrap_or_default().to_owned()))).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A number, also one in a text.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' }).take(40).collect()
}

#[cfg(test)]
mod tests;
