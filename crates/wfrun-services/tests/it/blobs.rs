use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt as _;

use crate::client::{MAIN, Server, open, put, read, send};

/// Request headers, then status, `Content-Range` and body of the answer.
type Row<'a> = (&'a [(&'a str, &'a str)], u16, Option<&'a str>, &'a str);

fn block_id(number: u32) -> String {
    STANDARD.encode(format!("0f8fad5b-d9cb-469f-a165-70867728950e{number:012}"))
}

async fn put_block(url: &str, id: &str, content: &[u8]) -> u16 {
    let id = id.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    send("PUT", &format!("{url}&comp=block&blockid={id}"), &[], Some(content)).await.status
}

async fn put_list(url: &str, ids: &[String]) -> (u16, Option<String>) {
    let items: Vec<String> = ids.iter().map(|id| format!("<Latest>{id}</Latest>")).collect();
    let body = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{}</BlockList>", items.concat());
    let answer = send(
        "PUT",
        &format!("{url}&comp=blocklist"),
        &[("x-ms-blob-content-type", "application/zip")],
        Some(body.as_bytes()),
    )
    .await;
    (answer.status, answer.header("x-ms-error-code").map(str::to_owned))
}

#[tokio::test]
async fn blocks_in_any_order_become_the_blob_in_list_order() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    let url = job.create("k").await;
    for (number, content) in [(2, "cc"), (0, "wrong"), (1, "b"), (0, "aaa")] {
        assert_eq!(put_block(&url, &block_id(number), content.as_bytes()).await, 201);
    }
    let ids: Vec<String> = (0..3).map(block_id).collect();
    assert_eq!(put_list(&url, &ids).await, (201, None));
    assert_eq!(job.finalize("k", 6).await.status, 200);
    let (_, url) = job.find("k", &[]).await.expect("a hit");
    assert_eq!(send("GET", &url, &[], None).await.text(), "aaabcc");
    assert_eq!(server.calls().iter().filter(|it| it.contains("Put Block")).count(), 5);
}

#[tokio::test]
async fn block_lists_that_do_not_hold() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    let url = job.create("k").await;
    assert_eq!(put_block(&url, &block_id(0), b"a").await, 201);
    assert_eq!(put_list(&url, &[block_id(0), block_id(1)]).await, (400, Some("InvalidBlockList".to_owned())));
    assert_eq!(put_block(&url, "QQ==", b"a").await, 400, "ids of one length");
    assert_eq!(put_block(&url, "no base64!", b"a").await, 400);
    let answer = send("PUT", &format!("{url}&comp=blocklist"), &[], Some(b"hello")).await;
    assert_eq!((answer.status, answer.header("x-ms-error-code")), (400, Some("InvalidXmlDocument")));
    assert_eq!(job.finalize("k", 1).await.status, 412, "no list, no blob");
}

#[tokio::test]
async fn ranges_and_properties() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    job.save("k", b"0123456789").await;
    let (_, url) = job.find("k", &[]).await.expect("a hit");

    let whole = send("GET", &url, &[], None).await;
    assert_eq!(
        (whole.status, whole.header("content-length"), whole.header("accept-ranges")),
        (200, Some("10"), Some("bytes"))
    );
    assert_eq!(whole.header("x-ms-blob-type"), Some("BlockBlob"));

    let rows: [Row<'_>; 5] = [
        (&[("range", "bytes=2-4")], 206, Some("bytes 2-4/10"), "234"),
        (&[("x-ms-range", "bytes=8-")], 206, Some("bytes 8-9/10"), "89"),
        (&[("range", "bytes=0-0"), ("x-ms-range", "bytes=1-1")], 206, Some("bytes 1-1/10"), "1"),
        (&[("range", "bytes=-1")], 206, Some("bytes 9-9/10"), "9"),
        (&[("range", "bytes=0-100")], 206, Some("bytes 0-9/10"), "0123456789"),
    ];
    for (headers, status, content_range, body) in rows {
        let answer = send("GET", &url, headers, None).await;
        assert_eq!(
            (answer.status, answer.header("content-range"), answer.text().as_str()),
            (status, content_range, body),
            "{headers:?}"
        );
        assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()));
        assert_eq!(answer.header("etag"), whole.header("etag"));
    }
    let outside = send("GET", &url, &[("range", "bytes=10-")], None).await;
    assert_eq!((outside.status, outside.header("content-range")), (416, Some("bytes */10")));

    let head = send("HEAD", &url, &[], None).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("10"), 0));
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    let url = job.create("k").await;
    let nowhere = format!("{}blobs/x", server.services.url());
    for answer in [put(&url, b"x").await, put(&nowhere, b"x").await] {
        assert!(answer.header("x-ms-request-id").is_some_and(|id| !id.is_empty()), "{}", answer.headers);
    }
}

