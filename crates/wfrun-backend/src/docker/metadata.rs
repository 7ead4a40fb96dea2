//! Containers whose programs do not reach a machine's metadata.
//!
//! Whoever has the kernel ask needs a right for it that no container has. So a container gets that at its creation, starts as
//! root, and its first process gives both up before it starts anything: see [`Privileges`] and ADR 0018.

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig, ImageConfig};
use rustix::thread::CapabilitySet;
use wfrun_agent::container_entry;
use wfrun_agent::metadata::Forbidden;
use wfrun_agent::privileges::Privileges;
use wfrun_agent::supervisor::EXECUTABLE;

/// Whom a first process that is to become somebody else must be.
const ROOT: &str = "0:0";

/// To have the kernel ask, to look at who asks, to give rights up, to become the container's user.
const NEEDED: CapabilitySet = CapabilitySet::SYS_ADMIN
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETGID);

/// What the engine gives every container. Source: <https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities>
const OF_ENGINE: CapabilitySet = CapabilitySet::AUDIT_WRITE
    .union(CapabilitySet::CHOWN)
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::SETFCAP)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SYS_CHROOT);

/// For a container whose first process is the supervisor: has it cut metadata off.
pub(super) fn cut_in_supervisor(body: &mut ContainerCreateBody, of_image: &ImageConfig) {
    let privileges = prepare(body, of_image);
    body.entrypoint.get_or_insert_default().extend(privileges.to_args());
}

/// For a container that runs one program: puts a first process before that which cuts metadata off. Gives back whether it is to
/// be mounted; without a program the engine says what is wrong.
pub(super) fn cut_in_entry(body: &mut ContainerCreateBody, of_image: &ImageConfig) -> bool {
    let program = program(body, of_image);
    if program.is_empty() {
        return false;
    }
    let privileges = prepare(body, of_image);
    let own = [EXECUTABLE, container_entry::SUBCOMMAND].map(str::to_owned);
    let end = container_entry::END_OF_OPTIONS.to_owned();
    body.entrypoint = Some(own.into_iter().chain(privileges.to_args()).chain([end]).chain(program).collect());
    body.cmd = Some(Vec::new());
    true
}

/// What the image says of itself.
pub(super) async fn of_image(docker: &Docker, image: &str) -> ImageConfig {
    // Where it cannot be looked at, it cannot be started, either, and then the engine says why.
    docker.inspect_image(image).await.ok().and_then(|it| it.config).unwrap_or_default()
}

/// What would be started. Source: the engine, `daemon/commit.go`, `merge`.
fn program(body: &ContainerCreateBody, of_image: &ImageConfig) -> Vec<String> {
    let list = |it: &Option<Vec<String>>| it.clone().unwrap_or_default();
    let (mut entrypoint, mut command) = (list(&body.entrypoint), list(&body.cmd));
    if entrypoint.is_empty() {
        entrypoint = list(&of_image.entrypoint);
        if command.is_empty() {
            command = list(&of_image.cmd);
        }
    }
    entrypoint.into_iter().chain(command).collect()
}

fn prepare(body: &mut ContainerCreateBody, of_image: &ImageConfig) -> Privileges {
    let host = body.host_config.get_or_insert_default();
    let given_up = NEEDED.difference(granted(host));
    let opens = given_up.contains(CapabilitySet::SYS_ADMIN) && !has_own_filter(host);
    let forbidden = if opens { Forbidden::WhatSysAdminOpens } else { Forbidden::Nothing };
    host.cap_add.get_or_insert_default().extend(given_up.iter_names().map(|(name, _)| name.to_owned()));
    let groups = host.group_add.clone().unwrap_or_default();
    let asked = [&body.user, &of_image.user].into_iter().flatten().find(|it| !it.is_empty());
    let user = asked.filter(|it| !is_root(it)).cloned();
    if user.is_some() {
        body.user = Some(ROOT.to_owned());
    }
    Privileges { metadata: Some(forbidden), given_up, groups: if user.is_some() { groups } else { Vec::new() }, user }
}

/// The engine knows its groups.
fn is_root(user: &str) -> bool {
    matches!(user.split(':').next(), Some("0" | "root"))
}

/// A filter that the workflow asks for, or none at all, is not made narrower.
fn has_own_filter(host: &HostConfig) -> bool {
    host.security_opt.iter().flatten().any(|it| it.starts_with("seccomp"))
}

