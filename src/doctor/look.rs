//! Looks at this machine. What can be tried in a moment is tried, not guessed from files.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use nix::sys::statvfs::statvfs;
use nix::unistd::geteuid;
use wfrun_backend::network::start_dns_guard;
use wfrun_backend::{
    Backend as _, BackendError, DockerBackend, EnvironmentSpec, Exec, Outbound, ProcessEvent, SandboxBackend, chain,
    probe_sandbox, user_name,
};
use wfrun_engine::keep_loopback_direct;
use wfrun_runner::{GUARD, Git, Trees, node_of_machine};

use super::{Engine, Folder, Machine, Problem, User};
use crate::environment::Environment;

/// An engine that says nothing for so long is as good as none; a busy one takes its time.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks; `root` is the repository that wfrun was called in, if any.
pub(crate) async fn look(environment: &Environment, outbound: &Outbound, root: Option<&Path>) -> Machine {
    let own = environment.cache.join("work");
    let mut folders = vec![folder("cache", environment.cache.clone())];
    folders.extend(root.map(|it| folder("runs", it.join(".wfrun"))));
    let workspaces = Trees::below(environment.cache.join("trees")).way();
    let sandbox = sandbox(&own);
    let (sandbox, docker) = tokio::join!(sandbox, docker());
    let ports = outbound.ports();
    let loopback = outbound.loopback_proxies().into_iter().filter(|(name, _)| *name == name.to_ascii_uppercase());
    Machine {
        system: system(),
        user: user(),
        sandbox,
        docker,
        git: git(),
        node: node(&environment.path),
        outbound: passed_on(outbound),
        left_out: outbound.left_out().to_vec(),
        loopback: loopback.map(|(name, port)| (name, ports.contains(&port))).collect(),
        guard: start_dns_guard(GUARD).await.map(drop).map_err(|err| err.to_string()),
        folders,
        workspaces,
    }
}

/// The variables as steps see them, without credentials.
fn passed_on(outbound: &Outbound) -> Vec<(String, String)> {
    let mut shown: IndexMap<String, String> = outbound.shown().into_iter().collect();
    keep_loopback_direct(&mut shown);
    shown.into_iter().collect()
}

fn system() -> String {
    let Ok(name) = nix::sys::utsname::uname() else { return "Linux".to_owned() };
    let text = |it: &std::ffi::OsStr| it.to_string_lossy().into_owned();
    format!("{} {}, {}", text(name.sysname()), text(name.release()), text(name.machine()))
}

fn user() -> User {
    let id = geteuid();
    let name = user_name().unwrap_or_else(|| format!("user {id}"));
    User { name, is_root: id.is_root() }
}

/// Starts `true` in a real sandbox.
async fn sandbox(work: &Path) -> Result<u128, Problem> {
    let executable = Path::new("/proc/self/exe");
    probe_sandbox(executable).map_err(|err| said(&err))?;
    let begin = Instant::now();
    let made = std::fs::create_dir_all(work).and_then(|()| tempfile::Builder::new().prefix("try-").tempdir_in(work));
    let scratch = made.map_err(|err| Problem {
        what: format!("there is no room for it: {} cannot be written: {err}", work.display()),
        way_out: "set XDG_CACHE_HOME to a folder of this user's".to_owned(),
    })?;
    let spec = EnvironmentSpec {
        run_id: "doctor".to_owned(),
        job: "doctor".to_owned(),
        work_dir: scratch.path().to_owned(),
        agent_executable: executable.to_owned(),
        ..EnvironmentSpec::default()
    };
    let environment = SandboxBackend.open(spec).await.map_err(|err| said(&err))?;
    let (env, cwd) = (environment.facts().base_env.clone(), environment.facts().work.clone());
    let started = environment.spawn(Exec { argv: vec!["true".to_owned()], env, cwd }).await;
    let ended = match started {
        Ok(mut process) => ended(&mut process).await,
        Err(err) => Err(chain(&err)),
    };
    let took = begin.elapsed().as_millis();
    let closed = environment.close().await.map_err(|err| chain(&err));
    ended.and(closed).map(|()| took).map_err(|what| Problem {
        what: format!("one could be made, and nothing ran in it: {what}"),
        way_out: "use `--backend docker`, and see `WFRUN_LOG=debug wfrun doctor`".to_owned(),
    })
}

async fn ended(process: &mut wfrun_backend::Process) -> Result<(), String> {
    while let Some(event) = process.next().await {
        match event {
            ProcessEvent::Output { .. } | ProcessEvent::Warning(_) => {}
            ProcessEvent::Exited { code: 0 } => return Ok(()),
            ProcessEvent::Exited { code } => return Err(format!("`true` ended with {code}")),
            ProcessEvent::FailedToStart { message } => return Err(message),
        }
    }
    Err("the sandbox ended first".to_owned())
}

async fn docker() -> Result<Engine, Problem> {
    let asked = async {
        let engine = DockerBackend::connect().await.map_err(|err| said(&err))?;
        let facts = engine.facts().await.map_err(|err| said(&err))?;
        let name = DockerBackend::image_for("ubuntu-latest").unwrap_or_default();
        let image = engine.has_image(name).await.map_err(|err| chain(&err));
        Ok(Engine { facts, image: (name, image) })
    };
    let silent = |_| Problem {
        what: format!("the engine has not answered for {} s", PATIENCE.as_secs()),
        way_out: "look at its log (`journalctl --unit docker`), or use `--backend sandbox`".to_owned(),
    };
    tokio::time::timeout(PATIENCE, asked).await.map_err(silent)?
}

/// A backend's message is `what is wrong; the way out`.
fn said(err: &BackendError) -> Problem {
    let text = err.to_string();
    let (what, way_out) = text.split_once("; ").unwrap_or((&text, ""));
    let cause = std::error::Error::source(err).map(|it| format!(" ({it})")).unwrap_or_default();
    Problem { what: format!("{what}{cause}"), way_out: way_out.to_owned() }
}

fn git() -> Result<String, String> {
    let version = Git::at(std::env::temp_dir()).ask(&["--version"]).map_err(|err| chain(&err))?;
    Ok(version.trim_start_matches("git version ").to_owned())
}

fn node(path: &str) -> Option<(PathBuf, Option<String>)> {
    let found = node_of_machine(path)?;
    let asked = Command::new(&found).arg("--version").stdin(Stdio::null()).output().ok();
    let version = asked.filter(|it| it.status.success());
    let version = version.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    Some((found, version))
}

/// Writes a file, in the folder or in the one that it would be made in.
fn folder(name: &'static str, path: PathBuf) -> Folder {
    // What is no folder is in the way, and the file cannot be made in it.
    let there = path.ancestors().find(|it| it.symlink_metadata().is_ok()).unwrap_or(Path::new("/")).to_owned();
    let written = tempfile::tempfile_in(&there);
    let free = written.and_then(|_| Ok(statvfs(&there)?)).map_err(|err| err.to_string());
    // Blocks that are kept for root are not free to others.
    let free = free.map(|it| it.blocks_available() * it.fragment_size());
    Folder { name, path, free }
}
