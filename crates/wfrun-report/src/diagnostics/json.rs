use serde_json::{Value, json};
use wfrun_syntax::{Diagnostic, Place};

/// The findings as `wfrun check --json` prints them:
/// `{"diagnostics":[{"code","severity","message","path","line","col","end_line","end_col","focus","help"}]}`.
///
/// The place is what GitHub points at; `focus` is null or the exact part of it, `{"line","col","end_line","end_col"}`. Lines and columns count from 1, columns in characters; `end_col` is the column after the last character.
/// Without a place, `path` and the numbers are null.
pub fn diagnostics_json(diagnostics: &[Diagnostic]) -> Value {
    json!({ "diagnostics": diagnostics.iter().map(one).collect::<Vec<_>>() })
}

fn one(diagnostic: &Diagnostic) -> Value {
    let place = diagnostic.place.as_ref();
    let focus = diagnostic.focus.and(diagnostic.exact()).map(|it| {
        let (start, end) = (it.start(), it.end());
        json!({ "line": start.line, "col": start.col, "end_line": end.line, "end_col": end.col })
    });
    let (start, end) = (place.map(Place::start), place.map(Place::end));
    json!({
        "code": diagnostic.code.as_str(),
        "severity": diagnostic.severity.to_string(),
        "message": diagnostic.message,
        "path": place.map(|it| it.source.path()),
        "line": start.map(|it| it.line),
        "col": start.map(|it| it.col),
        "end_line": end.map(|it| it.line),
        "end_col": end.map(|it| it.col),
        "focus": focus,
        "help": diagnostic.help,
    })
}
