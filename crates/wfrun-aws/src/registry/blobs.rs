//! Blobs: pushed in one piece or in chunks, pulled whole or in part.

use std::io;

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::fault::Fault;
use super::route::{Visit, created, empty, parameter};
use super::store::Digest;
use crate::ecr::{BLOB_MOUNTING, setting};

/// Large enough that a layer of a gigabyte costs few system calls.
const READ_SIZE: usize = 256 * 1024;

/// `HEAD` and `GET` of a blob.
///
/// Source: OCI distribution specification 1.1, "Pulling blobs".
/// Differs: the bytes come at once; ECR redirects to S3.
pub(super) async fn get(
    visit: &Visit<'_>,
    digest: &str,
    headers: &HeaderMap,
    with_body: bool,
) -> Result<Response<Body>, Fault> {
    let unknown = || Fault::missing("BLOB_UNKNOWN", "blob unknown to registry");
    let size = visit.repository(|repository| repository.blobs.get(digest).copied())?.ok_or_else(unknown)?;
    let checked = Digest::read(digest).ok_or_else(unknown)?;
    let path = visit.account.registry().path(&checked);
    if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
        // Somebody emptied the folder: the client should push the blob again.
        return Err(unknown());
    }
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let part = asked.map(|range| byte_range(range, size));
    let (first, length) = match part {
        Some(Some((first, last))) => (first, last - first + 1),
        Some(None) => {
            let message = format!("the range is not within the blob's {size} bytes");
            return Err(Fault::new(StatusCode::RANGE_NOT_SATISFIABLE, "SIZE_INVALID", message));
        }
        None => (0, size),
    };
    let body = if with_body {
        let mut file = tokio::fs::File::open(&path).await.map_err(|_| unknown())?;
        file.seek(io::SeekFrom::Start(first)).await.map_err(|err| Fault::disk(&err))?;
        Body::from_stream(ReaderStream::with_capacity(file.take(length), READ_SIZE))
    } else {
        Body::empty()
    };
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, length)
        .header(header::ACCEPT_RANGES, "bytes")
        .header("docker-content-digest", digest);
    if part.is_some() {
        let range = format!("bytes {first}-{}/{size}", first + length - 1);
        response = response.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, range);
    }
    response.body(body).map_err(|err| Fault::bad("UNSUPPORTED", err.to_string()))
}

/// `POST …/blobs/uploads/`: starts an upload; with `digest` and a body it is complete at once, with `mount` and `from` it may be
/// unnecessary.
///
/// Source: OCI distribution specification 1.1, "Pushing blobs" and "Mounting a blob from another repository"; AWS ECR user guide,
/// "Blob mounting in Amazon ECR" (the account setting).
pub(super) async fn begin(visit: &Visit<'_>, name: &str, request: Request<Body>) -> Result<Response<Body>, Fault> {
    let [digest, mounted, from] = ["digest", "mount", "from"].map(|name| parameter(request.uri(), name));
    if let (Some(digest), Some(from)) = (mounted, from)
        && mount(visit, &digest, &from)?
    {
        return created(&format!("/v2/{name}/blobs/{digest}"), &digest);
    }
    let id = visit.account.registry().begin(&visit.owner()).map_err(|err| Fault::disk(&err))?;
    match digest {
        Some(digest) => complete(visit, name, &id, &digest, request).await,
        None => accepted(name, &id, 0),
    }
}

/// Enters a blob of another repository, if the account allows that and the blob is there.
fn mount(visit: &Visit<'_>, digest: &str, from: &str) -> Result<bool, Fault> {
    let size = visit.account.read(visit.region, |region| {
        let on = setting(&region.ecr, BLOB_MOUNTING) == "ENABLED";
        region.ecr.repositories.get(from).filter(|_| on).and_then(|source| source.blobs.get(digest).copied())
    });
    let Some(size) = size.filter(|_| visit.account.registry().has(digest)) else { return Ok(false) };
    visit.change(|repository| {
        repository.blobs.insert(digest.to_owned(), size);
        Ok(())
    })?;
    Ok(true)
}

/// `PATCH` of an upload: appends a chunk.
pub(super) async fn append(
    visit: &Visit<'_>,
    name: &str,
    id: &str,
    request: Request<Body>,
) -> Result<Response<Body>, Fault> {
    let upload = visit.account.registry().upload(&visit.owner(), id).ok_or_else(unknown_upload)?;
    let mut upload = upload.lock().await;
    in_order(request.headers(), upload.length)?;
    upload.append(request.into_body()).await?;
    accepted(name, id, upload.length)
}

/// `PUT` of an upload: the last chunk, or none, and the digest.
pub(super) async fn finish(
    visit: &Visit<'_>,
    name: &str,
    id: &str,
    request: Request<Body>,
) -> Result<Response<Body>, Fault> {
    let missing = || Fault::bad("DIGEST_INVALID", "the parameter `digest` is missing");
    let digest = parameter(request.uri(), "digest").ok_or_else(missing)?;
    complete(visit, name, id, &digest, request).await
}

