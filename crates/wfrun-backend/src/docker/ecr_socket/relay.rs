//! Requests in place of others, and their answers with the name that the client knows.

use std::io;
use std::path::Path;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use super::Names;
use super::head::Head;

/// Bodies of the requests that are rewritten are credentials, what a container is made of, or nothing.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The body of a request; `None` where its length is not said, or is too large.
pub(super) async fn body_of(client: &mut UnixStream, head: &Head, mut rest: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    if head.header("Transfer-Encoding").is_some() {
        return Ok(None);
    }
    let Ok(length) = head.header("Content-Length").unwrap_or("0").parse::<usize>() else { return Ok(None) };
    if length > BODY_LIMIT {
        return Ok(None);
    }
    while rest.len() < length {
        if client.read_buf(&mut rest).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    rest.truncate(length);
    Ok(Some(rest))
}

/// Sends a request to the engine and its answer to the client, line by line as it comes, with the registry's name in Amazon's form
/// where there are `names`.
/// Returns the answer's status.
pub(super) async fn relay(
    client: &mut UnixStream,
    engine: &Path,
    head: &Head,
    body: &[u8],
    names: Option<&Names>,
) -> io::Result<u16> {
    let mut answer = send(engine, head, body).await?;
    let (status, mut lines) = status_and_headers(&mut answer).await?;
    // The length changes with the names; the end of the connection is the end of the answer.
    lines.retain(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !matches!(&*name, "content-length" | "transfer-encoding" | "connection")
    });
    let headers = lines.iter().map(|line| format!("{line}\r\n")).collect::<Vec<_>>().concat();
    client.write_all(format!("HTTP/1.1 {status} \r\n{headers}Connection: close\r\n\r\n").as_bytes()).await?;
    let mut line = Vec::new();
    while answer.read_until(b'\n', &mut line).await? > 0 {
        match names {
            Some(names) => {
                let text = String::from_utf8_lossy(&line).replace(&names.here, &names.amazon);
                client.write_all(text.as_bytes()).await?;
            }
            None => client.write_all(&line).await?,
        }
        line.clear();
    }
    Ok(status)
}

/// Asks the engine something of its own; status and message.
pub(super) async fn ask(engine: &Path, method: &str, target: &str) -> io::Result<(u16, String)> {
    ask_with(engine, &Head::of(method, target)).await
}

/// The same with headers.
pub(super) async fn ask_with(engine: &Path, head: &Head) -> io::Result<(u16, String)> {
    let mut answer = send(engine, head, b"").await?;
    let (status, _) = status_and_headers(&mut answer).await?;
    let mut body = Vec::new();
    answer.read_to_end(&mut body).await?;
    let said = serde_json::from_slice(&body).ok().and_then(|body: serde_json::Value| {
        let message = body["message"].as_str()?;
        Some(message.to_owned())
    });
    Ok((status, said.unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned())))
}

/// Answers with an error in the engine's form.
pub(super) async fn refuse(client: &mut UnixStream, status: u16, message: &str) -> io::Result<()> {
    let body = json!({ "message": message }).to_string();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close"
    );
    client.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await?;
    client.shutdown().await
}

/// By HTTP/1.0, whose answers end with the connection and are not cut into chunks.
async fn send(engine: &Path, head: &Head, body: &[u8]) -> io::Result<BufReader<UnixStream>> {
    let mut engine = UnixStream::connect(engine).await?;
    let head = head.with("Connection", "close").with("Content-Length", &body.len().to_string());
    engine.write_all(&head.bytes("HTTP/1.0")).await?;
    engine.write_all(body).await?;
    Ok(BufReader::new(engine))
}

async fn status_and_headers(answer: &mut BufReader<UnixStream>) -> io::Result<(u16, Vec<String>)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if answer.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    let first = if lines.is_empty() { String::new() } else { lines.remove(0) };
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, lines))
}
