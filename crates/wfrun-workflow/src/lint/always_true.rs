//! `if/always-true`: text beside `${{ }}` makes a condition a text, and a text always holds.
use wfrun_expr::{Availability, Condition, ExprKind};
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
        let pieces = pieces(text);
        // Expressions alone can be empty together, and the condition false.
        if !condition.condition.is_literal_text() || !pieces.iter().any(|it| !it.is_expression && !it.text.is_empty()) {
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

/// A part of a condition's text.
struct Piece<'t> {
    text: &'t str,
    is_expression: bool,
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${{") {
        let Some((inner, after)) = behind.split_once("}}") else { break };
        pieces.push(Piece { text: before, is_expression: false });
        pieces.push(Piece { text: inner.trim(), is_expression: true });
        rest = after;
    }
    pieces.push(Piece { text: rest, is_expression: false });
    pieces
}

/// The condition as one expression, if it is one.
fn mended(pieces: &[Piece<'_>], allowed: &Availability) -> Option<String> {
    let count = pieces.iter().filter(|it| it.is_expression || !it.text.trim().is_empty()).count();
    let mut text = String::new();
    for piece in pieces {
        let inner = if piece.is_expression { Condition::parse(Some(piece.text), allowed).ok() } else { None };
        let is_loose = inner.is_some_and(|it| match &it.expr.kind {
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
        let joined = pieces.iter().filter(|it| !it.is_expression).any(|it| !matches!(it.text.trim(), "" | "&&"));
        if is_loose && count > 1 && (joined || piece.text.contains("||")) {
            text.extend(["(", piece.text, ")"]);
        } else {
            text.push_str(piece.text);
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
