//! Plays the world to an engine: opens jobs at once, ends steps as a script says.
mod place;

use std::collections::{BTreeMap, VecDeque};

use indexmap::IndexMap;
use serde_json::json;
use wfrun_engine::{
    ApiCall, ApiNote, AwsCall, AwsDenial, ContainerSpec, Effect, Engine, EngineSettings, Entry, Fact, FactKind, Forced,
    FoundAction, Grace, IdTokenClaims, JobToken, Launch, Program, ResolvedAction, ServiceSpec, ShellSearch, StepEnd,
    StepFiles,
};
use wfrun_expr::Value;
use wfrun_journal::{How, Outcome, RunEvent, RunEventKind, RunRecord, Secret, Stream};
use wfrun_plan::{ChangedPaths, Event, JobKey, RunIdentity, Selection, plan};
use wfrun_syntax::Source;
use wfrun_workflow::{ActionRef, CacheMode, FileRef, Loaded, SetOptions, read_set};

use self::place::{MANIFEST, environment, manifest, resolved, used, where_is};
use crate::containers::containers_of;

/// What a step does, by the first line of its script or by its action.
#[derive(Debug, Clone, Default)]
pub(crate) struct Does {
    pub(crate) code: i32,
    pub(crate) lines: Vec<&'static str>,
    /// What follows on its last line, which is longer than comes at once: pieces, and whether they go on.
    pub(crate) then: Vec<(&'static str, bool)>,
    pub(crate) files: StepFiles,
    /// It goes on until it is told to end.
    pub(crate) endless: bool,
    /// So long it takes, in milliseconds.
    pub(crate) takes_ms: u64,
    /// SIGTERM does not end it, and SIGKILL only after so many milliseconds.
    pub(crate) dies_in_ms: Option<u64>,
}

/// A world and what happened in it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct World {
    workflow: String,
    /// What it calls, by path.
    called: BTreeMap<String, String>,
    /// Manifests of actions, by what `uses:` says; of others there is one for all.
    actions: BTreeMap<String, String>,
    /// Who is in a concurrency group, and who waits.
    groups: BTreeMap<String, Vec<Option<JobKey>>>,
    max_jobs: usize,
    forced: Forced,
    script: BTreeMap<String, Does>,
    secrets: IndexMap<String, Secret>,
    vars: IndexMap<String, String>,
    files: BTreeMap<&'static str, &'static str>,
    git_ref: String,
    strict: bool,
    has_own_tokens: bool,
    is_fork: bool,
    calls: Vec<(&'static str, ApiCall)>,
    cancel_after: Option<&'static str>,
    no_containers: bool,
    starts_tasks: bool,
    omits_fault_injection: bool,
    container_errors: Vec<String>,
    /// What processes do, by the job and their number in it.
    processes: BTreeMap<(JobKey, u64), Does>,
    /// Facts that come when their time has come.
    later: Vec<(u64, FactKind)>,
    /// What the jobs that were opened asked for.
    pub(crate) wanted: Vec<(Option<Box<ContainerSpec>>, Vec<ServiceSpec>)>,
    /// The shells that were looked for.
    pub(crate) searches: Vec<ShellSearch>,
    /// What ID tokens would say of each job that was opened.
    pub(crate) id_tokens: Vec<Option<Box<IdTokenClaims>>>,
    /// What jobs may do with caches, in the order in which they were opened.
    pub(crate) cache_modes: Vec<Option<CacheMode>>,
    /// The tokens that jobs got.
    pub(crate) tokens: Vec<Option<Box<JobToken>>>,
    /// The environments that were asked for ahead.
    pub(crate) ahead: Vec<String>,
    pub(crate) launched: Vec<Launch>,
    pub(crate) journal: Vec<RunEvent>,
}

impl World {
    pub(crate) fn new(workflow: &str) -> Self {
        Self {
            workflow: workflow.to_owned(),
            called: BTreeMap::new(),
            actions: BTreeMap::new(),
            groups: BTreeMap::new(),
            max_jobs: 0,
            forced: Forced::default(),
            script: BTreeMap::new(),
            secrets: IndexMap::new(),
            vars: IndexMap::new(),
            files: BTreeMap::new(),
            git_ref: "refs/heads/main".to_owned(),
            strict: false,
            has_own_tokens: false,
            is_fork: false,
            calls: Vec::new(),
            cancel_after: None,
            no_containers: false,
            starts_tasks: false,
            omits_fault_injection: false,
            container_errors: Vec::new(),
            processes: BTreeMap::new(),
            later: Vec::new(),
            wanted: Vec::new(),
            searches: Vec::new(),
            id_tokens: Vec::new(),
            cache_modes: Vec::new(),
            tokens: Vec::new(),
            ahead: Vec::new(),
            launched: Vec::new(),
            journal: Vec::new(),
        }
    }

