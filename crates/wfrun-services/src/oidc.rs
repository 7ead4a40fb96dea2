//! ID tokens: what `core.getIDToken` asks for, and what others verify them with.

mod claims;
mod issuer;
mod key;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

pub use issuer::{IdTokenError, IdTokenIssuer};

use crate::services::{ServiceCall, Shared};

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/.well-known/jwks";
const TOKENS: &str = "/idtoken";

/// Who issues tokens in this run, and which jobs may ask.
pub(crate) struct Oidc {
    issuer: IdTokenIssuer,
    /// The jobs with `id-token: write`, by their runtime token.
    granted: Mutex<HashMap<String, Arc<Granted>>>,
}

/// What a job's tokens say.
struct Granted {
    claims: Vec<(String, String)>,
}

impl Oidc {
    pub(crate) fn new(issuer: IdTokenIssuer) -> Self {
        Self { issuer, granted: Mutex::default() }
    }

    /// Lets the job with this runtime token ask for ID tokens with these claims, and says where.
    ///
    /// The address ends in a query, as clients append `&audience=`. Source: GitHub: execution rules E9.1.
    pub(crate) fn grant(&self, origin: &str, token: &str, claims: Vec<(String, String)>) -> String {
        let granted = Arc::new(Granted { claims });
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned(), granted);
        format!("{}{TOKENS}?api-version=2.0", origin.trim_end_matches('/'))
    }

    fn granted(&self, authorization: &str) -> Option<Arc<Granted>> {
        let (_, token) = authorization.split_once(' ')?;
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).get(token.trim()).cloned()
    }
}

/// The routes of the issuer.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route(TOKENS, get(token)).route(DISCOVERY, get(discovery)).route(KEYS, get(keys))
}

/// Answers `core.getIDToken`.
///
/// Source: GitHub: execution rules E9.8.
async fn token(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let identity = shared.identify(authorization);
    let job = identity.as_ref().map(|it| it.job.clone()).unwrap_or_default();
    let response = match (identity, shared.oidc.granted(authorization)) {
        (None, _) => refuse(StatusCode::UNAUTHORIZED, "the request token is missing, or not one of this run"),
        (Some(_), None) => refuse(StatusCode::FORBIDDEN, "the job has no permission `id-token: write`"),
        (Some(_), Some(granted)) => {
            let audience = query.get("audience").filter(|it| !it.is_empty()).cloned();
            let issuer = shared.oidc.issuer.clone();
            let work = move || issuer.issue(&granted.claims, audience.as_deref());
            match tokio::task::spawn_blocking(work).await {
                Ok(Ok(token)) => Json(json!({"count": token.len(), "value": token})).into_response(),
                Ok(Err(err)) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &told(&err)),
                Err(err) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &err.to_string()),
            }
        }
    };
    tell(&shared, "GetIDToken", &response, job);
    response
}

/// What a verifier reads first.
///
/// Source: <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata>, and the document of GitHub's own
/// issuer.
async fn discovery(State(shared): State<Arc<Shared>>) -> Response {
    let response = Json(json!({
        "issuer": claims::ISSUER,
        "jwks_uri": format!("{}{KEYS}", shared.origin.trim_end_matches('/')),
        "subject_types_supported": ["public", "pairwise"],
        "response_types_supported": ["id_token"],
        "claims_supported": claims::SUPPORTED,
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
    }))
    .into_response();
    tell(&shared, "openid-configuration", &response, String::new());
    response
}

async fn keys(State(shared): State<Arc<Shared>>) -> Response {
    let issuer = shared.oidc.issuer.clone();
    let response = match tokio::task::spawn_blocking(move || issuer.keys()).await {
        Ok(Ok(keys)) => Json(keys).into_response(),
        Ok(Err(err)) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &told(&err)),
        Err(err) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &err.to_string()),
    };
    tell(&shared, "jwks", &response, String::new());
    response
}

/// `@actions/core` shows `message` to the person.
fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"message": message}))).into_response()
}

fn told(err: &IdTokenError) -> String {
    match std::error::Error::source(err) {
        Some(cause) => format!("{err}: {cause}"),
        None => err.to_string(),
    }
}

fn tell(shared: &Shared, operation: &str, response: &Response, job: String) {
    let (operation, status) = (operation.to_owned(), response.status().as_u16());
    shared.tell(ServiceCall { service: "oidc", operation, status, job, ..ServiceCall::default() });
}
