//! Annotations that steps make: by commands, and by lines that a matcher knows.
//!
//! Source: GitHub: execution rules E4.4.
use wfrun_journal::{Annotation, AnnotationLevel};

use super::Engine;
use super::lines::Origin;
use crate::Command;
use crate::matcher::Problem;

impl Engine {
    /// `::notice::`, `::warning::` or `::error::`.
    pub(super) fn issue(&mut self, from: &Origin, level: AnnotationLevel, command: &Command) {
        let mut annotation = self.annotation(&from.job, level, &command.data);
        let property = |name: &str| command.properties.get(name);
        let file = property("file").map(|it| self.in_workspace(from, it));
        annotation.file = file.map(|it| self.masker.mask(&it));
        annotation.title = property("title").map(|it| self.masker.mask(it));
        let number = |name: &str| property(name).and_then(|it| it.trim().parse().ok());
        (annotation.line, annotation.end_line) = (number("line"), number("endline"));
        (annotation.col, annotation.end_col) = (number("col"), number("endcolumn"));
        normalise(&mut annotation);
        self.emit_annotation(&from.job, annotation);
    }

    /// A line that a matcher knows is shown once, as a marked line, and annotated.
    pub(super) fn problem(&mut self, from: &Origin, level: AnnotationLevel, problem: &Problem, line: &str) {
        let digits = |it: &Option<String>| {
            let digits = it.as_deref().filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
            digits.and_then(|it| it.parse().ok())
        };
        let mut annotation = self.annotation(&from.job, level, problem.message.as_deref().unwrap_or_default());
        annotation.line = digits(&problem.line);
        annotation.col = digits(&problem.column);
        annotation.file = self.file_of(from, problem).map(|it| self.masker.mask(&it));
        let text = self.masker.mask(line).behind(marker(level));
        self.emit_lines(from, text);
        self.count_annotation(&from.job, annotation);
    }

    /// The file of a problem, as the repository names it.
    ///
    /// Differs: a problem's file need not be there nor be one of the workflow's repository; GitHub leaves it out then.
    fn file_of(&self, from: &Origin, problem: &Problem) -> Option<String> {
        let file = problem.file.as_deref().filter(|it| !it.trim().is_empty())?;
        let folder = problem.from_path.as_deref().and_then(|it| it.rsplit_once('/')).map(|(folder, _)| folder);
        let file = match folder.filter(|it| !it.trim().is_empty()) {
            Some(folder) if !file.starts_with('/') => format!("{folder}/{file}"),
            Some(_) | None => file.to_owned(),
        };
        Some(self.in_workspace(from, &without_detours(&file)))
    }

    /// A path below the workspace, relative to it; any other as it is.
    fn in_workspace(&self, from: &Origin, path: &str) -> String {
        let environment = self.jobs.get(&from.job).and_then(|it| it.environment.as_ref());
        let inside = environment.and_then(|it| path.strip_prefix(&it.layout.workspace)?.strip_prefix('/'));
        inside.unwrap_or(path).to_owned()
    }
}

/// How the log marks a line that is an annotation.
pub(super) fn marker(level: AnnotationLevel) -> &'static str {
    match level {
        AnnotationLevel::Notice => "##[notice]",
        AnnotationLevel::Warning => "##[warning]",
        AnnotationLevel::Error => "##[error]",
    }
}

/// `a/./b/../c` as `a/c`.
fn without_detours(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|it| !matches!(*it, "" | "..")) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Source: GitHub: execution rules E4.4, in its order.
fn normalise(it: &mut Annotation) {
    it.line = it.line.or(it.end_line);
    it.col = it.col.or(it.end_col);
    if it.line.is_none() || it.end_line.is_some_and(|end| Some(end) != it.line) {
        (it.col, it.end_col) = (None, None);
    }
    if it.end_line.is_some_and(|end| Some(end) < it.line) {
        (it.line, it.end_line) = (None, None);
    }
    if it.end_col.is_some_and(|end| Some(end) < it.col) {
        (it.col, it.end_col) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_without_detours() {
        for (path, expected) in
            [("a/./b/../c", "a/c"), ("../a", "../a"), ("/a/../../b", "/../b"), ("./a", "a"), ("/w/a.js", "/w/a.js")]
        {
            assert_eq!(without_detours(path), expected, "{path}");
        }
    }
}
