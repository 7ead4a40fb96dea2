//! Connections: how many, and how long a silent client is borne.

use std::ops::Deref;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures_util::StreamExt as _;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// More wait until one ends. Below the 1,024 files that a process has by default.
const CONNECTIONS: usize = 512;

/// Bytes that a connection holds at most in each direction, beside what its request holds.
const BUFFER: usize = 64 * 1024;

/// A pause after a connection that could not be taken, such as for want of files.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// Messages of more bytes wait for each other.
const SMALL: usize = 16 * 1024;

static LARGE: Semaphore = Semaphore::const_new(1);

/// Why a message is not there to be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("it did not come in time")]
    Late,
    #[error("it has more than {0} bytes")]
    Long(usize),
    #[error(transparent)]
    Broken(axum::Error),
}

/// A message that is in memory.
pub(crate) struct Whole {
    bytes: Vec<u8>,
    /// Kept as long as the message is.
    turn: Option<SemaphorePermit<'static>>,
}

impl Deref for Whole {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// How many bytes a client says that a body has.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The whole body of a request that is a message: of at most `limit` bytes, which have come when `patience` is over. Large
/// ones are taken one after the other, however many are sent at once.
pub(crate) async fn message(body: Body, limit: usize, patience: Duration) -> Result<Whole, MessageError> {
    tokio::time::timeout(patience, collect(body, limit)).await.map_err(|_| MessageError::Late)?
}

async fn collect(body: Body, limit: usize) -> Result<Whole, MessageError> {
    let mut whole = Whole { bytes: Vec::new(), turn: None };
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(MessageError::Broken)?;
        let length = whole.bytes.len() + chunk.len();
        if length > limit {
            return Err(MessageError::Long(limit));
        }
        if length > SMALL && whole.turn.is_none() {
            whole.turn = Some(LARGE.acquire().await.expect("nobody closes it"));
        }
        whole.bytes.extend_from_slice(&chunk);
    }
    Ok(whole)
}

/// Answers until `stopping`, then ends the connections at their next answer. Dropped, it cuts them.
///
/// A client has `patience` for the head of a request; also one that keeps a connection and asks nothing.
pub(crate) async fn serve(listener: TcpListener, router: Router, patience: Duration, stopping: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let has_room = connections.len() < CONNECTIONS;
        tokio::select! {
            () = stopping.cancelled() => break,
            accepted = listener.accept(), if has_room => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, router.clone(), patience, stopping.clone()))),
                Err(err) => {
                    tracing::warn!(%err, "a connection was not taken");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, router: Router, patience: Duration, stopping: CancellationToken) {
    // Answers are small and asked for one after the other.
    stream.set_nodelay(true).ok();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(BUFFER);
    let mut serving = std::pin::pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stopping.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(err) = ended {
        tracing::debug!(%err, "a connection broke");
    }
}
