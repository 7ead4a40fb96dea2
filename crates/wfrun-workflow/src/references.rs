//! What a workflow's expressions refer to.
use wfrun_expr::Expr;
use wfrun_syntax::Span;

use crate::field::span_in;
use crate::{EnvMap, Field, IfField, Step, StepKind, Workflow};

/// A member of a context that an expression names: `secrets.TOKEN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The member's name as written.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// Every `context.NAME` of the workflow, in the order of the file's parts; contexts compare ignoring case.
pub fn references(workflow: &Workflow, context: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut visit = |field: &Field| found.extend(references_in(field, context));
    each_map(&workflow.env, &mut visit);
    for job in workflow.jobs.values() {
        job.name.iter().chain(&job.runs_on).for_each(&mut visit);
        each_map(&job.env, &mut visit);
        each_map(&job.outputs, &mut visit);
        job.steps.iter().for_each(|it| each_field(it, &mut visit));
    }
    for condition in workflow.jobs.values().flat_map(conditions) {
        let span = |range: &std::ops::Range<u32>| condition.span_of(range).unwrap_or_default();
        collect(&condition.condition.expr, context, span, &mut found);
    }
    found
}

/// Every `context.NAME` of one value.
pub fn references_in(field: &Field, context: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    if let Some(expr) = field.template.expr() {
        collect(expr, context, |range| span_in(&field.node, range), &mut found);
    }
    found
}

fn conditions(job: &crate::Job) -> impl Iterator<Item = &IfField> {
    std::iter::once(&job.condition).chain(job.steps.iter().map(|it| &it.condition))
}

fn each_map(map: &EnvMap, visit: &mut impl FnMut(&Field)) {
    map.values().for_each(visit);
}

fn each_field(step: &Step, visit: &mut impl FnMut(&Field)) {
    step.name.iter().for_each(&mut *visit);
    each_map(&step.env, visit);
    match &step.kind {
        StepKind::Run(run) => {
            visit(&run.script);
            run.working_directory.iter().for_each(visit);
        }
        StepKind::Uses(uses) => each_map(&uses.with, visit),
    }
}

fn collect(expr: &Expr, context: &str, span: impl Fn(&std::ops::Range<u32>) -> Span, found: &mut Vec<Reference>) {
    for part in expr.walk() {
        let Some(path) = part.path() else { continue };
        // A longer path holds the shorter one; only the one of two names counts.
        if let [first, name] = path.as_slice()
            && first.eq_ignore_ascii_case(context)
        {
            found.push(Reference { name: (*name).to_owned(), span: span(&part.range) });
        }
    }
}
