//! Where jobs run: the choice of a backend.
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use indexmap::IndexMap;
use wfrun_backend::{Backend, DockerBackend, HostBackend, SandboxBackend, probe_sandbox};
use wfrun_plan::Plan;

use crate::cli::RunArgs;
use crate::environment::Environment;

/// This executable, for the process that tries a sandbox.
const OWN: &str = "/proc/self/exe";

/// Where jobs run, and why there.
pub(crate) struct Place {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) reason: String,
    pub(crate) images: IndexMap<String, String>,
}

/// Takes the backend that was asked for, or the best there is.
pub(crate) async fn choose_backend(args: &RunArgs, plan: &Plan) -> anyhow::Result<Place> {
    let images = platforms(&args.platform)?;
    let sandbox = |reason: String| Place { backend: Arc::new(SandboxBackend), reason, images: IndexMap::new() };
    match args.backend.as_str() {
        "docker" => {
            let docker = DockerBackend::connect().await?;
            let reason = "asked for by --backend".to_owned();
            Ok(Place { backend: Arc::new(docker), reason, images })
        }
        "sandbox" => {
            probe_sandbox(Path::new(OWN))?;
            Ok(sandbox("asked for by --backend".to_owned()))
        }
        "host" => {
            let reason = "asked for by --backend; steps can change this machine".to_owned();
            Ok(Place { backend: Arc::new(HostBackend), reason, images: IndexMap::new() })
        }
        _ => match docker_for(plan, &images).await? {
            Ok((docker, reason)) => Ok(Place { backend: Arc::new(docker), reason, images }),
            Err(reason) => {
                probe_sandbox(Path::new(OWN))
                    .with_context(|| format!("docker cannot be used ({reason}), nor a sandbox"))?;
                Ok(sandbox(reason))
            }
        },
    }
}

/// Reads `--platform LABEL=IMAGE`.
pub(crate) fn platforms(given: &[String]) -> anyhow::Result<IndexMap<String, String>> {
    given.iter().map(|it| crate::key_values::pair(it, "--platform")).collect()
}

/// The engine, if it is there and has an image for every label; otherwise why it is not taken.
async fn docker_for(
    plan: &Plan,
    images: &IndexMap<String, String>,
) -> anyhow::Result<Result<(DockerBackend, String), String>> {
    let docker = match DockerBackend::connect().await {
        Ok(docker) => docker,
        // Why not, without the way out: the sandbox is one.
        Err(err) => return Ok(Err(err.to_string().split("; ").next().unwrap_or_default().to_owned())),
    };
    let mut wanted = Vec::new();
    // A job that brings its container needs no image of its runner's kind.
    let (own, others): (Vec<_>, Vec<_>) =
        plan.set.workflows().flat_map(|it| it.jobs.values()).partition(|it| it.container.is_some());
    for field in others.iter().flat_map(|it| &it.runs_on) {
        let label = field.raw();
        let image = images.get(&label).cloned().or_else(|| DockerBackend::image_for(&label).map(str::to_owned));
        let Some(image) = image else { continue };
        if !docker.has_image(&image).await? {
            return Ok(Err(format!("the Docker engine has no image `{image}` for `{label}`")));
        }
        if !wanted.contains(&image) {
            wanted.push(image);
        }
    }
    match wanted.as_slice() {
        [] if !own.is_empty() => Ok(Ok((docker, "an engine answers, and jobs name their own images".to_owned()))),
        [] => Ok(Err("no image is known for the jobs' labels".to_owned())),
        images => Ok(Ok((docker, format!("an engine answers and has {}", images.join(", "))))),
    }
}

/// The commands that jobs may find missing.
pub(crate) fn shims(place: &Place, environment: &Environment) -> Vec<String> {
    let on_path = |name: &str| {
        let mut folders = environment.path.split(':').filter(|it| !it.is_empty());
        folders.any(|it| is_program(&Path::new(it).join(name)))
    };
    match place.backend.name() {
        // The sandbox hides the host's engine, so its client is of no use.
        "sandbox" => {
            let missing = ["aws", "sudo"].into_iter().filter(|it| !on_path(it));
            missing.chain(["docker"]).map(str::to_owned).collect()
        }
        "docker" => ["aws", "sudo"].map(str::to_owned).to_vec(),
        _ => Vec::new(),
    }
}

/// A version manager's shim is a program only if the version that is chosen has it; that cannot be seen from here.
fn is_program(path: &Path) -> bool {
    let is_shim = path.parent().is_some_and(|it| it.ends_with("shims"));
    path.is_file() && !is_shim
}
