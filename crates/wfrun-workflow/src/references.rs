//! What a workflow's expressions refer to.
use wfrun_expr::Expr;
use wfrun_syntax::Span;

use crate::field::span_in;
use crate::sites::{sites, token_expressions};
use crate::{Field, Workflow};

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
    for site in sites(workflow) {
        if let Some(expr) = site.expr() {
            collect(expr, context, |range| site.span_of(range), &mut found);
        }
    }
    let matrices = workflow.jobs.values().filter_map(|it| it.strategy.as_ref()?.matrix.as_ref());
    for (expr, node) in matrices.flat_map(token_expressions) {
        collect(expr, context, |range| span_in(node, range), &mut found);
    }
    found
}

/// Every use of a context that names no member: `toJSON(context)`, `context[expression]`, `context.*`.
pub fn open_references(workflow: &Workflow, context: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for site in sites(workflow) {
        if let Some(expr) = site.expr() {
            collect_open(expr, context, &|range| site.span_of(range), &mut found);
        }
    }
    found
}

fn collect_open(expr: &Expr, context: &str, span: &dyn Fn(&std::ops::Range<u32>) -> Span, found: &mut Vec<Span>) {
    match expr.path().as_deref() {
        Some([only]) if only.eq_ignore_ascii_case(context) => found.push(span(&expr.range)),
        Some(_) => {}
        None => expr.operands().into_iter().for_each(|it| collect_open(it, context, span, found)),
    }
}

/// Every `context.NAME` of one value.
pub fn references_in(field: &Field, context: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    if let Some(expr) = field.template.expr() {
        collect(expr, context, |range| span_in(&field.node, range), &mut found);
    }
    found
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
