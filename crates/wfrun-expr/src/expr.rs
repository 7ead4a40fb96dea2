pub(crate) mod print;

use std::ops::Range;

use crate::Value;

/// A parsed expression. `Display` prints it in normal form; parsing that gives an equal expression.
///
/// Equality ignores where the parts stand.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands, as bytes of the text it was parsed from; empty for a part GitHub adds.
    pub range: Range<u32>,
}

/// The shape of an [`Expr`]. Parentheses leave no trace.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A constant.
    Literal(Value),
    /// A context, in the case it was written: `github`.
    Context(String),
    /// `target.name`, `target[index]` or `target.*`
    Index {
        /// What is looked into.
        target: Box<Expr>,
        /// What is looked for.
        index: Index,
    },
    /// A function, in the case it was written, with its arguments.
    Call {
        /// The name.
        function: String,
        /// The arguments.
        args: Vec<Expr>,
    },
    /// `!operand`
    Not(Box<Expr>),
    /// `left == right` and its like.
    Compare {
        /// How to compare.
        op: CompareOp,
        /// What stands left.
        left: Box<Expr>,
        /// What stands right.
        right: Box<Expr>,
    },
    /// `a && b && …`, two or more, none of them an `And`.
    And(Vec<Expr>),
    /// `a || b || …`, two or more, none of them an `Or`.
    Or(Vec<Expr>),
}

/// What is looked for in a collection.
#[derive(Debug, Clone)]
pub enum Index {
    /// `.name`
    Property(String),
    /// `[expression]`
    Expr(Box<Expr>),
    /// `.*` or `[*]`
    Wildcard,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Expr {
    /// Goes through the expression and all its parts, outer before inner, left before right.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            let next = open.pop()?;
            next.push_operands(&mut open);
            Some(next)
        })
    }

    /// Puts the direct parts on a stack, the last one first.
    fn push_operands<'e>(&'e self, stack: &mut Vec<&'e Self>) {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Context(_) => {}
            ExprKind::Index { target, index } => {
                if let Index::Expr(index) = index {
                    stack.push(index);
                }
                stack.push(target);
            }
            ExprKind::Call { args, .. } | ExprKind::And(args) | ExprKind::Or(args) => stack.extend(args.iter().rev()),
            ExprKind::Not(operand) => stack.push(operand),
            ExprKind::Compare { left, right, .. } => stack.extend([&**right, &**left]),
        }
    }

    /// Returns the direct parts, from left to right.
    pub fn operands(&self) -> Vec<&Self> {
        let mut operands = Vec::new();
        self.push_operands(&mut operands);
        operands.reverse();
        operands
    }

    /// Returns the names of the contexts it uses, in lower case, each once, in order.
    pub fn contexts_used(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for part in self.walk() {
            if let ExprKind::Context(name) = &part.kind
                && !names.iter().any(|it| it.eq_ignore_ascii_case(name))
            {
                names.push(name.to_ascii_lowercase());
            }
        }
        names
    }

    /// Tells whether it calls a function of this name, in any case.
    pub fn calls(&self, name: &str) -> bool {
        self.walk().any(|it| matches!(&it.kind, ExprKind::Call { function, .. } if function.eq_ignore_ascii_case(name)))
    }

    /// Returns the names of a fixed path such as `needs.build.outputs['x']`, the context first; `None` for anything else.
    pub fn path(&self) -> Option<Vec<&str>> {
        match &self.kind {
            ExprKind::Context(name) => Some(vec![name]),
            ExprKind::Index { target, index } => {
                let name = match index {
                    Index::Property(name) => name.as_str(),
                    Index::Expr(index) => index.as_string_literal()?,
                    Index::Wildcard => return None,
                };
                let mut path = target.path()?;
                path.push(name);
                Some(path)
            }
            ExprKind::Literal(_)
            | ExprKind::Call { .. }
            | ExprKind::Not(_)
            | ExprKind::Compare { .. }
            | ExprKind::And(_)
            | ExprKind::Or(_) => None,
        }
    }

    /// Returns the names of a path in which each member is looked at somewhere, with `*` for it: `needs.*.result`.
    /// `None` for a fixed path and for anything else.
    pub fn path_of_each(&self) -> Option<Vec<&str>> {
        let ExprKind::Index { target, index } = &self.kind else { return None };
        let name = match index {
            Index::Property(name) => name.as_str(),
            Index::Expr(index) => index.as_string_literal()?,
            Index::Wildcard => "*",
        };
        let mut path = match (target.path_of_each(), index) {
            (Some(path), _) => path,
            (None, Index::Wildcard) => target.path()?,
            (None, Index::Property(_) | Index::Expr(_)) => return None,
        };
        path.push(name);
        Some(path)
    }

    pub(crate) fn as_string_literal(&self) -> Option<&str> {
        if let ExprKind::Literal(value) = &self.kind { value.as_str() } else { None }
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (ExprKind::Literal(a), ExprKind::Literal(b)) => same_literal(a, b),
            (ExprKind::Context(a), ExprKind::Context(b)) => a == b,
            (ExprKind::Index { target: a, index: i }, ExprKind::Index { target: b, index: j }) => a == b && i == j,
            (ExprKind::Call { function: f, args: a }, ExprKind::Call { function: g, args: b }) => f == g && a == b,
            (ExprKind::Not(a), ExprKind::Not(b)) => a == b,
            (
                ExprKind::Compare { op, left, right },
                ExprKind::Compare { op: other_op, left: other_left, right: other_right },
            ) => op == other_op && left == other_left && right == other_right,
            (ExprKind::And(a), ExprKind::And(b)) | (ExprKind::Or(a), ExprKind::Or(b)) => a == b,
            (
                ExprKind::Literal(_)
                | ExprKind::Context(_)
                | ExprKind::Index { .. }
                | ExprKind::Call { .. }
                | ExprKind::Not(_)
                | ExprKind::Compare { .. }
                | ExprKind::And(_)
                | ExprKind::Or(_),
                _,
            ) => false,
        }
    }
}

impl PartialEq for Index {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Property(a), Self::Property(b)) => a == b,
            (Self::Expr(a), Self::Expr(b)) => a == b,
            (Self::Wildcard, Self::Wildcard) => true,
            (Self::Property(_) | Self::Expr(_) | Self::Wildcard, _) => false,
        }
    }
}

/// The same constant, so that NaN is itself and 0 is not -0.
fn same_literal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        _ => a == b,
    }
}
