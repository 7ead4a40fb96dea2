//! What the engine knows besides the record: values that must never be written down, and what is under way.
use std::collections::{HashMap, VecDeque};

use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_journal::{Outcome, Phase};
use wfrun_plan::{JobKey, StepPath};

use crate::engine::{ContainersState, OpenEntry};
use crate::frame::Place;
use crate::strand::{Composite, Current, Stage, Strand};
use crate::{JobEnvironment, ResolvedAction};

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
    /// The same as of the run, later where a step of the job was slow to end.
    pub(crate) clean_up_until_ms: u64,
    pub(crate) environment: Option<JobEnvironment>,
    pub(crate) containers: ContainersState,
    /// What is done before or after the steps, while it is.
    pub(crate) entry: Option<OpenEntry>,
    /// How many images of container actions were made ready, or tried.
    pub(crate) images: usize,
    /// Whether its log has begun.
    pub(crate) is_told: bool,
    /// `env` of workflow and job, and all that `GITHUB_ENV` added.
    pub(crate) global_env: IndexMap<String, String>,
    /// `defaults.run`: shell and working directory, where they say something.
    pub(crate) defaults: (Option<String>, Option<String>),
    /// What `GITHUB_PATH` added, the newest last.
    pub(crate) added_paths: Vec<String>,
    /// The results of the job's own steps that have an id.
    pub(crate) results: IndexMap<String, StepResult>,
    /// Steps whose pre part is still to come.
    pub(crate) pre: VecDeque<StepPath>,
    /// Steps whose main part is still to come, by their index.
    pub(crate) main: VecDeque<usize>,
    /// Steps whose post part is to come, none of them inside of a composite action; the last goes first.
    pub(crate) post: Vec<StepPath>,
    /// What each step saved in `GITHUB_STATE`.
    pub(crate) saved: HashMap<StepPath, IndexMap<String, String>>,
    /// The composite actions that were begun, by the step that uses them.
    pub(crate) composites: HashMap<StepPath, Composite>,
    /// Actions that were found when their step began, by that step.
    pub(crate) found: HashMap<StepPath, Result<ResolvedAction, String>>,
    /// The job's own steps first, then a strand for each background step, in the order of their start.
    pub(crate) strands: Vec<Strand>,
    /// The strand whose turn it is.
    pub(crate) active: usize,
    /// The concurrency group that it is in, or waits for.
    pub(crate) group: Option<String>,
    /// How many steps the job has begun.
    pub(crate) serial: u64,
    /// After a time limit or a forced cancellation nothing further starts.
    pub(crate) halted: bool,
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It waits for a free place.
    Waiting,
    /// It waits for its concurrency group.
    Pending,
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
            clean_up_until_ms: 0,
            environment: None,
            containers: ContainersState::None,
            entry: None,
            images: 0,
            is_told: false,
            global_env: IndexMap::new(),
            defaults: (None, None),
            added_paths: Vec::new(),
            results: IndexMap::new(),
            pre: VecDeque::new(),
            main: VecDeque::new(),
            post: Vec::new(),
            saved: HashMap::new(),
            composites: HashMap::new(),
            found: HashMap::new(),
            strands: vec![Strand::default()],
            active: 0,
            group: None,
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

    /// The strand whose turn it is.
    pub(crate) fn strand(&self) -> Option<&Strand> {
        self.strands.get(self.active)
    }

    pub(crate) fn strand_mut(&mut self) -> Option<&mut Strand> {
        self.strands.get_mut(self.active)
    }

    /// The innermost step that runs in the strand whose turn it is.
    pub(crate) fn current(&self) -> Option<&Current> {
        self.strand()?.stack.last()
    }

    pub(crate) fn current_mut(&mut self) -> Option<&mut Current> {
        self.strand_mut()?.stack.last_mut()
    }

    /// Gives the turn to the strand in which this process runs; tells whether one does.
    pub(crate) fn turn_to(&mut self, process: u64) -> bool {
        let runs = |it: &Strand| it.stack.last().is_some_and(|it| it.serial == process);
        let found = self.strands.iter().position(runs);
        self.active = found.unwrap_or(self.active);
        found.is_some()
    }

    /// The composite action that a step is inside of.
    pub(crate) fn composite_of(&self, path: &StepPath) -> Option<&Composite> {
        let parent = path.parent()?;
        self.composites.get(&parent).or_else(|| self.composite_of(&parent))
    }

    /// Where the results of a step go: of its composite action, or of the job.
    pub(crate) fn composite_of_mut(&mut self, path: &StepPath) -> Option<&mut Composite> {
        let mut parent = path.parent()?;
        while !self.composites.contains_key(&parent) {
            parent = parent.parent()?;
        }
        self.composites.get_mut(&parent)
    }

    /// `env` of workflow and job with all that was added since, as the strand whose turn it is sees it.
    pub(crate) fn env(&self) -> IndexMap<String, String> {
        let mut env = self.global_env.clone();
        env.extend(self.strand().into_iter().flat_map(|it| it.added_env.clone()));
        env
    }

    /// Takes variables in: at once, or once the background step is waited for.
    pub(crate) fn add_env(&mut self, name: String, value: String) {
        match self.strand_mut() {
            Some(strand) if strand.background.is_some() => strand.added_env.insert(name, value),
            Some(_) | None => self.global_env.insert(name, value),
        };
    }

    /// Takes a folder of the search path in; the newest is last.
    pub(crate) fn add_path(&mut self, path: &str) {
        let paths = match self.strands.get_mut(self.active) {
            Some(strand) if strand.background.is_some() => &mut strand.added_paths,
            Some(_) | None => &mut self.added_paths,
        };
        paths.retain(|it| it != path);
        paths.push(path.to_owned());
    }

    /// The job's own next stage; the background steps have ended before posts begin.
    pub(crate) fn next_stage(&self) -> Option<Stage> {
        if let Some(path) = self.pre.front() {
            return Some(Stage { path: path.clone(), phase: Phase::Pre });
        }
        if let Some(index) = self.main.front() {
            return Some(Stage { path: StepPath::at(*index), phase: Phase::Main });
        }
        self.post.last().map(|path| Stage { path: path.clone(), phase: Phase::Post })
    }

    /// The post part of a step is due from now on: the job's, or one of those that make up its composite action's.
    ///
    /// Source: GitHub: execution rules E1.7.
    pub(crate) fn register_post(&mut self, path: &StepPath) {
        if let Some(composite) = path.parent().and_then(|it| self.composites.get_mut(&it)) {
            composite.posts.insert(path.position());
        } else if !self.post.contains(path) {
            self.post.push(path.clone());
        }
    }

    /// Takes a stage that begins, or never will, off its list.
    pub(crate) fn take_stage(&mut self, stage: &Stage) {
        let active = self.active;
        let composite = self.strand().and_then(|it| it.stack.last()).map(|it| it.stage.path.clone());
        if let Some(it) = self.strand_mut() {
            it.hashes.clear();
            it.shells.clear();
            it.waits = None;
        }
        match (composite, stage.phase) {
            // The next of a composite action.
            (Some(composite), _) => {
                if let Some(composite) = self.composites.get_mut(&composite) {
                    composite.coming.pop_front();
                }
            }
            (None, Phase::Pre) => {
                self.pre.pop_front();
            }
            (None, Phase::Post) => {
                self.post.pop();
            }
            (None, Phase::Main) if active == 0 => {
                self.main.pop_front();
            }
            (None, Phase::Main) => {
                if let Some(it) = self.strand_mut() {
                    it.pending = None;
                }
            }
        }
    }
}
