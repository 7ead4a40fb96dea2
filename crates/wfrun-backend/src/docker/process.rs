//! The first process of a container: its start, what it prints, its end.

use bollard::Docker;
use bollard::container::{AttachContainerResults, LogOutput};
use bollard::errors::Error;
use bollard::query_parameters::{AttachContainerOptions, StartContainerOptions, WaitContainerOptions};
use futures_util::StreamExt as _;
use wfrun_agent::protocol::Stream;

/// Starts it, with all that it prints from the first byte on.
pub(super) async fn start(docker: &Docker, id: &str) -> Result<AttachContainerResults, Error> {
    let options =
        AttachContainerOptions { stream: true, stdout: true, stderr: true, ..AttachContainerOptions::default() };
    let attached = docker.attach_container(id, Some(options)).await?;
    docker.start_container(id, None::<StartContainerOptions>).await?;
    Ok(attached)
}

/// The stream that it printed to, and what.
pub(super) fn printed(chunk: LogOutput) -> (Stream, Vec<u8>) {
    let stream = match &chunk {
        LogOutput::StdErr { .. } => Stream::Stderr,
        LogOutput::StdOut { .. } | LogOutput::StdIn { .. } | LogOutput::Console { .. } => Stream::Stdout,
    };
    (stream, chunk.into_bytes().to_vec())
}

/// Waits for its end; its exit code, where the engine says one.
pub(super) async fn end(docker: &Docker, id: &str) -> Result<Option<i64>, Error> {
    match docker.wait_container(id, None::<WaitContainerOptions>).next().await {
        Some(Ok(end)) => Ok(Some(end.status_code)),
        // The client takes an exit code other than 0 for an error.
        Some(Err(Error::DockerContainerWaitError { code, .. })) => Ok(Some(code)),
        Some(Err(err)) => Err(err),
        None => Ok(None),
    }
}
