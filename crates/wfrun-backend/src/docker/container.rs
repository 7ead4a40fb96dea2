use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType};
use bollard::query_parameters::{CreateContainerOptions, StartContainerOptions, WaitContainerOptions};
use futures_util::StreamExt as _;
use tempfile::TempDir;
use tokio::io::Interest;
use tokio::net::UnixListener;
use wfrun_agent::protocol::Ready;
use wfrun_agent::supervisor::{self, EXECUTABLE, SHIM_DIR};

use super::connection::is_not_found;
use super::passing_on::{PassedOn, PassingOn};
use super::{DockerBackend, cleaning, job_container, labels, names, passing_on};
use crate::environment::Teardown;
use crate::link::{ConnectError, Link};
use crate::{BackendError, Environment, EnvironmentSpec, Facts, inherited};

const HOME: &str = "/home/runner";
const WORK: &str = "/home/runner/work";
const TOOL_CACHE: &str = "/opt/hostedtoolcache";
/// Where the directory with the connection's socket is seen inside.
pub(super) const SOCKET_DIR: &str = "/opt/wfrun/run";
pub(super) const SOCKET: &str = "agent.sock";
/// Where steps find the engine, wherever its socket is on this machine.
pub(super) const ENGINE_SOCKET: &str = "/var/run/docker.sock";
/// The `PATH` of an image that has none. Source: Docker's default.
pub(super) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What the engine sets for the container alone.
pub(super) const NOT_INHERITED: [&str; 3] = ["HOME", "HOSTNAME", "PATH"];
/// Starting takes a tenth of a second; an engine under heavy load is slower.
const CONNECT_WAIT: Duration = Duration::from_mins(1);

/// So long may an engine take from the end of its last container to its own.
const ENGINE_STOPS: Duration = Duration::from_secs(1);

/// A container that goes when this does.
#[derive(Debug)]
pub(crate) struct Container {
    docker: Docker,
    id: String,
    name: String,
    engine_socket: String,
    is_removed: bool,
}

impl Container {
    /// Its id and its name.
    pub(crate) fn named(&self) -> (String, String) {
        (self.id.clone(), self.name.clone())
    }

    /// Why it is gone. An engine that is being stopped ends its containers first.
    pub(crate) async fn why_lost(&self) -> String {
        let mut answered = self.docker.ping().await;
        if answered.is_ok() {
            tokio::time::sleep(ENGINE_STOPS).await;
            answered = self.docker.ping().await;
        }
        match answered {
            Ok(_) => format!("container {} has ended; was it stopped, or killed for want of memory?", self.name),
            Err(err) => format!("the Docker engine does not answer any more: {}", crate::chain(&err)),
        }
    }

    /// Removes it and waits until it is gone.
    pub(crate) async fn remove(mut self) -> Result<(), BackendError> {
        let result = cleaning::remove_container(&self.docker, &self.id).await;
        self.is_removed = result.is_ok();
        result
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.is_removed {
            return;
        }
        // There may be no runtime any more, so this is a plain request; best effort: the container also removes itself
        // when its supervisor ends, and that ends when the connection closes.
        if let Err(err) = request_removal(&self.engine_socket, &self.id) {
            tracing::warn!(container = self.id, %err, "failed to remove a container");
        }
    }
}

fn request_removal(socket: &str, id: &str) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "DELETE /containers/{id}?force=1&v=1 HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")?;
    // The answer comes when it is done.
    stream.read(&mut [0; 64]).map(|_| ())
}

