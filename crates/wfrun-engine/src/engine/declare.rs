use wfrun_journal::{Annotation, AnnotationLevel, Declared, How, RunEventKind};
use wfrun_plan::{JobKey, StepPath};

use super::Engine;
use crate::state::JobState;

/// Source: GitHub: execution rules E1.9: at most so many annotations of a level are kept for a step.
const ANNOTATION_LIMIT: u32 = 10;

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

    pub(super) fn annotation(&self, job: &JobKey, level: AnnotationLevel, message: &str) -> Annotation {
        let current = self.jobs.get(job).and_then(JobState::current);
        Annotation {
            job: job.clone(),
            step: current.map(|it| it.stage.path.clone()),
            level,
            message: self.masker.mask(message),
            file: None,
            line: None,
            end_line: None,
            col: None,
            end_col: None,
            title: None,
        }
    }

    pub(super) fn emit_annotation(&mut self, job: &JobKey, annotation: Annotation) {
        if let Some(current) = self.jobs.get_mut(job).and_then(JobState::current_mut) {
            let count = match annotation.level {
                AnnotationLevel::Notice => &mut current.annotations[0],
                AnnotationLevel::Warning => &mut current.annotations[1],
                AnnotationLevel::Error => &mut current.annotations[2],
            };
            *count += 1;
            if *count > ANNOTATION_LIMIT {
                return;
            }
        }
        self.emit(RunEventKind::Annotation(annotation));
    }
}
