use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use wfrun_syntax::{Diagnostic, Severity, Source, Span};

use crate::{Style, text::wrap};

/// Draws findings as rustc does: header, place, the lines with carets and labels, help; an empty line between two.
///
/// The exact part is underlined where there is one, else the place; of what spans several lines only the first is drawn.
/// One without a place is its header and help. Ends with a line break, unless there is nothing to draw.
pub fn render_diagnostics(diagnostics: &[Diagnostic], style: &Style) -> String {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(style.width);
    let drawn = diagnostics.iter().map(|it| {
        let help = it.help.as_deref().map(|text| wrapped(text, style.width));
        tidy(&renderer.render(&[group(it, help.as_deref())]))
    });
    drawn.collect::<Vec<_>>().join("\n")
}

/// A help broken into lines that fit behind `   = help: `.
fn wrapped(text: &str, width: usize) -> String {
    let lines = text.lines().flat_map(|line| wrap(line, width.saturating_sub(INDENT).max(40)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Columns in front of a help, where line numbers have up to three digits.
const INDENT: usize = 13;

fn group<'a>(diagnostic: &'a Diagnostic, help: Option<&'a str>) -> Group<'a> {
    let title = level(diagnostic.severity).primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    for snippet in snippets(diagnostic) {
        group = group.element(snippet);
    }
    match help {
        Some(help) => group.element(Level::HELP.message(help)),
        None => group,
    }
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

/// One snippet for each file, the one of the main place first.
fn snippets(diagnostic: &Diagnostic) -> Vec<Snippet<'_, Annotation<'_>>> {
    let main = diagnostic.place.as_ref().map(|it| (&it.source, diagnostic.focus.unwrap_or(it.span)));
    let labels = diagnostic.labels.iter().map(|it| (&it.place.source, it.place.span, it.text.as_str()));
    // Labels on the main place itself are that place's own text.
    let (own, others): (Vec<_>, Vec<_>) = labels.partition(|it| main == Some((it.0, it.1)));
    let main = main.map(|(source, span)| (source, span, AnnotationKind::Primary, own.first().map(|it| it.2)));
    let others = others.into_iter().map(|it| (it.0, it.1, AnnotationKind::Context, Some(it.2)));
    let mut files: Vec<(&Arc<Source>, Vec<Annotation<'_>>)> = Vec::new();
    for (source, span, kind, text) in main.into_iter().chain(others) {
        let annotation = kind.span(range(source, span)).label(text);
        match files.iter_mut().find(|(it, _)| Arc::ptr_eq(it, source)) {
            Some((_, annotations)) => annotations.push(annotation),
            None => files.push((source, vec![annotation])),
        }
    }
    let files = files.into_iter();
    files.map(|(source, all)| Snippet::source(source.text()).path(source.path()).annotations(all)).collect()
}

/// The bytes of a span on its first line, cut to whole characters within the text.
fn range(source: &Source, span: Span) -> Range<usize> {
    let text = source.text();
    let start = text.floor_char_boundary(span.range().start);
    let end = text.floor_char_boundary(span.range().end).max(start);
    // A whole mapping or script is known by its beginning.
    let inner = text.get(start..end).unwrap_or_default();
    start..start + inner.find(['\n', '\r']).unwrap_or(inner.len())
}

/// Without blanks at line ends, which no one sees and every diff shows; one line break at the end.
fn tidy(drawn: &str) -> String {
    drawn.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}
