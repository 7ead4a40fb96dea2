//! What the engine knows besides the record: values that must never be written down, and what is under way.
use std::collections::{HashMap, HashSet, VecDeque};

use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_journal::{How, Masked, Outcome, Phase};
use wfrun_plan::JobKey;

use crate::engine::ContainersState;
use crate::frame::Place;
use crate::{JobEnvironment, StopCommands};

/// One job of the run: one leg, where there is a matrix.
#[derive(Debug)]
pub(crate) struct JobState {
    pub(crate) key: JobKey,
    /// Where it is declared.
    pub(crate) place: Place,
    /// The context `matrix`.
    pub(crate) matrix: Value,
    /// The context `strategy`.
    pub(crate) strategy: Value,
    pub(crate) progress: Progress,
    /// `job.status`; only ever gets worse, and stays cancelled.
    pub(crate) status: Outcome,
    pub(crate) started_at_ms: u64,
    pub(crate) name: String,
    pub(crate) labels: Vec<String>,
    pub(crate) forgives: bool,
    /// `cancel-timeout-minutes`
    pub(crate) cancel_timeout_ms: u64,
    pub(crate) environment: Option<JobEnvironment>,
    pub(crate) containers: ContainersState,
    /// `env` of workflow and job, and all that `GITHUB_ENV` added.
    pub(crate) global_env: IndexMap<String, String>,
    /// What `GITHUB_PATH` added, the newest last.
    pub(crate) added_paths: Vec<String>,
    /// The results of the steps that have an id.
    pub(crate) results: IndexMap<String, StepResult>,
    /// Steps whose main part is still to come, by their index.
    pub(crate) main: VecDeque<usize>,
    /// Steps whose post part is to come; the last goes first.
    pub(crate) post: Vec<usize>,
    /// What each step saved in `GITHUB_STATE`.
    pub(crate) saved: HashMap<usize, IndexMap<String, String>>,
    /// Answers to `hashFiles` for the stage that is being begun.
    pub(crate) hashes: HashMap<Vec<String>, Result<String, String>>,
    /// Questions of `hashFiles` that are under way.
    pub(crate) hashing: HashSet<Vec<String>>,
    pub(crate) current: Option<Current>,
    /// How many processes the job has started.
    pub(crate) serial: u64,
    /// After a time limit or a forced cancellation nothing further starts.
    pub(crate) halted: bool,
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It waits for a free place.
    Waiting,
    /// The jobs of the workflow that it calls, this one of the run's frames, go their way.
    Calling(usize),
    /// Its environment is being made.
    Opening,
    /// Its steps run.
    Running,
    /// Its steps are over, and its containers are being taken away.
    Stopping,
    /// Its environment is being taken away.
    Closing,
    /// It is over.
    Done,
}

/// A step's entry in the `steps` context.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepResult {
    pub(crate) outputs: IndexMap<String, String>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) conclusion: Option<Outcome>,
}

/// A part of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) index: usize,
    pub(crate) phase: Phase,
}

/// The step that runs.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Current {
    pub(crate) stage: Stage,
    pub(crate) serial: u64,
    pub(crate) name: Masked,
    pub(crate) how: How,
    pub(crate) started_at_ms: u64,
    /// `env` with the step's own entries, for its condition and `continue-on-error`.
    pub(crate) env: IndexMap<String, String>,
    /// Outputs set by commands on standard output; the file wins.
    pub(crate) outputs: IndexMap<String, String>,
    pub(crate) stop: StopCommands,
    pub(crate) echo: bool,
    /// A command or file could not be carried out: the step fails whatever its exit code.
    pub(crate) command_failed: bool,
    pub(crate) timeout_minutes: Option<u64>,
    pub(crate) timed_out: bool,
    pub(crate) stopping: bool,
    pub(crate) annotations: [u32; 3],
}

impl JobState {
    pub(crate) fn new(key: JobKey, place: Place, name: String, matrix: Value, strategy: Value) -> Self {
        Self {
            key,
            place,
            matrix,
            strategy,
            progress: Progress::Waiting,
            status: Outcome::Success,
            started_at_ms: 0,
            name,
            labels: Vec::new(),
            forgives: false,
            cancel_timeout_ms: 0,
            environment: None,
            containers: ContainersState::None,
            global_env: IndexMap::new(),
            added_paths: Vec::new(),
            results: IndexMap::new(),
            main: VecDeque::new(),
            post: Vec::new(),
            saved: HashMap::new(),
            hashes: HashMap::new(),
            hashing: HashSet::new(),
            current: None,
            serial: 0,
            halted: false,
        }
    }

    /// Merges a step's conclusion in. Source: GitHub: execution rules E1.6.
    pub(crate) fn merge(&mut self, conclusion: Outcome) {
        if conclusion == Outcome::Failure && self.status == Outcome::Success {
            self.status = Outcome::Failure;
        }
    }

    /// The stage that comes next.
    pub(crate) fn next_stage(&self) -> Option<Stage> {
        if let Some(index) = self.main.front() {
            return Some(Stage { index: *index, phase: Phase::Main });
        }
        self.post.last().map(|index| Stage { index: *index, phase: Phase::Post })
    }

    /// Takes the next stage off its list.
    pub(crate) fn take_stage(&mut self, stage: Stage) {
        match stage.phase {
            Phase::Pre | Phase::Main => {
                self.main.pop_front();
            }
            Phase::Post => {
                self.post.pop();
            }
        }
        self.hashes.clear();
    }
}
