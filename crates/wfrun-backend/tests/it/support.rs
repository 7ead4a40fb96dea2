use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use wfrun_backend::{
    Backend, DockerBackend, Environment, EnvironmentSpec, Exec, HostBackend, Process, ProcessEvent, SandboxBackend,
    Stream, probe_sandbox,
};

/// How long what is sure to come may take on the slowest machine; nothing waits so long that goes well.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The example `environment`, which Cargo builds along with these tests.
pub(crate) fn agent_executable() -> PathBuf {
    let own = env::current_exe().expect("the test's own path");
    let target = own.parent().and_then(Path::parent).expect("deps/ lies in the target directory");
    let example = target.join("examples/environment");
    assert!(
        example.exists(),
        "{} is missing: build it with `cargo build --examples -p wfrun-backend`",
        example.display()
    );
    example
}

/// The id of a run of its own: whoever watches over one of them takes away all that has its id.
pub(crate) fn run_id(name: &str) -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    match MADE.fetch_add(1, Ordering::Relaxed) {
        0 => format!("{name}-{}", std::process::id()),
        number => format!("{name}-{}-{number}", std::process::id()),
    }
}

/// An environment with its work directory.
pub(crate) struct Place {
    pub(crate) environment: Environment,
    pub(crate) work_dir: TempDir,
}

pub(crate) fn spec(work_dir: &Path) -> EnvironmentSpec {
    EnvironmentSpec {
        run_id: format!("test-{}", std::process::id()),
        job: "build (1)".to_owned(),
        work_dir: work_dir.to_owned(),
        agent_executable: agent_executable(),
        ..EnvironmentSpec::default()
    }
}

pub(crate) async fn open(backend: &dyn Backend) -> Place {
    open_with(backend, |_| {}).await
}

pub(crate) async fn open_with(backend: &dyn Backend, change: impl FnOnce(&mut EnvironmentSpec)) -> Place {
    let work_dir = tempfile::tempdir().expect("a work directory");
    let mut spec = spec(work_dir.path());
    if backend.name() == "docker" {
        spec.image = Some(image().to_owned());
    }
    change(&mut spec);
    let environment =
        backend.open(spec).await.unwrap_or_else(|err| panic!("{err}: {:?}", std::error::Error::source(&err)));
    Place { environment, work_dir }
}

pub(crate) fn image() -> &'static str {
    DockerBackend::image_for("ubuntu-latest").expect("Ubuntu has an image")
}

/// The sandbox, if this machine can make one.
pub(crate) fn sandbox() -> Option<SandboxBackend> {
    match probe_sandbox(&agent_executable()) {
        Ok(()) => Some(SandboxBackend),
        Err(err) => {
            skip(&err.to_string());
            None
        }
    }
}

/// The engine, if one answers and has the image.
pub(crate) async fn docker() -> Option<DockerBackend> {
    let missing = match DockerBackend::connect().await {
        Ok(backend) => match backend.has_image(image()).await {
            Ok(true) => return Some(backend),
            Ok(false) => format!("no image {}", image()),
            Err(err) => err.to_string(),
        },
        Err(err) => err.to_string(),
    };
    assert!(env::var_os("WFRUN_REQUIRE_DOCKER").is_none(), "docker is required here: {missing}");
    skip(&missing);
    None
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub(crate) fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

/// Every backend with real processes that works on this machine.
pub(crate) async fn real_backends() -> Vec<Box<dyn Backend>> {
    let mut backends: Vec<Box<dyn Backend>> = vec![Box::new(HostBackend)];
    if let Some(backend) = sandbox() {
        backends.push(Box::new(backend));
    }
    if let Some(backend) = docker().await {
        backends.push(Box::new(backend));
    }
    backends
}

/// What a process did until its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) failed: Option<String>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn exec(&self, argv: &[&str]) -> Exec {
        let facts = self.environment.facts();
        let argv = argv.iter().map(|&it| it.to_owned()).collect();
        Exec { argv, env: facts.base_env.clone(), cwd: facts.work.clone() }
    }

    pub(crate) async fn start(&self, script: &str) -> Process {
        self.environment.spawn(self.exec(&["bash", "-e", "-c", script])).await.expect("the environment is there")
    }

    pub(crate) async fn run(&self, script: &str) -> Ended {
        collect(self.start(script).await).await
    }

    /// Standard output of a script that must succeed.
    pub(crate) async fn output(&self, script: &str) -> String {
        let ended = self.run(script).await;
        assert_eq!(ended.code, Some(0), "{script}: {ended:?}");
        ended.stdout
    }

    pub(crate) async fn close(self) {
        self.environment.close().await.expect("it can be closed");
    }
}

pub(crate) async fn collect(mut process: Process) -> Ended {
    let mut ended = Ended::default();
    while let Some(event) = process.next().await {
        match event {
            ProcessEvent::Output { stream, bytes } => {
                let text = String::from_utf8_lossy(&bytes);
                match stream {
                    Stream::Stdout => ended.stdout.push_str(&text),
                    Stream::Stderr => ended.stderr.push_str(&text),
                }
            }
            ProcessEvent::Warning(it) => panic!("{it:?}"),
            ProcessEvent::Exited { code } => ended.code = Some(code),
            ProcessEvent::FailedToStart { message } => ended.failed = Some(message),
        }
    }
    ended
}

/// Reads events until `text` was printed.
pub(crate) async fn wait_for(process: &mut Process, text: &str) {
    let mut seen = String::new();
    while !seen.contains(text) {
        match process.next().await {
            Some(ProcessEvent::Output { bytes, .. }) => seen.push_str(&String::from_utf8_lossy(&bytes)),
            other => panic!("{text:?} was not printed, but {seen:?}, then {other:?}"),
        }
    }
}

/// Whether any process of this machine has `text` in its command line.
pub(crate) fn is_running(text: &str) -> bool {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    entries
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.parse::<u32>().is_ok_and(|pid| pid != std::process::id()))
        })
        .any(|entry| {
            std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(text))
        })
}

/// Waits until that is no longer so.
pub(crate) async fn wait_until_gone(text: &str) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while is_running(text) {
        assert!(std::time::Instant::now() < deadline, "{text} still runs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
