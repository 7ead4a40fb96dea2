//! What a condition comes to before the run.
use wfrun_expr::{Expr, ExprKind, Op, Trace, foresee};
use wfrun_syntax::eq_ignoring_case;
use wfrun_workflow::IfField;

use super::scope::Before;
use super::{Prospect, Reason};
use crate::JobKey;

/// Judges the condition of a job.
pub(super) fn job(condition: &IfField, before: &Before<'_>) -> (Prospect, Reason) {
    let (verdict, reason) = step(condition, before);
    if let (Prospect::Skipped, Reason::Condition { trace, .. }) = (verdict, &reason)
        && is_about_success(trace)
        && let Some((id, result)) = unsuccessful(before, &named(&condition.condition.expr))
    {
        return (verdict, Reason::Needs { job: JobKey::new(id), result });
    }
    (verdict, reason)
}

/// Judges the condition of a step, or of a job by itself.
pub(super) fn step(condition: &IfField, before: &Before<'_>) -> (Prospect, Reason) {
    match foresee(&condition.condition.expr, before) {
        Ok(trace) => {
            let verdict = match (trace.is_not_yet(), trace.value().is_truthy()) {
                (true, _) => Prospect::Depends,
                (false, true) => Prospect::Runs,
                (false, false) => Prospect::Skipped,
            };
            (verdict, Reason::condition(condition, trace))
        }
        Err(error) => {
            let (expression, span) = (condition.condition.text.clone(), condition.span());
            (Prospect::Fails, Reason::ConditionError { expression, message: error.to_string(), span })
        }
    }
}

/// Tells whether nothing but `success()` is false.
fn is_about_success(trace: &Trace) -> bool {
    let because = trace.because();
    !because.is_empty()
        && because.iter().all(|it| it.op == Op::Call && it.text.to_ascii_lowercase().starts_with("success("))
}

/// The jobs that `success('a', 'b')` is about; none stand for all.
fn named(condition: &Expr) -> Vec<String> {
    let args = condition.walk().filter_map(|it| {
        let ExprKind::Call { function, args } = &it.kind else { return None };
        function.eq_ignore_ascii_case("success").then_some(args)
    });
    let args: Vec<&Vec<Expr>> = args.collect();
    if args.iter().any(|it| it.is_empty()) {
        return Vec::new();
    }
    let text = |it: &Expr| if let ExprKind::Literal(value) = &it.kind { Some(value.to_text()) } else { None };
    args.into_iter().flatten().filter_map(text).collect()
}

/// The first job before it that does not succeed; of its own needs rather than of others.
fn unsuccessful(before: &Before<'_>, named: &[String]) -> Option<(String, String)> {
    let counts = |id: &str| named.is_empty() || named.iter().any(|it| eq_ignoring_case(it, id));
    let bad = |id: &String, result: &Option<String>| {
        let result = result.clone().filter(|it| it != "success" && counts(id))?;
        Some((id.clone(), result))
    };
    let own = before.needs.iter().find_map(|it| bad(&it.id, &it.result));
    own.or_else(|| before.ancestors.jobs.iter().find_map(|it| bad(&it.id, &it.result)))
}
