use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;

use super::step_process::{Pipe, StepProcess};
use super::{lookup, tree};
use crate::metadata::MetadataCut;
use crate::protocol::{self, Decoder, Message as _, Ready, Reply, Request, Target};
use crate::reaping::{self, Signals};
use crate::rights::keep_what_can_be_passed_on;

/// With so many bytes waiting for the other end, no more output is read.
const HIGH_WATER: usize = 1024 * 1024;

/// The state of the loop.
pub(super) struct Supervisor {
    stream: UnixStream,
    decoder: Decoder<Request>,
    outgoing: Vec<u8>,
    sent: usize,
    processes: BTreeMap<u32, StepProcess>,
    child_ended: Signals,
    /// Why there is none though there should be one, or nothing.
    cut: Result<MetadataCut, Option<String>>,
    chunk: Vec<u8>,
}

/// Who has something to say.
#[derive(Debug, Default)]
struct Wakeup {
    request: bool,
    child_ended: bool,
    /// By process and place in its list.
    pipes: Vec<(u32, usize)>,
}

impl Supervisor {
    /// Prepares this process, which must have one thread only.
    pub(super) fn new(stream: UnixStream, cuts_metadata: bool) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        // Orphans of steps come to this process also where it is not the first of a process namespace.
        prctl::set_child_subreaper(true)?;
        let child_ended = Signals::take(&[])?;
        let decoder = Decoder::default();
        let processes = BTreeMap::new();
        let chunk = vec![0; protocol::MAX_CHUNK];
        let cut = if cuts_metadata { MetadataCut::install().map_err(Some) } else { Err(None) };
        keep_what_can_be_passed_on()?;
        Ok(Self { stream, decoder, outgoing: Vec::new(), sent: 0, processes, child_ended, cut, chunk })
    }

    /// Runs until a shutdown or the end of the connection.
    pub(super) fn run(mut self) -> io::Result<()> {
        let metadata_open = self.cut.as_ref().err().cloned().flatten();
        self.reply(&Reply::Ready(ready(metadata_open)));
        let result = self.serve();
        tree::kill_descendants();
        result
    }

    fn serve(&mut self) -> io::Result<()> {
        loop {
            self.send()?;
            let wakeup = self.wait()?;
            if wakeup.request && !self.read_requests()? {
                return Ok(());
            }
            if wakeup.child_ended {
                while let Ok(Some(_)) = self.child_ended.fd.read_signal() {}
                self.reap();
            }
            for (id, place) in wakeup.pipes {
                self.read_output(id, place);
            }
            self.warn();
            self.finish();
        }
    }

    fn wait(&self) -> io::Result<Wakeup> {
        let waiting = self.outgoing.len() - self.sent;
        let mut interest = PollFlags::POLLIN;
        interest.set(PollFlags::POLLOUT, waiting > 0);
        let mut fds = vec![
            PollFd::new(self.stream.as_fd(), interest),
            PollFd::new(self.child_ended.fd.as_fd(), PollFlags::POLLIN),
        ];
        fds.extend(self.cut.iter().map(|it| PollFd::new(it.as_fd(), PollFlags::POLLIN)));
        let fixed = fds.len();
        let mut pipes: Vec<((u32, usize), &Pipe)> = Vec::new();
        if waiting < HIGH_WATER {
            for (id, process) in &self.processes {
                let open = process.pipes.iter().enumerate().filter(|(_, pipe)| pipe.is_open());
                pipes.extend(open.map(|(place, pipe)| ((*id, place), pipe)));
            }
        }
        fds.extend(pipes.iter().map(|(_, pipe)| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)));
        let is_finishing = pipes.iter().any(|(_, pipe)| pipe.is_finishing());
        match poll(&mut fds, if is_finishing { PollTimeout::ZERO } else { self.timeout() }) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(err) => return Err(err.into()),
        }
        let is_ready = |fd: &PollFd<'_>| fd.any().unwrap_or(true);
        let ready_pipes = fds[fixed..].iter().zip(&pipes).filter(|(fd, (_, pipe))| is_ready(fd) || pipe.is_finishing());
        Ok(Wakeup {
            request: fds[0].revents().is_none_or(|it| it.intersects(!PollFlags::POLLOUT)),
            child_ended: is_ready(&fds[1]),
            pipes: ready_pipes.map(|(_, (key, _))| *key).collect(),
        })
    }

    /// Tells of connections that were refused, at the processes whose they are and before those have ended.
    fn warn(&mut self) {
        let refused = self.cut.as_mut().map(MetadataCut::refused).unwrap_or_default();
        if refused.is_empty() {
            return;
        }
        let leaders: BTreeMap<i32, u32> = self.processes.iter().map(|(id, it)| (it.pid.as_raw(), *id)).collect();
        for refused in refused {
            // A process that has left its family is most likely of the step that was started last.
            let leader = refused.family.iter().find_map(|it| leaders.get(it));
            let id = leader.or_else(|| leaders.values().max()).copied();
            if let Some(id) = id {
                Reply::Warning { id, message: refused.explained() }.encode(&mut self.outgoing);
            }
        }
    }

    fn timeout(&self) -> PollTimeout {
        let Some(deadline) = self.processes.values().filter_map(StepProcess::deadline).min() else {
            return PollTimeout::NONE;
        };
        let left = deadline.saturating_duration_since(Instant::now()).as_millis() + 1;
        PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
    }

    /// Returns whether to go on.
    fn read_requests(&mut self) -> io::Result<bool> {
        match (&self.stream).read(&mut self.chunk) {
            Ok(0) => return Ok(false),
            Ok(length) => self.decoder.ingest(&self.chunk[..length]),
            Err(err) if is_transient(&err) => return Ok(true),
            Err(err) => return Err(err),
        }
        while let Some(request) = self.decoder.take().map_err(io::Error::other)? {
            if !self.handle(request) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns whether to go on.
    fn handle(&mut self, request: Request) -> bool {
        match request {
            Request::Spawn { id, argv, env, cwd } => self.spawn(id, &argv, &env, &cwd),
            Request::Signal { id, signal, target } => {
                // A process that is reaped has given its number away; its group and orphans may still live.
                if let Some(process) = self.processes.get(&id)
                    && (target != Target::Leader || !process.has_ended())
                {
                    tree::signal(process.pid, signal, target);
                }
            }
            Request::Which { id, command, path } => {
                self.reply(&Reply::Found { id, path: lookup::which(&command, Some(&path)) });
            }
            Request::Sweep { id, name, value } => {
                self.reply(&Reply::Swept { id, processes: tree::sweep(&name, &value) });
            }
            Request::Shutdown => return false,
        }
        true
    }

    fn spawn(&mut self, id: u32, argv: &[String], env: &[(String, String)], cwd: &str) {
        // A step inherits the signal mask, and must not find SIGCHLD blocked. What ends while it is open here is
        // noticed by the reaping below.
        let started = self.child_ended.without(|| StepProcess::start(argv, env, cwd));
        match started {
            Ok(process) => {
                self.reply(&Reply::Started { id, pid: process.pid.as_raw() });
                self.processes.insert(id, process);
            }
            Err(message) => self.reply(&Reply::FailedToStart { id, message }),
        }
        self.reap();
    }

    fn reap(&mut self) {
        for (pid, code) in reaping::ended() {
            if let Some(process) =
                self.processes.values_mut().find(|process| process.pid == pid && !process.has_ended())
            {
                process.end(code);
            }
        }
    }

    fn read_output(&mut self, id: u32, place: usize) {
        let Some(pipe) = self.processes.get_mut(&id).and_then(|process| process.pipes.get_mut(place)) else { return };
        let length = pipe.read(&mut self.chunk);
        if length > 0 {
            protocol::encode_output(id, pipe.stream, &self.chunk[..length], &mut self.outgoing);
        }
    }

    fn finish(&mut self) {
        let finished: Vec<(u32, i32)> =
            self.processes.iter_mut().filter_map(|(id, process)| Some((*id, process.finished()?))).collect();
        for (id, code) in finished {
            self.processes.remove(&id);
            self.reply(&Reply::Exited { id, code });
        }
    }

    fn reply(&mut self, reply: &Reply) {
        reply.encode(&mut self.outgoing);
    }

    fn send(&mut self) -> io::Result<()> {
        while self.sent < self.outgoing.len() {
            match (&self.stream).write(&self.outgoing[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => self.sent += length,
                Err(err) if is_transient(&err) => break,
                Err(err) => return Err(err),
            }
        }
        // Moving the rest only now and then keeps a slow reader from costing a copy for each write.
        if self.sent == self.outgoing.len() || self.sent > HIGH_WATER {
            self.outgoing.drain(..self.sent);
            self.sent = 0;
        }
        Ok(())
    }
}

fn is_transient(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn ready(metadata_open: Option<String>) -> Ready {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "X64",
        "aarch64" => "ARM64",
        other => other,
    };
    let env = std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    Ready { pid: std::process::id(), arch: arch.to_owned(), env: env.collect(), metadata_open }
}
