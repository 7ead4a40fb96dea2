//! The supervisor alone, over a socket pair; what holds in every environment is tested with the backends.

use std::env;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use wfrun_agent::protocol::{Decoder, Message as _, Reply, Request, Signal, Stream, Target};
use wfrun_agent::supervisor::SUBCOMMAND;

/// The example `supervisor`, which Cargo builds along with these tests.
fn executable() -> PathBuf {
    let own = env::current_exe().expect("the test's own path");
    let example =
        own.parent().and_then(Path::parent).expect("deps/ lies in the target directory").join("examples/supervisor");
    assert!(
        example.exists(),
        "{} is missing: build it with `cargo build --examples -p wfrun-agent`",
        example.display()
    );
    example
}

struct Session {
    child: Child,
    stream: UnixStream,
    decoder: Decoder<Reply>,
}

impl Session {
    fn start() -> Self {
        let (stream, theirs) = UnixStream::pair().expect("a pair");
        let mut command = Command::new(executable());
        let child = command.arg(SUBCOMMAND).stdin(Stdio::from(OwnedFd::from(theirs))).spawn().expect("it starts");
        Self { child, stream, decoder: Decoder::default() }
    }

    fn ask(&mut self, request: &Request) {
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        self.stream.write_all(&bytes).expect("it listens");
    }

    fn spawn(&mut self, id: u32, argv: &[&str]) {
        let argv = argv.iter().map(|&it| it.to_owned()).collect();
        let env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        self.ask(&Request::Spawn { id, argv, env, cwd: "/".to_owned() });
    }

    /// The next reply; `None` when the connection is closed.
    fn reply(&mut self) -> Option<Reply> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(reply) = self.decoder.take().expect("the supervisor speaks sense") {
                return Some(reply);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.decoder.ingest(&buffer[..length]),
            }
        }
    }

    /// Replies until a process ended or could not start, without its process id.
    fn until_end(&mut self) -> Vec<Reply> {
        let mut replies = Vec::new();
        while let Some(reply) = self.reply() {
            let is_last = matches!(reply, Reply::Exited { .. } | Reply::FailedToStart { .. });
            if !matches!(reply, Reply::Started { .. }) {
                replies.push(reply);
            }
            if is_last {
                break;
            }
        }
        replies
    }
}

#[test]
fn it_is_ready_starts_and_reports() {
    let mut session = Session::start();
    let Some(Reply::Ready(ready)) = session.reply() else { panic!("the first words are `ready`") };
    assert_eq!(ready.pid, session.child.id());
    assert!(["X64", "ARM64"].contains(&ready.arch.as_str()));
    session.spawn(7, &["sh", "-c", "echo out; exit 9"]);
    let output = Reply::Output { id: 7, stream: Stream::Stdout, bytes: b"out\n".to_vec() };
    assert_eq!(session.until_end(), [output, Reply::Exited { id: 7, code: 9 }]);
    session.spawn(8, &[]);
    assert!(
        matches!(session.until_end().as_slice(), [Reply::FailedToStart { id: 8, message }] if message.contains("process ''"))
    );
    session.ask(&Request::Signal { id: 99, signal: Signal::Kill, target: Target::Tree });
    session.ask(&Request::Which { id: 1, command: "sh".to_owned(), path: "relative::/nonexistent:/bin".to_owned() });
    assert_eq!(session.reply(), Some(Reply::Found { id: 1, path: Some("/bin/sh".to_owned()) }));
    session.ask(&Request::Shutdown);
    assert_eq!(session.reply(), None);
    assert!(session.child.wait().expect("it ends").success());
}

#[test]
fn the_name_given_is_the_name_seen() {
    let mut session = Session::start();
    session.reply();
    session.spawn(1, &["sh", "-c", "echo $0"]);
    assert!(matches!(&session.until_end()[0], Reply::Output { bytes, .. } if bytes == b"sh\n"));
}

#[test]
fn nonsense_ends_it() {
    let mut session = Session::start();
    session.reply();
    session.stream.write_all(&[255; 16]).expect("it listens");
    assert_eq!(session.reply(), None);
    assert_eq!(session.child.wait().expect("it ends").code(), Some(1));
}

#[test]
fn orphans_end_with_the_connection() {
    let mut session = Session::start();
    session.reply();
    let mark = format!("88{}", std::process::id());
    session.spawn(1, &["sh", "-c", &format!("(setsid sleep {mark} >/dev/null 2>&1 &); echo started")]);
    assert_eq!(session.until_end().len(), 2);
    session.stream.shutdown(std::net::Shutdown::Both).expect("it is open");
    session.child.wait().expect("it ends");
    let is_left = std::fs::read_dir("/proc").expect("/proc").flatten().any(|entry| {
        std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == format!("sleep\0{mark}\0").as_bytes())
    });
    assert!(!is_left, "it waits until they are gone");
}

#[test]
fn it_connects_to_a_socket_and_makes_directories_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let (socket, made) = (directory.path().join("s"), directory.path().join("a/b"));
    let listener = UnixListener::bind(&socket).expect("a socket");
    let start = |made: &Path| {
        let mut command = Command::new(executable());
        command.arg(SUBCOMMAND).arg("--socket").arg(&socket).arg("--directory").arg(made);
        let child = command.spawn().expect("it starts");
        Session { child, stream: listener.accept().expect("it connects").0, decoder: Decoder::default() }
    };
    let mut session = start(&made);
    assert!(matches!(session.reply(), Some(Reply::Ready(_))));
    assert!(made.is_dir());
    drop(session.stream);
    session.child.wait().expect("it ends");
    let mut session = start(Path::new("/proc/none"));
    assert!(matches!(session.reply(), Some(Reply::SetupFailed { message }) if message.contains("/proc/none")));
    assert_eq!(session.child.wait().expect("it ends").code(), Some(1));
}
