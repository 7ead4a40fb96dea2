//! The socket in the engine's place, before an engine that is played.

use std::path::Path;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use wfrun_backend::docker::{EcrSocket, RegistryNames};

const AMAZON: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const HERE: &str = "127.0.0.1:5000";

struct World {
    folder: TempDir,
    socket: EcrSocket,
    /// First lines and bodies of what the engine was asked.
    asked: Arc<Mutex<Vec<String>>>,
}

impl World {
    /// An engine that gives each request the answer of the first entry whose beginning fits its first line.
    fn new(answers: &'static [(&'static str, &'static str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = folder.path().join("engine.sock");
        let listener = UnixListener::bind(&engine).expect("it listens");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(play(client, answers, Arc::clone(&seen)));
            }
        });
        let names = RegistryNames { amazon: AMAZON.to_owned(), here: HERE.to_owned() };
        let socket = EcrSocket::start(&folder.path().join("docker.sock"), &engine, names).expect("it listens");
        Self { folder, socket, asked }
    }

    async fn send(&self, request: &str) -> String {
        let mut stream = UnixStream::connect(self.socket.path()).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        answer
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("no panic"))
    }
}

async fn play(mut client: UnixStream, answers: &[(&str, &str)], asked: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    let whole = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        (body.len() >= length.unwrap_or(0)).then(|| (head.to_owned(), body.to_owned()))
    };
    let (head, body) = loop {
        match whole(&bytes) {
            Some(found) => break found,
            None if client.read_buf(&mut bytes).await.unwrap_or(0) == 0 => return,
            None => {}
        }
    };
    let first = head.lines().next().unwrap_or_default().to_owned();
    let (_, answer) = answers.iter().find(|(start, _)| first.starts_with(start)).copied().unwrap_or(("", ""));
    let early = body.clone();
    asked.lock().expect("no panic").push(if body.is_empty() { first } else { format!("{first} {body}") });
    client.write_all(answer.as_bytes()).await.expect("it reads");
    if head.contains("Upgrade: tcp") {
        // What comes after the head goes back, until the other side's end.
        let (mut read, mut write) = client.split();
        write.write_all(early.as_bytes()).await.expect("it reads");
        tokio::io::copy(&mut read, &mut write).await.expect("it reads");
        write.write_all(b"and the end").await.expect("it reads");
    }
}

