use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use wfrun_agent::protocol::{Decoder, Message as _, Ready, Reply, Request, Stream};

use crate::environment::Teardown;
use crate::link::{ConnectError, Link};
use crate::{Backend, BackendError, Environment, EnvironmentSpec, Exec, Facts, inherited};

const BUFFER: usize = 64 * 1024;
const PATH: &str = "/usr/bin:/bin";
const HOME: &str = "/home/runner";

/// What a scripted process does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptedReply {
    /// Its exit code.
    pub code: i32,
    /// What it prints on standard output, without line ends.
    pub lines: Vec<String>,
}

type Answer = dyn Fn(&Exec) -> ScriptedReply + Send + Sync;

/// A backend for tests: no process is started, a function answers for it.
///
/// Signals are passed over, every command is found in `/usr/bin`, and files that an [`Exec`] names are the test's own.
#[derive(Clone)]
pub struct Scripted {
    answer: Arc<Answer>,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted").finish_non_exhaustive()
    }
}

impl Default for Scripted {
    fn default() -> Self {
        Self::new()
    }
}

impl Scripted {
    /// Every process prints nothing and succeeds.
    pub fn new() -> Self {
        Self { answer: Arc::new(|_| ScriptedReply::default()) }
    }

    /// Every process does what `answer` says.
    #[must_use]
    pub fn on(self, answer: impl Fn(&Exec) -> ScriptedReply + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer) }
    }
}

impl Backend for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn open(&self, spec: EnvironmentSpec) -> BoxFuture<'_, Result<Environment, BackendError>> {
        open(Arc::clone(&self.answer), spec).boxed()
    }
}

async fn open(answer: Arc<Answer>, spec: EnvironmentSpec) -> Result<Environment, BackendError> {
    let begin = Instant::now();
    let (ours, theirs) = tokio::io::duplex(BUFFER);
    tokio::spawn(play(theirs, answer));
    let (reader, writer) = tokio::io::split(ours);
    let (link, ready) = Link::open(&spec.job, reader, writer).await.map_err(|err| match err {
        ConnectError::Setup(message) => BackendError::Setup { job: spec.job.clone(), message },
        ConnectError::Lost(detail) => BackendError::Lost { job: spec.job.clone(), detail },
    })?;
    let facts = Facts {
        os: "Linux",
        arch: ready.arch,
        path: PATH.to_owned(),
        base_env: inherited::base_env(Vec::new(), PATH, HOME, spec.env),
        home: HOME.to_owned(),
        // The test's files are where it put them: nothing translates paths here.
        work: spec.work_dir.display().to_string(),
        tool_cache: "/opt/hostedtoolcache".to_owned(),
        moved_ports: Vec::new(),
        metadata_open: None,
        started_in: begin.elapsed(),
    };
    Ok(Environment::new(facts, link, Teardown::Nothing))
}

/// Plays the supervisor until the other end closes.
async fn play(mut stream: DuplexStream, answer: Arc<Answer>) {
    let ready = Ready { pid: 1, arch: "X64".to_owned(), env: Vec::new(), metadata_open: None };
    let mut outgoing = Vec::new();
    let mut incoming = vec![0; BUFFER];
    let mut decoder = Decoder::<Request>::default();
    Reply::Ready(ready).encode(&mut outgoing);
    while stream.write_all(&outgoing).await.is_ok() {
        outgoing.clear();
        match stream.read(&mut incoming).await {
            Ok(0) | Err(_) => return,
            Ok(length) => decoder.ingest(&incoming[..length]),
        }
        while let Ok(Some(request)) = decoder.take() {
            match request {
                Request::Spawn { id, argv, env, cwd } => {
                    reply(id, &answer(&Exec { argv, env, cwd }), &mut outgoing);
                }
                Request::Which { id, command, path: _ } => {
                    Reply::Found { id, path: Some(format!("/usr/bin/{command}")) }.encode(&mut outgoing);
                }
                Request::Sweep { id, .. } => Reply::Swept { id, processes: Vec::new() }.encode(&mut outgoing),
                Request::Signal { .. } => {}
                Request::Shutdown => {
                    // What was asked before is answered; nobody may be there to hear it.
                    stream.write_all(&outgoing).await.ok();
                    return;
                }
            }
        }
    }
}

fn reply(id: u32, reply: &ScriptedReply, out: &mut Vec<u8>) {
    Reply::Started { id, pid: 2 }.encode(out);
    for line in &reply.lines {
        Reply::Output { id, stream: Stream::Stdout, bytes: format!("{line}\n").into_bytes() }.encode(out);
    }
    Reply::Exited { id, code: reply.code }.encode(out);
}
