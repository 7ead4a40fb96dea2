//! The fold of a run's events: what a view can show.
use indexmap::IndexMap;
use wfrun_plan::{JobKey, StepPath};

use crate::{
    Annotation, AnnotationLevel, Conclusion, How, JobHeader, Masked, Notice, Outcome, Phase, RunEvent, RunEventKind,
    RunStarted, ServiceCalled, SkipReason,
};

/// What happened so far. Changes only by [`RunRecord::apply`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunRecord {
    /// The first event.
    pub started: Option<RunStarted>,
    /// The jobs, in file order; legs stand in the place of their job, called jobs behind the job that calls them.
    pub jobs: IndexMap<JobKey, JobRun>,
    /// The legs of each job with a matrix, by its key without one.
    pub legs: IndexMap<JobKey, Vec<JobKey>>,
    /// What was not done as GitHub would have done it, each thing once.
    pub declared: Vec<DeclaredThing>,
    /// The artifacts that the run has, by their numbers, in the order in which they were made.
    pub artifacts: IndexMap<String, KeptArtifact>,
    /// Warnings and errors, in order.
    pub annotations: Vec<Annotation>,
    /// Notices that are more than news, in order.
    pub notices: Vec<Notice>,
    /// What became of the cache.
    pub cache: CacheUse,
    /// Which step first asked AWS for each permission, as far as that is known, in order.
    pub first_asked: Vec<FirstAsked>,
    /// How many times wfrun itself failed at something.
    pub faults: usize,
    /// How the run ended, once it has.
    pub conclusion: Option<Conclusion>,
    /// How long it took, once it has ended.
    pub duration_ms: u64,
}

/// What a run's jobs found in the cache, and left there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheUse {
    /// Looks that found an entry, by its key or by the beginning of one.
    pub hits: usize,
    /// Looks that found nothing.
    pub misses: usize,
    /// Entries that were saved.
    pub saved: usize,
}

/// The step that first asked AWS for a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstAsked {
    /// As `ecs:UpdateService`.
    pub action: String,
    /// An ARN or `*`.
    pub resource: Masked,
    /// Of which job.
    pub job: JobKey,
    /// Which.
    pub step: StepPath,
}

impl FirstAsked {
    /// Whether it is about a permission; what is masked fits any text.
    pub fn is_of(&self, action: &str, resource: &str) -> bool {
        self.action == action && fits(self.resource.as_str(), resource)
    }
}

/// Whether a masked text can be that of `text`.
fn fits(masked: &str, text: &str) -> bool {
    let Some((begin, rest)) = masked.split_once("***") else { return masked == text };
    let Some(after) = text.strip_prefix(begin) else { return false };
    let mut ends = after.char_indices().map(|(at, _)| at).chain([after.len()]);
    ends.any(|at| fits(rest, &after[at..]))
}

impl CacheUse {
    fn apply(&mut self, call: &ServiceCalled) {
        if call.service != "cache" {
            return;
        }
        self.hits += usize::from(call.hit == Some(true));
        self.misses += usize::from(call.hit == Some(false));
        let ends_a_save = ["FinalizeCacheEntryUpload", "CommitCache"].contains(&call.operation.as_str());
        self.saved += usize::from(ends_a_save && (200..300).contains(&call.status));
    }
}

/// An artifact that a run has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptArtifact {
    /// Its name.
    pub name: Masked,
    /// Bytes of what was uploaded.
    pub size: u64,
}

/// One thing that was not done as GitHub would have done it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredThing {
    /// In which job; none where it is true of the whole run.
    pub job: Option<JobKey>,
    /// How it was done.
    pub how: How,
    /// What.
    pub subject: Masked,
    /// The difference.
    pub detail: Masked,
}

/// One job of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobRun {
    /// Its key below `jobs:`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The jobs it waits for, by their keys without a matrix.
    pub needs: Vec<JobKey>,
    /// The workflow it calls, once it does.
    pub calls: Option<String>,
    /// When it began.
    pub started_at_ms: Option<u64>,
    /// When it ended.
    pub finished_at_ms: Option<u64>,
    /// How its workspace was made.
    pub workspace: String,
    /// Why it did not run.
    pub skipped: Option<SkipReason>,
    /// How it ended, once it has.
    pub result: Option<Outcome>,
    /// Whether a failure is forgiven (`continue-on-error`).
    pub forgiven: bool,
    /// Its outputs.
    pub outputs: IndexMap<String, Masked>,
    /// Its steps, in order of their start.
    pub steps: IndexMap<StepKey, StepRun>,
    /// How long it took.
    pub duration_ms: u64,
}

/// A part of a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepKey {
    /// Which part.
    pub phase: Phase,
    /// Of which step.
    pub step: StepPath,
}

