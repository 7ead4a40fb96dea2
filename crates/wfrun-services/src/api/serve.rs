//! From a request to an answer: who asks, what for, whether they may, and what is told of it.

use std::sync::{Arc, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::any;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::answer::Refusal;
use super::assets::{MOST, Upload};
use super::call::{Call, Target, body_of};
use super::grant::ApiGrant;
use super::routes::{Handler, Params, Route, find};
use super::{Api, ApiNote, GRAPHQL, REST, UPLOADS};
use crate::blob::receive;
use crate::serve::{MessageError, content_length, message};
use crate::services::{ServiceCall, Shared};

/// The longest texts have some hundred thousand characters.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// A file of a repository in base64, with some words around it; so many are in memory at once.
const FILE_LIMIT: usize = 48 * 1024 * 1024;
pub(super) const FILES_AT_ONCE: usize = 2;

/// The operations whose bodies hold files.
const WITH_FILES: [&str; 3] = ["git/create-blob", "git/create-tree", "repos/create-or-update-file-contents"];

/// The routes of the API.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    let below = |it: &str| format!("/{it}/{{*path}}");
    Router::new()
        .route(&below(REST), any(answer))
        .route(&format!("/{REST}"), any(answer))
        .route(&below(UPLOADS), any(answer))
        .route(&format!("/{GRAPHQL}"), any(answer))
}

/// What became of a request, for the journal.
#[derive(Default)]
struct Told {
    job: String,
    operation: String,
    note: Option<ApiNote>,
    /// The value of `X-Accepted-GitHub-Permissions`.
    accepted: Option<String>,
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let mut told = Told { operation: spoken(&request), ..Told::default() };
    let mut response = match answered(&shared, request, &mut told).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    if let Some(value) = told.accepted.and_then(|it| HeaderValue::from_str(&it).ok()) {
        response.headers_mut().insert(HeaderName::from_static("x-accepted-github-permissions"), value);
    }
    let (status, note) = (response.status().as_u16(), told.note);
    let note = note.filter(|it| shared.api().is_none_or(|api| api.is_news(it)));
    let Told { job, operation, .. } = told;
    shared.tell(ServiceCall { service: "github", operation, status, job, note, ..ServiceCall::default() });
    response
}

/// `GET /repos/octo/demo/pages`: a call that has no name.
fn spoken(request: &Request) -> String {
    let path = request.uri().path();
    let path = path.strip_prefix('/').and_then(|it| it.strip_prefix(REST)).unwrap_or(path);
    format!("{} {}", request.method(), if path.is_empty() { "/" } else { path })
}

async fn answered(shared: &Arc<Shared>, request: Request, told: &mut Told) -> Result<Response, Refusal> {
    let Some(api) = shared.api() else { return Err(Refusal::unserved("GitHub's API is not served in this run")) };
    let grant = identify(&api, request.headers()).inspect_err(|refusal| {
        let why = format!("{} was refused with 401: {}", told.operation, refusal.message);
        told.note =
            Some(ApiNote::Refused(format!("{why}; tokens of this run are `github.token` and the secrets given")));
    })?;
    told.job.clone_from(&grant.job);
    let (route, params) = route_of(&api, &request).inspect_err(|refusal| {
        if refusal.status == StatusCode::NOT_IMPLEMENTED {
            told.note = Some(ApiNote::Unserved(refusal.message.clone()));
        }
    })?;
    route.operation.clone_into(&mut told.operation);
    told.accepted = Some(route.need.header());
    if !route.need.is_met(&grant) || !is_met_by_issue(&api, route, &params, &grant) {
        told.note = Some(ApiNote::Refused(refused(route)));
        return Err(Refusal::new(StatusCode::FORBIDDEN, "Resource not accessible by integration"));
    }
    let answer = carry_out(shared, api, (route, params), request).await;
    if let Err(refusal) = &answer
        && refusal.status == StatusCode::NOT_IMPLEMENTED
    {
        told.note = Some(ApiNote::Unserved(format!("{}: {}", route.operation, refusal.message)));
    }
    let answer = answer?;
    told.note = answer.would.clone().map(ApiNote::Would);
    answer.into_response().await
}

/// Of an issue that is no pull request, what is for pull requests says nothing.
fn is_met_by_issue(api: &Api, route: &Route, params: &Params, grant: &ApiGrant) -> bool {
    let number = params.iter().find(|(name, _)| *name == "number").and_then(|(_, it)| it.parse::<u64>().ok());
    let is_plain = |it: u64| api.state().issues.get(&it).is_some_and(|it| it.get("pull_request").is_none());
    if !route.path.starts_with("/issues/") || !number.is_some_and(is_plain) {
        return true;
    }
    let wanted = route.need.0.iter().find(|(scope, _)| *scope == "issues");
    wanted.is_none_or(|(_, access)| grant.scopes.get("issues").is_some_and(|it| it >= access))
}

/// What a person reads where a token may not do what is asked.
fn refused(route: &Route) -> String {
    let need = route.need.in_a_workflow();
    format!(
        "{} was refused with 403: the job's token needs {need}, which its `permissions` do not give",
        route.operation
    )
}

