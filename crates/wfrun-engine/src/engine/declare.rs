use wfrun_journal::{Annotation, AnnotationLevel, Declared, How, RunEventKind, Stream};
use wfrun_plan::{JobKey, StepPath};

use super::Engine;
use super::issues::marker;
use super::lines::Origin;
use crate::state::JobState;
use crate::strand::Work;

/// Source: GitHub: execution rules E1.9: at most so many annotations of a level are kept for a step.
const ANNOTATION_LIMIT: u32 = 10;
/// Source: GitHub: actions/runner `ExecutionContext.cs`, `_maxIssueMessageLength`.
const MESSAGE_LIMIT: usize = 4096;

impl Engine {
    pub(super) fn declare(&mut self, job: &JobKey, step: Option<&StepPath>, how: How, subject: &str, detail: &str) {
        let (subject, detail) = (self.masker.mask(subject), self.masker.mask(detail));
        let declared = Declared { job: Some(job.clone()), step: step.cloned(), how, subject, detail };
        self.emit(RunEventKind::Declared(declared));
        // A step is as faithful as its least faithful part.
        if let Some(current) = self.jobs.get_mut(job).and_then(JobState::current_mut) {
            current.how = current.how.max(how);
        }
    }

    /// Points something out about a job, or about its current step.
    pub(super) fn annotate(&mut self, job: &JobKey, level: AnnotationLevel, message: &str) {
        let annotation = self.annotation(job, level, message);
        self.emit_annotation(job, annotation);
    }

    /// Points something out at the step that is under way. Where it may be one of several, it is a notice of the run.
    pub(super) fn remark(&mut self, level: AnnotationLevel, message: &str) {
        let Some((job, process, _)) = self.only_step() else { return self.graver_notice(level, message) };
        if let Some(state) = self.jobs.get_mut(&job) {
            state.turn_to(process);
        }
        self.annotate(&job, level, message);
    }

    /// The step that is under way with its process, where there is no other.
    pub(super) fn only_step(&self) -> Option<(JobKey, u64, StepPath)> {
        let mut running = self.jobs.iter().flat_map(|(key, state)| {
            let innermost = state.strands.iter().filter_map(|it| it.stack.last());
            innermost.filter(|it| it.work == Work::Process).map(move |it| (key, it))
        });
        let (key, current) = running.next()?;
        running.next().is_none().then(|| (key.clone(), current.serial, current.stage.path.clone()))
    }

    pub(super) fn annotation(&self, job: &JobKey, level: AnnotationLevel, message: &str) -> Annotation {
        let current = self.jobs.get(job).and_then(JobState::current);
        Annotation {
            job: job.clone(),
            step: current.map(|it| it.stage.path.clone()),
            level,
            message: self.masker.mask(message).cut(MESSAGE_LIMIT),
            file: None,
            line: None,
            end_line: None,
            col: None,
            end_col: None,
            title: None,
        }
    }

    /// One more than are kept is only a line of the log.
    pub(super) fn emit_annotation(&mut self, job: &JobKey, annotation: Annotation) {
        let (marker, message) = (marker(annotation.level), annotation.message.clone());
        if self.count_annotation(job, annotation) {
            return;
        }
        let process = self.jobs.get(job).and_then(JobState::current).map(|it| it.serial);
        let Some((process, (step, phase))) = process.zip(self.current_step(job)) else { return };
        let from = Origin { job: job.clone(), process, stream: Stream::Stdout, step, phase };
        for (at, line) in message.lines().enumerate() {
            self.emit_lines(&from, if at == 0 { line.behind(marker) } else { line });
        }
    }

    /// Whether it is kept.
    pub(super) fn count_annotation(&mut self, job: &JobKey, annotation: Annotation) -> bool {
        if let Some(current) = self.jobs.get_mut(job).and_then(JobState::current_mut) {
            let count = match annotation.level {
                AnnotationLevel::Notice => &mut current.annotations[0],
                AnnotationLevel::Warning => &mut current.annotations[1],
                AnnotationLevel::Error => &mut current.annotations[2],
            };
            *count += 1;
            if *count > ANNOTATION_LIMIT {
                return false;
            }
        }
        self.emit(RunEventKind::Annotation(annotation));
        true
    }
}
