use std::ops::Range;

use thiserror::Error;

use crate::Value;

/// Why a text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// What GitHub prints.
    ///
    /// Source: GitHub: planning rules P3.3 and P1.4.
    pub message: String,
    /// The word that is wrong; empty where GitHub names none.
    pub token: String,
    /// Where it stands, in UTF-16 units from 1 as GitHub prints it; for a template, within the one expression.
    pub position: Option<u32>,
    /// Where it stands, as bytes of the text that was given to be parsed.
    pub range: Range<u32>,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParseErrorKind {
    /// No word of the language: `"x"`, `0xZ`, a lone `&`, an unclosed string.
    IllegalToken,
    /// A word of the language where it may not stand.
    UnexpectedSymbol,
    /// The expression stops too early.
    UnexpectedEnd,
    /// There is no such context, or not here.
    UnrecognizedNamedValue,
    /// There is no such function, or not here.
    UnrecognizedFunction,
    /// A function needs more arguments.
    TooFewParameters,
    /// A function takes fewer arguments.
    TooManyParameters,
    /// `case` takes pairs and a default.
    EvenParameters,
    /// More than 21,000 UTF-16 units.
    TooLong,
    /// More than 50 levels.
    TooDeep,
    /// `${{` without `}}`.
    NotClosed,
    /// `${{ }}`
    Empty,
    /// `${{ insert }}` that is not alone as a key of a mapping.
    Directive,
}

impl ParseErrorKind {
    /// Tells whether reading words failed (GitHub's test data: `lexing`), rather than their order (`parsing`).
    ///
    /// Source: GitHub: the lexer of `@actions/expressions` asks for the length, its parser for the depth.
    pub const fn is_lexing(self) -> bool {
        matches!(self, Self::IllegalToken | Self::TooLong)
    }
}

/// Why an expression has no value (yet).
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EvalError {
    /// The answer needs I/O: find it out, then evaluate again with a scope that knows it.
    #[error("the result of `{function}` is not known yet")]
    NotYet {
        /// The function as written, for example `hashFiles`.
        function: String,
        /// Its arguments.
        args: Vec<Value>,
    },
    /// It cannot be settled before the run.
    #[error("{} can only be told by the run", quoted(parts))]
    Unknown {
        /// The parts on which it depends, in normal form: `needs.build.outputs.x`.
        parts: Vec<String>,
    },
    /// The text given to `format` is malformed.
    #[error("The following format string is invalid: {format}")]
    InvalidFormat {
        /// The text.
        format: String,
    },
    /// The text given to `format` asks for an argument that is missing.
    #[error("The following format string references more arguments than were supplied: {format}")]
    MissingFormatArgument {
        /// The text.
        format: String,
    },
    /// The text given to `format` has something behind a colon.
    #[error("The format specifiers '{specifiers}' are not valid for objects of type '{kind}'")]
    FormatSpecifiers {
        /// What stands behind the colon.
        specifiers: String,
        /// The kind of the argument.
        kind: crate::Kind,
    },
    /// A condition of `case` is no boolean.
    #[error("case predicate must evaluate to a boolean value")]
    CasePredicate,
    /// The text given to `fromJSON` is not JSON.
    #[error("{message}")]
    Json {
        /// What GitHub prints.
        message: String,
    },
    /// Too much text was made on the way.
    #[error("The maximum allowed memory size was exceeded while evaluating the following expression: {expression}")]
    Memory {
        /// The expression.
        expression: String,
    },
}

fn quoted(parts: &[String]) -> String {
    parts.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}
