//! Expressions as text: in normal form, and as GitHub's messages show them.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use wfrun_syntax::format_number;

use crate::{CompareOp, Expr, ExprKind, Index, Value, lexer::is_keyword};

/// The normal form of an expression, and where in it each part stands.
pub(crate) struct Printed {
    pub(crate) text: Arc<str>,
    /// In the order of [`Expr::walk`].
    pub(crate) parts: Vec<Part>,
}

/// Where a part stands in the text of the whole.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// The number of the first part that is not inside of this one.
    pub(crate) next: u32,
}

impl Printed {
    pub(crate) fn of(expr: &Expr) -> Self {
        let mut printer = Printer { text: String::with_capacity(96), parts: Vec::with_capacity(12) };
        printer.print(expr);
        Self { text: Arc::from(printer.text), parts: printer.parts }
    }

    /// Returns the number of the part behind part `at` and all that is in it.
    pub(crate) fn behind(&self, at: usize) -> usize {
        self.parts.get(at).map_or(self.parts.len(), |it| it.next as usize)
    }
}

/// In normal form: one blank around operators, parentheses where they are needed.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Printed::of(self).text)
    }
}

struct Printer {
    text: String,
    parts: Vec<Part>,
}

fn size(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Printer {
    fn print(&mut self, expr: &Expr) {
        let at = self.parts.len();
        self.parts.push(Part { start: size(self.text.len()), end: 0, next: 0 });
        self.print_kind(expr);
        self.parts[at].end = size(self.text.len());
        self.parts[at].next = size(self.parts.len());
    }

    fn print_kind(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(Value::Number(it)) => self.number(*it),
            ExprKind::Literal(Value::String(it)) if !it.contains('\'') => {
                self.text.push('\'');
                self.text.push_str(it);
                self.text.push('\'');
            }
            ExprKind::Literal(it) => self.display(it),
            ExprKind::Context(name) => self.text.push_str(name),
            ExprKind::Index { target, index } => {
                // A constant cannot be looked into without parentheses around it.
                let is_literal = matches!(target.kind, ExprKind::Literal(_));
                self.operand(target, is_literal || target.binds() < Binds::Index);
                match index {
                    Index::Property(name) => {
                        self.text.push('.');
                        self.text.push_str(name);
                    }
                    Index::Expr(index) => {
                        self.text.push('[');
                        self.print(index);
                        self.text.push(']');
                    }
                    Index::Wildcard => self.text.push_str(".*"),
                }
            }
            ExprKind::Call { function, args } => {
                self.text.push_str(function);
                self.text.push('(');
                self.joined(args, ", ", Binds::Or);
                self.text.push(')');
            }
            ExprKind::Not(operand) => {
                self.text.push('!');
                self.operand(operand, operand.binds() < Binds::Not);
            }
            ExprKind::Compare { op, left, right } => {
                self.operand(left, left.binds() < expr.binds());
                self.text.push(' ');
                self.text.push_str(op.as_str());
                self.text.push(' ');
                self.operand(right, right.binds() <= expr.binds());
            }
            ExprKind::And(operands) => self.joined(operands, " && ", Binds::Equality),
            ExprKind::Or(operands) => self.joined(operands, " || ", Binds::And),
        }
    }

    fn operand(&mut self, operand: &Expr, parentheses: bool) {
        if parentheses {
            self.text.push('(');
        }
        self.print(operand);
        if parentheses {
            self.text.push(')');
        }
    }

    fn joined(&mut self, operands: &[Expr], between: &str, at_least: Binds) {
        for (at, operand) in operands.iter().enumerate() {
            if at > 0 {
                self.text.push_str(between);
            }
            self.operand(operand, operand.binds() < at_least);
        }
    }

    /// Prints the shortest text that reads as the same double; 15 digits would not always do.
    fn number(&mut self, number: f64) {
        let size = number.abs();
        if number.is_nan() {
            self.text.push_str("NaN");
        } else if number.is_infinite() {
            self.text.push_str(if number > 0.0 { "Infinity" } else { "-Infinity" });
        } else if size == 0.0 || (1e-5..1e15).contains(&size) {
            self.display(number);
        } else {
            self.display(format_args!("{number:e}"));
        }
    }

    fn display(&mut self, it: impl fmt::Display) {
        write!(self.text, "{it}").expect("a String takes any text");
    }
}

/// How tight an expression binds, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binds {
    Or,
    And,
    Equality,
    Relation,
    Not,
    Index,
}

impl Expr {
    fn binds(&self) -> Binds {
        match &self.kind {
            ExprKind::Or(_) => Binds::Or,
            ExprKind::And(_) => Binds::And,
            ExprKind::Compare { op: CompareOp::Equal | CompareOp::NotEqual, .. } => Binds::Equality,
            ExprKind::Compare { .. } => Binds::Relation,
            ExprKind::Not(_) => Binds::Not,
            ExprKind::Literal(_) | ExprKind::Context(_) | ExprKind::Index { .. } | ExprKind::Call { .. } => {
                Binds::Index
            }
        }
    }
}

impl CompareOp {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl fmt::Display for CompareOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Prints an expression as GitHub's messages show it: every operator in parentheses, `['x']` as `.x`.
///
/// Source: GitHub: `ConvertToExpression` of the nodes of actions/runner.
pub(crate) fn as_github_prints(expr: &Expr) -> String {
    let joined = |parts: &[Expr], between: &str| parts.iter().map(as_github_prints).collect::<Vec<_>>().join(between);
    match &expr.kind {
        ExprKind::Literal(Value::Number(it)) if *it == 0.0 && it.is_sign_negative() => "-0".to_owned(),
        ExprKind::Literal(Value::Number(it)) => format_number(*it),
        ExprKind::Literal(it) => it.to_string(),
        ExprKind::Context(name) => name.clone(),
        ExprKind::Index { target, index } => {
            let target = as_github_prints(target);
            match index {
                Index::Wildcard => format!("{target}.*"),
                Index::Property(name) => format!("{target}.{name}"),
                Index::Expr(index) => match index.as_string_literal().filter(|it| is_keyword(it)) {
                    Some(name) => format!("{target}.{name}"),
                    None => format!("{target}[{}]", as_github_prints(index)),
                },
            }
        }
        ExprKind::Call { function, args } => format!("{function}({})", joined(args, ", ")),
        ExprKind::Not(operand) => format!("!{}", as_github_prints(operand)),
        ExprKind::Compare { op, left, right } => {
            format!("({} {op} {})", as_github_prints(left), as_github_prints(right))
        }
        ExprKind::And(operands) => format!("({})", joined(operands, " && ")),
        ExprKind::Or(operands) => format!("({})", joined(operands, " || ")),
    }
}
