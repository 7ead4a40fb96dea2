//! An account with its endpoint, and a plain HTTP client.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use wfrun_aws::{
    Account, AccountFile, AccountSettings, Clock, Endpoint, Keys, Notice, ServiceCall, Wanted, WantedService,
    WantedTaskDefinition,
};

/// How long what is sure to come may take on the slowest machine; nothing waits so long that goes well.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A port at which nobody listens, nor will as long as its socket is kept.
pub(crate) fn port_without_listener() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let port = socket.local_addr().expect("an address").port();
    (socket, port)
}

/// The account's folder, the account, and its endpoint.
pub(crate) struct World {
    pub(crate) account: Arc<Account>,
    pub(crate) endpoint: Endpoint,
    pub(crate) calls: Arc<Mutex<Vec<ServiceCall>>>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found =
            self.head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }
}

/// What the example workflow names.
pub(crate) fn news_api() -> Wanted {
    Wanted {
        account: None,
        region: Some("us-east-1".to_owned()),
        repositories: vec!["news-api".to_owned()],
        clusters: vec!["news-api-cluster".to_owned()],
        services: vec![WantedService {
            cluster: "news-api-cluster".to_owned(),
            service: "news-api-service".to_owned(),
            by_code_deploy: false,
        }],
        task_definitions: vec![WantedTaskDefinition {
            family: "news-api-task".to_owned(),
            containers: vec!["news-api".to_owned()],
        }],
    }
}

pub(crate) fn settings(folder: &Path, file: &str, wanted: Wanted) -> AccountSettings {
    let file = AccountFile::parse(file).expect("the test's account file is valid");
    AccountSettings {
        file,
        file_dir: folder.to_owned(),
        wanted,
        state_dir: folder.join("aws"),
        injections: Vec::new(),
        launcher: None,
        iam_policies: Vec::new(),
    }
}

impl World {
    /// An account for the example workflow in a new folder.
    pub(crate) async fn new() -> (Self, TempDir) {
        Self::with_file("").await
    }