/// One part of a step of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRun {
    /// Its `id:`.
    pub id: Option<String>,
    /// What people call it.
    pub name: Masked,
    /// When it began.
    pub started_at_ms: u64,
    /// Why it did not run.
    pub skipped: Option<SkipReason>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// How it counts.
    pub conclusion: Option<Outcome>,
    /// The process's exit code.
    pub exit_code: Option<i32>,
    /// How long it took.
    pub duration_ms: u64,
    /// How faithfully it was done.
    pub how: How,
    /// How many lines it wrote.
    pub lines: u64,
    /// The last line it wrote.
    pub last_line: Option<Masked>,
}

impl RunRecord {
    /// Folds one event in.
    pub fn apply(&mut self, event: &RunEvent) {
        match &event.kind {
            RunEventKind::RunStarted(it) => self.start(it),
            RunEventKind::MatrixExpanded(it) => {
                let place = self.jobs.shift_remove_full(&it.job).map(|(index, _, _)| index);
                self.put_jobs(place.unwrap_or(self.jobs.len()), &it.legs);
                self.legs.insert(it.job.clone(), it.legs.iter().map(|it| it.key.clone()).collect());
            }
            RunEventKind::WorkflowCalled(it) => {
                let job = self.jobs.entry(it.job.clone()).or_default();
                job.id.clone_from(&it.id);
                job.name = it.name.to_string();
                job.calls = Some(it.workflow.clone());
                job.started_at_ms = Some(event.at_ms);
                let place = self.jobs.get_index_of(&it.job).map_or(self.jobs.len(), |it| it + 1);
                self.put_jobs(place, &it.jobs);
            }
            RunEventKind::JobStarted(it) => {
                let job = self.jobs.entry(it.job.clone()).or_default();
                job.id.clone_from(&it.id);
                job.name = it.name.to_string();
                job.started_at_ms = Some(event.at_ms);
                job.workspace.clone_from(&it.workspace);
            }
            RunEventKind::JobSkipped(it) => {
                let job = self.jobs.entry(it.job.clone()).or_default();
                job.id.clone_from(&it.id);
                job.skipped = Some(it.reason.clone());
                job.result = Some(it.result);
            }
            RunEventKind::StepStarted(it) => {
                let step = StepRun::new(it.id.clone(), it.name.clone(), event.at_ms, it.how);
                self.put_step(&it.job, it.phase, &it.step, step);
            }
            RunEventKind::StepSkipped(it) => {
                let mut step = StepRun::new(it.id.clone(), it.name.clone(), event.at_ms, How::Real);
                step.skipped = Some(it.reason.clone());
                step.outcome = Some(Outcome::Skipped);
                step.conclusion = Some(Outcome::Skipped);
                self.put_step(&it.job, it.phase, &it.step, step);
            }
            RunEventKind::Lines(it) => {
                if let Some(step) = self.step_mut(&it.job, it.phase, &it.step) {
                    step.lines += it.count();
                    step.last_line.get_or_insert_with(Masked::empty).set(it.last());
                }
            }
            RunEventKind::Annotation(it) => {
                if it.level != AnnotationLevel::Notice {
                    self.annotations.push(it.clone());
                }
            }
            RunEventKind::Declared(it) => {
                let thing = DeclaredThing {
                    job: it.job.clone(),
                    how: it.how,
                    subject: it.subject.clone(),
                    detail: it.detail.clone(),
                };
                if !self.declared.contains(&thing) {
                    self.declared.push(thing);
                }
            }
            RunEventKind::StepFinished(it) => {
                if let Some(step) = self.step_mut(&it.job, it.phase, &it.step) {
                    step.outcome = Some(it.outcome);
                    step.conclusion = Some(it.conclusion);
                    step.exit_code = it.exit_code;
                    step.duration_ms = it.duration_ms;
                    step.how = it.how;
                }
            }
            RunEventKind::JobFinished(it) => {
                let job = self.jobs.entry(it.job.clone()).or_default();
                job.finished_at_ms = Some(event.at_ms);
                job.result = Some(it.result);
                job.forgiven = it.forgiven;
                job.outputs.clone_from(&it.outputs);
                job.duration_ms = it.duration_ms;
            }
            RunEventKind::ArtifactKept(it) => {
                self.artifacts.insert(it.id.clone(), KeptArtifact { name: it.name.clone(), size: it.size });
            }
            RunEventKind::ArtifactRemoved(it) => {
                self.artifacts.shift_remove(&it.id);
            }
            RunEventKind::Fault(_) => self.faults += 1,
            RunEventKind::RunFinished(it) => {
                self.conclusion = Some(it.conclusion);
                self.duration_ms = it.duration_ms;
            }
            RunEventKind::ServiceCalled(it) => {
                self.cache.apply(it);
                self.first_asked(it);
            }
            RunEventKind::Notice(it) => {
                if it.level.is_some() {
                    self.notices.push(it.clone());
                }
            }
            RunEventKind::StepSummary(_) => {}
        }
    }

