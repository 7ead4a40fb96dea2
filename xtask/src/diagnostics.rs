//! The codes of diagnostics, their pages in `docs/diagnostics/`, and what is made of both.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::tidy::Finding;
use crate::tree::TextFile;

/// The index of all pages.
pub(crate) const INDEX: &str = "docs/diagnostics/README.md";
/// The table that the program carries.
pub(crate) const TABLE: &str = "src/codes.rs";

/// The first words of codes. Any literal `"area/name"` of these areas is a code.
const AREAS: [&str; 32] = [
    "action", "aws", "backend", "cache", "check", "cli", "context", "expr", "file", "git", "if", "input", "inputs",
    "job", "matrix", "needs", "on", "outputs", "plan", "run", "runs-on", "secret", "shell", "steps", "trigger", "uses",
    "var", "vendor", "wfrun", "wftest", "workflow", "yaml",
];

/// Areas whose codes may lack a page for now.
const PENDING_AREAS: [&str; 0] = [];

/// Literals that look like codes and are paths.
const PATHS: [&str; 1] = ["run/lock"];

/// Crates that make no findings: what looks like a code there is GitHub's name of an operation.
const WITHOUT_CODES: [&str; 1] = ["crates/wfrun-services/"];

/// The calls whose first argument is a diagnostic's code.
const CODE_CALLS: [&str; 5] =
    ["Code::new(", "Code::from(", "Diagnostic::error(", "Diagnostic::warning(", "Diagnostic::note("];

const INDEX_HEAD: &str = "\
# Diagnostics

Every finding has a code, `area/name`. These are all of them; each has a page with an example and the way out. Warnings and
notes can be silenced in the file: [check/unused-allow](check/unused-allow.md) says how. This page is made by
`cargo xtask gen`.

| code | | meaning |
|---|---|---|
";

const TABLE_HEAD: &str = "\
//! All codes of diagnostics, made of the sources and of `docs/diagnostics/` by `cargo xtask gen`.
use wfrun_syntax::{CodeInfo, Severity};

/// All codes, in order.
#[rustfmt::skip]
pub(crate) const CODES: &[CodeInfo] = &[
";

/// What the page of a code says of it.
struct Page {
    severity: &'static str,
    sentence: String,
    advice: String,
}

/// A code in the sources.
struct Use<'a> {
    /// A file that uses it.
    path: &'a str,
    severity: &'static str,
}

/// What is wrong with codes and pages.
pub(crate) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let codes = codes(files);
    for (code, used) in &codes {
        let area = code.split('/').next().unwrap_or_default();
        if !AREAS.contains(&area) {
            let message = format!("the area of `{code}` is new: add it to AREAS in xtask/src/diagnostics.rs");
            findings.push(Finding::error(used.path, message));
        }
        let path = page_path(code);
        match files.iter().find(|it| it.path == path) {
            None if PENDING_AREAS.contains(&area) => {}
            None => findings.push(Finding::error(path, format!("is missing, the page of a code in {}", used.path))),
            Some(file) => {
                if let Err(message) = page(code, &file.text) {
                    findings.push(Finding::error(path, message));
                }
            }
        }
    }
    let pages =
        files.iter().filter_map(|it| Some((it, it.path.strip_prefix("docs/diagnostics/")?.strip_suffix(".md")?)));
    let strays = pages.filter(|(file, code)| file.path != INDEX && !codes.contains_key(*code));
    findings.extend(
        strays.map(|(file, code)| Finding::error(&file.path, format!("is the page of `{code}`, which no source uses"))),
    );
    findings
}

