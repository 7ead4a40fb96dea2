//! A job that means harm to the services of its run: what `wfrun` takes of memory, and what is on disk afterwards.
use std::io::{BufRead as _, BufReader, IoSlice, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::socket::{self, AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr};
use serde_json::{Value as Json, json};

use crate::actions::can_run_node;
use crate::repo::{Ran, Repo};

/// Tells what an action is told, the token so that nothing masks it, and waits until a test has done its worst.
const ACTION: &str = "name: spy\nruns: {using: node20, main: main.js}\n";
const MAIN: &str = "console.log('told ' + process.env.ACTIONS_RESULTS_URL + ' ' + [...process.env.ACTIONS_RUNTIME_TOKEN].reverse().join(''));
require('net').createServer(() => process.exit(0)).listen(0, '127.0.0.1', function () { console.log('waits ' + this.address().port); });
";

const WORKFLOW: &str = "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: ./spy
";

/// What `wfrun` may have of memory at most beside its program, in kB: 80 MB with an optimised one, which has less than 20 MB.
const LIMIT: u64 = 60 * 1024;

/// How far the kernel's count of a process's pages may be off, in kB.
///
/// Source: Linux: `lib/percpu_counter.c`, `compute_batch_value`: each processor keeps so many pages to itself.
fn count_is_off_by() -> u64 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    4 * processors * (2 * processors).max(32)
}

const PATIENCE: Duration = Duration::from_mins(1);

const NO_SIGNAL: MsgFlags = MsgFlags::MSG_NOSIGNAL;

/// A run in the middle of a step, with the address and the token of its services.
struct Victim {
    repo: Repo,
    child: Child,
    rest: std::thread::JoinHandle<String>,
    /// Where the step waits for a connection, to end.
    waits: u16,
    /// `127.0.0.1:PORT`
    host: String,
    token: String,
}

impl Victim {
    fn start() -> Self {
        let repo = Repo::new(WORKFLOW, &[("spy/action.yml", ACTION), ("spy/main.js", MAIN)]);
        let mut command = repo.command(&["w.yml", "--backend", "sandbox", "--json"]);
        // With many processors the C library keeps as much for each as its threads have freed.
        command.env("MALLOC_ARENA_MAX", "2");
        let mut child = command.stdout(Stdio::piped()).spawn().expect("wfrun starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let mut after = |begin: &str| {
            let told = lines.by_ref().find_map(|it| {
                let event: Json = serde_json::from_str(&it).ok()?;
                Some(event["text"].as_str()?.strip_prefix(begin)?.to_owned())
            });
            told.expect("the step has begun")
        };
        let (told, waits) = (after("told "), after("waits ").parse().expect("a port"));
        let (url, token) = told.split_once(' ').expect("two words");
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let rest = std::thread::spawn(move || lines.collect::<Vec<_>>().join("\n"));
        Self { repo, child, rest, waits, host, token: token.chars().rev().collect() }
    }

