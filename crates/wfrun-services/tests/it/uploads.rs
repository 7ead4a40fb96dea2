//! Uploads over the Unix socket: what comes of them, and clients that mean harm or have broken down.

use std::fs::File;
use std::io::{self, IoSlice, Seek as _, SeekFrom, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::Interest;
use tokio::net::UnixStream;
use wfrun_services::ServicesSettings;

use crate::artifacts;
use crate::client::{Job, MAIN, Server, send, settings};

/// Time enough for a loaded machine.
const LIMIT: Duration = Duration::from_mins(1);

const PATIENCE: Duration = Duration::from_millis(300);

/// A connection to the socket.
pub(crate) struct Client(UnixStream);

impl Client {
    pub(crate) async fn connect(server: &Server) -> Self {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let address = SocketAddrUnix::new(server.services.uploads().join("socket")).expect("a short path");
        loop {
            let socket =
                rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).expect("a socket");
            match rustix::net::connect(&socket, &address) {
                // Those that are taken have no room for another one.
                Err(rustix::io::Errno::AGAIN) => tokio::time::sleep(Duration::from_millis(20)).await,
                connected => {
                    connected.expect("a server");
                    return Self(UnixStream::from_std(StdUnixStream::from(socket)).expect("a socket"));
                }
            }
        }
    }

    /// A client that may write the upload with this URL.
    pub(crate) async fn admitted(server: &Server, job: &Job, url: &str) -> Self {
        let client = Self::connect(server).await;
        client.send(format!("wfrun-upload 1\n{}\n{url}", job.token).as_bytes(), &[]).await.expect("is taken");
        client
    }

    pub(crate) async fn send(&self, bytes: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<()> {
        let sending = self.0.async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(200))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            assert!(files.is_empty() || control.push(SendAncillaryMessage::ScmRights(files)), "there is room");
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            Ok(rustix::net::sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, flags).map(drop)?)
        });
        tokio::time::timeout(LIMIT, sending).await.expect("it is taken or refused")
    }

    /// The next packet that comes; an empty one is the end.
    async fn packet(&self) -> Vec<u8> {
        let mut packet = [0; 1024];
        loop {
            let hearing = self.0.async_io(Interest::READABLE, || {
                Ok(rustix::net::recv(&self.0, &mut packet, RecvFlags::DONTWAIT).map(|(count, _)| count)?)
            });
            match tokio::time::timeout(LIMIT, hearing).await.expect("there is an answer") {
                Ok(count) => return packet[..count].to_vec(),
                // Not all that was sent was taken; the answer comes next.
                Err(err) if err.kind() == io::ErrorKind::ConnectionReset => {}
                Err(err) => panic!("{err}"),
            }
        }
    }

    /// What is answered in the end, a letter first.
    pub(crate) async fn answer(&self) -> String {
        loop {
            let packet = self.packet().await;
            if packet.first() != Some(&b'P') {
                return String::from_utf8_lossy(&packet).into_owned();
            }
        }
    }
}

fn bytes(content: &[u8]) -> Vec<u8> {
    [b"B", &u32::try_from(content.len()).expect("a few").to_le_bytes()[..], content].concat()
}

pub(crate) fn file(length: u64) -> Vec<u8> {
    [b"F", &length.to_le_bytes()[..]].concat()
}

fn sum(index: u32) -> Vec<u8> {
    [b"S", &index.to_le_bytes()[..]].concat()
}

fn end(size: u64) -> Vec<u8> {
    [b"E", &size.to_le_bytes()[..]].concat()
}

