//! A workflow as the engine can play it: what is skipped, fails and waits stays, what is done goes.
use wfrun_expr::Template;
use wfrun_journal::Outcome;
use wfrun_syntax::{Node, NodeKind, Span, Spanned, Text};
use wfrun_workflow::{EnvMap, Field, IfField, Job, MapPart, RunStep, StepKind, Workflow};

use super::model::Case;

/// Takes away what has no part in whether jobs and steps run: scripts, actions, containers, calls, machines, times.
///
/// A job of a matrix, or one that calls a workflow, stays as one job; called jobs are judged by the outlook.
pub(super) fn playable(workflow: &Workflow) -> Workflow {
    let mut workflow = workflow.clone();
    workflow.concurrency = None;
    for job in workflow.jobs.values_mut() {
        let span = job.id.span;
        job.name = None;
        job.strategy = None;
        job.call = None;
        job.container = None;
        job.services = wfrun_workflow::Services::default();
        job.snapshot = None;
        job.timeout_minutes = None;
        job.runs_on = vec![literal("ubuntu-latest", span)];
        for step in &mut job.steps {
            step.background = false;
            step.timeout_minutes = None;
            if step.name.is_none() {
                step.name = Some(literal(&step.written_name(), step.span));
            }
            let script = literal("", step.span);
            step.kind = StepKind::Run(RunStep { script, shell: None, working_directory: None });
        }
    }
    workflow
}

/// Puts what a case forces into a workflow, where the engine cannot be told otherwise; none where there is nothing.
pub(super) fn scripted(workflow: &Workflow, case: &Case) -> Option<Workflow> {
    let skips = |outcome: &Outcome| *outcome == Outcome::Skipped;
    let nothing = case.job_outputs.is_empty()
        && !case.job_ends.iter().any(|(_, it)| skips(it))
        && !case.step_ends.iter().any(|(_, it)| skips(it));
    if nothing {
        return None;
    }
    let never = never()?;
    let mut workflow = workflow.clone();
    let job_of =
        |workflow: &mut Workflow, key: &str| -> Option<usize> { workflow.jobs.keys().position(|it| it.is(key)) };
    for (key, _) in case.job_ends.iter().filter(|(_, it)| skips(it)) {
        let job = job_of(&mut workflow, key).and_then(|it| workflow.jobs.get_index_mut(it));
        if let Some((_, job)) = job {
            job.condition = never.clone();
        }
    }
    for (place, _) in case.step_ends.iter().filter(|(_, it)| skips(it)) {
        let job = job_of(&mut workflow, &place.job).and_then(|it| workflow.jobs.get_index_mut(it));
        let step = job.and_then(|(_, it)| it.steps.get_mut(place.index));
        if let Some(step) = step {
            step.condition = never.clone();
        }
    }
    for (key, outputs) in &case.job_outputs {
        if let Some((_, job)) = job_of(&mut workflow, key).and_then(|it| workflow.jobs.get_index_mut(it)) {
            put_out(job, outputs.iter());
        }
    }
    Some(workflow)
}

/// Makes a job put out exactly these.
fn put_out<'a>(job: &mut Job, outputs: impl Iterator<Item = (&'a String, &'a String)>) {
    let span = job.id.span;
    let part =
        |(name, value): (&String, &String)| MapPart::Entry(Spanned::new(name.clone(), span), literal(value, span));
    job.outputs = EnvMap { parts: outputs.map(part).collect() };
}

/// `if: false`
fn never() -> Option<IfField> {
    let mut field = IfField::success();
    field.condition = wfrun_expr::Condition::parse_bare("false", &wfrun_expr::Availability::NONE).ok()?;
    field.condition.implicit_success = false;
    Some(field)
}

fn literal(text: &str, span: Span) -> Field {
    let node = Node::synthetic(NodeKind::String(Text::synthetic(text, span)), span);
    Field { template: Template::Literal(text.to_owned()), node }
}
