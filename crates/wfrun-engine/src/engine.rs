//! The run as a state machine.
mod ahead;
mod api;
mod asked;
mod aws;
mod background;
mod call;
mod cancel;
mod commands;
mod composite;
mod concurrency;
mod containers;
mod contexts;
mod declare;
mod declared;
mod entries;
mod id_token;
mod issues;
mod job;
mod launch;
mod lines;
mod matching;
mod names;
mod parts;
mod planning;
mod prepare;
mod step;
mod step_end;

pub(crate) use containers::ContainersState;
pub(crate) use entries::OpenEntry;

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_expr::Object;
use wfrun_journal::{
    AnnotationLevel, ArtifactKept, ArtifactRemoved, Conclusion, Declared, Fault, How, Masker, Notice, Outcome,
    RunEvent, RunEventKind, RunFinished, RunRecord, RunStarted, SCHEMA, Secret, SkipReason,
};
use wfrun_plan::{JobKey, JobKeys, Plan, StepPath, github_context};
use wfrun_workflow::FileRef;

pub(crate) use self::lines::Origin;
use crate::frame::{Frame, Place};
use crate::output::Outputs;
use crate::state::{JobState, Progress};
use crate::{Effect, EngineSettings, Fact, FactKind, JobEnvironment, Timer, Turn};

/// One run in progress.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Engine {
    plan: Plan,
    settings: EngineSettings,
    masker: Masker,
    record: RunRecord,
    /// The workflow that was started, and those that are called, each as often as it is.
    frames: Vec<Frame>,
    jobs: IndexMap<JobKey, JobState>,
    keys: JobKeys,
    outputs: Outputs,
    /// `ACTIONS_STEP_DEBUG`: whether steps say more.
    is_debug: bool,
    github: Object,
    cancelled: bool,
    /// In a cancelled run, how long its steps may run at least.
    clean_up_until_ms: u64,
    /// Whether the run waits for its concurrency group.
    is_pending: bool,
    aws_declared: bool,
    /// The actions and resources whose denial was told.
    aws_denied: HashSet<(String, Option<String>)>,
    /// What the account was asked for and did not do, by the step that asked.
    aws_not_done: HashSet<(Option<(JobKey, StepPath)>, String)>,
    api_declared: bool,
    ahead: ahead::Ahead,
    seq: u64,
    now_ms: u64,
    turn: Turn,
}

impl Engine {
    /// A run of `plan` that has not begun.
    pub fn new(plan: Plan, mut settings: EngineSettings) -> Self {
        let mut masker = Masker::default();
        for (name, secret) in &settings.secrets {
            // Source: GitHub: execution rules E5.1: these two are switches, not secrets.
            if !["ACTIONS_STEP_DEBUG", "ACTIONS_RUNNER_DEBUG"].iter().any(|it| name.eq_ignore_ascii_case(it)) {
                masker.learn(secret);
            }
        }
        let is_debug = settings.is_debug();
        settings.hidden.iter().for_each(|it| masker.learn(it));
        masker.learn_token(&Secret::new(&settings.identity.token));
        let github = github_context(&plan.set.root, &plan.event, &settings.identity);
        let root = Arc::clone(&plan.set.root);
        let file = FileRef { repository: None, path: root.source.path().to_owned() };
        let secrets = Arc::new(std::mem::take(&mut settings.secrets));
        // A plan has no needs that go in a circle.
        let root = Frame::new(root, file, None, settings.inputs.clone(), secrets);
        let record = RunRecord::default();
        Self {
            plan,
            settings,
            masker,
            record,
            frames: root.into_iter().collect(),
            jobs: IndexMap::new(),
            keys: JobKeys::new(),
            outputs: Outputs::default(),
            is_debug,
            github,
            cancelled: false,
            clean_up_until_ms: 0,
            is_pending: false,
            aws_declared: false,
            aws_denied: HashSet::new(),
            aws_not_done: HashSet::new(),
            api_declared: false,
            ahead: ahead::Ahead::default(),
            seq: 0,
            now_ms: 0,
            turn: Turn::default(),
        }
    }

    /// Takes one fact in; gives back all that follows from it.
    pub fn handle(&mut self, fact: Fact) -> Turn {
        self.now_ms = self.now_ms.max(fact.at_ms);
        let is_output = matches!(fact.kind, FactKind::Lines { .. });
        if let Some(kind) = self.outputs.keep(fact.kind) {
            self.take_in(kind);
        }
        // Nothing begins or ends by a line.
        if !is_output {
            self.advance();
        }
        std::mem::take(&mut self.turn)
    }

