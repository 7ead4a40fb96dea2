use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use wfrun_syntax::{Diagnostic, Place, Severity, Source};

use crate::Style;

/// Draws findings as rustc does: header, place, the lines with carets and labels, help; an empty line between two.
///
/// One without a place is its header and help. Ends with a line break, unless there is nothing to draw.
pub fn render_diagnostics(diagnostics: &[Diagnostic], style: &Style) -> String {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(style.width);
    let drawn = diagnostics.iter().map(|it| tidy(&renderer.render(&[group(it)])));
    drawn.collect::<Vec<_>>().join("\n")
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let title = level(diagnostic.severity).primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    for snippet in snippets(diagnostic) {
        group = group.element(snippet);
    }
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
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
    let main = diagnostic.place.iter().map(|place| (place, AnnotationKind::Primary, None));
    let labels = diagnostic.labels.iter().map(|it| (&it.place, AnnotationKind::Context, Some(it.text.as_str())));
    let mut files: Vec<(&Arc<Source>, Vec<Annotation<'_>>)> = Vec::new();
    for (place, kind, text) in main.chain(labels) {
        let annotation = match (kind, same_place(diagnostic, place)) {
            // A label on the main place itself is that place's own text.
            (AnnotationKind::Primary, Some(text)) => kind.span(range(place)).label(text),
            (AnnotationKind::Context, Some(_)) => continue,
            _ => kind.span(range(place)).label(text),
        };
        match files.iter_mut().find(|(source, _)| Arc::ptr_eq(source, &place.source)) {
            Some((_, annotations)) => annotations.push(annotation),
            None => files.push((&place.source, vec![annotation])),
        }
    }
    let files = files.into_iter();
    files.map(|(source, all)| Snippet::source(source.text()).path(source.path()).annotations(all)).collect()
}

/// The text of the first label on the main place, if `place` is that place.
fn same_place<'a>(diagnostic: &'a Diagnostic, place: &Place) -> Option<&'a str> {
    let is_main = diagnostic.place.as_ref() == Some(place);
    let label = diagnostic.labels.iter().find(|it| is_main && &it.place == place)?;
    Some(&label.text)
}

/// The bytes of a place, cut to whole characters within the text.
fn range(place: &Place) -> Range<usize> {
    let text = place.source.text();
    let start = text.floor_char_boundary(place.span.range().start);
    let end = text.floor_char_boundary(place.span.range().end).max(start);
    // Line breaks at the end would draw a span over two lines where one is meant.
    let inner = text.get(start..end).unwrap_or_default();
    start..start + inner.trim_end_matches(['\n', '\r']).len()
}

/// Without blanks at line ends, which no one sees and every diff shows; one line break at the end.
fn tidy(drawn: &str) -> String {
    drawn.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}
