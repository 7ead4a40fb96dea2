//! Containers that run one process, on a real engine.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use wfrun_backend::docker::{ContainerRun, RunImage, RunNetwork};
use wfrun_backend::{DockerBackend, Mount, Process, Signal, Target};

use crate::containers::left;
use crate::support::{Ended, agent_executable, collect, docker, image, wait_for};

fn run(arguments: &[&str]) -> ContainerRun {
    ContainerRun {
        run_id: format!("run-{}-{}", std::process::id(), uuid()),
        job: "j".to_owned(),
        image: RunImage::Named { name: image().to_owned(), may_pull: false },
        entrypoint: None,
        arguments: arguments.iter().map(|&it| it.to_owned()).collect(),
        env: vec![("A".to_owned(), "1 2".to_owned())],
        cwd: "/github/workspace".to_owned(),
        mounts: Vec::new(),
        network: RunNetwork::Machine,
        hosts: Vec::new(),
        dns: None,
        cuts_metadata: false,
    }
}

fn uuid() -> u128 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |it| it.as_nanos())
}

fn start(backend: &DockerBackend, run: &ContainerRun) -> Process {
    backend.run(&agent_executable(), run.clone()).expect("the reaper starts")
}

/// Runs to the end, after which nothing is left.
async fn ended(backend: &DockerBackend, run: &ContainerRun) -> Ended {
    let ended = collect(start(backend, run)).await;
    assert_eq!(left(&run.run_id), "");
    ended
}

/// Source: GitHub: execution rules E7.4.
#[tokio::test(flavor = "multi_thread")]
async fn output_code_variables_and_mounts() {
    let Some(backend) = docker().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let script = "pwd; echo $A; echo wrong >&2; echo new > file; exit 7";
    let mount = Mount { source: folder.path().to_owned(), target: "/github/workspace".to_owned(), read_only: false };
    let run = ContainerRun { entrypoint: Some("sh".to_owned()), mounts: vec![mount], ..run(&["-c", script]) };
    let ended = ended(&backend, &run).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(7), "/github/workspace\n1 2\n"));
    assert_eq!(ended.stderr, "wrong\n");
    assert_eq!(std::fs::read_to_string(folder.path().join("file")).expect("a file"), "new\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_start_is_said() {
    let Some(backend) = docker().await else { return };
    let missing = ContainerRun { entrypoint: Some("/none".to_owned()), ..run(&[]) };
    let failed = ended(&backend, &missing).await.failed.expect("it does not start");
    assert!(failed.contains("/none"), "{failed}");
    let unknown = RunImage::Named { name: "wfrun-test/none:1".to_owned(), may_pull: false };
    let failed = ended(&backend, &ContainerRun { image: unknown, ..run(&[]) }).await.failed.expect("no image");
    assert!(failed.contains("has no image `wfrun-test/none:1`"), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_reach_the_first_process() {
    let Some(backend) = docker().await else { return };
    let script = "trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.05; done";
    let run = run(&["bash", "-c", script]);
    let mut process = start(&backend, &run);
    wait_for(&mut process, "ready").await;
    process.control().signal(Signal::Interrupt, Target::Leader);
    let ended = collect(process).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), "interrupted\n"));
    let mut process =
        start(&backend, &ContainerRun { arguments: vec!["sleep".to_owned(), "600".to_owned()], ..run.clone() });
    let begun = Instant::now();
    while left(&run.run_id).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never starts");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    process.control().signal(Signal::Kill, Target::Tree);
    while let Some(event) = process.next().await {
        assert_eq!(event, wfrun_backend::ProcessEvent::Exited { code: 137 });
    }
    assert_eq!(left(&run.run_id), "");
}

/// Source: GitHub: execution rules E7.4: the context is the Dockerfile's folder.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_built_from_its_dockerfile() {
    let Some(backend) = docker().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    let base = image();
    // Whoever installs something in a Dockerfile needs the proxy for it.
    let through = "ARG HTTP_PROXY\nENV THROUGH=$HTTP_PROXY";
    let list = r#"ENTRYPOINT ["sh", "-c", "ls /copied; echo through $THROUGH"]"#;
    write("Own.Dockerfile", &format!("FROM {base}\n{through}\nCOPY . /copied\n{list}\n"));
    write(".dockerignore", "secret\n.dockerignore\n");
    write("secret", "s3cret");
    write("file", "text");
    let tag = format!("wfrun-test/built:{}", std::process::id());
    let arguments = vec![("HTTP_PROXY".to_owned(), "http://proxy.example".to_owned())];
    let image = |dockerfile: PathBuf| RunImage::Built { dockerfile, tag: tag.clone(), arguments: arguments.clone() };
    let built = |name: &str| image(folder.path().join(name));
    let first = ended(&backend, &ContainerRun { image: built("Own.Dockerfile"), ..run(&[]) }).await;
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stdout.contains("##[group]Building docker image") && first.stdout.contains("Successfully built"));
    assert!(first.stdout.ends_with("\nOwn.Dockerfile\nfile\nthrough http://proxy.example\n"), "{}", first.stdout);
    write("Own.Dockerfile", "FROM scratch\nRUN nothing\n");
    let failed = ended(&backend, &ContainerRun { image: built("Own.Dockerfile"), ..run(&[]) }).await.failed;
    assert!(failed.as_ref().is_some_and(|it| it.starts_with("Docker build failed: ")), "{failed:?}");
    let missing = image(PathBuf::from("/none/Dockerfile"));
    let failed = ended(&backend, &ContainerRun { image: missing, ..run(&[]) }).await.failed;
    assert!(failed.as_ref().is_some_and(|it| it.contains("/none")), "{failed:?}");
    assert!(std::process::Command::new("docker").args(["rmi", &tag]).output().expect("docker").status.success());
}
