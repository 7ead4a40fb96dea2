//! One step's process: its files before, its lines while, its files after.
use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::mpsc;
use wfrun_backend::{Environment, Exec, Process, ProcessEvent, chain};
use wfrun_engine::{FactKind, FilePaths, Launch, Program, RawDeclaration, ShellSearch, Signal, StepEnd, StepFiles};
use wfrun_journal::{How, Phase, Stream};
use wfrun_plan::JobKey;

use crate::action_container;
use crate::aws_redirect::redirect;
use crate::job::OpenJob;
use crate::not_started::as_docker_says;
use crate::{LineSplitter, Lines};

/// The variable by which stand-ins find the socket that takes uploads.
const UPLOADS: &str = "WFRUN_UPLOADS";

/// Runs a step's process to its end; its lines and its end become facts.
pub(crate) async fn run_step(
    job: JobKey,
    number: u64,
    open: Arc<OpenJob>,
    launch: Launch,
    facts: mpsc::Sender<FactKind>,
) {
    for notice in open.provider.iter().flat_map(|it| it.provide(&launch)) {
        facts.send(FactKind::Noticed(notice)).await.ok();
    }
    let (end, deviation) = match start(&open, number, &launch).await {
        Ok((process, deviation)) => {
            let end = follow(&open, &job, number, process, &facts).await;
            (said_by_docker(&open, &job, number, &launch, end, &facts).await, deviation)
        }
        // Where nothing runs any more, nothing is found either.
        Err(_) if !open.environment.is_alive() => (StepEnd::Lost { reason: open.environment.why_lost().await }, None),
        Err(message) => (StepEnd::NotStarted { message }, None),
    };
    let mut files = Box::new(read_files(&open, &launch.files));
    files.declarations.extend(deviation);
    if let Ok(mut controls) = open.controls.lock() {
        controls.remove(&number);
    }
    // The job may be closed as soon as this is told, and then nobody else may hold it.
    drop(open);
    // Without a receiver the run is over, and nobody waits for this.
    if facts.send(FactKind::StepEnded { job, process: number, end, files }).await.is_err() {
        tracing::debug!("a step ended after its run");
    }
}

/// Starts a step's process; gives back what is to be declared of how, too.
async fn start(open: &OpenJob, number: u64, launch: &Launch) -> Result<(Process, Option<RawDeclaration>), String> {
    prepare_files(open, &launch.files).map_err(|err| format!("failed to make the step's files: {err}"))?;
    if let Program::Container { image, entrypoint, arguments } = &launch.program {
        let process = action_container::start(open, image, entrypoint.as_deref(), arguments, &launch.env)?;
        return Ok((keep(open, number, process), None));
    }
    let (argv, deviation) = argv(open, launch).await?;
    let inside = |(name, value): (&String, &String)| (name.clone(), open.paths.inside(value));
    let mut env: Vec<(String, String)> = launch.env.iter().map(inside).collect();
    if open.redirects_aws && matches!(launch.program, Program::Node { .. }) {
        redirect(open, &mut env)
            .map_err(|err| format!("failed to write what sends calls of AWS to this machine: {err}"))?;
    }
    if matches!(launch.program, Program::StandIn { .. }) {
        // Theirs alone: real actions send what they upload over HTTP, as on GitHub.
        env.retain(|(name, _)| name != UPLOADS);
        env.push((UPLOADS.to_owned(), open.uploads.clone()));
    }
    let process = open.environment.spawn(Exec { argv, env, cwd: open.paths.inside(&launch.cwd) }).await;
    Ok((keep(open, number, process.map_err(|err| chain(&err))?), deviation))
}

/// Remembers a process for those who signal it, and sends what has waited.
fn keep(open: &OpenJob, number: u64, process: Process) -> Process {
    if let Ok(mut controls) = open.controls.lock() {
        let control = process.control();
        let controls = controls.entry(number).or_default();
        for signal in std::mem::take(&mut controls.waiting) {
            send(&control, signal);
        }
        controls.process = Some(control);
    }
    process
}

/// Sends a signal to a process of a job, or keeps it until there is one.
pub(crate) fn signal(open: &OpenJob, number: u64, signal: Signal) {
    let Ok(mut controls) = open.controls.lock() else { return };
    let controls = controls.entry(number).or_default();
    match &controls.process {
        Some(control) => send(control, signal),
        None => controls.waiting.push(signal),
    }
}

fn send(control: &wfrun_backend::ProcessControl, signal: Signal) {
    match signal {
        Signal::Interrupt => control.signal(wfrun_backend::Signal::Interrupt, wfrun_backend::Target::Leader),
        Signal::Terminate => control.signal(wfrun_backend::Signal::Terminate, wfrun_backend::Target::Leader),
        Signal::Kill => control.signal(wfrun_backend::Signal::Kill, wfrun_backend::Target::Tree),
    }
}

