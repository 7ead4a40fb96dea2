//! Requests to signed URLs.

use std::collections::HashMap;
use std::io::{ErrorKind, SeekFrom};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::block_list;
use super::error::BlobError;
use super::range::{self, Range};
use super::receive::{receive, receive_block};
use super::transfers::{Download, Transfer, Upload};
use super::under_way::{Bodies, FEW};
use crate::serve::{content_length, message};
use crate::services::Shared;

/// Azure takes 50,000 blocks, each id up to 88 characters and some tags around it.
const BLOCK_LIST_LIMIT: usize = 8 * 1024 * 1024;

/// Bytes of one Put Blob; the next is for one Put Block.
///
/// Source: <https://learn.microsoft.com/en-us/rest/api/storageservices/understanding-block-blobs--append-blobs--and-page-blobs>
const BLOB_LIMIT: u64 = 5000 * 1024 * 1024;
const BLOCK_LIMIT: u64 = 4000 * 1024 * 1024;

/// Bytes that are read at once of a blob.
const READ_CHUNK: usize = 256 * 1024;
/// The same where many are read at once: a client may ask and not take the answer.
const SMALL_CHUNK: usize = 8 * 1024;

static READING: Bodies = Bodies::new(FEW, READ_CHUNK, SMALL_CHUNK);

/// A response, with what to tell the observer about it.
pub(crate) struct Answered {
    pub(crate) response: Response,
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) job: String,
}

/// Answers a request to `/blobs/…`.
pub(crate) async fn answer(shared: &Arc<Shared>, query: &HashMap<String, String>, request: Request) -> Answered {
    let operation = operation(request.method(), query);
    let transfer = query.get("sig").and_then(|signature| shared.transfers.get(signature));
    let (service, job) = match &transfer {
        Some(Transfer::Upload(it)) => (it.subject.service(), it.identity.job.clone()),
        Some(Transfer::Download(it)) => (it.service(), it.identity.job.clone()),
        None => ("results", String::new()),
    };
    let upload = match &transfer {
        Some(Transfer::Upload(it)) => Some(Arc::clone(it)),
        Some(Transfer::Download(_)) | None => None,
    };
    let head = request.method() == Method::HEAD;
    let result = match (operation, transfer) {
        (PUT_BLOB, Some(Transfer::Upload(upload))) => put_blob(shared, &upload, request).await,
        (PUT_BLOCK, Some(Transfer::Upload(upload))) => put_block(shared, &upload, query, request).await,
        (PUT_BLOCK_LIST, Some(Transfer::Upload(upload))) => put_block_list(shared, &upload, request).await,
        (GET_BLOB | GET_PROPERTIES, Some(Transfer::Download(download))) => {
            get(&download, request.headers(), head).await
        }
        (UNKNOWN, _) => Err(BlobError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "UnsupportedHttpVerb",
            "only Put Blob, Put Block, Put Block List, Get Blob and Get Blob Properties are known here",
        )),
        (_, _) => Err(BlobError::forbidden()),
    };
    if let (Err(err), Some(upload)) = (&result, upload)
        && err.is_full()
    {
        // Nobody says that a client has given up, and what came so far is in the way of all others.
        shared.transfers.end_upload(&upload);
    }
    let mut response = result.unwrap_or_else(axum::response::IntoResponse::into_response);
    // BuildKit's client dereferences this header without a look.
    let id = HeaderValue::from_str(&Uuid::new_v4().to_string()).expect("a UUID is plain ASCII");
    response.headers_mut().insert("x-ms-request-id", id);
    Answered { response, service, operation, job }
}

/// All of a blob at once.
pub(crate) const PUT_BLOB: &str = "Put Blob";
const PUT_BLOCK: &str = "Put Block";
const PUT_BLOCK_LIST: &str = "Put Block List";
const GET_BLOB: &str = "Get Blob";
const GET_PROPERTIES: &str = "Get Blob Properties";
const UNKNOWN: &str = "unknown";

fn operation(method: &Method, query: &HashMap<String, String>) -> &'static str {
    match (method.as_str(), query.get("comp").map(String::as_str)) {
        ("PUT", None) => PUT_BLOB,
        ("PUT", Some("block")) => PUT_BLOCK,
        ("PUT", Some("blocklist")) => PUT_BLOCK_LIST,
        ("GET", None) => GET_BLOB,
        ("HEAD", None) => GET_PROPERTIES,
        (_, _) => UNKNOWN,
    }
}

async fn put_blob(shared: &Shared, upload: &Upload, request: Request) -> Result<Response, BlobError> {
    match text(request.headers(), "x-ms-blob-type") {
        Some("BlockBlob") => {}
        Some(other) => {
            return Err(BlobError::new(
                StatusCode::BAD_REQUEST,
                "InvalidHeaderValue",
                format!("x-ms-blob-type {other}: only BlockBlob is taken"),
            ));
        }
        None => {
            return Err(BlobError::new(StatusCode::BAD_REQUEST, "MissingRequiredHeader", "x-ms-blob-type is missing"));
        }
    }
    let length = length(request.headers(), BLOB_LIMIT)?;
    let archive = receive(request.into_body(), length, shared.store.uploads(), shared.patience).await?;
    let headers = told_of(&archive.sha256);
    upload.put(archive);
    Ok((StatusCode::CREATED, headers).into_response())
}

async fn put_block(
    shared: &Shared,
    upload: &Upload,
    query: &HashMap<String, String>,
    request: Request,
) -> Result<Response, BlobError> {
    let id = query.get("blockid").map_or("", String::as_str);
    if !STANDARD.decode(id).is_ok_and(|id| (1..=64).contains(&id.len())) {
        return Err(BlobError::new(
            StatusCode::BAD_REQUEST,
            "InvalidQueryParameterValue",
            "blockid must be base64 of 1 to 64 bytes",
        ));
    }
    let length = length(request.headers(), BLOCK_LIMIT)?;
    take_block(shared, upload, id, request.into_body(), length).await?;
    Ok(StatusCode::CREATED.into_response())
}

