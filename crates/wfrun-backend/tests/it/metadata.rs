//! Programs are kept from the addresses at which clouds tell a machine its own credentials.

use std::net::TcpListener;

use wfrun_backend::docker::{ContainerRun, Log, RunImage, RunNetwork};
use wfrun_backend::{Backend, Process, ProcessEvent, Stream};

use crate::containers::{Job, left, request};
use crate::support::{
    Place, agent_executable, collect, docker, image, open_with, real_backends, run_id, sandbox, skip,
};

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
async fn follow(mut process: Process) -> (String, Vec<String>) {
    let (mut printed, mut refused) = (String::new(), Vec::new());
    while let Some(event) = process.next().await {
        match event {
            ProcessEvent::Output { stream: Stream::Stdout | Stream::Stderr, bytes } => {
                printed.push_str(&String::from_utf8_lossy(&bytes));
            }
            ProcessEvent::Warning(it) => refused.push(it),
            ProcessEvent::Exited { code } => assert_eq!(code, 0, "{printed}"),
            ProcessEvent::FailedToStart { message } => panic!("{message}"),
        }
    }
    (printed, refused)
}

async fn run(place: &Place, argv: &[&str]) -> (String, Vec<String>) {
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
    let has_ipv6 = std::path::Path::new("/proc/net/if_inet6").exists();
    if !has_ipv6 {
        skip("rows with IPv6, which this machine's kernel has not");
    }
    let rows = |text: &str, of: [&str; 2]| -> String {
        let here = text.split_inclusive('\n').filter(|it| has_ipv6 || !of.iter().any(|of| it.starts_with(of)));
        here.collect()
    };
    let ask = rows(ASK, ["ask(\"v6", "ask(\"mapped"]);
    for backend in backends().await {
        let place = open_with(&*backend, |spec| spec.cuts_metadata = true).await;
        assert_eq!(place.environment.facts().metadata_open, None, "{}", backend.name());
        let (printed, refused) = run(&place, &["python3", "-c", &ask, &port]).await;
        assert_eq!(printed, rows(ANSWERS, ["v6 ", "mapped "]), "{}", backend.name());
        let asked: Vec<&str> =
            refused.iter().filter_map(|it| it.split_once(", where clouds tell")).map(|it| it.0).collect();
        let v6: &[&str] = if has_ipv6 { &["fd00:ec2::254", "169.254.169.254"] } else { &[] };
        let expected = [&["169.254.169.254"], v6, &["169.254.170.2"]].concat();
        let expected: Vec<String> = expected.iter().map(|it| format!("`python3` asked {it}")).collect();
        assert_eq!(asked, expected, "{}", backend.name());
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

/// Of several processes the one that asks is told, not the one that was started last.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_the_one_that_asks_is_told() {
    for backend in backends().await {
        let place = open_with(&*backend, |spec| spec.cuts_metadata = true).await;
        let first = place.start("sleep 0.5; bash -c ': </dev/tcp/169.254.169.254/80' 2>/dev/null || true").await;
        let second = place.start("sleep 1").await;
        let (first, second) = tokio::join!(follow(first), follow(second));
        assert_eq!((first.1.len(), second.1.len()), (1, 0), "{}", backend.name());
        place.close().await;
    }
}

/// One watcher above another cannot be. The program runs all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_cut_off_is_said() {
    let listen = "import os, socket, sys\ns = socket.socket(socket.AF_UNIX); s.bind('t'); s.listen(); os.rename('t', 's'); \
                  print('ready', flush=True); print(s.accept()[0].makefile().read())";
    for backend in backends().await {
        let agent = match backend.name() {
            "host" => agent_executable().display().to_string(),
            _ => "/opt/wfrun/wfrun".to_owned(),
        };
        let place = open_with(&*backend, |spec| spec.cuts_metadata = true).await;
        let script =
            format!("python3 -c \"{listen}\" & until [ -S s ]; do sleep 0.05; done; {agent} __entry s echo done; wait");
        let printed = output(&place, &script).await;
        let reason = "this container reaches the metadata of this machine: another program above this one watches its connections";
        assert!(printed.contains(reason) && printed.contains("\ndone\n"), "{}: {printed}", backend.name());
        place.close().await;
    }
}

