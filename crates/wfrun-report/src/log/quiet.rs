use std::collections::VecDeque;

use indexmap::IndexMap;
use wfrun_journal::{AnnotationLevel, Outcome, RunEvent, RunEventKind, StepKey};
use wfrun_plan::JobKey;

use crate::text::count;

/// Of a failed step so many lines are shown.
const LAST_LINES: usize = 20;

/// Keeps back what only matters if the step fails.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    steps: IndexMap<(JobKey, StepKey), Held>,
}

#[derive(Debug, Default)]
struct Held {
    heading: Option<String>,
    last: VecDeque<String>,
    forgotten: usize,
}

impl Quiet {
    /// Takes the `lines` that `event` has to say, and appends to `out` what is to be shown now.
    pub(super) fn sift(&mut self, event: &RunEvent, lines: Vec<String>, out: &mut Vec<String>) {
        match &event.kind {
            RunEventKind::StepStarted(it) => {
                let key = (it.job.clone(), StepKey { phase: it.phase, step: it.step.clone() });
                self.steps.insert(key, Held { heading: lines.into_iter().next(), ..Held::default() });
            }
            RunEventKind::Lines(it) => {
                let key = (it.job.clone(), StepKey { phase: it.phase, step: it.step.clone() });
                self.steps.entry(key).or_default().keep(&lines);
            }
            RunEventKind::StepFinished(it) => {
                let key = (it.job.clone(), StepKey { phase: it.phase, step: it.step.clone() });
                let held = self.steps.swap_remove(&key).unwrap_or_default();
                if it.conclusion == Outcome::Failure {
                    held.show(out);
                    out.extend(lines);
                }
            }
            RunEventKind::JobSkipped(it) if it.result == Outcome::Failure => out.extend(lines),
            RunEventKind::Annotation(it) if it.level == AnnotationLevel::Error => out.extend(lines),
            RunEventKind::Notice(it) if it.level == Some(AnnotationLevel::Error) => out.extend(lines),
            RunEventKind::Fault(_) => out.extend(lines),
            RunEventKind::RunStarted(_)
            | RunEventKind::Notice(_)
            | RunEventKind::MatrixExpanded(_)
            | RunEventKind::WorkflowCalled(_)
            | RunEventKind::JobStarted(_)
            | RunEventKind::JobSkipped(_)
            | RunEventKind::StepSkipped(_)
            | RunEventKind::Annotation(_)
            | RunEventKind::StepSummary(_)
            | RunEventKind::Declared(_)
            | RunEventKind::JobFinished(_)
            | RunEventKind::ServiceCalled(_)
            | RunEventKind::ArtifactKept(_)
            | RunEventKind::ArtifactRemoved(_)
            | RunEventKind::RunFinished(_) => {}
        }
    }
}

impl Held {
    fn keep(&mut self, blocks: &[String]) {
        for line in blocks.iter().flat_map(|it| it.split('\n')) {
            if self.last.len() == LAST_LINES {
                self.last.pop_front();
                self.forgotten += 1;
            }
            self.last.push_back(line.to_owned());
        }
    }

    fn show(self, out: &mut Vec<String>) {
        out.extend(self.heading);
        if self.forgotten > 0 {
            out.push(format!("  ({} before)", count(self.forgotten, "line", "lines")));
        }
        out.extend(self.last);
    }
}
