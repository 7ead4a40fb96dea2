//! The supervisor as a child of this process.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use wfrun_agent::protocol::Ready;

use crate::BackendError;
use crate::link::{ConnectError, Link};

/// A supervisor that this process started.
#[derive(Debug)]
pub(crate) struct AgentProcess {
    /// Its process id, until it is reaped: from then on the number may be somebody else's.
    pid: Arc<Mutex<Option<Pid>>>,
    ended: Option<oneshot::Receiver<io::Result<Output>>>,
}

impl AgentProcess {
    /// Starts `executable` with `args`; `greeting` is written to its standard input, which is the connection.
    pub(crate) async fn open(
        job: &str,
        executable: &Path,
        args: &[String],
        greeting: Vec<u8>,
    ) -> Result<(Self, Link, Ready), BackendError> {
        let start = || -> io::Result<(Self, UnixStream)> {
            let (ours, theirs) = StdUnixStream::pair()?;
            ours.set_nonblocking(true)?;
            let ours = UnixStream::from_std(ours)?;
            Ok((Self::start(executable, args, theirs)?, ours))
        };
        let (mut agent, stream) =
            start().map_err(|err| BackendError::Agent { executable: executable.to_owned(), err })?;
        let (reader, mut writer) = stream.into_split();
        // Fails only when the supervisor is gone, which the reader explains better.
        tokio::io::AsyncWriteExt::write_all(&mut writer, &greeting).await.ok();
        match Link::open(job, reader, writer).await {
            Ok((link, ready)) => Ok((agent, link, ready)),
            Err(ConnectError::Setup(message)) => {
                agent.wait().await;
                Err(BackendError::Setup { job: job.to_owned(), message })
            }
            Err(ConnectError::Lost(reason)) => {
                agent.kill();
                let detail = format!("{reason}; {}", agent.wait().await);
                Err(BackendError::Lost { job: job.to_owned(), detail })
            }
        }
    }

    fn start(executable: &Path, args: &[String], stream: StdUnixStream) -> io::Result<Self> {
        let mut command = Command::new(executable);
        // It starts a session of its own: Ctrl-C on the terminal is for wfrun, which then decides what the steps get.
        command.args(args).stdin(OwnedFd::from(stream)).stdout(Stdio::null()).stderr(Stdio::piped());
        let pid = Arc::new(Mutex::new(None));
        let (started, starting) = std::sync::mpsc::channel();
        let (ending, ended) = oneshot::channel();
        let shared = Arc::clone(&pid);
        // A thread that lives as long as the child: the child asks the kernel to be killed when the *thread* that
        // started it ends, and a thread of the runtime may end at any time.
        thread::Builder::new().name("supervisor".to_owned()).spawn(move || {
            let result = command.spawn().inspect(|child| {
                *lock(&shared) = i32::try_from(child.id()).ok().map(Pid::from_raw);
            });
            // Closes this process's copy of the child's end, without which the end of the child goes unnoticed.
            drop(command);
            let child = match result {
                Ok(child) => child,
                Err(err) => return drop(started.send(Err(err))),
            };
            started.send(Ok(())).ok();
            ending.send(wait(child, &shared)).ok();
        })?;
        starting.recv().unwrap_or_else(|_| Err(io::Error::other("the thread that starts it panicked")))?;
        Ok(Self { pid, ended: Some(ended) })
    }

    /// Waits for its end; returns what is known of it.
    pub(crate) async fn wait(&mut self) -> String {
        let Some(ended) = self.ended.take() else { return "it has ended".to_owned() };
        match ended.await {
            Ok(Ok(output)) => describe(&output),
            Ok(Err(err)) => err.to_string(),
            Err(_) => "nothing is known of its end".to_owned(),
        }
    }

    pub(crate) fn kill(&self) {
        if let Some(pid) = *lock(&self.pid) {
            kill(pid, Signal::SIGKILL).ok();
        }
    }
}

/// Collects what the child says on standard error, then reaps it, not letting anybody kill a number that was given away.
fn wait(mut child: std::process::Child, pid: &Mutex<Option<Pid>>) -> io::Result<Output> {
    let mut stderr = Vec::new();
    if let Some(mut pipe) = child.stderr.take() {
        io::Read::read_to_end(&mut pipe, &mut stderr)?;
    }
    // It closed its standard error by ending: what follows does not wait.
    let mut pid = lock(pid);
    let status = child.wait()?;
    *pid = None;
    Ok(Output { status, stdout: Vec::new(), stderr })
}

fn describe(output: &Output) -> String {
    let end = match (output.status.code(), output.status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown end".to_owned(),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.trim().is_empty() { end } else { format!("{end}: {}", said.trim()) }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
