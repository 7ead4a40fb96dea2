//! The first protocol of the cache: what clients speak that do not know of `ACTIONS_CACHE_SERVICE_V2`.
//!
//! Source: GitHub: execution rules E9.3; `@actions/cache` 3, `cacheHttpClient.ts`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::lookup::Wanted;
use super::methods::{KEYS_LIMIT, blocking, too_large, valid_key};
use crate::blob::{BlobError, Content, Right, Upload, take_block};
use crate::identity::JobIdentity;
use crate::serve;
use crate::services::{ServiceCall, Shared};
use crate::twirp::{Code, Message, TwirpError};

/// A key and a version, and some words around them.
const BODY_LIMIT: usize = 64 * 1024;

/// Clients send 32 MB at once. As much as one block of the other protocol may have.
const PART_LIMIT: u64 = 4000 * 1024 * 1024;

/// An answer, and what is told of it.
type Answer = Result<(Response, Told), TwirpError>;

#[derive(Default)]
struct Told {
    /// Whether something was there, where something was looked for.
    hit: Option<bool>,
    /// What a person should know.
    notice: Option<String>,
}

/// The routes below `_apis/artifactcache`.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_apis/artifactcache/cache", get(look_up))
        .route("/_apis/artifactcache/caches", get(list).post(reserve))
        .route("/_apis/artifactcache/caches/{id}", patch(upload).post(commit))
}

/// Answers as the job that asks, and tells of it.
async fn answered(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    operation: &'static str,
    work: impl AsyncFnOnce(Arc<JobIdentity>) -> Answer,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let identity = shared.identify(authorization);
    let job = identity.as_ref().map(|it| it.job.clone()).unwrap_or_default();
    let answer = match identity {
        Some(identity) => work(identity).await,
        None => Err(TwirpError::new(Code::Unauthenticated, "the runtime token is missing, or not one of this run")),
    };
    let (response, told) = answer.unwrap_or_else(|err| (refuse(&err), Told::default()));
    let status = response.status().as_u16();
    shared.tell(ServiceCall {
        service: "cache",
        operation: operation.to_owned(),
        status,
        job,
        hit: told.hit,
        notice: told.notice,
        ..ServiceCall::default()
    });
    response
}

/// Clients show `message`, and tell a conflict by the status.
fn refuse(err: &TwirpError) -> Response {
    let kind =
        if err.status() == StatusCode::CONFLICT { "ArtifactCacheItemAlreadyExistsException" } else { "Exception" };
    (err.status(), Json(json!({"message": err.message(), "typeKey": kind}))).into_response()
}

async fn look_up(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    answered(&shared, &headers, "GetCacheEntry", async |identity| {
        let (keys, version) = (text(&query, "keys")?, text(&query, "version")?);
        let mut keys: Vec<String> = keys.split(',').map(str::trim).map(str::to_owned).collect();
        if keys.len() > KEYS_LIMIT {
            return Err(invalid(format!("at most {KEYS_LIMIT} keys can be asked for, these are {}", keys.len())));
        }
        for key in &keys {
            valid_key(key)?;
        }
        let key = keys.remove(0);
        let (store, job, wanted) = (Arc::clone(&shared), Arc::clone(&identity), version.to_owned());
        identity.read_scopes()?;
        let look = blocking(move || {
            let scopes = job.read_scopes().unwrap_or_default();
            store.store.find(&Wanted { version: &wanted, key: &key, restore_keys: &keys, scopes })
        });
        let look = look.await?;
        let told = Told { hit: Some(look.found.is_some()), notice: look.notice() };
        let Some(found) = look.found else { return Ok((StatusCode::NO_CONTENT.into_response(), told)) };
        let content = Content { file: found.blob, size: found.size, sha256: found.sha256, artifact: None };
        let answer = json!({
            "cacheKey": found.key,
            "scope": found.scope,
            "cacheVersion": version,
            "creationTime": found.created_at.to_string(),
            "archiveLocation": shared.transfers.start_download(&shared.origin, identity, content),
        });
        Ok((Json(answer).into_response(), told))
    })
    .await
}

/// What a client that debugs asks after a miss: all entries with that beginning, whatever their version.
async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    answered(&shared, &headers, "ListCacheEntries", async |identity| {
        let (prefix, store) = (query.get("key").cloned().unwrap_or_default(), Arc::clone(&shared));
        let stock = blocking(move || store.store.stock()).await?;
        let scopes = identity.read_scopes()?;
        let is_seen = |scope: &str| scopes.contains(&scope);
        let seen = stock.iter().map(|it| &it.entry).filter(|it| it.key.starts_with(&prefix) && is_seen(&it.scope));
        let entry = |it: &super::lookup::Entry| {
            json!({
                "cacheKey": it.key,
                "scope": it.scope,
                "cacheVersion": it.version,
                "creationTime": it.created_at.to_string(),
            })
        };
        let entries: Vec<Value> = seen.map(entry).collect();
        Ok((Json(json!({"totalCount": entries.len(), "artifactCaches": entries})).into_response(), Told::default()))
    })
    .await
}

