//! What has to be written down: the changelog, and a page for each diagnostic.

use std::collections::BTreeMap;

use super::Finding;
use crate::tree::TextFile;

const CHANGELOG: &str = "CHANGELOG.md";

/// The calls whose first argument is a diagnostic's code.
const CODE_CALLS: [&str; 5] =
    ["Code::new(", "Code::from(", "Diagnostic::error(", "Diagnostic::warning(", "Diagnostic::note("];

/// Checks the documents that are written by hand.
pub(super) fn check(files: &[TextFile], version: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let changelog = files.iter().find(|it| it.path == CHANGELOG);
    if !changelog.is_some_and(|it| has_heading(&it.text, version)) {
        findings.push(Finding::error(CHANGELOG, format!("has no heading for {version}: `## {version}`")));
    }
    if !files.iter().any(|it| it.path == "LICENSE") {
        findings.push(Finding::error("LICENSE", "is missing"));
    }
    let has_page = |code: &str| files.iter().any(|it| it.path == format!("docs/diagnostics/{code}.md"));
    let without: Vec<&str> = codes(files).into_keys().filter(|code| !has_page(code)).collect();
    if !without.is_empty() {
        let codes = without.join(", ");
        findings.push(Finding::note(
            "docs/diagnostics",
            format!("{} diagnostics have no page <area>/<name>.md: {codes}", without.len()),
        ));
    }
    findings
}

fn has_heading(changelog: &str, version: &str) -> bool {
    changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .any(|heading| heading.split([' ', '[', ']']).any(|word| word == version))
}

/// All diagnostic codes in the sources, `area/name`, with a file that uses each. Tests may invent codes.
fn codes(files: &[TextFile]) -> BTreeMap<&str, &str> {
    let sources = files.iter().filter(|it| {
        it.is_rust() && it.path.contains("src/") && !it.path.starts_with("xtask/") && !it.path.ends_with("/tests.rs")
    });
    let mut codes = BTreeMap::new();
    for file in sources {
        let code = file.text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        // Examples in docstrings are no uses.
        let calls = CODE_CALLS
            .iter()
            .flat_map(|call| code.match_indices(call).map(|(at, call)| (at, &code[at + call.len()..])));
        for (at, arguments) in calls {
            let line_start = code[..at].rfind('\n').map_or(0, |it| it + 1);
            let in_comment = code[line_start..at].trim_start().starts_with("//");
            let literal = arguments.trim_start().strip_prefix('"').and_then(|it| it.split('"').next());
            if let Some(literal) = literal.filter(|it| !in_comment && is_code(it)) {
                codes.entry(literal).or_insert(file.path.as_str());
            }
        }
    }
    codes
}

fn is_code(text: &str) -> bool {
    let part =
        |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-');
    text.split_once('/').is_some_and(|(area, name)| part(area) && part(name))
}

#[cfg(test)]
mod tests {
    use super::{codes, has_heading};
    use crate::tree::TextFile;

    #[test]
    fn headings() {
        for (text, expected) in [
            ("## 0.1.0\n", true),
            ("# Changes\n\n## [0.1.0] - 2026-01-01\n", true),
            ("## 0.1.0-rc1\n", false),
            ("0.1.0\n", false),
            ("## Unreleased\n", false),
        ] {
            assert_eq!(has_heading(text, "0.1.0"), expected, "{text}");
        }
    }

    #[test]
    fn codes_in_use() {
        let text = "/// Diagnostic::error(\"doc/example\")\nDiagnostic::error(\n    \"yaml/tab\", x)\nCode::new(\"expr/unknown-context\") Code::new(name) Diagnostic::note(\"plain\")\n#[cfg(test)]\nmod tests { Code::new(\"test/only\") }";
        let files = [TextFile { path: "crates/x/src/a.rs".to_owned(), text: text.to_owned() }];
        assert_eq!(codes(&files).into_keys().collect::<Vec<_>>(), ["expr/unknown-context", "yaml/tab"]);
    }
}
