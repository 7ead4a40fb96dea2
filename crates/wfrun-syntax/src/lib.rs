//! Text to a spanned YAML tree, and what a finding is.
//!
//! [`parse()`] turns a [`Source`] into a [`Node`] with GitHub's reading of scalars; every node and every
//! character of a string knows its place in the file. What is wrong is a [`Diagnostic`], never an `Err`.
//!
//! Invariants: no I/O, no environment, no clock; nothing panics on any text; an alias is never copied.
mod allow;
mod closest;
mod diagnostic;
mod ignoring_case;
mod node;
mod number;
mod parse;
mod source;
mod span;
mod text;

pub use allow::allow;
pub use closest::closest;
pub use diagnostic::{Checked, Code, CodeInfo, Diagnostic, Label, Place, Severity};
pub use ignoring_case::{
    cmp_ignoring_case, contains_ignoring_case, ends_with_ignoring_case, eq_ignoring_case, starts_with_ignoring_case,
    upper_ordinal,
};
pub use node::{Entry, Mapping, Node, NodeKind};
pub use number::{format_number, is_dotnet_whitespace, parse_hex_or_octal, trim_dotnet};
pub use parse::{MAX_LENGTH, parse, parse_up_to};
pub use source::{Location, Source};
pub use span::{Span, Spanned};
pub use text::{ScalarStyle, Text};
