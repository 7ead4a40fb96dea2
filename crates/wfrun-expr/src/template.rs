use std::ops::Range;

use wfrun_syntax::trim_dotnet;

use crate::{
    Availability, EvalError, Expr, ExprKind, Op, ParseError, ParseErrorKind, Piece, Reached, Scope, Trace, Value,
    eval::evaluate_within,
    memory::Memory,
    parser::{MAX_DEPTH, bare_error, is_too_long, parse_at, to_range, too_deep, too_long},
    pieces,
};

/// A value of a workflow file that may hold expressions.
///
/// Source: GitHub: planning rules P1.4.
#[derive(Debug, Clone, PartialEq)]
pub enum Template {
    /// Text without expression, or one that is a constant string: `${{ 'x' }}`.
    Literal(String),
    /// One expression and nothing else: the result keeps its kind.
    Expression(Expr),
    /// Text and expressions: the call of `format` that GitHub makes of it, so the result is a string.
    Mixed(Expr),
}

const OPEN: &str = "${{";

/// Most arguments of a call, and so most expressions beside each other in one text.
const MAX_EXPRESSIONS: usize = 254;

impl Template {
    /// Parses a value. Places in errors and expressions are bytes of `text`.
    pub fn parse(text: &str, availability: &Availability) -> Result<Self, ParseError> {
        if !text.contains(OPEN) {
            return Ok(Self::Literal(text.to_owned()));
        }
        let parts = split(text, availability)?;
        if let [Part::Expression { expr, source }] = parts.as_slice() {
            return Ok(match constant_string(&text[source.clone()]) {
                Some(constant) => Self::Literal(constant),
                None => Self::Expression(expr.clone()),
            });
        }
        mix(text, &parts).map(Self::Mixed)
    }

    /// Evaluates it; a literal is its own trace. Up to 10 MB of memory may be used.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Trace, EvalError> {
        match self {
            Self::Literal(text) => Ok(literal_trace(text)),
            Self::Expression(expr) | Self::Mixed(expr) => evaluate_within(expr, scope, Memory::TEMPLATE),
        }
    }

    /// Tells whether there is nothing to evaluate.
    pub const fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_))
    }

    /// Returns the text of a literal.
    pub fn as_literal(&self) -> Option<&str> {
        if let Self::Literal(it) = self { Some(it) } else { None }
    }

    /// Returns the expression, unless it is a literal.
    pub const fn expr(&self) -> Option<&Expr> {
        match self {
            Self::Literal(_) => None,
            Self::Expression(it) | Self::Mixed(it) => Some(it),
        }
    }

    /// Returns the names of the contexts it uses, in lower case, each once, in order.
    pub fn contexts_used(&self) -> Vec<String> {
        self.expr().map(Expr::contexts_used).unwrap_or_default()
    }

    /// Tells whether a key is the directive `${{ insert }}`, which merges a mapping into the one around it.
    pub fn is_insert(text: &str) -> bool {
        let inner = text.strip_prefix(OPEN).and_then(|it| it.strip_suffix("}}"));
        inner.is_some_and(|it| trim_dotnet(it) == "insert")
    }
}

enum Part<'t> {
    Text(&'t str),
    Expression { expr: Expr, source: Range<usize> },
}

fn split<'t>(text: &'t str, availability: &Availability) -> Result<Vec<Part<'t>>, ParseError> {
    let parsed = pieces(text).map(|piece| match piece {
        Piece::Text(it) => Ok(Part::Text(it)),
        Piece::Expression { inner, range } => {
            let start = range.start + OPEN.len();
            let source = trimmed(text, start..start + inner.len());
            let alone = range == (0..text.len());
            let expr = parse_inner(text, &source, range, alone, availability)?;
            Ok(Part::Expression { expr, source })
        }
        Piece::Open(it) => {
            let message = "The expression is not closed. An unescaped ${{ sequence was found, \
                           but the closing }} sequence was not found.";
            let open = text.len() - it.len()..text.len();
            Err(bare_error(ParseErrorKind::NotClosed, message.to_owned(), open))
        }
    });
    parsed.collect()
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let inner = &text[range.clone()];
    let start = range.end - inner.trim_start_matches(wfrun_syntax::is_dotnet_whitespace).len();
    start..start + trim_dotnet(inner).len()
}

