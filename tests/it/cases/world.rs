//! The scripted backend of cases: the real engine decides, the script answers for processes, and time costs nothing.
//!
//! Differs from `wfrun_backend::Scripted` in that nothing waits: a minute's time limit is over in no time, and the order of
//! what happens is always the same.
use std::collections::{BTreeMap, HashMap};

use serde_json::json;
use wfrun_engine::{
    Effect, Engine, EngineSettings, Entry, Fact, FactKind, Grace, JobContainers, Launch, ServiceContainer, ServiceSpec,
    Signal, StepEnd, StepFiles,
};
use wfrun_expr::Value;
use wfrun_journal::{Phase, RunEvent, RunEventKind, RunRecord, Secret, Stream};
use wfrun_plan::{ChangedPaths, Event, JobKey, RunIdentity, Selection, StepPath, plan};
use wfrun_runner::{HashedFolder, LineSplitter, Lines, hash_files};
use wfrun_syntax::Source;
use wfrun_workflow::{FileRef, Loaded, SetOptions, read_set};

use super::actions::Found;
use super::case::Case;
use super::place::{WORKSPACE, environment, id_token_env, images, shell};
use super::process::{command, said};

/// A process that runs.
struct Running<'a> {
    does: &'a super::case::Process,
    files: StepFiles,
}

/// What a case is run in.
struct World<'a> {
    case: &'a Case,
    found: Found<'a>,
    now_ms: u64,
    /// What is to come: when, the how-manieth it was, and what.
    coming: BTreeMap<(u64, usize), FactKind>,
    count: usize,
    running: HashMap<(JobKey, u64), Running<'a>>,
    /// Id and name of what has begun, by job, number and part.
    labels: HashMap<(JobKey, String, Phase), Vec<String>>,
    /// What went wrong with the case itself.
    faults: Vec<String>,
}

/// Runs a case; gives back its journal, or what is wrong with the case.
pub(crate) fn run(case: &Case) -> Result<Vec<RunEvent>, String> {
    let mut engine = engine(case)?;
    let mut world = World {
        case,
        found: Found::new(case)?,
        now_ms: 0,
        coming: BTreeMap::new(),
        count: 0,
        running: HashMap::new(),
        labels: HashMap::new(),
        faults: Vec::new(),
    };
    world.comes(0, FactKind::Begin);
    let mut journal = Vec::new();
    let mut cancel = case.script.cancel.as_deref();
    while engine.record().conclusion.is_none() {
        let Some(((at_ms, _), kind)) = world.coming.pop_first() else { return Err("the run stands still".to_owned()) };
        if let FactKind::StepEnded { job, process, .. } = &kind
            && world.running.remove(&(job.clone(), *process)).is_none()
        {
            // A signal ended it before.
            continue;
        }
        world.now_ms = at_ms;
        let turn = engine.handle(Fact { at_ms, kind });
        let is_it =
            |it: &RunEvent| matches!(&it.kind, RunEventKind::Lines(lines) if lines.each().any(|it| Some(it) == cancel));
        if turn.events.iter().any(is_it) {
            cancel = None;
            world.comes(1, FactKind::Cancel { force: false });
        }
        turn.events.iter().for_each(|it| world.notes(it));
        journal.extend(turn.events);
        for effect in turn.effects {
            world.carry_out(effect);
        }
        if !world.faults.is_empty() {
            return Err(world.faults.join("\n"));
        }
    }
    if let Some(line) = cancel {
        world.faults.push(format!("the run was to be cancelled at the line {line:?}, which nothing printed"));
    }
    let unused = case.script.unused();
    if !unused.is_empty() {
        world.faults.push(format!("the script has entries that no process was started for: {}", unused.join(", ")));
    }
    let mut folded = RunRecord::default();
    for event in &journal {
        folded.apply(event);
    }
    // NaN in a trace is not equal to itself, but reads the same.
    if format!("{folded:?}") != format!("{:?}", engine.record()) {
        world.faults.push("the journal alone does not rebuild the record".to_owned());
    }
    if world.faults.is_empty() { Ok(journal) } else { Err(world.faults.join("\n")) }
}

