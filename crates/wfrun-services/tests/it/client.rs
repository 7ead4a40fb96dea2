//! A job as the services see it: requests over a plain socket, so that nothing is hidden by a client library.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wfrun_services::{ApiNote, CacheScope, IdTokenIssuer, JobIdentity, ServiceCall, Services, ServicesSettings};

pub(crate) const MAIN: &str = "refs/heads/main";
pub(crate) const PULL: &str = "refs/pull/7/merge";

/// Running services with all calls they told of.
pub(crate) struct Server {
    pub(crate) services: Services,
    calls: Arc<Mutex<Vec<ServiceCall>>>,
}

/// Services that keep all they have below a folder.
pub(crate) fn settings(store: &Path) -> ServicesSettings {
    let below = ServicesSettings::below(store, store, u64::MAX, IdTokenIssuer::new(&store.join("oidc")));
    ServicesSettings { store: store.to_owned(), ..below }
}

impl Server {
    pub(crate) async fn start(store: &Path) -> Self {
        Self::with(settings(store)).await
    }

    /// Services whose cache may have so many bytes.
    pub(crate) async fn with_limit(store: &Path, limit: u64) -> Self {
        Self::with(ServicesSettings { cache_limit: limit, ..settings(store) }).await
    }

    pub(crate) async fn with(settings: ServicesSettings) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&calls);
        let services =
            Services::start(settings, move |call| told.lock().expect("no panic").push(call)).await.expect("services");
        Self { services, calls }
    }

    /// A job that writes to the first ref and reads all.
    pub(crate) fn job(&self, name: &str, refs: &[&str]) -> Job {
        let scope = |(index, git_ref): (usize, &&str)| CacheScope {
            git_ref: (*git_ref).to_owned(),
            read: true,
            write: index == 0,
        };
        self.job_with(name, refs.iter().enumerate().map(scope).collect())
    }

    pub(crate) fn job_with(&self, name: &str, scopes: Vec<CacheScope>) -> Job {
        self.job_of("1", name, scopes)
    }

    pub(crate) fn job_of(&self, run_id: &str, name: &str, scopes: Vec<CacheScope>) -> Job {
        let token = self.services.job_token(JobIdentity { run_id: run_id.to_owned(), job: name.to_owned(), scopes });
        Job { url: self.services.url(), token }
    }

    /// What was to be said of calls of the API.
    pub(crate) fn notes(&self) -> Vec<ApiNote> {
        let calls = self.calls.lock().expect("no panic");
        calls.iter().filter_map(|it| it.note.clone()).collect()
    }

    /// What a person should know of the calls so far.
    pub(crate) fn notices(&self) -> Vec<String> {
        let calls = self.calls.lock().expect("no panic");
        calls.iter().filter_map(|it| it.notice.clone()).collect()
    }

    /// Forgets the calls so far.
    pub(crate) fn forget(&self) {
        self.calls.lock().expect("no panic").clear();
    }

    /// The calls so far, as `job operation status`.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = self.calls.lock().expect("no panic");
        let looked = |hit: Option<bool>| hit.map_or("", |it| if it { " hit" } else { " miss" });
        let told =
            |it: &ServiceCall| format!("{} {} {} {}{}", it.service, it.job, it.operation, it.status, looked(it.hit));
        calls.iter().map(told).collect()
    }
}

pub(crate) struct Job {
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Job {
    /// Calls a method of the cache service.
    pub(crate) async fn call(&self, method: &str, body: Value) -> Answer {
        self.twirp("github.actions.results.api.v1.CacheService", method, &body.to_string()).await
    }

    pub(crate) async fn twirp(&self, service: &str, method: &str, body: &str) -> Answer {
        let url = format!("{}twirp/{service}/{method}", self.url);
        let authorization = format!("Bearer {}", self.token);
        send(
            "POST",
            &url,
            &[("content-type", "application/json"), ("authorization", &authorization)],
            Some(body.as_bytes()),
        )
        .await
    }

    /// Reserves an entry and returns its upload URL.
    pub(crate) async fn create(&self, key: &str) -> String {
        let answer = self.call("CreateCacheEntry", json!({"key": key, "version": "v"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["signed_upload_url"].as_str().expect("an upload URL").to_owned()
    }

    pub(crate) async fn finalize(&self, key: &str, size: usize) -> Answer {
        self.call("FinalizeCacheEntryUpload", json!({"key": key, "version": "v", "size_bytes": size.to_string()})).await
    }

    /// Saves as the toolkit does: reserve, put, finalize.
    pub(crate) async fn save(&self, key: &str, content: &[u8]) {
        let url = self.create(key).await;
        assert_eq!(put(&url, content).await.status, 201);
        let answer = self.finalize(key, content.len()).await;
        assert_eq!((answer.status, &answer.json()["ok"]), (200, &json!(true)), "{}", answer.text());
    }

    /// Asks for an entry: its key and download URL.
    pub(crate) async fn find(&self, key: &str, restore_keys: &[&str]) -> Option<(String, String)> {
        let answer = self
            .call("GetCacheEntryDownloadURL", json!({"key": key, "restore_keys": restore_keys, "version": "v"}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let it = answer.json();
        let text = |name: &str| it[name].as_str().map(str::to_owned);
        assert_eq!(it["ok"], json!(text("matched_key").is_some()));
        text("matched_key").zip(text("signed_download_url"))
    }
}

/// Puts a blob in one request.
pub(crate) async fn put(url: &str, content: &[u8]) -> Answer {
    send("PUT", url, &[("x-ms-blob-type", "BlockBlob")], Some(content)).await
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|err| panic!("{err}: {}", self.text()))
    }
}

/// Sends one request with a body of known length, or none, and reads the answer to its end.
pub(crate) async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
    let length = body.map(|body| body.len().to_string());
    let mut all = headers.to_vec();
    all.extend(length.as_deref().map(|length| ("content-length", length)));
    let mut stream = open(method, url, &all).await;
    stream.write_all(body.unwrap_or_default()).await.expect("a connection");
    read(stream).await
}

/// Connects and sends the head of a request; the body is up to the caller.
pub(crate) async fn open(method: &str, url: &str, headers: &[(&str, &str)]) -> TcpStream {
    let (host, path) = url.strip_prefix("http://").and_then(|it| it.split_once('/')).expect("an http URL");
    let mut stream = TcpStream::connect(host).await.expect("a server");
    let fields: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{}\r\n", fields.concat());
    stream.write_all(head.as_bytes()).await.expect("a connection");
    stream
}

pub(crate) async fn read(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let headers = String::from_utf8_lossy(&bytes[..split]).into_owned();
    let status = headers.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    Answer { status, headers, body: bytes[split + 4..].to_vec() }
}
