//! Programs are kept from the addresses at which clouds tell a machine its own credentials.

use std::net::TcpListener;

use wfrun_backend::docker::{ContainerRun, Log, RunImage, RunNetwork};
use wfrun_backend::{Backend, Process, ProcessEvent, Refused, Stream};

use crate::containers::{Job, left, request};
use crate::support::{Place, agent_executable, collect, docker, image, open_with, real_backends};

/// Prints the error's name of one attempt to connect by each way there is.
const ASK: &str = r#"
import errno, socket, sys
def ask(what, family, do):
    with socket.socket(family, socket.SOCK_STREAM) as it:
        try:
            do(it)
            print(what, "connected")
        except OSError as err:
            print(what, errno.errorcode[err.errno])
v4 = ("169.254.169.254", 80)
fast = 0x20000000
ask("v4", socket.AF_INET, lambda it: it.connect(v4))
ask("v6", socket.AF_INET6, lambda it: it.connect(("fd00:ec2::254", 80)))
ask("mapped", socket.AF_INET6, lambda it: it.connect(("::ffff:169.254.169.254", 80)))
ask("tasks", socket.AF_INET, lambda it: it.connect(("169.254.170.2", 80)))
ask("fast", socket.AF_INET, lambda it: it.sendto(b"x", fast, v4))
ask("message", socket.AF_INET, lambda it: it.sendmsg([b"x"], [], fast, v4))
ask("loopback", socket.AF_INET, lambda it: it.connect(("127.0.0.1", int(sys.argv[1]))))
"#;

const ANSWERS: &str = "v4 ENETUNREACH\nv6 ENETUNREACH\nmapped ENETUNREACH\ntasks ENETUNREACH\nfast ENOTSUP\n\
                       message ENOTSUP\nloopback connected\n";

/// What a process printed, and whom it asked in vain.
async fn follow(mut process: Process) -> (String, Vec<Refused>) {
    let (mut printed, mut refused) = (String::new(), Vec::new());
    while let Some(event) = process.next().await {
        match event {
            ProcessEvent::Output { stream: Stream::Stdout | Stream::Stderr, bytes } => {
                printed.push_str(&String::from_utf8_lossy(&bytes));
            }
            ProcessEvent::Refused(it) => refused.push(it),
            ProcessEvent::Exited { code } => assert_eq!(code, 0, "{printed}"),
            ProcessEvent::FailedToStart { message } => panic!("{message}"),
        }
    }
    (printed, refused)
}

async fn run(place: &Place, argv: &[&str]) -> (String, Vec<Refused>) {
    follow(place.environment.spawn(place.exec(argv)).await.expect("the environment is there")).await
}

async fn output(place: &Place, script: &str) -> String {
    run(place, &["bash", "-c", script]).await.0
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port().to_string();
    (listener, port)
}

/// The host lets root alone do it.
async fn backends() -> Vec<Box<dyn Backend>> {
    let is_root = nix::unistd::geteuid().is_root();
    real_backends().await.into_iter().filter(|it| is_root || it.name() != "host").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_unreachable_and_who_asks_is_told() {
    let (_listener, port) = listener();
    for backend in backends().await {
        let place = open_with(&*backend, |spec| spec.cuts_metadata = true).await;
        assert_eq!(place.environment.facts().metadata_open, None, "{}", backend.name());
        let (printed, refused) = run(&place, &["python3", "-c", ASK, &port]).await;
        assert_eq!(printed, ANSWERS, "{}", backend.name());
        let asked: Vec<String> = refused.iter().map(|it| format!("{} {}", it.program, it.address)).collect();
        let expected = ["169.254.169.254:80", "[fd00:ec2::254]:80", "[::ffff:169.254.169.254]:80", "169.254.170.2:80"];
        assert_eq!(asked, expected.map(|it| format!("python3 {it}")), "{}", backend.name());
        place.close().await;
    }
}

/// The control: where it is not wanted, nothing is asked.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_only_where_it_is_wanted() {
    for backend in backends().await {
        let place = open_with(&*backend, |_| {}).await;
        let script = "grep Seccomp_filters /proc/self/status | tr -dc 0-9";
        let without: u32 = output(&place, script).await.parse().expect("a number");
        place.close().await;
        let place = open_with(&*backend, |spec| spec.cuts_metadata = true).await;
        let with: u32 = output(&place, script).await.parse().expect("a number");
        place.close().await;
        assert_eq!(with, without + 1, "{}", backend.name());
    }
}

