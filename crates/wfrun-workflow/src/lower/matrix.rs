//! What can be said about a matrix before any expression has a value.
//!
//! Source: GitHub: planning rules 4.5 (`ConvertToStrategy` and `MatrixBuilder` of actions/runner).
use wfrun_syntax::{Span, closest, eq_ignoring_case};

use super::Findings;
use crate::{EntryKey, Token};

/// Checks the vectors and filters that hold no expressions.
pub(super) fn check(findings: &mut Findings, strategy: &Token, matrix: &Token) {
    let mut vectors: Vec<&str> = Vec::new();
    let (mut has_vector, mut has_include) = (false, false);
    for entry in matrix.entries() {
        let EntryKey::Text(key) = &entry.key else {
            has_vector = true;
            continue;
        };
        let is_known = !entry.value.has_expressions();
        match key.value.as_str() {
            "include" => has_include = !is_known || !entry.value.items().is_empty(),
            "exclude" => {}
            name => {
                has_vector = true;
                if is_known && entry.value.items().is_empty() {
                    // GitHub then goes on as if it were not there, so an `exclude` cannot name it either.
                    let message = format!("Matrix vector '{name}' does not contain any values");
                    findings.error("workflow/matrix", message, entry.value.place(), "list at least one value");
                } else {
                    vectors.push(name);
                }
            }
        }
    }
    if !has_vector && !has_include {
        let help = "write a vector, for example `os: [ubuntu-latest]`, or `include:` with combinations";
        findings.error("workflow/matrix", "Matrix must define at least one vector", matrix.place(), help);
    }
    if !strategy.has_expressions() {
        filters(findings, matrix, &vectors);
    }
}

fn filters(findings: &mut Findings, matrix: &Token, vectors: &[&str]) {
    for item in matrix.get("include").map(Token::items).unwrap_or_default() {
        if item.entries().is_empty() {
            let message = "Matrix include mapping does not contain any values";
            findings.error("workflow/matrix", message, item.place(), "write `key: value` lines, or take it away");
        }
    }
    for item in matrix.get("exclude").map(Token::items).unwrap_or_default() {
        if item.entries().is_empty() {
            let message = "Matrix exclude filter must not be empty";
            findings.error("workflow/matrix", message, item.place(), "write `key: value` lines, or take it away");
        }
        for (key, _) in item.pairs() {
            if !vectors.iter().any(|it| eq_ignoring_case(it, &key.value)) {
                unknown(findings, &key.value, key.span, vectors);
            }
        }
    }
}

fn unknown(findings: &mut Findings, key: &str, span: Span, vectors: &[&str]) {
    let help = match closest(key, vectors.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the vectors are: {}", vectors.join(", ")),
    };
    let message = format!("Matrix exclude key '{key}' does not match any key within the matrix");
    findings.error("workflow/matrix", message, span, &help);
}
