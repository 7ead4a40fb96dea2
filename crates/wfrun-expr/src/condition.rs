use wfrun_syntax::trim_dotnet;

use crate::{
    Availability, EvalError, Expr, ExprKind, ParseError, Scope, Template, Trace,
    parser::{MAX_DEPTH, parse_at, to_range, too_deep},
    template::depth,
};

/// An `if`.
///
/// Source: GitHub: planning rules P3.11.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What was written; empty if nothing was. Places in `expr` are bytes of it.
    pub text: String,
    /// What is evaluated: with `success() && (…)` around it where GitHub adds that.
    pub expr: Expr,
    /// Whether GitHub added `success()`, because no status function is called.
    pub implicit_success: bool,
    mixed: bool,
}

/// Functions that ask how the run goes; calling one of them takes the implied `success()` away.
const STATUS_FUNCTIONS: [&str; 4] = ["always", "cancelled", "failure", "success"];

impl Condition {
    /// Returns the condition of what has no `if`: `success()`.
    pub fn success() -> Self {
        Self { text: String::new(), expr: success(), implicit_success: true, mixed: false }
    }

    /// Parses an `if`, written with or without `${{ }}`; none or a blank one is `success()`.
    ///
    /// Whether `success` is available is not asked, as GitHub adds it by itself.
    pub fn parse(text: Option<&str>, availability: &Availability) -> Result<Self, ParseError> {
        let text = text.unwrap_or_default();
        let (written, mixed) = Self::written(text, availability)?;
        let Some(written) = written else {
            return Ok(Self { text: text.to_owned(), mixed, ..Self::success() });
        };
        if STATUS_FUNCTIONS.iter().any(|it| written.calls(it)) {
            return Ok(Self { text: text.to_owned(), expr: written, implicit_success: false, mixed });
        }
        let expr = and_success(written);
        if depth(&expr) > MAX_DEPTH {
            return Err(too_deep(0..text.len()));
        }
        Ok(Self { text: text.to_owned(), expr, implicit_success: true, mixed })
    }

    /// Parses the `pre-if` or `post-if` of an action, to which GitHub adds nothing; a blank one is `always()`.
    ///
    /// Source: GitHub: execution rules E1.5.
    pub fn parse_bare(text: &str, availability: &Availability) -> Result<Self, ParseError> {
        let (written, mixed) = Self::written(text, availability)?;
        let expr = written.unwrap_or_else(|| call("always"));
        Ok(Self { text: text.to_owned(), expr, implicit_success: false, mixed })
    }

    /// The expression that was written, if one was, and whether text stands beside it.
    fn written(text: &str, availability: &Availability) -> Result<(Option<Expr>, bool), ParseError> {
        Ok(match Template::parse(text, availability)? {
            Template::Expression(expr) => (Some(expr), false),
            Template::Mixed(expr) => (Some(expr), true),
            Template::Literal(bare) if trim_dotnet(&bare).is_empty() => (None, false),
            Template::Literal(bare) => {
                // `${{ 'x' }}` is the condition `x`; its place is behind the quote.
                let offset = if bare == text { 0 } else { text.find('\'').map_or(0, |it| it + 1) };
                (Some(parse_at(&bare, offset, availability.contexts, availability.functions)?), false)
            }
        })
    }

    /// Evaluates it; it holds if the value of the trace is truthy.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Trace, EvalError> {
        crate::evaluate(&self.expr, scope)
    }

    /// Tells whether text stands beside `${{ }}`, so that the result is a string and (almost) always truthy.
    pub const fn is_literal_text(&self) -> bool {
        self.mixed
    }
}

fn success() -> Expr {
    call("success")
}

fn call(function: &str) -> Expr {
    Expr { kind: ExprKind::Call { function: function.to_owned(), args: Vec::new() }, range: to_range(0..0) }
}

fn and_success(written: Expr) -> Expr {
    let range = written.range.clone();
    let operands = match written.kind {
        ExprKind::And(operands) => std::iter::once(success()).chain(operands).collect(),
        kind @ (ExprKind::Literal(_)
        | ExprKind::Context(_)
        | ExprKind::Index { .. }
        | ExprKind::Call { .. }
        | ExprKind::Not(_)
        | ExprKind::Compare { .. }
        | ExprKind::Or(_)) => vec![success(), Expr { kind, range: range.clone() }],
    };
    Expr { kind: ExprKind::And(operands), range }
}
