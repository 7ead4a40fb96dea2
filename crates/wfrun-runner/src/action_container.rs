//! Container actions: a container of its own beside the job, for one process.
//!
//! Source: GitHub: execution rules E7.4.
use std::collections::HashSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use sha2::{Digest as _, Sha256};
use wfrun_backend::docker::{ContainerRun, RunImage, RunNetwork};
use wfrun_backend::{Backend, Mount, Outbound, Process, chain};
use wfrun_engine::{ContainerImage, JobContainers, keep_loopback_direct};
use wfrun_plan::JobKey;

use crate::job::{OpenJob, blocked_names};
use crate::paths::Paths;
use crate::{LocalServices, RunSettings};

const WORKSPACE: &str = "/github/workspace";
const HOME: &str = "/github/home";

/// What the container actions of a job are started with.
pub(crate) struct Siblings {
    backend: Arc<dyn Backend>,
    executable: PathBuf,
    run_id: String,
    job: String,
    repository: String,
    may_pull: bool,
    image_ids: IndexMap<String, String>,
    network: RunNetwork,
    hosts: Vec<(String, IpAddr)>,
    dns: Option<IpAddr>,
    cuts_metadata: bool,
    outbound: Arc<Outbound>,
    /// The images that were made before the first step, by their names in the engine.
    images: HashSet<String>,
}

impl Siblings {
    /// Those of a job with these containers.
    ///
    /// Differs: a container action shares the network of its job: that of the job container, or the machine's; GitHub
    /// gives it an address of its own. In a job that has services and no container it is on their network, and does not
    /// reach wfrun's own services (caches, the AWS account) or a proxy on this machine's loopback.
    pub(crate) fn of(
        settings: &RunSettings,
        services: &LocalServices,
        job: &JobKey,
        containers: Option<&JobContainers>,
        images: HashSet<String>,
    ) -> Self {
        let network = match containers {
            None => RunNetwork::Machine,
            Some(JobContainers { container: Some(id), .. }) => RunNetwork::Container(id.clone()),
            Some(JobContainers { container: None, network, .. }) => RunNetwork::Named(network.clone()),
        };
        let is_machine = matches!(network, RunNetwork::Machine);
        let dns = services.guard.as_ref().map(|it| it.address().ip()).filter(|_| is_machine);
        Self {
            backend: Arc::clone(&settings.backend),
            executable: settings.executable.clone(),
            run_id: settings.run_id.clone(),
            job: job.to_string(),
            repository: settings.repository.clone(),
            may_pull: !settings.offline,
            image_ids: settings.image_ids.clone(),
            network,
            hosts: if dns.is_none() { blocked_names(services) } else { Vec::new() },
            dns,
            cuts_metadata: services.cuts_metadata(),
            outbound: Arc::clone(&settings.outbound),
            images,
        }
    }
}

/// Starts a container action; one in the workspace is built first.
pub(crate) fn start(
    open: &OpenJob,
    image: &ContainerImage,
    entrypoint: Option<&str>,
    arguments: &[String],
    env: &IndexMap<String, String>,
) -> Result<Process, String> {
    let siblings = &open.siblings;
    let Some(engine) = siblings.backend.engine() else {
        let backend = siblings.backend.name();
        return Err(format!(
            "a container action needs a Docker engine, and backend `{backend}` has none: use `--backend docker`"
        ));
    };
    let image = match image {
        ContainerImage::Named(name) => {
            RunImage::Named { name: siblings.image_ids.get(name).unwrap_or(name).clone(), may_pull: siblings.may_pull }
        }
        ContainerImage::Built { dockerfile } => {
            let outside = || format!("{dockerfile} is not in the job's work folder");
            let relative = open.relative(dockerfile).ok_or_else(outside)?;
            let tag = tag(&siblings.repository, relative);
            if siblings.images.contains(&tag) {
                RunImage::Named { name: tag, may_pull: false }
            } else {
                let arguments = siblings.outbound.proxies_elsewhere();
                RunImage::Built { dockerfile: on_this_machine(open, relative)?, tag, arguments }
            }
        }
    };
    let paths = Paths::of_container_action(&open.work_inside, &open.layout.workspace);
    let workspace = open.relative(&open.layout.workspace).ok_or("the workspace is not in the work folder")?;
    let facts = open.environment.facts();
    let run = ContainerRun {
        run_id: siblings.run_id.clone(),
        job: siblings.job.clone(),
        image,
        entrypoint: entrypoint.filter(|it| !it.is_empty()).map(str::to_owned),
        arguments: arguments.to_vec(),
        env: variables(env, &facts.base_env, &paths, siblings.outbound.in_container_with(&facts.moved_ports)),
        cwd: WORKSPACE.to_owned(),
        mounts: mounts(&open.work_dir, workspace).into_iter().chain(siblings.outbound.mounts()).collect(),
        network: siblings.network.clone(),
        hosts: siblings.hosts.clone(),
        dns: siblings.dns,
        cuts_metadata: siblings.cuts_metadata,
    };
    engine.run(&siblings.executable, run).map_err(|err| chain(&err))
}

