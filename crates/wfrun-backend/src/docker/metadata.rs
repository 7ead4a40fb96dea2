//! Containers of one program that does not reach a machine's metadata.
//!
//! The first process of such a container is ours: see [`container_entry`] and ADR 0018.

use std::path::Path;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, ImageConfig};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use wfrun_agent::container_entry;
use wfrun_agent::supervisor::EXECUTABLE;

use super::container::{SOCKET, SOCKET_DIR, bind, mount, private_folder};
use crate::ProcessEvent;

/// Longer than any warning.
const LONGEST_LINE: u64 = 4096;

/// Where the first process tells what is to be heeded; its socket goes with this.
pub(super) struct Warnings {
    listener: UnixListener,
    folder: TempDir,
}

impl Warnings {
    pub(super) fn listen() -> std::io::Result<Self> {
        let folder = private_folder()?;
        let seen = folder.path().join("seen");
        let listener = bind(&seen, &seen.join(SOCKET))?;
        Ok(Self { listener, folder })
    }

    /// Puts our first process before a container's program; the engine says what is wrong where there is none.
    pub(super) async fn cut(&self, docker: &Docker, body: &mut ContainerCreateBody, executable: &Path) {
        let image = body.image.clone().unwrap_or_default();
        // Where it cannot be looked at, it cannot be started, either.
        let of_image = docker.inspect_image(&image).await.ok().and_then(|it| it.config).unwrap_or_default();
        let program = program(body, &of_image);
        if program.is_empty() {
            return;
        }
        let own = [EXECUTABLE.to_owned(), container_entry::SUBCOMMAND.to_owned(), format!("{SOCKET_DIR}/{SOCKET}")];
        body.entrypoint = Some(own.into_iter().chain(program).collect());
        body.cmd = Some(Vec::new());
        let mounts = body.host_config.get_or_insert_default().mounts.get_or_insert_default();
        mounts
            .extend([mount(executable, EXECUTABLE, true), mount(&self.folder.path().join("seen"), SOCKET_DIR, false)]);
    }

    /// Passes on what the container says until it has ended.
    pub(super) async fn pass_on(self, events: mpsc::Sender<ProcessEvent>) {
        let Ok((stream, _)) = self.listener.accept().await else { return };
        let mut lines = BufReader::new(stream);
        loop {
            let mut line = String::new();
            let read = tokio::io::AsyncReadExt::take(&mut lines, LONGEST_LINE).read_line(&mut line).await;
            if !read.is_ok_and(|it| it > 0) {
                return;
            }
            events.send(ProcessEvent::Warning(line.trim_end().to_owned())).await.ok();
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
            let body = ContainerCreateBody { entrypoint, cmd: arguments, ..ContainerCreateBody::default() };
            assert_eq!(program(&body, &of_image).join(" "), expected);
        }
        assert!(program(&ContainerCreateBody::default(), &ImageConfig::default()).is_empty());
    }
}
