use std::io::ErrorKind;
use std::os::unix::net::UnixStream;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};

use crate::BackendError;

const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";
pub(super) const TIMEOUT_SECONDS: u64 = 120;

/// Connects to `DOCKER_HOST` or the usual socket; returns the client and the path of the socket.
pub(super) async fn connect(docker_host: Option<String>) -> Result<(Docker, String), BackendError> {
    let host = docker_host.filter(|host| !host.is_empty()).unwrap_or_else(|| DEFAULT_HOST.to_owned());
    let Some(socket) = host.strip_prefix("unix://") else {
        return Err(BackendError::RemoteEngine { address: host });
    };
    // The client does not tell a socket that is not ours from one that is not there.
    if let Err(err) = UnixStream::connect(socket)
        && err.kind() == ErrorKind::PermissionDenied
    {
        return Err(BackendError::NoPermission { socket: socket.to_owned(), err });
    }
    let attempt = async {
        let docker = Docker::connect_with_unix(socket, TIMEOUT_SECONDS, API_DEFAULT_VERSION)?;
        // Without this the client speaks its own newest version to an engine that may be years older.
        docker.negotiate_version().await
    };
    match attempt.await {
        Ok(docker) => Ok((docker, socket.to_owned())),
        Err(err) => Err(BackendError::NoEngine { tried: host, err }),
    }
}

pub(super) fn is_not_found(err: &Error) -> bool {
    status(err) == Some(404)
}

/// The engine is removing it already.
pub(super) fn is_conflict(err: &Error) -> bool {
    status(err) == Some(409)
}

fn status(err: &Error) -> Option<u16> {
    if let Error::DockerResponseServerError { status_code, .. } = err { Some(*status_code) } else { None }
}

#[cfg(test)]
mod tests {
    use super::connect;

    #[tokio::test]
    async fn no_engine_says_what_was_tried_and_what_to_do() {
        let err = connect(Some("unix:///nonexistent/docker.sock".to_owned())).await.expect_err("no engine is there");
        let message = err.to_string();
        for part in ["unix:///nonexistent/docker.sock", "dockerd", "--backend sandbox"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[tokio::test]
    async fn an_engine_elsewhere_cannot_mount_our_directories() {
        let err = connect(Some("tcp://10.0.0.1:2375".to_owned())).await.expect_err("not on this machine");
        assert!(err.to_string().contains("tcp://10.0.0.1:2375"), "{err}");
    }
}
