//! The three calls of `CacheService`.

use std::io;
use std::sync::Arc;

use serde_json::{Value, json};

use super::lookup::Wanted;
use crate::blob::{Content, Right, Subject};
use crate::identity::JobIdentity;
use crate::services::Shared;
use crate::twirp::{Code, Message, TwirpError};

/// The service's full name in URLs.
pub(crate) const SERVICE: &str = "github.actions.results.api.v1.CacheService";

/// The method that looks for an entry.
pub(crate) const LOOK_UP: &str = "GetCacheEntryDownloadURL";

/// What is answered, and what a person should know.
type Answer = (Value, Option<String>);

const KEY_LIMIT: usize = 512;
pub(super) const KEYS_LIMIT: usize = 10;

/// Answers one call.
///
/// Source: GitHub: execution rules E9.2
pub(crate) async fn call(
    shared: &Arc<Shared>,
    identity: &Arc<JobIdentity>,
    method: &str,
    body: &[u8],
) -> Result<Answer, TwirpError> {
    match method {
        "CreateCacheEntry" => create(shared, identity, &Message::parse(body)?).await.map(|it| (it, None)),
        "FinalizeCacheEntryUpload" => finalize(shared, identity, &Message::parse(body)?).await.map(|it| (it, None)),
        LOOK_UP => download_url(shared, identity, &Message::parse(body)?).await,
        other => Err(TwirpError::new(Code::Unimplemented, format!("{SERVICE} has no method {other} here"))),
    }
}

/// Reserves an entry and says where to upload it.
///
/// Both refusals are worded as GitHub's, because clients look for the words.
/// Source: <https://github.com/getodk/central-backend/issues/1444>, <https://github.com/Mic92/hestia/pull/84>
async fn create(shared: &Arc<Shared>, identity: &Arc<JobIdentity>, message: &Message) -> Result<Value, TwirpError> {
    let (key, version) =
        (valid_key(message.required_text("key")?)?.to_owned(), message.required_text("version")?.to_owned());
    let Some(scope) = identity.write_scope().map(str::to_owned) else {
        return Ok(json!({"ok": false, "message": "cache write denied: token has no writable scopes"}));
    };
    shared.transfers.room_for_upload(identity)?;
    let store = Arc::clone(shared);
    let reservation = blocking(move || store.store.reserve(&scope, &version, &key)).await?;
    let Some(reservation) = reservation else { return Err(exists()) };
    let url = shared.transfers.start_upload(&shared.origin, Arc::clone(identity), Right::Cache(reservation));
    Ok(json!({"ok": true, "signed_upload_url": url}))
}

/// Turns a finished upload into an entry.
async fn finalize(shared: &Arc<Shared>, identity: &Arc<JobIdentity>, message: &Message) -> Result<Value, TwirpError> {
    let (key, version) = (message.required_text("key")?, message.required_text("version")?);
    let size = message.count("size_bytes")?;
    let subject = Subject::Cache { key: key.to_owned(), version: version.to_owned() };
    let not_reserved =
        || TwirpError::new(Code::NotFound, format!("this job has reserved no cache entry with the key {key}"));
    let upload = shared.transfers.upload_of(identity, &subject).ok_or_else(not_reserved)?;
    too_large(size, shared.store.limit())?;
    let (Right::Cache(reservation), archive) = upload.finish(size, None)? else { return Err(not_reserved()) };
    shared.transfers.end_upload(&upload);
    let store = Arc::clone(shared);
    let number = blocking(move || store.store.commit(&reservation, archive)).await?;
    number.map(|number| json!({"ok": true, "entry_id": number.to_string()})).ok_or_else(exists)
}

/// Finds the entry for a key and says where to download it.
async fn download_url(
    shared: &Arc<Shared>,
    identity: &Arc<JobIdentity>,
    message: &Message,
) -> Result<Answer, TwirpError> {
    let (key, version) =
        (valid_key(message.required_text("key")?)?.to_owned(), message.required_text("version")?.to_owned());
    let restore_keys = message.texts("restore_keys")?;
    if restore_keys.len() >= KEYS_LIMIT {
        return Err(TwirpError::new(
            Code::InvalidArgument,
            format!("at most {KEYS_LIMIT} keys can be asked for, these are {}", restore_keys.len() + 1),
        ));
    }
    for key in &restore_keys {
        valid_key(key)?;
    }
    let (store, job) = (Arc::clone(shared), Arc::clone(identity));
    identity.read_scopes()?;
    let look = blocking(move || {
        let scopes = job.read_scopes().unwrap_or_default();
        store.store.find(&Wanted { version: &version, key: &key, restore_keys: &restore_keys, scopes })
    });
    let look = look.await?;
    let notice = look.notice();
    let answer = match look.found {
        None => json!({"ok": false}),
        Some(found) => {
            let matched_key = found.key.clone();
            let content = Content { file: found.blob, size: found.size, sha256: found.sha256, artifact: None };
            let url = shared.transfers.start_download(&shared.origin, Arc::clone(identity), content);
            json!({"ok": true, "signed_download_url": url, "matched_key": matched_key})
        }
    };
    Ok((answer, notice))
}

/// Source: GitHub: execution rules E9.4.1
pub(super) fn valid_key(key: &str) -> Result<&str, TwirpError> {
    let refuse = |why: String| Err(TwirpError::new(Code::InvalidArgument, why));
    let length = key.chars().count();
    if length > KEY_LIMIT {
        return refuse(format!("a key has at most {KEY_LIMIT} characters, this one has {length}"));
    }
    if key.contains(',') {
        return refuse(format!("a key cannot contain a comma: {key}"));
    }
    Ok(key)
}

/// One that is larger than all may be together would go at once.
pub(super) fn too_large(size: u64, limit: u64) -> Result<(), TwirpError> {
    if size <= limit {
        return Ok(());
    }
    let message = format!("an entry of {size} bytes is over the limit of this cache, which is {limit} bytes");
    Err(TwirpError::new(Code::InvalidArgument, message))
}

fn exists() -> TwirpError {
    TwirpError::new(Code::AlreadyExists, "cache entry with the same key, version, and scope already exists")
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, TwirpError> {
    let result = tokio::task::spawn_blocking(work).await.map_err(io::Error::from).flatten();
    result.map_err(|err| TwirpError::store("cache", &err))
}
