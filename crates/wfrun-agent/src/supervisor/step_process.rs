use std::fs;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::Pid;

use super::lookup::which;
use crate::protocol::Stream;

/// So long is output read after the process itself ended, while a child of it keeps the pipe open.
///
/// Source: GitHub: execution rules E1.8, "After exit".
const DRAIN: Duration = Duration::from_secs(5);
/// Larger than the kernel's 64 KiB: fewer turns for a step that prints much.
const PIPE_SIZE: i32 = 256 * 1024;
/// A process that a request started.
#[derive(Debug)]
pub(super) struct StepProcess {
    pub(super) pid: Pid,
    pub(super) pipes: Vec<Pipe>,
    /// Its exit code and when it ended, once it did.
    ended: Option<(i32, Instant)>,
}

/// The reading end of one of its streams.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) stream: Stream,
    file: fs::File,
    /// How many bytes are still read after the time for draining is over: what can have been in the pipe then.
    last_bytes: Option<usize>,
    is_closed: bool,
}

impl StepProcess {
    /// Starts a process in a process group of its own, without standard input.
    ///
    /// Fails with the text of GitHub's runner. Source: GitHub: execution rules E2.3, E2.4.
    pub(super) fn start(argv: &[String], env: &[(String, String)], cwd: &str) -> Result<Self, String> {
        let name = argv.first().map_or("", String::as_str);
        Self::try_start(name, argv, env, cwd).map_err(|err| {
            let reason =
                err.raw_os_error().map_or_else(|| err.to_string(), |code| Errno::from_raw(code).desc().to_owned());
            format!("An error occurred trying to start process '{name}' with working directory '{cwd}'. {reason}")
        })
    }

    fn try_start(name: &str, argv: &[String], env: &[(String, String)], cwd: &str) -> io::Result<Self> {
        let path = env.iter().rev().find(|(key, _)| key == "PATH").map(|(_, value)| value.as_str());
        let program = if name.contains('/') { Some(name.to_owned()) } else { which(name, path) };
        let program = program.ok_or_else(|| io::Error::from(Errno::ENOENT))?;
        let mut command = Command::new(program);
        command.arg0(name).args(argv.iter().skip(1)).env_clear().current_dir(cwd).process_group(0);
        command.envs(env.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("process ids are below 2^22"));
        let mut pipes = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            pipes.push(Pipe::new(Stream::Stdout, stdout.into())?);
        }
        if let Some(stderr) = child.stderr.take() {
            pipes.push(Pipe::new(Stream::Stderr, stderr.into())?);
        }
        // `child` is not waited for here: whoever supervises reaps every process, also those it did not start.
        Ok(Self { pid, pipes, ended: None })
    }

    pub(super) fn end(&mut self, code: i32) {
        self.ended = Some((code, Instant::now()));
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// When reading on is over, if it is not yet.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let is_draining = self.pipes.iter().any(|pipe| pipe.last_bytes.is_none());
        self.ended.filter(|_| is_draining).map(|(_, at)| at + DRAIN)
    }

    /// Returns the exit code once the process ended and its output is complete.
    pub(super) fn finished(&mut self) -> Option<i32> {
        let (code, at) = self.ended?;
        if at.elapsed() >= DRAIN {
            self.pipes.iter_mut().for_each(Pipe::finish);
        }
        self.pipes.retain(|pipe| !pipe.is_closed);
        self.pipes.is_empty().then_some(code)
    }
}

impl Pipe {
    fn new(stream: Stream, fd: std::os::fd::OwnedFd) -> io::Result<Self> {
        fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        // Best effort: there is a limit for each user.
        fcntl(&fd, FcntlArg::F_SETPIPE_SZ(PIPE_SIZE)).ok();
        Ok(Self { stream, file: fd.into(), last_bytes: None, is_closed: false })
    }

    /// Reads what is there into `buffer`, and returns how much that was.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> usize {
        let limit = self.last_bytes.unwrap_or(usize::MAX).min(buffer.len());
        match self.file.read(&mut buffer[..limit]) {
            Ok(length) => {
                self.last_bytes = self.last_bytes.map(|bytes| bytes - length);
                self.is_closed = length == 0;
                length
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => 0,
            Err(err) if err.kind() == io::ErrorKind::WouldBlock => {
                self.is_closed = self.last_bytes.is_some();
                0
            }
            Err(_) => {
                self.is_closed = true;
                0
            }
        }
    }

    /// From now on only what is in the pipe already is read: a writer that never stops must not hold the step.
    fn finish(&mut self) {
        if self.last_bytes.is_none() {
            let size = fcntl(&self.file, FcntlArg::F_GETPIPE_SZ).ok().and_then(|size| usize::try_from(size).ok());
            self.last_bytes = Some(size.unwrap_or(PIPE_SIZE.unsigned_abs() as usize));
        }
    }

    /// Whether it must be read even though nothing announces data: to find out that there is none.
    pub(super) fn is_finishing(&self) -> bool {
        self.last_bytes.is_some()
    }

    pub(super) fn is_open(&self) -> bool {
        !self.is_closed
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
