//! What has to be written down: the changelog, the licence.

use super::Finding;
use crate::tree::TextFile;

const CHANGELOG: &str = "CHANGELOG.md";

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
    findings
}

fn has_heading(changelog: &str, version: &str) -> bool {
    changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .any(|heading| heading.split([' ', '[', ']']).any(|word| word == version))
}

#[cfg(test)]
mod tests {
    use super::has_heading;

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
}
