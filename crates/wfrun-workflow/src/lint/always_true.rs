//! `if/always-true`: text beside `${{ }}` makes a condition a text, and a text always holds.
use wfrun_expr::{Availability, Condition, ExprKind, Piece, pieces};
use wfrun_syntax::Diagnostic;

use super::Linting;
use crate::contexts;
use crate::sites::{SiteValue, sites};

/// Looks for conditions with text beside an expression.
///
/// Source: GitHub: planning rules 3.11.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for site in sites(linting.workflow) {
        let SiteValue::If(condition) = site.value else { continue };
        let Some(node) = &condition.node else { continue };
        let text = &condition.condition.text;
        let pieces: Vec<Piece<'_>> = pieces(text).collect();
        // Expressions alone can be empty together, and the condition false.
        if !condition.condition.is_literal_text() || !pieces.iter().any(|it| matches!(it, Piece::Text(_))) {
            continue;
        }
        let allowed = if site.step.is_some() { &contexts::STEP_IF } else { &contexts::JOB_IF };
        let message = "text stands beside `${{ }}`, which makes this condition a text, and a text always holds";
        let help = match mended(&pieces, allowed) {
            Some(it) => format!("write it as one expression: `{it}`"),
            None => "write all of it as one expression, without `${{ }}` inside".to_owned(),
        };
        found.push(linting.warning("if/always-true", message, node.place()).focus(node.span).help(help));
    }
    found
}

/// The condition as one expression, if it is one.
fn mended(pieces: &[Piece<'_>], allowed: &Availability) -> Option<String> {
    let texts = || pieces.iter().filter_map(|it| if let Piece::Text(it) = it { Some(it.trim()) } else { None });
    let is_alone = pieces.len() - texts().filter(|it| it.is_empty()).count() < 2;
    let is_joined = texts().any(|it| !matches!(it, "" | "&&"));
    let mut text = String::new();
    for piece in pieces {
        let inner = match piece {
            Piece::Expression { inner, .. } => inner.trim(),
            Piece::Text(it) | Piece::Open(it) => {
                text.push_str(it);
                continue;
            }
        };
        let parsed = Condition::parse(Some(inner), allowed).ok();
        let is_loose = parsed.is_some_and(|it| match &it.expr.kind {
            ExprKind::Or(_) | ExprKind::Compare { .. } => true,
            ExprKind::And(operands) => {
                operands.iter().any(|it| matches!(it.kind, ExprKind::Or(_) | ExprKind::Compare { .. }))
            }
            ExprKind::Literal(_)
            | ExprKind::Context(_)
            | ExprKind::Index { .. }
            | ExprKind::Call { .. }
            | ExprKind::Not(_) => false,
        });
        if is_loose && !is_alone && (is_joined || inner.contains("||")) {
            text.extend(["(", inner, ")"]);
        } else {
            text.push_str(inner);
        }
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // `!` at the start is a tag in YAML.
    let shown = if text.starts_with('!') { format!("${{{{ {text} }}}}") } else { text };
    Condition::parse(Some(&shown), allowed).is_ok().then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, job_if, steps};

    #[test]
    fn text_beside_expressions() {
        for (condition, mended) in [
            ("${{ github.ref }} == 'x'", "write it as one expression: `github.ref == 'x'`"),
            (
                "${{ github.ref == 'a' }} && ${{ github.sha || 'x' }}",
                "write it as one expression: `github.ref == 'a' && (github.sha || 'x')`",
            ),
            ("${{ 1 == 1 }} == false", "write it as one expression: `(1 == 1) == false`"),
            ("always() && ${{ github.sha }}", "write it as one expression: `always() && github.sha`"),
            (
                "${{ format('{{0}}', github.sha) }} == 'x'",
                "write it as one expression: `format('{{0}}', github.sha) == 'x'`",
            ),
            ("${{ github.sha }} and more", "write all of it as one expression, without `${{ }}` inside"),
        ] {
            let told = format!("if/always-true `{condition}`: {mended}");
            check(&job_if("push", condition), &[&told]);
        }
        check(
            &steps("{if: '!${{ env.A }}', run: a}"),
            &["if/always-true `'!${{ env.A }}'`: write it as one expression: `${{ !env.A }}`"],
        );
    }

    #[test]
    fn conditions_as_they_should_be() {
        for condition in ["${{ github.ref == 'x' }}", "github.ref == 'x'", "${{ github.ref }}${{ github.sha }}"] {
            check(&job_if("push", condition), &[]);
        }
    }
}
