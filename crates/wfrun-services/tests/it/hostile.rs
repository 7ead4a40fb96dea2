//! Clients that mean harm, or have broken down.

use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wfrun_services::ServicesSettings;

use crate::client::{MAIN, Server, open, put, read, send, settings};

const PATIENCE: Duration = Duration::from_millis(300);

/// Time enough for a loaded machine; a client that is not let go would be waited for forever.
const LIMIT: Duration = Duration::from_mins(1);

async fn impatient(state: &std::path::Path) -> Server {
    Server::with(ServicesSettings { patience: PATIENCE, ..settings(state) }).await
}

async fn ends(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let ended = tokio::time::timeout(LIMIT, stream.read_to_end(&mut text)).await;
    // Cut or closed: both are an end.
    ended.expect("the connection ends").ok();
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn bodies_that_azure_would_not_take_are_not_read() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let url = server.job("test", &[MAIN]).create("k").await;
    for url in [url.clone(), format!("{url}&comp=block&blockid=QQ%3D%3D")] {
        let headers = [("x-ms-blob-type", "BlockBlob"), ("content-length", "10737418240")];
        let answer = read(open("PUT", &url, &headers).await).await;
        assert_eq!((answer.status, answer.header("x-ms-error-code")), (413, Some("RequestBodyTooLarge")));
    }
    assert_eq!(put(&url, b"x").await.status, 201);
}

/// The first protocol says a part's length by its range, and sends it in chunks.
#[tokio::test]
async fn parts_of_the_first_protocol_end_where_they_said() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let job = server.job("test", &[MAIN]);
    let number = job.reserve("k", 10).await.json()["cacheId"].clone();
    let url = format!("{}_apis/artifactcache/caches/{number}", job.url);
    let authorization = format!("Bearer {}", job.token);
    let headers = |more: [(&'static str, &'static str); 2]| {
        [vec![("authorization", authorization.as_str())], more.to_vec()].concat()
    };
    let large = headers([("content-range", "bytes 0-10737418239/*"), ("content-length", "10737418240")]);
    assert_eq!(read(open("PATCH", &url, &large).await).await.status, 400);
    let more = headers([("content-range", "bytes 0-9/*"), ("content-length", "10737418240")]);
    assert_eq!(read(open("PATCH", &url, &more).await).await.status, 400);
    let endless = headers([("content-range", "bytes 0-9/*"), ("transfer-encoding", "chunked")]);
    let mut stream = open("PATCH", &url, &endless).await;
    let chunk = [b"100000\r\n".to_vec(), vec![7; 1 << 20], b"\r\n".to_vec()].concat();
    let mut sent = 0;
    while sent < 256 && stream.write_all(&chunk).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 256, "a chunk of 1 MB was taken {sent} times for a part of 10 bytes");
    assert_eq!(job.commit(&number, 10).await.status, 400);
    assert_eq!(job.part(&number, 0, b"0123456789").await.status, 204);
    assert_eq!(job.commit(&number, 10).await.status, 204);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let state = tempfile::tempdir().expect("a folder");
    let server = impatient(state.path()).await;
    let job = server.job("test", &[MAIN]);
    let url = job.create("k").await;
    let mut stream = open("PUT", &url, &[("x-ms-blob-type", "BlockBlob"), ("content-length", "1000")]).await;
    stream.write_all(b"only this").await.expect("a connection");
    assert!(ends(stream).await.contains("OperationTimedOut"));
    assert_eq!(job.finalize("k", 9).await.status, 412, "half a body is none");
    let authorization = format!("Bearer {}", job.token);
    for path in ["twirp/github.actions.results.api.v1.ArtifactService/ListArtifacts", "_apis/artifactcache/caches"] {
        let address = format!("{}{path}", server.services.url());
        let stream = open("POST", &address, &[("authorization", &authorization), ("content-length", "5")]).await;
        assert!(ends(stream).await.contains("did not come in time"), "{path}");
    }
    let stream = open("PUT", &format!("{}&comp=blocklist", job.create("l").await), &[("content-length", "5")]).await;
    assert!(ends(stream).await.contains("did not come in time"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_are_let_go_and_others_are_answered() {
    let state = tempfile::tempdir().expect("a folder");
    let server = impatient(state.path()).await;
    let job = server.job("test", &[MAIN]);
    let address = server.services.url().replace("http://", "").replace('/', "");
    // Both ends of each connection are this process's.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("up to the hard limit anybody may");
    let mut silent = Vec::new();
    // As many as are taken at once; more wait.
    for number in 0..600 {
        let Ok(mut stream) = TcpStream::connect(&address).await else {
            println!("skipped: this process may open no more than {number} connections");
            // Room for what is asked next.
            silent.truncate(number - 50);
            break;
        };
        if number % 2 == 0 {
            stream.write_all(b"POST /twirp/x HTTP/1.1\r\nhost: x\r\nx-slow: ").await.expect("a connection");
        }
        silent.push(stream);
    }
    let started = Instant::now();
    let answer = tokio::time::timeout(LIMIT, job.call("CreateCacheEntry", json!({"key": "k", "version": "v"}))).await;
    assert_eq!(answer.expect("an answer").status, 200, "after {:?}", started.elapsed());
    for stream in silent {
        ends(stream).await;
    }
}

#[tokio::test]
async fn paths_of_signed_urls_lead_nowhere_else() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let job = server.job("test", &[MAIN]);
    job.save("k", b"content").await;
    let (_, url) = job.find("k", &[]).await.expect("a hit");
    let query = url.split_once('?').expect("a query").1.to_owned();
    let origin = server.services.url();
    // A signature names what it is for; the path is only for people to read.
    for path in ["blobs/..%2F..%2Fetc%2Fpasswd", "blobs/other"] {
        assert_eq!(send("GET", &format!("{origin}{path}?{query}"), &[], None).await.text(), "content");
    }
    assert_eq!(send("GET", &format!("{origin}blobs/../etc/passwd?{query}"), &[], None).await.status, 404);
}

#[tokio::test]
async fn asking_again_costs_nothing() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let [one, other] = ["one", "other"].map(|it| server.job(it, &[MAIN]));
    one.save("a", b"a").await;
    one.save("b", b"b").await;
    let first = one.find("a", &[]).await.expect("a hit").1;
    for (job, key, is_same) in [(&one, "a", true), (&one, "b", false), (&other, "a", false)] {
        assert_eq!(job.find(key, &[]).await.expect("a hit").1 == first, is_same, "{key}");
    }
}

#[tokio::test]
async fn a_job_has_only_so_many_uploads_open() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let [one, other] = ["one", "other"].map(|it| server.job(it, &[MAIN]));
    let first = one.create("0").await;
    for number in 1..1_000 {
        one.create(&number.to_string()).await;
    }
    let more = json!({"key": "more", "version": "v"});
    let refused = one.call("CreateCacheEntry", more.clone()).await;
    assert_eq!((refused.status, &refused.json()["code"]), (412, &json!("failed_precondition")), "{}", refused.text());
    other.create("others").await;
    put(&first, b"x").await;
    assert_eq!(one.finalize("0", 1).await.status, 200);
    assert_eq!(one.call("CreateCacheEntry", more).await.status, 200, "one that is finished makes room");
}