/// A process that has left its step, one of a thread, and several at once.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_belongs_to_a_step() {
    let script = r#"
import socket, threading
def ask():
    try: socket.create_connection(("169.254.169.254", 80))
    except OSError: pass
threads = [threading.Thread(target=ask) for _ in range(20)]
for it in threads: it.start()
for it in threads: it.join()
"#;
    for backend in backends().await {
        let place = open_with(&*backend, |spec| spec.cuts_metadata = true).await;
        let (_, refused) = run(&place, &["python3", "-c", script]).await;
        assert_eq!(refused.len(), 20, "{}", backend.name());
        let orphan = "setsid --fork bash -c '(sleep 0.2; : >/dev/tcp/169.254.169.254/80) 2>/dev/null' & sleep 1";
        let (_, refused) = run(&place, &["bash", "-c", orphan]).await;
        assert_eq!(refused.len(), 1, "{}", backend.name());
        place.close().await;
    }
}

/// One watcher above another cannot be, nor can one be made without the right to it. The program runs all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_cut_off_is_said() {
    let agent = agent_executable().display().to_string();
    let nested = "another program above this one watches its connections (seccomp: ";
    let without = "it takes root with CAP_SYS_ADMIN (seccomp: ";
    for backend in backends().await {
        let (agent, reason) = match backend.name() {
            "host" => (agent.as_str(), nested),
            _ => ("/opt/wfrun/wfrun", without),
        };
        let place = open_with(&*backend, |spec| spec.cuts_metadata = true).await;
        let (printed, _) = run(&place, &[agent, "__entry", "--metadata", "cut", "--", "echo", "done"]).await;
        let expected = format!("::warning::steps of this container reach the metadata of this machine: {reason}");
        assert!(printed.starts_with(&expected), "{}: {printed}", backend.name());
        assert!(printed.ends_with("\ndone\n"), "{}: {printed}", backend.name());
        place.close().await;
    }
}

/// What the container got for the set-up is gone before anything starts.
#[tokio::test(flavor = "multi_thread")]
async fn programs_of_a_container_have_the_rights_that_they_would_have() {
    let Some(backend) = docker().await else { return };
    let script = "grep -E '^(Cap|Groups|NoNewPrivs)' /proc/self/status; id; \
                  ls -ld /proc/1/fd | cut -d' ' -f3; unshare --user true 2>/dev/null; echo $?; \
                  unshare --mount true 2>/dev/null; echo $?; mount -t tmpfs none /mnt 2>/dev/null; echo $?";
    for options in ["", "--user 1:4 --group-add 27", "--user daemon", "--cap-drop ALL", "--cap-add SYS_PTRACE"] {
        let mut printed = Vec::new();
        for cuts_metadata in [false, true] {
            let Some(job) = Job::new("rights").await else { return };
            let place = job.open(&request("container", options), |spec| spec.cuts_metadata = cuts_metadata).await;
            assert_eq!(place.environment.facts().metadata_open, None, "{options}");
            let said = output(&place, script).await;
            if cuts_metadata {
                let asked = output(&place, ": >/dev/tcp/169.254.169.254/80 || true").await;
                assert!(asked.contains("Network is unreachable"), "{options}: {asked}");
            }
            printed.push(said);
            job.stop(Some(place)).await;
        }
        assert_eq!(printed[0], printed[1], "{options}");
    }
    drop(backend);
}

