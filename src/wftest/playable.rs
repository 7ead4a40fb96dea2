//! Workflows as the engine plays them in a test.
use std::sync::Arc;

use wfrun_expr::Template;
use wfrun_syntax::{Node, NodeKind, Span, Text};
use wfrun_workflow::contexts::STEP;
use wfrun_workflow::{Field, RunStep, Step, StepKind, UsesStep, Workflow, WorkflowSet};

/// Puts scripts in the place of actions, which are not at hand in a test. All that is evaluated stays, for that can fail;
/// what is started takes no time and ends well.
pub(super) fn playable(set: &WorkflowSet) -> WorkflowSet {
    let called = set.called.iter().map(|(file, it)| (file.clone(), Arc::new(one(it)))).collect();
    WorkflowSet { root: Arc::new(one(&set.root)), called }
}

fn one(workflow: &Workflow) -> Workflow {
    let mut workflow = workflow.clone();
    workflow.jobs.values_mut().flat_map(|it| &mut it.steps).for_each(step);
    workflow
}

fn step(it: &mut Step) {
    if it.name.is_none() {
        it.name = Some(literal(&it.written_name(), it.span));
    }
    let script = match &mut it.kind {
        StepKind::Uses(uses) => Some(script_of(uses, it.span)),
        StepKind::Parallel(steps) => {
            steps.iter_mut().for_each(step);
            None
        }
        StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) => None,
    };
    if let Some(script) = script {
        it.kind = StepKind::Run(script);
    }
}

/// A script that asks for all that an action is given, in a shell that is always there.
fn script_of(uses: &UsesStep, span: Span) -> RunStep {
    let inputs: Vec<String> = uses.with.values().map(Field::raw).collect();
    RunStep {
        script: computed(&inputs.join("\n"), span),
        shell: Some(literal("bash", span)),
        working_directory: Some(literal(".", span)),
    }
}

/// A value of this text with its expressions; one that is too long for GitHub in one piece is taken as it is written.
pub(super) fn computed(text: &str, span: Span) -> Field {
    let template = Template::parse(text, &STEP).unwrap_or_else(|_| Template::Literal(text.to_owned()));
    Field { template, ..literal(text, span) }
}

fn literal(text: &str, span: Span) -> Field {
    let node = Node::synthetic(NodeKind::String(Text::synthetic(text, span)), span);
    Field { template: Template::Literal(text.to_owned()), node }
}