/// The index, and the table for the program.
pub(crate) fn generated(files: &[TextFile]) -> [(&'static str, String); 2] {
    let (mut index, mut table) = (INDEX_HEAD.to_owned(), TABLE_HEAD.to_owned());
    for (code, used) in codes(files) {
        let page = files.iter().find(|it| it.path == page_path(code)).and_then(|it| page(code, &it.text).ok());
        let (severity, sentence, advice) = match &page {
            Some(it) => (it.severity, it.sentence.as_str(), it.advice.as_str()),
            None => (used.severity, "", ""),
        };
        if page.is_some() {
            writeln!(index, "| [{code}]({code}.md) | {severity} | {sentence} |").expect("a String takes all text");
        } else {
            writeln!(index, "| {code} | {severity} | |").expect("a String takes all text");
        }
        let variant = match severity {
            "warning" => "Warning",
            "note" => "Note",
            _ => "Error",
        };
        writeln!(
            table,
            "    CodeInfo {{ name: {code:?}, severity: Severity::{variant}, sentence: {sentence:?}, advice: {advice:?} }},"
        )
        .expect("a String takes all text");
    }
    [(INDEX, index), (TABLE, table + "];\n")]
}

fn page_path(code: &str) -> String {
    format!("docs/diagnostics/{code}.md")
}

/// Reads a page: `# area/name`, then `**Error.** One sentence.`, and a section `What to do`.
fn page(code: &str, text: &str) -> Result<Page, String> {
    let title = format!("# {code}");
    let body = text.strip_prefix(&title).and_then(|it| it.strip_prefix("\n\n"));
    let body = body.ok_or_else(|| format!("must begin with `{title}` and an empty line"))?;
    let first = paragraph(body);
    let kinds = [("**Error.** ", "error"), ("**Warning.** ", "warning"), ("**Note.** ", "note")];
    let found = kinds.iter().find_map(|(mark, severity)| Some((*severity, first.strip_prefix(mark)?.to_owned())));
    let (severity, sentence) =
        found.ok_or("says in its first paragraph `**Error.**`, `**Warning.**` or `**Note.**`, and what it means")?;
    let advice = text.split("\n## What to do\n\n").nth(1).ok_or("has no section `## What to do`")?;
    let is_file = text.contains("\n## Example\n\n```") && text.contains("\n## Message\n\n```text\n");
    if !is_file && !text.contains("\nNot from a file: ") {
        return Err(
            "has neither `## Example` and `## Message` nor a line `Not from a file: ` with the reason".to_owned()
        );
    }
    Ok(Page { severity, sentence, advice: paragraph(advice) })
}

/// The first paragraph as one line.
fn paragraph(text: &str) -> String {
    text.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// All diagnostic codes in the sources, `area/name`. Tests may invent codes.
fn codes(files: &[TextFile]) -> BTreeMap<&str, Use<'_>> {
    let sources = files.iter().filter(|it| {
        it.is_rust()
            && it.path.contains("src/")
            && !it.path.starts_with("xtask/")
            && !WITHOUT_CODES.iter().any(|krate| it.path.starts_with(krate))
            && !it.path.ends_with("/tests.rs")
            && it.path != TABLE
    });
    let mut codes = BTreeMap::new();
    for file in sources {
        let code = file.text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for (at, literal) in literals(code) {
            let before = code[..at].trim_end();
            let line_start = code[..at].rfind('\n').map_or(0, |it| it + 1);
            // Examples in docstrings are no uses.
            let in_comment = code[line_start..at].trim_start().starts_with("//");
            let area = literal.split('/').next().unwrap_or_default();
            let is_meant = AREAS.contains(&area) || CODE_CALLS.iter().any(|call| before.ends_with(call));
            if !in_comment && is_code(literal) && is_meant && !PATHS.contains(&literal) {
                let severity = match before {
                    it if it.ends_with("warning(") => "warning",
                    it if it.ends_with("note(") => "note",
                    _ => "error",
                };
                codes.entry(literal).or_insert(Use { path: &file.path, severity });
            }
        }
    }
    codes
}

/// What stands between two quotes on one line, and where its first quote is; some of it is what is between literals.
fn literals(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.match_indices('"').filter_map(|(at, _)| {
        let rest = &code[at + 1..];
        let end = rest.find(['"', '\n'])?;
        Some((at, &rest[..end]))
    })
}

fn is_code(text: &str) -> bool {
    let part =
        |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-');
    text.split_once('/').is_some_and(|(area, name)| part(area) && part(name))
}

#[cfg(test)]
mod tests {
    use super::{INDEX, TABLE, check, codes, generated};
    use crate::tree::TextFile;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn page(code: &str) -> TextFile {
        let text =
            format!("# {code}\n\n**Warning.** It is\nso.\n\nNot from a file: why.\n\n## What to do\n\nDo \"it\".\n");
        file(&format!("docs/diagnostics/{code}.md"), &text)
    }

    fn findings(files: &[TextFile]) -> Vec<String> {
        check(files).into_iter().map(|it| format!("{}: {}", it.place, it.message)).collect()
    }

    #[test]
    fn codes_in_use() {
        let text = "/// Diagnostic::error(\"doc/example\")\nDiagnostic::error(\n    \"yaml/tab\", x)\nCode::new(\"new/area\") Code::new(name) Diagnostic::note(\"plain\") explained(\"yaml/b\") (\"other/thing\")\ncursor.warning(\"expr/c\")\n#[cfg(test)]\nmod tests { Code::new(\"test/only\") }";
        let services = "route(\"git/get-ref\")";
        let files = [file("crates/x/src/a.rs", text), file("crates/wfrun-services/src/a.rs", services)];
        let found: Vec<_> = codes(&files).into_iter().map(|(code, it)| (code, it.severity)).collect();
        let expected = [("expr/c", "warning"), ("new/area", "error"), ("yaml/b", "error"), ("yaml/tab", "error")];
        assert_eq!(found, expected);
    }

    #[test]
    fn codes_and_pages_belong_together() {
        let source = |codes: &str| file("src/a.rs", codes);
        assert_eq!(findings(&[source("f(\"cli/a\")"), page("cli/a")]), [""; 0]);
        assert_eq!(
            findings(&[source("f(\"cli/a\")")]),
            ["docs/diagnostics/cli/a.md: is missing, the page of a code in src/a.rs"]
        );
        assert_eq!(
            findings(&[page("cli/a"), file(INDEX, "")]),
            ["docs/diagnostics/cli/a.md: is the page of `cli/a`, which no source uses"]
        );
        assert_eq!(
            findings(&[source("Code::new(\"new/a\")"), page("new/a")]),
            ["src/a.rs: the area of `new/a` is new: add it to AREAS in xtask/src/diagnostics.rs"]
        );
        for broken in [
            "# cli/b\n",
            "# cli/a\n\nIt is so.\n",
            "# cli/a\n\n**Note.** So.\n",
            "# cli/a\n\n**Note.** So.\n\n## What to do\n\nNothing.\n",
        ] {
            assert_eq!(
                findings(&[source("f(\"cli/a\")"), file("docs/diagnostics/cli/a.md", broken)]).len(),
                1,
                "{broken}"
            );
        }
    }

    #[test]
    fn index_and_table() {
        let files = [file("src/a.rs", "f(\"cli/a\") note(\"expr/b\")"), page("cli/a")];
        let [(INDEX, index), (TABLE, table)] = generated(&files) else { panic!("two files") };
        assert!(index.ends_with("| [cli/a](cli/a.md) | warning | It is so. |\n| expr/b | note | |\n"), "{index}");
        assert!(table.contains("CodeInfo { name: \"cli/a\", severity: Severity::Warning, sentence: \"It is so.\", advice: \"Do \\\"it\\\".\" },"), "{table}");
    }
}
