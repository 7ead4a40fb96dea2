use wfrun_syntax::{Diagnostic, Place, Severity};

/// The findings as workflow commands, one a line: run inside a workflow, GitHub shows them at their places.
///
/// The place is the exact one; the help follows the message on a line of its own.
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message>
pub fn diagnostics_github(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().fold(String::new(), |mut lines, it| {
        lines.push_str(&command(it));
        lines.push('\n');
        lines
    })
}

fn command(diagnostic: &Diagnostic) -> String {
    let name = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let place = diagnostic.exact().as_ref().map(place).unwrap_or_default();
    let help = diagnostic.help.as_ref().map(|it| format!("\nhelp: {it}")).unwrap_or_default();
    let message = data(&format!("{}{help}", diagnostic.message));
    format!("::{name} {place}title={}::{message}", property(diagnostic.code.as_str()))
}

fn place(place: &Place) -> String {
    let (path, start, end) = (property(place.source.path()), place.start(), place.end());
    format!("file={path},line={},col={},endLine={},endColumn={},", start.line, start.col, end.line, end.col)
}

/// Source: actions/toolkit `packages/core/src/command.ts`, `escapeData`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Source: actions/toolkit `packages/core/src/command.ts`, `escapeProperty`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
