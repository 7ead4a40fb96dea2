//! Entries of a job's log that no step of its workflow makes: the images of container actions, containers and their end.
//!
//! Source: GitHub: execution rules E1.1.
use indexmap::IndexMap;
use wfrun_journal::{
    Annotation, AnnotationLevel, How, JobStarted, Outcome, Phase, RunEventKind, StepFinished, StepKindName, StepStarted,
};
use wfrun_plan::{JobKey, StepPath};
use wfrun_workflow::Field;

use super::Engine;
use super::containers::ContainersState;
use super::job::matrix_json;
use crate::Entry;
use crate::state::Progress;

/// An entry that has begun and not ended.
#[derive(Debug)]
pub(crate) struct OpenEntry {
    name: String,
    path: StepPath,
    since_ms: u64,
}

impl Engine {
    /// Something is done before the steps of a job; the first of it begins the job's log.
    pub(super) fn entry_begins(&mut self, key: &JobKey, entry: Entry, image: Option<String>, workspace: &str) {
        if self.jobs.get(key).is_none_or(|it| it.progress != Progress::Opening || it.entry.is_some()) {
            return;
        }
        self.tell_job_begins(key, image, workspace);
        let Some(state) = self.jobs.get_mut(key) else { return };
        let (name, path) = match entry {
            Entry::Image { name } => {
                state.images += 1;
                (name, StepPath::before().child(state.images - 1))
            }
            Entry::Containers => {
                state.containers = ContainersState::Starting;
                ("Initialize containers".to_owned(), StepPath::before())
            }
        };
        self.begin_entry(key, name, path);
    }

    /// What was done, in lines.
    pub(super) fn entry_lines(&mut self, key: &JobKey, lines: &[String]) {
        let Some(entry) = self.jobs.get(key).and_then(|it| it.entry.as_ref()) else { return };
        let path = entry.path.clone();
        for line in lines {
            let text = self.masker.mask(line);
            self.say_of_step(key, &path, Phase::Main, text);
        }
    }

    /// An entry before the steps has ended, with what went wrong; a failure counts as that of a step does.
    pub(super) fn entry_ended(&mut self, key: &JobKey, errors: &[String]) {
        let outcome = match self.jobs.get(key).map(|it| it.status) {
            Some(Outcome::Cancelled) => Outcome::Cancelled,
            Some(_) | None if errors.is_empty() => Outcome::Success,
            Some(_) | None => Outcome::Failure,
        };
        if self.end_entry(key, AnnotationLevel::Error, errors, outcome)
            && let Some(state) = self.jobs.get_mut(key)
        {
            state.merge(outcome);
        }
    }

    /// The job's log begins, once.
    pub(super) fn tell_job_begins(&mut self, key: &JobKey, image: Option<String>, workspace: &str) {
        let Some(state) = self.jobs.get_mut(key) else { return };
        if std::mem::replace(&mut state.is_told, true) {
            return;
        }
        let started = JobStarted {
            job: key.clone(),
            id: state.place.id.to_string(),
            name: self.masker.mask(&state.name),
            matrix: matrix_json(&state.matrix, &self.masker),
            backend: self.settings.backend.clone(),
            image,
            workspace: workspace.to_owned(),
        };
        self.emit(RunEventKind::JobStarted(started));
    }

    pub(super) fn begin_entry(&mut self, key: &JobKey, name: String, path: StepPath) {
        let line = self.model(key).map_or(0, |it| {
            let place = it.container.as_ref().map(|it| it.span);
            let place = place.or_else(|| it.services.list.first().map(|it| it.id.span));
            let place = place.or_else(|| it.services.whole.as_ref().map(Field::span));
            place.unwrap_or(it.id.span).start
        });
        let started = StepStarted {
            job: key.clone(),
            step: path.clone(),
            id: None,
            name: self.masker.mask(&name),
            kind: StepKindName::Docker,
            phase: Phase::Main,
            how: How::Real,
            line: self.jobs.get(key).map_or(0, |it| self.line_of(it.place.frame, line)),
            header: Vec::new(),
        };
        self.emit(RunEventKind::StepStarted(started));
        let since_ms = self.now_ms;
        if let Some(state) = self.jobs.get_mut(key) {
            state.entry = Some(OpenEntry { name, path, since_ms });
        }
    }

    /// Ends the entry that is open; tells whether one was.
    pub(super) fn end_entry(
        &mut self,
        key: &JobKey,
        level: AnnotationLevel,
        messages: &[String],
        outcome: Outcome,
    ) -> bool {
        let Some(entry) = self.jobs.get_mut(key).and_then(|it| it.entry.take()) else { return false };
        for message in messages {
            let annotation = self.annotation(key, level, message);
            let step = Some(entry.path.clone());
            self.emit(RunEventKind::Annotation(Annotation { step, ..annotation }));
        }
        let finished = StepFinished {
            job: key.clone(),
            step: entry.path,
            id: None,
            name: self.masker.mask(&entry.name),
            phase: Phase::Main,
            outcome,
            conclusion: outcome,
            exit_code: None,
            duration_ms: self.now_ms.saturating_sub(entry.since_ms),
            outputs: IndexMap::new(),
            how: How::Real,
        };
        self.emit(RunEventKind::StepFinished(finished));
        true
    }
}
