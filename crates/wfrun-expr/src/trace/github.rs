//! A trace as the log of a GitHub runner has it where debugging is switched on.
use crate::lexer::is_keyword;
use crate::{Expr, ExprKind, Index, Trace, Value};

/// Functions that are shown with the values of their arguments; of others only the value is.
const SHOWN_WITH_ARGUMENTS: [&str; 3] = ["contains", "endswith", "startswith"];

/// The lines about one evaluation: the expression, the same with values in it where that says more, and the result.
///
/// Source: actions/runner `ExpressionNode.cs`, `TraceTreeResult`.
pub fn github_trace(expr: &Expr, trace: &Trace) -> Vec<String> {
    let result = value_text(trace.value());
    let expanded = form(expr, Some(trace));
    let mut lines = vec![format!("Evaluating: {}", form(expr, None))];
    if expanded != result {
        lines.push(format!("Expanded: {expanded}"));
    }
    lines.push(format!("Result: {result}"));
    lines
}

/// The expression with parentheses around all operators; with the values that a trace has in the places of what was
/// evaluated as a whole.
fn form(expr: &Expr, trace: Option<&Trace>) -> String {
    let reached = trace.filter(|it| it.is_reached());
    if let Some(reached) = reached.filter(|_| is_shown_as_value(expr)) {
        return value_text(reached.value());
    }
    let operands = expr.operands();
    let traces = |at: usize| trace.and_then(|it| it.operands.get(at));
    let parts: Vec<String> = operands.iter().enumerate().map(|(at, it)| form(it, traces(at))).collect();
    let part = |at: usize| parts.get(at).map_or("", String::as_str);
    match &expr.kind {
        ExprKind::Literal(value) => value_text(value),
        ExprKind::Context(name) => name.clone(),
        ExprKind::Index { index: Index::Property(name), .. } => format!("{}.{name}", part(0)),
        ExprKind::Index { index: Index::Wildcard, .. } => format!("{}[*]", part(0)),
        ExprKind::Index { index: Index::Expr(index), .. } => {
            match index.as_string_literal().filter(|it| is_keyword(it)) {
                Some(name) => format!("{}.{name}", part(0)),
                None => format!("{}[{}]", part(0), part(1)),
            }
        }
        ExprKind::Call { function, .. } => format!("{function}({})", parts.join(", ")),
        ExprKind::Not(_) => format!("!{}", part(0)),
        ExprKind::Compare { op, .. } => format!("({} {} {})", part(0), op, part(1)),
        ExprKind::And(_) => format!("({})", parts.join(" && ")),
        ExprKind::Or(_) => format!("({})", parts.join(" || ")),
    }
}

fn is_shown_as_value(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Context(_) | ExprKind::Index { .. } => true,
        ExprKind::Call { function, .. } => !SHOWN_WITH_ARGUMENTS.iter().any(|it| it.eq_ignore_ascii_case(function)),
        ExprKind::Not(_) | ExprKind::Compare { .. } | ExprKind::And(_) | ExprKind::Or(_) => false,
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::String(it) => format!("'{}'", it.replace('\'', "''")),
        Value::Array(_) => "Array".to_owned(),
        Value::Object(_) => "Object".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_text(),
    }
}
