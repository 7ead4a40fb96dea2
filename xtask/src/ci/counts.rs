//! How many tests ran, and what they said they left out.

use std::fmt;

/// The tally of one stage.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) run: usize,
    pub(super) failed: usize,
    /// Not run at all: `#[ignore]`. `None` where the report does not tell.
    pub(super) ignored: Option<usize>,
    /// The lines of tests that return early because the machine lacks something: `skipped: …`.
    pub(super) left_out: Vec<String>,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, failed, ignored, left_out } = self;
        write!(f, "{run} run, {failed} failed")?;
        if let Some(ignored) = ignored {
            write!(f, ", {ignored} ignored")?;
        }
        write!(f, ", {} left something out", left_out.len())
    }
}

/// Counts in the report that nextest writes.
pub(super) fn of_junit(report: &str) -> Counts {
    let attribute = |name: &str| {
        let (_, after) = report.split_once(&format!(" {name}=\""))?;
        after.split('"').next()?.parse().ok()
    };
    let run = attribute("tests").unwrap_or_default();
    let failed = attribute("failures").unwrap_or_default() + attribute("errors").unwrap_or_default();
    Counts { run, failed, ignored: attribute("skipped"), left_out: skipped_lines(report) }
}

/// Counts in the output of `cargo test`, which has a result line for each binary.
pub(super) fn of_cargo_test(output: &str) -> Counts {
    let mut counts = Counts { left_out: skipped_lines(output), ..Counts::default() };
    for line in output.lines().filter_map(|line| line.strip_prefix("test result: ")) {
        let number = |word: &str| {
            let before = line.split(word).next()?.trim_end();
            before.rsplit(' ').next()?.parse::<usize>().ok()
        };
        let (passed, failed) = (number("passed;").unwrap_or_default(), number("failed;").unwrap_or_default());
        counts.run += passed + failed;
        counts.failed += failed;
        *counts.ignored.get_or_insert(0) += number("ignored;").unwrap_or_default();
    }
    counts
}

/// The lines by which a test says what it left out; in a report they may stand between tags.
fn skipped_lines(text: &str) -> Vec<String> {
    const MARK: &str = "skipped: ";
    let starts_line = |line: &str, at: usize| at == 0 || line[..at].ends_with('>');
    let of_line = |line: &str| {
        let (at, _) = line.match_indices(MARK).find(|(at, _)| starts_line(line, *at))?;
        line[at..].split("</").next().map(str::to_owned)
    };
    text.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::{Counts, of_cargo_test, of_junit};

    #[test]
    fn of_nextest() {
        let report = "<?xml version=\"1.0\"?>\n<testsuites name=\"ci\" tests=\"4\" skipped=\"2\" failures=\"1\" errors=\"0\" uuid=\"x\">\n<testcase name=\"a\">\n<system-out>\nrunning 1 test\nskipped: no engine answers\n</system-out><system-err>skipped: no image</system-err>\n";
        let left_out = vec!["skipped: no engine answers".to_owned(), "skipped: no image".to_owned()];
        assert_eq!(of_junit(report), Counts { run: 4, failed: 1, ignored: Some(2), left_out });
        assert_eq!(of_junit(""), Counts::default());
    }

    #[test]
    fn of_cargo() {
        let output = "skipped: no engine answers\n\
            test result: ok. 16 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s\n";
        let left_out = vec!["skipped: no engine answers".to_owned()];
        assert_eq!(of_cargo_test(output), Counts { run: 21, failed: 2, ignored: Some(1), left_out });
    }
}