#[tokio::test]
async fn a_signature_opens_one_thing_only() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    let upload = job.create("a").await;
    job.save("b", b"x").await;
    let (_, download) = job.find("b", &[]).await.expect("a hit");
    let forged = download.replace("sig=", "sig=0");
    let unsigned = download.split('?').next().expect("a path").to_owned();
    for (method, url) in
        [("GET", &upload), ("PUT", &download), ("GET", &forged), ("HEAD", &unsigned), ("PUT", &unsigned)]
    {
        let answer =
            send(method, url, &[("x-ms-blob-type", "BlockBlob")], (method == "PUT").then_some(b"x".as_slice())).await;
        assert_eq!(answer.status, 403, "{method} {url}");
    }
    assert_eq!(send("DELETE", &download, &[], None).await.status, 405);
}

#[tokio::test]
async fn what_a_put_needs() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let url = server.job("test", &[MAIN]).create("a").await;
    let chunked = [("x-ms-blob-type", "BlockBlob"), ("transfer-encoding", "chunked")];
    for (headers, body, status) in [
        (&[][..], Some(b"x".as_slice()), 400),
        (&[("x-ms-blob-type", "PageBlob")], Some(b"x"), 400),
        (&chunked, None, 411),
        (&[("x-ms-blob-type", "BlockBlob")], Some(b"x"), 201),
    ] {
        let mut answer = send("PUT", &url, headers, body).await;
        assert_eq!(
            answer.status,
            status,
            "{headers:?}: {}",
            String::from_utf8_lossy(&std::mem::take(&mut answer.body))
        );
    }
}

#[tokio::test]
async fn a_broken_upload_leaves_nothing() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    let url = job.create("k").await;
    let mut stream = open("PUT", &url, &[("x-ms-blob-type", "BlockBlob"), ("content-length", "1000")]).await;
    stream.write_all(b"only this").await.expect("a connection");
    stream.shutdown().await.expect("a connection");
    let mut rest = Vec::new();
    // Answered or not: the connection is at its end, so that the request is, too.
    let ended = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await;
    assert!(ended.is_err() || !String::from_utf8_lossy(&rest).contains(" 201 "));
    assert_eq!(job.finalize("k", 9).await.status, 412);
    assert_eq!(job.find("k", &[]).await, None);
    // The client tries again, and that counts.
    assert_eq!(put(&url, b"whole").await.status, 201);
    assert_eq!(job.finalize("k", 5).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_not_held_in_memory() {
    const CHUNK: usize = 1 << 20;
    const CHUNKS: usize = 192;
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    let url = job.create("k").await;
    let before = peak_kilobytes();
    let length = (CHUNK * CHUNKS).to_string();
    let mut stream = open("PUT", &url, &[("x-ms-blob-type", "BlockBlob"), ("content-length", &length)]).await;
    let chunk = vec![7; CHUNK];
    for _ in 0..CHUNKS {
        stream.write_all(&chunk).await.expect("a connection");
    }
    assert_eq!(read(stream).await.status, 201);
    assert_eq!(job.finalize("k", CHUNK * CHUNKS).await.status, 200);
    let (_, url) = job.find("k", &[]).await.expect("a hit");
    let mut stream = open("GET", &url, &[]).await;
    let (mut received, mut buffer) = (0, vec![0; CHUNK]);
    loop {
        match tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await.expect("an answer") {
            0 => break,
            count => received += count,
        }
    }
    assert!(received > CHUNK * CHUNKS, "{received}");
    let grown = peak_kilobytes() - before;
    assert!(grown < 100 * 1024, "{grown} kB for a body of {} kB", CHUNK * CHUNKS / 1024);
}

/// The most memory this process has had.
fn peak_kilobytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a peak");
    line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).expect("a number")
}