    /// A workflow that can be called, as `./.github/workflows/NAME`.
    pub(crate) fn with(mut self, name: &str, workflow: &str) -> Self {
        self.called.insert(format!(".github/workflows/{name}"), workflow.to_owned());
        self
    }

    /// An action that is not wfrun's own; `action.yml` begins at `runs:` or before.
    pub(crate) fn action(mut self, uses: &str, manifest: &str) -> Self {
        self.actions.insert(uses.to_owned(), format!("name: Test\n{manifest}"));
        self
    }

    pub(crate) fn at_most(mut self, jobs: usize) -> Self {
        self.max_jobs = jobs;
        self
    }

    pub(crate) fn forced(mut self, forced: Forced) -> Self {
        self.forced = forced;
        self
    }

    /// One job `j` with these steps, written as a YAML list.
    pub(crate) fn steps(steps: &str) -> Self {
        Self::new(&format!("on: push\njobs: {{j: {{runs-on: ubuntu-latest, steps: {steps}}}}}"))
    }

    pub(crate) fn on(mut self, git_ref: &str) -> Self {
        git_ref.clone_into(&mut self.git_ref);
        self
    }

    pub(crate) fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Each job has a token of its own.
    pub(crate) fn with_own_tokens(mut self) -> Self {
        self.has_own_tokens = true;
        self
    }

    /// A pull request from another repository.
    pub(crate) fn of_a_fork(mut self) -> Self {
        self.is_fork = true;
        self
    }

    /// The script calls the API as its job.
    pub(crate) fn calls(mut self, script: &'static str, status: u16, note: ApiNote) -> Self {
        let operation = "an/operation".to_owned();
        self.calls.push((script, ApiCall { job: None, operation, status, note: Some(note) }));
        self
    }

    /// Where ECS tasks are containers.
    pub(crate) fn with_real_tasks(mut self) -> Self {
        self.starts_tasks = true;
        self
    }

    /// Where the AWS account describes task definitions as AWS did once.
    pub(crate) fn with_old_definitions(mut self) -> Self {
        self.omits_fault_injection = true;
        self
    }

    /// On a machine that makes no containers.
    pub(crate) fn without_containers(mut self) -> Self {
        self.no_containers = true;
        self
    }

    /// No service becomes healthy.
    pub(crate) fn containers_fail(mut self, error: &str) -> Self {
        self.container_errors = vec![error.to_owned()];
        self
    }

    pub(crate) fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.insert(name.to_owned(), Secret::new(value));
        self
    }

    pub(crate) fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A file that steps may name.
    pub(crate) fn file(mut self, path: &'static str, text: &'static str) -> Self {
        self.files.insert(path, text);
        self
    }

    pub(crate) fn when(mut self, script: &str, does: Does) -> Self {
        self.script.insert(script.to_owned(), does);
        self
    }

    pub(crate) fn fails(self, script: &str) -> Self {
        self.when(script, Does { code: 1, ..Does::default() })
    }

    pub(crate) fn endless(self, script: &str) -> Self {
        self.when(script, Does { endless: true, ..Does::default() })
    }

    pub(crate) fn outputs(self, script: &str, output: &str) -> Self {
        let files = StepFiles { output: output.to_owned(), ..StepFiles::default() };
        self.when(script, Does { files, ..Does::default() })
    }

