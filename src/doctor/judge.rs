//! What the facts mean; pure.
use std::path::Path;

use wfrun_backend::outbound::{CERTIFICATE_FOLDER, PROXIES};
use wfrun_report::{Examination, Examined, Standing, bytes};
use wfrun_runner::Way;

use super::{Engine, Folder, Machine, Problem};
use crate::outbound::is_certificate;

/// `GIT_CONFIG_SYSTEM`, by which git in an action finds the snapshot, came with it.
const OLDEST_GIT: (u32, u32) = (2, 32);
/// What JavaScript actions need at least.
const OLDEST_NODE: u32 = 20;
/// Less is soon full: a workflow's tools and caches take as much.
const LITTLE: u64 = 2_000_000_000;

/// Says of each thing how it stands, and where jobs can run.
pub(crate) fn examine(machine: &Machine) -> Examination {
    let has_git = machine.git.as_ref().is_ok_and(|it| is_new_enough(it));
    let can_write = machine.folders.iter().all(|it| it.free.is_ok());
    let has_image = |it: &Engine| matches!(it.image.1, Ok(true));
    let mut usable = Vec::new();
    if has_git && can_write {
        usable.extend(machine.docker.as_ref().is_ok_and(has_image).then_some("docker"));
        usable.extend(machine.sandbox.is_ok().then_some("sandbox"));
    }
    let mut examined = Vec::new();
    sandbox(machine, &mut examined);
    docker(machine, &mut examined);
    tools(machine, &mut examined);
    network(machine, &mut examined);
    folders(machine, &mut examined);
    let heading = format!("wfrun {} on {}, as {}", env!("CARGO_PKG_VERSION"), machine.system, machine.user.name);
    let auto = usable.first().copied();
    Examination { heading, examined, usable, auto }
}

/// Makes one thing; `way_out` may be empty.
fn thing(area: &'static str, name: &str, standing: Standing, message: impl Into<String>, way_out: &str) -> Examined {
    let way_out = (!way_out.is_empty()).then(|| way_out.to_owned());
    Examined { area, name: name.to_owned(), standing, message: message.into(), way_out }
}

fn problem(area: &'static str, name: &str, problem: &Problem) -> Examined {
    thing(area, name, Standing::Missing, &problem.what, &problem.way_out)
}

fn sandbox(machine: &Machine, all: &mut Vec<Examined>) {
    const AREA: &str = "sandbox";
    match &machine.sandbox {
        Ok(ms) => {
            let kind = if machine.user.is_root { "with root's rights" } else { "in a user namespace" };
            let message = format!("a process ran in one after {ms} ms, {kind}");
            all.push(thing(AREA, "start", Standing::Good, message, ""));
            if !machine.user.is_root {
                let message = "system folders belong to nobody inside, so `apt-get install` fails";
                let way_out = "run wfrun as root, or on docker, where steps install packages";
                all.push(thing(AREA, "packages", Standing::Limited, message, way_out));
            }
        }
        Err(it) => all.push(problem(AREA, "start", it)),
    }
}

fn docker(machine: &Machine, all: &mut Vec<Examined>) {
    const AREA: &str = "docker";
    let Engine { facts, image: (name, image) } = match &machine.docker {
        Ok(engine) => engine,
        Err(it) => return all.push(problem(AREA, "engine", it)),
    };
    let cgroups = if facts.cgroups.is_empty() { String::new() } else { format!(", control groups v{}", facts.cgroups) };
    let driver = if facts.driver.is_empty() { String::new() } else { format!(", layers by {}", facts.driver) };
    let message = format!("{} at {}, API {}{cgroups}{driver}", facts.version, facts.address, facts.api);
    all.push(thing(AREA, "engine", Standing::Good, message, ""));
    if facts.is_rootless {
        let message = "it runs without root, so the network that jobs see as this machine's is its own";
        let way_out = "if steps do not reach caches or the AWS account, take an engine that root runs, or the sandbox";
        all.push(thing(AREA, "network", Standing::Limited, message, way_out));
    }
    all.push(match image {
        Ok(true) => thing(AREA, "image", Standing::Good, format!("{name}, for `ubuntu-*`"), ""),
        Ok(false) => {
            let way_out = "`cargo xtask docker` in wfrun's sources makes it; or name one that the engine has: \
                           `--platform ubuntu-latest=IMAGE`";
            thing(AREA, "image", Standing::Missing, format!("the engine has no {name}, for `ubuntu-*`"), way_out)
        }
        Err(err) => thing(AREA, "image", Standing::Missing, err, "see the engine's own log"),
    });
}

fn tools(machine: &Machine, all: &mut Vec<Examined>) {
    const AREA: &str = "programs";
    all.push(match &machine.git {
        Ok(version) if is_new_enough(version) => thing(AREA, "git", Standing::Good, version, ""),
        Ok(version) => {
            let message = format!("{version} is older than {}.{}", OLDEST_GIT.0, OLDEST_GIT.1);
            thing(AREA, "git", Standing::Missing, message, "install a newer one: without it nothing can be run")
        }
        Err(err) => thing(AREA, "git", Standing::Missing, err, "install it: without it nothing can be run"),
    });
    let way_out = "stand-ins need none; for other JavaScript actions put Node 20 or newer on the PATH, or take an image \
                   that has one";
    all.push(match &machine.node {
        Some((path, Some(version))) if major(version) >= OLDEST_NODE => {
            let message = format!("{version} at {}, for JavaScript actions", path.display());
            thing(AREA, "node", Standing::Good, message, "")
        }
        Some((path, Some(version))) => {
            let message = format!("{version} at {} is older than {OLDEST_NODE}", path.display());
            thing(AREA, "node", Standing::Limited, message, way_out)
        }
        Some((path, None)) => {
            thing(AREA, "node", Standing::Limited, format!("{} does not start", path.display()), way_out)
        }
        None => thing(AREA, "node", Standing::Limited, "there is none on the PATH", way_out),
    });
}