    fn open(&self, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.host).expect("a server");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        stream.write_all(head.as_bytes()).expect("a connection");
        stream
    }

    /// The head of a request with a body of so many bytes.
    fn head(&self, method: &str, path: &str, length: u64) -> String {
        format!(
            "{method} /{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             x-ms-blob-type: BlockBlob\r\ncontent-length: {length}\r\n\r\n",
            self.token
        )
    }

    /// Calls a method of a service: status and body.
    fn call(&self, service: &str, method: &str, message: &Json) -> (u16, Json) {
        let body = message.to_string();
        let path = format!("twirp/github.actions.results.api.v1.{service}/{method}");
        let mut stream = self.open(&self.head("POST", &path, body.len() as u64));
        stream.write_all(body.as_bytes()).expect("a connection");
        let answer = answer(stream);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (status(head), serde_json::from_str(body).expect("JSON"))
    }

    /// Reserves a cache entry; gives back path and query of where it is uploaded.
    fn reserve(&self, key: &str) -> String {
        let (status, told) = self.call("CacheService", "CreateCacheEntry", &json!({"key": key, "version": "v"}));
        assert_eq!(status, 200, "{told}");
        path(&told["signed_upload_url"])
    }

    /// Connects to the socket that takes uploads, for the one with this path and query.
    fn upload(&self, path: &str) -> OwnedFd {
        let folders = |of: &Path| std::fs::read_dir(of).expect("a folder").flatten().map(|it| it.path());
        let mut of_run = folders(&self.repo.cache().join("work")).flat_map(|it| folders(&it).collect::<Vec<_>>());
        let address = of_run.find_map(|it| Some(it.join("seen/socket")).filter(|it| it.exists())).expect("a socket");
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket::socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).expect("a socket");
        // Beside those that are taken and those that wait there is no room for more.
        socket::connect(socket.as_raw_fd(), &UnixAddr::new(&address).expect("a short path")).ok();
        socket::send(socket.as_raw_fd(), format!("wfrun-upload 1\n{}\n{path}", self.token).as_bytes(), NO_SIGNAL).ok();
        socket
    }

    /// The most memory that `wfrun` has had since it was last asked, in kB: without its program, which is twice as large unoptimised.
    fn peak(&self) -> u64 {
        let about = format!("/proc/{}", self.child.id());
        let table = |name: &str| std::fs::read_to_string(format!("{about}/{name}")).expect("procfs");
        let (status, now) = (table("status"), table("smaps_rollup"));
        // From now on the kernel counts anew, so that each row tells of itself.
        if let Err(err) = std::fs::write(format!("{about}/clear_refs"), "5") {
            println!("skipped: rows tell of those before them, too: {err}");
        }
        let number = |table: &str, name: &str| -> u64 {
            let line = table.lines().find(|line| line.starts_with(name)).expect("a line");
            line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).expect("a number")
        };
        // The program's own pages, counted one by one: sums that each processor has a part of are not exact.
        let program = number(&now, "Rss:") - number(&now, "Anonymous:");
        number(&status, "VmHWM:").saturating_sub(program)
    }

    /// How many files of uploads there are that have not come to their end.
    fn unfinished(&self) -> usize {
        let folders = std::fs::read_dir(self.repo.root().join(".wfrun/cache/uploads")).expect("a folder").flatten();
        folders.map(|it| std::fs::read_dir(it.path()).map_or(0, Iterator::count)).sum()
    }

    /// Lets the run end.
    fn end(mut self) -> (Repo, Ran) {
        TcpStream::connect(("127.0.0.1", self.waits)).expect("the step waits");
        let code = self.child.wait().expect("its end").code().unwrap_or(-1);
        let stdout = self.rest.join().expect("no panic");
        (self.repo, Ran { code, stdout, stderr: String::new() })
    }
}

fn path(url: &Json) -> String {
    let url = url.as_str().expect("a URL");
    url.trim_start_matches("http://").split_once('/').expect("a path").1.to_owned()
}

fn answer(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // Cut or closed: both are an end.
    stream.read_to_end(&mut text).ok();
    String::from_utf8_lossy(&text).into_owned()
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default()
}

/// Sends as much as is taken in a second's time of silence, and leaves the connection as it is.
fn push(stream: &mut TcpStream, bytes: &[u8]) {
    stream.set_write_timeout(Some(Duration::from_secs(1))).expect("a time");
    stream.write_all(bytes).ok();
}