#[tokio::test]
async fn what_is_not_about_the_registry_passes() {
    let world = World::new(&[("GET /_ping", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")]);
    let answer = world.send("GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: keep-alive\r\n\r\n").await;
    assert_eq!(answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
    assert_eq!(world.asked(), ["GET /_ping HTTP/1.1"]);
}

#[tokio::test]
async fn an_upgraded_connection_goes_both_ways_to_its_end() {
    let world = World::new(&[("POST /v1.41/containers/x/attach", "HTTP/1.1 101 UPGRADED\r\n\r\n")]);
    let mut stream = UnixStream::connect(world.socket.path()).await.expect("it listens");
    let head = "POST /v1.41/containers/x/attach HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let (mut read, mut write) = stream.split();
    let input = vec![b'x'; 8 << 20];
    let sent = async {
        write.write_all(&input).await.expect("it reads");
        write.shutdown().await.expect("it reads");
    };
    let mut output = Vec::new();
    let received = async { read.read_to_end(&mut output).await.expect("it answers") };
    tokio::join!(sent, received);
    let start = b"HTTP/1.1 101 UPGRADED\r\n\r\n".len();
    assert_eq!(output.len(), start + input.len() + b"and the end".len());
    assert!(output.ends_with(b"xand the end"), "input ended before output");
}

#[tokio::test]
async fn a_login_is_at_the_registry_here() {
    let world =
        World::new(&[("POST /v1.41/auth", "HTTP/1.0 500 Internal\r\nContent-Length: 9\r\n\r\nno 127.0.0.1:5000\n")]);
    let body = format!(r#"{{"serveraddress":"https://{AMAZON}"}}"#);
    let answer =
        world.send(&format!("POST /v1.41/auth HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
    assert_eq!(world.asked(), [format!(r#"POST /v1.41/auth HTTP/1.0 {{"serveraddress":"https://{HERE}"}}"#)]);
    assert!(answer.starts_with("HTTP/1.1 500 ") && answer.ends_with(&format!("\r\n\r\nno {AMAZON}\n")), "{answer}");
    let chunked = world.send("POST /v1.41/auth HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    assert!(chunked.starts_with("HTTP/1.1 411 "), "{chunked}");
}

#[tokio::test]
async fn a_push_is_tagged_pushed_and_untagged() {
    let stream =
        "HTTP/1.0 200 OK\r\n\r\n{\"status\":\"The push refers to repository [127.0.0.1:5000/a]\"}\r\n{\"aux\":1}\r\n";
    let world = World::new(Box::leak(Box::new([
        ("POST /v1.41/images/123456789012.dkr.ecr.us-east-1.amazonaws.com/a:v1/tag", "HTTP/1.0 201 Created\r\n\r\n"),
        (
            "POST /v1.41/images/123456789012.dkr.ecr.us-east-1.amazonaws.com/a:no/tag",
            "HTTP/1.0 404 Not Found\r\n\r\n{}",
        ),
        ("POST /v1.41/images/127.0.0.1:5000/a/push", stream),
        ("DELETE", "HTTP/1.0 200 OK\r\n\r\n[]"),
    ])));
    let push = |tag: &str| format!("POST /v1.41/images/{AMAZON}/a/push{tag} HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    let answer = world.send(&push("?tag=v1")).await;
    assert!(answer.contains(&format!("repository [{AMAZON}/a]")) && answer.ends_with("{\"aux\":1}\r\n"), "{answer}");
    assert_eq!(
        world.asked(),
        [
            format!("POST /v1.41/images/{AMAZON}/a:v1/tag?repo=127%2E0%2E0%2E1%3A5000%2Fa&tag=v1 HTTP/1.0"),
            "POST /v1.41/images/127.0.0.1:5000/a/push?tag=v1 HTTP/1.0".to_owned(),
            "DELETE /v1.41/images/127.0.0.1:5000/a:v1?noprune=1 HTTP/1.0".to_owned(),
        ]
    );
    let missing = world.send(&push("?tag=no")).await;
    let words = format!("{{\"message\":\"An image does not exist locally with the tag: {AMAZON}/a\"}}");
    assert!(missing.starts_with("HTTP/1.1 404 ") && missing.ends_with(&words), "{missing}");
    let all = world.send(&push("")).await;
    assert!(all.starts_with("HTTP/1.1 400 ") && all.contains("push them one by one"), "{all}");
}

#[tokio::test]
async fn a_pull_gets_the_name_that_was_asked_for() {
    let world = World::new(&[
        ("POST /images/create", "HTTP/1.0 200 OK\r\n\r\n{\"status\":\"Pulling from a\"}\r\n"),
        ("POST /images/127.0.0.1:5000/a:gone/tag", "HTTP/1.0 404 Not Found\r\n\r\n{}"),
        ("POST /images/127.0.0.1:5000/a:v1/tag", "HTTP/1.0 201 Created\r\n\r\n"),
        ("DELETE", "HTTP/1.0 200 OK\r\n\r\n[]"),
    ]);
    for (tag, asked) in [("v1", 3), ("gone", 2), ("sha256:00", 1)] {
        let answer =
            world.send(&format!("POST /images/create?fromImage={AMAZON}%2Fa&tag={tag} HTTP/1.1\r\n\r\n")).await;
        assert!(answer.ends_with("{\"status\":\"Pulling from a\"}\r\n"), "{answer}");
        assert_eq!(world.asked().len(), asked, "{tag}");
    }
}

#[tokio::test]
async fn it_goes_with_its_owner() {
    let World { folder, socket, .. } = World::new(&[]);
    let path = socket.path().to_owned();
    assert!(path.exists());
    drop(socket);
    assert!(!path.exists() && Path::new(folder.path()).exists());
}

#[tokio::test]
async fn an_engine_that_is_gone_is_an_answer() {
    let world = World::new(&[]);
    std::fs::remove_file(world.folder.path().join("engine.sock")).expect("it was there");
    for target in ["/_ping", "/auth"] {
        let answer = world.send(&format!("POST {target} HTTP/1.1\r\nContent-Length: 0\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("does not answer"), "{target}: {answer}");
    }
}