    fn take_in(&mut self, kind: FactKind) {
        if let Some((job, process)) = kind.of_process()
            && let Some(state) = self.jobs.get_mut(job)
        {
            state.turn_to(process);
        }
        match kind {
            FactKind::Begin => self.begin(),
            FactKind::JobReady { job, environment } => self.job_ready(&job, self.told_to_debug(*environment)),
            FactKind::JobNotReady { job, message, help } => self.job_not_ready(&job, &message, help),
            FactKind::EntryBegins { job, entry, image, workspace } => self.entry_begins(&job, entry, image, workspace),
            FactKind::EntryLines { job, lines } => self.entry_lines(&job, &lines),
            FactKind::ImageReady { job, error } => self.entry_ended(&job, error.as_slice()),
            FactKind::ContainersStopped { job, warnings } => self.containers_stopped(&job, &warnings),
            FactKind::Hashed { job, patterns, digest } => self.hashed(&job, &patterns, &digest),
            FactKind::GroupEntered { job } => self.group_entered(job.as_ref()),
            FactKind::GroupLost { job, reason } => self.group_lost(job.as_ref(), &reason),
            FactKind::ActionFound { job, action, found } => self.action_found(&job, &action, found),
            FactKind::ShellFound { job, search, found } => self.shell_found(&job, &search, found.as_deref()),
            FactKind::Lines { job, process, stream, lines, goes_on } => {
                self.lines(&job, process, stream, lines, goes_on);
            }
            FactKind::StepWarned { job, process: _, message } => {
                self.annotate(&job, AnnotationLevel::Warning, &message);
            }
            FactKind::FileRead { job, process, text } => self.file_read(&job, process, text),
            FactKind::StepEnded { job, process, end, files } => {
                self.finish_long_lines(&job, process);
                self.step_ended(&job, process, &end, &files);
                self.outputs.forget(&job, process);
            }
            FactKind::JobClosed { job, fault } => self.job_closed(&job, fault),
            FactKind::Cancel { force } => self.cancel(force),
            FactKind::Woke(timer) => self.woke(&timer),
            FactKind::ServiceCalled(call) => self.emit(RunEventKind::ServiceCalled(call)),
            FactKind::ApiCalled(call) => self.api_called(call),
            FactKind::AwsCalled(call) => self.aws_called(call),
            FactKind::ArtifactKept { job, id, name, size, digest } => {
                let name = self.masker.mask(&name);
                self.emit(RunEventKind::ArtifactKept(ArtifactKept { job, id, name, size, digest }));
            }
            FactKind::ArtifactRemoved { job, id } => {
                self.emit(RunEventKind::ArtifactRemoved(ArtifactRemoved { job, id }));
            }
            FactKind::Noticed(message) => self.notice(&message),
            FactKind::Warned(message) => self.graver_notice(AnnotationLevel::Warning, &message),
        }
    }

    /// Source: GitHub: execution rules E1.11.
    fn told_to_debug(&self, mut environment: JobEnvironment) -> JobEnvironment {
        if self.is_debug {
            environment.step_env.insert("RUNNER_DEBUG".to_owned(), "1".to_owned());
        }
        environment
    }

