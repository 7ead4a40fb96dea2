//! Why something did not run, as data.
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use wfrun_expr::{Op, Trace};
use wfrun_plan::JobKey;

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
    /// The caller asked for other jobs only.
    NotChosen,
}

/// A sub-expression that decided, with what it found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Because {
    /// The sub-expression.
    pub expression: String,
    /// Its value.
    pub value: Json,
    /// The operands below it that are not literals, with their values.
    pub operands: Vec<Operand>,
}

/// What a context path held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operand {
    /// The operand as written: `github.ref`.
    pub expression: String,
    /// What it was.
    pub value: Json,
}

impl Because {
    /// The deciding sub-expressions of `trace`.
    pub fn of(trace: &Trace) -> Vec<Self> {
        trace.because().into_iter().map(Self::from_leaf).collect()
    }

    fn from_leaf(leaf: &Trace) -> Self {
        let named = leaf.operands.iter().filter(|it| it.op != Op::Literal && it.is_reached());
        let operands = named.map(|it| Operand { expression: it.text.to_string(), value: json(it) }).collect();
        Self { expression: leaf.text.to_string(), value: json(leaf), operands }
    }
}

fn json(trace: &Trace) -> Json {
    serde_json::to_value(trace.value()).unwrap_or(Json::Null)
}
