//! Every expression of a workflow with its surroundings.
use std::ops::Range;

use wfrun_expr::Expr;
use wfrun_syntax::{Node, Span};

use super::path::{Path, paths};
use crate::field::span_in;
use crate::sites::{SiteValue, sites, token_expressions};
use crate::{Job, Step, Workflow};

/// An expression and where it was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    /// The job it belongs to, if it belongs to one.
    pub(super) job: Option<&'a Job>,
    /// The step it belongs to, if it belongs to one.
    pub(super) step: Option<&'a Step>,
    /// The key it is the value of, or is below of.
    pub(super) key: &'static str,
    /// The expression; of a condition with the `success()` that GitHub adds.
    pub(super) expr: &'a Expr,
    node: &'a Node,
}

impl<'a> Written<'a> {
    /// The whole value.
    pub(super) fn place(&self) -> Span {
        self.node.place()
    }

    /// Where a part of the expression stands.
    pub(super) fn span_of(&self, range: &Range<u32>) -> Span {
        span_in(self.node, range)
    }

    /// The look-ups in a context, `name` in lower case.
    pub(super) fn paths(&self, context: &str) -> Vec<Path<'a>> {
        let mut all = paths(self.expr);
        all.retain(|it| it.context.eq_ignore_ascii_case(context));
        all
    }
}

/// Returns all expressions, in the order of the file's parts.
pub(super) fn all(workflow: &Workflow) -> Vec<Written<'_>> {
    let mut found = Vec::new();
    for site in sites(workflow) {
        let node = match site.value {
            SiteValue::Field(field) => Some(&field.node),
            SiteValue::If(condition) => condition.node.as_ref(),
        };
        if let (Some(expr), Some(node)) = (site.expr(), node) {
            found.push(Written { job: site.job, step: site.step, key: site.key, expr, node });
        }
    }
    for job in workflow.jobs.values() {
        let matrix = job.strategy.as_ref().and_then(|it| it.matrix.as_ref());
        for (expr, node) in matrix.into_iter().flat_map(token_expressions) {
            found.push(Written { job: Some(job), step: None, key: "matrix", expr, node });
        }
    }
    found
}
