use serde::Serialize;
use wfrun_expr::Trace;
use wfrun_syntax::Span;
use wfrun_workflow::IfField;

use crate::{Because, JobKey};

/// Why something is skipped, or on what it depends.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// Its `if` settles it, or cannot be settled yet.
    Condition {
        /// The condition as it is evaluated, an implicit `success()` included.
        expression: String,
        /// How it comes to its value.
        trace: Trace,
        /// The parts that decide, or on which it depends.
        because: Vec<Because>,
        /// Where it is written; none where it is not.
        #[serde(skip)]
        span: Option<Span>,
        /// Where the parts that decide are written.
        #[serde(skip)]
        deciding: Vec<Span>,
    },
    /// A job it needs does not succeed, and its condition has no word for that.
    Needs {
        /// The job.
        job: JobKey,
        /// How that ends.
        result: String,
    },
    /// The job that calls its workflow is skipped.
    Caller {
        /// The caller.
        job: JobKey,
    },
    /// All jobs of the workflow that it calls are skipped.
    Called {
        /// The workflow.
        file: String,
    },
    /// It is stated to end so, whatever its condition.
    Stated {
        /// How.
        result: String,
    },
    /// Its concurrency group is held by what it is a part of: it would wait for itself, and GitHub cancels it.
    Deadlock {
        /// The group.
        group: String,
        /// The job that holds it; none where it is the workflow.
        holder: Option<JobKey>,
        /// Where the group is written.
        #[serde(skip)]
        span: Option<Span>,
    },
    /// Whether the event triggers the workflow is not known.
    Trigger {
        /// What is not known.
        message: String,
    },
    /// A key of it cannot be evaluated: GitHub fails the job then.
    Planning {
        /// The key.
        key: String,
        /// Its value as written.
        expression: String,
        /// The error.
        message: String,
        /// Where it is written.
        #[serde(skip)]
        span: Option<Span>,
    },
    /// Its `strategy` does not come to legs: GitHub fails the job then.
    Strategy {
        /// The error.
        message: String,
        /// Where it is written.
        #[serde(skip)]
        span: Option<Span>,
    },
    /// The condition cannot be evaluated: GitHub fails the job then.
    ConditionError {
        /// The condition as written.
        expression: String,
        /// The error.
        message: String,
        /// Where it is written.
        #[serde(skip)]
        span: Option<Span>,
    },
}

impl Reason {
    /// Makes the reason of a condition's trace.
    pub(crate) fn condition(field: &IfField, trace: Trace) -> Self {
        let deciding = trace.because().into_iter().filter(|it| !it.range.is_empty());
        let deciding = deciding.filter_map(|it| field.span_of(&it.range)).collect();
        Self::Condition {
            expression: field.condition.expr.to_string(),
            because: Because::of(&trace),
            trace,
            span: field.span(),
            deciding,
        }
    }
}