    pub(crate) fn prints(self, script: &str, lines: &[&'static str]) -> Self {
        self.when(script, Does { lines: lines.to_vec(), ..Does::default() })
    }

    /// Cancels the run when the script has started.
    pub(crate) fn cancelled_in(mut self, script: &'static str) -> Self {
        self.cancel_after = Some(script);
        self
    }

    /// Runs to the end.
    pub(crate) fn run(mut self) -> Self {
        let mut engine = self.engine();
        let mut facts = VecDeque::from([(0, FactKind::Begin)]);
        let mut timers: BTreeMap<(u64, usize, usize), FactKind> = BTreeMap::new();
        let mut now = 0;
        for turn_number in 0..10_000 {
            let (at_ms, kind) = match facts.pop_front() {
                Some(fact) => fact,
                None => match timers.pop_first() {
                    Some(((at_ms, ..), kind)) => (at_ms, kind),
                    None => panic!("the run stands still"),
                },
            };
            now = now.max(at_ms);
            let turn = engine.handle(Fact { at_ms: now, kind });
            self.journal.extend(turn.events);
            if engine.record().conclusion.is_some() {
                assert_eq!(&self.record(), engine.record(), "the journal alone rebuilds the record");
                return self;
            }
            for (number, effect) in turn.effects.into_iter().enumerate() {
                if let Effect::WakeAt { at_ms, timer } = effect {
                    timers.insert((at_ms, turn_number, number), FactKind::Woke(timer));
                } else if let Effect::FindShell { job, search } = effect {
                    // A look takes no time that anything else could happen in.
                    let found = where_is(&search);
                    self.searches.push(search.clone());
                    facts.push_front((now, FactKind::ShellFound { job, search, found }));
                } else {
                    facts.extend(self.carry_out(effect, &mut engine).into_iter().map(|it| (now + 1, it)));
                    let later = self.later.drain(..);
                    timers.extend(later.map(|(after_ms, it)| ((now + after_ms, turn_number, number), it)));
                }
            }
        }
        panic!("the run never ends");
    }

    fn carry_out(&mut self, effect: Effect, _: &mut Engine) -> Vec<FactKind> {
        match effect {
            Effect::OpenJob { job, request, container, services, id_token, token } => {
                let mut facts = Vec::new();
                let mut environment = environment();
                self.resolve(&request.actions, &mut environment.actions);
                if container.is_some() || !services.is_empty() {
                    let image = container.as_ref().map(|it| it.image.clone());
                    let begun = job.clone();
                    let entry = Entry::Containers;
                    facts.push(FactKind::EntryBegins { job: begun, entry, image, workspace: "files" });
                    let lines = services.iter().map(|it| format!("{} service is healthy.", it.id)).collect();
                    facts.push(FactKind::EntryLines { job: job.clone(), lines });
                    let errors = self.container_errors.clone();
                    environment.containers = Some(containers_of(container.is_some(), &services, errors));
                }
                self.wanted.push((container, services));
                self.id_tokens.push(id_token);
                self.cache_modes.push(request.cache_mode);
                self.tokens.push(token);
                facts.push(FactKind::JobReady { job, environment: Box::new(environment) });
                facts
            }
            Effect::StopContainers { job } => vec![FactKind::ContainersStopped { job, warnings: Vec::new() }],
            Effect::CloseJob { job, .. } => vec![FactKind::JobClosed { job, fault: None }],
            Effect::HashFiles { job, patterns } => {
                let digest = Ok(format!("hash of {}", patterns.join(" ")));
                vec![FactKind::Hashed { job, patterns, digest }]
            }
            Effect::RunStep { job, process, launch, .. } => {
                let name = match &launch.program {
                    Program::Script { script, .. } => script.lines().next().unwrap_or_default().to_owned(),
                    Program::StandIn { action, phase, .. } => format!("{phase} {action}"),
                    Program::Node { script, .. } => script.clone(),
                    Program::Container { entrypoint, .. } => entrypoint.clone().unwrap_or_default(),
                };
                self.launched.push(*launch);
                let does = self.script.get(&name).cloned().unwrap_or_default();
                let first = (!does.lines.is_empty()).then(|| (does.lines.join("\n"), !does.then.is_empty()));
                let then = does.then.iter().map(|(line, goes_on)| ((*line).to_owned(), *goes_on));
                let blocks = first.into_iter().chain(then);
                let mut facts: Vec<FactKind> = blocks
                    .map(|(lines, goes_on)| {
                        let (job, stream) = (job.clone(), Stream::Stdout);
                        FactKind::Lines { job, process, stream, lines, goes_on }
                    })
                    .collect();
                let calls = self.calls.iter().filter(|(script, _)| *script == name);
                let by_job = |it: &ApiCall| FactKind::ApiCalled(ApiCall { job: Some(job.clone()), ..it.clone() });
                facts.extend(calls.map(|(_, it)| by_job(it)));
                // Clients ask again for what they did not get.
                let times = if name == "aws nothing" { 2 } else { 1 };
                facts.extend(std::iter::repeat_n(aws_call(&name), times).flatten().map(FactKind::AwsCalled));
                if name == "warned" {
                    let (job, message) = (job.clone(), "hidden-value was asked".to_owned());
                    facts.push(FactKind::StepWarned { job, process, message });
                }
                if self.cancel_after == Some(name.as_str()) {
                    facts.push(FactKind::Cancel { force: false });
                }
                self.processes.insert((job.clone(), process), does.clone());
                let end = StepEnd::Exited { code: does.code };
                let ended = FactKind::StepEnded { job, process, end, files: Box::new(does.files) };
                match (does.endless, does.takes_ms) {
                    (true, _) => {}
                    (false, 0) => facts.push(ended),
                    (false, after_ms) => self.later.push((after_ms, ended)),
                }
                facts
            }
            Effect::Signal { job, process, signal } => {
                let dies_in_ms = self.processes.get(&(job.clone(), process)).and_then(|it| it.dies_in_ms);
                let code = match signal {
                    wfrun_engine::Signal::Interrupt => return Vec::new(),
                    wfrun_engine::Signal::Terminate if dies_in_ms.is_some() => return Vec::new(),
                    wfrun_engine::Signal::Terminate => 143,
                    wfrun_engine::Signal::Kill => 137,
                };
                let end = FactKind::StepEnded { job, process, end: StepEnd::Exited { code }, files: Box::default() };
                match dies_in_ms {
                    Some(after_ms) => self.later.push((after_ms, end)),
                    None => return vec![end],
                }
                Vec::new()
            }
            Effect::ReadFile { job, process, path } => {
                let text = self.files.get(path.as_str()).map(|it| (*it).to_owned());
                let text = text.ok_or_else(|| format!("Could not find file '{path}'."));
                vec![FactKind::FileRead { job, process, text }]
            }
            Effect::FindAction { job, action } => {
                let mut actions = IndexMap::new();
                let found = match self.actions.get(&action.to_string()) {
                    Some(manifest) => {
                        let action = resolved(&action.to_string(), manifest);
                        self.resolve(&used(&action.manifest, None), &mut actions);
                        Ok(Box::new(FoundAction { action, actions }))
                    }
                    None => Err("it is not there".to_owned()),
                };
                vec![FactKind::ActionFound { job, action, found }]
            }
            Effect::EnterGroup { job, group } => {
                let name = group.name.to_ascii_lowercase();
                let cancels = group.cancel_in_progress;
                self.groups.entry(name.clone()).or_default().push(job.clone());
                match self.groups[&name].as_slice() {
                    [_] => vec![FactKind::GroupEntered { job }],
                    [first, ..] if cancels => {
                        let reason = format!("a higher priority waiting request for '{name}' exists");
                        vec![FactKind::GroupLost { job: first.clone(), reason }]
                    }
                    _ => Vec::new(),
                }
            }
            Effect::LeaveGroup { job } => {
                let mut entered = Vec::new();
                for waiting in self.groups.values_mut().filter(|it| it.contains(&job)) {
                    let was_first = waiting.first() == Some(&job);
                    waiting.retain(|it| *it != job);
                    entered.extend(waiting.first().filter(|_| was_first).cloned());
                }
                entered.into_iter().map(|job| FactKind::GroupEntered { job }).collect()
            }
            Effect::DropAhead { job } => {
                self.ahead.push(format!("no {job}"));
                Vec::new()
            }
            Effect::MakeAhead { job, request } => {
                let what = if request.network { "network of " } else { "" };
                self.ahead.push(format!("{what}{job} on {}", request.labels.join(", ")));
                Vec::new()
            }
            Effect::WakeAt { .. } | Effect::HurryJob { .. } | Effect::FindShell { .. } => Vec::new(),
        }
    }

    fn engine(&self) -> Engine {
        let source = Source::new(".github/workflows/w.yml", self.workflow.as_str());
        let mut load = |file: &FileRef| match self.called.get(&file.path) {
            Some(text) => Loaded::Source(Source::new(file.path.as_str(), text.as_str())),
            None => Loaded::Missing,
        };
        let read = read_set(&source, SetOptions::default(), &mut load);
        assert!(!read.diagnostics.iter().any(wfrun_syntax::Diagnostic::is_error), "{:?}", read.diagnostics);
        let event = Event {
            name: if self.is_fork { "pull_request" } else { "push" }.to_owned(),
            activity: None,
            git_ref: self.git_ref.clone(),
            sha: "1".repeat(40),
            base_ref: None,
            head_ref: None,
            head_message: None,
            changed: ChangedPaths::Known(vec![]),
            repository: "octo/demo".to_owned(),
            actor: "octocat".to_owned(),
            default_branch: "main".to_owned(),
            payload: if self.is_fork {
                json!({"pull_request": {"head": {"repo": {"full_name": "else/demo"}}}})
            } else {
                json!({"ref": self.git_ref})
            },
        };
        let plan = plan(read.value, event, Selection::default()).expect("it triggers");
        let identity = RunIdentity {
            run_id: "7".to_owned(),
            run_number: 3,
            run_attempt: 1,
            token: "ghs_token".to_owned(),
            workflow_sha: "1".repeat(40),
            api: wfrun_plan::ApiUrls::default(),
        };
        Engine::new(
            plan,
            EngineSettings {
                run_id: "7".to_owned(),
                identity,
                backend: "scripted".to_owned(),
                backend_reason: "a test".to_owned(),
                token_seed: self.has_own_tokens.then(|| Secret::new("seed")),
                secrets: self.secrets.clone(),
                hidden: vec![],
                vars: self.vars.clone(),
                inputs: Value::Null,
                env: IndexMap::new(),
                max_jobs: self.max_jobs,
                forced: self.forced.clone(),
                any_machine: false,
                has_containers: !self.no_containers,
                makes_ahead: !self.no_containers,
                starts_tasks: self.starts_tasks,
                omits_fault_injection: self.omits_fault_injection,
                container_workspace: Some("/home/runner/work/demo/demo".to_owned()),
                strict: self.strict,
                grace: Grace::default(),
                notices: vec![],
                without_effect: vec![],
            },
        )
    }

    /// Finds actions, and what these use in turn.
    fn resolve(&self, wanted: &[ActionRef], found: &mut IndexMap<ActionRef, ResolvedAction>) {
        for action in wanted {
            let resolved = match self.actions.get(&action.to_string()) {
                Some(manifest) => resolved(&action.to_string(), manifest),
                None => ResolvedAction { manifest: manifest(MANIFEST), how: How::StandIn, folder: None },
            };
            let inner = used(&resolved.manifest, Some(action));
            found.insert(action.clone(), resolved);
            self.resolve(&inner, found);
        }
    }

    /// How each job ended, in the record's order, and how the run did.
    pub(crate) fn results(&self) -> String {
        let mut record = RunRecord::default();
        self.journal.iter().for_each(|it| record.apply(it));
        let word = |it: Option<Outcome>| it.map_or("nothing", Outcome::as_str);
        let jobs: Vec<String> = record.jobs.iter().map(|(key, it)| format!("{key} {}", word(it.result))).collect();
        format!("{}: {}", jobs.join(", "), record.conclusion.map_or("nothing", wfrun_journal::Conclusion::as_str))
    }

    /// The scripts that were started, in order.
    pub(crate) fn scripts(&self) -> Vec<String> {
        let script = |it: &Launch| match &it.program {
            Program::Script { script, .. } => Some(script.clone()),
            Program::StandIn { .. } | Program::Node { .. } | Program::Container { .. } => None,
        };
        self.launched.iter().filter_map(script).collect()
    }

    /// The JavaScript files that were started, in order.
    pub(crate) fn nodes(&self) -> Vec<String> {
        let script = |it: &Launch| match &it.program {
            Program::Node { script, .. } => Some(script.clone()),
            Program::Script { .. } | Program::StandIn { .. } | Program::Container { .. } => None,
        };
        self.launched.iter().filter_map(script).collect()
    }

    /// How many jobs ran at once, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        let (mut now, mut most) = (0_usize, 0);
        for event in &self.journal {
            now += usize::from(matches!(event.kind, RunEventKind::JobStarted(_)));
            now -= usize::from(matches!(event.kind, RunEventKind::JobFinished(_)));
            most = most.max(now);
        }
        most
    }