fn hex_digest(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// A file with this content, open for reading.
fn readable(folder: &Path, content: &[u8]) -> File {
    let path = folder.join("source");
    std::fs::write(&path, content).expect("a file");
    File::open(path).expect("a file")
}

async fn finalize(job: &Job, name: &str, size: u64) -> u16 {
    artifacts::call(job, "FinalizeArtifact", json!({"name": name, "size": size.to_string()})).await.status
}

#[tokio::test]
async fn segments_become_content_in_order() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let job = server.job("test", &[MAIN]);
    let url = artifacts::create(&job, "a").await;
    // Larger than all buffers together.
    let content: Vec<u8> = (0..5_000_001_u32).flat_map(u32::to_le_bytes).collect();
    let mut source = readable(state.path(), &content);
    // Wherever a client has come in it.
    source.seek(SeekFrom::End(0)).expect("a place");
    let client = Client::admitted(&server, &job, &url).await;
    let length = content.len() as u64;
    let first = [bytes(b"one"), bytes(b""), file(length)].concat();
    client.send(&first, &[source.as_fd()]).await.expect("is taken");
    client.send(&[sum(0), bytes(b"two"), file(3)].concat(), &[source.as_fd()]).await.expect("is taken");
    client.send(&[sum(1), sum(0)].concat(), &[]).await.expect("is taken");
    let sums = [&content[..], &content[..3]].map(|it| crc32fast::hash(it).to_le_bytes());
    let expected = [b"one", &content[..], &sums[0], b"two", &content[..3], &sums[1], &sums[0]].concat();
    client.send(&end(expected.len() as u64), &[]).await.expect("is taken");
    assert_eq!(client.answer().await, format!("D{}", hex_digest(&expected)));
    assert_eq!(finalize(&job, "a", expected.len() as u64).await, 200);
    let entry = &artifacts::list(&job, json!({})).await[0];
    assert_eq!(entry["digest"], format!("sha256:{}", hex_digest(&expected)));
    let got = send("GET", &artifacts::url_of(&job, entry).await, &[], None).await;
    assert!(got.body == expected, "{} bytes, not {}", got.body.len(), expected.len());
    assert!(server.calls().contains(&"artifact test Put Blob 201".to_owned()), "{:?}", server.calls());
}

/// The digest is of what is kept, whatever becomes of the source meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changes_makes_no_wrong_digest() {
    const SIZE: u64 = 64 << 20;
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let job = server.job("test", &[MAIN]);
    let path = state.path().join("source");
    File::create(&path).and_then(|it| it.set_len(SIZE)).expect("a file");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writing = {
        let path = path.clone();
        std::thread::spawn(move || {
            let mut file = File::options().write(true).open(path).expect("a file");
            // Round and round: a fast machine writes hundreds of times before the answer.
            for round in (1..=u8::MAX).cycle() {
                if stopped.try_recv().is_ok() {
                    return;
                }
                file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&vec![round; 8 << 20])).expect("has room");
            }
        })
    };
    let url = artifacts::create(&job, "a").await;
    let client = Client::admitted(&server, &job, &url).await;
    let source = File::open(&path).expect("a file");
    client.send(&[file(SIZE), sum(0), end(SIZE + 4)].concat(), &[source.as_fd()]).await.expect("is taken");
    let answer = client.answer().await;
    stop.send(()).expect("it writes");
    writing.join().expect("no panic");
    assert_eq!(finalize(&job, "a", SIZE + 4).await, 200);
    let entry = &artifacts::list(&job, json!({})).await[0];
    let got = send("GET", &artifacts::url_of(&job, entry).await, &[], None).await;
    let (content, kept_sum) = got.body.split_last_chunk::<4>().expect("a sum");
    assert_eq!(answer, format!("D{}", hex_digest(&got.body)));
    assert_eq!(crc32fast::hash(content).to_le_bytes(), *kept_sum);
}