fn network(machine: &Machine, all: &mut Vec<Examined>) {
    const AREA: &str = "network";
    all.push(match &machine.guard {
        Ok(()) => thing(AREA, "names", Standing::Good, "a name server of wfrun's own keeps steps from the real AWS", ""),
        Err(err) => {
            let message = format!("port 53 of 127.77.0.53 is not to be had ({err}): AWS's names are blocked by a list");
            let way_out = "run wfrun as root, or `sudo sysctl net.ipv4.ip_unprivileged_port_start=53`; nothing is to be \
                           done where another run has the port";
            thing(AREA, "names", Standing::Limited, message, way_out)
        }
    });
    let is_proxy = |name: &str| PROXIES.contains(&name.to_ascii_lowercase().as_str());
    if !machine.outbound.iter().any(|(name, _)| is_proxy(name)) {
        all.push(thing(AREA, "proxy", Standing::Plain, "the environment names none", ""));
    }
    for (value, names) in grouped(&machine.outbound) {
        let [first, others @ ..] = names.as_slice() else { continue };
        let (name, message) = if is_certificate(first) {
            let name = if *first == CERTIFICATE_FOLDER { "folder" } else { "certificates" };
            (name, format!("{value}, for {}", names.join(", ")))
        } else if others.is_empty() {
            (*first, value.to_owned())
        } else {
            (*first, format!("{value}, also for {}", others.join(", ")))
        };
        all.push(thing(AREA, name, Standing::Plain, message, ""));
    }
    for (name, is_passed) in &machine.loopback {
        let message = if *is_passed {
            format!(
                "{name} names this machine's loopback: jobs and job containers reach it, services and builds do not"
            )
        } else {
            format!(
                "{name} names this machine's loopback: jobs reach it, containers with a network of their own do not"
            )
        };
        let way_out = if *is_passed { "" } else { "let the proxy listen on 127.0.0.1" };
        all.push(thing(AREA, "loopback", Standing::Limited, message, way_out));
    }
    for it in &machine.left_out {
        let way_out = "mend or unset the variable, or give the file with `--ca-file`";
        all.push(thing(AREA, "left out", Standing::Limited, format!("{it}: steps do not get it"), way_out));
    }
}

/// Names by their common value, in the order of the first; one of two cases of a name is enough.
fn grouped(variables: &[(String, String)]) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in variables {
        let twin = |it: &&str| it.eq_ignore_ascii_case(name);
        match groups.iter_mut().find(|(known, _)| known == value) {
            Some((_, names)) if names.iter().any(twin) => {}
            Some((_, names)) => names.push(name),
            None => groups.push((value, vec![name])),
        }
    }
    groups
}

fn folders(machine: &Machine, all: &mut Vec<Examined>) {
    const AREA: &str = "disk";
    for Folder { name, path, free } in &machine.folders {
        all.push(match free {
            Ok(free) => {
                let (standing, way_out) = if *free < LITTLE {
                    (Standing::Limited, "free some, or put caches elsewhere with XDG_CACHE_HOME")
                } else {
                    (Standing::Good, "")
                };
                thing(AREA, name, standing, format!("{}, {} free", path.display(), bytes(*free)), way_out)
            }
            Err(err) => {
                let message = format!("{} cannot be written: {err}", path.display());
                thing(AREA, name, Standing::Missing, message, way_to_write(path))
            }
        });
    }
    let way_out = if machine.user.is_root {
        "put caches on a file system that can be a layer (ext4, xfs, btrfs) with XDG_CACHE_HOME"
    } else {
        "run wfrun as root to have them laid over the tree"
    };
    all.push(match &machine.workspaces {
        Way::Overlay => {
            thing(AREA, "workspaces", Standing::Good, "laid over a tree that is checked out once (overlay)", "")
        }
        Way::Clone { why } => {
            let message = format!("clones of the files of a tree that is checked out once; no overlay ({why})");
            thing(AREA, "workspaces", Standing::Good, message, "")
        }
        Way::Copy { why } => {
            let message = format!("copies of a tree that is checked out once; no overlay ({why})");
            thing(AREA, "workspaces", Standing::Limited, message, way_out)
        }
    });
}

fn way_to_write(path: &Path) -> &'static str {
    if path.ends_with(".wfrun") {
        "let this user write there"
    } else {
        "free some space, or set XDG_CACHE_HOME to a folder of this user's"
    }
}

/// `git version 2.39.5 (Apple Git-1)`
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split(|it: char| !it.is_ascii_digit()).filter_map(|it| it.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= OLDEST_GIT
}

fn major(version: &str) -> u32 {
    version.trim_start_matches('v').split('.').next().and_then(|it| it.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
