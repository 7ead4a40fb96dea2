//! The scanner's errors in words that say what to do.

use std::sync::Arc;

use granit_parser::{ErrorKind, ScanError};

use crate::{Diagnostic, Source, Span, source::to_u32};

/// Explains why the text could not be read on. `done` tells that the document had ended before.
pub(super) fn explain(source: &Arc<Source>, error: &ScanError, done: bool) -> Diagnostic {
    let at = to_u32(error.marker().byte_offset().unwrap_or_default());
    if let Some(tab) = tab_near(source, at).filter(|_| is_about_layout(error.kind())) {
        let found = Diagnostic::error("yaml/tab-indentation", "a tab is used for indentation");
        return found.at(source, Span::new(tab, tab + 1)).help("YAML forbids tabs there; use spaces");
    }
    if matches!(error.kind(), ErrorKind::SimpleKeyExpected | ErrorKind::ExpectedBlockMappingKey)
        && follows_header(source, at)
    {
        let message = "the text of a block must stand deeper than the key it belongs to";
        let help = "indent this line and those after it, as far as they belong to the block";
        return Diagnostic::error("yaml/indentation", message).at(source, place(source, error.kind(), at)).help(help);
    }
    let kind = if *error.kind() == ErrorKind::ExpectedBlockMappingKey && is_key(source, at) {
        // The key is there, but not where its mapping has the others.
        &ErrorKind::InvalidIndentation
    } else {
        error.kind()
    };
    let Explained { code, message, help } = words(kind, done);
    let span = place(source, error.kind(), at);
    let word = source.slice(span);
    let message = if matches!(error.kind(), ErrorKind::UnknownAnchor) {
        format!("Unknown anchor '{}'", word.trim_start_matches('*'))
    } else {
        message
    };
    Diagnostic::error(code, message).at(source, span).help(help)
}

/// Whether the line above opens a block: `run: |`.
fn follows_header(source: &Arc<Source>, at: u32) -> bool {
    let above = source.location(at).line.checked_sub(1).and_then(|it| source.line_span(it));
    let last = above.and_then(|it| source.slice(it).split_whitespace().next_back()).unwrap_or_default();
    matches!(last, "|" | "|-" | "|+" | ">" | ">-" | ">+")
}

/// Whether the line goes on with `key:`.
fn is_key(source: &Arc<Source>, at: u32) -> bool {
    let line = source.line_span(source.location(at).line).unwrap_or(Span::new(at, at));
    let rest = source.slice(Span::new(at, line.end.max(at)));
    rest.contains(": ") || rest.trim_end().ends_with(':')
}

struct Explained {
    code: &'static str,
    message: String,
    help: &'static str,
}

fn words(kind: &ErrorKind, done: bool) -> Explained {
    let explained = |code, message: &str, help| Explained { code, message: message.to_owned(), help };
    if done && matches!(kind, ErrorKind::ExpectedDocumentStart) {
        return explained(
            "yaml/indentation",
            "this line does not continue what stands above it",
            "indent it exactly as the other keys of its mapping",
        );
    }
    if let ErrorKind::UnexpectedCharacter { character } = kind {
        return Explained {
            code: "yaml/reserved-character",
            message: format!("a value may not start with `{character}`"),
            help: "put the value in quotes",
        };
    }
    if let ErrorKind::UnclosedFlowCollection { open } = kind {
        return Explained {
            code: "yaml/unclosed-bracket",
            message: format!("`{open}` is never closed"),
            help: "add the closing bracket, or quote the value if the bracket belongs to it",
        };
    }
    let known: &[(&[ErrorKind], &'static str, &str, &'static str)] = &[
        (
            &[ErrorKind::UnclosedQuotedScalar],
            "yaml/unclosed-quote",
            "the quote is never closed",
            "add the closing quote; inside single quotes a quote is written twice",
        ),
        (
            &[
                ErrorKind::UnexpectedEofFlowSequence,
                ErrorKind::UnexpectedEofFlowMapping,
                ErrorKind::UnexpectedEofImplicitFlowMapping,
                ErrorKind::ExpectedFlowMappingSeparator,
                ErrorKind::ExpectedFlowSequenceSeparator,
                ErrorKind::InvalidColonPlacement,
                ErrorKind::MisplacedFlowCollectionEnd,
            ],
            "yaml/unclosed-bracket",
            "a bracket is not closed, or a comma is missing",
            "check the `[` or `{` before this place; quote values that contain brackets",
        ),
        (
            &[ErrorKind::MappingValueNotAllowed, ErrorKind::InvalidMappingValueWhitespace],
            "yaml/unexpected-colon",
            "`:` is not allowed here",
            "quote the value if the colon belongs to it; otherwise check the indentation of this line, and the colon of the key above",
        ),
        (
            &[ErrorKind::SimpleKeyExpected, ErrorKind::InvalidSimpleKey, ErrorKind::ExpectedBlockMappingKey],
            "yaml/missing-colon",
            "a key with `:` was expected here",
            "write `key: value`, and check the indentation of this line",
        ),
        (
            &[
                ErrorKind::ExpectedBlockSequenceEntry,
                ErrorKind::InvalidIndentation,
                ErrorKind::InvalidBlockScalarIndent,
                ErrorKind::InvalidQuotedScalarIndent,
                ErrorKind::InvalidFlowScalarIndent,
                ErrorKind::MappingKeyNotAllowed,
            ],
            "yaml/indentation",
            "the indentation does not fit what stands above",
            "indent keys of one mapping, and dashes of one sequence, alike",
        ),
        (
            &[ErrorKind::BlockSequenceEntryNotAllowed, ErrorKind::InvalidBlockEntryWhitespace],
            "yaml/unexpected-dash",
            "a sequence cannot start here",
            "put `-` on a line of its own below the key, or quote the value if the dash belongs to it",
        ),
        (
            &[
                ErrorKind::UnknownQuotedScalarEscape,
                ErrorKind::InvalidQuotedScalarHexEscape,
                ErrorKind::InvalidUnicodeEscape,
                ErrorKind::UnpairedLowSurrogate,
                ErrorKind::MissingLowSurrogate,
                ErrorKind::InvalidLowSurrogate,
                ErrorKind::InvalidLowSurrogateHexEscape,
            ],
            "yaml/unknown-escape",
            "the double-quoted text holds an escape YAML does not know",
            "write a backslash twice, or use single quotes, where it stands for itself",
        ),
        (
            &[ErrorKind::InvalidTrailingSingleQuotedScalar, ErrorKind::InvalidTrailingDoubleQuotedScalar],
            "yaml/text-after-quote",
            "text follows the closing quote",
            "quote the whole value; to use quotes inside, choose the other kind outside",
        ),
        (
            &[ErrorKind::UnknownAnchor],
            "yaml/unknown-anchor",
            "",
            "define it above with `&name`, or quote a value that starts with `*`",
        ),
        (
            &[ErrorKind::RecursionLimitExceeded],
            "yaml/too-deep",
            "Maximum object depth exceeded",
            "GitHub reads at most 50 levels",
        ),
        (
            &[ErrorKind::UndeclaredTagHandle],
            "yaml/unexpected-tag",
            "`!` starts a tag that is not declared",
            "`!` at the start of a value makes a YAML tag: put the value in quotes, or an expression in `${{ }}`",
        ),
    ];
    match known.iter().find(|(kinds, ..)| kinds.contains(kind)) {
        Some((_, code, message, help)) => explained(code, message, help),
        None => Explained {
            code: "yaml/syntax",
            message: format!("this is not YAML: {kind}"),
            help: "check quotes, brackets and indentation before this place",
        },
    }
}

