//! Text to a tree: the events of `granit-parser`, composed here because places, duplicate keys and limits need it.

mod compose;
mod input;
mod scalar;
mod scan_error;

use std::sync::Arc;

use granit_parser::{Event, Parser};

use crate::{Checked, Diagnostic, Node, NodeKind, Source, Span, source::to_u32};

/// Longest file on github.com, in UTF-16 units.
pub const MAX_LENGTH: usize = 1_048_576;

/// Reads the one YAML document of a file, whose root is a mapping.
///
/// Never fails and never panics: what is wrong stands in the diagnostics, and if nothing can be made of the text the value is `None`.
/// An empty file is a null node. Scalars are typed as GitHub types them; keys that are equal ignoring case are reported
/// and the second is dropped; an alias shares the anchored node; `<<` is a key like any other.
/// Source: GitHub: planning rules P1.1 to P1.3.
pub fn parse(source: &Arc<Source>) -> Checked<Option<Node>> {
    parse_up_to(source, MAX_LENGTH)
}

/// Reads a file as [`parse`] does, with another limit for its length, in UTF-16 units.
pub fn parse_up_to(source: &Arc<Source>, max_length: usize) -> Checked<Option<Node>> {
    match read(source, max_length) {
        Ok(checked) => checked.map(Some),
        Err(diagnostics) => Checked { value: None, diagnostics },
    }
}

fn read(source: &Arc<Source>, max_length: usize) -> Result<Checked<Node>, Vec<Diagnostic>> {
    check_text(source, max_length).map_err(|it| vec![it])?;
    let mut composer = compose::Composer::new(source);
    let mut done = false;
    for event in events(source) {
        let (event, place) = match event {
            Ok(it) => it,
            Err(error) => return Err(composer.fail(scan_error::explain(source, &error, done))),
        };
        let span = to_span(&place);
        if done && matches!(event, Event::DocumentStart(..)) {
            let found = Diagnostic::error("yaml/second-document", "the file holds more than one YAML document");
            let help =
                "GitHub reads exactly one document: remove `---` and what follows, or put it in a file of its own";
            return Err(composer.fail(found.at(source, span).help(help)));
        }
        done |= matches!(event, Event::DocumentEnd);
        if let Err(found) = composer.accept(event, span, place.tag_start().and_then(|it| it.byte_offset())) {
            return Err(composer.fail(*found));
        }
    }
    let Checked { value: root, mut diagnostics } = composer.finish();
    if let Some(found) = check_root(source, &root) {
        diagnostics.push(found);
        return Err(diagnostics);
    }
    Ok(Checked { value: root, diagnostics })
}

/// Returns what a text consists of, scanned as GitHub does.
pub(crate) fn events(source: &Source) -> Parser<'_, input::LikeGitHub<'_>> {
    Parser::new(input::LikeGitHub::new(source.text()))
}

pub(crate) fn to_span(place: &granit_parser::Span) -> Span {
    // Parsing a `str`, every place has its byte offset.
    let byte = |it: &granit_parser::Marker| to_u32(it.byte_offset().unwrap_or_default());
    let start = byte(&place.start);
    Span::new(start, byte(&place.end).max(start))
}

fn check_text(source: &Arc<Source>, max_length: usize) -> Result<(), Diagnostic> {
    let text = source.text();
    if text.len() > max_length && text.encode_utf16().count() > max_length {
        let message = format!("{}: The maximum file size of {max_length} characters has been exceeded", source.path());
        return Err(Diagnostic::error("yaml/too-large", message).help("move parts into reusable workflows or scripts"));
    }
    let forbidden = |it: char| it.is_control() && !matches!(it, '\t' | '\n' | '\r' | '\u{85}');
    if let Some(at) = first_suspect(text).and_then(|from| text[from..].find(forbidden).map(|at| from + at)) {
        let character = text[at..].chars().next().unwrap_or_default();
        let span = Span::new(to_u32(at), to_u32(at + character.len_utf8()));
        let message = format!("the file is not YAML: it holds the control character U+{:04X}", u32::from(character));
        return Err(Diagnostic::error("yaml/not-text", message).at(source, span).help("is this a binary file?"));
    }
    Ok(())
}

/// Finds the first byte that may belong to a control character; most files have none.
fn first_suspect(text: &str) -> Option<usize> {
    let suspect = |it: u8| (it < b' ' && !matches!(it, b'\t' | b'\n' | b'\r')) || matches!(it, 0x7f | 0xc2);
    text.bytes().position(suspect)
}

fn check_root(source: &Arc<Source>, root: &Node) -> Option<Diagnostic> {
    let what = match &*root.kind {
        NodeKind::Mapping(_) | NodeKind::Null => return None,
        NodeKind::Sequence(_) => "a sequence",
        NodeKind::String(_) | NodeKind::Bool(_) | NodeKind::Number(_) => "text without keys",
    };
    let first = source.location(root.span.start).line;
    let line = source.line_span(first).map_or(root.span, |it| Span::new(root.span.start, it.end.max(root.span.start)));
    let found = Diagnostic::error("yaml/not-a-mapping", format!("a mapping was expected, but the file is {what}"));
    Some(found.at(source, line).help("the file must consist of `key: value` lines"))
}
