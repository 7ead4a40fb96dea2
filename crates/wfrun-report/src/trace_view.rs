use wfrun_expr::{Op, Reached, Trace, Value};

use crate::Style;
use crate::text::{cut, one_line, pad};
use crate::theme::Label;

/// Most columns of the expressions, before their values.
const WIDEST: usize = 60;
/// Most characters of a value.
const LONGEST: usize = 80;

/// Shows how an expression came to its value: a line for each part, parts below what they are parts of.
///
/// Constants have no line. Ends with a line break.
pub fn trace_text(trace: &Trace, style: &Style) -> String {
    let mut rows = Vec::new();
    collect(trace, 0, &mut rows);
    let width = rows.iter().map(|(text, _)| text.chars().count()).max().unwrap_or_default().min(WIDEST);
    let lines = rows.iter().map(|(text, value)| {
        let text = cut(text, WIDEST, *style);
        let value = match value {
            Some(value) => value.clone(),
            None => style.paint(Label::Dim, "not reached"),
        };
        format!("{}  {value}\n", pad(&text, width))
    });
    lines.collect()
}

fn collect(trace: &Trace, level: usize, rows: &mut Vec<(String, Option<String>)>) {
    let constant = trace.op == Op::Literal && level > 0;
    if !constant {
        let value = match &trace.reached {
            Reached::Value(value) => Some(shown(value)),
            Reached::No | Reached::NotYet => None,
        };
        rows.push((format!("{}{}", "  ".repeat(level), one_line(&trace.text)), value));
    }
    for operand in &trace.operands {
        collect(operand, level + 1, rows);
    }
}

/// A value as in GitHub's debug log, shortened.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Array(items) => format!("Array of {}", items.len()),
        Value::Object(members) => format!("Object of {}", members.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => one_line(&value.to_string()),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}