fn parse_inner(
    text: &str,
    source: &Range<usize>,
    whole: Range<usize>,
    alone: bool,
    availability: &Availability,
) -> Result<Expr, ParseError> {
    let inner = &text[source.clone()];
    if inner.is_empty() {
        return Err(bare_error(ParseErrorKind::Empty, "An expression was expected".to_owned(), whole));
    }
    let behind = inner.strip_prefix("insert");
    if let Some(behind) = behind.filter(|it| it.is_empty() || it.starts_with(wfrun_syntax::is_dotnet_whitespace)) {
        let count = behind.split_whitespace().count();
        let message = match (count, alone) {
            (0, true) => "The directive 'insert' is not allowed in this context".to_owned(),
            (0, false) => "The directive 'insert' is not allowed in this context. Directives are not supported for \
                           expressions that are embedded within a string. Directives are only supported when the \
                           entire value is an expression."
                .to_owned(),
            (_, _) => format!(
                "Exactly 0 parameter(s) were expected following the directive 'insert'. Actual parameter count: {count}"
            ),
        };
        return Err(bare_error(ParseErrorKind::Directive, message, whole));
    }
    parse_at(inner, source.start, availability.contexts, availability.functions)
}

/// Returns the string an expression consists of, such as `'it''s'`.
fn constant_string(expression: &str) -> Option<String> {
    let inner = expression.strip_prefix('\'')?.strip_suffix('\'')?;
    let without_pairs = inner.replace("''", "");
    (!without_pairs.contains('\'')).then(|| inner.replace("''", "'"))
}

/// Makes `format('text{0}…', …)` of text and expressions.
fn mix(text: &str, parts: &[Part<'_>]) -> Result<Expr, ParseError> {
    let whole = 0..text.len();
    let mut format = String::new();
    let mut args = Vec::new();
    let mut sources = String::new();
    for part in parts {
        match part {
            Part::Text(it) => format.push_str(&it.replace('{', "{{").replace('}', "}}")),
            Part::Expression { expr, source } => {
                format = format!("{format}{{{}}}", args.len());
                sources.push_str(", ");
                sources.push_str(&text[source.clone()]);
                args.push(expr.clone());
            }
        }
    }
    // What GitHub parses again at run time, with the same limits.
    let call = format!("format('{}'{sources})", format.replace('\'', "''"));
    if is_too_long(&call) {
        return Err(too_long(whole));
    }
    if args.len() > MAX_EXPRESSIONS {
        let position = "format".len() + 1;
        let message =
            format!("Too many parameters supplied: '('. Located at position {position} within expression: {call}");
        return Err(bare_error(ParseErrorKind::TooManyParameters, message, whole));
    }
    if args.iter().map(depth).max().unwrap_or_default() >= MAX_DEPTH {
        return Err(too_deep(whole));
    }
    let range = to_range(whole);
    let format = Expr { kind: ExprKind::Literal(Value::from(format)), range: range.clone() };
    let args = std::iter::once(format).chain(args).collect();
    Ok(Expr { kind: ExprKind::Call { function: "format".to_owned(), args }, range })
}

/// Returns the number of levels of an expression, which the parser has bounded.
pub(crate) fn depth(expr: &Expr) -> usize {
    expr.operands().into_iter().map(depth).max().unwrap_or_default() + 1
}

fn literal_trace(text: &str) -> Trace {
    let value = Value::from(text);
    Trace {
        text: value.to_string().into(),
        range: to_range(0..text.len()),
        op: Op::Literal,
        reached: Reached::Value(value),
        operands: Vec::new(),
    }
}
