//! Findings about expressions, with the way out.
mod syntax;

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
    explain(error, &node.scalar_text().unwrap_or_default(), availability).at(source, node.place()).focus(focus)
}

/// Says what is wrong with an expression of a key.
pub(crate) fn key_error(
    source: &Arc<Source>,
    key: &Spanned<String>,
    error: &ParseError,
    availability: &Availability,
) -> Diagnostic {
    explain(error, &key.value, availability).at(source, key.span).focus(within(source, key.span, &error.range))
}

/// Where a part of a key stands, if the key is written plainly; else the key.
fn within(source: &Source, key: Span, range: &Range<u32>) -> Span {
    let part = Span::new(key.start + range.start, key.start + range.end);
    if source.slice(key).starts_with("${{") && part.end <= key.end { part } else { key }
}

/// Says what is wrong with an expression, without a place; `text` is what the places of `error` count in.
pub fn explain(error: &ParseError, text: &str, availability: &Availability) -> Diagnostic {
    let before = text.get(..error.range.start as usize).unwrap_or_default();
    let (code, help) = match error.kind {
        ParseErrorKind::IllegalToken | ParseErrorKind::UnexpectedSymbol => {
            ("expr/syntax", syntax::misplaced(&error.token, before))
        }
        ParseErrorKind::UnexpectedEnd => {
            let end = text.get(..error.range.end as usize).unwrap_or_default();
            ("expr/syntax", syntax::unfinished(end.rsplit("${{").next().unwrap_or_default()))
        }
        ParseErrorKind::UnrecognizedNamedValue => context(error, availability),
        ParseErrorKind::UnrecognizedFunction => function(error, availability),
        ParseErrorKind::TooFewParameters | ParseErrorKind::TooManyParameters | ParseErrorKind::EvenParameters => {
            ("expr/parameters", syntax::arguments(before, &error.token))
        }
        ParseErrorKind::TooLong => (
            "expr/too-long",
            "a text with even one expression in it counts as one: pass the value through `env`, or move the text into a \
             file"
                .to_owned(),
        ),
        ParseErrorKind::TooDeep => ("expr/too-deep", "split it up: compute parts in `env` or in a step before".to_owned()),
        ParseErrorKind::NotClosed => {
            ("expr/not-closed", "close it with `}}`; to print a literal `${{`, write `${{ '${{' }}`".to_owned())
        }
        ParseErrorKind::Empty => {
            ("expr/empty", "write an expression between `${{` and `}}`, or take them away".to_owned())
        }
        ParseErrorKind::Directive => {
            ("expr/directive", "`${{ insert }}` stands alone, as the key of a mapping, and takes no arguments".to_owned())
        }
    };
    Diagnostic::error(Code::new(code), error.to_string()).help(help)
}

fn context(error: &ParseError, availability: &Availability) -> (&'static str, String) {
    let available = match availability.contexts {
        [] => "no context is available here".to_owned(),
        contexts => format!("available here: {}", contexts.join(", ")),
    };
    let word = error.token.as_str();
    let exists = CONTEXTS.iter().any(|it| it.eq_ignore_ascii_case(word));
    if exists && availability.contexts.is_empty() {
        let help = "nothing is evaluated here, the file is read before any context exists: write the value itself";
        return ("expr/unavailable-context", help.to_owned());
    }
    if exists {
        let hint = match word.to_ascii_lowercase().as_str() {
            "secrets" if !availability.has_context("vars") => {
                "; declare an input, and give it the secret where the action is used"
            }
            "secrets" if availability.has_context("env") => "; put it into `env` and use that",
            "secrets" => "; put it into `env` of a step and test that there",
            "env" if availability.has_context("vars") => "; a variable of the repository is `vars.NAME`",
            "matrix" | "strategy" => "; there is one for each job of a matrix, and here none has begun",
            "steps" | "job" | "runner" => "; it exists only while the job runs",
            "jobs" => "; a job sees those before it as `needs`",
            "needs" => "; it belongs to a job",
            _ => "",
        };
        return ("expr/unavailable-context", format!("`{word}` does not exist here{hint}; {available}"));
    }
    let candidates = availability.contexts.iter().copied();
    let help = match closest(word, candidates).or_else(|| closest(word, CONTEXTS)) {
        _ if syntax::signature(word).is_some() => {
            format!("functions are called with brackets: `{}`", syntax::signature(word).unwrap_or_default())
        }
        Some(name) if availability.has_context(name) => format!("did you mean `{name}`?"),
        Some(name) => format!("did you mean `{name}`? It does not exist here; {available}"),
        None => match syntax::foreign(word) {
            Some((_, help)) => help.to_owned(),
            None => format!("a text stands in single quotes: `'{word}'`; contexts {available}"),
        },
    };
    ("expr/unknown-context", help)
}

fn function(error: &ParseError, availability: &Availability) -> (&'static str, String) {
    let word = error.token.as_str();
    if FUNCTIONS.iter().any(|it| it.eq_ignore_ascii_case(word)) {
        let help = match word {
            _ if word.eq_ignore_ascii_case("hashFiles") => {
                format!("`{word}` exists only in steps, where there are files")
            }
            _ if availability.has_context("job") => format!("`{word}` exists only in `if`; here there is `job.status`"),
            _ => format!("`{word}` exists only in `if`"),
        };
        return ("expr/unavailable-function", help);
    }
    let names = availability.function_names().collect::<Vec<_>>();
    let help = match closest(word, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the functions here are: {}", names.join(", ")),
    };
    ("expr/unknown-function", help)
}
