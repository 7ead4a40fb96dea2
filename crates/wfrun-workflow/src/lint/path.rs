//! Look-ups in contexts: `needs.build.outputs['x']`, `github.event.commits.*.message`.
use std::ops::Range;

use wfrun_expr::{Expr, ExprKind, Index};

/// A look-up in a context, as long as it is written.
#[derive(Debug, Clone)]
pub(super) struct Path<'a> {
    /// The context's name as written.
    pub(super) context: &'a str,
    /// What is looked up, from the context on.
    pub(super) parts: Vec<Part<'a>>,
    /// Where the whole of it stands.
    pub(super) range: Range<u32>,
}

/// One step of a [`Path`].
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    /// The name; none for `.*`, a number, or what is computed.
    pub(super) name: Option<&'a str>,
    /// Where it stands.
    pub(super) range: Range<u32>,
}

impl<'a> Path<'a> {
    /// The name at a position, if there is a literal one.
    pub(super) fn name(&self, at: usize) -> Option<&'a str> {
        self.parts.get(at)?.name
    }

    /// Tells whether the first names are these, ignoring case.
    pub(super) fn starts_with(&self, names: &[&str]) -> bool {
        names.len() <= self.parts.len()
            && names.iter().enumerate().all(|(at, it)| self.name(at).is_some_and(|name| name.eq_ignore_ascii_case(it)))
    }

    /// The path in lower case with dots, and `*` for what is no name.
    pub(super) fn normal(&self) -> String {
        let mut text = self.context.to_ascii_lowercase();
        for part in &self.parts {
            text.push('.');
            text.push_str(&part.name.unwrap_or("*").to_ascii_lowercase());
        }
        text
    }
}

/// Returns the look-ups in an expression, each as long as it is, those in indices included.
pub(super) fn paths(expr: &Expr) -> Vec<Path<'_>> {
    let mut found = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match path(expr) {
            Some((path, indices)) => {
                found.push(path);
                open.extend(indices.into_iter().rev());
            }
            None => open.extend(expr.operands().into_iter().rev()),
        }
    }
    found
}

/// Returns the look-up that an expression is, and the expressions in its indices.
pub(super) fn path(expr: &Expr) -> Option<(Path<'_>, Vec<&Expr>)> {
    let mut parts = Vec::new();
    let mut indices = Vec::new();
    let mut at = expr;
    loop {
        match &at.kind {
            ExprKind::Context(context) => {
                parts.reverse();
                return Some((Path { context, parts, range: expr.range.clone() }, indices));
            }
            ExprKind::Index { target, index } => {
                parts.push(part(at, target, index));
                if let Index::Expr(index) = index {
                    indices.push(index.as_ref());
                }
                at = target;
            }
            ExprKind::Literal(_)
            | ExprKind::Call { .. }
            | ExprKind::Not(_)
            | ExprKind::Compare { .. }
            | ExprKind::And(_)
            | ExprKind::Or(_) => return None,
        }
    }
}

fn part<'a>(whole: &Expr, target: &Expr, index: &'a Index) -> Part<'a> {
    match index {
        Index::Property(name) => {
            let length = u32::try_from(name.len()).unwrap_or_default();
            Part { name: Some(name), range: whole.range.end.saturating_sub(length)..whole.range.end }
        }
        Index::Expr(index) => {
            let name = if let ExprKind::Literal(value) = &index.kind { value.as_str() } else { None };
            Part { name, range: index.range.clone() }
        }
        Index::Wildcard => Part { name: None, range: target.range.end..whole.range.end },
    }
}

#[cfg(test)]
mod tests {
    use wfrun_expr::{Availability, parse};

    use super::*;

    #[test]
    fn look_ups() {
        let text = "github.event.commits[0].Message && a['b'].*[c.d] == format('{0}', e)";
        let allowed = Availability { contexts: &["github", "a", "c", "e"], functions: &[] };
        let expr = parse(text, &allowed).expect("an expression");
        let told = |it: &Path<'_>| {
            let ranges: Vec<_> =
                it.parts.iter().map(|it| &text[it.range.start as usize..it.range.end as usize]).collect();
            format!("{} {ranges:?}", it.normal())
        };
        let found: Vec<_> = paths(&expr).iter().map(told).collect();
        let expected = [
            r#"github.event.commits.*.message ["event", "commits", "0", "Message"]"#,
            r#"a.b.*.* ["'b'", ".*", "c.d"]"#,
            r#"c.d ["d"]"#,
            "e []",
        ];
        assert_eq!(found, expected);
    }
}
