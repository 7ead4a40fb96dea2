//! The task definition file, made ready for `RegisterTaskDefinition`.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

use crate::standins::Version;
use crate::standins::ecs_render::READ_ONLY;
use crate::standins::error::StandInError;
use crate::standins::toolkit;

/// Reads the file (JSON or YAML) and prepares it.
pub(super) fn load(version: Version) -> Result<Value, StandInError> {
    let file = toolkit::required_input("task-definition")?;
    // An absolute path replaces the workspace, as `join` has it.
    let path = toolkit::path_variable("GITHUB_WORKSPACE")?.join(&file);
    let text = fs::read_to_string(&path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            StandInError::action(format!("ENOENT: no such file or directory, open '{}'", path.display()))
        } else {
            StandInError::file("read", &path)(error)
        }
    })?;
    let parsed: Value = serde_yaml::from_str(&text)
        .map_err(|error| StandInError::action(format!("{} is neither JSON nor YAML: {error}", path.display())))?;
    let keep: HashSet<String> = if version.major >= 2 {
        let listed = toolkit::input("keep-null-value-keys");
        listed.split(',').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect()
    } else {
        HashSet::new()
    };
    let mut definition = without_empty(&parsed, &keep).unwrap_or_else(|| json!({}));
    if !definition.is_object() {
        return Err(StandInError::action(format!("{} does not hold a task definition", path.display())));
    }
    remove_read_only(&mut definition);
    restore_values(&mut definition);
    Ok(definition)
}

/// Drops null, empty text, empty lists and empty objects at any depth; `false` and `0` stay.
///
/// Members named in `keep` stay as they are.
/// Source: the AWS rules §1.5, "File preparation".
pub(super) fn without_empty(value: &Value, keep: &HashSet<String>) -> Option<Value> {
    clean(value, None, keep)
}

fn clean(value: &Value, key: Option<&str>, keep: &HashSet<String>) -> Option<Value> {
    if is_empty(value, key, keep) {
        return None;
    }
    Some(match value {
        Value::Array(elements) => elements.iter().filter_map(|element| clean(element, None, keep)).collect(),
        Value::Object(members) => {
            let cleaned = members.iter().filter_map(|(key, value)| Some((key.clone(), clean(value, Some(key), keep)?)));
            Value::Object(cleaned.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    })
}

fn is_empty(value: &Value, key: Option<&str>, keep: &HashSet<String>) -> bool {
    if key.is_some_and(|key| keep.contains(key)) {
        return false;
    }
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.iter().all(|element| is_empty(element, None, keep)),
        // As the action: whether an object is empty does not depend on the members to keep.
        Value::Object(members) => members.values().all(|member| is_empty(member, None, &HashSet::new())),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn remove_read_only(definition: &mut Value) {
    let Some(members) = definition.as_object_mut() else { return };
    for name in READ_ONLY {
        // What JavaScript takes for false is left alone: a revision of 0, say.
        let present = members.get(name).is_some_and(|value| *value != json!(0) && *value != json!(false));
        if present {
            toolkit::warning(&format!(
                "Ignoring property '{name}' in the task definition file. This property is returned by the Amazon ECS \
                 DescribeTaskDefinition API and may be shown in the ECS console, but it is not a valid field when \
                 registering a new task definition. This field can be safely removed from your task definition file."
            ));
            members.shift_remove(name);
        }
    }
}

/// Where dropping what is empty took away what must be there.
fn restore_values(definition: &mut Value) {
    let fill = |entry: &mut Value, member: &str| {
        if let Some(members) = entry.as_object_mut() {
            members.entry(member).or_insert_with(|| json!(""));
        }
    };
    let list = |value: &mut Value, each: &dyn Fn(&mut Value)| {
        if let Some(entries) = value.as_array_mut() {
            entries.iter_mut().for_each(each);
        }
    };
    if let Some(proxy) = definition.get_mut("proxyConfiguration")
        && proxy["type"] == json!("APPMESH")
        && let Some(properties) = proxy.get_mut("properties")
    {
        list(properties, &|property| {
            fill(property, "value");
            fill(property, "name");
        });
    }
    if let Some(containers) = definition.get_mut("containerDefinitions") {
        list(containers, &|container| {
            if let Some(environment) = container.get_mut("environment") {
                list(environment, &|entry| fill(entry, "value"));
            }
        });
    }
}

const MEMBERS: [&str; 17] = [
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "tags",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "inferenceAccelerators",
    "ephemeralStorage",
    "runtimePlatform",
];
const CONTAINER_MEMBERS: [&str; 40] = [
    "name",
    "image",
    "repositoryCredentials",
    "cpu",
    "memory",
    "memoryReservation",
    "links",
    "portMappings",
    "essential",
    "entryPoint",
    "command",
    "environment",
    "environmentFiles",
    "mountPoints",
    "volumesFrom",
    "linuxParameters",
    "secrets",
    "dependsOn",
    "startTimeout",
    "stopTimeout",
    "hostname",
    "user",
    "workingDirectory",
    "disableNetworking",
    "privileged",
    "readonlyRootFilesystem",
    "dnsServers",
    "dnsSearchDomains",
    "extraHosts",
    "dockerSecurityOptions",
    "interactive",
    "pseudoTerminal",
    "dockerLabels",
    "ulimits",
    "logConfiguration",
    "healthCheck",
    "systemControls",
    "resourceRequirements",
    "firelensConfiguration",
    "credentialSpecs",
];
const VOLUME_MEMBERS: [&str; 6] = [
    "name",
    "host",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
    "configuredAtLaunch",
];

/// Refuses what the SDK of May 2024 does not know, in its words.
///
/// Source: the AWS rules §1.5, "Client-side schema trap".
pub(super) fn check_members(definition: &Value) -> Result<(), StandInError> {
    let mut errors: Vec<String> = Vec::new();
    for name in ["family", "containerDefinitions"] {
        if definition.get(name).is_none() {
            errors.push(format!("Missing required key '{name}' in params"));
        }
    }
    let mut check = |value: &Value, known: &[&str], place: &str| {
        for key in value.as_object().into_iter().flat_map(|members| members.keys()) {
            if !known.contains(&key.as_str()) {
                errors.push(format!("Unexpected key '{key}' found in {place}"));
            }
        }
    };
    check(definition, &MEMBERS, "params");
    for (list, known) in
        [("containerDefinitions", CONTAINER_MEMBERS.as_slice()), ("volumes", VOLUME_MEMBERS.as_slice())]
    {
        for (index, entry) in definition[list].as_array().into_iter().flatten().enumerate() {
            check(entry, known, &format!("params.{list}[{index}]"));
        }
    }
    match errors.as_slice() {
        [] => Ok(()),
        [one] => Err(StandInError::action(one.as_str())),
        several => {
            let mut message = format!("There were {} validation errors:", several.len());
            for error in several {
                let kind =
                    if error.starts_with("Missing") { "MissingRequiredParameter" } else { "UnexpectedParameter" };
                write!(message, "\n* {kind}: {error}").expect("a String takes any text");
            }
            Err(StandInError::action(message))
        }
    }
}
