//! Which parts of an expression can end up in its result.
use wfrun_expr::{Expr, ExprKind};

/// A part that can be the result, or a piece of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow<'e> {
    /// The look-up.
    pub(super) expr: &'e Expr,
    /// Whether it comes as JSON, so that all that is in an object comes with it.
    pub(super) is_json: bool,
}

/// Returns the look-ups whose text the result of an expression can hold; what is only compared is not among them.
pub(super) fn flows(expr: &Expr) -> Vec<Flow<'_>> {
    let mut found = Vec::new();
    collect(expr, false, &mut found);
    found
}

fn collect<'e>(expr: &'e Expr, is_json: bool, found: &mut Vec<Flow<'e>>) {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Not(_) | ExprKind::Compare { .. } => {}
        ExprKind::Context(_) | ExprKind::Index { .. } => {
            found.push(Flow { expr, is_json });
            // What a function gives can be looked into: `fromJSON(x).y`.
            if super::path::path(expr).is_none() {
                expr.operands().first().into_iter().for_each(|it| collect(it, is_json, found));
            }
        }
        // Whatever stands before the last is the result only where it is falsy.
        ExprKind::And(operands) => operands.last().into_iter().for_each(|it| collect(it, is_json, found)),
        ExprKind::Or(operands) => operands.iter().for_each(|it| collect(it, is_json, found)),
        ExprKind::Call { function, args } => match function.to_ascii_lowercase().as_str() {
            "tojson" => args.iter().for_each(|it| collect(it, true, found)),
            "format" | "join" | "fromjson" => args.iter().for_each(|it| collect(it, is_json, found)),
            "case" => {
                let last = args.len().saturating_sub(1);
                let results = args.iter().enumerate().filter(|(at, _)| at % 2 == 1 || *at == last);
                results.for_each(|(_, it)| collect(it, is_json, found));
            }
            _ => {}
        },
    }
}