/// What the container's root would have without us.
fn granted(host: &HostConfig) -> CapabilitySet {
    if host.privileged == Some(true) {
        return CapabilitySet::all();
    }
    let (added, dropped) = (named(host.cap_add.as_deref()), named(host.cap_drop.as_deref()));
    OF_ENGINE.difference(dropped).union(added)
}

/// Of names as `docker run --cap-add` takes them.
fn named(names: Option<&[String]>) -> CapabilitySet {
    let read = |name: &String| {
        let name = name.to_ascii_uppercase();
        match name.trim_start_matches("CAP_") {
            "ALL" => CapabilitySet::all(),
            name => CapabilitySet::from_name(name).unwrap_or(CapabilitySet::empty()),
        }
    };
    names.unwrap_or_default().iter().map(read).fold(CapabilitySet::empty(), CapabilitySet::union)
}

#[cfg(test)]
mod tests {
    use super::super::options::Options;
    use super::*;

    fn prepared(options: &str, user_of_image: &str) -> (String, Privileges) {
        let mut body = Options::read(options).expect("options").body;
        let of_image = ImageConfig { user: Some(user_of_image.to_owned()), ..ImageConfig::default() };
        let privileges = prepare(&mut body, &of_image);
        (body.user.unwrap_or_default(), privileges)
    }

    #[test]
    fn what_is_given_up_is_what_the_container_would_not_have() {
        let ours = CapabilitySet::SYS_ADMIN | CapabilitySet::SYS_PTRACE;
        for (options, given_up, forbidden) in [
            ("", ours, Forbidden::WhatSysAdminOpens),
            ("--cap-add CAP_sys_ptrace", CapabilitySet::SYS_ADMIN, Forbidden::WhatSysAdminOpens),
            ("--cap-add SYS_ADMIN", CapabilitySet::SYS_PTRACE, Forbidden::Nothing),
            ("--cap-drop ALL", NEEDED, Forbidden::WhatSysAdminOpens),
            ("--cap-drop ALL --cap-add SETUID", NEEDED - CapabilitySet::SETUID, Forbidden::WhatSysAdminOpens),
            ("--privileged", CapabilitySet::empty(), Forbidden::Nothing),
            ("--security-opt seccomp=unconfined", ours, Forbidden::Nothing),
        ] {
            let (_, privileges) = prepared(options, "");
            assert_eq!((privileges.given_up, privileges.metadata), (given_up, Some(forbidden)), "{options}");
        }
    }

    #[test]
    fn the_user_is_the_one_that_it_would_be() {
        for (options, of_image, starts_as, becomes) in [
            ("", "", "", None),
            ("", "node", ROOT, Some("node")),
            ("--user root", "node", "root", None),
            ("--user 0:121", "", "0:121", None),
            ("--user 1001:121", "node", ROOT, Some("1001:121")),
        ] {
            let (user, privileges) = prepared(options, of_image);
            assert_eq!((user.as_str(), privileges.user.as_deref()), (starts_as, becomes), "{options} {of_image}");
        }
        let (_, privileges) = prepared("--user 1001 --group-add docker", "");
        assert_eq!(privileges.groups, ["docker"]);
    }

    #[test]
    fn the_program_is_what_the_engine_would_start() {
        let words = |text: &str| Some(text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let of_image = ImageConfig { entrypoint: words("/entry -x"), cmd: words("default"), ..ImageConfig::default() };
        for (entrypoint, arguments, expected) in [
            (None, None, "/entry -x default"),
            (None, words("a b"), "/entry -x a b"),
            (words("sh"), None, "sh"),
            (words("sh"), words("-c x"), "sh -c x"),
        ] {
            let mut body = ContainerCreateBody { entrypoint, cmd: arguments, ..ContainerCreateBody::default() };
            assert_eq!(program(&body, &of_image).join(" "), expected);
            assert!(cut_in_entry(&mut body, &of_image), "{expected}");
            let started = body.entrypoint.unwrap_or_default().join(" ");
            assert!(started.ends_with(&format!(" -- {expected}")), "{started}");
        }
        assert!(
            !cut_in_entry(&mut ContainerCreateBody::default(), &ImageConfig::default()),
            "there is nothing to start"
        );
    }
}
