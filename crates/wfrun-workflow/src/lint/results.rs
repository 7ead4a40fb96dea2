//! `needs/no-result` and `steps/no-result`: comparisons with a word that no result is.
use wfrun_syntax::{Diagnostic, closest};

use super::Linting;
use super::domain::{RESULTS, equality};

/// What people write for a result.
const SLIPS: &[(&str, &[&str])] = &[
    ("failure", &["fail", "failed", "fails", "error", "errored", "failing", "false"]),
    ("success", &["succeeded", "successful", "succeed", "ok", "passed", "pass", "completed", "complete", "true"]),
    ("cancelled", &["canceled", "cancel", "aborted"]),
    ("skipped", &["skip", "ignored", "neutral"]),
];

/// Looks for results of jobs and steps, and `job.status`, compared with other words than there are.
///
/// Source: GitHub: planning rules 4.3.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for written in &linting.written {
        for part in written.expr.walk() {
            let Some((path, value)) = equality(part) else { continue };
            let Some(text) = value.as_str() else { continue };
            let name = path.normal();
            let (code, words) = match name.split('.').collect::<Vec<_>>().as_slice() {
                ["needs", _, "result"] => ("needs/no-result", RESULTS.as_slice()),
                ["steps", _, "outcome" | "conclusion"] => ("steps/no-result", RESULTS.as_slice()),
                ["job", "status"] => ("steps/no-result", &RESULTS[..3]),
                _ => continue,
            };
            // A step that has not run has no result.
            if text.is_empty() || words.iter().any(|it| text.eq_ignore_ascii_case(it)) {
                continue;
            }
            let slip = SLIPS.iter().find(|(_, slips)| slips.iter().any(|it| text.eq_ignore_ascii_case(it)));
            let near = slip.map(|(word, _)| *word).filter(|it| words.contains(it));
            let help = match near.or_else(|| closest(text, words.iter().copied())) {
                Some(it) => format!("did you mean `'{it}'`?"),
                None => format!("it is one of {}", words.join(", ")),
            };
            let message = format!("`{name}` is never `'{text}'`");
            let place = linting.warning(code, message, written.place());
            found.push(place.focus(written.span_of(&part.range)).help(help));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, steps};

    #[test]
    fn words_that_are_no_results() {
        check(
            "on: push\njobs:\n  a: {runs-on: x, steps: [{run: a}]}\n  b: {runs-on: x, needs: a, if: always() && needs.a.result == 'failed', steps: [{run: a}]}\n",
            &["needs/no-result `needs.a.result == 'failed'`: did you mean `'failure'`?"],
        );
        check(
            &steps(
                "{id: a, run: a}, {if: 'always() && steps.a.outcome != ''Sucess''', run: a}, {if: 'always() && job.status == ''skipped''', run: a}",
            ),
            &[
                "steps/no-result `steps.a.outcome != ''Sucess''`: did you mean `'success'`?",
                "steps/no-result `job.status == ''skipped''`: it is one of success, failure, cancelled",
            ],
        );
        check(
            &steps(
                "{id: a, run: a}, {if: 'always() && (steps.a.outcome == ''SKIPPED'' || steps.a.conclusion == '''')', run: a}",
            ),
            &[],
        );
    }
}
