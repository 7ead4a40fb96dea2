//! What the engine is asked for.

use std::collections::HashMap;
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, Mount, MountType, MountVolumeOptions, PortBinding, ResourcesUlimits,
};
use wfrun_agent::supervisor::EXECUTABLE;

use super::super::container::mount;
use super::super::pause;
use super::{TaskContainer, TaskNetwork, labels_of};

/// A container of a task.
pub(super) fn of(container: &TaskContainer) -> ContainerCreateBody {
    let (exposed_ports, host) = networked(container);
    let limits = &container.limits;
    let some = |all: &[String]| (!all.is_empty()).then(|| all.to_vec());
    let ulimit = |(name, soft, hard): &(String, i64, i64)| ResourcesUlimits {
        name: Some(name.clone()),
        soft: Some(*soft),
        hard: Some(*hard),
    };
    let host = HostConfig {
        memory: limits.memory,
        memory_reservation: limits.memory_reservation,
        cpu_shares: limits.cpu_shares,
        shm_size: limits.shm_size,
        ulimits: (!limits.ulimits.is_empty()).then(|| limits.ulimits.iter().map(ulimit).collect()),
        readonly_rootfs: Some(limits.read_only),
        init: Some(limits.init),
        cap_add: some(&limits.cap_add),
        cap_drop: some(&limits.cap_drop),
        tmpfs: (!limits.tmpfs.is_empty()).then(|| limits.tmpfs.iter().cloned().collect()),
        mounts: (!container.volumes.is_empty()).then(|| volumes(container)),
        ..host
    };
    ContainerCreateBody {
        image: Some(container.image.clone()),
        entrypoint: container.entrypoint.clone(),
        cmd: container.command.clone(),
        env: Some(container.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        working_dir: container.cwd.clone(),
        user: container.user.clone(),
        // Who is in another's network has that one's name.
        hostname: container.hostname.clone().filter(|_| matches!(container.network, TaskNetwork::Own { .. })),
        labels: Some(labels_of(container)),
        // Source: AWS ECS developer guide: only health checks of the task definition count.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        exposed_ports,
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

/// A container that holds a network, in any image.
pub(super) fn of_holder(container: &TaskContainer, executable: &Path) -> ContainerCreateBody {
    let (exposed_ports, host) = networked(container);
    let mounts = Some(vec![mount(executable, EXECUTABLE, true)]);
    ContainerCreateBody {
        image: Some(container.image.clone()),
        entrypoint: Some(vec![EXECUTABLE.to_owned(), pause::SUBCOMMAND.to_owned()]),
        cmd: Some(Vec::new()),
        user: Some("0:0".to_owned()),
        working_dir: Some("/".to_owned()),
        hostname: container.hostname.clone(),
        labels: Some(labels_of(container)),
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        exposed_ports,
        host_config: Some(HostConfig { mounts, ..host }),
        ..ContainerCreateBody::default()
    }
}

fn networked(container: &TaskContainer) -> (Option<Vec<String>>, HostConfig) {
    match &container.network {
        TaskNetwork::Own { ports } => {
            let named: Vec<String> = ports.iter().map(|port| format!("{port}/tcp")).collect();
            // Without a number the engine takes a free port.
            let free = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(String::new()) };
            let bindings: HashMap<_, _> = named.iter().map(|port| (port.clone(), Some(vec![free.clone()]))).collect();
            let host = HostConfig {
                network_mode: Some("bridge".to_owned()),
                port_bindings: Some(bindings),
                extra_hosts: Some(container.hosts.iter().map(|(name, address)| format!("{name}:{address}")).collect()),
                ..HostConfig::default()
            };
            (Some(named), host)
        }
        TaskNetwork::Of(id) => {
            (None, HostConfig { network_mode: Some(format!("container:{id}")), ..HostConfig::default() })
        }
    }
}

fn volumes(container: &TaskContainer) -> Vec<Mount> {
    let labels = labels_of(container);
    let one = |(name, target, read_only): &(String, String, bool)| Mount {
        typ: Some(MountType::VOLUME),
        source: Some(name.clone()),
        target: Some(target.clone()),
        read_only: Some(*read_only),
        volume_options: Some(MountVolumeOptions { labels: Some(labels.clone()), ..MountVolumeOptions::default() }),
        ..Mount::default()
    };
    container.volumes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> TaskContainer {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        TaskContainer {
            run_id: "7".to_owned(),
            job: "service:api".to_owned(),
            labels: vec![pair("team", "blue"), pair("wfrun.run", "other")],
            env: vec![pair("A", "1")],
            hostname: Some("ip-10-0-0-4".to_owned()),
            network: TaskNetwork::Own { ports: vec![8000] },
            hosts: vec![("sts.amazonaws.com".to_owned(), std::net::Ipv4Addr::UNSPECIFIED.into())],
            ..TaskContainer::default()
        }
    }

    #[test]
    fn ports_are_on_loopback_only_and_image_checks_are_off() {
        let body = of(&container());
        let host = body.host_config.expect("a host's part");
        let bindings = host.port_bindings.expect("ports");
        let binding = bindings["8000/tcp"].as_ref().expect("one")[0].clone();
        assert_eq!((binding.host_ip.as_deref(), binding.host_port.as_deref()), (Some("127.0.0.1"), Some("")));
        assert_eq!(body.healthcheck.and_then(|it| it.test), Some(vec!["NONE".to_owned()]));
        assert_eq!((body.entrypoint, body.cmd, host.auto_remove), (None, None, None));
        assert_eq!(host.extra_hosts, Some(vec!["sts.amazonaws.com:0.0.0.0".to_owned()]));
    }

    #[test]
    fn wfruns_labels_cannot_be_overwritten() {
        let labels = of(&container()).labels.expect("labels");
        assert_eq!((labels["wfrun.run"].as_str(), labels["team"].as_str()), ("7", "blue"));
        assert!(labels.contains_key("wfrun.owner"));
    }

    #[test]
    fn who_joins_a_network_publishes_nothing() {
        let joined = of(&TaskContainer { network: TaskNetwork::Of("abc".to_owned()), ..container() });
        assert_eq!((joined.hostname, joined.exposed_ports), (None, None));
        let host = joined.host_config.expect("a host's part");
        assert_eq!((host.network_mode.as_deref(), host.port_bindings), (Some("container:abc"), None));
        assert_eq!(host.extra_hosts, None, "the engine refuses them there");
    }
}
