//! Stand-in for `docker/setup-buildx-action`: the engine's own builder under a name.
//!
//! Differs: `docker/setup-buildx-action` starts a `BuildKit` of its own; here the engine's own builder stands in its place, whose driver is `docker`.

use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use super::builders::{Builders, DEFAULT, DOCKER_DRIVER};
use super::input_list::{Split, input_list};
use super::{own_platform, tell_engine};
use crate::standins::error::StandInError;
use crate::standins::toolkit::{self, How};
use crate::standins::{Invocation, Phase};

const ACTION: &str = "docker/setup-buildx-action";
/// The flags of `BuildKit` that the action gives where none are asked for.
const DEFAULT_FLAGS: &str = "--allow-insecure-entitlement security.insecure --allow-insecure-entitlement network.host";

/// Runs the action.
///
/// Source: `docker/setup-buildx-action`, `src/main.ts` and `src/context.ts`, each major version.
pub(in crate::standins) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    let action = invocation.version.major;
    match invocation.phase {
        Phase::Main => set_up(action),
        Phase::Post => clean_up(action),
    }
}

fn set_up(action: u32) -> Result<(), StandInError> {
    let driver = Some(toolkit::input("driver")).filter(|it| !it.is_empty());
    let driver = driver.unwrap_or_else(|| "docker-container".to_owned());
    let is_used = toolkit::strict_boolean_input("use")?;
    if action >= 2 {
        let is_cleanup = toolkit::strict_boolean_input("cleanup")?;
        toolkit::save_state("cleanup", if is_cleanup { "true" } else { "false" })?;
    }
    if action >= 3 && toolkit::strict_boolean_input("keep-state")? && driver != "docker-container" {
        return Err(StandInError::action(format!("Cannot use keep-state with {driver} driver")));
    }
    refuse(&driver)?;
    let name = builder_name(&driver, action);
    let no_engine = tell_engine()?;
    toolkit::start_group("Buildx version");
    toolkit::info("none: `docker build` of the engine takes the place of buildx here");
    toolkit::end_group();
    toolkit::set_output("name", &name)?;
    toolkit::save_state("builderName", &name)?;
    toolkit::save_state("builderDriver", &driver)?;
    let builders = Builders::read()?;
    toolkit::start_group("Booting builder");
    if builders.has(&name) && driver != DOCKER_DRIVER {
        toolkit::info(&format!("Builder {name} already exists, skipping creation"));
    }
    if let Some(why) = no_engine {
        return Err(StandInError::action(why));
    }
    toolkit::info("The engine's own builder is up");
    toolkit::end_group();
    if driver != DOCKER_DRIVER {
        builders.add(&name, &driver, is_used)?;
    }
    let platform = own_platform()?;
    declare(&driver, &platform)?;
    put_out(action, &name, &platform)
}

fn builder_name(driver: &str, action: u32) -> String {
    if driver == DOCKER_DRIVER {
        return DEFAULT.to_owned();
    }
    // An input since v3.
    let asked = if action >= 3 { toolkit::input("name") } else { String::new() };
    if asked.is_empty() { format!("builder-{}", Uuid::new_v4()) } else { asked }
}

/// What would build somewhere else fails the step.
fn refuse(driver: &str) -> Result<(), StandInError> {
    let not_supported = |what: String, way_out: &str| {
        Err(StandInError::NotSupported { action: ACTION, what, way_out: way_out.to_owned() })
    };
    if !matches!(driver, "docker" | "docker-container") {
        return not_supported(
            format!("`driver: {driver}`"),
            "images are built on this machine: use `driver: docker-container`, or give the real action by `--actions real`",
        );
    }
    let endpoint = toolkit::input("endpoint");
    if !matches!(endpoint.as_str(), "" | "default" | "unix:///var/run/docker.sock") {
        return not_supported(
            format!("`endpoint: {endpoint}`"),
            "images are built by the job's own engine: leave `endpoint` out, or give the real action by `--actions real`",
        );
    }
    if !toolkit::input("append").is_empty() {
        return not_supported(
            "`append`".to_owned(),
            "there is one node, this machine: leave `append` out, or give the real action by `--actions real`",
        );
    }
    for name in ["buildkitd-config", "config"] {
        let file = toolkit::input(name);
        if !file.is_empty() && !Path::new(&file).exists() {
            return Err(StandInError::action(format!("config file {file} not found")));
        }
    }
    Ok(())
}

fn declare(driver: &str, platform: &str) -> Result<(), StandInError> {
    let detail = if driver == DOCKER_DRIVER {
        "`docker build` stands in for buildx".to_owned()
    } else {
        format!(
            "the engine's own builder (driver `docker`) stands in for a BuildKit of its own ({driver}): it builds for \
             {platform}, and imports and exports no cache"
        )
    };
    toolkit::declare(How::StandIn, ACTION, &detail);
    let mut without_effect: Vec<String> = Vec::new();
    for name in ["version", "driver-opts", "buildkitd-config", "buildkitd-config-inline", "config", "config-inline"] {
        if !toolkit::input(name).is_empty() {
            without_effect.push(name.to_owned());
        }
    }
    let flags = toolkit::input("buildkitd-flags");
    if !flags.is_empty() && flags != DEFAULT_FLAGS {
        without_effect.push("buildkitd-flags".to_owned());
    }
    if toolkit::boolean_input("install", false)? {
        without_effect.push("install".to_owned());
    }
    let platforms = input_list("platforms", Split::Commas);
    if platforms.iter().any(|it| it != platform) {
        without_effect.push("platforms".to_owned());
    }
    if !without_effect.is_empty() {
        let detail = "no effect: there is no BuildKit to be set up";
        toolkit::declare(How::StandIn, &format!("setup-buildx {}", without_effect.join(", ")), detail);
    }
    Ok(())
}

fn put_out(action: u32, name: &str, platform: &str) -> Result<(), StandInError> {
    let node = json!({ "name": name, "endpoint": "default", "status": "running", "platforms": platform });
    let builder = json!({ "nodes": [node], "name": name, "driver": DOCKER_DRIVER });
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    toolkit::start_group("Inspect builder");
    toolkit::info(&pretty(&builder));
    toolkit::set_output("driver", DOCKER_DRIVER)?;
    toolkit::set_output("platforms", platform)?;
    if action >= 2 {
        toolkit::set_output("nodes", &pretty(&builder["nodes"]))?;
    }
    if action <= 3 {
        // The flags are those of a BuildKit of its own.
        for (output, value) in [("endpoint", "default"), ("status", "running"), ("flags", "")] {
            toolkit::set_output(output, value)?;
        }
    }
    toolkit::end_group();
    Ok(())
}

fn clean_up(action: u32) -> Result<(), StandInError> {
    let (name, driver) = (toolkit::state("builderName"), toolkit::state("builderDriver"));
    let is_cleanup = action == 1 || toolkit::state("cleanup").to_ascii_lowercase().contains("true");
    if name.is_empty() || driver == DOCKER_DRIVER || !is_cleanup {
        return Ok(());
    }
    toolkit::start_group("Removing builder");
    let builders = Builders::read()?;
    if builders.has(&name) {
        builders.remove(&name)?;
        toolkit::info(&format!("{name} removed"));
    } else {
        toolkit::info(&format!("{name} does not exist"));
    }
    toolkit::end_group();
    Ok(())
}