/// A Dockerfile of the job's work folder, in which it has this path; a link that leads out of it is none.
fn on_this_machine(open: &OpenJob, dockerfile: &str) -> Result<PathBuf, String> {
    let path = open.work_dir.join(dockerfile);
    let failed = |err: std::io::Error| format!("Can't find the Dockerfile {dockerfile}: {err}");
    let (whole, folder) = (path.canonicalize().map_err(failed)?, open.work_dir.canonicalize().map_err(failed)?);
    if whole.starts_with(folder) { Ok(whole) } else { Err(format!("{dockerfile} leads out of the job's work folder")) }
}

/// The name that an action's image keeps in the engine: one for each Dockerfile, by its path in the work folder, of a
/// repository.
pub(crate) fn tag(repository: &str, dockerfile: &str) -> String {
    let digest = hex::encode(Sha256::digest(format!("{repository}\n{dockerfile}")));
    format!("wfrun.local/action-{}:latest", &digest[..12])
}

/// Source: GitHub: execution rules E7.4, "Mounts in order".
fn mounts(work_dir: &Path, workspace: &str) -> Vec<Mount> {
    let places = [
        ("_temp", "/github/runner_temp"),
        ("_temp/_github_home", HOME),
        ("_temp/_github_workflow", "/github/workflow"),
        ("_temp/_runner_file_commands", "/github/file_commands"),
        (workspace, WORKSPACE),
    ];
    let mount = |(source, target): (&str, &str)| Mount {
        source: work_dir.join(source),
        target: target.to_owned(),
        read_only: false,
    };
    places.map(mount).to_vec()
}

/// What the step adds to what the job's machine has: that machine is not the container's. Below it is what gets the
/// container out to the network.
///
/// Source: GitHub: execution rules E2.6 and E7.4: `HOME` is GitHub's.
/// Differs: a variable of a step with the value that it has on the job's machine anyway does not reach a container action.
fn variables(
    env: &IndexMap<String, String>,
    base: &[(String, String)],
    paths: &Paths,
    outbound: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let is_own = |name: &str, value: &str| !base.iter().any(|(known, it)| known == name && it == value);
    let own = env.iter().filter(|(name, value)| *name != "HOME" && is_own(name, value));
    let mut all: IndexMap<String, String> = outbound.into_iter().collect();
    all.extend(own.map(|(name, value)| (name.clone(), paths.inside(value))));
    all.insert("HOME".to_owned(), HOME.to_owned());
    keep_loopback_direct(&mut all);
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_container_action_gets() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let base = [
            pair("LANG", "C.UTF-8"),
            pair("PATH", "/bin"),
            pair("HOME", "/home/runner"),
            pair("TZ", "UTC"),
            pair("HTTP_PROXY", "http://a"),
        ];
        let env: IndexMap<String, String> = base
            .iter()
            .cloned()
            .chain([
                pair("TZ", "Asia/Tokyo"),
                pair("HTTP_PROXY", "http://a"),
                pair("NO_PROXY", "b,localhost"),
                pair("GITHUB_WORKSPACE", "/home/runner/work/demo/demo"),
                pair("GITHUB_OUTPUT", "/home/runner/work/_temp/_runner_file_commands/set_output_1"),
                pair("INPUT_X", "--dir=/home/runner/work/demo/demo"),
            ])
            .collect();
        let paths = Paths::of_container_action("/home/runner/work", "/home/runner/work/demo/demo");
        let all: Vec<String> =
            variables(&env, &base, &paths, vec![pair("HTTP_PROXY", "http://a"), pair("NO_PROXY", "b")])
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
        let expected = [
            "HTTP_PROXY=http://a",
            "NO_PROXY=b,localhost,127.0.0.1,::1,169.254.169.254",
            "TZ=Asia/Tokyo",
            "GITHUB_WORKSPACE=/github/workspace",
            "GITHUB_OUTPUT=/github/file_commands/set_output_1",
            "INPUT_X=--dir=/home/runner/work/demo/demo",
            "HOME=/github/home",
            "no_proxy=b,localhost,127.0.0.1,::1,169.254.169.254",
        ];
        assert_eq!(all, expected);
        assert_eq!(tag("o/r", "/a").len(), "wfrun.local/action-:latest".len() + 12);
        assert_ne!(tag("o/r", "/a"), tag("o/r", "/b"));
    }
}