async fn reserve(State(shared): State<Arc<Shared>>, headers: HeaderMap, request: Request) -> Response {
    answered(&shared, &headers, "ReserveCache", async |identity| {
        let message = message(&shared, request).await?;
        let (key, version) =
            (valid_key(message.required_text("key")?)?.to_owned(), message.required_text("version")?.to_owned());
        too_large(message.count("cache_size")?, shared.store.limit())?;
        let Some(scope) = identity.write_scope().map(str::to_owned) else {
            return Err(invalid("cache write denied: token has no writable scopes".to_owned()));
        };
        shared.transfers.room_for_upload(&identity)?;
        let text = format!("Cache already exists. Scope: {scope}, Key: {key}, Version: {version}");
        let store = Arc::clone(&shared);
        let reservation = blocking(move || store.store.reserve(&scope, &version, &key)).await?;
        let Some(reservation) = reservation else { return Err(TwirpError::new(Code::AlreadyExists, text)) };
        let number = reservation.number();
        shared.transfers.start_upload(&shared.origin, identity, Right::Cache(reservation));
        Ok(((StatusCode::CREATED, Json(json!({"cacheId": number}))).into_response(), Told::default()))
    })
    .await
}

/// Takes a part; several come at once and in any order.
async fn upload(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    answered(&shared, &headers, "UploadChunk", async |identity| {
        let upload = reserved(&shared, &identity, &id)?;
        let range = headers.get(header::CONTENT_RANGE).and_then(|it| it.to_str().ok()).and_then(range);
        let (start, length) = range.ok_or_else(|| invalid("Content-Range must be `bytes START-END/*`".to_owned()))?;
        let announced = serve::content_length(&headers);
        if length > PART_LIMIT || announced.is_some_and(|it| it != length) {
            let length = announced.unwrap_or(length).max(length);
            return Err(invalid(format!(
                "{length} bytes come; a part has those of its range, and at most {PART_LIMIT}"
            )));
        }
        // Ids of one length sort as their numbers do.
        let id = format!("{start:020}");
        let taken = take_block(&shared, &upload, &id, request.into_body(), length).await;
        taken.map_err(|err| failed(&shared, &upload, err))?;
        Ok((StatusCode::NO_CONTENT.into_response(), Told::default()))
    })
    .await
}

/// Makes an entry of the parts, if they are all there.
async fn commit(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    answered(&shared, &headers, "CommitCache", async |identity| {
        let size = message(&shared, request).await?.count("size")?;
        let upload = reserved(&shared, &identity, &id)?;
        too_large(size, shared.store.limit())?;
        let (store, parts) = (Arc::clone(&shared), Arc::clone(&upload));
        let joined = blocking(move || {
            let mut blocks = Vec::new();
            let mut end = 0;
            for (start, block) in parts.parts() {
                if start.parse() != Ok(end) {
                    return Ok(Err(end));
                }
                end += block.length;
                blocks.push(block);
            }
            if end != size {
                return Ok(Err(end));
            }
            parts.commit_blocks(&blocks, store.store.uploads()).map(|_| Ok(()))
        });
        let joined = joined.await.inspect_err(|err| {
            if err.status() == StatusCode::INSUFFICIENT_STORAGE {
                shared.transfers.end_upload(&upload);
            }
        });
        if let Err(end) = joined? {
            return Err(invalid(format!("the size is {size}, but what was uploaded ends after {end} bytes")));
        }
        let (Right::Cache(reservation), archive) = upload.finish(size, None)? else { return Err(unknown(&id)) };
        shared.transfers.end_upload(&upload);
        let store = Arc::clone(&shared);
        let done = blocking(move || store.store.commit(&reservation, archive)).await?;
        match done {
            Some(_) => Ok((StatusCode::NO_CONTENT.into_response(), Told::default())),
            None => Err(TwirpError::new(Code::AlreadyExists, "Cache already exists.")),
        }
    })
    .await
}

fn text<'a>(query: &'a HashMap<String, String>, name: &str) -> Result<&'a str, TwirpError> {
    let text = query.get(name).map(String::as_str).filter(|it| !it.is_empty());
    text.ok_or_else(|| invalid(format!("{name} is required")))
}

async fn message(shared: &Shared, request: Request) -> Result<Message, TwirpError> {
    let body = serve::message(request.into_body(), BODY_LIMIT, shared.patience).await;
    Message::parse(&body.map_err(|err| invalid(format!("the request cannot be read: {err}")))?)
}

/// The upload for the entry that this very job has reserved.
fn reserved(shared: &Shared, identity: &Arc<JobIdentity>, id: &str) -> Result<Arc<Upload>, TwirpError> {
    let upload = id.parse().ok().and_then(|number| shared.transfers.upload_numbered(identity, number));
    upload.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> TwirpError {
    TwirpError::new(Code::NotFound, format!("this job has reserved no cache entry with the id {id}"))
}

fn invalid(message: String) -> TwirpError {
    TwirpError::new(Code::InvalidArgument, message)
}

/// What the client is told; on a full disk, what came so far goes: it is in the way of all others.
fn failed(shared: &Shared, upload: &Upload, err: BlobError) -> TwirpError {
    if err.is_full() {
        shared.transfers.end_upload(upload);
    }
    let (status, message) = err.told();
    let code = match status {
        StatusCode::INSUFFICIENT_STORAGE => Code::StorageFull,
        StatusCode::INTERNAL_SERVER_ERROR => Code::Internal,
        _ => Code::InvalidArgument,
    };
    TwirpError::new(code, message)
}

/// Start and length of `bytes START-END/*`.
fn range(header: &str) -> Option<(u64, u64)> {
    let (start, rest) = header.trim().strip_prefix("bytes")?.trim_start().split_once('-')?;
    let (end, _) = rest.split_once('/')?;
    let (start, end): (u64, u64) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
    Some((start, end.checked_sub(start)?.checked_add(1)?))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges() {
        assert_eq!(range("bytes 0-9/*"), Some((0, 10)));
        assert_eq!(range("bytes 10-10/11"), Some((10, 1)));
        for wrong in ["", "bytes 9-0/*", "bytes 0-9", "bytes -9/*", "0-9/*", "bytes 0-18446744073709551615/*"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }
}