fn container(script: &str) -> ContainerRun {
    ContainerRun {
        run_id: format!("metadata-{}", std::process::id()),
        job: "j".to_owned(),
        image: RunImage::Named { name: image().to_owned(), may_pull: false },
        entrypoint: Some("bash".to_owned()),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        env: Vec::new(),
        cwd: "/".to_owned(),
        mounts: Vec::new(),
        network: RunNetwork::Machine,
        hosts: Vec::new(),
        dns: None,
        cuts_metadata: true,
    }
}

/// Whatever an image says of its program and its user, it is as it would be without us.
#[tokio::test(flavor = "multi_thread")]
async fn a_container_of_its_own_is_as_it_would_be() {
    let Some(backend) = docker().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let show = r#"#!/bin/bash
echo "$0 $# $*"; id; pwd; umask; grep -E '^(Cap|Groups|NoNewPrivs)' /proc/self/status; echo out >/dev/stdout; echo err >/dev/stderr
exit "${CODE:-0}"
"#;
    std::fs::write(folder.path().join("show"), show).expect("a script");
    let from = format!("FROM {}\nCOPY show /bin/show\nRUN chmod 755 /bin/show\n", image());
    let argument = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    for (rest, entrypoint, arguments, code) in [
        ("ENTRYPOINT [\"/bin/show\", \"a\"]\nCMD [\"b\"]\n", None, &[][..], 3),
        ("ENTRYPOINT [\"/bin/show\", \"a\"]\nCMD [\"b\"]\n", None, &["c d", "e"], 0),
        ("ENTRYPOINT [\"/none\"]\nCMD [\"b\"]\n", Some("/bin/show"), &[], 0),
        ("USER daemon\nCMD show x\n", None, &[], 255),
        ("USER 1001:4\n", Some("show"), &["--", "y"], 0),
    ] {
        std::fs::write(folder.path().join("Dockerfile"), format!("{from}{rest}")).expect("a file");
        let (dockerfile, tag) = (folder.path().join("Dockerfile"), "wfrun-test/metadata:latest".to_owned());
        let made = backend.make_image(&RunImage::Built { dockerfile, tag, arguments: Vec::new() }, &Log::new().0).await;
        let name = made.expect("an image");
        let mut ended = Vec::new();
        for cuts_metadata in [false, true] {
            let run = ContainerRun {
                image: RunImage::Named { name: name.clone(), may_pull: false },
                entrypoint: entrypoint.map(str::to_owned),
                arguments: argument(arguments),
                env: vec![("CODE".to_owned(), code.to_string())],
                cwd: "/var/tmp".to_owned(),
                cuts_metadata,
                ..container("")
            };
            ended.push(collect(backend.run(&agent_executable(), run).expect("it starts")).await);
        }
        assert_eq!(ended[0].code, Some(code), "{rest}: {:?}", ended[0]);
        assert_eq!(ended[0], ended[1], "{rest}");
    }
    let removed = std::process::Command::new("docker").args(["rmi", "wfrun-test/metadata:latest"]).output();
    assert!(removed.expect("docker").status.success());
}

/// A container action says it in its log.
#[tokio::test(flavor = "multi_thread")]
async fn a_container_of_its_own_is_kept_from_it() {
    let Some(backend) = docker().await else { return };
    let run =
        container("for i in 1 2; do : >/dev/tcp/169.254.169.254/80; done; echo A >/dev/stdout; echo B >/dev/stderr");
    let (printed, _) = follow(backend.run(&agent_executable(), run.clone()).expect("it starts")).await;
    assert_eq!(printed.matches("bash: connect: Network is unreachable").count(), 2, "{printed}");
    assert_eq!(printed.matches("::warning::`bash` asked 169.254.169.254:80").count(), 1, "{printed}");
    assert!(printed.contains("A\n") && printed.contains("B\n"), "{printed}");
    assert_eq!(left(&run.run_id), "");
}
