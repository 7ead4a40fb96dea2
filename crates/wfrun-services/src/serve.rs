//! Connections: how many, and how long a silent client is borne.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// More wait until one ends. Below the 1,024 files that a process has by default.
const CONNECTIONS: usize = 512;

/// A pause after a connection that could not be taken, such as for want of files.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a message is not there to be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("it did not come in time")]
    Late,
    #[error(transparent)]
    Broken(axum::Error),
}

/// The whole body of a request that is a message: of at most `limit` bytes, which have come when `patience` is over.
pub(crate) async fn message(body: Body, limit: usize, patience: Duration) -> Result<Bytes, MessageError> {
    let came = tokio::time::timeout(patience, to_bytes(body, limit)).await;
    came.map_err(|_| MessageError::Late)?.map_err(MessageError::Broken)
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
    http.timer(TokioTimer::new()).header_read_timeout(patience);
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
