//! What came of workflow unit tests, for programs.
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value as Json, json};
use wfrun_syntax::Diagnostic;

use crate::diagnostics_json;

/// What came of all test files.
#[derive(Debug, Clone, Default)]
pub struct TestReport {
    /// The files, in order.
    pub files: Vec<TestFileReport>,
    /// How long all of it took.
    pub took: Duration,
}

/// What came of one test file.
#[derive(Debug, Clone)]
pub struct TestFileReport {
    /// The file.
    pub path: String,
    /// The workflow that it is about; none where the file does not tell.
    pub workflow: Option<String>,
    /// Why the file or its workflow is invalid, where that is so: then its cases are not known, or fail.
    pub errors: Vec<Diagnostic>,
    /// Its cases, in order.
    pub cases: Vec<TestCaseReport>,
    /// How long reading and running it took, in the time of one processor.
    pub took: Duration,
}

/// What came of one case.
#[derive(Debug, Clone)]
pub struct TestCaseReport {
    /// Its name.
    pub name: String,
    /// The expectations that do not hold; none where the case passes.
    pub failures: Vec<TestFailure>,
    /// How long it took.
    pub took: Duration,
}

/// An expectation that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFailure {
    /// As it is written: `jobs.build-and-deploy`.
    pub expectation: String,
    /// What was expected.
    pub expected: String,
    /// What came of it.
    pub actual: String,
    /// Why, in one sentence, where there is more to say.
    pub reason: Option<String>,
}

impl TestReport {
    /// How many cases pass.
    pub fn passed(&self) -> usize {
        self.cases().filter(|it| it.failures.is_empty()).count()
    }

    /// How many cases fail.
    pub fn failed(&self) -> usize {
        self.cases().count() - self.passed()
    }

    /// How many files are invalid.
    pub fn invalid(&self) -> usize {
        self.files.iter().filter(|it| !it.errors.is_empty()).count()
    }

    fn cases(&self) -> impl Iterator<Item = &TestCaseReport> {
        self.files.iter().flat_map(|it| &it.cases)
    }
}

/// The report as `wfrun test --json` prints it.
pub fn test_json(report: &TestReport) -> Json {
    let failure = |it: &TestFailure| json!({"expectation": it.expectation, "expected": it.expected, "actual": it.actual, "reason": it.reason});
    let case = |it: &TestCaseReport| {
        let failures: Vec<Json> = it.failures.iter().map(failure).collect();
        json!({"name": it.name, "passed": it.failures.is_empty(), "failures": failures})
    };
    let file = |it: &TestFileReport| {
        let cases: Vec<Json> = it.cases.iter().map(case).collect();
        let mut file = json!({"path": it.path, "workflow": it.workflow, "cases": cases});
        // The same list as `wfrun check --json` prints.
        if let (Some(file), Json::Object(errors)) = (file.as_object_mut(), diagnostics_json(&it.errors)) {
            file.extend(errors);
        }
        file
    };
    let files: Vec<Json> = report.files.iter().map(file).collect();
    json!({"files": files, "passed": report.passed(), "failed": report.failed(), "invalid": report.invalid()})
}

/// The report as XML of the `JUnit` kind: a suite for each file.
pub fn test_junit(report: &TestReport) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (errors, failures) = (report.invalid(), report.failed());
    let tests = report.passed() + failures + errors;
    let time = seconds(report.took);
    push(
        &mut xml,
        format_args!(
            "<testsuites name=\"wfrun test\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{time}\">\n"
        ),
    );
    for file in &report.files {
        let failures = file.cases.iter().filter(|it| !it.failures.is_empty()).count();
        let errors = usize::from(!file.errors.is_empty());
        let (path, tests, time) = (escaped(&file.path), file.cases.len() + errors, seconds(file.took));
        push(
            &mut xml,
            format_args!(
                "  <testsuite name=\"{path}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" time=\"{time}\">\n"
            ),
        );
        for case in &file.cases {
            test_case(&mut xml, file.workflow.as_deref().unwrap_or(&file.path), case);
        }
        invalid_file(&mut xml, file);
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn test_case(xml: &mut String, workflow: &str, case: &TestCaseReport) {
    let (name, class, time) = (escaped(&case.name), escaped(workflow), seconds(case.took));
    push(xml, format_args!("    <testcase name=\"{name}\" classname=\"{class}\" time=\"{time}\""));
    if case.failures.is_empty() {
        xml.push_str("/>\n");
        return;
    }
    xml.push_str(">\n");
    for failure in &case.failures {
        let message = escaped(&headline(failure));
        let reason = escaped(failure.reason.as_deref().unwrap_or_default());
        push(xml, format_args!("      <failure message=\"{message}\" type=\"expectation\">{reason}</failure>\n"));
    }
    xml.push_str("    </testcase>\n");
}

/// A file that is invalid is a case of its own, which has no end.
fn invalid_file(xml: &mut String, file: &TestFileReport) {
    if file.errors.is_empty() {
        return;
    }
    let path = escaped(&file.path);
    push(xml, format_args!("    <testcase name=\"the file is valid\" classname=\"{path}\" time=\"0.000000\">\n"));
    for error in &file.errors {
        let (message, code) = (escaped(&error.message), escaped(error.code.as_str()));
        let place = error.place.as_ref().map(ToString::to_string);
        let more = [place, error.help.clone()].into_iter().flatten().collect::<Vec<_>>().join(": ");
        push(xml, format_args!("      <error message=\"{message}\" type=\"{code}\">{}</error>\n", escaped(&more)));
    }
    xml.push_str("    </testcase>\n");
}

/// `jobs.deploy: expected runs, got skipped`
pub(crate) fn headline(failure: &TestFailure) -> String {
    let shown = |it: &str| if it.is_empty() { "nothing".to_owned() } else { it.to_owned() };
    let (expected, actual) = (shown(&failure.expected), shown(&failure.actual));
    format!("{}: expected {expected}, got {actual}", failure.expectation)
}

fn push(xml: &mut String, text: std::fmt::Arguments<'_>) {
    // A String takes all text.
    xml.write_fmt(text).unwrap_or_default();
}

fn seconds(time: Duration) -> String {
    format!("{:.6}", time.as_secs_f64())
}

/// A text in XML 1.0, where most control characters may not stand at all.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => push(&mut out, format_args!("&#{};", u32::from(it))),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(it),
        }
    }
    out
}