/// `GET` of an upload: how far it came.
pub(super) async fn progress(visit: &Visit<'_>, name: &str, id: &str) -> Result<Response<Body>, Fault> {
    let upload = visit.account.registry().upload(&visit.owner(), id).ok_or_else(unknown_upload)?;
    let length = upload.lock().await.length;
    let mut response = accepted(name, id, length)?;
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// `DELETE` of an upload.
pub(super) fn cancel(visit: &Visit<'_>, id: &str) -> Result<Response<Body>, Fault> {
    visit.account.registry().upload(&visit.owner(), id).ok_or_else(unknown_upload)?;
    visit.account.registry().end(&visit.owner(), id);
    empty(StatusCode::NO_CONTENT)
}

async fn complete(
    visit: &Visit<'_>,
    name: &str,
    id: &str,
    digest: &str,
    request: Request<Body>,
) -> Result<Response<Body>, Fault> {
    let registry = visit.account.registry();
    let upload = registry.upload(&visit.owner(), id).ok_or_else(unknown_upload)?;
    let mut upload = upload.lock().await;
    in_order(request.headers(), upload.length)?;
    upload.append(request.into_body()).await?;
    // Whatever comes of it, the upload is over: its bytes cannot be taken back.
    registry.end(&visit.owner(), id);
    let checked =
        Digest::read(digest).ok_or_else(|| Fault::bad("DIGEST_INVALID", format!("`{digest}` is not a digest")))?;
    upload.keep(registry, &checked).await?;
    let length = upload.length;
    visit.change(|repository| {
        repository.blobs.insert(digest.to_owned(), length);
        Ok(())
    })?;
    created(&format!("/v2/{name}/blobs/{digest}"), digest)
}

fn accepted(name: &str, id: &str, length: u64) -> Result<Response<Body>, Fault> {
    let mut response = empty(StatusCode::ACCEPTED)?;
    let headers = response.headers_mut();
    let header =
        |text: String| text.parse().map_err(|_| Fault::bad("NAME_INVALID", "the name does not fit into a header"));
    headers.insert(header::LOCATION, header(format!("/v2/{name}/blobs/uploads/{id}"))?);
    headers.insert("docker-upload-uuid", header(id.to_owned())?);
    headers.insert(header::RANGE, header(format!("0-{}", length.saturating_sub(1)))?);
    Ok(response)
}

/// A chunk that says where it belongs must belong to the end, and be as long as it says.
fn in_order(headers: &HeaderMap, length: u64) -> Result<(), Fault> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(header::CONTENT_RANGE) else { return Ok(()) };
    let bounds = range.trim_start_matches("bytes ").split(['-', '/']).map(|bound| bound.parse::<u64>().ok());
    let bounds: Vec<_> = bounds.take(2).collect();
    let [Some(first), Some(last)] = bounds[..] else {
        return Err(Fault::bad("BLOB_UPLOAD_INVALID", format!("the range `{range}` is not one")));
    };
    if first != length {
        let message = format!("the chunk `{range}` does not follow the {length} bytes that were received");
        return Err(Fault::new(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID", message));
    }
    let span = last.checked_sub(first).and_then(|span| span.checked_add(1));
    match text(header::CONTENT_LENGTH).and_then(|size| size.parse::<u64>().ok()) {
        Some(size) if span != Some(size) => {
            Err(Fault::bad("SIZE_INVALID", format!("the chunk `{range}` has {size} bytes")))
        }
        Some(_) | None => Ok(()),
    }
}

/// First and last byte of a `Range` header over `size` bytes; `None` where it cannot be satisfied.
fn byte_range(range: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = size.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", suffix) => (size.saturating_sub(suffix.parse().ok()?), end),
        (first, "") => (first.parse().ok()?, end),
        (first, last) => (first.parse().ok()?, last.parse::<u64>().ok()?.min(end)),
    };
    (first <= last && last <= end).then_some((first, last))
}

fn unknown_upload() -> Fault {
    Fault::missing("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
}

#[cfg(test)]
mod tests {
    use super::byte_range;

    #[test]
    fn ranges() {
        let cases = [
            ("bytes=0-0", 10, Some((0, 0))),
            ("bytes=2-", 10, Some((2, 9))),
            ("bytes=-3", 10, Some((7, 9))),
            ("bytes=-30", 10, Some((0, 9))),
            ("bytes=5-99", 10, Some((5, 9))),
            ("bytes=10-", 10, None),
            ("bytes=5-4", 10, None),
            ("bytes=0-", 0, None),
            ("items=0-1", 10, None),
            ("bytes=x-1", 10, None),
        ];
        for (range, size, want) in cases {
            assert_eq!(byte_range(range, size), want, "{range} of {size}");
        }
    }
}
