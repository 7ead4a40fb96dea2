//! Why something did not run, in words. The only place where a [`SkipReason`] becomes text.
use serde_json::Value as Json;
use wfrun_journal::{Because, Outcome, SkipReason};
use wfrun_plan::{Prospect, Reason};
use wfrun_syntax::format_number;

use crate::text::{one_line, pad};

/// Values longer than this are cut.
const LONGEST: usize = 60;
/// A sentence names no more sub-expressions than this.
const MOST: usize = 3;

/// One sentence, to stand after `skipped: `.
///
/// `because github.ref == 'refs/heads/main' is false: github.ref is 'refs/heads/dev'`
pub fn sentence(reason: &SkipReason) -> String {
    match reason {
        SkipReason::Condition { expression, because, .. } => condition(expression, because),
        SkipReason::ConditionError { expression, message, line } => {
            format!("`if: {}` could not be evaluated{}: {message}", one_line(expression), at(*line))
        }
        SkipReason::Needs { job, result } => format!("needs `{job}`, which {}", ended(*result)),
        SkipReason::EarlierStep { step: Some(step) } => format!("an earlier step failed: {step}"),
        SkipReason::EarlierStep { step: None } => "an earlier step failed".to_owned(),
        SkipReason::Cancelled => "the run was cancelled before its turn".to_owned(),
        SkipReason::Machine { labels } => {
            format!("it needs a machine that is not here: runs-on {}", labels.join(", "))
        }
        SkipReason::NotChosen => "other jobs were asked for".to_owned(),
    }
}

/// One sentence about what is known before a run: of what is skipped the same as [`sentence`] says of a run.
///
/// ``depends on needs.build.outputs.image``
pub fn prospect_sentence(reason: &Reason, verdict: Prospect) -> String {
    match (reason, verdict) {
        (Reason::Condition { expression, because, .. }, Prospect::Depends) => {
            let parts: Vec<String> = because.iter().take(MOST).map(|it| one_line(&it.expression)).collect();
            let parts = if parts.is_empty() { one_line(expression) } else { parts.join(", ") };
            format!("depends on {parts}")
        }
        (Reason::Condition { expression, because, .. }, Prospect::Runs) if because.is_empty() => {
            format!("because {} is true", one_line(expression))
        }
        (Reason::Condition { expression, because, .. }, Prospect::Runs | Prospect::Skipped) => {
            condition(expression, because)
        }
        (Reason::Needs { job, result }, _) => {
            let outcomes = [Outcome::Success, Outcome::Failure, Outcome::Cancelled, Outcome::Skipped];
            let known = outcomes.into_iter().find(|it| it.as_str() == result);
            format!("needs `{job}`, which {}", known.map_or_else(|| result.clone(), |it| ended(it).to_owned()))
        }
        (Reason::Caller { job }, _) => format!("`{job}`, which calls it, is skipped"),
        (Reason::ConditionError { expression, message, .. }, _) => {
            format!("`if: {}` could not be evaluated: {message}", one_line(expression))
        }
    }
}

/// The same at length, a line for each thing that decided, values side by side.
///
/// ```text
/// `if` is false (line 14)
///   success() && github.ref == 'refs/heads/main'
///   because github.ref == 'refs/heads/main'  is false: github.ref is 'refs/heads/dev'
/// ```
pub fn paragraphs(reason: &SkipReason) -> Vec<String> {
    let SkipReason::Condition { expression, because, line, .. } = reason else { return vec![sentence(reason)] };
    let mut lines = vec![format!("`if` is false{}", at(*line)), format!("  {}", one_line(expression))];
    let expressions: Vec<String> = because.iter().map(|it| one_line(&it.expression)).collect();
    let width = expressions.iter().map(|it| console::measure_text_width(it)).max().unwrap_or(0);
    for (index, (leaf, text)) in because.iter().zip(&expressions).enumerate() {
        let word = if index == 0 { "because" } else { "    and" };
        lines.push(format!("  {word} {}  {}", pad(text, width), finding(leaf)));
    }
    lines
}

/// A value as GitHub's expressions write it: `'it''s'`, `true`, `5`, `null`; arrays and objects as JSON; long ones cut.
pub(crate) fn literal(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(it) => it.to_string(),
        Json::Number(it) => it.as_f64().map_or_else(|| it.to_string(), format_number),
        Json::String(it) => format!("'{}'", shortened(&it.replace('\'', "''"))),
        Json::Array(_) | Json::Object(_) => shortened(&value.to_string()),
    }
}

fn ended(result: Outcome) -> &'static str {
    match result {
        Outcome::Success => "succeeded",
        Outcome::Failure => "failed",
        Outcome::Cancelled => "was cancelled",
        Outcome::Skipped => "was skipped",
    }
}

fn condition(expression: &str, because: &[Because]) -> String {
    if because.is_empty() {
        return format!("because {} is false", one_line(expression));
    }
    let named: Vec<String> =
        because.iter().take(MOST).map(|it| format!("{} {}", one_line(&it.expression), finding(it))).collect();
    let more = match because.len().saturating_sub(MOST) {
        0 => String::new(),
        rest => format!(", and {rest} more"),
    };
    format!("because {}{more}", named.join(", and "))
}

/// `is false: github.ref is 'refs/heads/dev'`
fn finding(leaf: &Because) -> String {
    let value = literal(&leaf.value);
    let operands: Vec<String> =
        leaf.operands.iter().map(|it| format!("{} is {}", it.expression, literal(&it.value))).collect();
    if !operands.is_empty() {
        return format!("is {value}: {}", operands.join(", "));
    }
    match status(leaf) {
        Some(meaning) => format!("is {value}: {meaning}"),
        None if leaf.value.is_boolean() => format!("is {value}"),
        None => format!("is {value}, which counts as {}", truth(&leaf.value)),
    }
}

/// What a status function's answer means.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#status-check-functions>
fn status(leaf: &Because) -> Option<&'static str> {
    let name = leaf.expression.trim().strip_suffix("()")?.to_ascii_lowercase();
    match (name.as_str(), leaf.value.as_bool()?) {
        ("success", false) => Some("something before it did not succeed"),
        ("success", true) => Some("everything before it succeeded"),
        ("failure", false) => Some("nothing before it failed"),
        ("failure", true) => Some("something before it failed"),
        ("cancelled", false) => Some("the run was not cancelled"),
        ("cancelled", true) => Some("the run was cancelled"),
        _ => None,
    }
}

/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#literals>
fn truth(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(it) => *it,
        // `NaN` is written as a string in the journal, and is the only other number that counts as false.
        Json::Number(it) => it.as_f64() != Some(0.0),
        Json::String(it) => !it.is_empty(),
        Json::Array(_) | Json::Object(_) => true,
    }
}

fn shortened(text: &str) -> String {
    let text = text.replace(['\n', '\r', '\t'], " ");
    if text.chars().count() <= LONGEST {
        return text;
    }
    let kept: String = text.chars().take(LONGEST - 1).collect();
    kept + "…"
}

fn at(line: u32) -> String {
    if line == 0 { String::new() } else { format!(" (line {line})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_before_a_run_is_said_as_of_a_run() {
        let job = || wfrun_plan::JobKey::new("build");
        let before = Reason::Needs { job: job(), result: "failure".to_owned() };
        let after = SkipReason::Needs { job: job(), result: Outcome::Failure };
        assert_eq!(prospect_sentence(&before, Prospect::Skipped), sentence(&after));
        let caller = Reason::Caller { job: job() };
        assert_eq!(prospect_sentence(&caller, Prospect::Skipped), "`build`, which calls it, is skipped");
    }
}
