//! What only the Docker backend promises: an image, and an engine with nothing left in it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::{Duration, Instant};

use bollard::query_parameters::ListContainersOptions;
use wfrun_backend::docker::{JOB_LABEL, OWNER_LABEL, RUN_LABEL};
use wfrun_backend::{Backend as _, BackendError, DockerBackend, Mount, clean};

use crate::support::{PATIENCE, docker, open, open_with, spec};

/// Others may run the same tests on the same engine.
fn of_this_process(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

/// The containers of a run.
async fn containers(backend: &DockerBackend, run_id: &str) -> Vec<bollard::models::ContainerSummary> {
    let filters = HashMap::from([("label".to_owned(), vec![format!("{RUN_LABEL}={run_id}")])]);
    let options = ListContainersOptions { all: true, filters: Some(filters), ..ListContainersOptions::default() };
    backend.client().list_containers(Some(options)).await.expect("the engine lists")
}

async fn wait_until_removed(backend: &DockerBackend, run_id: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !containers(backend, run_id).await.is_empty() {
        assert!(Instant::now() < deadline, "a container of {run_id} is left");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_has_labels_and_goes_when_closed() {
    let Some(backend) = docker().await else { return };
    let place = open_with(&backend, |spec| spec.run_id = of_this_process("labels")).await;
    let found = containers(&backend, &of_this_process("labels")).await;
    let labels: Vec<_> = found.iter().filter_map(|it| it.labels.as_ref()?.get(JOB_LABEL)).collect();
    assert_eq!(labels, ["build (1)"]);
    place.close().await;
    assert_eq!(containers(&backend, &of_this_process("labels")).await.len(), 0, "it is gone when `close` returns");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_goes_when_dropped() {
    let Some(backend) = docker().await else { return };
    drop(open_with(&backend, |spec| spec.run_id = of_this_process("dropped")).await);
    wait_until_removed(&backend, &of_this_process("dropped")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_goes_when_whoever_opened_it_is_killed() {
    let Some(backend) = docker().await else { return };
    let own = std::env::current_exe().expect("the test's own path");
    let mut victim = std::process::Command::new(own)
        .args(["--exact", "docker::victim", "--ignored"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let run_id = format!("victim-{}", victim.id());
    while containers(&backend, &run_id)
        .await
        .iter()
        .all(|it| it.status.as_ref().is_none_or(|status| !status.starts_with("Up")))
    {
        assert_eq!(victim.try_wait().expect("a state"), None, "it ended before its time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    victim.kill().expect("it is there");
    victim.wait().expect("it ends");
    wait_until_removed(&backend, &run_id).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by a_container_goes_when_whoever_opened_it_is_killed"]
async fn victim() {
    let Some(backend) = docker().await else { return };
    let place = open_with(&backend, |spec| spec.run_id = of_this_process("victim")).await;
    place.run("sleep 600").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_left_can_be_removed_by_its_label() {
    let Some(backend) = docker().await else { return };
    // Another test may clean as a whole; what is this process's stays then.
    let owner = std::process::id().to_string();
    let (run_id, name) = (of_this_process("left"), of_this_process("wfrun-test-left"));
    let labels: HashMap<String, String> =
        [(RUN_LABEL, &run_id), (OWNER_LABEL, &owner)].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let network = bollard::models::NetworkCreateRequest {
        name: name.clone(),
        labels: Some(labels.clone()),
        ..Default::default()
    };
    backend.client().create_network(network).await.expect("a network");
    let volume = bollard::models::VolumeCreateRequest { name: Some(name), labels: Some(labels), ..Default::default() };
    backend.client().create_volume(volume).await.expect("a volume");
    let place = open_with(&backend, |spec| spec.run_id = of_this_process("left")).await;
    assert_eq!(clean(backend.client(), Some(&run_id)).await.expect("it cleans"), 3);
    assert_eq!(clean(backend.client(), Some(&run_id)).await.expect("it cleans"), 0);
    let spawned = place.environment.spawn(place.exec(&["true"])).await;
    assert!(matches!(spawned, Err(BackendError::Lost { .. })), "{spawned:?}");
    place.close().await;
}

/// `wfrun clean` of one user, or of one folder of caches, knows nothing of another's runs.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_living_process_made_stays() {
    let Some(backend) = docker().await else { return };
    let nobody = u32::MAX.to_string();
    let (run_id, name) = (of_this_process("abandoned"), of_this_process("wfrun-test-abandoned"));
    let labels = [(RUN_LABEL, &run_id), (OWNER_LABEL, &nobody)];
    let volume = bollard::models::VolumeCreateRequest {
        name: Some(name.clone()),
        labels: Some(labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
        ..Default::default()
    };
    backend.client().create_volume(volume).await.expect("a volume");
    let place = open_with(&backend, |spec| spec.run_id = of_this_process("at work")).await;
    // Another test, or a person, may clean at the same time, and have taken it away.
    clean(backend.client(), None).await.expect("it cleans");
    let gone = backend.client().inspect_volume(&name).await;
    assert!(
        matches!(gone, Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. })),
        "{gone:?}"
    );
    assert_eq!(clean(backend.client(), Some(&run_id)).await.expect("it cleans"), 0);
    assert_eq!(place.output("echo here").await, "here\n");
    place.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_network_is_this_machines_with_names_as_told() {
    let Some(backend) = docker().await else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let place = open_with(&backend, |spec| {
        spec.hosts = vec![("sts.amazonaws.com".to_owned(), IpAddr::V4(Ipv4Addr::new(127, 1, 2, 3)))];
        spec.dns = Some(IpAddr::V4(Ipv4Addr::new(127, 77, 0, 53)));
    })
    .await;
    assert_eq!(place.output(&format!("(exec 3<>/dev/tcp/127.0.0.1/{port}) && echo connected")).await, "connected\n");
    assert_eq!(place.output("getent ahostsv4 sts.amazonaws.com | head -1 | cut -d' ' -f1").await, "127.1.2.3\n");
    assert_eq!(place.output("grep nameserver /etc/resolv.conf").await, "nameserver 127.77.0.53\n");
    // The machine still knows itself.
    assert_eq!(place.output("getent hosts $(hostname) > /dev/null && echo known").await, "known\n");
    place.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_and_mounts_are_reachable_inside() {
    let Some(backend) = docker().await else { return };
    let shared = tempfile::tempdir().expect("a directory");
    std::fs::write(shared.path().join("file"), "shared").expect("a file");
    let place = open_with(&backend, |spec| {
        spec.mounts = vec![Mount { source: shared.path().to_owned(), target: "/mnt/read".to_owned(), read_only: true }];
    })
    .await;
    assert_eq!(
        place
            .output("cat /mnt/read/file; test -S /var/run/docker.sock; touch /mnt/read/x 2>/dev/null || echo no")
            .await,
        "sharedno\n"
    );
    if place.environment.which("docker").await.is_some() {
        place.output("docker version >/dev/null").await;
    }
    assert_eq!(place.output("id -u; umask").await, "0\n0022\n");
    place.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named() {
    let Some(backend) = docker().await else { return };
    let work_dir = tempfile::tempdir().expect("a directory");
    let open = async |change: fn(&mut wfrun_backend::EnvironmentSpec)| {
        let mut spec = spec(work_dir.path());
        spec.image = Some(crate::support::image().to_owned());
        change(&mut spec);
        backend.open(spec).await.expect_err("something is missing")
    };
    let err = open(|spec| spec.image = None).await;
    assert!(matches!(err, BackendError::NoImage { .. }), "{err}");
    let err = open(|spec| spec.image = Some("wfrun/none:none".to_owned())).await;
    assert!(matches!(&err, BackendError::ImageMissing { image } if image == "wfrun/none:none"), "{err}");
    let err = open(|spec| spec.agent_executable = "/bin/true".into()).await;
    assert!(matches!(&err, BackendError::Lost { detail, .. } if detail.contains("exit code")), "{err}");
    let err = open(|spec| spec.work_dir = "/nonexistent/work".into()).await;
    assert!(matches!(&err, BackendError::Engine { .. }), "{err}");
    assert!(!backend.has_image("wfrun/none:none").await.expect("the engine answers"));
}

/// An image with nothing in it but an empty file: the supervisor needs no library and no shell of the image.
#[tokio::test(flavor = "multi_thread")]
async fn the_supervisor_runs_in_an_empty_image() {
    let Some(backend) = docker().await else { return };
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("Dockerfile"), "FROM scratch\nENV PATH=/only/here\nCOPY Dockerfile /\n")
        .expect("a file");
    let image = of_this_process("wfrun-test/empty:1");
    let build = std::process::Command::new("docker").args(["build", "-q", "-t", &image]).arg(directory.path()).output();
    if !build.is_ok_and(|output| output.status.success()) {
        return;
    }
    let place = open_with(&backend, |spec| spec.image = Some(image.clone())).await;
    assert_eq!(place.environment.facts().path, "/only/here");
    let exec = place.exec(&["/opt/wfrun/wfrun"]);
    let process = place.environment.spawn(exec).await.expect("it is there");
    assert_eq!(crate::support::collect(process).await.code, Some(2), "the executable itself is the only program");
    place.close().await;
    let options = bollard::query_parameters::RemoveImageOptions::default();
    backend.client().remove_image(&image, Some(options), None).await.expect("it is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_images_environment_is_inherited() {
    let Some(backend) = docker().await else { return };
    let place = open(&backend).await;
    let facts = place.environment.facts();
    assert_eq!((facts.home.as_str(), facts.work.as_str()), ("/home/runner", "/home/runner/work"));
    assert!(!facts.base_env.iter().any(|(key, _)| key == "HOSTNAME"));
    assert!(facts.path.contains("/bin"), "{}", facts.path);
    assert!(Path::new(&facts.tool_cache).is_absolute());
    place.close().await;
}