/// Takes a body of that many bytes as a block of an upload.
pub(crate) async fn take_block(
    shared: &Shared,
    upload: &Upload,
    id: &str,
    body: Body,
    length: u64,
) -> Result<(), BlobError> {
    let place = upload.place(length, shared.store.uploads()).map_err(|err| BlobError::store(&err))?;
    receive_block(body, &place, shared.patience).await?;
    let spool = place.written();
    upload.put_block(id, place)?;
    // Beside the blocks that come next.
    tokio::task::spawn_blocking(move || spool.follow());
    Ok(())
}

async fn put_block_list(shared: &Arc<Shared>, upload: &Arc<Upload>, request: Request) -> Result<Response, BlobError> {
    let invalid = |why: String| BlobError::new(StatusCode::BAD_REQUEST, "InvalidXmlDocument", why);
    let body = message(request.into_body(), BLOCK_LIST_LIMIT, shared.patience).await;
    let body = body.map_err(|err| invalid(format!("the list cannot be read: {err}")))?;
    let ids = std::str::from_utf8(&body)
        .ok()
        .and_then(block_list::parse)
        .ok_or_else(|| invalid("this is no BlockList".to_owned()))?;
    // Other large messages wait for this one, and need not wait for the blocks.
    drop(body);
    let blocks = upload.blocks(&ids)?;
    let (shared, upload) = (Arc::clone(shared), Arc::clone(upload));
    let joined = tokio::task::spawn_blocking(move || upload.commit_blocks(&blocks, shared.store.uploads())).await;
    let sha256 = joined.map_err(std::io::Error::from).flatten().map_err(|err| BlobError::store(&err))?;
    Ok((StatusCode::CREATED, told_of(&sha256)).into_response())
}

async fn get(download: &Download, headers: &HeaderMap, head: bool) -> Result<Response, BlobError> {
    let found = &download.content;
    let range = range::parse(text(headers, "x-ms-range").or_else(|| text(headers, "range")), found.size);
    let (status, start, length) = match range {
        Range::Whole => (StatusCode::OK, 0, found.size),
        Range::Part { start, length } => (StatusCode::PARTIAL_CONTENT, start, length),
        Range::Outside => {
            let mut response = BlobError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "InvalidRange",
                format!("the blob has {} bytes", found.size),
            )
            .into_response();
            response.headers_mut().insert(header::CONTENT_RANGE, value(&format!("bytes */{}", found.size)));
            return Ok(response);
        }
    };
    let body = if head {
        Body::empty()
    } else {
        let gone = |err: std::io::Error| {
            if err.kind() == ErrorKind::NotFound { BlobError::gone() } else { BlobError::store(&err) }
        };
        let mut file = tokio::fs::File::open(&found.file).await.map_err(gone)?;
        file.seek(SeekFrom::Start(start)).await.map_err(|err| BlobError::store(&err))?;
        let reading = READING.begin();
        let chunks = ReaderStream::with_capacity(file.take(length), reading.room);
        Body::from_stream(chunks.scan(reading, |_kept, chunk| std::future::ready(Some(chunk))))
    };
    let mut response = (status, body).into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_LENGTH, value(&length.to_string()));
    let (content_type, disposition) = match &found.artifact {
        Some(it) => (value(&it.content_type), Some(value(&disposition(&it.file_name)))),
        None => (HeaderValue::from_static("application/octet-stream"), None),
    };
    out.insert(header::CONTENT_TYPE, content_type);
    out.extend(disposition.map(|it| (header::CONTENT_DISPOSITION, it)));
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::ETAG, value(&tag(&found.sha256)));
    out.insert("x-ms-blob-type", HeaderValue::from_static("BlockBlob"));
    if status == StatusCode::PARTIAL_CONTENT {
        out.insert(header::CONTENT_RANGE, value(&format!("bytes {start}-{}/{}", start + length - 1, found.size)));
    }
    Ok(response)
}

const ESCAPED: AsciiSet = NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'-');

/// A name for who saves the content: plain for old readers, and as it is for those that know RFC 5987.
fn disposition(name: &str) -> String {
    let plain: String = name.chars().map(|it| if is_plain(it) { it } else { '_' }).collect();
    let whole = utf8_percent_encode(name, &ESCAPED);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

fn is_plain(it: char) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-')
}

/// The announced length; a body of unknown length is refused, as by Azure, so that a cut is never taken for an end.
fn length(headers: &HeaderMap, limit: u64) -> Result<u64, BlobError> {
    let missing =
        || BlobError::new(StatusCode::LENGTH_REQUIRED, "MissingContentLengthHeader", "Content-Length is missing");
    let length = content_length(headers).ok_or_else(missing)?;
    if length > limit {
        let message = format!("{length} bytes are announced, at most {limit} are taken at once");
        return Err(BlobError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestBodyTooLarge", message));
    }
    Ok(length)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|it| it.to_str().ok())
}

/// What is told of content that has been taken: who sends it need not make its digest, too.
fn told_of(sha256: &str) -> [(HeaderName, HeaderValue); 2] {
    [(header::ETAG, value(&tag(sha256))), (HeaderName::from_static("x-wfrun-sha256"), value(sha256))]
}

fn tag(sha256: &str) -> String {
    format!("\"0x{}\"", sha256.get(..16).unwrap_or_default().to_uppercase())
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("what is told of content is made of, or was looked at for, visible ASCII")
}
