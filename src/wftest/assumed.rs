//! What a case does not say is taken to go well: values that only a run can tell are not asked for.
use std::sync::Arc;

use wfrun_expr::{Piece, pieces};
use wfrun_journal::{AnnotationLevel, Outcome};
use wfrun_plan::{JobKey, JobOutlook};
use wfrun_workflow::{Defaults, EnvMap, Field, Job, MapPart, Step, StepKind, Workflow, WorkflowSet};

use super::playable::computed;
use super::undecided::Open;

/// The workflows without the expressions that may have failed only for want of what the case does not say; none, where
/// there is no such in a job that failed.
///
/// What decides whether a job or step runs is not among them: it is open, and said to be so.
pub(super) fn assumed(open: &Open<'_>, set: &WorkflowSet, playable: &WorkflowSet) -> Option<WorkflowSet> {
    let mut new = playable.clone();
    let mut is_changed = false;
    let record = &open.played.record;
    // What is forced to fail says nothing.
    let says_why =
        |leg: &JobKey| record.annotations.iter().any(|it| it.job == *leg && it.level == AnnotationLevel::Error);
    let failed = |job: &&JobOutlook| {
        let mut legs = record.legs_of(&job.key).iter().filter_map(|it| Some((it, record.jobs.get(it)?)));
        legs.any(|(key, it)| it.result == Some(Outcome::Failure) && it.skipped.is_none() && says_why(key))
    };
    for job in open.outlook.jobs.iter().filter(failed) {
        let Some(workflow) = slot(&job.workflow, set, &mut new) else { continue };
        let is_open = |text: &str| open.is_text_open(job, text);
        let blank = Blank { is_open: &is_open };
        let mut workflow_now = Workflow::clone(workflow);
        if blank.workflow(&mut workflow_now, job) {
            *workflow = Arc::new(workflow_now);
            is_changed = true;
        }
    }
    is_changed.then_some(new)
}

/// Where the playable form of a workflow is.
fn slot<'n>(workflow: &Arc<Workflow>, set: &WorkflowSet, new: &'n mut WorkflowSet) -> Option<&'n mut Arc<Workflow>> {
    if Arc::ptr_eq(workflow, &set.root) {
        return Some(&mut new.root);
    }
    let (file, _) = set.called.iter().find(|(_, it)| Arc::ptr_eq(workflow, it))?;
    new.called.get_mut(file)
}

/// Takes open expressions out of values.
struct Blank<'a> {
    is_open: &'a dyn Fn(&str) -> bool,
}

impl Blank<'_> {
    /// The values of a job, and those of its workflow that it sees; tells whether one was changed.
    fn workflow(&self, workflow: &mut Workflow, job: &JobOutlook) -> bool {
        let mut is_changed = self.map(&mut workflow.env) | self.defaults(&mut workflow.defaults);
        if let Some(model) = workflow.jobs.get_mut(&job.id) {
            is_changed |= self.job(model);
        }
        is_changed
    }

    fn job(&self, job: &mut Job) -> bool {
        let mut is_changed = self.map(&mut job.env) | self.defaults(&mut job.defaults) | self.map(&mut job.outputs);
        let url = job.environment.as_mut().and_then(|it| it.url.as_mut());
        is_changed |= url.is_some_and(|it| self.field(it));
        job.steps.iter_mut().fold(is_changed, |all, it| self.step(it) | all)
    }

    fn step(&self, step: &mut Step) -> bool {
        let is_changed = self.map(&mut step.env);
        is_changed
            | match &mut step.kind {
                StepKind::Run(run) => {
                    let more = [&mut run.shell, &mut run.working_directory].into_iter().flatten();
                    more.fold(self.field(&mut run.script), |all, it| self.field(it) | all)
                }
                StepKind::Uses(uses) => self.map(&mut uses.with),
                StepKind::Parallel(steps) => steps.iter_mut().fold(false, |all, it| self.step(it) | all),
                StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) => false,
            }
    }

    fn defaults(&self, defaults: &mut Defaults) -> bool {
        let both = [&mut defaults.shell, &mut defaults.working_directory].into_iter().flatten();
        both.fold(false, |all, it| self.field(it) | all)
    }

    fn map(&self, map: &mut EnvMap) -> bool {
        map.parts.iter_mut().fold(false, |all, it| match it {
            MapPart::Entry(_, field) => self.field(field) | all,
            MapPart::Computed(..) | MapPart::Insert(_) | MapPart::Whole(_) => all,
        })
    }

    fn field(&self, field: &mut Field) -> bool {
        if field.template.is_literal() {
            return false;
        }
        let text = field.raw();
        let kept = self.kept(&text);
        let is_changed = kept != text;
        if is_changed {
            *field = computed(&kept, field.span());
        }
        is_changed
    }

    /// A text without its expressions that are open.
    fn kept(&self, text: &str) -> String {
        let kept = pieces(text).filter_map(|it| match it {
            Piece::Text(it) => Some(it),
            Piece::Expression { inner, range } => (!(self.is_open)(inner)).then(|| &text[range]),
            Piece::Open(it) => (!(self.is_open)(it)).then_some(it),
        });
        kept.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_expressions_are_taken_out_and_others_stay() {
        let is_open = |it: &str| it.contains("steps.");
        let blank = Blank { is_open: &is_open };
        for (text, expected) in [
            ("a ${{ steps.x.outputs.y }} b ${{ github.ref }}", "a  b ${{ github.ref }}"),
            ("${{ fromJSON(steps.x.outputs.y).z }}", ""),
            (r#"${{ format('{{"a":"{0}"}}', steps.x.outputs.y) }} b"#, " b"),
            ("${{ format('{{}}', github.ref) }}", "${{ format('{{}}', github.ref) }}"),
            ("no expression, steps.", "no expression, steps."),
            ("${{ steps.x", ""),
        ] {
            assert_eq!(blank.kept(text), expected);
        }
    }
}
