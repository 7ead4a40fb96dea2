//! The engine: found, or installed from Debian's packages and started.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process::{as_root, capture, on_path, open_log, run_logged, say, tail};

const START_LIMIT: Duration = Duration::from_secs(40);

/// A way to start `dockerd`, tried in order until one answers.
struct Attempt {
    flags: &'static [&'static str],
    /// What is lost by these flags, said when they were needed.
    price: &'static str,
}

const ATTEMPTS: &[Attempt] = &[
    Attempt { flags: &[], price: "" },
    Attempt {
        flags: &["--iptables=false", "--ip6tables=false"],
        price: "containers reach no network outside the machine, unless the host translates addresses",
    },
    Attempt {
        flags: &["--iptables=false", "--ip6tables=false", "--bridge=none"],
        price: "containers have only host networking",
    },
    Attempt {
        flags: &["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"],
        price: "containers have only host networking, and images are copied whole",
    },
];

/// Makes sure that an engine answers.
pub(super) fn ensure(state: &Path) -> Result<()> {
    if let Some(version) = server_version() {
        say(format!("engine: {version} answers"));
        return Ok(());
    }
    if let Some(host) = std::env::var_os("DOCKER_HOST") {
        bail!(
            "DOCKER_HOST is {}, and no engine answers there: start it, or unset DOCKER_HOST to have one started here",
            host.display()
        );
    }
    refuse_if_forbidden()?;
    if !on_path("dockerd") && !Path::new("/usr/sbin/dockerd").exists() {
        install(&["docker.io"], state)?;
    }
    // Debian's package starts the engine itself where an init system runs.
    if let Some(version) = wait_for_engine(Duration::from_secs(2), || true) {
        say(format!("engine: {version} answers, started by the system"));
        return Ok(());
    }
    refuse_if_running()?;
    if let Some(version) = server_version() {
        say(format!("engine: {version} answers"));
        return Ok(());
    }
    start(state)
}

/// Stops the engine that `ensure` started; one that was started otherwise is left alone.
pub(super) fn stop(state: &Path) -> Result<()> {
    let pidfile = state.join("dockerd/dockerd.pid");
    let Ok(pid) = fs::read_to_string(&pidfile) else {
        say("engine: none was started here, nothing to stop");
        return Ok(());
    };
    let pid = pid.trim();
    let alive = || fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "dockerd");
    if alive() {
        // The shell's own `kill`: the program is not on every machine.
        run_logged(as_root("sh").args(["-c", "kill \"$1\"", "kill", pid]), &state.join("dockerd/dockerd.log"))?;
    }
    let deadline = Instant::now() + START_LIMIT;
    while alive() {
        if Instant::now() > deadline {
            bail!(
                "dockerd (pid {pid}) still runs after {} s: look at {}",
                START_LIMIT.as_secs(),
                state.join("dockerd/dockerd.log").display()
            );
        }
        thread::sleep(Duration::from_millis(100));
    }
    say(format!("engine: stopped (pid {pid})"));
    Ok(())
}

/// Installs Debian packages, updating the lists only when the first try fails.
pub(super) fn install(packages: &[&str], state: &Path) -> Result<()> {
    if !on_path("apt-get") {
        bail!(
            "{} missing, and this is no Debian system: install an engine by hand (https://docs.docker.com/engine/install/) and start it",
            packages.join(", ")
        );
    }
    say(format!("packages: installing {}", packages.join(" ")));
    let log = state.join("apt.log");
    let apt = |words: &[&str]| {
        let mut command = as_root("env");
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]).args(words);
        run_logged(&mut command, &log)
    };
    let install: Vec<&str> = ["install", "--no-install-recommends"].iter().chain(packages).copied().collect();
    if apt(&install).is_ok() {
        return Ok(());
    }
    apt(&["update"])?;
    apt(&install)
        .context("packages could not be installed: root (or password-less sudo) and a package mirror are needed")
}

/// The engine's version and that of its API; `None` where no engine answers this user.
pub(super) fn server_version() -> Option<String> {
    capture(Command::new("docker").args([
        "version",
        "--format",
        "Docker {{.Server.Version}}, API {{.Server.APIVersion}}",
    ]))
    .filter(|version| !version.is_empty())
}

