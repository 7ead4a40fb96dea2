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
        let mark = style.mark(if failed.is_empty() { Mark::Success } else { Mark::Failure });
        let passed = file.cases.len() - failed.len();
        let counts = match failed.len() {
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
    let label = if failed == 0 { Label::Success } else { Label::Failure };
    let counts = style.paint(label, &format!("{passed} passed, {failed} failed"));
    format!("{cases} in {files}: {counts} ({})", seconds(report.took))
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
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
            workflow: ".github/workflows/a.yml".to_owned(),
            cases: vec![case("good", vec![]), case("a push <to> dev", vec![failure])],
            took,
        };
        TestReport { files: vec![file], took }
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