/// What must not be read: nothing that makes its reader wait, and nothing that the client could not read itself.
fn unreadable(folder: &Path) -> Vec<(&'static str, OwnedFd)> {
    let plain = folder.join("plain");
    std::fs::write(&plain, [7; 100]).expect("a file");
    let fifo = folder.join("fifo");
    rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a fifo");
    let open = |path: &Path, flags| rustix::fs::open(path, flags, Mode::empty()).expect("it opens");
    let (socket, _other) = StdUnixStream::pair().expect("a pair");
    let no_file = "of no regular file";
    vec![
        (no_file, open(&fifo, OFlags::RDONLY | OFlags::NONBLOCK)),
        (no_file, open(Path::new("/dev/zero"), OFlags::RDONLY)),
        (no_file, open(folder, OFlags::RDONLY)),
        (no_file, socket.into()),
        ("not open for reading", open(&plain, OFlags::WRONLY)),
        ("not open for reading", open(&plain, OFlags::PATH)),
        ("has 100 bytes, not 101", open(&plain, OFlags::RDONLY)),
        // Its size is 0, as is that of all that the kernel makes up.
        ("has 0 bytes, not 101", open(Path::new("/proc/self/maps"), OFlags::RDONLY)),
    ]
}

/// The files that this process has open: all of the server's and the client's.
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("procfs").count()
}

/// The words of the refusal, packets, and the descriptors that come with the last of these.
type Refused<'a> = (&'a str, Vec<Vec<u8>>, Vec<BorrowedFd<'a>>);

#[tokio::test]
async fn what_is_refused() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let (job, other) = (server.job("test", &[MAIN]), server.job("other", &[MAIN]));
    let foreign = server.job_of("2", "test", Vec::new());
    let url = artifacts::create(&job, "a").await;
    let small = readable(state.path(), &[7; 100]);
    let hello = |token: &str, url: &str| format!("wfrun-upload 1\n{token}\n{url}").into_bytes();
    let own = hello(&job.token, &url);
    let not_known = "the signature of this URL is not known";
    let mut table: Vec<Refused<'_>> = vec![
        (not_known, vec![hello("x", &url)], vec![]),
        (not_known, vec![hello(&other.token, &url)], vec![]),
        (not_known, vec![hello(&foreign.token, &url)], vec![]),
        (not_known, vec![hello(&job.token, "?sig=x")], vec![]),
        (not_known, vec![b"GET / HTTP/1.1\r\n\r\n".to_vec()], vec![]),
        (not_known, vec![vec![0xff; 1000]], vec![]),
        (not_known, vec![own.clone()], vec![small.as_fd()]),
        ("more than 32 KiB", vec![vec![b'w'; 100_000]], vec![]),
        ("not made of segments", vec![own.clone(), own.clone()], vec![]),
        ("not made of segments", vec![own.clone(), b"B\xff\xff\xff\xffabc".to_vec()], vec![]),
        ("none came with it", vec![own.clone(), file(1)], vec![]),
        ("none came with it", vec![own.clone(), [file(1), file(1)].concat()], vec![small.as_fd()]),
        ("no segment is of it", vec![own.clone(), bytes(b"x")], vec![small.as_fd()]),
        ("more than one descriptor", vec![own.clone(), file(1)], vec![small.as_fd(); 2]),
        ("more than one descriptor", vec![own.clone(), file(1)], vec![small.as_fd(); 200]),
        ("more than 32 KiB", vec![own.clone(), bytes(&[7; 100_000])], vec![]),
        ("no sum of file 0", vec![own.clone(), sum(0)], vec![]),
        ("no sum of file 1", vec![own.clone(), [file(1), sum(1)].concat()], vec![small.as_fd()]),
        ("has 100 bytes, not 18446744073709551615", vec![own.clone(), file(u64::MAX)], vec![small.as_fd()]),
        ("the size is 5, but 3 bytes came", vec![own.clone(), [bytes(b"abc"), end(5)].concat()], vec![]),
    ];
    let unreadable = unreadable(state.path());
    table.extend(unreadable.iter().map(|(words, it)| (*words, vec![own.clone(), file(101)], vec![it.as_fd()])));
    let files = open_files();
    for (words, packets, descriptors) in &table {
        let client = Client::connect(&server).await;
        let (last, before) = packets.split_last().expect("a packet");
        for packet in before {
            client.send(packet, &[]).await.expect("is taken");
        }
        // Where it has been refused before, it is not taken any more.
        client.send(last, descriptors).await.ok();
        let answer = client.answer().await;
        assert!(answer.starts_with('E') && answer.contains(words), "{words}: {answer}");
        assert_eq!(finalize(&job, "a", 3).await, 412, "{words}");
    }
    nothing_is_left(state.path(), files).await;
    assert!(!server.calls().iter().any(|it| it.contains(" 403")), "of who is nobody there is nothing to tell");
    // All that did no harm to the upload.
    let client = Client::admitted(&server, &job, &url).await;
    client.send(&[bytes(b"abc"), end(3)].concat(), &[]).await.expect("is taken");
    assert_eq!(client.answer().await, format!("D{}", hex_digest(b"abc")));
    assert_eq!(finalize(&job, "a", 3).await, 200);
    // Its signature is none any more.
    let client = Client::admitted(&server, &job, &url).await;
    assert!(client.answer().await.contains(not_known));
}

