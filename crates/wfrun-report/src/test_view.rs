//! What came of workflow unit tests, for people.
use std::time::Duration;

use crate::Style;
use crate::test_report::{TestCaseReport, TestReport, headline};
use crate::text::{count, one_line, wrap};
use crate::theme::{Label, Mark};

/// A line for each file, the failing cases with their explanations below it, and a summary. Ends with a line break.
pub fn test_text(report: &TestReport, style: &Style) -> String {
    let style = *style;
    let mut lines = Vec::new();
    for file in &report.files {
        let failed: Vec<&TestCaseReport> = file.cases.iter().filter(|it| !it.failures.is_empty()).collect();
        let is_good = failed.is_empty() && file.errors.is_empty();
        let mark = style.mark(if is_good { Mark::Success } else { Mark::Failure });
        let passed = file.cases.len() - failed.len();
        let counts = match failed.len() {
            _ if file.cases.is_empty() && !is_good => "invalid".to_owned(),
            0 => format!("{passed} passed"),
            failed => format!("{failed} failed, {passed} passed"),
        };
        lines.push(format!("{mark} {}  {counts}", one_line(&file.path)));
        for case in failed {
            lines.extend(case_lines(case, style));
        }
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(summary(report, style));
    lines.into_iter().map(|it| it + "\n").collect()
}

fn case_lines(case: &TestCaseReport, style: Style) -> Vec<String> {
    let mut lines =
        vec![format!("  {} {}", style.mark(Mark::Failure), style.paint(Label::Heading, &one_line(&case.name)))];
    for failure in &case.failures {
        lines.push(format!("      {}", one_line(&headline(failure))));
        let reason = failure.reason.as_deref().unwrap_or_default();
        let broken = wrap(&one_line(reason), style.width.saturating_sub(8).max(20));
        lines.extend(broken.iter().filter(|it| !it.is_empty()).map(|it| format!("        {it}")));
    }
    lines
}

/// `3 cases in 1 file: 2 passed, 1 failed (0.004 s)`
fn summary(report: &TestReport, style: Style) -> String {
    let (passed, failed) = (report.passed(), report.failed());
    let cases = count(passed + failed, "case", "cases");
    let files = count(report.files.len(), "file", "files");
    let invalid = report.invalid();
    let label = if failed + invalid == 0 { Label::Success } else { Label::Failure };
    let more =
        if invalid == 0 { String::new() } else { format!(", {}", count(invalid, "invalid file", "invalid files")) };
    let counts = style.paint(label, &format!("{passed} passed, {failed} failed{more}"));
    format!("{cases} in {files}: {counts} ({})", seconds(report.took))
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use wfrun_syntax::{Diagnostic, Source, Span};

    use super::*;
    use crate::{TestFailure, TestFileReport, test_json, test_junit};

    fn report() -> TestReport {
        let took = Duration::from_micros(1500);
        let failure = TestFailure {
            expectation: "jobs.deploy".to_owned(),
            expected: "runs".to_owned(),
            actual: "skipped".to_owned(),
            reason: Some("because github.ref == 'refs/heads/main' is false & \"<more>\"\u{1b}".to_owned()),
        };
        let case = |name: &str, failures| TestCaseReport { name: name.to_owned(), failures, took };
        let file = TestFileReport {
            path: "a.wftest.yml".to_owned(),
            workflow: Some(".github/workflows/a.yml".to_owned()),
            errors: vec![],
            cases: vec![case("good", vec![]), case("a push <to> dev", vec![failure])],
            took,
        };
        let source = Source::new("bad.wftest.yml", "cases: <&>\n");
        let error = Diagnostic::error("wftest/wrong-kind", "`cases` is <no> list");
        let error = error.at(&source, Span::new(7, 10)).help("write a list");
        let bad = TestFileReport {
            path: "bad.wftest.yml".to_owned(),
            workflow: None,
            errors: vec![error],
            cases: vec![],
            took,
        };
        TestReport { files: vec![file, bad], took }
    }

    #[test]
    fn for_people() {
        insta::assert_snapshot!(test_text(&report(), &Style::plain(60)));
    }

    #[test]
    fn as_junit_escaped() {
        insta::assert_snapshot!(test_junit(&report()));
    }

    #[test]
    fn as_json() {
        insta::assert_snapshot!(format!("{:#}", test_json(&report())));
    }
}
