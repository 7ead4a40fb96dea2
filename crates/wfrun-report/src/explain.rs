//! Why something did not run, in words. The only place where a [`SkipReason`] becomes text.
use serde_json::Value as Json;
use wfrun_journal::{Because, Outcome, SkipReason};
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
        SkipReason::Condition { expression, because, .. } => because_sentence(expression, because),
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
        SkipReason::Containers { keys, backend } => {
            format!("it asks for `{}`, and backend `{backend}` makes no containers", keys.join("` and `"))
        }
        SkipReason::FailFast { job } => format!("`{job}` failed, and `fail-fast` is on"),
        SkipReason::Concurrency { message, .. } => one_line(message),
        SkipReason::Planning { key, message, line } => {
            format!("`{key}` could not be evaluated{}: {}", at(*line), one_line(message))
        }
        SkipReason::NotChosen => "other jobs were asked for".to_owned(),
        SkipReason::Forced => "it was forced".to_owned(),
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
    lines.extend(paragraph(because).into_iter().map(|it| format!("  {it}")));
    lines
}

/// A line for each part that decided, values side by side.
pub(crate) fn paragraph(because: &[Because]) -> Vec<String> {
    let expressions: Vec<String> = because.iter().map(|it| one_line(&it.expression)).collect();
    let width = expressions.iter().map(|it| console::measure_text_width(it)).max().unwrap_or(0);
    let line = |(index, (leaf, text)): (usize, (&Because, &String))| {
        let word = if index == 0 { "because" } else { "    and" };
        format!("{word} {}  {}", pad(text, width), finding(leaf))
    };
    because.iter().zip(&expressions).enumerate().map(line).collect()
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

/// `because …, and …, and 2 more`
pub(crate) fn because_sentence(expression: &str, because: &[Because]) -> String {
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
