//! Problem matchers: from lines that tools print to annotations.
//!
//! Source: GitHub: execution rules E4.5 (actions/runner `IssueMatcher.cs`).
mod config;
mod pattern;

use std::sync::Arc;

use config::PatternConfig;
pub(crate) use config::{MatcherConfig, read_matchers};
use pattern::{Groups, TooMuch};

/// What a matcher found: in one line, or in several.
///
/// A part that no pattern names is none; one whose group took no part in the match is empty, and counts as found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) file: Option<String>,
    pub(crate) line: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) severity: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) from_path: Option<String>,
}

impl Problem {
    /// What was found earlier wins.
    fn of(earlier: Option<&Self>, pattern: &PatternConfig, groups: &Groups) -> Self {
        let part = |earlier: Option<&String>, group: Option<usize>| {
            earlier.cloned().or_else(|| group.and_then(|it| groups.get(it).cloned()))
        };
        Self {
            file: part(earlier.and_then(|it| it.file.as_ref()), pattern.file),
            line: part(earlier.and_then(|it| it.line.as_ref()), pattern.line),
            column: part(earlier.and_then(|it| it.column.as_ref()), pattern.column),
            severity: part(earlier.and_then(|it| it.severity.as_ref()), pattern.severity),
            code: part(earlier.and_then(|it| it.code.as_ref()), pattern.code),
            message: part(earlier.and_then(|it| it.message.as_ref()), pattern.message),
            from_path: part(earlier.and_then(|it| it.from_path.as_ref()), pattern.from_path),
        }
    }
}

/// A matcher at work on the lines of one stream.
#[derive(Debug)]
pub(crate) struct Matcher {
    pub(crate) config: Arc<MatcherConfig>,
    /// What the patterns before the last have found so far, each with all before it.
    found: Vec<Option<Problem>>,
}

impl Matcher {
    pub(crate) fn new(config: Arc<MatcherConfig>) -> Self {
        let mut matcher = Self { config, found: Vec::new() };
        matcher.reset();
        matcher
    }

    /// Forgets what it has found so far.
    pub(crate) fn reset(&mut self) {
        self.found = vec![None; self.config.patterns.len().saturating_sub(1)];
    }

    /// Takes the next line; gives back the problem that it completes.
    pub(crate) fn take(&mut self, line: &str) -> Result<Option<Problem>, TooMuch> {
        let config = Arc::clone(&self.config);
        let last = config.patterns.len().saturating_sub(1);
        // From the last to the first, so that one line can go on with one problem and begin another.
        for (at, pattern) in config.patterns.iter().enumerate().rev() {
            let before = at.checked_sub(1);
            let earlier = before.and_then(|it| self.found.get(it).cloned().flatten());
            if before.is_some() && earlier.is_none() {
                continue;
            }
            let found = pattern.regexp.find(line)?.map(|groups| Problem::of(earlier.as_ref(), pattern, &groups));
            if at < last {
                self.put(at, found);
                continue;
            }
            let Some(problem) = found else {
                self.put_before(at, None);
                continue;
            };
            self.reset();
            if pattern.is_loop {
                self.put_before(at, earlier);
            }
            return Ok(Some(config.with_defaults(problem)));
        }
        Ok(None)
    }

    fn put_before(&mut self, at: usize, found: Option<Problem>) {
        if let Some(before) = at.checked_sub(1) {
            self.put(before, found);
        }
    }

