use std::fmt::Write as _;

use serde_json::{Value, json};
use wfrun_syntax::{CodeInfo, Diagnostic, Place, Severity};

/// The findings as a SARIF 2.1.0 log, as code scanning takes it; `known` describes the rules.
///
/// Places are the exact ones, labels are related locations, and the help follows the message on a line of its own.
/// Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>
pub fn diagnostics_sarif(diagnostics: &[Diagnostic], known: &[CodeInfo]) -> Value {
    let mut codes: Vec<&str> = diagnostics.iter().map(|it| it.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<_> = codes.iter().map(|code| rule(code, diagnostics, known)).collect();
    let results: Vec<_> = diagnostics.iter().map(|it| result(it, &codes)).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "wfrun", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &str, diagnostics: &[Diagnostic], known: &[CodeInfo]) -> Value {
    let info = known.iter().find(|it| it.name == code);
    let found = diagnostics.iter().filter(|it| it.code.as_str() == code).map(|it| it.severity).min();
    let severity = info.map(|it| it.severity).or(found).unwrap_or(Severity::Error);
    let mut rule = json!({"id": code, "defaultConfiguration": {"level": level(severity)}});
    for (key, text) in [("shortDescription", info.map(|it| it.sentence)), ("help", info.map(|it| it.advice))] {
        if let Some(text) = text.filter(|it| !it.is_empty()) {
            rule[key] = json!({ "text": text });
        }
    }
    rule
}

fn result(diagnostic: &Diagnostic, codes: &[&str]) -> Value {
    let code = diagnostic.code.as_str();
    let help = diagnostic.help.as_ref().map(|it| format!("\nhelp: {it}")).unwrap_or_default();
    let related = diagnostic.labels.iter().zip(1..).map(|(label, id)| {
        let mut place = location(&label.place);
        place["id"] = json!(id);
        place["message"] = json!({"text": label.text});
        place
    });
    json!({
        "ruleId": code,
        "ruleIndex": codes.binary_search(&code).ok(),
        "level": level(diagnostic.severity),
        "message": {"text": format!("{}{help}", diagnostic.message)},
        "locations": diagnostic.exact().iter().map(location).collect::<Vec<_>>(),
        "relatedLocations": related.collect::<Vec<_>>(),
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn location(place: &Place) -> Value {
    let (start, end) = (place.start(), place.end());
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(place.source.path())},
        "region": {
            "startLine": start.line, "startColumn": start.col, "endLine": end.line, "endColumn": end.col,
        },
    }})
}

/// A path as a relative reference. Source: RFC 3986, section 3.3.
fn uri(path: &str) -> String {
    path.bytes().fold(String::new(), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("a String takes all text");
        }
        uri
    })
}
