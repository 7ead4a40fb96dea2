//! Why something did not run, as data.
use serde::{Deserialize, Serialize};
use wfrun_expr::Trace;
use wfrun_plan::JobKey;
pub use wfrun_plan::{Because, Operand};

use crate::Outcome;

/// Why a job or step did not run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SkipReason {
    /// Its `if` was false.
    Condition {
        /// The condition as it was evaluated, the implicit `success()` included.
        expression: String,
        /// How it came to its value.
        trace: Trace,
        /// The sub-expressions that decided.
        because: Vec<Because>,
        /// Where the condition stands, lines from 1; 0 where it was not written.
        line: u32,
    },
    /// Its `if` could not be evaluated: GitHub fails it then.
    ConditionError {
        /// The condition as written.
        expression: String,
        /// The evaluation's error.
        message: String,
        /// Where the condition stands, lines from 1.
        line: u32,
    },
    /// A job it needs did not succeed, and its condition has no word for that.
    Needs {
        /// The needed job.
        job: JobKey,
        /// How that one ended.
        result: Outcome,
    },
    /// An earlier step of the job failed, and its condition has no word for that.
    EarlierStep {
        /// The name of the first step that failed, if one did.
        step: Option<String>,
    },
    /// The run was cancelled before its turn.
    Cancelled,
    /// It asks for a machine that this one cannot be.
    Machine {
        /// The labels of its `runs-on`.
        labels: Vec<String>,
    },
    /// It asks for containers, and the backend makes none.
    Containers {
        /// The keys that ask for them: `container`, `services`.
        keys: Vec<String>,
        /// The backend.
        backend: String,
    },
    /// Another leg of its matrix failed, and `fail-fast` holds.
    FailFast {
        /// The leg that failed.
        job: JobKey,
    },
    /// Another run or job of its concurrency group took its place.
    Concurrency {
        /// The group.
        group: String,
        /// In GitHub's words.
        message: String,
    },
    /// `strategy` or another key that must be known before a job starts cannot be evaluated: GitHub fails it then.
    Planning {
        /// The key: `strategy`, `runs-on`.
        key: String,
        /// The error.
        message: String,
        /// Where it stands, lines from 1; 0 where that is not known.
        line: u32,
    },
    /// The caller asked for other jobs only.
    NotChosen,
    /// The caller forced it (`--force`).
    Forced,
}