impl World<'_> {
    /// A fact, after so many milliseconds.
    fn comes(&mut self, after_ms: u64, kind: FactKind) {
        self.count += 1;
        self.coming.insert((self.now_ms + after_ms, self.count), kind);
    }

    fn notes(&mut self, event: &RunEvent) {
        if let RunEventKind::StepStarted(it) = &event.kind {
            let labels = it.id.iter().cloned().chain([it.name.to_string()]).collect();
            self.labels.insert((it.job.clone(), it.step.to_string(), it.phase), labels);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        let fact = match effect {
            Effect::OpenJob { job, request, container, services, id_token, token: _ } => {
                let mut environment = environment();
                if let Some(claims) = id_token {
                    environment.step_env.extend(id_token_env(&claims));
                }
                match self.found.actions(&request.actions) {
                    Ok(actions) => environment.actions = actions,
                    Err(message) => return self.comes(1, FactKind::JobNotReady { job, message, help: None }),
                }
                let image = container.as_ref().map(|it| it.image.clone());
                for name in images(&request.images, &environment.actions) {
                    let error = self.case.script.image_errors.get(&name).cloned();
                    let is_there = error.is_none();
                    let (entry, image) = (Entry::Image { name }, image.clone());
                    self.comes(1, FactKind::EntryBegins { job: job.clone(), entry, image, workspace: "files" });
                    self.comes(1, FactKind::ImageReady { job: job.clone(), error });
                    if !is_there {
                        environment.absent =
                            container.is_some().then_some("Value cannot be null. (Parameter 'ContainerId')");
                        return self.comes(1, FactKind::JobReady { job, environment: Box::new(environment) });
                    }
                }
                if container.is_some() || !services.is_empty() {
                    environment.image.clone_from(&image);
                    let begins =
                        FactKind::EntryBegins { job: job.clone(), entry: Entry::Containers, image, workspace: "files" };
                    self.comes(1, begins);
                    let errors = self.case.script.container_errors.clone();
                    environment.containers = Some(containers(container.is_some(), &services, errors));
                }
                FactKind::JobReady { job, environment: Box::new(environment) }
            }
            Effect::StopContainers { job } => FactKind::ContainersStopped { job, warnings: Vec::new() },
            Effect::CloseJob { job, .. } => FactKind::JobClosed { job, fault: None },
            Effect::HashFiles { job, patterns } => {
                let here = self.found.workspace(&job);
                let here = std::fs::canonicalize(&here).unwrap_or(here);
                let folder = HashedFolder { here, shown: WORKSPACE.into(), home: "/home/runner".into() };
                let digest = hash_files(&folder, &patterns).map_err(|err| err.to_string());
                FactKind::Hashed { job, patterns, digest }
            }
            Effect::RunStep { job, process, step, phase, launch } => {
                return self.start(job, process, &step, phase, &launch);
            }
            Effect::Signal { job, process, signal } => {
                let Some(Running { does, .. }) = self.running.get(&(job.clone(), process)) else { return };
                let code = match signal {
                    Signal::Interrupt => does.on_interrupt,
                    Signal::Terminate => (!does.ignores_terminate).then_some(143),
                    Signal::Kill => Some(137),
                };
                let Some(code) = code else { return };
                return self.ends(job, process, 1, StepEnd::Exited { code });
            }
            Effect::ReadFile { job, process, path } => {
                let text = self.found.read(&job, &path);
                FactKind::FileRead { job, process, text }
            }
            Effect::FindShell { job, search } => {
                let found = shell(&search.command);
                // A look takes no time that anything else could happen in.
                return self.comes(0, FactKind::ShellFound { job, search, found });
            }
            Effect::FindAction { job, action } => {
                let found = self.found.find(&job, &action).map(Box::new);
                FactKind::ActionFound { job, action, found }
            }
            Effect::WakeAt { at_ms, timer } => {
                return self.comes(at_ms.saturating_sub(self.now_ms), FactKind::Woke(timer));
            }
            Effect::EnterGroup { job, .. } => FactKind::GroupEntered { job },
            Effect::LeaveGroup { .. }
            | Effect::HurryJob { .. }
            | Effect::MakeAhead { .. }
            | Effect::DropAhead { .. } => return,
        };
        self.comes(1, fact);
    }

    fn start(&mut self, job: JobKey, process: u64, step: &StepPath, phase: Phase, launch: &Launch) {
        let number = step.to_string();
        let labels = self.labels.get(&(job.clone(), number.clone(), phase)).cloned().unwrap_or_default();
        let labels: Vec<&str> = labels.iter().map(String::as_str).chain([number.as_str()]).collect();
        let does = match self.case.script.process(job.as_str(), &phase.to_string(), &labels) {
            Ok(does) => does,
            Err(fault) => return self.faults.push(fault),
        };
        let shown = command(launch);
        if does.command.as_ref().is_some_and(|it| *it != shown) {
            let expected = does.command.clone().unwrap_or_default();
            self.faults
                .push(format!("job `{job}`, {phase} of {number} was started as\n  {shown}\nand not as\n  {expected}"));
        }
        let text = |it: &str| said(it, launch);
        let files = StepFiles {
            path: text(&does.path),
            env: text(&does.env),
            summary: text(&does.summary),
            state: text(&does.state),
            output: text(&does.output),
            ..StepFiles::default()
        };
        self.running.insert((job.clone(), process), Running { does, files });
        if let Some(message) = &does.not_started {
            let end = StepEnd::NotStarted { message: text(message) };
            return self.ends(job, process, 1, end);
        }
        for (stream, printed) in [(Stream::Stdout, &does.stdout), (Stream::Stderr, &does.stderr)] {
            let mut splitter = LineSplitter::default();
            let blocks = [splitter.push(text(printed).as_bytes()), splitter.finish()];
            for Lines { text: lines, goes_on } in blocks.into_iter().flatten() {
                self.comes(1, FactKind::Lines { job: job.clone(), process, stream, lines, goes_on });
            }
        }
        if matches!(&launch.program, wfrun_engine::Program::StandIn { action, phase: Phase::Main, .. } if action.repo == "checkout")
        {
            self.found.check_out(&job);
        }
        self.ends(job, process, 2 + does.seconds * 1000, StepEnd::Exited { code: does.exit });
    }

    fn ends(&mut self, job: JobKey, process: u64, after_ms: u64, end: StepEnd) {
        let Some(running) = self.running.get(&(job.clone(), process)) else { return };
        let files = Box::new(running.files.clone());
        self.comes(after_ms, FactKind::StepEnded { job, process, end, files });
    }
}