fn start(state: &Path) -> Result<()> {
    let folder = state.join("dockerd");
    let log = folder.join("dockerd.log");
    for attempt in ATTEMPTS {
        let started = Instant::now();
        if let Some(version) = try_start(attempt.flags, &folder, &log)? {
            say(format!(
                "engine: {version}, started in {:.1} s, log {}",
                started.elapsed().as_secs_f64(),
                log.display()
            ));
            if !attempt.price.is_empty() {
                say(format!("engine: it needed {}: {}", attempt.flags.join(" "), attempt.price));
            }
            return Ok(());
        }
        say(format!("engine: dockerd {} ended, trying the next way", attempt.flags.join(" ")));
    }
    refuse_if_forbidden()?;
    bail!(
        "dockerd does not start here\n{}\nwhole log: {}\nwithout an engine, `wfrun --backend sandbox` runs jobs all the same",
        tail(&log, 12),
        log.display()
    )
}

/// A daemon that runs without answering is given time and then left alone: a second one on the same network would
/// take its socket, and with `--bridge=none` remove its bridge.
fn refuse_if_running() -> Result<()> {
    let Some(pid) = running() else { return Ok(()) };
    say(format!("engine: dockerd runs (pid {pid}) and does not answer yet, waiting"));
    if wait_for_engine(START_LIMIT, || running().is_some()).is_some() || running().is_none() {
        return Ok(());
    }
    bail!(
        "dockerd (pid {pid}) runs and does not answer at the usual socket: stop it, or set DOCKER_HOST to where it listens"
    )
}

/// The pid of a `dockerd` in this network namespace.
fn running() -> Option<u32> {
    let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
    let here = network("self");
    let pids = fs::read_dir("/proc").ok()?.flatten().filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    let is_dockerd =
        |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "dockerd");
    pids.filter(is_dockerd).find(|pid| network(&pid.to_string()) == here)
}

/// An engine whose socket this user may not open looks like none, and another one would not help.
fn refuse_if_forbidden() -> Result<()> {
    let output = Command::new("docker").arg("version").stdin(Stdio::null()).output();
    if output.is_ok_and(|it| String::from_utf8_lossy(&it.stderr).contains("permission denied")) {
        bail!(
            "an engine is there, but this user may not use it: `sudo usermod -aG docker $USER` and log in again, or run this as root"
        );
    }
    Ok(())
}

fn try_start(flags: &[&str], folder: &Path, log: &Path) -> Result<Option<String>> {
    let output = open_log(log)?;
    let errors = output.try_clone().with_context(|| format!("{} cannot be shared", log.display()))?;
    let pidfile = folder.join("dockerd.pid");
    let mut command = as_root("setsid");
    command.args(["--fork", "dockerd", "--pidfile"]).arg(&pidfile).args(flags);
    if let Some(mtu) = uplink_mtu().filter(|mtu| *mtu < 1500) {
        // A bridge with larger packets than the uplink takes makes TLS handshakes of containers hang.
        command.arg(format!("--mtu={mtu}"));
    }
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    crate::process::run(&mut command)?;
    // The pid file appears a moment after the start and goes when the daemon ends.
    let started = Instant::now();
    Ok(wait_for_engine(START_LIMIT, || started.elapsed() < Duration::from_secs(3) || pidfile.exists()))
}

fn wait_for_engine(limit: Duration, may_still_come: impl Fn() -> bool) -> Option<String> {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline && may_still_come() {
        if let Some(version) = server_version() {
            return Some(version);
        }
        thread::sleep(Duration::from_millis(200));
    }
    None
}

/// The packet size of the interface that carries the default route.
fn uplink_mtu() -> Option<u32> {
    let routes = fs::read_to_string("/proc/net/route").ok()?;
    let default = routes
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|fields| fields.get(1) == Some(&"00000000"))?;
    fs::read_to_string(format!("/sys/class/net/{}/mtu", default.first()?)).ok()?.trim().parse().ok()
}