/// Whatever `options` say, programs have the rights and the user that they would have.
#[tokio::test(flavor = "multi_thread")]
async fn programs_of_a_container_have_the_rights_that_they_would_have() {
    let script = "grep -E '^(Cap|Groups)' /proc/self/status; id; \
                  ls -ld /proc/1/fd | cut -d' ' -f3; ls -l /proc/1/fd >/dev/null; echo $?; \
                  unshare --user true 2>/dev/null; echo $?; mount -t tmpfs none /mnt 2>/dev/null; echo $?";
    for options in ["", "--user 1:4 --group-add 27", "--cap-drop ALL", "--cap-add SYS_PTRACE"] {
        let mut printed = Vec::new();
        for cuts_metadata in [false, true] {
            let Some(job) = Job::new("rights").await else { return };
            let place = job.open(&request("container", options), |spec| spec.cuts_metadata = cuts_metadata).await;
            let open = place.environment.facts().metadata_open.clone();
            let said = output(&place, script).await;
            // The image has `sudo`, which would not work any more for a user.
            let stays_open = options.starts_with("--user");
            let reason = "for a user who is not root it would keep `sudo` from working (seccomp: ";
            assert_eq!(open.is_some_and(|it| it.starts_with(reason)), stays_open && cuts_metadata, "{options}");
            if cuts_metadata && !stays_open {
                let asked = output(&place, ": >/dev/tcp/169.254.169.254/80 || true").await;
                assert!(asked.contains("Network is unreachable"), "{options}: {asked}");
            }
            printed.push(said);
            job.stop(Some(place)).await;
        }
        assert_eq!(printed[0], printed[1], "{options}");
    }
}

/// The supervisor of the sandbox has no right that its steps cannot have: they may look into it.
#[tokio::test(flavor = "multi_thread")]
async fn the_supervisor_keeps_no_more_rights_than_its_steps() {
    let Some(backend) = sandbox() else { return };
    for cuts_metadata in [false, true] {
        let place = open_with(&backend, |spec| spec.cuts_metadata = cuts_metadata).await;
        let script = "cat /proc/1/task/*/status | grep -E '^Cap(Eff|Prm)' | cut -f2 | sort -u; echo --; \
                      grep CapBnd /proc/self/status | cut -f2";
        let printed = output(&place, script).await;
        let (supervisor, steps) = printed.split_once("--\n").expect("both");
        assert_eq!(supervisor, steps, "{cuts_metadata}");
        place.close().await;
    }
}

fn container(script: &str) -> ContainerRun {
    ContainerRun {
        run_id: run_id("metadata"),
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
echo "$0 $# $*"; id; pwd; umask; grep -E '^(Cap|Groups)' /proc/self/status; echo out >/dev/stdout; echo err >/dev/stderr
exit "${CODE:-0}"
"#;
    std::fs::write(folder.path().join("show"), show).expect("a script");
    let from = format!("FROM {}\nCOPY show /bin/show\nRUN chmod 755 /bin/show && rm -f /usr/bin/sudo\n", image());
    let tag = format!("wfrun-test/metadata:{}", std::process::id());
    let argument = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    for (rest, entrypoint, arguments, code) in [
        ("ENTRYPOINT [\"/bin/show\", \"a\"]\nCMD [\"b\"]\n", None, &[][..], 3),
        ("ENTRYPOINT [\"/bin/show\", \"a\"]\nCMD [\"b\"]\n", None, &["c d", "e"], 0),
        ("ENTRYPOINT [\"/none\"]\nCMD [\"b\"]\n", Some("/bin/show"), &[], 0),
        ("USER daemon\nCMD show x\n", None, &[], 255),
        ("USER 1001:4\n", Some("show"), &["--", "y"], 0),
    ] {
        std::fs::write(folder.path().join("Dockerfile"), format!("{from}{rest}")).expect("a file");
        let (dockerfile, tag) = (folder.path().join("Dockerfile"), tag.clone());
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
    let removed = std::process::Command::new("docker").args(["rmi", &tag]).output();
    assert!(removed.expect("docker").status.success());
}

/// A container action is told, and its output stays as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_container_of_its_own_is_kept_from_it() {
    let Some(backend) = docker().await else { return };
    let run = container("printf half; : 2>/dev/null >/dev/tcp/169.254.169.254/80; echo ' a line'");
    let (printed, warnings) = follow(backend.run(&agent_executable(), run.clone()).expect("it starts")).await;
    assert_eq!(printed, "half a line\n");
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].starts_with("`bash` asked 169.254.169.254, where"), "{warnings:?}");
    assert_eq!(left(&run.run_id), "");
}

/// A program that ends at once, many times: its end is never overlooked.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_never_overlooked() {
    let Some(backend) = docker().await else { return };
    let script = "for i in $(seq 200); do timeout 60 /opt/wfrun/wfrun __entry /none true || exit 1; done; \
                  /opt/wfrun/wfrun __entry /none bash -c 'kill -KILL $$'; echo $?; \
                  /opt/wfrun/wfrun __entry /none /none 2>/dev/null; echo $?; \
                  /opt/wfrun/wfrun __entry /none /etc/passwd 2>/dev/null; echo $?; \
                  /opt/wfrun/wfrun __entry /none bash -c 'kill -USR1 -- -$$; sleep 5'; echo $?";
    let (printed, _) = follow(backend.run(&agent_executable(), container(script)).expect("it starts")).await;
    assert_eq!(printed, "137\n127\n126\n138\n");
}
