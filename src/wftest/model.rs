//! What a test file says.
use std::path::PathBuf;

use indexmap::IndexMap;
use serde_json::Value as Json;
use wfrun_journal::{Outcome, Secret};
use wfrun_plan::Inputs;
use wfrun_syntax::{Diagnostic, Spanned};
use wfrun_workflow::WorkflowSet;

pub(crate) use crate::names::{JobPlace, StepPlace};

/// A test file and the workflow it is about.
#[derive(Debug)]
pub(crate) struct TestFile {
    /// The workflow and what it calls.
    pub(crate) set: WorkflowSet,
    /// The same as the engine plays it.
    pub(crate) playable: WorkflowSet,
    /// The files that it is made of, to be watched.
    pub(crate) files: Vec<PathBuf>,
    /// The codes of what is wrong with the workflow, each once.
    pub(crate) codes: Vec<String>,
    /// What makes the workflow invalid.
    pub(crate) broken: Vec<Diagnostic>,
    /// The cases.
    pub(crate) cases: Vec<Case>,
}

/// One case.
#[derive(Debug)]
pub(crate) struct Case {
    /// `name`, or its number.
    pub(crate) name: String,
    /// What happened.
    pub(crate) given: Given,
    /// `force` of jobs: how they end.
    pub(crate) job_ends: Vec<(JobPlace, Outcome)>,
    /// `force` of steps: how they end.
    pub(crate) step_ends: Vec<(StepPlace, Outcome)>,
    /// `outputs` of jobs.
    pub(crate) job_outputs: Vec<(JobPlace, IndexMap<String, String>)>,
    /// `outputs` of steps.
    pub(crate) step_outputs: Vec<(StepPlace, IndexMap<String, String>)>,
    /// What should come of it.
    pub(crate) expect: Vec<Expectation>,
}

/// The situation of a case: the options of `wfrun why`, as keys.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) event: Option<String>,
    pub(crate) git_ref: Option<String>,
    pub(crate) base: Option<String>,
    pub(crate) head: Option<String>,
    pub(crate) pr: Option<u64>,
    pub(crate) activity: Option<String>,
    pub(crate) changed: Option<Vec<String>>,
    pub(crate) sha: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) run_number: Option<u64>,
    pub(crate) default_branch: Option<String>,
    pub(crate) payload: Option<Json>,
    pub(crate) inputs: IndexMap<String, String>,
    /// `inputs` after the workflow's declarations.
    pub(crate) checked_inputs: Inputs,
    pub(crate) secrets: IndexMap<String, Secret>,
    pub(crate) vars: IndexMap<String, String>,
    pub(crate) env: IndexMap<String, String>,
    /// `matrix`: names and values that legs must have.
    pub(crate) legs: Vec<(String, String)>,
    pub(crate) schedule: Option<String>,
    pub(crate) since: Option<String>,
    pub(crate) jobs: Vec<String>,
    pub(crate) no_needs: bool,
}

/// One thing that should come of a case.
#[derive(Debug)]
pub(crate) struct Expectation {
    /// As it is written: `jobs.build-and-deploy`.
    pub(crate) name: String,
    /// What it is about, and what is expected of it.
    pub(crate) of: Expected,
}

/// What an expectation is about.
#[derive(Debug)]
pub(crate) enum Expected {
    /// Whether the event triggers the workflow.
    Triggered(bool),
    /// What becomes of a job.
    Job(JobPlace, Fate),
    /// What becomes of a step.
    Step(StepPlace, Fate),
    /// An output of a job.
    JobOutput(JobPlace, Spanned<String>, String),
    /// An output of a step.
    StepOutput(StepPlace, Spanned<String>, String),
    /// The codes of what is wrong with the workflow.
    Diagnostics(Vec<String>),
    /// Whatever it is that a workflow with errors cannot tell.
    Valid,
}

/// What becomes of a job or step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It runs, however it ends.
    Runs,
    /// It does not.
    Skipped,
    /// It ends so.
    Ends(Outcome),
}

impl TestFile {
    /// Why the file is invalid: its workflow has errors, and a case expects more than these.
    pub(crate) fn errors(&self) -> &[Diagnostic] {
        let mut expected = self.cases.iter().flat_map(|it| &it.expect);
        if expected.any(|it| matches!(it.of, Expected::Valid)) { &self.broken } else { &[] }
    }
}

impl Fate {
    /// The words there are.
    pub(crate) const WORDS: [&str; 5] = ["runs", "skipped", "success", "failure", "cancelled"];

    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "runs" => Some(Self::Runs),
            "skipped" => Some(Self::Skipped),
            _ => Outcome::parse(word).map(Self::Ends),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Skipped => "skipped",
            Self::Ends(outcome) => outcome.as_str(),
        }
    }
}
