//! What people call the jobs and steps of a workflow: in test files, and in options.
use std::sync::Arc;

use wfrun_plan::JobKey;
use wfrun_syntax::closest;
use wfrun_workflow::{FileRef, Job, Step, Workflow, WorkflowSet};

/// As deep as GitHub lets workflows call each other.
const LEVELS: usize = 10;

/// The jobs of a workflow and of all that it calls.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    /// By key: the job, and the workflow that it calls if that is at hand.
    jobs: Vec<(String, &'a Job, Option<&'a Workflow>)>,
}

/// A job: all its legs, or one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct JobPlace {
    /// What it is called without any matrix: `test`, `caller / callee`.
    pub(crate) path: String,
    /// As it is written, if that names a leg: `test (20)`, `caller (a) / callee`.
    pub(crate) leg: Option<String>,
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StepPlace {
    /// Of which job.
    pub(crate) job: JobPlace,
    /// Its position, from 0.
    pub(crate) index: usize,
}

/// Why a name means nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// There is no such job; these there are.
    Job(String, Vec<String>),
    /// The job is there, and the step is not; these there are.
    Step(String, String, Vec<String>),
}

impl JobPlace {
    /// What forces it are told by: a leg, or all.
    pub(crate) fn key(&self) -> JobKey {
        JobKey::new(self.leg.as_deref().unwrap_or(&self.path))
    }
}

impl std::fmt::Display for JobPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.leg.as_deref().unwrap_or(&self.path))
    }
}

impl<'a> Names<'a> {
    pub(crate) fn of(set: &'a WorkflowSet) -> Self {
        let mut names = Self { jobs: Vec::new() };
        let file = FileRef { repository: None, path: set.root.source.path().to_owned() };
        names.add(set, &set.root, &file, "", LEVELS);
        names
    }

    fn add(&mut self, set: &'a WorkflowSet, workflow: &'a Arc<Workflow>, file: &FileRef, prefix: &str, levels: usize) {
        for (id, job) in &workflow.jobs {
            let key = format!("{prefix}{id}");
            let called = job.call.as_ref().map(|it| file.resolve(&it.target.value));
            let callee = called.as_ref().and_then(|it| set.called.get(it));
            self.jobs.push((key.clone(), job, callee.map(|it| &**it)));
            let (Some(file), Some(callee)) = (called, callee) else { continue };
            if levels > 0 {
                self.add(set, callee, &file, &format!("{key} / "), levels - 1);
            }
        }
    }

    /// The job, or the leg of it, that a text means.
    pub(crate) fn place(&self, text: &str) -> Result<JobPlace, Unknown> {
        Ok(JobPlace { path: self.job(text)?, leg: text.contains(" (").then(|| text.to_owned()) })
    }

    /// The job of a key.
    pub(crate) fn model(&self, key: &str) -> Option<&'a Job> {
        self.jobs.iter().find(|(it, ..)| it.eq_ignore_ascii_case(key)).map(|(_, job, _)| *job)
    }

    /// The names of what a job puts out, or the workflow that it calls; none where the file does not tell.
    pub(crate) fn outputs(&self, key: &str) -> Option<Vec<&'a str>> {
        let (_, job, callee) = self.jobs.iter().find(|(it, ..)| it.eq_ignore_ascii_case(key))?;
        let outputs = match (&job.call, callee) {
            (None, _) => &job.outputs,
            (Some(_), Some(callee)) => &callee.on.event("workflow_call")?.outputs,
            (Some(_), None) => return None,
        };
        outputs.computed().is_none().then(|| outputs.iter().map(|(name, _)| name).collect())
    }

    /// The key of a job; a leg of a matrix, `test (20)`, is its job.
    pub(crate) fn job(&self, text: &str) -> Result<String, Unknown> {
        let plain = JobKey::without_legs(text);
        let found = self.jobs.iter().find(|(it, ..)| it.eq_ignore_ascii_case(&plain));
        let all = || self.jobs.iter().map(|(it, ..)| it.clone()).collect();
        found.map(|(key, ..)| key.clone()).ok_or_else(|| Unknown::Job(text.to_owned(), all()))
    }

    /// The step of `job.step`: by its id, its name, or its number.
    pub(crate) fn step(&self, text: &str) -> Result<StepPlace, Unknown> {
        for (at, _) in text.match_indices('.') {
            let (job, step) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
            if let Ok(job) = self.place(job) {
                let model = self.model(&job.path).map(|it| it.steps.as_slice()).unwrap_or_default();
                return match position(model, step) {
                    Some(index) => Ok(StepPlace { job, index }),
                    None => Err(Unknown::Step(job.path, step.to_owned(), model.iter().map(written).collect())),
                };
            }
        }
        let job = text.split_once('.').map_or(text, |(job, _)| job);
        match self.job(job) {
            Ok(job) => Err(Unknown::Step(job, String::new(), Vec::new())),
            Err(unknown) => Err(unknown),
        }
    }
}

impl Unknown {
    /// What is wrong, in a sentence.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Job(name, _) => format!("the workflow has no job `{name}`"),
            Self::Step(job, name, _) if name.is_empty() => format!("`{job}` names a job, and a step is wanted"),
            Self::Step(job, name, _) => format!("job `{job}` has no step `{name}`"),
        }
    }

    /// What to write.
    pub(crate) fn help(&self) -> String {
        let (name, all) = match self {
            Self::Job(name, all) | Self::Step(_, name, all) => (name, all),
        };
        match closest(name, all.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if matches!(self, Self::Step(..)) && (all.is_empty() || name.is_empty()) => {
                "write `job.step`, with the step's id, name or number".to_owned()
            }
            None => {
                let all: Vec<String> = all.iter().map(|it| format!("`{it}`")).collect();
                format!("there are: {}", all.join(", "))
            }
        }
    }
}

fn position(steps: &[Step], text: &str) -> Option<usize> {
    let by_id = || steps.iter().position(|it| it.has_id && it.id.is(text));
    let by_name = || steps.iter().position(|it| it.written_name() == text);
    let by_number = || text.parse::<usize>().ok()?.checked_sub(1).filter(|it| *it < steps.len());
    by_id().or_else(by_name).or_else(by_number)
}

/// The shortest way to write a step.
fn written(step: &Step) -> String {
    if step.has_id { step.id.to_string() } else { step.written_name() }
}