    pub(crate) async fn with_file(file: &str) -> (Self, TempDir) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        (Self::open(folder.path(), file, Clock::system()).await, folder)
    }

    pub(crate) async fn open(folder: &Path, file: &str, clock: Clock) -> Self {
        Self::open_with(settings(folder, file, news_api()), clock).await
    }

    pub(crate) async fn open_with(settings: AccountSettings, clock: Clock) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let observer = move |call| seen.lock().expect("no test panics with the lock").push(call);
        let (account, notices) =
            Account::open_with_clock(settings, clock.clone(), observer).expect("the account opens");
        let account = Arc::new(account);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let endpoint = Endpoint::start(Arc::clone(&account), listener).await.expect("the endpoint starts");
        let keys = account.mint_keys("github-actions-deploy");
        Self { account, endpoint, calls, notices, keys, clock }
    }

    pub(crate) fn host(&self) -> String {
        self.endpoint.url().trim_start_matches("http://").to_owned()
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut signed = Vec::new();
        for (name, value) in headers {
            let value = match value.strip_suffix("Signature=00") {
                Some(_) if value.contains(&self.keys.access_key_id) => {
                    let date = crate::signing::date(&self.clock);
                    let value = crate::signing::sign((method, path), &self.host(), &date, value, &self.keys, body);
                    signed.push(("X-Amz-Date", date));
                    value
                }
                Some(_) | None => (*value).to_owned(),
            };
            signed.push((*name, value));
        }
        let headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        send_to(&self.host(), method, path, &headers, body).await
    }

    /// An `Authorization` header that [`World::send`] completes: the day, the signed headers and the signature.
    pub(crate) fn authorization(&self, service: &str) -> String {
        self.authorization_in("us-east-1", service)
    }

    fn authorization_in(&self, region: &str, service: &str) -> String {
        let key = &self.keys.access_key_id;
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/20261123/{region}/{service}/aws4_request, SignedHeaders=host, Signature=00"
        )
    }

    /// A call of an AWS JSON 1.1 operation.
    pub(crate) async fn call(&self, service: &str, operation: &str, input: &Value) -> Answer {
        self.call_in("us-east-1", service, operation, input).await
    }

    /// The same in any region.
    pub(crate) async fn call_in(&self, region: &str, service: &str, operation: &str, input: &Value) -> Answer {
        let prefix = match service {
            "ecs" => "AmazonEC2ContainerServiceV20141113",
            "ecr" => "AmazonEC2ContainerRegistry_V20150921",
            "ecr-public" => "SpencerFrontendService",
            "logs" => "Logs_20140328",
            other => other,
        };
        let (authorization, target) = (self.authorization_in(region, service), format!("{prefix}.{operation}"));
        let headers = [
            ("Authorization", authorization.as_str()),
            ("X-Amz-Target", &target),
            ("Content-Type", "application/x-amz-json-1.1"),
        ];
        self.send("POST", "/", &headers, input.to_string().as_bytes()).await
    }

    /// A call of an operation of the Query protocol: `form` is what follows the action, as `&UserName=x`.
    pub(crate) async fn query(&self, service: &str, operation: &str, form: &str) -> Answer {
        let version = match service {
            "sts" => "2011-06-15",
            "iam" => "2010-05-08",
            "elasticloadbalancing" => "2015-12-01",
            other => panic!("{other} has no version here"),
        };
        self.versioned(service, (operation, version), form).await
    }

    /// The same of any service.
    pub(crate) async fn versioned(&self, service: &str, (operation, version): (&str, &str), form: &str) -> Answer {
        let authorization = self.authorization(service);
        let headers =
            [("Authorization", authorization.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        self.send("POST", "/", &headers, format!("Action={operation}&Version={version}{form}").as_bytes()).await
    }

    /// The same account for somebody else.
    pub(crate) fn acting_as(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    /// A call that succeeds.
    pub(crate) async fn ok(&self, service: &str, operation: &str, input: &Value) -> Value {
        let answer = self.call(service, operation, input).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
        answer.json()
    }

    /// A call that is refused: code and message.
    pub(crate) async fn refused(&self, service: &str, operation: &str, input: &Value) -> (String, String) {
        let answer = self.call(service, operation, input).await;
        assert_eq!(answer.status, 400, "{operation}: {}", answer.text());
        let body = answer.json();
        let code = body["__type"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answer.header("x-amzn-errortype"), Some(code.as_str()));
        (code, body["message"].as_str().unwrap_or_default().to_owned())
    }

    /// What people were told with the calls so far.
    pub(crate) fn told(&self) -> Vec<String> {
        let calls = self.calls.lock().expect("no test panics with the lock");
        calls.iter().flat_map(|call| &call.notices).map(|notice| notice.message.clone()).collect()
    }

    /// Waits until `done` holds.
    pub(crate) async fn until(&self, what: &'static str, done: impl AsyncFn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self).await {
            assert!(Instant::now() < deadline, "{what} did not come");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The `Authorization` header of `docker`, after `docker login`.
    pub(crate) async fn docker_login(&self) -> String {
        let answer = self.ok("ecr", "GetAuthorizationToken", &json!({})).await;
        format!("Basic {}", answer["authorizationData"][0]["authorizationToken"].as_str().expect("a token"))
    }

    /// Pushes an image of one layer and returns its digest.
    pub(crate) async fn push(&self, repository: &str, tag: &str, layer: &[u8]) -> String {
        let authorization = self.docker_login().await;
        let config = br#"{"architecture":"amd64","os":"linux"}"#;
        for blob in [layer, config] {
            let path = format!("/v2/{repository}/blobs/uploads/?digest={}", digest(blob));
            let answer = self.send("POST", &path, &[("Authorization", &authorization)], blob).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
        let manifest = manifest(config, layer);
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", DOCKER_MANIFEST)];
        let answer =
            self.send("PUT", &format!("/v2/{repository}/manifests/{tag}"), &headers, manifest.as_bytes()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        digest(manifest.as_bytes())
    }
}

/// One request to `host` on a connection of its own.
pub(crate) async fn send_to(host: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    let chunked = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"));
    if !chunked {
        head.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    for (name, value) in headers {
        head.extend([*name, ": ", *value, "\r\n"]);
    }
    let mut stream = TcpStream::connect(host).await.expect("the endpoint listens");
    stream.write_all(format!("{head}\r\n").as_bytes()).await.expect("the endpoint reads");
    stream.write_all(body).await.expect("the endpoint reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the endpoint answers");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status");
    Answer { status, head, body: answer[end + 4..].to_vec() }
}

pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

pub(crate) fn manifest(config: &[u8], layer: &[u8]) -> String {
    json!({
        "schemaVersion": 2, "mediaType": DOCKER_MANIFEST,
        "config": { "mediaType": "application/vnd.docker.container.image.v1+json", "size": config.len(), "digest": digest(config) },
        "layers": [{
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": layer.len(), "digest": digest(layer),
        }],
    })
    .to_string()
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A text as a form's field has it, each byte escaped.
pub(crate) fn percent_encoded(text: &str) -> String {
    text.bytes().flat_map(|byte| ["%".to_owned(), hex::encode([byte])]).collect()
}
