//! The builders of `docker buildx`: names, since wfrun's own `docker` builds for all of them.

use uuid::Uuid;

use super::error::DockerError;
use super::image::architecture;
use super::options::{Flag, Words, switch, value};
use crate::standins::cli::process::{How, Process};
use crate::standins::docker::builders::{Builders, DEFAULT};

const CONTAINER_DRIVER: &str = "docker-container";

/// Runs `docker buildx create`: prints the name of the builder.
///
/// Source: Docker CLI reference, `docker buildx create`; the errors are those of buildx 0.23.
pub(super) fn create(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    const FLAGS: &[Flag] = &[
        value("name"),
        value("driver"),
        value("driver-opt"),
        value("buildkitd-flags"),
        value("buildkitd-config"),
        value("config"),
        value("node"),
        value("platform"),
        switch("use"),
        switch("bootstrap"),
        switch("append"),
        switch("leave"),
    ];
    let words = Words::read("docker buildx create", FLAGS, words)?;
    let driver = words.value("driver").unwrap_or(CONTAINER_DRIVER);
    if driver != CONTAINER_DRIVER {
        return Err(DockerError::not_supported(format!("docker buildx create --driver {driver}")));
    }
    if let Some(name) = ["append", "leave"].into_iter().find(|name| words.is_on(name)) {
        return Err(DockerError::not_supported(format!("docker buildx create --{name}")));
    }
    if let Some(elsewhere) = words.operands.iter().find(|it| *it != DEFAULT && *it != "unix:///var/run/docker.sock") {
        return Err(DockerError::not_supported(format!("docker buildx create {elsewhere}")));
    }
    let given = words.value("name").filter(|name| !name.is_empty());
    let name = given.map_or_else(|| format!("builder-{}", Uuid::new_v4()), str::to_owned);
    if name == DEFAULT {
        let message = "ERROR: default is a reserved name and cannot be used to identify builder instance";
        return Err(DockerError::failed(message));
    }
    let builders = builders(process);
    if builders.has(&name) {
        return Err(DockerError::failed(format!(
            "ERROR: existing instance for \"{name}\" but no append mode, specify the node name to make changes for existing instances"
        )));
    }
    kept(builders.add(&name, driver, words.is_on("use")))?;
    declare(process, "docker buildx create");
    process.line(&name);
    Ok(())
}

/// Runs `docker buildx use`.
pub(super) fn select(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    let words = Words::read("docker buildx use", &[switch("default"), switch("global")], words)?;
    let [name] = words.operands::<1>("docker buildx use")?;
    let builders = builders(process);
    if !builders.has(name) {
        return Err(DockerError::failed(format!("ERROR: failed to find instance \"{name}\"")));
    }
    kept(builders.take(name))?;
    declare(process, "docker buildx use");
    Ok(())
}

/// Runs `docker buildx rm`.
pub(super) fn remove(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    const FLAGS: &[Flag] = &[
        switch("force").or('f'),
        switch("keep-state"),
        switch("keep-daemon"),
        switch("all-inactive"),
        value("builder"),
    ];
    let words = Words::read("docker buildx rm", FLAGS, words)?;
    let mut names = words.operands.clone();
    if names.is_empty() && !words.is_on("all-inactive") {
        names.push(current(&words, process));
    }
    for name in names {
        let builders = builders(process);
        if name == DEFAULT || !builders.has(&name) {
            return Err(DockerError::failed(format!("ERROR: failed to find instance \"{name}\"")));
        }
        kept(builders.remove(&name))?;
        process.line(&format!("{name} removed"));
    }
    declare(process, "docker buildx rm");
    Ok(())
}

/// Runs `docker buildx inspect`.
///
/// Differs: `docker buildx inspect` of the stand-in for `docker` shows no version of `BuildKit` and no time, as there is no `BuildKit`.
pub(super) fn inspect(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    let words = Words::read("docker buildx inspect", &[switch("bootstrap"), value("builder")], words)?;
    let name = words.operands.first().cloned().unwrap_or_else(|| current(&words, process));
    let builders = builders(process);
    let Some(driver) = builders.driver_of(&name) else {
        return Err(DockerError::failed(format!("ERROR: no builder \"{name}\" found")));
    };
    let (node, endpoint) = if name == DEFAULT {
        (DEFAULT.to_owned(), DEFAULT)
    } else {
        (format!("{name}0"), "unix:///var/run/docker.sock")
    };
    process.write(&format!(
        "Name:   {name}\nDriver: {driver}\n\nNodes:\nName:      {node}\nEndpoint:  {endpoint}\nStatus:    running\nPlatforms: linux/{}\n",
        architecture()
    ));
    declare(process, "docker buildx inspect");
    Ok(())
}

/// The builder in use: that of `--builder`, of `BUILDX_BUILDER`, or the one that was taken.
fn current(words: &Words, process: &Process<'_>) -> String {
    let asked = words.value("builder").unwrap_or_default();
    builders(process).choose([asked, process.variable("BUILDX_BUILDER").unwrap_or_default()])
}

/// Those of the job, which `docker/setup-buildx-action` and `docker/build-push-action` know, too.
fn builders(process: &Process<'_>) -> Builders {
    let folder = process.variable("RUNNER_TEMP").map(|folder| process.path(folder));
    Builders::of(&folder.unwrap_or_else(|| process.home().join(".docker")))
}

fn kept<E: std::fmt::Display>(result: Result<(), E>) -> Result<(), DockerError> {
    result.map_err(|error| DockerError::failed(format!("ERROR: {error}")))
}

fn declare(process: &mut Process<'_>, subject: &str) {
    let detail = "builders are names: wfrun's own `docker` builds for all of them, and their options have no effect";
    process.declare(How::StandIn, subject, detail);
}