    fn put(&mut self, at: usize, found: Option<Problem>) {
        if let Some(place) = self.found.get_mut(at) {
            *place = found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(json: &str) -> Matcher {
        let mut configs = read_matchers(json).expect("a valid matcher");
        Matcher::new(Arc::new(configs.remove(0)))
    }

    /// Each line with the message and the file of the problem it completes.
    #[track_caller]
    fn check(json: &str, lines: &[(&str, Option<(&str, &str)>)]) {
        let mut matcher = matcher(json);
        for (line, expected) in lines {
            let problem = matcher.take(line).expect("it is simple");
            let found = problem.map(|it| (it.message.unwrap_or_default(), it.file.unwrap_or_default()));
            let found = found.as_ref().map(|(message, file)| (message.as_str(), file.as_str()));
            assert_eq!(found, *expected, "{line}");
        }
    }

    #[test]
    fn one_pattern() {
        let json = r#"{"problemMatcher": [{"owner": "tsc", "pattern": [
            {"regexp": "^(.+)\\((\\d+),(\\d+)\\): (error|warning) (TS\\d+): (.*)$", "file": 1, "line": 2, "column": 3,
             "severity": 4, "code": 5, "message": 6}]}]}"#;
        let problem = matcher(json).take("src/a.ts(3,7): error TS2304: Cannot find name 'x'.").expect("it is simple");
        let text = |it: &str| Some(it.to_owned());
        let expected = Problem {
            file: text("src/a.ts"),
            line: text("3"),
            column: text("7"),
            severity: text("error"),
            code: text("TS2304"),
            message: text("Cannot find name 'x'."),
            from_path: None,
        };
        assert_eq!(problem, Some(expected));
    }

    /// A file's name, then a line for each problem in it.
    const STYLISH: &str = r#"{"problemMatcher": [{"owner": "stylish", "severity": "warning", "pattern": [
        {"regexp": "^([^\\s].*)$", "file": 1},
        {"regexp": "^\\s+(\\d+):(\\d+)\\s+(error|warning)?\\s*(.*?)\\s\\s+(.*)$", "line": 1, "column": 2, "severity": 3,
         "message": 4, "code": 5, "loop": true}]}]}"#;

    #[test]
    fn a_loop_goes_on_until_a_line_fits_no_more() {
        check(
            STYLISH,
            &[
                ("src/a.js", None),
                ("  1:2  error  no semicolon  semi", Some(("no semicolon", "src/a.js"))),
                ("  3:4  warning  unused  no-unused", Some(("unused", "src/a.js"))),
                ("", None),
                ("  5:6  error  lost  semi", None),
                ("src/b.js", None),
                ("  7:8  error  again  semi", Some(("again", "src/b.js"))),
            ],
        );
    }

    #[test]
    fn an_empty_severity_is_the_default() {
        let mut matcher = matcher(STYLISH);
        assert_eq!(matcher.take("a.js"), Ok(None));
        let problem = matcher.take("  1:2    odd  rule").expect("it is simple").expect("a problem");
        assert_eq!(problem.severity.as_deref(), Some("warning"));
    }

    /// A trace: place first, message last, with a line between.
    const TRACE: &str = r#"{"problemMatcher": [{"owner": "trace", "pattern": [
        {"regexp": "^  File \"(.*)\", line (\\d+)", "file": 1, "line": 2},
        {"regexp": "^    (.*)$"},
        {"regexp": "^(\\w+Error: .*)$", "message": 1}]}]}"#;

    #[test]
    fn several_patterns_without_a_loop() {
        check(
            TRACE,
            &[
                ("  File \"a.py\", line 1", None),
                ("  File \"b.py\", line 2", None),
                ("    raise ValueError(1)", None),
                ("ValueError: 1", Some(("ValueError: 1", "b.py"))),
                ("ValueError: 2", None),
                ("  File \"c.py\", line 3", None),
                ("something else", None),
                ("    code", None),
                ("ValueError: 3", None),
            ],
        );
    }

    /// A line may go on with one problem and begin another.
    #[test]
    fn overlapping_sequences() {
        let json = r#"{"problemMatcher": [{"owner": "o", "pattern": [
            {"regexp": "^a?b?(\\d)$", "file": 1}, {"regexp": "^a?b(\\d)$"}, {"regexp": "^c(\\d)$", "message": 1}]}]}"#;
        check(json, &[("a1", None), ("ab2", None), ("ab3", None), ("c4", Some(("4", "2")))]);
    }

    #[test]
    fn what_was_found_first_wins_and_an_absent_group_is_empty() {
        let json = r#"{"problemMatcher": [{"owner": "o", "fromPath": "sub/x.csproj", "pattern": [
            {"regexp": "^(x)?(y)$", "file": 1}, {"regexp": "^(.*)$", "message": 1}]}]}"#;
        let mut matcher = matcher(json);
        assert_eq!(matcher.take("y"), Ok(None));
        let problem = matcher.take("text").expect("it is simple").expect("a problem");
        assert_eq!(problem.file.as_deref(), Some(""));
        assert_eq!(problem.from_path.as_deref(), Some("sub/x.csproj"));
    }

    /// GitHub means to take colours off a line before it is matched, and does not.
    #[test]
    fn colours_are_part_of_the_line() {
        let json = r#"{"problemMatcher": [{"owner": "o", "pattern": [{"regexp": "^E: (.*)$", "message": 1}]}]}"#;
        check(json, &[("\u{1b}[31mE: no", None), ("E: yes", Some(("yes", "")))]);
    }
}
