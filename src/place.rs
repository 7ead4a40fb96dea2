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

/// The commands that jobs get stand-ins of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CommandStandIns {
    /// Those that the place may not have: what is there, or what a step installs, comes first.
    pub(crate) shims: Vec<String>,
    /// Those that come first, as what the place has is of no use.
    pub(crate) covers: Vec<String>,
}

/// What jobs find of commands that GitHub's machines have.
pub(crate) fn command_stand_ins(place: &Place, environment: &Environment) -> CommandStandIns {
    let mut found = CommandStandIns::default();
    match place.backend.name() {
        "sandbox" => {
            // The sandbox hides the host's engine, so its client is of no use.
            found.covers.push("docker".to_owned());
            for name in ["aws", "sudo"] {
                match look(name, &environment.path, Path::is_file) {
                    OnPath::Program => {}
                    OnPath::VersionManager => found.covers.push(name.to_owned()),
                    OnPath::Nothing => found.shims.push(name.to_owned()),
                }
            }
        }
        "docker" => found.shims = ["aws", "sudo"].map(str::to_owned).to_vec(),
        _ => {}
    }
    found
}

/// What a search path has of a name, as a sandbox sees it.
#[derive(Debug, PartialEq, Eq)]
enum OnPath {
    Program,
    /// A script of a version manager, which is a program only if the version that is chosen has it; that cannot be seen from here.
    VersionManager,
    Nothing,
}

fn look(name: &str, path: &str, is_file: impl Fn(&Path) -> bool) -> OnPath {
    // These folders are the sandbox's own.
    let is_hidden = |it: &&Path| ["/tmp", "/run", "/var/run"].iter().any(|hidden| it.starts_with(hidden));
    let folders = path.split(':').filter(|it| !it.is_empty()).map(Path::new).filter(|it| !is_hidden(it));
    let (of_managers, others): (Vec<&Path>, Vec<&Path>) = folders.partition(|it| it.ends_with("shims"));
    if others.iter().any(|it| is_file(&it.join(name))) {
        return OnPath::Program;
    }
    if of_managers.iter().any(|it| is_file(&it.join(name))) { OnPath::VersionManager } else { OnPath::Nothing }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{OnPath, look};

    #[test]
    fn commands_as_a_sandbox_sees_them() {
        let has_one =
            |path: &Path| ["/bin/aws", "/m/shims/aws", "/tmp/x/aws", "/run/aws"].map(Path::new).contains(&path);
        for (path, found) in [
            ("/none:/m/shims:/bin", OnPath::Program),
            (":/m/shims:/tmp/x", OnPath::VersionManager),
            ("/tmp/x:/run:/none", OnPath::Nothing),
            ("", OnPath::Nothing),
        ] {
            assert_eq!(look("aws", path, has_one), found, "{path}");
        }
    }
}
