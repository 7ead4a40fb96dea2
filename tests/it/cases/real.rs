//! Cases with real processes: the executable under test, on a real backend.
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use wfrun_journal::RunEvent;

use super::case::{Case, Real};
use super::story::story;
use crate::actions::can_run_node;
use crate::cancel::interrupt_run;
use crate::docker::IMAGE;
use crate::repo::{Ran, Repo};

/// So many cases at once.
const LANES: usize = 4;

impl Real {
    fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Docker => "docker",
        }
    }
}

/// Runs all cases that want it on a backend; what came out otherwise than it should.
pub(crate) fn differences(cases: &[Case], real: Real) -> Vec<String> {
    let mut wanted: Vec<&Case> = cases.iter().filter(|it| it.script.also.contains(&real)).collect();
    if wanted.iter().any(|it| it.script.needs_node) && !can_run_node() {
        wanted.retain(|it| !it.script.needs_node);
    }
    println!("{} cases on {}", wanted.len(), real.name());
    // After a cancellation there are two seconds for what is left to do: nothing else should take them.
    let (alone, together): (Vec<&Case>, Vec<&Case>) = wanted.into_iter().partition(|it| it.script.cancel.is_some());
    let mut differences = side_by_side(&together, LANES, real);
    differences.extend(side_by_side(&alone, 1, real));
    differences
}

/// Most of a case is waiting for processes to start and end.
fn side_by_side(cases: &[&Case], lanes: usize, real: Real) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let lane = || {
        let mut differences = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            differences.extend(difference(case, real));
            if begun.elapsed().as_secs() >= 2 {
                println!("{}: {:.1} s", case.name, begun.elapsed().as_secs_f64());
            }
        }
        differences
    };
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().flat_map(|it| it.join().expect("a lane ends")).collect()
    })
}

fn difference(case: &Case, real: Real) -> Option<String> {
    let ran = run(case, real);
    let events: Result<Vec<RunEvent>, _> = ran.stdout.lines().map(serde_json::from_str).collect();
    let told = match events {
        Ok(events) => story(&events),
        Err(err) => format!("not a journal: {err}\n{}", ran.stdout),
    };
    let expected = case.expected();
    (told != expected).then(|| {
        format!("{} on {}:\n{}\n{}", case.name, real.name(), crate::cases::difference(&expected, &told), ran.stderr)
    })
}

fn run(case: &Case, real: Real) -> Ran {
    let files = case.files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let repo = Repo::new(&case.workflow, &files);
    let script = &case.script;
    let mut words: Vec<String> =
        ["w.yml", "--backend", real.name(), "--json", "--offline", "--repository", "octo/demo"]
            .map(str::to_owned)
            .into();
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    option("--actor", "octocat".to_owned());
    option("--run-number", "3".to_owned());
    if real == Real::Docker {
        option("-P", format!("ubuntu-latest={IMAGE}"));
    }
    if let Some(event) = &script.event {
        option("--event", event.clone());
    }
    if case.payload.is_some() {
        option("--event-path", case.folder.join("event.json").display().to_string());
    }
    for (name, value) in &script.inputs {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        option("--input", format!("{name}={value}"));
    }
    for (name, value) in &script.secrets {
        option("--secret", format!("{name}={value}"));
    }
    for (name, value) in &script.vars {
        option("--var", format!("{name}={value}"));
    }
    for it in case.actions() {
        let git_ref = it.git_ref.map_or_else(String::new, |it| format!("@{it}"));
        option("--local-repository", format!("{}{git_ref}={}", it.name, it.folder.display()));
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match &script.cancel {
        Some(line) => {
            let mut command = repo.command(&words);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let part = format!("\"text\":{}", serde_json::Value::from(line.as_str()));
            interrupt_run(command, nix::sys::signal::Signal::SIGINT, &part).0
        }
        None => repo.wfrun(&words),
    }
}