    /// The journal so far, folded.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    fn begin(&mut self) {
        let root = &self.plan.set.root;
        let started = RunStarted {
            schema: SCHEMA,
            run_id: self.settings.run_id.clone(),
            workflow: self.masker.mask(root.display_name()),
            path: root.source.path().to_owned(),
            event: self.plan.event.name.clone(),
            git_ref: self.plan.event.git_ref.clone(),
            sha: self.plan.event.sha.clone(),
            backend: self.settings.backend.clone(),
            backend_reason: self.settings.backend_reason.clone(),
            jobs: self.headers(0),
        };
        self.emit(RunEventKind::RunStarted(started));
        self.enter_group_of_run();
        for message in std::mem::take(&mut self.settings.notices) {
            self.notice(&message);
        }
        for message in std::mem::take(&mut self.settings.without_effect) {
            let (subject, detail) = (self.masker.mask("the workflow"), self.masker.mask(&message));
            self.emit(RunEventKind::Declared(Declared { job: None, step: None, how: How::Simulated, subject, detail }));
        }
    }

    fn notice(&mut self, message: &str) {
        let message = self.masker.mask(message);
        self.emit(RunEventKind::Notice(Notice { message, level: None }));
    }

    fn graver_notice(&mut self, level: AnnotationLevel, message: &str) {
        let message = self.masker.mask(message);
        self.emit(RunEventKind::Notice(Notice { message, level: Some(level) }));
    }

    fn fault(&mut self, job: Option<&JobKey>, message: &str, help: Option<String>) {
        let message = self.masker.mask(message);
        self.emit(RunEventKind::Fault(Fault { job: job.cloned(), message, help }));
    }

    /// Starts, skips and finishes all that can be.
    fn advance(&mut self) {
        if self.record.started.is_none() || self.record.conclusion.is_some() || (self.is_pending && !self.cancelled) {
            return;
        }
        // A job that ends may let others start, also ones that stand before it in the file.
        loop {
            let before = (self.seq, self.turn.effects.len());
            for place in self.undecided() {
                self.try_expand(&place);
            }
            for key in self.open_jobs() {
                self.advance_job(&key);
            }
            if (self.seq, self.turn.effects.len()) == before {
                break;
            }
        }
        let settled = self.frames.iter().flat_map(|it| it.jobs.values()).all(|it| it.legs.is_some());
        if settled && self.jobs.values().all(|it| it.progress == Progress::Done) {
            self.finish();
        } else {
            self.look_ahead();
        }
    }

    /// The jobs whose turn has not come.
    fn undecided(&self) -> Vec<Place> {
        let of_frame = |(frame, it): (usize, &Frame)| {
            let open = it.jobs.iter().filter(|(_, job)| job.legs.is_none());
            open.map(|(id, _)| Place { frame, id: id.clone() }).collect::<Vec<_>>()
        };
        self.frames.iter().enumerate().flat_map(of_frame).collect()
    }

    fn open_jobs(&self) -> Vec<JobKey> {
        self.jobs.values().filter(|it| it.progress != Progress::Done).map(|it| it.key.clone()).collect()
    }

    fn advance_job(&mut self, key: &JobKey) {
        match self.jobs.get(key).map(|it| it.progress) {
            Some(Progress::Waiting) => self.try_start(key),
            Some(Progress::Calling(frame)) => self.try_finish_call(key, frame),
            Some(Progress::Running) => self.advance_steps(key),
            Some(Progress::Pending | Progress::Opening | Progress::Stopping | Progress::Closing | Progress::Done)
            | None => {}
        }
    }

    fn finish(&mut self) {
        self.leave_group(None);
        let jobs: IndexMap<JobKey, Outcome> =
            self.record.jobs.iter().map(|(key, it)| (key.clone(), it.result.unwrap_or(Outcome::Skipped))).collect();
        let conclusion = self.conclusion();
        self.emit(RunEventKind::RunFinished(RunFinished { conclusion, jobs, duration_ms: self.now_ms }));
    }

    fn conclusion(&self) -> Conclusion {
        let jobs = || self.record.jobs.values();
        let failed = jobs().any(|it| it.result == Some(Outcome::Failure) && !it.forgiven);
        let elsewhere =
            jobs().any(|it| matches!(it.skipped, Some(SkipReason::Machine { .. } | SkipReason::Containers { .. })));
        let undone = self.record.declared.iter().any(|it| it.how == How::NotRun);
        let loose = self.settings.strict && !self.record.declared.is_empty();
        let cancelled = jobs().any(|it| it.result == Some(Outcome::Cancelled));
        // Where a job failed, others may have been cancelled for it.
        if self.cancelled || (cancelled && !failed) {
            Conclusion::Cancelled
        } else if failed {
            Conclusion::Failure
        } else if elsewhere || undone || loose {
            Conclusion::Incomplete
        } else if jobs().all(|it| it.result == Some(Outcome::Skipped)) {
            Conclusion::Skipped
        } else {
            Conclusion::Success
        }
    }

    fn wake(&mut self, after_ms: u64, timer: Timer) {
        self.turn.effects.push(Effect::WakeAt { at_ms: self.now_ms + after_ms, timer });
    }

    /// The only place that makes run events: state changes by folding them.
    fn emit(&mut self, kind: RunEventKind) {
        let event = RunEvent { seq: self.seq + 1, at_ms: self.now_ms, kind };
        self.seq += event.positions();
        self.record.apply(&event);
        // Line by line they would cost many times their size.
        let is_taken_in = self.turn.events.last_mut().is_some_and(|last| last.append(&event));
        if !is_taken_in {
            self.turn.events.push(event);
        }
    }
}
