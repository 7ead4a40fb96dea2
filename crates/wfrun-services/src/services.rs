//! The server: routes, who may call, and what is told about calls.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Api, ApiGrant, ApiNote, ApiSettings};
use crate::artifact::{self, Artifact, Artifacts};
use crate::blob::{self, Transfers};
use crate::cache::{self, Store};
use crate::error::ServicesError;
use crate::identity::{JobIdentity, Tokens};
use crate::oidc::{self, IdTokenIssuer, Oidc};
use crate::serve::{message, serve};
use crate::twirp::{Code, TwirpError};
use crate::uploads::{self, UploadSocket};

/// How long `stop` waits for answers under way.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// Clients on this machine are never silent for long; a stopped one may be, while a person looks at it.
const PATIENCE: Duration = Duration::from_mins(2);

/// Messages are a few hundred bytes; the longest have ten keys of 512 characters.
const MESSAGE_LIMIT: usize = 64 * 1024;

/// Where the services keep what outlives them.
#[derive(Clone)]
pub struct ServicesSettings {
    /// Folder of the cache; made when it is not there. Several processes may use one.
    pub store: PathBuf,
    /// Bytes that all entries of the cache together may have; above it, the least recently used go.
    pub cache_limit: u64,
    /// Issues ID tokens.
    pub issuer: IdTokenIssuer,
    /// Folder of the runs: the artifacts of each lie in `<run id>/artifacts`.
    pub runs: PathBuf,
    /// Folder of what goes with the process: the socket that takes uploads is below it.
    pub work: PathBuf,
    /// How long a client may be silent in the middle of a request.
    pub patience: Duration,
}

impl ServicesSettings {
    /// The places in a repository's own folder, such as `.wfrun`, and in that of what goes with the process.
    pub fn below(state: &FilePath, work: &FilePath, cache_limit: u64, issuer: IdTokenIssuer) -> Self {
        let (store, runs) = (state.join("cache"), state.join("runs"));
        Self { store, cache_limit, issuer, runs, work: work.to_owned(), patience: PATIENCE }
    }
}

/// One answered call, as told to the observer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceCall {
    /// `cache`, `artifact`, `oidc`, `github` for its API, or `results` for calls of GitHub's results service that are not served here.
    pub service: &'static str,
    /// Twirp method, Azure's name of a blob operation, such as `Put Block`, or GitHub's of an operation of its API, such as
    /// `repos/create-release`; of one that is not known there, method and path.
    pub operation: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// The calling job's key; empty when the caller is not known.
    pub job: String,
    /// Whether something was there, where a cache entry was looked for.
    pub hit: Option<bool>,
    /// What the call did to the run's artifacts.
    pub artifact: Option<ArtifactChange>,
    /// What is to be said of a call of GitHub's API.
    pub note: Option<ApiNote>,
    /// What a person should know: one sentence.
    pub notice: Option<String>,
}

/// What became of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArtifactChange {
    /// It is there from now on.
    Kept(Artifact),
    /// It is gone.
    Removed(Artifact),
}

/// GitHub's services on a port of 127.0.0.1 and a Unix socket, from [`Services::start`] to [`Services::stop`] or drop.
pub struct Services {
    shared: Arc<Shared>,
    stopping: CancellationToken,
    server: Option<JoinHandle<()>>,
    uploads: UploadSocket,
}

/// What all requests use.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) artifacts: Artifacts,
    pub(crate) patience: Duration,
    pub(crate) transfers: Transfers,
    /// Ends in `/`.
    pub(crate) origin: String,
    pub(crate) oidc: Oidc,
    api: OnceLock<Arc<Api>>,
    tokens: Tokens,
    observer: Box<dyn Fn(ServiceCall) + Send + Sync>,
}

impl Services {
    /// Opens the store and starts to answer on a free port. `observer` is told of every call, after its answer is decided.
    pub async fn start(
        settings: ServicesSettings,
        observer: impl Fn(ServiceCall) + Send + Sync + 'static,
    ) -> Result<Self, ServicesError> {
        let ServicesSettings { store: root, cache_limit, issuer, runs, work, patience } = settings;
        let opened = tokio::task::spawn_blocking({
            let root = root.clone();
            move || Store::open(&root, cache_limit)
        })
        .await;
        let store = opened.map_err(|err| ServicesError::Store { path: root, err: err.into() }).flatten()?;
        let bind = |err| ServicesError::Bind { err };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(bind)?;
        let origin = format!("http://{}/", listener.local_addr().map_err(bind)?);
        let (socket, uploaders) = UploadSocket::open(&work).map_err(|err| ServicesError::Socket { err })?;
        let shared = Arc::new(Shared {
            store,
            artifacts: Artifacts::below(runs),
            patience,
            transfers: Transfers::default(),
            origin,
            oidc: Oidc::new(issuer),
            api: OnceLock::new(),
            tokens: Tokens::default(),
            observer: Box::new(observer),
        });
        let stopping = CancellationToken::new();
        let http = serve(listener, router(Arc::clone(&shared)), patience, stopping.clone());
        let uploads = uploads::serve(uploaders, Arc::clone(&shared), stopping.clone());
        let server = tokio::spawn(async {
            tokio::join!(http, uploads);
        });
        Ok(Self { shared, stopping, server: Some(server), uploads: socket })
    }

