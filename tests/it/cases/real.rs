//! Cases with real processes: the executable under test, on a real backend.
use std::process::Stdio;
use std::thread;

use wfrun_journal::RunEvent;

use super::case::{Case, Real};
use super::story::story;
use crate::actions::can_run_node;
use crate::cancel::interrupt_run;
use crate::docker::IMAGE;
use crate::repo::{Ran, Repo};

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
    // Most of a case is waiting for processes to start and end.
    let lanes = wanted.chunks(wanted.len().div_ceil(4).max(1));
    let differences = thread::scope(|scope| {
        let lanes: Vec<_> = lanes
            .map(|lane| scope.spawn(move || lane.iter().filter_map(|it| difference(it, real)).collect::<Vec<_>>()))
            .collect();
        lanes.into_iter().flat_map(|it| it.join().expect("a lane ends")).collect()
    });
    println!("{} cases on {}", wanted.len(), real.name());
    differences
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
