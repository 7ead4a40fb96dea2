//! What `RegisterTaskDefinition` refuses.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::attributes::is_ecr;
use crate::account::Input;
use crate::protocol::ApiError;

/// Returns the family of a definition that ECS would take.
///
/// Source: AWS ECS API reference, `RegisterTaskDefinition`; AWS ECS developer guide, "Task definition parameters for Fargate".
pub(super) fn check<'a>(input: &'a Map<String, Value>, account: &str) -> Result<&'a str, ApiError> {
    let members = Input(input);
    let family = members.text("family")?.filter(|family| !family.is_empty());
    let family = family.ok_or_else(|| client("Family contains invalid characters or is empty."))?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if family.len() > 255 || !family.bytes().all(allowed) {
        return Err(client("Family contains invalid characters."));
    }
    let containers = members.list("containerDefinitions")?;
    if containers.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    check_containers(containers)?;
    let fargate = members.texts("requiresCompatibilities")?.contains(&"FARGATE");
    if fargate {
        check_fargate(members, containers, account)?;
    } else {
        check_memory(members, containers)?;
    }
    Ok(family)
}

fn check_containers(containers: &[Value]) -> Result<(), ApiError> {
    let mut names = HashSet::new();
    let mut essential = false;
    for container in containers {
        let container = container.as_object().ok_or_else(|| client("Container definitions should be structures."))?;
        let container = Input(container);
        let name = container.text("name")?.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| client("Container.name should not be null or empty."))?;
        if container.text("image")?.is_none_or(str::is_empty) {
            return Err(client("Container.image should not be null or empty."));
        }
        if !names.insert(name) {
            return Err(client(&format!("Container names should be unique: {name}")));
        }
        essential |= container.flag("essential")?.unwrap_or(true);
        for port in container.list("portMappings")? {
            let number = port["containerPort"].as_u64();
            let range = port["containerPortRange"].is_string();
            if !range && number.is_none_or(|number| !(1..=65535).contains(&number)) {
                return Err(client("Port mapping 'containerPort' must be between 1 and 65535."));
            }
        }
        let variables = container.list("environment")?;
        if variables.iter().any(|variable| variable["name"].as_str().is_none_or(str::is_empty)) {
            return Err(client("Environment variable name should not be null or empty."));
        }
    }
    if essential { Ok(()) } else { Err(client("At least one container must be marked as essential.")) }
}

fn check_fargate(members: Input<'_>, containers: &[Value], account: &str) -> Result<(), ApiError> {
    if members.text("networkMode")? != Some("awsvpc") {
        return Err(client("Fargate only supports network mode 'awsvpc'."));
    }
    let size = |member: &str| -> Result<u64, ApiError> {
        let text = members.text(member)?.unwrap_or_default();
        let missing = || client(&format!("Fargate requires that '{member}' be defined at the task level."));
        amount(text, member).ok_or_else(missing)
    };
    let (cpu, memory) = (size("cpu")?, size("memory")?);
    if !is_fargate_size(cpu, memory) {
        return Err(client("No Fargate configuration exists for given values."));
    }
    let execution_role = members.text("executionRoleArn")?.is_some_and(|role| !role.is_empty());
    let ecr =
        containers.iter().any(|container| container["image"].as_str().is_some_and(|image| is_ecr(image, account)));
    if ecr && !execution_role {
        return Err(client("Fargate requires task definition to have execution role ARN to support ECR images."));
    }
    let logs = containers.iter().any(|container| container["logConfiguration"]["logDriver"] == "awslogs");
    if logs && !execution_role {
        return Err(client(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ));
    }
    Ok(())
}

/// On EC2 memory is said for the task, or for each container.
fn check_memory(members: Input<'_>, containers: &[Value]) -> Result<(), ApiError> {
    if members.get("memory").is_some() {
        return Ok(());
    }
    let without =
        containers.iter().find(|container| container["memory"].is_null() && container["memoryReservation"].is_null());
    let Some(container) = without else { return Ok(()) };
    Err(client(&format!(
        "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.",
        container["name"].as_str().unwrap_or_default()
    )))
}

/// CPU units and MiB; ECS also takes `.25 vCPU` and `0.5 GB`.
fn amount(text: &str, member: &str) -> Option<u64> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    let unit = if member == "cpu" { "vcpu" } else { "gb" };
    let Some(number) = compact.strip_suffix(unit) else { return compact.parse().ok() };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let thousandths: u64 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    Some(whole * 1024 + thousandths * 1024 / 1000)
}

/// Source: AWS ECS developer guide, "Task CPU and memory" on Fargate.
fn is_fargate_size(cpu: u64, memory: u64) -> bool {
    let stepped =
        |range: std::ops::RangeInclusive<u64>, step: u64| range.contains(&memory) && memory.is_multiple_of(step);
    match cpu {
        256 => [512, 1024, 2048].contains(&memory),
        512 => stepped(1024..=4096, 1024),
        1024 => stepped(2048..=8192, 1024),
        2048 => stepped(4096..=16384, 1024),
        4096 => stepped(8192..=30720, 1024),
        8192 => stepped(16384..=61440, 4096),
        16384 => stepped(32768..=122_880, 8192),
        _ => false,
    }
}

fn client(message: &str) -> ApiError {
    ApiError::new("ClientException", message)
}
