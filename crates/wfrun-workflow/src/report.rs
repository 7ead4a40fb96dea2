//! Findings about expressions, with the way out.
use std::ops::Range;
use std::sync::Arc;

use wfrun_expr::{Availability, ParseError, ParseErrorKind};
use wfrun_syntax::{Code, Diagnostic, Node, Source, Span, Spanned, closest};

use crate::field::span_in;

/// All contexts of the language, to tell a misspelt one from one that is not available.
pub(crate) const CONTEXTS: [&str; 12] =
    ["github", "env", "vars", "job", "jobs", "steps", "runner", "secrets", "strategy", "matrix", "needs", "inputs"];

/// All functions that are not available everywhere.
const FUNCTIONS: [&str; 5] = ["always", "cancelled", "success", "failure", "hashFiles"];

/// Says what is wrong with an expression of a value; the place is the value, the focus the word.
pub(crate) fn expression_error(
    source: &Arc<Source>,
    node: &Node,
    error: &ParseError,
    availability: &Availability,
) -> Diagnostic {
    let focus = span_in(node, &error.range);
    explain(error, availability).at(source, node.place()).focus(focus)
}

/// Says what is wrong with an expression of a key.
pub(crate) fn key_error(
    source: &Arc<Source>,
    key: &Spanned<String>,
    error: &ParseError,
    availability: &Availability,
) -> Diagnostic {
    explain(error, availability).at(source, key.span).focus(within(source, key.span, &error.range))
}

/// Where a part of a key stands, if the key is written plainly; else the key.
fn within(source: &Source, key: Span, range: &Range<u32>) -> Span {
    let part = Span::new(key.start + range.start, key.start + range.end);
    if source.slice(key).starts_with("${{") && part.end <= key.end { part } else { key }
}

fn explain(error: &ParseError, availability: &Availability) -> Diagnostic {
    let (code, help) = match error.kind {
        ParseErrorKind::IllegalToken if error.token.contains('"') => {
            ("expr/syntax", "strings in expressions stand in single quotes: 'text'".to_owned())
        }
        ParseErrorKind::IllegalToken if error.token.starts_with('\'') => {
            ("expr/syntax", "the string is never closed; a quote inside of a string is written twice".to_owned())
        }
        ParseErrorKind::IllegalToken | ParseErrorKind::UnexpectedSymbol => ("expr/syntax", misplaced(&error.token)),
        ParseErrorKind::UnexpectedEnd => ("expr/syntax", "something is missing behind this: a value or a bracket".to_owned()),
        ParseErrorKind::UnrecognizedNamedValue => return context(error, availability),
        ParseErrorKind::UnrecognizedFunction => return function(error, availability),
        ParseErrorKind::TooFewParameters | ParseErrorKind::TooManyParameters | ParseErrorKind::EvenParameters => {
            ("expr/parameters", "check the number of arguments".to_owned())
        }
        ParseErrorKind::TooLong => (
            "expr/too-long",
            "a text with even one expression counts as one: pass the value through `env` instead, or move the text into \
             a file"
                .to_owned(),
        ),
        ParseErrorKind::TooDeep => ("expr/too-deep", "split the expression, for example with `env`".to_owned()),
        ParseErrorKind::NotClosed => {
            ("expr/not-closed", "close it with `}}`; a literal `${{` is written `${{ '${{' }}`".to_owned())
        }
        ParseErrorKind::Empty => ("expr/empty", "write an expression between `${{` and `}}`".to_owned()),
        ParseErrorKind::Directive => {
            ("expr/directive", "`${{ insert }}` stands alone, as the key of a mapping".to_owned())
        }
    };
    Diagnostic::error(Code::new(code), error.to_string()).help(help)
}

fn misplaced(token: &str) -> String {
    match token {
        "=" => "compare with `==`".to_owned(),
        "&" => "combine with `&&`".to_owned(),
        "|" => "combine with `||`".to_owned(),
        "+" | "-" | "*" | "/" | "%" | "?" | ":" => "expressions have no arithmetic and no `? :`".to_owned(),
        _ => "expressions consist of contexts, functions, 'strings', numbers and operators; arithmetic is none of them"
            .to_owned(),
    }
}

fn context(error: &ParseError, availability: &Availability) -> Diagnostic {
    let available = match availability.contexts {
        [] => "no context is available here".to_owned(),
        contexts => format!("available here: {}", contexts.join(", ")),
    };
    let word = error.token.as_str();
    let exists = CONTEXTS.iter().any(|it| it.eq_ignore_ascii_case(word));
    let (code, help) = if exists {
        let hint = match word.to_ascii_lowercase().as_str() {
            "secrets" if availability.contexts.contains(&"env") => "; pass it through `env` and test that",
            "secrets" => "; pass it through `env` and test that in a step",
            "env" if availability.contexts.contains(&"vars") => "; `vars` has the repository's variables",
            "matrix" | "steps" | "job" | "runner" | "strategy" => "; it exists only once the job runs",
            _ => "",
        };
        ("expr/unavailable-context", format!("`{word}` does not exist here{hint}; {available}"))
    } else {
        let candidates = availability.contexts.iter().copied();
        let help = match closest(word, candidates).or_else(|| closest(word, CONTEXTS)) {
            Some(name) if availability.has_context(name) => format!("did you mean `{name}`?"),
            Some(name) => format!("did you mean `{name}`? It does not exist here; {available}"),
            None => format!("strings stand in single quotes; {available}"),
        };
        ("expr/unknown-context", help)
    };
    Diagnostic::error(Code::new(code), error.to_string()).help(help)
}

fn function(error: &ParseError, availability: &Availability) -> Diagnostic {
    let word = error.token.as_str();
    let names = availability.function_names().collect::<Vec<_>>();
    let (code, help) = if FUNCTIONS.iter().any(|it| it.eq_ignore_ascii_case(word)) {
        let place = if word.eq_ignore_ascii_case("hashFiles") { "in steps" } else { "in `if`" };
        ("expr/unavailable-function", format!("`{word}` exists only {place}"))
    } else {
        let help = match closest(word, names.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the functions here are: {}", names.join(", ")),
        };
        ("expr/unknown-function", help)
    };
    Diagnostic::error(Code::new(code), error.to_string()).help(help)
}