fn containers(has_own: bool, services: &[ServiceSpec], errors: Vec<String>) -> JobContainers {
    let service = |it: &ServiceSpec| {
        let port = |port: &String| {
            let (outside, inside) = port.split_once(':').unwrap_or(("49153", port));
            (inside.split('/').next().unwrap_or(inside).to_owned(), outside.to_owned())
        };
        let ports = it.container.ports.iter().map(port).collect();
        (it.id.clone(), ServiceContainer { id: format!("id-of-{}", it.id), ports })
    };
    JobContainers {
        network: "github_network_1".to_owned(),
        container: has_own.then(|| "id-of-job".to_owned()),
        services: services.iter().map(service).collect(),
        errors,
    }
}

fn engine(case: &Case) -> Result<Engine, String> {
    let script = &case.script;
    let source = Source::new(".github/workflows/w.yml", case.workflow.as_str());
    let files = case.files();
    let mut load = |file: &FileRef| match files.iter().find(|(path, _)| *path == file.path) {
        Some((_, text)) if file.repository.is_none() => Loaded::Source(Source::new(file.path.as_str(), text.as_str())),
        Some(_) | None => Loaded::Missing,
    };
    let read = read_set(&source, SetOptions::default(), &mut load);
    if let Some(bad) = read.diagnostics.iter().find(|it| it.is_error()) {
        return Err(format!("the workflow is invalid: {bad}"));
    }
    let sha = "1".repeat(40);
    let mut payload = match script.pull_request {
        Some(_) => json!({"action": "synchronize"}),
        None => json!({"ref": "refs/heads/main"}),
    };
    if let (Some(all), Some(more)) = (payload.as_object_mut(), case.payload.as_ref().and_then(|it| it.as_object())) {
        all.extend(more.clone());
    }
    let event = Event {
        name: script.event.clone().unwrap_or_else(|| "push".to_owned()),
        activity: script.pull_request.as_ref().map(|_| "synchronize".to_owned()),
        git_ref: script
            .pull_request
            .as_ref()
            .map_or_else(|| "refs/heads/main".to_owned(), |it| format!("refs/pull/{}/merge", it.number)),
        sha: sha.clone(),
        base_ref: script.pull_request.as_ref().map(|it| it.base.clone()),
        head_ref: script.pull_request.as_ref().map(|it| it.head.clone()),
        head_message: None,
        changed: ChangedPaths::Known(Vec::new()),
        repository: "octo/demo".to_owned(),
        actor: "octocat".to_owned(),
        default_branch: "main".to_owned(),
        payload,
    };
    let plan = plan(read.value, event, Selection::default()).map_err(|err| err.to_string())?;
    let identity = RunIdentity {
        run_id: "7".to_owned(),
        run_number: 3,
        run_attempt: 1,
        token: "ghs_token".to_owned(),
        workflow_sha: sha,
        api: wfrun_plan::ApiUrls::default(),
    };
    let secrets = script.secrets.iter().map(|(name, it)| (name.clone(), Secret::new(it))).collect();
    let settings = EngineSettings {
        run_id: "run".to_owned(),
        identity,
        backend: "scripted".to_owned(),
        backend_reason: "a case".to_owned(),
        token_seed: None,
        secrets,
        hidden: Vec::new(),
        vars: script.vars.clone(),
        inputs: Value::Object(script.inputs.iter().map(|(name, it)| (name.clone(), Value::from(it.clone()))).collect()),
        env: indexmap::IndexMap::new(),
        forced: wfrun_engine::Forced::default(),
        any_machine: false,
        has_containers: true,
        makes_ahead: false,
        starts_tasks: false,
        omits_fault_injection: false,
        container_workspace: Some("/home/runner/work/demo/demo".to_owned()),
        max_jobs: 0,
        strict: false,
        grace: Grace::default(),
        notices: Vec::new(),
        without_effect: Vec::new(),
    };
    Ok(Engine::new(plan, settings))
}