async fn argv(open: &OpenJob, launch: &Launch) -> Result<(Vec<String>, Option<RawDeclaration>), String> {
    let words = match &launch.program {
        Program::Script { command, arguments, script, path } => {
            write(open, path, script).map_err(|err| format!("failed to write {path}: {err}"))?;
            if !open.in_container && !command.contains('/') {
                // Source: GitHub: execution rules E2.1, "Not found".
                return Err(format!("{command}: command not found"));
            }
            let command = command.clone();
            let seen = open.paths.inside(path);
            let arguments = arguments.iter().map(|it| it.replace("{0}", &seen));
            std::iter::once(command).chain(arguments).collect()
        }
        Program::StandIn { action, phase } => {
            let phase = match phase {
                Phase::Pre => "pre",
                Phase::Main => "main",
                Phase::Post => "post",
            };
            let name = action.with_path();
            let words = [open.executable.as_str(), "__standin", &name, phase, action.release()];
            words.map(str::to_owned).to_vec()
        }
        Program::Node { using, script } => {
            if is_missing(open, script) {
                // Source: GitHub: execution rules E7.3.
                return Err(format!("File not found: '{script}'"));
            }
            let node = open.node.get(&open.environment, using).await?;
            let deviation = open.node.deviation(using, &node);
            return Ok((vec![node.path, open.paths.inside(script)], deviation));
        }
        Program::Container { .. } => return Err("a container action has no command line here".to_owned()),
    };
    Ok((words, None))
}

/// Whether there is surely no such file; what cannot be told from here is left to who starts it.
fn is_missing(open: &OpenJob, script: &str) -> bool {
    open.relative(script).is_some_and(|it| open.files.has(it).is_ok_and(|it| !it))
}

/// Looks for a shell, and for the other one where it is not there.
pub(crate) async fn find_shell(environment: &Environment, search: &ShellSearch) -> Option<String> {
    for it in std::iter::once(search.command.as_str()).chain(search.fallback) {
        if let Some(found) = environment.which_in(it, &search.path).await {
            return Some(found);
        }
    }
    None
}

/// A process that could not be started in a job container has ended, as on GitHub, where Docker is asked to start it.
async fn said_by_docker(
    open: &OpenJob,
    job: &JobKey,
    number: u64,
    launch: &Launch,
    end: StepEnd,
    facts: &mpsc::Sender<FactKind>,
) -> StepEnd {
    if !open.in_container || !matches!(end, StepEnd::NotStarted { .. }) {
        return end;
    }
    let Some((said, code)) = as_docker_says(open, launch).await else { return end };
    tell(job, number, facts, Stream::Stdout, Some(Lines { text: said, goes_on: false })).await;
    StepEnd::Exited { code }
}

async fn follow(
    open: &OpenJob,
    job: &JobKey,
    number: u64,
    mut process: Process,
    facts: &mpsc::Sender<FactKind>,
) -> StepEnd {
    let mut warnings = HashSet::new();
    let mut splitters = [(Stream::Stdout, LineSplitter::default()), (Stream::Stderr, LineSplitter::default())];
    let end = loop {
        match process.next().await {
            Some(ProcessEvent::Output { stream, bytes }) => {
                let stream = match stream {
                    wfrun_backend::Stream::Stdout => Stream::Stdout,
                    wfrun_backend::Stream::Stderr => Stream::Stderr,
                };
                let splitter = splitters.iter_mut().find(|(it, _)| *it == stream);
                let lines = splitter.and_then(|(_, it)| it.push(&bytes));
                tell(job, number, facts, stream, lines).await;
            }
            Some(ProcessEvent::Warning(message)) => {
                // Once each: clients try again.
                if warnings.insert(message.clone()) {
                    let job = job.clone();
                    facts.send(FactKind::StepWarned { job, process: number, message }).await.ok();
                }
            }
            Some(ProcessEvent::Exited { code }) => break StepEnd::Exited { code },
            Some(ProcessEvent::FailedToStart { message }) => break StepEnd::NotStarted { message },
            None => break StepEnd::Lost { reason: open.environment.why_lost().await },
        }
    };
    for (stream, splitter) in &mut splitters {
        tell(job, number, facts, *stream, splitter.finish()).await;
    }
    end
}

async fn tell(job: &JobKey, process: u64, facts: &mpsc::Sender<FactKind>, stream: Stream, lines: Option<Lines>) {
    let Some(Lines { text, goes_on }) = lines else { return };
    if facts.send(FactKind::Lines { job: job.clone(), process, stream, lines: text, goes_on }).await.is_err() {
        tracing::debug!("lines came after the run");
    }
}

fn prepare_files(open: &OpenJob, files: &FilePaths) -> std::io::Result<()> {
    let mut all =
        [&files.path, &files.env, &files.summary, &files.state, &files.output, &files.declarations].into_iter();
    all.try_for_each(|it| write(open, it, ""))
}

fn write(open: &OpenJob, inside: &str, text: &str) -> std::io::Result<()> {
    let Some(path) = open.relative(inside) else {
        return Err(std::io::Error::other("the path is outside of the job's work folder"));
    };
    open.files.write(path, text)
}

/// Reads a step's files; gives back what could not be read, too.
fn read_files(open: &OpenJob, files: &FilePaths) -> StepFiles {
    let mut unreadable = Vec::new();
    let mut read = |name: &'static str, inside: &str| {
        let read = open.relative(inside).map_or(Ok(String::new()), |it| open.files.read(it));
        read.unwrap_or_else(|err| {
            unreadable.push((name, err.to_string()));
            String::new()
        })
    };
    let (path, env, summary) =
        (read("path", &files.path), read("env", &files.env), read("step_summary", &files.summary));
    let (state, output) = (read("state", &files.state), read("output", &files.output));
    let declarations = read("declarations", &files.declarations).lines().filter_map(declaration).collect();
    StepFiles { path, env, summary, state, output, declarations, unreadable }
}

#[derive(Deserialize)]
struct Declaration {
    how: How,
    subject: String,
    #[serde(default)]
    detail: String,
}

fn declaration(line: &str) -> Option<RawDeclaration> {
    let Declaration { how, subject, detail } = serde_json::from_str(line).ok()?;
    Some(RawDeclaration { how, subject, detail })
}
