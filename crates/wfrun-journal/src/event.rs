//! The events of a run, in the past tense; no colour, no verbosity, no statistics.
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use wfrun_plan::{JobKey, StepPath};

use crate::{AnnotationLevel, Conclusion, How, Masked, Outcome, Phase, SkipReason, StepKindName, Stream};

/// The version of the journal's format. Readers skip types and fields they do not know.
pub const SCHEMA: u32 = 1;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Position in the run, from 1, without gaps: each line has one of its own.
    pub seq: u64,
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: RunEventKind,
}

/// What a [`RunEvent`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum RunEventKind {
    /// The run began.
    RunStarted(RunStarted),
    /// Something a person should know about this run that belongs to no job.
    Notice(Notice),
    /// A job turned out to be these: the legs of its matrix.
    MatrixExpanded(MatrixExpanded),
    /// A job calls a workflow, and these are that workflow's jobs.
    WorkflowCalled(WorkflowCalled),
    /// A job's environment is there and its steps begin.
    JobStarted(JobStarted),
    /// A job did not run.
    JobSkipped(JobSkipped),
    /// A step's process is about to start.
    StepStarted(StepStarted),
    /// A step did not run.
    StepSkipped(StepSkipped),
    /// A step wrote lines; in the journal each is an event.
    #[serde(rename = "line")]
    Lines(Lines),
    /// A step, or wfrun about it, pointed something out.
    Annotation(Annotation),
    /// A step wrote a summary.
    StepSummary(StepSummary),
    /// Something was not done as GitHub would have done it.
    Declared(Declared),
    /// A step ended.
    StepFinished(StepFinished),
    /// A job ended.
    JobFinished(JobFinished),
    /// A local service was called.
    ServiceCalled(ServiceCalled),
    /// A job has made an artifact.
    ArtifactKept(ArtifactKept),
    /// A job has removed an artifact.
    ArtifactRemoved(ArtifactRemoved),
    /// wfrun itself could not do something.
    Fault(Fault),
    /// The run ended.
    RunFinished(RunFinished),
}

/// `run-started`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's id: the name of its folder below `.wfrun/runs`.
    pub run_id: String,
    /// The workflow's name.
    pub workflow: Masked,
    /// The workflow file, relative to the repository.
    pub path: String,
    /// The event's name.
    pub event: String,
    /// `github.ref`
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// `github.sha`
    pub sha: String,
    /// Where jobs run: `docker`, `sandbox`, `host`.
    pub backend: String,
    /// Why there.
    #[serde(default)]
    pub backend_reason: String,
    /// The jobs of the file, in its order. What a matrix makes of one, and what one calls, is told once it is known.
    pub jobs: Vec<JobHeader>,
}

/// One job of `run-started`, `matrix-expanded` or `workflow-called`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobHeader {
    /// What the journal calls it; with a matrix that is still to be expanded, without the leg's labels.
    pub key: JobKey,
    /// Its key below `jobs:`.
    pub id: String,
    /// What people call it.
    pub name: Masked,
    /// The jobs it waits for, by their keys without a matrix.
    pub needs: Vec<JobKey>,
}

/// `matrix-expanded`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatrixExpanded {
    /// The job as it was announced.
    pub job: JobKey,
    /// The jobs that stand in its place, in the order of `strategy.job-index`.
    pub legs: Vec<JobHeader>,
}

/// `workflow-called`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkflowCalled {
    /// The job that calls.
    pub job: JobKey,
    /// Its key below `jobs:`.
    pub id: String,
    /// What people call it.
    pub name: Masked,
    /// The file, as the call names it.
    pub workflow: String,
    /// That file's jobs, in file order.
    pub jobs: Vec<JobHeader>,
}

/// `notice`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// One sentence; what belongs to it, such as a log's last lines, stands in further lines.
    pub message: Masked,
    /// How grave it is, where it is more than news: it is repeated in the summary then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<AnnotationLevel>,
}

/// `job-started`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobStarted {
    /// Which.
    pub job: JobKey,
    /// Its key below `jobs:`.
    pub id: String,
    /// What people call it.
    pub name: Masked,
    /// The matrix combination; empty without a matrix.
    pub matrix: IndexMap<String, serde_json::Value>,
    /// Where it runs.
    pub backend: String,
    /// In which image, where there is one.
    pub image: Option<String>,
    /// How its workspace was made: `files`, by its own checkout; of a tree that was checked out before, `overlay`, `clone` (its
    /// files share blocks with the tree's) or `copy`.
    #[serde(default)]
    pub workspace: String,
}

/// `job-skipped`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSkipped {
    /// Which.
    pub job: JobKey,
    /// Its key below `jobs:`.
    pub id: String,
    /// What people call it.
    pub name: Masked,
    /// Why.
    pub reason: SkipReason,
    /// `skipped`, or `cancelled` when the run was cancelled first, or `failure` when its condition could not be evaluated.
    pub result: Outcome,
}

/// `step-started`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepStarted {
    /// Whose.
    pub job: JobKey,
    /// Which.
    pub step: StepPath,
    /// Its `id:`, if it has one.
    pub id: Option<String>,
    /// What people call it.
    pub name: Masked,
    /// What sort it is.
    pub kind: StepKindName,
    /// Which part of it.
    pub phase: Phase,
    /// How faithfully.
    pub how: How,
    /// The step's place in the workflow file, lines from 1.
    #[serde(default)]
    pub line: u32,
    /// What the log shows in the step's header group: the script, the inputs, the shell, the environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header: Vec<Masked>,
}

/// `step-skipped`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepSkipped {
    /// Whose.
    pub job: JobKey,
    /// Which.
    pub step: StepPath,
    /// Its `id:`, if it has one.
    pub id: Option<String>,
    /// What people call it.
    pub name: Masked,
    /// Which part of it.
    pub phase: Phase,
    /// Why.
    pub reason: SkipReason,
}