/// Points at a word rather than between characters: the anchor's name, the rest of the line, or one character.
fn place(source: &Arc<Source>, kind: &ErrorKind, at: u32) -> Span {
    let line = source.line_span(source.location(at).line).unwrap_or(Span::new(at, at));
    let rest = source.slice(Span::new(at, line.end.max(at)));
    let to_the_end = [
        ErrorKind::UnclosedQuotedScalar,
        ErrorKind::UnknownQuotedScalarEscape,
        ErrorKind::SimpleKeyExpected,
        ErrorKind::ExpectedBlockMappingKey,
        ErrorKind::ExpectedDocumentStart,
        ErrorKind::ExpectedBlockSequenceEntry,
    ];
    let len = if *kind == ErrorKind::UnknownAnchor {
        rest.find([' ', '\t', ',', ']', '}']).unwrap_or(rest.len())
    } else if to_the_end.contains(kind) {
        rest.trim_end().len()
    } else {
        rest.chars().next().map_or(0, char::len_utf8)
    };
    Span::new(at, at + to_u32(len))
}

/// Finds a tab in the indentation of the line of an error, or of the line below it, where some errors really are.
fn tab_near(source: &Arc<Source>, at: u32) -> Option<u32> {
    let line = source.location(at).line;
    [line, line + 1].into_iter().find_map(|line| {
        let span = source.line_span(line)?;
        let text = source.slice(span);
        let indentation = &text[..text.len() - text.trim_start_matches([' ', '\t']).len()];
        if indentation.len() == text.len() {
            return None;
        }
        // A tab behind a dash also indents what follows.
        let behind_dash = text[indentation.len()..].strip_prefix('-').is_some_and(|it| it.starts_with('\t'));
        let tab = indentation.find('\t').or_else(|| behind_dash.then_some(indentation.len() + 1))?;
        Some(span.start + to_u32(tab))
    })
}

/// Errors a tab may be the cause of; an unclosed quote never is one.
fn is_about_layout(kind: &ErrorKind) -> bool {
    [
        ErrorKind::TabNotAllowed,
        ErrorKind::TabInBlockIndentation,
        ErrorKind::TabInIndentation,
        ErrorKind::TabInPlainScalar,
        ErrorKind::TabAtBlockScalarStart,
        ErrorKind::InvalidIndentation,
        ErrorKind::InvalidBlockEntryWhitespace,
        ErrorKind::InvalidMappingValueWhitespace,
        ErrorKind::InvalidBlockScalarIndent,
        ErrorKind::MappingValueNotAllowed,
        ErrorKind::SimpleKeyExpected,
        ErrorKind::InvalidSimpleKey,
        ErrorKind::ExpectedBlockMappingKey,
        ErrorKind::ExpectedBlockSequenceEntry,
        ErrorKind::ExpectedDocumentStart,
        ErrorKind::MappingKeyNotAllowed,
        ErrorKind::BlockSequenceEntryNotAllowed,
    ]
    .contains(kind)
}
