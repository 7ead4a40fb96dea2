//! The server: routes, who may call, and what is told about calls.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::blob::{self, Transfers};
use crate::cache::{self, Store};
use crate::error::ServicesError;
use crate::identity::{JobIdentity, Tokens};
use crate::oidc::{self, IdTokenIssuer, Oidc};
use crate::twirp::{Code, TwirpError};

/// How long `stop` waits for answers under way.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// Where the services keep what outlives them.
#[derive(Clone)]
pub struct ServicesSettings {
    /// Folder of the cache; made when it is not there. Several processes may use one.
    pub store: PathBuf,
    /// Bytes that all entries of the cache together may have; above it, the least recently used go.
    pub cache_limit: u64,
    /// Issues ID tokens.
    pub issuer: IdTokenIssuer,
}

/// One answered call, as told to the observer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCall {
    /// `cache`, `oidc`, or `results` for calls of GitHub's results service that are not served here.
    pub service: &'static str,
    /// Twirp method, or Azure's name of a blob operation, such as `Put Block`.
    pub operation: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// The calling job's key; empty when the caller is not known.
    pub job: String,
    /// Whether something was there, where a cache entry was looked for.
    pub hit: Option<bool>,
}

/// GitHub's services on a port of 127.0.0.1, from [`Services::start`] to [`Services::stop`] or drop.
pub struct Services {
    shared: Arc<Shared>,
    stopping: CancellationToken,
    server: Option<JoinHandle<()>>,
}

/// What all requests use.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) transfers: Transfers,
    /// Ends in `/`.
    pub(crate) origin: String,
    pub(crate) oidc: Oidc,
    tokens: Tokens,
    observer: Box<dyn Fn(ServiceCall) + Send + Sync>,
}

impl Services {
    /// Opens the store and starts to answer on a free port. `observer` is told of every call, after its answer is decided.
    pub async fn start(
        settings: ServicesSettings,
        observer: impl Fn(ServiceCall) + Send + Sync + 'static,
    ) -> Result<Self, ServicesError> {
        let root = settings.store;
        let opened = tokio::task::spawn_blocking({
            let root = root.clone();
            move || Store::open(&root, settings.cache_limit)
        })
        .await;
        let store = opened.map_err(|err| ServicesError::Store { path: root, err: err.into() }).flatten()?;
        let bind = |err| ServicesError::Bind { err };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(bind)?;
        let origin = format!("http://{}/", listener.local_addr().map_err(bind)?);
        let shared = Arc::new(Shared {
            store,
            transfers: Transfers::default(),
            origin,
            oidc: Oidc::new(settings.issuer),
            tokens: Tokens::default(),
            observer: Box::new(observer),
        });
        let stopping = CancellationToken::new();
        let serving = axum::serve(listener, router(Arc::clone(&shared)))
            .with_graceful_shutdown(stopping.clone().cancelled_owned());
        let server = tokio::spawn(async move {
            if let Err(err) = serving.await {
                tracing::error!(%err, "the services ended");
            }
        });
        Ok(Self { shared, stopping, server: Some(server) })
    }

    /// `http://127.0.0.1:PORT/`: the value of `ACTIONS_RESULTS_URL`.
    pub fn url(&self) -> String {
        self.shared.origin.clone()
    }

    /// Makes the value of `ACTIONS_RUNTIME_TOKEN` for a job. What is asked with it is asked by that job.
    pub fn job_token(&self, identity: JobIdentity) -> String {
        self.shared.tokens.make(identity)
    }

    /// Lets the job with this runtime token ask for ID tokens that have these claims; gives back the value of
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub fn allow_id_tokens(&self, token: &str, claims: Vec<(String, String)>) -> String {
        self.shared.oidc.grant(&self.shared.origin, token, claims)
    }

    /// Ends the services: no new connection, a second for answers under way, unfinished uploads removed.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        if let Some(mut server) = self.server.take()
            && tokio::time::timeout(STOP_LIMIT, &mut server).await.is_err()
        {
            server.abort();
        }
    }
}

impl Shared {
    /// The job behind an `Authorization` header's value.
    pub(crate) fn identify(&self, authorization: &str) -> Option<Arc<JobIdentity>> {
        self.tokens.identify(authorization)
    }

    /// Tells of an answered call.
    pub(crate) fn tell(&self, call: ServiceCall) {
        (self.observer)(call);
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.stopping.cancel();
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/twirp/{service}/{method}", post(twirp))
        .route("/blobs/{name}", any(blobs))
        .merge(oidc::routes())
        .merge(cache::routes())
        .fallback(nothing_here)
        .with_state(shared)
}

async fn twirp(
    State(shared): State<Arc<Shared>>,
    Path((service, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let identity = shared.tokens.identify(authorization);
    let result = match &identity {
        None => Err(TwirpError::new(Code::Unauthenticated, "the runtime token is missing, or not one of this run")),
        Some(identity) if service == cache::SERVICE => cache::call(&shared, identity, &method, &body).await,
        Some(_) => Err(TwirpError::new(Code::Unimplemented, format!("{service} is not served here"))),
    };
    let looked = service == cache::SERVICE && method == cache::LOOK_UP;
    let hit = result.as_ref().ok().filter(|_| looked).map(|answer| answer["ok"] == true);
    let response = result.map_or_else(TwirpError::into_response, |answer| Json(answer).into_response());
    let name = if service == cache::SERVICE { "cache" } else { "results" };
    (shared.observer)(ServiceCall {
        service: name,
        operation: method,
        status: response.status().as_u16(),
        job: identity.map(|it| it.job.clone()).unwrap_or_default(),
        hit,
    });
    response
}

async fn blobs(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Response {
    let blob::Answered { response, operation, job } = blob::answer(&shared, &query, request).await;
    (shared.observer)(ServiceCall {
        service: "cache",
        operation: operation.to_owned(),
        status: response.status().as_u16(),
        job,
        hit: None,
    });
    response
}

async fn nothing_here(request: Request) -> Response {
    let message = format!("no service of GitHub's at {} {} is served here", request.method(), request.uri().path());
    (StatusCode::NOT_FOUND, Json(serde_json::json!({"code": "bad_route", "msg": message}))).into_response()
}