/// `line`, or several that one step wrote in a row: what is written fast comes in large blocks, which cost no more than
/// a line does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    /// Whose.
    pub job: JobKey,
    /// Which.
    pub step: StepPath,
    /// Of which part.
    pub phase: Phase,
    /// Where it was written.
    pub stream: Stream,
    /// The lines, with `\n` between them.
    pub text: Masked,
}

impl Lines {
    /// How many there are; at least one.
    pub fn count(&self) -> u64 {
        1 + memchr::memchr_iter(b'\n', self.text.as_str().as_bytes()).count() as u64
    }

    /// Each of them.
    pub fn each(&self) -> impl Iterator<Item = &str> {
        self.text.as_str().split('\n')
    }

    /// The last of them.
    pub fn last(&self) -> &str {
        let text = self.text.as_str();
        text.rsplit_once('\n').map_or(text, |(_, last)| last)
    }

    /// Takes `other` in behind them, if the same stream of the same step wrote it.
    pub(crate) fn append(&mut self, other: &Self) -> bool {
        let Self { job, step, phase, stream, text } = self;
        let is_same = *job == other.job && *step == other.step && *phase == other.phase && *stream == other.stream;
        if is_same {
            text.push_line(&other.text);
        }
        is_same
    }
}

impl RunEvent {
    /// How many positions of the run it takes.
    pub fn positions(&self) -> u64 {
        if let RunEventKind::Lines(lines) = &self.kind { lines.count() } else { 1 }
    }

    /// Takes in the event that follows, if both are lines that belong together.
    pub fn append(&mut self, next: &Self) -> bool {
        if let (RunEventKind::Lines(lines), RunEventKind::Lines(more)) = (&mut self.kind, &next.kind) {
            self.at_ms == next.at_ms && lines.append(more)
        } else {
            false
        }
    }
}

/// `annotation`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Whose.
    pub job: JobKey,
    /// Which.
    pub step: Option<StepPath>,
    /// How grave.
    pub level: AnnotationLevel,
    /// What.
    pub message: Masked,
    /// In which file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Masked>,
    /// From which line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// To which line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// From which column, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub col: Option<u32>,
    /// To which column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_col: Option<u32>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Masked>,
}

/// `step-summary`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepSummary {
    /// Whose.
    pub job: JobKey,
    /// Which.
    pub step: StepPath,
    /// Markdown.
    pub text: Masked,
}

/// `declared`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    /// Whose; none where it is true of the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobKey>,
    /// Which.
    pub step: Option<StepPath>,
    /// How it was done.
    pub how: How,
    /// What: `docker build`, `python 3.11`.
    pub subject: Masked,
    /// The difference, in a sentence.
    pub detail: Masked,
}

/// `step-finished`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepFinished {
    /// Whose.
    pub job: JobKey,
    /// Which.
    pub step: StepPath,
    /// Its `id:`, if it has one.
    pub id: Option<String>,
    /// What people call it.
    pub name: Masked,
    /// Which part of it.
    pub phase: Phase,
    /// How it ended.
    pub outcome: Outcome,
    /// How it counts, after `continue-on-error`.
    pub conclusion: Outcome,
    /// The process's exit code, where there was a process.
    pub exit_code: Option<i32>,
    /// How long it took.
    pub duration_ms: u64,
    /// Its outputs.
    pub outputs: IndexMap<String, Masked>,
    /// The least faithful way in which a part of it was done.
    pub how: How,
}

/// `job-finished`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobFinished {
    /// Which.
    pub job: JobKey,
    /// Its key below `jobs:`.
    pub id: String,
    /// What people call it.
    pub name: Masked,
    /// How it ended.
    pub result: Outcome,
    /// Its outputs.
    pub outputs: IndexMap<String, Masked>,
    /// How long it took.
    pub duration_ms: u64,
    /// `continue-on-error`: whether a failure is forgiven by the run and by the jobs that need it.
    #[serde(default)]
    pub forgiven: bool,
}

/// `service-called`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceCalled {
    /// `cache`, `ecr`, `ecs`, `sts` …
    pub service: String,
    /// The operation, in the service's own words.
    pub operation: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// For AWS: the action a policy would have to allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam_action: Option<String>,
    /// For AWS: whether it was allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<bool>,
    /// For AWS: the resource of `iam_action`, an ARN or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Masked>,
    /// For AWS: what it answers where the policies do not allow the action; with `allowed` they were only asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denial: Option<Masked>,
    /// For a look into the cache: whether there was an entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hit: Option<bool>,
    /// The job that called, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobKey>,
    /// For AWS: the step that called, where only one was under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepPath>,
    /// For GitHub's API: what the call would have done there, such as `create release v1.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<Masked>,
}

/// `artifact-kept`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArtifactKept {
    /// The job that made it.
    pub job: JobKey,
    /// Its number.
    pub id: String,
    /// Its name, unique in the run.
    pub name: Masked,
    /// Bytes of what was uploaded, most often an archive.
    pub size: u64,
    /// Of the same: `sha256:` and hexadecimal digits.
    pub digest: String,
}

/// `artifact-removed`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArtifactRemoved {
    /// The job that removed it.
    pub job: JobKey,
    /// Its number.
    pub id: String,
}

/// `fault`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// In which job, if in one.
    pub job: Option<JobKey>,
    /// What failed, and its causes.
    pub message: Masked,
    /// The way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// `run-finished`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFinished {
    /// How it ended.
    pub conclusion: Conclusion,
    /// How each job ended.
    pub jobs: IndexMap<JobKey, Outcome>,
    /// How long it took.
    pub duration_ms: u64,
}
