//! Steps on their way: what runs in a job at the same time, and what runs inside of what.
use std::collections::{BTreeSet, HashMap, VecDeque};

use indexmap::IndexMap;
use wfrun_journal::{How, Masked, Outcome, Phase};
use wfrun_plan::StepPath;
use wfrun_workflow::UsesTarget;

use crate::state::StepResult;
use crate::{ResolvedAction, ShellSearch, StopCommands};

/// A part of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) path: StepPath,
    pub(crate) phase: Phase,
}

/// Steps that run one after another: the job's own, or a background step with all that is inside of it.
#[derive(Debug, Default)]
pub(crate) struct Strand {
    /// The background step that it is; none for the job's own steps.
    pub(crate) background: Option<Background>,
    /// A background step that has not begun.
    pub(crate) pending: Option<Stage>,
    /// The steps that run: each is inside of the one before it.
    pub(crate) stack: Vec<Current>,
    /// What the stage that is being begun waits for.
    pub(crate) waits: Option<Waits>,
    /// Answers to `hashFiles` for that stage.
    pub(crate) hashes: HashMap<Vec<String>, Result<String, String>>,
    /// What was looked up for its next stage: shells, and where they are.
    pub(crate) shells: HashMap<ShellSearch, Option<String>>,
    /// What a background step added to the environment, which nobody else sees before it is waited for.
    pub(crate) added_env: IndexMap<String, String>,
    /// What it added to the search path, the newest last.
    pub(crate) added_paths: Vec<String>,
}

/// What a stage must know before it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Waits {
    /// The digest of these patterns' files.
    Hash(Vec<String>),
    /// This action.
    Action(UsesTarget),
    /// Where this shell is.
    Shell(ShellSearch),
}

/// What is known of a background step.
#[derive(Debug)]
pub(crate) struct Background {
    pub(crate) path: StepPath,
    pub(crate) id: String,
    pub(crate) name: String,
    /// Its result, once it has ended: with what it put out, if it has an id.
    pub(crate) ended: Option<StepResult>,
    /// Whether its result has reached the job.
    pub(crate) waited: bool,
    /// Whether a `cancel` step ended it: that is no failure.
    pub(crate) cancelled: bool,
}

/// A step that runs.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Current {
    pub(crate) stage: Stage,
    pub(crate) serial: u64,
    pub(crate) name: Masked,
    pub(crate) how: How,
    pub(crate) started_at_ms: u64,
    pub(crate) work: Work,
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

/// What a step that runs is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// A process.
    Process,
    /// The steps of a composite action.
    Composite,
    /// Background steps, which it waits for.
    Wait(Vec<StepPath>),
}

/// A composite action that was begun.
#[derive(Debug)]
pub(crate) struct Composite {
    pub(crate) action: ResolvedAction,
    pub(crate) target: UsesTarget,
    pub(crate) inputs: IndexMap<String, String>,
    /// Variables that `env:` of its step, and of those around it, set: they beat `GITHUB_ENV`.
    pub(crate) overrides: IndexMap<String, String>,
    /// The results of its steps that have an id.
    pub(crate) results: IndexMap<String, StepResult>,
    /// How its steps went so far: `github.action_status`.
    pub(crate) status: Outcome,
    /// The steps whose turn is still to come in the part that runs, from 0.
    pub(crate) coming: VecDeque<usize>,
    /// The steps that have a post part and began.
    pub(crate) posts: BTreeSet<usize>,
}

impl Composite {
    /// Its next step, in the same part as the step that uses it.
    pub(crate) fn next_stage(&self, outer: &Stage) -> Option<Stage> {
        self.coming.front().map(|it| Stage { path: outer.path.child(*it), phase: outer.phase })
    }

    /// Merges the conclusion of one of its steps in. Source: GitHub: execution rules E7.5.
    pub(crate) fn merge(&mut self, conclusion: Outcome) {
        let gets_worse = matches!(
            (self.status, conclusion),
            (Outcome::Success | Outcome::Skipped, Outcome::Failure | Outcome::Cancelled)
                | (Outcome::Failure, Outcome::Cancelled)
        );
        if gets_worse {
            self.status = conclusion;
        }
    }
}
