//! What holds wherever real processes run. Each test goes through all backends that work on this machine.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use wfrun_backend::{Exec, HostBackend, ProcessEvent, Signal, Target};

use crate::support::{PATIENCE, agent_executable, collect, open, open_with, real_backends, wait_for, wait_until_gone};

/// Prints the masks of signals that are blocked and that are ignored, without the real-time signals.
const BLOCKED_AND_IGNORED: &str = "sed -n 's/^Sig\\(Blk\\|Ign\\):.*\\(........\\)$/\\2/p' /proc/self/status";

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_are_those_of_a_shell() {
    for backend in real_backends().await {
        let place = open(&*backend).await;
        for (script, code) in [
            ("exit 0", 0),
            ("exit 3", 3),
            ("exit 255", 255),
            ("kill -TERM $$", 143),
            ("kill -KILL $$", 137),
            ("kill -SEGV $$", 139),
            ("kill -s RTMIN+3 $$", 128 + 37),
            ("false | true", 0),
            ("no-such-command", 127),
        ] {
            assert_eq!(place.run(script).await.code, Some(code), "{}: {script}", backend.name());
        }
        place.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_start_says_so_in_the_runners_words() {
    for backend in real_backends().await {
        let place = open(&*backend).await;
        let start = async |command: &str, cwd: &str| {
            let exec = Exec { cwd: cwd.to_owned(), ..place.exec(&[command]) };
            collect(place.environment.spawn(exec).await.expect("it is there")).await.failed.unwrap_or_default()
        };
        let none = "No such file or directory";
        for (command, cwd, reason) in [
            ("/bin/none", "/", none),
            ("none", "/", none),
            ("/bin/sh", "/none", none),
            ("/etc/passwd", "/", "Permission denied"),
        ] {
            let expected = format!(
                "An error occurred trying to start process '{command}' with working directory '{cwd}'. {reason}"
            );
            assert_eq!(start(command, cwd).await, expected, "{}", backend.name());
        }
        place.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_sees_its_own_environment_no_input_and_no_terminal() {
    for backend in real_backends().await {
        let place = open(&*backend).await;
        let env =
            vec![("PATH".to_owned(), place.environment.facts().path.clone()), ("A".to_owned(), "b c\nd".to_owned())];
        let exec = |script: &str| Exec { env: env.clone(), ..place.exec(&["bash", "-c", script]) };
        let run =
            async |script: &str| collect(place.environment.spawn(exec(script)).await.expect("there")).await.stdout;
        assert_eq!(
            run(
                "env -0 | sort -z | tr '\\0' '|' | sed 's/SHLVL=[0-9]*|//;s/_=[^|]*|//;s/PATH=[^|]*|//;s/PWD=[^|]*|//'"
            )
            .await,
            "A=b c\nd|"
        );
        assert_eq!(run("cat; test -t 0 || test -t 1 || echo none").await, "none\n");
        // Real-time signals are not Rust's and not ours; of the others none may be blocked or ignored.
        for mask in run(BLOCKED_AND_IGNORED).await.lines() {
            assert_eq!(u32::from_str_radix(mask, 16).expect("a mask") & 0x7fff_ffff, 0, "{}", backend.name());
        }
        // Who is given up sooner, as a service of the machine's may be, needs a right to become 500 again.
        let own = std::fs::read_to_string("/proc/self/oom_score_adj").expect("procfs");
        let own: i32 = own.trim().parse().expect("a number");
        let adjusted: i32 = run("cat /proc/self/oom_score_adj").await.trim().parse().expect("a number");
        assert!(adjusted == 500 || adjusted == own.max(500), "{}: {adjusted}", backend.name());
        assert_eq!(
            run("ls -l /proc/self/fd | grep -e socket: -e anon_inode: || echo none").await,
            "none\n",
            "the supervisor's own stay its own"
        );
        place.close().await;
    }
}

/// Behind `nohup`, or `&` in a script.
#[tokio::test(flavor = "multi_thread")]
async fn signals_that_are_ignored_here_are_heeded_inside() {
    let folder = tempfile::tempdir().expect("a folder");
    let deaf = folder.path().join("deaf");
    let script = format!("#!/bin/sh\ntrap '' INT QUIT HUP TERM USR1\nexec '{}' \"$@\"\n", agent_executable().display());
    std::fs::write(&deaf, script).expect("a script");
    std::fs::set_permissions(&deaf, Permissions::from_mode(0o755)).expect("a script");
    let place = open_with(&HostBackend, |spec| spec.agent_executable = deaf).await;
    for mask in place.output(BLOCKED_AND_IGNORED).await.lines() {
        assert_eq!(u32::from_str_radix(mask, 16).expect("a mask") & 0x7fff_ffff, 0);
    }
    for (name, code) in [("INT", 130), ("HUP", 129), ("TERM", 143), ("USR1", 138)] {
        assert_eq!(place.run(&format!("kill -{name} $$; echo deaf")).await.code, Some(code), "{name}");
    }
    place.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn output_comes_whole_and_in_order() {
    for backend in real_backends().await {
        let place = open(&*backend).await;
        let mut process = place.start("seq 1 13000000 | head -c 100000000; echo end >&2").await;
        let (mut expected, mut received) = (Numbers::default(), 0_usize);
        while let Some(event) = process.next().await {
            match event {
                ProcessEvent::Output { stream: wfrun_backend::Stream::Stdout, bytes } => {
                    received += bytes.len();
                    assert!(expected.continues_with(&bytes), "{}: wrong bytes before {received}", backend.name());
                }
                ProcessEvent::Output { bytes, .. } => assert_eq!(bytes, b"end\n"),
                ProcessEvent::Warning(it) => panic!("{it:?}"),
                ProcessEvent::Exited { code } => assert_eq!(code, 0),
                ProcessEvent::FailedToStart { message } => panic!("{message}"),
            }
        }
        assert_eq!(received, 100_000_000, "{}", backend.name());
        place.close().await;
    }
}

/// The output of `seq 1 …`, generated as it is compared.
#[derive(Default)]
struct Numbers {
    last: u32,
    pending: Vec<u8>,
}

impl Numbers {
    fn continues_with(&mut self, bytes: &[u8]) -> bool {
        while self.pending.len() < bytes.len() {
            self.last += 1;
            self.pending.extend_from_slice(format!("{}\n", self.last).as_bytes());
        }
        let rest = self.pending.split_off(bytes.len());
        std::mem::replace(&mut self.pending, rest) == bytes
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_stops_the_writer_but_no_signal() {
    for backend in real_backends().await {
        let place = open(&*backend).await;
        let process = place.start("trap 'touch signalled' INT; touch ready; yes & wait || wait").await;
        let exists = async |name: &str| appears(&place.work_dir.path().join(name)).await;
        assert!(exists("ready").await, "{}", backend.name());
        // Nobody reads, so the writer soon stands still; the signal must get there all the same.
        tokio::time::sleep(Duration::from_millis(300)).await;
        process.control().signal(Signal::Interrupt, Target::Leader);
        assert!(exists("signalled").await, "{}", backend.name());
        process.control().signal(Signal::Kill, Target::Tree);
        let ended = collect(process).await;
        assert_eq!(ended.code, Some(137), "{}", backend.name());
        assert!(
            ended.stdout.len() < 32 * 1024 * 1024,
            "{}: {} bytes were buffered",
            backend.name(),
            ended.stdout.len()
        );
        place.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_reach_whom_they_are_meant_for() {
    for backend in real_backends().await {
        for (signal, target, expected) in [
            // Bash waits for its child, which the signal does not reach, and then acts on it.
            (Signal::Interrupt, Target::Leader, vec!["leader"]),
            (Signal::Terminate, Target::Group, vec!["leader", "child"]),
            (Signal::Terminate, Target::Tree, vec!["leader", "child", "escaped"]),
        ] {
            let place = open(&*backend).await;
            let wait = "while :; do sleep 0.01; done";
            let other =
                |name: &str| format!("bash -c 'trap \"touch {name}; exit\" INT TERM; touch {name}-ready; {wait}' &");
            let (escaped, child) = (other("escaped"), other("child"));
            let script = format!(
                "setsid {escaped} {child} trap 'touch leader; exit' INT TERM
                until test -e escaped-ready -a -e child-ready; do sleep 0.01; done
                echo ready; {wait}"
            );
            let mut process = place.start(&script).await;
            wait_for(&mut process, "ready").await;
            process.control().signal(signal, target);
            for name in ["leader", "child", "escaped"] {
                let file = place.work_dir.path().join(name);
                let is_reached = if expected.contains(&name) { appears(&file).await } else { file.exists() };
                assert_eq!(
                    is_reached,
                    expected.contains(&name),
                    "{}: {signal:?} to {target:?}: {name}",
                    backend.name()
                );
            }
            place.close().await;
        }
    }
}

/// Whether a file comes to be there.
async fn appears(file: &Path) -> bool {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !file.exists() && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    file.exists()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_keeps_the_pipe_holds_the_step_five_seconds() {
    for backend in real_backends().await {
        let place = open(&*backend).await;
        let begin = std::time::Instant::now();
        let ended = place.run("echo before; (sleep 600; echo never) & exit 4").await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(4), "before\n"), "{}", backend.name());
        assert!(begin.elapsed() >= Duration::from_secs(5), "{}: it was cut off early", backend.name());
        // One that never stops writing does not hold it either. What it writes is gigabytes.
        let mut process = place.start("yes & exit 5").await;
        let (mut printed, mut code) = (0, None);
        while let Some(event) = process.next().await {
            match event {
                ProcessEvent::Output { bytes, .. } => printed += bytes.len(),
                ProcessEvent::Exited { code: ended } => code = Some(ended),
                other @ (ProcessEvent::Warning(_) | ProcessEvent::FailedToStart { .. }) => {
                    panic!("{}: {other:?}", backend.name())
                }
            }
        }
        assert_eq!(code, Some(5), "{}: behind {printed} bytes", backend.name());
        place.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_on_after_the_end() {
    for (number, backend) in real_backends().await.into_iter().enumerate() {
        for close in [true, false] {
            let place = open(&*backend).await;
            let mark = format!("86{number}{}{}", u8::from(close), std::process::id());
            let mut process =
                place.start(&format!("setsid sleep {mark} & (sleep {mark} &) ; echo started; sleep {mark}")).await;
            wait_for(&mut process, "started").await;
            if close {
                place.close().await;
            } else {
                drop(place);
            }
            wait_until_gone(&mark).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_found_by_their_environment() {
    for backend in real_backends().await {
        let place = open(&*backend).await;
        // It ends once both are what they are to become.
        let script = "
            (setsid sleep 77 >/dev/null 2>&1 & echo $! > one); env -u RUNNER_TRACKING_ID setsid sleep 78 >/dev/null 2>&1 & echo $! > two
            for it in one two; do until [ \"$(cat /proc/$(cat $it)/comm)\" = sleep ]; do sleep 0.01; done; done";
        let mut exec = place.exec(&["bash", "-c", script]);
        let id = format!("github_{}-{}", backend.name(), std::process::id());
        exec.env.push(("RUNNER_TRACKING_ID".to_owned(), id.clone()));
        assert_eq!(collect(place.environment.spawn(exec).await.expect("there")).await.code, Some(0));
        let names: Vec<String> =
            place.environment.sweep("RUNNER_TRACKING_ID", &id).await.into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["sleep"], "{}", backend.name());
        place.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_looked_up_inside() {
    for backend in real_backends().await {
        let shims = ["no-such-program", "bash"].map(str::to_owned).to_vec();
        let place = open_with(&*backend, |spec| spec.shims = shims).await;
        let environment = &place.environment;
        assert!(environment.which("bash").await.is_some_and(|path| path.ends_with("/bash")), "{}", backend.name());
        assert_eq!(environment.which("no-such-command").await, None);
        let shim = environment.which("no-such-program").await.expect("a shim");
        let folder = shim.strip_suffix("/no-such-program");
        assert_eq!(environment.facts().path.rsplit(':').next(), folder, "{}", backend.name());
        assert_eq!(
            place.run("no-such-program").await.code,
            Some(2),
            "{}: the link leads to the executable",
            backend.name()
        );
        let bash = environment.which("bash").await.expect("its own");
        assert_ne!(bash.strip_suffix("/bash"), folder, "{}: what is there comes before", backend.name());
        place.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_directory_is_shared_and_the_base_environment_holds() {
    for backend in real_backends().await {
        let place = open_with(&*backend, |spec| spec.env = vec![("EXTRA".to_owned(), "1".to_owned())]).await;
        let facts = place.environment.facts().clone();
        assert_eq!(
            place.output("pwd; echo hello > file; echo $HOME $EXTRA").await,
            format!("{}\n{} 1\n", facts.work, facts.home)
        );
        assert_eq!(std::fs::read_to_string(place.work_dir.path().join("file")).expect("it is here too"), "hello\n");
        assert_eq!(place.output(&format!("touch {}/tool && echo ok", facts.tool_cache)).await, "ok\n");
        assert!(!facts.base_env.iter().any(|(key, _)| key.starts_with("CARGO_PKG")), "{}", backend.name());
        place.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_run_side_by_side() {
    for backend in real_backends().await {
        let place = open(&*backend).await;
        let one = place.start("until test -e go; do sleep 0.01; done; echo one").await;
        let two = place.start("touch go; echo two").await;
        let (one, two) = tokio::join!(collect(one), collect(two));
        assert_eq!((one.stdout.as_str(), two.stdout.as_str()), ("one\n", "two\n"));
        place.close().await;
    }
}