#[test]
fn memory_has_an_end_whatever_a_job_sends() {
    if !can_run_node() {
        return;
    }
    let victim = Victim::start();
    let before = victim.peak();
    let mut held = Vec::new();
    let mut seen = vec![("at rest", before)];
    // Heads that never end.
    for _ in 0..200 {
        held.push(victim.open("POST /twirp/x HTTP/1.1\r\nhost: x\r\nx-slow: "));
    }
    seen.push(("200 heads", victim.peak()));
    held.clear();

    // Messages that are as long as they may be, with and without a token, and lack a byte.
    for method in ["CacheService/CreateCacheEntry", "ArtifactService/CreateArtifact"] {
        for number in 0..100 {
            let length = 1 << 20;
            let head = victim.head("POST", &format!("twirp/github.actions.results.api.v1.{method}"), length);
            let head = if number % 2 == 0 { head } else { head.replace("Bearer ", "Bearer x") };
            let mut stream = victim.open(&head);
            push(&mut stream, &vec![b' '; (1 << 20) - 1]);
            held.push(stream);
        }
    }
    seen.push(("200 messages of 1 MB", victim.peak()));
    held.clear();

    // Lists of blocks.
    let list = victim.reserve("list");
    for _ in 0..100 {
        let mut stream = victim.open(&victim.head("PUT", &format!("{list}&comp=blocklist"), 8 << 20));
        push(&mut stream, &vec![b' '; 2 << 20]);
        held.push(stream);
    }
    seen.push(("100 lists of 8 MB", victim.peak()));
    held.clear();

    // Bodies of 10 GB, of which nothing is taken.
    let url = victim.reserve("ten");
    for _ in 0..20 {
        let stream = victim.open(&victim.head("PUT", &url, 10 << 30));
        assert_eq!(status(&answer(stream)), 413);
    }
    // Large bodies at once, in blocks.
    let chunk = vec![7; 8 << 20];
    std::thread::scope(|scope| {
        for number in 0..100 {
            let (victim, url, chunk) = (&victim, &url, &chunk);
            scope.spawn(move || {
                let head = victim.head(
                    "PUT",
                    &format!("{url}&comp=block&blockid=QQ{}%3D%3D", number % 10),
                    chunk.len() as u64,
                );
                let mut stream = victim.open(&head);
                stream.write_all(chunk).ok();
                answer(stream)
            });
        }
    });
    seen.push(("100 bodies of 8 MB", victim.peak()));

    // Files over the socket: each larger than all memory that there is for all, and as many bytes as are taken.
    let upload = victim.reserve("files");
    let unfinished = victim.unfinished();
    let source = tempfile::tempfile().expect("a file");
    source.set_len(128 << 20).expect("a hole");
    let segment = [b"F", &(128_u64 << 20).to_le_bytes()[..]].concat();
    let bytes = [b"B", &30_000_u32.to_le_bytes()[..], &vec![7; 30_000]].concat();
    let mut uploads = Vec::new();
    for _ in 0..60 {
        let socket = victim.upload(&upload);
        let files = [source.as_raw_fd()];
        let with = [ControlMessage::ScmRights(&files)];
        let packet = [IoSlice::new(&segment)];
        socket::sendmsg::<()>(socket.as_raw_fd(), &packet, &with, NO_SIGNAL, None).expect("a connection");
        for _ in 0..4 {
            socket::send(socket.as_raw_fd(), &bytes, NO_SIGNAL).ok();
        }
        uploads.push(socket);
    }
    for _ in 0..200 {
        uploads.push(victim.upload(&upload));
    }
    std::thread::sleep(Duration::from_secs(2));
    seen.push(("60 files of 128 MB, and 200 more", victim.peak()));
    uploads.clear();
    // They are given up, and nothing more is written for them.
    let deadline = Instant::now() + PATIENCE;
    while victim.unfinished() > unfinished {
        assert!(Instant::now() < deadline, "{} uploads go on", victim.unfinished() - unfinished);
        std::thread::sleep(Duration::from_millis(20));
    }

    // Downloads that nobody reads.
    let url = victim.reserve("large");
    let mut stream = victim.open(&victim.head("PUT", &url, chunk.len() as u64));
    stream.write_all(&chunk).expect("a connection");
    assert_eq!(status(&answer(stream)), 201);
    let size = json!({"key": "large", "version": "v", "size_bytes": chunk.len().to_string()});
    assert_eq!(victim.call("CacheService", "FinalizeCacheEntryUpload", &size).0, 200);
    let (_, told) = victim.call("CacheService", "GetCacheEntryDownloadURL", &json!({"key": "large", "version": "v"}));
    let download = path(&told["signed_download_url"]);
    for _ in 0..200 {
        held.push(victim.open(&victim.head("GET", &download, 0)));
    }
    std::thread::sleep(Duration::from_secs(1));
    seen.push(("200 downloads that nobody reads", victim.peak()));
    held.clear();
    println!("{seen:?} kB");
    let (_, ran) = victim.end();
    let ran = ran.ends_with(0);
    assert_eq!(ran.results().to_string(), r#"{"j":"success"}"#);
    let most = seen.iter().map(|it| it.1).max().unwrap_or_default();
    assert!(most < LIMIT + count_is_off_by(), "{seen:?} kB");
}
