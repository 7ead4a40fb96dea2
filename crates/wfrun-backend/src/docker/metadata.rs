//! Containers of one program that does not reach a machine's metadata.
//!
//! The first process of such a container is ours: see [`container_entry`] and ADR 0018.

use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, ImageConfig};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use wfrun_agent::container_entry;
use wfrun_agent::supervisor::EXECUTABLE;

use super::container::{SOCKET, SOCKET_DIR, bind, mount, private_folder};
use crate::ProcessEvent;

/// Longer than any warning.
const LONGEST_LINE: u64 = 4096;

/// What a container said last is read so long at most.
const LAST_WARNINGS: Duration = Duration::from_mins(1);

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
    pub(super) fn pass_on(self, events: mpsc::Sender<ProcessEvent>) -> PassedOn {
        let (gone, is_gone) = oneshot::channel();
        PassedOn { task: tokio::spawn(self.hear(events, is_gone)), gone }
    }

    async fn hear(self, events: mpsc::Sender<ProcessEvent>, is_gone: oneshot::Receiver<()>) {
        let accepted = tokio::select! {
            biased;
            accepted = self.listener.accept() => accepted,
            _ = is_gone => {
                // It may have come and gone before this was looked at; one that never began said nothing.
                let mut waiting = [PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)];
                if !poll(&mut waiting, PollTimeout::ZERO).is_ok_and(|it| it > 0) {
                    return;
                }
                self.listener.accept().await
            }
        };
        let Ok((stream, _)) = accepted else { return };
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

/// The warnings of a container on their way; without it they end with what was said so far.
pub(super) struct PassedOn {
    task: JoinHandle<()>,
    gone: oneshot::Sender<()>,
}

impl PassedOn {
    /// Waits until all that a container said, which has ended by now or never began, was passed on.
    pub(super) async fn container_is_gone(mut self) {
        self.gone.send(()).ok();
        // The end of its connection is sure, unless somebody else holds it.
        if tokio::time::timeout(LAST_WARNINGS, &mut self.task).await.is_err() {
            self.task.abort();
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

    /// Whether it was noticed before its end or not, and however long it took.
    #[tokio::test]
    async fn what_a_container_said_last_is_not_lost() {
        for connects_first in [false, true] {
            let warnings = Warnings::listen().expect("a socket");
            let address = warnings.folder.path().join("seen").join(SOCKET);
            let (sender, mut events) = mpsc::channel(1);
            let connect = || std::os::unix::net::UnixStream::connect(&address).expect("a listener");
            let mut client = connects_first.then(connect);
            let passed_on = warnings.pass_on(sender);
            let mut client = client.take().unwrap_or_else(connect);
            let gone = tokio::spawn(passed_on.container_is_gone());
            for text in ["one", "two", "three"] {
                // The machine is slow.
                tokio::time::sleep(Duration::from_millis(300)).await;
                std::io::Write::write_all(&mut client, format!("{text}\n").as_bytes()).expect("a reader");
            }
            drop(client);
            for text in ["one", "two", "three"] {
                let told = events.recv().await;
                assert!(matches!(&told, Some(ProcessEvent::Warning(it)) if it == text), "{told:?}");
            }
            gone.await.expect("no panic");
        }
    }

    #[tokio::test]
    async fn a_container_that_never_began_is_not_waited_for() {
        let (sender, mut events) = mpsc::channel(1);
        let passed_on = Warnings::listen().expect("a socket").pass_on(sender.clone());
        passed_on.container_is_gone().await;
        // One that could not even be made.
        drop(Warnings::listen().expect("a socket").pass_on(sender));
        assert!(events.recv().await.is_none());
    }
}
