//! The account's one port: every service and the registry.

mod api;
mod body;
mod hold;
mod operations;

#[cfg(test)]
pub(crate) use self::body::Patience;
#[cfg(test)]
pub(crate) use self::operations::tests::emulated;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use axum::serve::ListenerExt as _;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use self::body::{Bodies, Unread};
use crate::account::Account;
use crate::ecs::TICK;
use crate::elbv2::{DataPlane, keep_health};

/// An account that is being served.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    closing: watch::Sender<bool>,
    server: JoinHandle<()>,
    scheduler: JoinHandle<()>,
    health: JoinHandle<()>,
    account: Arc<Account>,
}

/// Why an endpoint cannot be started.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// The listener has no address.
    #[error("the listener of the account's endpoint has no address")]
    Address(#[source] std::io::Error),
    /// A load balancer cannot be served.
    #[error("{message}")]
    LoadBalancers {
        /// Which, and why.
        message: String,
    },
}

/// What every request sees.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) account: Arc<Account>,
    bodies: Arc<Bodies>,
    /// True once the endpoint stops: nobody may wait any longer.
    pub(crate) closing: watch::Receiver<bool>,
}

impl Endpoint {
    /// Serves `account` on `listener`, its load balancers on ports of their own, and drives its rollouts until [`Endpoint::stop`].
    ///
    /// The listener should be on loopback: nobody is asked for more than an access key id.
    #[expect(
        clippy::unused_async,
        reason = "must run inside the runtime that serves, which an async function makes sure of"
    )]
    pub async fn start(account: Arc<Account>, listener: TcpListener) -> Result<Self, EndpointError> {
        let address = listener.local_addr().map_err(EndpointError::Address)?;
        account.set_registry_host(address.to_string());
        let (closing, closed) = watch::channel(false);
        DataPlane::start(&account, closed.clone())
            .map_err(|err| EndpointError::LoadBalancers { message: err.message })?;
        let shared = Shared { account: Arc::clone(&account), bodies: Arc::default(), closing: closed.clone() };
        let router = Router::new().fallback(answer).with_state(shared);
        let listener = listener.tap_io(|stream| {
            // Small answers must not wait for the peer's delayed acknowledgement.
            if let Err(err) = stream.set_nodelay(true) {
                tracing::debug!(%err, "no TCP_NODELAY");
            }
        });
        let until_closed = wait_until(closed.clone());
        let server = tokio::spawn(async move {
            if let Err(err) = axum::serve(listener, router).with_graceful_shutdown(until_closed).await {
                tracing::error!(%err, "the account's endpoint ended");
            }
        });
        let health = tokio::spawn(keep_health(Arc::clone(&account), closed.clone()));
        let scheduler = tokio::spawn(drive_rollouts(Arc::clone(&account), closed));
        Ok(Self { address, closing, server, scheduler, health, account })
    }

    /// The base URL, as `http://127.0.0.1:5000`: the value for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops serving: held requests are answered, idle connections closed, and what is still open after a second is cut.
    pub async fn stop(self) {
        const PATIENCE: Duration = Duration::from_secs(1);
        let Self { address: _, closing, mut server, scheduler, health, account } = self;
        closing.send_replace(true);
        if tokio::time::timeout(PATIENCE, &mut server).await.is_err() {
            server.abort();
        }
        account.data_plane().stop(PATIENCE).await;
        if let Err(err) = health.await {
            tracing::error!(%err, "the probes of the load balancers' targets ended");
        }
        if let Err(err) = scheduler.await {
            tracing::error!(%err, "the account's scheduler ended");
        }
    }
}

async fn answer(State(shared): State<Shared>, request: Request<Body>) -> Response<Body> {
    let path = request.uri().path();
    if path == "/v2" || path.starts_with("/v2/") {
        crate::registry::answer(&shared.account, &shared.bodies, request).await
    } else if crate::registry::is_link(path) {
        let (head, _) = request.into_parts();
        crate::registry::download(&shared.account, &head.method, head.uri.path(), &head.headers).await
    } else {
        api::answer(shared, request).await
    }
}

async fn drive_rollouts(account: Arc<Account>, closed: watch::Receiver<bool>) {
    let end = wait_until(closed);
    tokio::pin!(end);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut end => return,
            _ = ticks.tick() => {
                if let Err(err) = account.tick() {
                    tracing::error!(error = err.message, "a rollout's step was not written");
                }
            }
        }
    }
}

/// Waits until the value is true, or nobody can set it any more.
pub(crate) async fn wait_until(mut flag: watch::Receiver<bool>) {
    // An error means that the sender is gone, which ends the wait as well.
    drop(flag.wait_for(|set| *set).await);
}
