//! The connection to a supervisor: one task reads, one writes, everybody else goes through channels.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot, watch};
use wfrun_agent::protocol::{Decoder, FoundProcess, Message as _, Ready, Reply, Request};

use crate::process::Controlled;
use crate::{BackendError, Exec, Process, ProcessControl, ProcessEvent};

/// Events of a process that nobody has read yet; more make the supervisor wait.
const UNREAD_EVENTS: usize = 8;
const READ_SIZE: usize = 256 * 1024;

/// Where requests are handed in; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Requests(mpsc::UnboundedSender<Request>);

impl Requests {
    /// Passed over when the connection is closed.
    pub(crate) fn send(&self, request: Request) {
        self.0.send(request).ok();
    }
}

/// A connection to a supervisor that is ready.
#[derive(Debug)]
pub(crate) struct Link {
    job: String,
    requests: Requests,
    waiting: Arc<Mutex<Waiting>>,
    next_id: AtomicU32,
    closed: watch::Receiver<bool>,
}

/// Who waits for replies, by the number in them.
#[derive(Debug, Default)]
struct Waiting {
    processes: HashMap<u32, mpsc::Sender<ProcessEvent>>,
    lookups: HashMap<u32, oneshot::Sender<Option<String>>>,
    sweeps: HashMap<u32, oneshot::Sender<Vec<FoundProcess>>>,
    is_closed: bool,
}

/// Why there is no [`Link`].
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// The supervisor said why.
    Setup(String),
    /// It ended, or said something else.
    Lost(String),
}

impl Link {
    /// Waits until the supervisor says that it is ready.
    pub(crate) async fn open(
        job: &str,
        mut reader: impl AsyncRead + Unpin + Send + 'static,
        writer: impl AsyncWrite + Unpin + Send + 'static,
    ) -> Result<(Self, Ready), ConnectError> {
        let mut decoder = Decoder::default();
        let ready = match first_reply(&mut reader, &mut decoder).await? {
            Reply::Ready(ready) => ready,
            Reply::SetupFailed { message } => return Err(ConnectError::Setup(message)),
            Reply::Started { .. }
            | Reply::Output { .. }
            | Reply::Warning { .. }
            | Reply::Exited { .. }
            | Reply::FailedToStart { .. }
            | Reply::Found { .. }
            | Reply::Swept { .. } => return Err(ConnectError::Lost("its first words were not `ready`".to_owned())),
        };
        let (requests, pending) = mpsc::unbounded_channel();
        let (closing, closed) = watch::channel(false);
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        tokio::spawn(write_requests(writer, pending));
        tokio::spawn(read_replies(reader, decoder, Arc::clone(&waiting), closing));
        let requests = Requests(requests);
        Ok((Self { job: job.to_owned(), requests, waiting, next_id: AtomicU32::new(1), closed }, ready))
    }

    pub(crate) fn spawn(&self, exec: Exec) -> Result<Process, BackendError> {
        let id = self.new_id();
        let (sender, events) = mpsc::channel(UNREAD_EVENTS);
        {
            let mut waiting = lock(&self.waiting);
            if waiting.is_closed {
                return Err(BackendError::Lost {
                    job: self.job.clone(),
                    detail: "the connection is closed".to_owned(),
                });
            }
            waiting.processes.insert(id, sender);
        }
        let Exec { argv, env, cwd } = exec;
        self.requests.send(Request::Spawn { id, argv, env, cwd });
        Ok(Process { events, control: ProcessControl(Controlled::Supervised { id, requests: self.requests.clone() }) })
    }

    pub(crate) async fn which(&self, command: &str, path: &str) -> Option<String> {
        let id = self.new_id();
        let request = Request::Which { id, command: command.to_owned(), path: path.to_owned() };
        self.ask(request, |waiting, answer| waiting.lookups.insert(id, answer)).await.flatten()
    }

    pub(crate) async fn sweep(&self, name: &str, value: &str) -> Vec<FoundProcess> {
        let id = self.new_id();
        let request = Request::Sweep { id, name: name.to_owned(), value: value.to_owned() };
        self.ask(request, |waiting, answer| waiting.sweeps.insert(id, answer)).await.unwrap_or_default()
    }

    /// Asks the supervisor to end and waits until it has, but not for longer than `wait`; returns whether it did.
    pub(crate) async fn close(&self, wait: Duration) -> bool {
        self.requests.send(Request::Shutdown);
        let mut closed = self.closed.clone();
        let closed = closed.wait_for(|closed| *closed);
        tokio::time::timeout(wait, closed).await.is_ok()
    }

