//! The socket in the engine's place, before an engine that is played.

use std::path::Path;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use wfrun_backend::docker::{EcrRegistry, EcrSocket};

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
        let registry = EcrRegistry { account: "123456789012".to_owned(), here: HERE.to_owned() };
        let socket = EcrSocket::start(&folder.path().join("docker.sock"), &engine, registry).expect("it listens");
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
async fn a_login_elsewhere_passes_and_none_is_at_amazon_s() {
    let world = World::new(&[("POST /auth", "HTTP/1.0 200 OK\r\n\r\nfine at 127.0.0.1:5000")]);
    let login = |host: &str| {
        let body = format!(r#"{{"serveraddress":"{host}"}}"#);
        format!("POST /auth HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    for host in ["ghcr.io", HERE, "https://index.docker.io/v1/"] {
        let answer = world.send(&login(host)).await;
        assert!(answer.ends_with("fine at 127.0.0.1:5000"), "{host}: {answer}");
        assert_eq!(world.asked(), [format!(r#"POST /auth HTTP/1.0 {{"serveraddress":"{host}"}}"#)]);
    }
    let amazon = "210987654321.dkr.ecr.us-east-1.amazonaws.com";
    let push = format!("POST /images/{amazon}/a/push?tag=x HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    for request in [login(&format!("https://{amazon}/")), push] {
        let answer = world.send(&request).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(
            answer.contains(&format!("{amazon} is not the registry of the emulated account 123456789012")),
            "{answer}"
        );
        assert!(world.asked().is_empty(), "the engine is not asked");
    }
}

#[tokio::test]
async fn a_container_gets_this_socket_and_the_image_by_its_digest() {
    let world = World::new(&[
        ("POST /containers/create", "HTTP/1.0 201 Created\r\n\r\n{}"),
        (
            "GET /images/127.0.0.1:5000/a@sha256:00/json",
            "HTTP/1.0 200 OK\r\n\r\n{\"RepoDigests\":[\"127.0.0.1:5000/a@sha256:00\"]}",
        ),
    ]);
    let body = format!(r#"{{"HostConfig":{{"Binds":["/var/run/docker.sock:/d"]}},"Image":"{AMAZON}/a@sha256:00"}}"#);
    let answer =
        world.send(&format!("POST /containers/create HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
    assert!(answer.starts_with("HTTP/1.1 201 ") && answer.ends_with("{}"), "{answer}");
    let made = body.replace(AMAZON, HERE).replace("/var/run/docker.sock", &world.socket.path().display().to_string());
    assert_eq!(world.asked(), [format!("POST /containers/create HTTP/1.0 {made}")]);
    let answer = world.send(&format!("GET /images/{AMAZON}/a@sha256:00/json HTTP/1.1\r\n\r\n")).await;
    assert!(answer.ends_with(&format!("[\"{AMAZON}/a@sha256:00\"]}}")), "{answer}");
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

fn context(dockerfile: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(dockerfile.len() as u64);
    archive.append_data(&mut header, "Dockerfile", dockerfile.as_bytes()).expect("an archive");
    archive.into_inner().expect("an archive")
}

/// What a build needs of the registry is there before the engine looks for it, and it is told not to look further.
#[tokio::test]
async fn a_build_finds_its_base() {
    let world = World::new(&[
        ("GET /v1.41/images/123456789012.dkr.ecr.us-east-1.amazonaws.com/there:1/json", "HTTP/1.0 200 OK\r\n\r\n{}"),
        ("GET", "HTTP/1.0 404 Not Found\r\n\r\n{}"),
        (
            "POST /v1.41/images/create?fromImage=127%2E0%2E0%2E1%3A5000%2Fgone",
            "HTTP/1.0 200 OK\r\n\r\n{\"status\":\"x\"}\r\n{\"error\":\"manifest for 127.0.0.1:5000/gone:1 not found\"}\r\n",
        ),
        ("POST /v1.41/images/create", "HTTP/1.0 200 OK\r\n\r\n{}"),
        ("POST /v1.41/images/127.0.0.1:5000/gone:1/tag", "HTTP/1.0 404 Not Found\r\n\r\n{}"),
        ("POST /v1.41/images/127.0.0.1:5000/base:1/tag", "HTTP/1.0 201 Created\r\n\r\n"),
        ("POST /v1.41/images/127.0.0.1:5000/there:1/tag", "HTTP/1.0 201 Created\r\n\r\n"),
        ("DELETE", "HTTP/1.0 200 OK\r\n\r\n[]"),
        ("POST /v1.41/build", "HTTP/1.1 200 OK\r\n\r\n{\"stream\":\"built\"}"),
    ]);
    let send = async |dockerfile: &str, query: &str, is_chunked: bool| {
        let body = String::from_utf8(context(dockerfile)).expect("a text");
        let (first, second) = body.split_at(700);
        let length = body.len();
        let (kind, body) = if is_chunked {
            let chunks = format!("{:x};x=y\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());
            ("Transfer-Encoding: chunked".to_owned(), chunks)
        } else {
            (format!("Content-Length: {length}"), body)
        };
        let answer = world.send(&format!("POST /v1.41/build?t=a{query} HTTP/1.1\r\n{kind}\r\n\r\n{body}")).await;
        let asked: Vec<String> =
            world.asked().iter().map(|it| it.split('\0').next().unwrap_or_default().to_owned()).collect();
        (answer, asked)
    };
    for is_chunked in [true, false] {
        let (answer, asked) = send(
            &format!("ARG R\nFROM $R/base:1\nFROM {AMAZON}/there:1\nFROM nginx\n"),
            &format!("&buildargs=%7B%22R%22%3A%22{AMAZON}%22%7D&q=1"),
            is_chunked,
        )
        .await;
        assert!(answer.ends_with("{\"stream\":\"built\"}"), "{answer}");
        let begin = "POST /v1.41/build?t=a&buildargs=";
        assert_eq!(
            asked[..5],
            [
                format!("GET /v1.41/images/{AMAZON}/base:1/json HTTP/1.0"),
                "POST /v1.41/images/create?fromImage=127%2E0%2E0%2E1%3A5000%2Fbase&tag=1 HTTP/1.0".to_owned(),
                format!(
                    "POST /v1.41/images/127.0.0.1:5000/base:1/tag?repo={}%2Fbase&tag=1 HTTP/1.0",
                    AMAZON.replace('.', "%2E").replace('-', "%2D")
                ),
                "DELETE /v1.41/images/127.0.0.1:5000/base:1?noprune=1 HTTP/1.0".to_owned(),
                format!("GET /v1.41/images/{AMAZON}/there:1/json HTTP/1.0"),
            ]
        );
        assert!(
            asked.len() == 6 && asked[5].starts_with(begin) && asked[5].ends_with("&q=1 HTTP/1.1 Dockerfile"),
            "{asked:?}"
        );
    }
    let (answer, asked) = send(&format!("FROM {AMAZON}/there:1\nFROM {AMAZON}/gone:1\n"), "&pull=1", true).await;
    assert!(
        answer.starts_with("HTTP/1.1 404 ") && answer.contains(&format!("manifest for {AMAZON}/gone:1 not found")),
        "{answer}"
    );
    assert!(
        asked.iter().any(|it| it.contains("5000%2Fthere&tag=1")) && !asked.iter().any(|it| it.contains("/build")),
        "{asked:?}"
    );
    let (answer, asked) = send("FROM nginx\n", "&pull=1", false).await;
    assert!(
        answer.ends_with("{\"stream\":\"built\"}") && asked[0].contains("/build?t=a&pull=1 "),
        "{answer} {asked:?}"
    );
    let (answer, _) = send("FROM 210987654321.dkr.ecr.us-east-1.amazonaws.com/a:1\n", "", true).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let (answer, _) = send(&format!("FROM {AMAZON}/a@sha256:{}\n", "0".repeat(64)), "", true).await;
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("name a tag"), "{answer}");
    let broken = world.send("POST /v1.41/build HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").await;
    assert!(broken.starts_with("HTTP/1.1 400 "), "{broken}");
}

/// The loopback name of an image is one push's at a time, or another's untagging would take it away.
#[tokio::test]
async fn pushes_of_one_image_take_turns() {
    let world = World::new(Box::leak(Box::new([
        ("POST /images/123456789012.dkr.ecr.us-east-1.amazonaws.com/a:v1/tag", "HTTP/1.0 201 Created\r\n\r\n"),
        ("POST /images/127.0.0.1:5000/a/push", "HTTP/1.0 200 OK\r\n\r\n{}\r\n"),
        ("DELETE", "HTTP/1.0 200 OK\r\n\r\n[]"),
    ])));
    let push = format!("POST /images/{AMAZON}/a/push?tag=v1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    let answers = futures_util::future::join_all((0..8).map(|_| world.send(&push))).await;
    assert!(answers.iter().all(|it| it.ends_with("{}\r\n")), "{answers:?}");
    let asked = world.asked();
    let kinds: Vec<&str> = asked.iter().map(|it| if it.contains("/tag?") { "tag" } else { &it[..6] }).collect();
    assert_eq!(kinds, ["tag", "POST /", "DELETE"].repeat(8), "{asked:?}");
}

/// What the engine says of a request that it does not read to its end reaches the client.
#[tokio::test]
async fn an_early_answer_is_passed_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = folder.path().join("engine.sock");
    let listener = UnixListener::bind(&engine).expect("it listens");
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.expect("a client");
        let mut head = [0; 16];
        client.read_exact(&mut head).await.expect("it writes");
        client.write_all(b"HTTP/1.1 404 Not Found\r\n\r\nno such container").await.expect("it reads");
        client.shutdown().await.expect("it reads");
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    });
    let registry = EcrRegistry { account: "123456789012".to_owned(), here: HERE.to_owned() };
    let socket = EcrSocket::start(&folder.path().join("docker.sock"), &engine, registry).expect("it listens");
    let (mut read, mut write) = UnixStream::connect(socket.path()).await.expect("it listens").into_split();
    let sending = tokio::spawn(async move {
        let head = b"PUT /containers/x/archive HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n";
        write.write_all(head).await.ok();
        write.write_all(&vec![b'x'; 32 << 20]).await.ok();
    });
    // Where not all was read, the end of a connection is an error; what came before it is the answer.
    let mut answer = Vec::new();
    while read.read_buf(&mut answer).await.unwrap_or(0) > 0 {}
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 404 Not Found\r\n\r\nno such container");
    sending.await.expect("it ends");
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
