//! An account whose tasks are containers, and a plain client of it.
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use wfrun_aws::{AccountFile, AccountSettings, Wanted};
use wfrun_backend::DockerBackend;
use wfrun_engine::FactKind;
use wfrun_runner::{Aws, AwsSettings, DockerLauncher, TaskSettings};
use wfrun_services::IdTokenIssuer;

use crate::engine::task_executable;

/// An account that is served.
pub(crate) struct World {
    pub(crate) aws: Aws,
    pub(crate) run_id: String,
    facts: mpsc::Receiver<FactKind>,
    _folder: tempfile::TempDir,
}

impl World {
    /// Opens one; `file` is its account file but for the runtime.
    pub(crate) async fn open(test: &str, file: &str) -> Self {
        let run_id = format!("ecs-test-{test}-{}", std::process::id());
        let settings = TaskSettings {
            run_id: run_id.clone(),
            executable: task_executable(),
            secrets: IndexMap::from([("/app/url".to_owned(), "postgres://db".to_owned())]),
            health_scale: 0.05,
        };
        let engine = DockerBackend::connect().await.expect("the engine answers");
        let tasks = Arc::new(DockerLauncher::new(engine, settings).expect("the reaper starts"));
        Self::start(run_id, file, Some(tasks)).await
    }

    /// Opens one that simulates its tasks; `file` is its account file.
    pub(crate) async fn simulated(file: &str) -> Self {
        Self::start(String::new(), file, None).await
    }

    async fn start(run_id: String, file: &str, tasks: Option<Arc<DockerLauncher>>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut read = AccountFile::parse(file).expect("the account file is right");
        if tasks.is_some() {
            read.ecs.runtime = wfrun_aws::Runtime::Docker;
        }
        read.auth.verify = wfrun_aws::Verify::None;
        read.ecs.waiter_hold = Some(0);
        let account = AccountSettings {
            file: read,
            file_dir: folder.path().to_owned(),
            wanted: Wanted {
                region: Some("us-east-1".to_owned()),
                clusters: vec!["c".to_owned()],
                ..Wanted::default()
            },
            state_dir: folder.path().join("aws"),
            iam_policies: Vec::new(),
            injections: Vec::new(),
            launcher: None,
        };
        let (sender, facts) = mpsc::channel(1024);
        let issuer = IdTokenIssuer::new(folder.path());
        let (aws, _) =
            Aws::start(AwsSettings { account, tasks, names: None }, issuer, sender).await.expect("it starts");
        Self { aws, run_id, facts, _folder: folder }
    }

    pub(crate) fn host(&self) -> String {
        self.aws.endpoint.url().trim_start_matches("http://").to_owned()
    }

    /// Ends it; gives back what was told.
    pub(crate) async fn stop(self) -> mpsc::Receiver<FactKind> {
        self.aws.stop().await;
        self.facts
    }

    /// What people were told.
    pub(crate) fn notices(&mut self) -> Vec<String> {
        let facts = std::iter::from_fn(|| self.facts.try_recv().ok());
        let told = facts.filter_map(|fact| {
            if let FactKind::Noticed(message) | FactKind::Warned(message) = fact { Some(message) } else { None }
        });
        told.collect()
    }

    /// What people were warned of.
    pub(crate) fn warnings(&mut self) -> Vec<String> {
        let facts = std::iter::from_fn(|| self.facts.try_recv().ok());
        facts.filter_map(|fact| if let FactKind::Warned(message) = fact { Some(message) } else { None }).collect()
    }

    /// A call that succeeds.
    pub(crate) async fn ok(&self, service: &str, operation: &str, input: &Value) -> Value {
        let prefix = match service {
            "ecs" => "AmazonEC2ContainerServiceV20141113",
            "ecr" => "AmazonEC2ContainerRegistry_V20150921",
            other => panic!("{other} is not called"),
        };
        let head = format!("X-Amz-Target: {prefix}.{operation}\r\nContent-Type: application/x-amz-json-1.1\r\n");
        let said = self.send("POST /", service, &head, &input.to_string()).await;
        let (head, body) = said.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200"), "{operation}: {said}");
        serde_json::from_str(body).expect("JSON")
    }

    /// A call of the Query protocol; returns the XML.
    pub(crate) async fn query(&self, form: &str) -> String {
        let head = "Content-Type: application/x-www-form-urlencoded\r\n";
        let said = self.send("POST /", "elasticloadbalancing", head, &format!("{form}&Version=2015-12-01")).await;
        assert!(said.starts_with("HTTP/1.1 200"), "{form}: {said}");
        said
    }

    async fn send(&self, what: &str, service: &str, head: &str, body: &str) -> String {
        let key = self.aws.account.shell_keys().access_key_id;
        let authorization = format!(
            "Authorization: AWS4-HMAC-SHA256 Credential={key}/20261123/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00\r\n"
        );
        let length = body.len();
        let host = self.host();
        let request = format!(
            "{what} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{authorization}{head}\r\n{body}"
        );
        exchange(&host, &request).await.expect("it answers")
    }

    /// A service of one container, with what is said of it added.
    pub(crate) async fn register(&self, containers: Value) {
        let input = json!({ "family": "api", "memory": "128", "containerDefinitions": containers });
        self.ok("ecs", "RegisterTaskDefinition", &input).await;
    }

    /// Runs a task alone; returns its ARN.
    pub(crate) async fn run_task(&self) -> Value {
        let ran = self.ok("ecs", "RunTask", &json!({ "cluster": "c", "taskDefinition": "api" })).await;
        ran["tasks"][0]["taskArn"].clone()
    }

    pub(crate) async fn task(&self, arn: &Value) -> Value {
        self.ok("ecs", "DescribeTasks", &json!({ "cluster": "c", "tasks": [arn] })).await["tasks"][0].clone()
    }

    pub(crate) async fn service(&self) -> Value {
        self.ok("ecs", "DescribeServices", &json!({ "cluster": "c", "services": ["s"] })).await["services"][0].clone()
    }

    /// Asks until it is so, for at most a minute.
    pub(crate) async fn until<T>(&self, what: &str, mut ask: impl AsyncFnMut(&Self) -> Result<T, Value>) -> T {
        let mut last = Value::Null;
        for _ in 0..600 {
            match ask(self).await {
                Ok(found) => return found,
                Err(other) => last = other,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("not {what} within a minute: {last:#}");
    }

    /// Waits for a task's status.
    pub(crate) async fn until_status(&self, arn: &Value, status: &str) -> Value {
        let ask = async |world: &Self| {
            let task = world.task(arn).await;
            if task["lastStatus"] == status { Ok(task) } else { Err(task) }
        };
        self.until(status, ask).await
    }
}

/// One request and its whole answer, on a connection of its own.
pub(crate) async fn exchange(address: &str, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The body of a `GET /`.
pub(crate) async fn get(address: &str) -> std::io::Result<String> {
    let answer = exchange(address, &format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")).await?;
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}