    async fn ask<T, U>(&self, request: Request, note: impl FnOnce(&mut Waiting, oneshot::Sender<T>) -> U) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        {
            let mut waiting = lock(&self.waiting);
            if waiting.is_closed {
                return None;
            }
            note(&mut waiting, sender);
        }
        self.requests.send(request);
        answer.await.ok()
    }

    /// Whether the supervisor is still there.
    pub(crate) fn is_open(&self) -> bool {
        !*self.closed.borrow()
    }

    fn new_id(&self) -> u32 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The writer's task may be kept alive by a `ProcessControl`: only this ends it.
        self.requests.send(Request::Shutdown);
    }
}

async fn first_reply(
    reader: &mut (impl AsyncRead + Unpin),
    decoder: &mut Decoder<Reply>,
) -> Result<Reply, ConnectError> {
    let mut buffer = vec![0; 4096];
    loop {
        if let Some(reply) = decoder.take().map_err(|err| ConnectError::Lost(err.to_string()))? {
            return Ok(reply);
        }
        match reader.read(&mut buffer).await {
            Ok(0) => return Err(ConnectError::Lost("it ended before it was ready".to_owned())),
            Ok(length) => decoder.ingest(&buffer[..length]),
            Err(err) => return Err(ConnectError::Lost(err.to_string())),
        }
    }
}

async fn write_requests(mut writer: impl AsyncWrite + Unpin, mut pending: mpsc::UnboundedReceiver<Request>) {
    let mut bytes = Vec::new();
    while let Some(request) = pending.recv().await {
        bytes.clear();
        request.encode(&mut bytes);
        // Whether the supervisor is still there is the reader's business.
        if writer.write_all(&bytes).await.is_err() || request == Request::Shutdown {
            break;
        }
    }
    writer.shutdown().await.ok();
}

async fn read_replies(
    mut reader: impl AsyncRead + Unpin,
    mut decoder: Decoder<Reply>,
    waiting: Arc<Mutex<Waiting>>,
    closing: watch::Sender<bool>,
) {
    let mut buffer = vec![0; READ_SIZE];
    loop {
        loop {
            match decoder.take() {
                Ok(Some(reply)) => deliver(reply, &waiting).await,
                Ok(None) => break,
                Err(err) => {
                    tracing::error!(%err, "the supervisor speaks nonsense");
                    return close_all(&waiting, &closing);
                }
            }
        }
        match reader.read(&mut buffer).await {
            Ok(0) => break,
            Ok(length) => decoder.ingest(&buffer[..length]),
            Err(err) => {
                tracing::debug!(%err, "the connection to the supervisor broke");
                break;
            }
        }
    }
    close_all(&waiting, &closing);
}

fn close_all(waiting: &Mutex<Waiting>, closing: &watch::Sender<bool>) {
    *lock(waiting) = Waiting { is_closed: true, ..Waiting::default() };
    closing.send_replace(true);
}

async fn deliver(reply: Reply, waiting: &Mutex<Waiting>) {
    let (id, event, is_last) = match reply {
        Reply::Output { id, stream, bytes } => (id, ProcessEvent::Output { stream, bytes }, false),
        Reply::Warning { id, message } => (id, ProcessEvent::Warning(message), false),
        Reply::Exited { id, code } => (id, ProcessEvent::Exited { code }, true),
        Reply::FailedToStart { id, message } => (id, ProcessEvent::FailedToStart { message }, true),
        Reply::Found { id, path } => return answer(lock(waiting).lookups.remove(&id), path),
        Reply::Swept { id, processes } => return answer(lock(waiting).sweeps.remove(&id), processes),
        Reply::Started { .. } | Reply::Ready(_) | Reply::SetupFailed { .. } => return,
    };
    let sender = {
        let mut waiting = lock(waiting);
        if is_last { waiting.processes.remove(&id) } else { waiting.processes.get(&id).cloned() }
    };
    if let Some(sender) = sender {
        // Nobody listens any more: the output is thrown away.
        sender.send(event).await.ok();
    }
}

fn answer<T>(sender: Option<oneshot::Sender<T>>, value: T) {
    if let Some(sender) = sender {
        sender.send(value).ok();
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    // Nothing in here panics while it holds the lock, and the maps are valid after every step anyway.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