    /// The journal, folded.
    pub(crate) fn record(&self) -> RunRecord {
        let mut folded = RunRecord::default();
        self.journal.iter().for_each(|it| folded.apply(it));
        folded
    }

    /// The journal in short, one event a line.
    pub(crate) fn story(&self) -> String {
        let lines: Vec<String> = self.journal.iter().filter_map(crate::story::short).collect();
        lines.join("\n")
    }
}

/// What a script `aws` asks for, alone or with what becomes of it.
fn aws_call(script: &str) -> Option<AwsCall> {
    let what = script.strip_prefix("aws")?;
    let denial = |missing: Option<&str>, injected| AwsDenial {
        words: "hidden-value is not authorized".to_owned(),
        missing: missing.map(ToOwned::to_owned),
        injected,
    };
    let denial = match what {
        "" | " nothing" => None,
        " explicit" => Some(denial(None, false)),
        " injected" => Some(denial(None, true)),
        _ => Some(denial(Some("{\"Effect\":\"Allow\"}"), false)),
    };
    Some(AwsCall {
        service: "ecs".to_owned(),
        operation: if what == " head" { "BatchCheckLayerAvailability" } else { "UpdateService" }.to_owned(),
        status: 200,
        iam_action: Some("ecs:UpdateService".to_owned()),
        resource: Some(format!("arn:hidden-value/{}", what.trim())),
        allowed: matches!(what, "" | " reported" | " nothing"),
        denial,
        not_done: (what == " nothing").then(|| "hidden-value is not emulated".to_owned()),
    })
}
