//! The closed sets of words that results, phases and streams are told in.
use std::fmt;

use serde::{Deserialize, Serialize};

/// How a step or job ended.
///
/// GitHub uses these four words for `outcome`, `conclusion` and `result` alike.
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#steps-context>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It ended well.
    Success,
    /// It ended badly.
    Failure,
    /// It was ended from outside.
    Cancelled,
    /// It never began.
    Skipped,
}

impl Outcome {
    /// The word as GitHub's contexts have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// The outcome for a word of [`Outcome::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Success, Self::Failure, Self::Cancelled, Self::Skipped].into_iter().find(|it| it.as_str() == word)
    }

    /// How jobs that count as one ended: the legs of a matrix, the jobs of a called workflow.
    ///
    /// Source: GitHub: planning rules 4.6 and 4.9.
    #[must_use]
    pub fn together(of: impl IntoIterator<Item = Self>) -> Self {
        let worst = of.into_iter().max_by_key(|it| match it {
            Self::Skipped => 0,
            Self::Success => 1,
            Self::Cancelled => 2,
            Self::Failure => 3,
        });
        worst.unwrap_or(Self::Skipped)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a whole run ended: the four words, and the one that keeps a run from being a fake green.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// All that should run ran, for real or as a declared stand-in.
    Success,
    /// A job failed.
    Failure,
    /// The run was cancelled.
    Cancelled,
    /// Every job was skipped.
    Skipped,
    /// Nothing failed, but a part could not be run here as GitHub would.
    Incomplete,
}

impl Conclusion {
    /// The word as the journal has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Incomplete => "incomplete",
        }
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How faithfully a thing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum How {
    /// As on GitHub: the thing itself ran.
    #[serde(rename = "real")]
    Real,
    /// By a program of wfrun with the same contract.
    #[serde(rename = "stand-in")]
    StandIn,
    /// Only in appearance.
    #[serde(rename = "simulated")]
    Simulated,
    /// Not at all.
    #[serde(rename = "not run")]
    NotRun,
}

impl How {
    /// The word as logs and journal have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::StandIn => "stand-in",
            Self::Simulated => "simulated",
            Self::NotRun => "not run",
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part of a step that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before the job's steps.
    Pre,
    /// In its place among the job's steps.
    Main,
    /// After the job's steps, last in first out.
    Post,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pre => "pre",
            Self::Main => "main",
            Self::Post => "post",
        })
    }
}

/// Where a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How grave an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnnotationLevel {
    /// Worth knowing.
    Notice,
    /// Worth looking at.
    Warning,
    /// Wrong.
    Error,
}

impl AnnotationLevel {
    /// The word as workflow commands have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What sort of step it is, as the journal's `kind` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKindName {
    /// A `run:` script.
    Run,
    /// A JavaScript action.
    Javascript,
    /// A composite action.
    Composite,
    /// A container action.
    Docker,
    /// A stand-in that wfrun carries in itself.
    Builtin,
    /// `wait`, `wait-all`: it waits for background steps.
    Wait,
    /// `cancel`: it ends a background step.
    Cancel,
    /// `parallel`: steps that run at the same time.
    Parallel,
}
