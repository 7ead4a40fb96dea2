//! The container that a job asks for: a network and a user of its own, and GitHub's places.
//!
//! Source: GitHub: execution rules E8.2 and E8.5.

use std::path::Path;
use std::time::Instant;

use bollard::models::ContainerCreateBody;
use wfrun_agent::protocol::Ready;
use wfrun_agent::supervisor::{self, EXECUTABLE};

use super::PreparedContainer;
use super::container::{DEFAULT_PATH, NOT_INHERITED, SOCKET, SOCKET_DIR, common_mounts, mount};
use super::passing_on::PassedOn;
use crate::{EnvironmentSpec, Facts, inherited};

const WORK: &str = "/__w";
const TOOL_CACHE: &str = "/__t";
const HOME: &str = "/github/home";
const WORKFLOW: &str = "/github/workflow";

/// What the engine is asked for.
pub(super) fn body(
    spec: &EnvironmentSpec,
    own: &PreparedContainer,
    engine_socket: &str,
    socket_dir: &Path,
    passed_on: &[PassedOn],
) -> ContainerCreateBody {
    let mut entrypoint = vec![EXECUTABLE.to_owned(), supervisor::SUBCOMMAND.to_owned()];
    let mut option = |name: &str, value: &str| entrypoint.extend([name.to_owned(), value.to_owned()]);
    option("--socket", &format!("{SOCKET_DIR}/{SOCKET}"));
    option("--give-back", WORK);
    for it in passed_on {
        option("--listen", &it.inside.to_string());
    }
    let mut body = own.body.clone();
    body.entrypoint = Some(entrypoint);
    body.cmd = Some(Vec::new());
    body.working_dir = Some("/".to_owned());
    // Source: GitHub: execution rules E8.2: above `container.env`.
    body.env.get_or_insert_default().push(format!("HOME={HOME}"));
    let mut mounts = common_mounts(spec, engine_socket, socket_dir);
    let below = |name: &str| spec.work_dir.join(name);
    mounts.extend([
        mount(&spec.work_dir, WORK, false),
        mount(&below("_tool"), TOOL_CACHE, false),
        mount(&below("_temp/_github_home"), HOME, false),
        mount(&below("_temp/_github_workflow"), WORKFLOW, false),
    ]);
    let host = body.host_config.get_or_insert_default();
    host.auto_remove = Some(true);
    host.mounts = Some(mounts);
    let names = spec.hosts.iter().map(|(name, address)| format!("{name}:{address}"));
    host.extra_hosts.get_or_insert_default().extend(names);
    if let Some(address) = spec.dns {
        host.dns = Some(vec![address.to_string()]);
    }
    body
}

/// What is true inside.
pub(super) fn facts(ready: Ready, spec: EnvironmentSpec, moved: &[(u16, u16)], begin: Instant) -> Facts {
    let path = ready.env.iter().find(|(key, _)| key == "PATH").map_or(DEFAULT_PATH, |(_, value)| value).to_owned();
    // What the workflow says of proxies and certificates stands above what this machine says, and that above the image's.
    // Source: GitHub's runner, `ContainerInfo.cs` at 0187fcdb, `UpdateWebProxyEnv`.
    let asked = spec.container.iter().flat_map(|it| it.body.env.iter().flatten()).filter_map(|it| it.split_once('='));
    let asked: Vec<&str> = asked.map(|(key, _)| key).collect();
    let mut known: Vec<(String, String)> =
        ready.env.into_iter().filter(|(key, _)| !NOT_INHERITED.contains(&key.as_str())).collect();
    known.extend(spec.outbound.in_container_with(moved).into_iter().filter(|(key, _)| !asked.contains(&key.as_str())));
    Facts {
        os: "Linux",
        arch: ready.arch,
        base_env: inherited::base_env(known, &path, HOME, spec.env),
        path,
        home: HOME.to_owned(),
        work: WORK.to_owned(),
        tool_cache: TOOL_CACHE.to_owned(),
        moved_ports: moved.to_vec(),
        metadata_open: ready.metadata_open,
        started_in: begin.elapsed(),
    }
}