/// Makes and starts a container for a job.
pub(super) async fn open(backend: &DockerBackend, spec: EnvironmentSpec) -> Result<Environment, BackendError> {
    let (docker, engine_socket) = (&backend.docker, &backend.socket);
    let begin = Instant::now();
    let own = spec.container.as_ref();
    let image = own.and_then(|it| it.body.image.clone()).or_else(|| spec.image.clone());
    let image = image.ok_or_else(|| BackendError::NoImage { job: spec.job.clone() })?;
    let path_error = |path: &Path| {
        let (job, path) = (spec.job.clone(), path.to_owned());
        move |err| BackendError::Path { job, path, err }
    };
    // Not below the work directory: the path of a socket must be short.
    let socket_dir = private_folder().map_err(path_error(&std::env::temp_dir()))?;
    let seen = socket_dir.path().join("seen");
    let socket = seen.join(SOCKET);
    let listener = bind(&seen, &socket).map_err(path_error(&socket))?;
    let passed_on = passing_on::passed_on(&spec);
    let (name, mut body) = match own {
        Some(own) => (own.name.clone(), job_container::body(&spec, own, engine_socket, &seen, &passed_on)),
        None => (name(&spec), body(&spec, &image, engine_socket, &seen)),
    };
    if spec.cuts_metadata {
        body.entrypoint.get_or_insert_default().extend(supervisor::CUTTING_METADATA.map(str::to_owned));
    }
    let options = CreateContainerOptions { name: Some(name.clone()), ..CreateContainerOptions::default() };
    let created = backend.of_jobs().create_container(Some(options), body).await.map_err(|err| {
        if is_not_found(&err) {
            BackendError::ImageMissing { image: image.clone() }
        } else if own.is_some() {
            BackendError::Refused { what: "container".to_owned(), err }
        } else {
            BackendError::Engine { action: format!("create a container of `{image}`"), err }
        }
    })?;
    let container = Container {
        docker: docker.clone(),
        id: created.id,
        name,
        engine_socket: engine_socket.to_owned(),
        is_removed: false,
    };
    let started = start(&container, &listener, &spec, &passed_on).await;
    // The connection stands without the socket, so not even a killed wfrun leaves it behind.
    drop(socket_dir);
    match started {
        Ok((link, ready, passing_on)) => {
            let facts = if spec.container.is_some() {
                job_container::facts(ready, spec, &passing_on.moved, begin)
            } else {
                facts(ready, spec, begin)
            };
            Ok(Environment::new(facts, link, Teardown::Docker { container, passing_on }))
        }
        Err(err) => {
            container.remove().await.ok();
            Err(err)
        }
    }
}

/// A folder that nobody of this machine looks into.
pub(super) fn private_folder() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("wfrun-").permissions(Permissions::from_mode(0o700)).tempdir()
}

/// Listens in a folder of its own, which a container's user may look into, whoever that is; nobody of this machine may,
/// because the folder around it is private.
pub(super) fn bind(folder: &Path, socket: &Path) -> std::io::Result<UnixListener> {
    std::fs::create_dir(folder)?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, Permissions::from_mode(0o777))?;
    Ok(listener)
}

async fn start(
    container: &Container,
    listener: &UnixListener,
    spec: &EnvironmentSpec,
    passed_on: &[PassedOn],
) -> Result<(Link, Ready, PassingOn), BackendError> {
    let Container { docker, id, .. } = container;
    let job = spec.job.as_str();
    docker.start_container(id, None::<StartContainerOptions>).await.map_err(|err| match &spec.container {
        Some(_) => BackendError::Refused { what: "container".to_owned(), err },
        None => BackendError::Engine { action: format!("start the container of job `{job}`"), err },
    })?;
    let lost = |detail: String| BackendError::Lost { job: job.to_owned(), detail };
    let mut end = docker.wait_container(id, None::<WaitContainerOptions>);
    let stream = tokio::select! {
        accepted = listener.accept() => accepted.map_err(|err| lost(err.to_string()))?.0,
        end = end.next() => return Err(lost(describe(end))),
        () = tokio::time::sleep(CONNECT_WAIT) => {
            return Err(lost(format!("it did not connect within {} s", CONNECT_WAIT.as_secs())));
        }
    };
    let mut sockets = Vec::new();
    if !passed_on.is_empty() {
        let received = stream.async_io(Interest::READABLE, || supervisor::receive_listeners(&stream)).await;
        sockets = received.map_err(|err| lost(err.to_string()))?;
    }
    let (reader, writer) = stream.into_split();
    let (link, ready) = Link::open(job, reader, writer).await.map_err(|err| match err {
        ConnectError::Setup(message) => BackendError::Setup { job: job.to_owned(), message },
        ConnectError::Lost(detail) => lost(detail),
    })?;
    let passing_on = passing_on::serve(sockets, passed_on).map_err(|err| lost(err.to_string()))?;
    Ok((link, ready, passing_on))
}

