//! Ports of this machine: each GitHub job has a machine of its own, here they take turns.
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use bollard::models::PortMap;
use tokio::sync::watch;

use crate::BackendError;
use crate::docker::{ContainerRequest, Log};

/// How often it is asked whether a port is free.
const POLL: Duration = Duration::from_millis(200);

/// The ports of this machine that a container asks for by number.
pub(super) fn wanted(request: &ContainerRequest) -> Result<Vec<u16>, BackendError> {
    let read = request.read("", &[])?;
    let bindings = read.body.host_config.and_then(|it| it.port_bindings).unwrap_or_default();
    Ok(numbers(&bindings))
}

fn numbers(bindings: &PortMap) -> Vec<u16> {
    let all = bindings.values().flatten().flatten();
    all.filter_map(|it| it.host_port.as_ref()?.parse().ok()).filter(|it| *it != 0).collect()
}

/// Waits until no other job of this user holds one of these ports, and holds them as long as the files are open.
///
/// They are taken in the order of their numbers, so that no two jobs wait for each other.
pub(super) async fn take(
    mut ports: Vec<u16>,
    folder: &Path,
    mut hurry: watch::Receiver<bool>,
    log: &Log,
) -> Result<Vec<File>, BackendError> {
    ports.sort_unstable();
    ports.dedup();
    let mut taken = Vec::new();
    for port in ports {
        let path = folder.join(port.to_string());
        let wrong = |err: std::io::Error| BackendError::Port {
            what: format!("port {port} of this machine"),
            message: format!("failed to lock {}: {err}", path.display()),
        };
        std::fs::create_dir_all(folder).map_err(wrong)?;
        let file = File::create(&path).map_err(wrong)?;
        let mut is_told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(err)) => return Err(wrong(err)),
            }
            if !is_told {
                log.line(format!("Port {port} of this machine is another job's: waiting until that one has ended"));
                is_told = true;
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                _ = hurry.wait_for(|it| *it) => {
                    return Err(BackendError::GivenUp { what: format!("port {port} of this machine") });
                }
            }
        }
        taken.push(file);
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(ports: &[&str], options: &str) -> ContainerRequest {
        let ports = ports.iter().map(|it| (*it).to_owned()).collect();
        ContainerRequest {
            ports,
            options: options.split_whitespace().map(str::to_owned).collect(),
            ..ContainerRequest::default()
        }
    }

    #[test]
    fn only_ports_with_a_number_are_of_this_machine() {
        let asked = request(&["5432", "8080:80", "127.0.0.1:53:53/udp"], "-p 9000-9001:90-91");
        let mut found = wanted(&asked).expect("they are right");
        found.sort_unstable();
        assert_eq!(found, [53, 8080, 9000, 9001]);
        assert!(wanted(&request(&["x"], "")).is_err());
    }

    #[tokio::test]
    async fn one_job_after_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let (_asked, hurry) = watch::channel(false);
        let (log, mut lines) = Log::new();
        let first = take(vec![2, 1, 2], folder.path(), hurry.clone(), &log).await.expect("they are free");
        assert_eq!((first.len(), lines.try_recv().ok()), (2, None));
        let second = take(vec![1, 3], folder.path(), hurry.clone(), &log);
        let free = async {
            let told = lines.recv().await;
            drop(first);
            told
        };
        let (second, told) = tokio::join!(second, free);
        assert_eq!(second.expect("they are free now").len(), 2);
        assert_eq!(told.as_deref(), Some("Port 1 of this machine is another job's: waiting until that one has ended"));
    }

    #[tokio::test]
    async fn a_cancelled_job_waits_no_longer() {
        let folder = tempfile::tempdir().expect("a folder");
        let (asked, hurry) = watch::channel(false);
        let (log, _lines) = Log::new();
        let _first = take(vec![1], folder.path(), hurry.clone(), &log).await.expect("it is free");
        asked.send(true).expect("it is heard");
        let err = take(vec![1], folder.path(), hurry, &log).await.expect_err("it gives up");
        assert!(err.to_string().contains("it was given up"), "{err}");
    }
}