/// Waits until the server has dropped what a moment ago it had open: files, and what it wrote.
#[track_caller]
fn nothing_is_left(state: &Path, files: usize) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    let uploads = state.join("uploads");
    async move {
        let unfinished = || {
            let own = std::fs::read_dir(&uploads).expect("a folder").flatten().next().expect("this process's own");
            std::fs::read_dir(own.path()).expect("a folder").flatten().filter(|it| it.file_name() != "lock").count()
        };
        let deadline = Instant::now() + LIMIT;
        while open_files() > files || unfinished() > 0 {
            let told = || format!("{} open files, not {files}; {} unfinished", open_files(), unfinished());
            assert!(Instant::now() < deadline, "{place}: {}", told());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn a_client_that_breaks_off_or_says_nothing_leaves_nothing() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::with(ServicesSettings { patience: PATIENCE, ..settings(state.path()) }).await;
    let job = server.job("test", &[MAIN]);
    let url = artifacts::create(&job, "a").await;
    let files = open_files();
    for say_hello in [false, true] {
        let silent = Client::connect(&server).await;
        if say_hello {
            silent.send(format!("wfrun-upload 1\n{}\n{url}", job.token).as_bytes(), &[]).await.expect("is taken");
            silent.send(&bytes(b"abc"), &[]).await.expect("is taken");
        }
        let answer = silent.answer().await;
        assert!(answer.starts_with("Enothing came for"), "{answer}");
        assert_eq!(finalize(&job, "a", 3).await, 412);
    }
    for packets in [vec![], vec![bytes(b"abc")], vec![bytes(b"abc"), bytes(b"def")]] {
        let client = Client::admitted(&server, &job, &url).await;
        for packet in packets {
            client.send(&packet, &[]).await.expect("is taken");
        }
        drop(client);
        assert_eq!(finalize(&job, "a", 3).await, 412);
    }
    nothing_is_left(state.path(), files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_becomes_shorter_fails_its_upload() {
    const SIZE: u64 = 8 << 30;
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let job = server.job("test", &[MAIN]);
    let url = artifacts::create(&job, "a").await;
    let path = state.path().join("source");
    let source = File::options().create_new(true).read(true).write(true).open(path).expect("a file");
    source.set_len(SIZE).expect("a hole");
    let files = open_files();
    let client = Client::admitted(&server, &job, &url).await;
    client.send(&[file(SIZE), end(SIZE)].concat(), &[source.as_fd()]).await.expect("is taken");
    tokio::time::sleep(Duration::from_millis(50)).await;
    source.set_len(1).expect("is shorter");
    let answer = client.answer().await;
    assert!(answer.contains("has become shorter") || answer.contains("has 1 bytes, not"), "{answer}");
    drop(client);
    nothing_is_left(state.path(), files).await;
}

/// Uploads that are given up in the middle of a file end there: by the client, and with the services.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_that_stop_leave_nothing() {
    const SIZE: u64 = 8 << 30;
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let folder = server.services.uploads().to_owned();
    let job = server.job("test", &[MAIN]);
    let url = artifacts::create(&job, "a").await;
    let source = tempfile::tempfile_in(state.path()).expect("a file");
    source.set_len(SIZE).expect("a hole");
    let client = Client::admitted(&server, &job, &url).await;
    client.send(&[file(SIZE), end(SIZE)].concat(), &[source.as_fd()]).await.expect("is taken");
    assert_eq!(client.packet().await.first(), Some(&b'P'), "it is under way");
    let idle = Client::connect(&server).await;
    server.services.stop().await;
    assert!(client.answer().await.contains("the services end"));
    // It may not have been taken yet.
    let idle = idle.answer().await;
    assert!(idle.is_empty() || idle.contains("the services end"), "{idle}");
    assert!(!folder.exists() && !folder.parent().expect("a folder").exists());
    let deadline = Instant::now() + LIMIT;
    while std::fs::read_dir(state.path().join("uploads")).expect("a folder").count() > 0 {
        assert!(Instant::now() < deadline, "what was written stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_connections_are_let_go_and_others_are_answered() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::with(ServicesSettings { patience: PATIENCE, ..settings(state.path()) }).await;
    let job = server.job("test", &[MAIN]);
    let url = artifacts::create(&job, "a").await;
    let files = open_files();
    let server = &server;
    // Of each a connection is waited for, as there is room.
    let floods = (0..8).map(|_| async move {
        for _ in 0..250 {
            drop(Client::connect(server).await);
        }
    });
    futures_util::future::join_all(floods).await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(Client::connect(server).await);
    }
    let client = Client::admitted(server, &job, &url).await;
    client.send(&[bytes(b"abc"), end(3)].concat(), &[]).await.expect("is taken");
    assert_eq!(client.answer().await, format!("D{}", hex_digest(b"abc")));
    for client in silent {
        assert!(client.answer().await.starts_with("Enothing came"));
    }
    drop(client);
    nothing_is_left_but_one(state.path(), files).await;
}

/// The same where the content of an upload is there and not finalized.
async fn nothing_is_left_but_one(state: &Path, files: usize) {
    let deadline = Instant::now() + LIMIT;
    while open_files() > files {
        assert!(Instant::now() < deadline, "{} open files, not {files}", open_files());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let own = std::fs::read_dir(state.join("uploads")).expect("a folder").flatten().next().expect("its own");
    let unfinished = std::fs::read_dir(own.path()).expect("a folder").flatten().filter(|it| it.file_name() != "lock");
    assert_eq!(unfinished.count(), 1);
}

#[tokio::test]
async fn others_of_this_machine_do_not_see_the_socket() {
    use std::os::unix::fs::PermissionsExt as _;
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let mode = |path: &Path| std::fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    let folder = server.services.uploads();
    // What is mounted is for whoever a job's container is; what is around it is for the user.
    assert_eq!((mode(folder.parent().expect("a folder")), mode(folder)), (0o700, 0o755));
    assert_eq!(mode(&folder.join("socket")), 0o777);
}

/// What is below the work folder is swept away after a kill; the temporary files of a machine are not.
#[tokio::test]
async fn the_socket_is_below_the_work_folder_and_goes_with_the_services() {
    let (state, work) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::with(ServicesSettings { work: work.path().to_owned(), ..settings(state.path()) }).await;
    assert!(server.services.uploads().starts_with(work.path()), "{}", server.services.uploads().display());
    let around = server.services.uploads().parent().expect("a folder").metadata().expect("is there");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&around.permissions()) & 0o777, 0o700, "nobody else looks in");
    server.services.stop().await;
    assert_eq!(std::fs::read_dir(work.path()).expect("a folder").count(), 0);
}