/// Source: GitHub: "Troubleshooting the REST API": bad and missing credentials.
fn identify(api: &Api, headers: &HeaderMap) -> Result<Arc<ApiGrant>, Refusal> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let missing = || Refusal::new(StatusCode::UNAUTHORIZED, "Requires authentication");
    let bad = || Refusal::new(StatusCode::UNAUTHORIZED, "Bad credentials");
    api.grants.identify(authorization.ok_or_else(missing)?).ok_or_else(bad)
}

/// The way out of what is not served.
const WAY_OUT: &str = "`--real-github` asks GitHub itself, with your token";

/// The route of a request; uploads have one of their own, which is not to be had at the API's address.
fn route_of(api: &Api, request: &Request) -> Result<(&'static Route, Params), Refusal> {
    let path = request.uri().path().trim_start_matches('/');
    if path == GRAPHQL {
        return Err(Refusal::unserved(format!("GraphQL is not served by wfrun, and was answered with 501; {WAY_OUT}")));
    }
    let is_upload = path.starts_with(UPLOADS);
    let below = path.strip_prefix(if is_upload { UPLOADS } else { REST }).unwrap_or(path).trim_end_matches('/');
    // Source: GitHub answers so for what is a user's alone.
    if below == "/user" || below.starts_with("/user/") {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "Resource not accessible by integration"));
    }
    let inside = match below.strip_prefix("/repos/") {
        Some(rest) => inside_of(api, rest)?,
        None => format!("/{below}"),
    };
    let unserved = || {
        Refusal::unserved(format!(
            "{} {below} is not served by wfrun, and was answered with 501; {WAY_OUT}",
            request.method()
        ))
    };
    // Asking for the head alone is asking, and the body goes on its way out.
    let method = if request.method() == Method::HEAD { "GET" } else { request.method().as_str() };
    let (route, params) = find(method, &inside).ok_or_else(unserved)?;
    let takes_file = matches!(route.answer, Handler::OfFile(_));
    if takes_file == is_upload { Ok((route, params)) } else { Err(unserved()) }
}

/// What follows the repository's name in a path, if it is the run's.
fn inside_of(api: &Api, rest: &str) -> Result<String, Refusal> {
    let mut parts = rest.splitn(3, '/');
    let mut part = || percent_decode_str(parts.next().unwrap_or_default()).decode_utf8_lossy().into_owned();
    let repository = format!("{}/{}", part(), part());
    if !repository.eq_ignore_ascii_case(&api.settings.repository) {
        let known = &api.settings.repository;
        return Err(Refusal::unserved(format!(
            "{repository} is not known to wfrun, which has {known} alone, and the call was answered with 501; {WAY_OUT}"
        )));
    }
    Ok(rest.splitn(3, '/').nth(2).map_or_else(String::new, |it| format!("/{it}")))
}

async fn carry_out(
    shared: &Shared,
    api: Arc<Api>,
    (route, params): (&'static Route, Params),
    request: Request,
) -> super::answer::Answered {
    let target = Target::new(request.uri().path(), request.uri().query().unwrap_or_default());
    let accept = request.headers().get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let holds_files = WITH_FILES.contains(&route.operation);
    let (limit, files) = (if holds_files { FILE_LIMIT } else { BODY_LIMIT }, Arc::clone(&api));
    let _place = if holds_files { files.files.acquire().await.ok() } else { None };
    let (body, upload) = match route.answer {
        Handler::Of(_) => (read(shared, request, limit).await?, None),
        Handler::OfFile(_) => (Value::Null, Some(take_in(shared, &api, request).await?)),
    };
    let work = move || {
        // A client that writes several things at once means one after the other.
        let _writing = (route.method != "GET").then(|| api.writes.lock().unwrap_or_else(PoisonError::into_inner));
        let mut call = Call { api: &api, params, target, accept, body, upload };
        match route.answer {
            Handler::Of(answer) => answer(&call),
            Handler::OfFile(answer) => answer(&mut call),
        }
    };
    let failed = |err: tokio::task::JoinError| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, err.to_string());
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

async fn read(shared: &Shared, request: Request, limit: usize) -> Result<Value, Refusal> {
    let announced = content_length(request.headers());
    if announced.is_some_and(|it| it > limit as u64) {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
    }
    let body = message(request.into_body(), limit, shared.patience).await;
    let failed = |err| match err {
        MessageError::Late => Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
        MessageError::Long(_) | MessageError::Broken(_) => {
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or broke off")
        }
    };
    body_of(&body.map_err(failed)?)
}

/// Takes a file in, to disk.
async fn take_in(shared: &Shared, api: &Api, request: Request) -> Result<Upload, Refusal> {
    let bad = || Refusal::new(StatusCode::BAD_REQUEST, "Bad Content-Length");
    let size = content_length(request.headers()).ok_or_else(bad)?;
    if size >= MOST {
        return Err(Refusal::invalid("ReleaseAsset", "size", "invalid"));
    }
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
    let received = receive(request.into_body(), size, &api.settings.scratch, shared.patience).await;
    let archive = received.map_err(|err| {
        let (status, message) = err.told();
        Refusal::new(status, message)
    })?;
    Ok(Upload { archive, media_type })
}