    /// How `job` ended, as the jobs that need it see it: a forgiven failure is a success, and the legs of a matrix
    /// count as one job. Nothing until all of it has ended.
    pub fn result_for_dependents(&self, job: &JobKey) -> Option<Outcome> {
        let Some(legs) = self.legs.get(job) else { return self.jobs.get(job)?.result_for_dependents() };
        let results: Option<Vec<Outcome>> = legs.iter().map(|it| self.jobs.get(it)?.result_for_dependents()).collect();
        Some(Outcome::together(results?))
    }

    /// The jobs that a key stands for: itself, or the legs of its matrix.
    pub fn legs_of<'a>(&'a self, job: &'a JobKey) -> &'a [JobKey] {
        self.legs.get(job).map_or(std::slice::from_ref(job), Vec::as_slice)
    }

    fn first_asked(&mut self, call: &ServiceCalled) {
        let ServiceCalled {
            iam_action: Some(action), resource: Some(resource), job: Some(job), step: Some(step), ..
        } = call
        else {
            return;
        };
        if !self.first_asked.iter().any(|it| it.action == *action && it.resource == *resource) {
            let (action, resource) = (action.clone(), resource.clone());
            self.first_asked.push(FirstAsked { action, resource, job: job.clone(), step: step.clone() });
        }
    }

    fn start(&mut self, started: &RunStarted) {
        self.put_jobs(0, &started.jobs);
        self.started = Some(started.clone());
    }

    fn put_jobs(&mut self, place: usize, headers: &[JobHeader]) {
        for (index, header) in headers.iter().enumerate() {
            let job = JobRun {
                id: header.id.clone(),
                name: header.name.to_string(),
                needs: header.needs.clone(),
                ..JobRun::default()
            };
            let place = (place + index).min(self.jobs.len());
            // A job that is there already keeps its place.
            if let Some(known) = self.jobs.get_mut(&header.key) {
                *known = job;
            } else {
                self.jobs.shift_insert(place, header.key.clone(), job);
            }
        }
    }

    fn put_step(&mut self, job: &JobKey, phase: Phase, path: &StepPath, step: StepRun) {
        let key = StepKey { phase, step: path.clone() };
        self.jobs.entry(job.clone()).or_default().steps.insert(key, step);
    }

    fn step_mut(&mut self, job: &JobKey, phase: Phase, path: &StepPath) -> Option<&mut StepRun> {
        let job = self.jobs.get_mut(job)?;
        let is_it = |key: &StepKey| key.phase == phase && key.step == *path;
        // Most often it is the one that began last, and this is asked for each line.
        if job.steps.last().is_some_and(|(key, _)| is_it(key)) {
            return job.steps.last_mut().map(|(_, step)| step);
        }
        let key = StepKey { phase, step: path.clone() };
        job.steps.get_mut(&key)
    }
}

impl JobRun {
    /// How it ended, as the jobs that need it see it.
    fn result_for_dependents(&self) -> Option<Outcome> {
        match self.result {
            Some(Outcome::Failure) if self.forgiven => Some(Outcome::Success),
            other => other,
        }
    }

    /// The name of the first step that failed and was not forgiven.
    pub fn first_failure(&self) -> Option<&Masked> {
        self.first_failure_in(None)
    }

    /// The same of the steps of a composite action; none stands for those of the job.
    pub fn first_failure_in(&self, composite: Option<&StepPath>) -> Option<&Masked> {
        let mut steps = self.steps.iter().filter(|(key, _)| key.step.parent().as_ref() == composite);
        steps.find(|(_, it)| it.conclusion == Some(Outcome::Failure)).map(|(_, it)| &it.name)
    }
}

impl StepRun {
    fn new(id: Option<String>, name: Masked, started_at_ms: u64, how: How) -> Self {
        Self {
            id,
            name,
            started_at_ms,
            skipped: None,
            outcome: None,
            conclusion: None,
            exit_code: None,
            duration_ms: 0,
            how,
            lines: 0,
            last_line: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn what_is_masked_fits_any_text() {
        let arn = "arn:aws:ecs:us-east-1:123456789012:service/c/s";
        for (masked, expected) in [
            (arn, true),
            ("arn:aws:ecs:us-east-1:***:service/c/s", true),
            ("***", true),
            ("***:service/c/***", true),
            ("arn:aws:ecs:us-east-1:***:service/c/x", false),
            ("arn:aws:ecs", false),
            ("*", false),
        ] {
            assert_eq!(fits(masked, arn), expected, "{masked}");
        }
    }
}
