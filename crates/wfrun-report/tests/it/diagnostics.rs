use std::sync::Arc;

use insta::{assert_json_snapshot, assert_snapshot};
use wfrun_report::{Style, diagnostics_github, diagnostics_json, diagnostics_sarif, render_diagnostics};
use wfrun_syntax::{CodeInfo, Diagnostic, Severity, Source, Span};

const WORKFLOW: &str = "name: Prüfung\non: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    if: secrets.TOKEN != ''\n    steps:\n      - run: |\n          echo 1\n          echo 2\n  A:\n    runs-on: x\n";

fn source() -> Arc<Source> {
    Source::new(".github/workflows/deploy.yml", WORKFLOW)
}

/// The place of `text`, which the workflow has once.
fn span(text: &str) -> Span {
    let start = WORKFLOW.find(text).expect("the text is there");
    let at = |it: usize| u32::try_from(it).expect("a short text");
    Span::new(at(start), at(start + text.len()))
}

fn samples() -> Vec<Diagnostic> {
    let source = source();
    let other = Source::new("secrets.env", "TOKEN = x\n");
    vec![
        Diagnostic::error("expr/unknown-context", "context `secrets` is not available in `jobs.<job_id>.if`")
            .at(&source, span("secrets"))
            .label(&source, span("secrets"), "available here: github, inputs, needs, vars")
            .help("pass it through `env` and test that in a step"),
        Diagnostic::error("workflow/duplicate-key", "the key `A` is there twice, but for case")
            .at(&source, span("A:"))
            .label(&source, span("a:\n    runs"), "first here"),
        Diagnostic::warning("run/multi-line", "two lines")
            .at(&source, span("          echo 1\n          echo 2\n"))
            .label(&other, Span::new(0, 5), "and here: 100%, a:b"),
        Diagnostic::error("expr/unknown-function", "there is no function `foo`")
            .at(&source, span("|\n          echo 1\n          echo 2\n"))
            .focus(span("2\n  A"))
            .label(&source, span("2\n  A"), "here"),
        Diagnostic::note("cli/no-place", "there is no place").help("look elsewhere\nor nowhere"),
        Diagnostic::error("yaml/end", "beyond the end").at(&source, Span::new(9_000, 9_001)),
        Diagnostic::error("yaml/inside-a-character", "inside `ü`").at(&source, Span::new(9, 10)),
    ]
}

#[test]
fn on_a_terminal() {
    assert_snapshot!("diagnostics-100", render_diagnostics(&samples(), &Style::plain(100)));
    assert_snapshot!("diagnostics-40", render_diagnostics(&samples()[..2], &Style::plain(40)));
}

#[test]
fn colour_changes_no_word() {
    let plain = render_diagnostics(&samples(), &Style::plain(100));
    let painted = render_diagnostics(&samples(), &Style { color: true, ..Style::plain(100) });
    assert!(painted.contains('\u{1b}') && !plain.contains('\u{1b}'));
    let stripped = console::strip_ansi_codes(&painted);
    assert_eq!(stripped.lines().map(str::trim_end).collect::<Vec<_>>(), plain.lines().collect::<Vec<_>>());
}

#[test]
fn nothing_is_nothing() {
    assert_eq!(render_diagnostics(&[], &Style::plain(80)), "");
    assert_eq!(diagnostics_json(&[]).to_string(), r#"{"diagnostics":[]}"#);
    assert_eq!(diagnostics_github(&[]), "");
}

#[test]
fn as_json() {
    assert_json_snapshot!("diagnostics-json", diagnostics_json(&samples()));
}

#[test]
fn as_workflow_commands() {
    assert_snapshot!("diagnostics-github", diagnostics_github(&samples()));
}

#[test]
fn as_sarif() {
    let known = [CodeInfo {
        name: "expr/unknown-context",
        severity: Severity::Error,
        sentence: "A context is used where GitHub does not offer it.",
        advice: "Use one of those named in the message.",
    }];
    let log = diagnostics_sarif(&samples(), &known);
    assert_json_snapshot!("diagnostics-sarif", log, { ".runs[].tool.driver.version" => "VERSION" });
}

#[test]
fn sarif_addresses_are_uris() {
    let source = Source::new("a b/ä%#.yml", "x: 1\n");
    let log = diagnostics_sarif(&[Diagnostic::error("a/b", "c").at(&source, Span::new(0, 1))], &[]);
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%A4%25%23.yml");
}