/// The client takes an exit code other than 0 for an error.
fn describe(end: Option<Result<bollard::models::ContainerWaitResponse, Error>>) -> String {
    match end {
        Some(Ok(end)) => format!("exit code {}", end.status_code),
        Some(Err(Error::DockerContainerWaitError { error, code })) => {
            format!("exit code {code} {error}").trim_end().to_owned()
        }
        Some(Err(err)) => err.to_string(),
        None => "the container is gone".to_owned(),
    }
}

/// A name that tells whose it is, and that no other has.
fn name(spec: &EnvironmentSpec) -> String {
    let plain = |text: &str| -> String {
        text.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' }).take(40).collect()
    };
    format!("wfrun-{}-{}-{}", plain(&spec.run_id), plain(&spec.job), names::unique(8))
}

fn body(spec: &EnvironmentSpec, image: &str, engine_socket: &str, socket_dir: &Path) -> ContainerCreateBody {
    let mut entrypoint = vec![EXECUTABLE.to_owned(), supervisor::SUBCOMMAND.to_owned()];
    let mut option = |name: &str, value: &str| entrypoint.extend([name.to_owned(), value.to_owned()]);
    option("--socket", &format!("{SOCKET_DIR}/{SOCKET}"));
    option("--directory", HOME);
    option("--directory", TOOL_CACHE);
    option("--give-back", WORK);
    for shim in &spec.shims {
        option("--shim", shim);
    }
    let host_config = HostConfig {
        // The jobs of GitHub's machines see services on localhost; so do these.
        network_mode: Some("host".to_owned()),
        auto_remove: Some(true),
        mounts: Some(mounts(spec, engine_socket, socket_dir)),
        extra_hosts: Some(names::on_machine(&spec.hosts)),
        dns: spec.dns.map(|address| vec![address.to_string()]),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(entrypoint),
        cmd: Some(Vec::new()),
        user: Some("0:0".to_owned()),
        working_dir: Some("/".to_owned()),
        labels: Some(labels(&spec.run_id, &spec.job)),
        host_config: Some(host_config),
        ..ContainerCreateBody::default()
    }
}

pub(super) fn mount(source: &Path, target: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.display().to_string()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        ..Mount::default()
    }
}

fn mounts(spec: &EnvironmentSpec, engine_socket: &str, socket_dir: &Path) -> Vec<Mount> {
    let mut mounts = common_mounts(spec, engine_socket, socket_dir);
    mounts.push(mount(&spec.work_dir, WORK, false));
    mounts
}

/// What every container of a job sees.
pub(super) fn common_mounts(spec: &EnvironmentSpec, engine_socket: &str, socket_dir: &Path) -> Vec<Mount> {
    let mut mounts = vec![
        mount(&spec.agent_executable, EXECUTABLE, true),
        mount(socket_dir, SOCKET_DIR, false),
        mount(Path::new(engine_socket), ENGINE_SOCKET, false),
    ];
    let given = spec.mounts.iter().cloned().chain(spec.outbound.mounts());
    mounts.extend(given.map(|it| mount(&it.source, &it.target, it.read_only)));
    mounts
}

fn facts(ready: Ready, spec: EnvironmentSpec, begin: Instant) -> Facts {
    let image_path = ready.env.iter().find(|(key, _)| key == "PATH").map_or(DEFAULT_PATH, |(_, value)| value);
    let path = if spec.shims.is_empty() { image_path.to_owned() } else { format!("{image_path}:{SHIM_DIR}") };
    let mut inherited: Vec<(String, String)> =
        ready.env.into_iter().filter(|(key, _)| !NOT_INHERITED.contains(&key.as_str())).collect();
    inherited.extend(spec.outbound.in_container());
    Facts {
        os: "Linux",
        arch: ready.arch,
        base_env: inherited::base_env(inherited, &path, HOME, spec.env),
        path,
        home: HOME.to_owned(),
        work: WORK.to_owned(),
        tool_cache: TOOL_CACHE.to_owned(),
        moved_ports: Vec::new(),
        metadata_open: ready.metadata_open,
        started_in: begin.elapsed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_socket_is_for_the_container_and_nobody_here() {
        let private = private_folder().expect("a folder");
        let folder = private.path().join("seen");
        let _listener = bind(&folder, &folder.join(SOCKET)).expect("it listens");
        let mode = |path: &Path| std::fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!([private.path(), &folder, &folder.join(SOCKET)].map(mode), [0o700, 0o755, 0o777]);
    }
}