    /// `http://127.0.0.1:PORT/`: the value of `ACTIONS_RESULTS_URL`.
    pub fn url(&self) -> String {
        self.shared.origin.clone()
    }

    /// The folder with the socket, called `socket`, that takes uploads as descriptors. Jobs may see it anywhere; a token is
    /// wanted there, too.
    pub fn uploads(&self) -> &FilePath {
        self.uploads.folder()
    }

    /// Makes the value of `ACTIONS_RUNTIME_TOKEN` for a job. What is asked with it is asked by that job.
    pub fn job_token(&self, identity: JobIdentity) -> String {
        self.shared.tokens.make(identity)
    }

    /// The variables by which a job's actions find the services, with its token of [`Services::job_token`].
    ///
    /// Source: GitHub: execution rules E2.6.
    pub fn variables(&self, token: &str) -> [(&'static str, String); 5] {
        let url = || self.shared.origin.clone();
        [
            ("ACTIONS_RUNTIME_URL", url()),
            ("ACTIONS_RUNTIME_TOKEN", token.to_owned()),
            ("ACTIONS_RESULTS_URL", url()),
            ("ACTIONS_CACHE_URL", url()),
            ("ACTIONS_CACHE_SERVICE_V2", "True".to_owned()),
        ]
    }

    /// Lets the job with this runtime token ask for ID tokens that have these claims; gives back the value of
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub fn allow_id_tokens(&self, token: &str, claims: Vec<(String, String)>) -> String {
        self.shared.oidc.grant(&self.shared.origin, token, claims)
    }

    /// Serves GitHub's API of a run from now on; a second call has no effect.
    pub fn serve_api(&self, settings: ApiSettings) {
        self.shared.api.get_or_init(|| Arc::new(Api::new(settings, &self.shared.origin)));
    }

    /// Lets who has this token ask the API, and do what the grant allows; none without [`Services::serve_api`].
    pub fn allow_api(&self, token: &str, grant: ApiGrant) {
        if let Some(api) = self.shared.api() {
            api.allow(token, grant);
        }
    }

    /// Takes back what a job's tokens allow: as on GitHub they end with their job.
    pub fn end_api_tokens(&self, job: &str) {
        if let Some(api) = self.shared.api() {
            api.end(job);
        }
    }

    /// The value of `GITHUB_API_URL`.
    pub fn api_url(&self) -> String {
        api::rest_url(&self.shared.origin)
    }

    /// The value of `GITHUB_GRAPHQL_URL`.
    pub fn graphql_url(&self) -> String {
        api::graphql_url(&self.shared.origin)
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

    /// GitHub's API, if it is served.
    pub(crate) fn api(&self) -> Option<Arc<Api>> {
        self.api.get().cloned()
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
        .merge(api::routes())
        .fallback(nothing_here)
        .with_state(shared)
}

async fn twirp(
    State(shared): State<Arc<Shared>>,
    Path((service, method)): Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let identity = shared.tokens.identify(authorization);
    let body = message(request.into_body(), MESSAGE_LIMIT, shared.patience).await;
    let body = body.map_err(|why| TwirpError::new(Code::Malformed, format!("the request cannot be read: {why}")));
    let result = match (&identity, body) {
        (None, _) => {
            Err(TwirpError::new(Code::Unauthenticated, "the runtime token is missing, or not one of this run"))
        }
        (Some(_), Err(err)) => Err(err),
        (Some(identity), Ok(body)) if service == cache::SERVICE => {
            cache::call(&shared, identity, &method, &body).await.map(|(answer, notice)| (answer, None, notice))
        }
        (Some(identity), Ok(body)) if service == artifact::SERVICE => {
            artifact::call(&shared, identity, &method, &body).await.map(|(answer, change)| (answer, change, None))
        }
        (Some(_), Ok(_)) => Err(TwirpError::new(Code::Unimplemented, format!("{service} is not served here"))),
    };
    let looked = service == cache::SERVICE && method == cache::LOOK_UP;
    let hit = result.as_ref().ok().filter(|_| looked).map(|(answer, ..)| answer["ok"] == true);
    let (response, artifact, notice) = match result {
        Ok((answer, artifact, notice)) => (Json(answer).into_response(), artifact, notice),
        Err(err) => (err.into_response(), None, None),
    };
    let name = match service.as_str() {
        cache::SERVICE => "cache",
        artifact::SERVICE => "artifact",
        _ => "results",
    };
    shared.tell(ServiceCall {
        service: name,
        operation: method,
        status: response.status().as_u16(),
        job: identity.map(|it| it.job.clone()).unwrap_or_default(),
        hit,
        artifact,
        notice,
        ..ServiceCall::default()
    });
    response
}

async fn blobs(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Response {
    let blob::Answered { response, service, operation, job } = blob::answer(&shared, &query, request).await;
    let (operation, status) = (operation.to_owned(), response.status().as_u16());
    shared.tell(ServiceCall { service, operation, status, job, ..ServiceCall::default() });
    response
}

async fn nothing_here(request: Request) -> Response {
    let message = format!("no service of GitHub's at {} {} is served here", request.method(), request.uri().path());
    (StatusCode::NOT_FOUND, Json(serde_json::json!({"code": "bad_route", "msg": message}))).into_response()
}
