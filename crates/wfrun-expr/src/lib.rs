//! GitHub's expression language, evaluated with a trace.
//!
//! [`parse`] makes an [`Expr`] of the text between `${{` and `}}`, [`Template`] of a whole value and [`Condition`]
//! of an `if`. [`evaluate`] is the only evaluator; it returns a [`Trace`], and the value is [`Trace::value`].
//!
//! Invariants: no I/O, no environment, no clock; nothing panics on any text; evaluation is bounded in depth and memory.
mod availability;
mod collections;
mod compare;
mod condition;
mod error;
mod eval;
mod expr;
mod foresee;
mod functions;
mod json;
mod lexer;
mod memory;
mod number;
mod parser;
mod pieces;
mod template;
mod trace;
mod value;

pub use availability::{Availability, FunctionSpec};
pub use collections::{Array, Object};
pub use condition::Condition;
pub use error::{EvalError, ParseError, ParseErrorKind};
pub use eval::{Called, Scope, evaluate};
pub use expr::{CompareOp, Expr, ExprKind, Index};
pub use foresee::foresee;
pub use number::parse_number;
pub use parser::{parse, parse_in};
pub use pieces::{Piece, expressions, pieces};
pub use template::Template;
pub use trace::{Op, PartText, Reached, Trace, github_trace};
pub use value::{Kind, Value};
pub use wfrun_syntax::format_number;
