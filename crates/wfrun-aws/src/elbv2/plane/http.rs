//! One request to a target.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answers::Fault;

/// Source: AWS ELB v2 user guide, "Troubleshoot your Application Load Balancers", HTTP 504: 10 seconds to connect, then the idle timeout.
const CONNECT: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_mins(1);

/// Sends a request on a connection of its own.
///
/// The target must be on loopback; the callers have no other addresses.
///
/// Differs: a load balancer makes a connection for each request, and AWS keeps them; the idle timeout is always 60 s.
pub(super) async fn send(to: SocketAddr, request: Request<Body>) -> Result<Response<Incoming>, Fault> {
    let stream = connect(to).await?;
    let bad = |what: &str| Fault::bad_gateway(&format!("{to} {what}"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|err| bad(&format!("does not speak HTTP: {err}")))?;
    tokio::spawn(async move {
        if let Err(err) = connection.with_upgrades().await {
            tracing::debug!(%err, %to, "the connection to a target ended");
        }
    });
    match timeout(IDLE, sender.send_request(request)).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(err)) => Err(bad(&format!("closed the connection without an answer: {err}"))),
        Err(_) => Err(Fault::timed_out(&format!("{to} did not answer within {} s", IDLE.as_secs()))),
    }
}

/// Connects to a target on loopback.
pub(super) async fn connect(to: SocketAddr) -> Result<TcpStream, Fault> {
    if !to.ip().is_loopback() {
        return Err(Fault::bad_gateway(&format!("{to} is not on loopback")));
    }
    match timeout(CONNECT, TcpStream::connect(to)).await {
        Ok(Ok(stream)) => {
            if let Err(err) = stream.set_nodelay(true) {
                tracing::debug!(%err, "no TCP_NODELAY");
            }
            Ok(stream)
        }
        Ok(Err(err)) if err.kind() == ErrorKind::ConnectionRefused => {
            Err(Fault::bad_gateway(&format!("nothing listens on {to}")))
        }
        Ok(Err(err)) => Err(Fault::bad_gateway(&format!("no connection to {to}: {err}"))),
        Err(_) => Err(Fault::timed_out(&format!("no connection to {to} within {} s", CONNECT.as_secs()))),
    }
}
