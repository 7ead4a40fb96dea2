//! Workflows as the engine plays them in a test.
use std::sync::Arc;

use wfrun_expr::Template;
use wfrun_syntax::{Node, NodeKind, Span, Text};
use wfrun_workflow::{Field, Job, RunStep, StepKind, Workflow, WorkflowSet};

/// Takes away what has no part in whether jobs and steps run: scripts, actions, containers, times.
pub(super) fn playable(set: &WorkflowSet) -> WorkflowSet {
    let called = set.called.iter().map(|(file, it)| (file.clone(), Arc::new(one(it)))).collect();
    WorkflowSet { root: Arc::new(one(&set.root)), called }
}

fn one(workflow: &Workflow) -> Workflow {
    let mut workflow = workflow.clone();
    workflow.concurrency = None;
    for job in workflow.jobs.values_mut() {
        job.concurrency = None;
        job.container = None;
        job.services = wfrun_workflow::Services::default();
        job.snapshot = None;
        job.timeout_minutes = None;
        job.cancel_timeout_minutes = None;
        machine(job);
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

/// A machine that only the run can tell is an ordinary one.
fn machine(job: &mut Job) {
    let is_known = |it: &Field| {
        let text = it.raw();
        it.template.is_literal() || !["needs", "inputs", "vars"].iter().any(|context| text.contains(context))
    };
    if job.call.is_none() && !job.runs_on.iter().all(is_known) {
        job.runs_on = vec![literal("ubuntu-latest", job.id.span)];
    }
}

fn literal(text: &str, span: Span) -> Field {
    let node = Node::synthetic(NodeKind::String(Text::synthetic(text, span)), span);
    Field { template: Template::Literal(text.to_owned()), node }
}
