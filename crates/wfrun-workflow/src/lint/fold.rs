//! Evaluation with values that are not known: what an expression is in all worlds that fit.
use std::rc::Rc;

use wfrun_expr::{Called, CompareOp, Expr, ExprKind, Scope, Value, evaluate};

use super::path::{Path, path};

/// What is known of a value.
#[derive(Debug, Clone)]
pub(super) enum Seen {
    /// All.
    Value(Value),
    /// That it is equal to none of these.
    Not(Rc<[Value]>),
    /// Whether a condition with it holds.
    Truth(bool),
    /// Nothing.
    Unknown,
}

/// What holds while an expression is looked at.
pub(super) trait World {
    /// What a look-up gives.
    fn look_up(&self, path: &Path<'_>) -> Seen;

    /// Whether a status function without arguments holds.
    fn status(&self, function: &str) -> Option<bool>;
}

impl Seen {
    /// Whether a condition with this result holds, if that is known.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Value(value) => Some(value.is_truthy()),
            // What is falsy is equal to the empty text, but for NaN.
            Self::Not(values) => values.iter().any(|it| !it.is_truthy()).then_some(true),
            Self::Truth(it) => Some(*it),
            Self::Unknown => None,
        }
    }

    fn of(truth: Option<bool>) -> Self {
        truth.map_or(Self::Unknown, |it| Self::Value(Value::Bool(it)))
    }

    fn value(self) -> Option<Value> {
        if let Self::Value(it) = self { Some(it) } else { None }
    }
}

/// Evaluates an expression as far as the world knows.
pub(super) fn fold(expr: &Expr, world: &dyn World) -> Seen {
    if let Some((path, _)) = path(expr) {
        return world.look_up(&path);
    }
    match &expr.kind {
        ExprKind::Literal(value) => Seen::Value(value.clone()),
        ExprKind::Context(_) | ExprKind::Index { .. } => Seen::Unknown,
        ExprKind::Not(operand) => Seen::of(fold(operand, world).truth().map(|it| !it)),
        ExprKind::And(operands) => logic(operands, false, world),
        ExprKind::Or(operands) => logic(operands, true, world),
        ExprKind::Compare { op, left, right } => compare(*op, fold(left, world), fold(right, world)),
        ExprKind::Call { function, args } => call(function, args, world),
    }
}

/// `&&` stops at what is falsy, `||` at what is truthy.
fn logic(operands: &[Expr], stops_at: bool, world: &dyn World) -> Seen {
    let mut is_open = false;
    let mut last = Seen::Unknown;
    for operand in operands {
        last = fold(operand, world);
        match last.truth() {
            Some(it) if it == stops_at => return if is_open { Seen::Truth(stops_at) } else { last },
            Some(_) => {}
            None => is_open = true,
        }
    }
    match last.truth() {
        _ if is_open => Seen::Unknown,
        Some(_) | None => last,
    }
}

fn compare(op: CompareOp, left: Seen, right: Seen) -> Seen {
    if let (Seen::Not(values), Seen::Value(value)) | (Seen::Value(value), Seen::Not(values)) = (&left, &right) {
        let differs = values.iter().any(|it| it.loosely_equals(value));
        return match op {
            CompareOp::Equal if differs => Seen::Value(Value::Bool(false)),
            CompareOp::NotEqual if differs => Seen::Value(Value::Bool(true)),
            CompareOp::Equal
            | CompareOp::NotEqual
            | CompareOp::Less
            | CompareOp::LessOrEqual
            | CompareOp::Greater
            | CompareOp::GreaterOrEqual => Seen::Unknown,
        };
    }
    let (Some(left), Some(right)) = (left.value(), right.value()) else { return Seen::Unknown };
    let (left, right) = (Box::new(literal(left)), Box::new(literal(right)));
    constant(&made(ExprKind::Compare { op, left, right }))
}

fn call(function: &str, args: &[Expr], world: &dyn World) -> Seen {
    let name = function.to_ascii_lowercase();
    match name.as_str() {
        "always" => return Seen::Value(Value::Bool(true)),
        "success" | "failure" | "cancelled" if args.is_empty() => return Seen::of(world.status(&name)),
        "success" | "failure" | "cancelled" | "hashfiles" | "case" => return Seen::Unknown,
        _ => {}
    }
    let values: Option<Vec<Expr>> = args.iter().map(|it| fold(it, world).value().map(literal)).collect();
    let Some(args) = values else { return Seen::Unknown };
    constant(&made(ExprKind::Call { function: function.to_owned(), args }))
}

fn literal(value: Value) -> Expr {
    made(ExprKind::Literal(value))
}

fn made(kind: ExprKind) -> Expr {
    Expr { kind, range: 0..0 }
}

/// The value of an expression that asks for nothing.
fn constant(expr: &Expr) -> Seen {
    struct Nothing;
    impl Scope for Nothing {
        fn context(&self, _: &str) -> Value {
            Value::Null
        }
        fn call(&self, _: &str, _: &[Value]) -> Called {
            Called::NotYet
        }
    }
    evaluate(expr, &Nothing).map_or(Seen::Unknown, |it| Seen::Value(it.value().clone()))
}

#[cfg(test)]
mod tests {
    use wfrun_expr::parse;

    use super::*;
    use crate::contexts;

    /// `github.a` is `A`, `github.b` is not `b` and not empty, `github.t` is something; all else is unknown.
    struct Example;

    impl World for Example {
        fn look_up(&self, path: &Path<'_>) -> Seen {
            match path.normal().as_str() {
                "github.a" => Seen::Value(Value::from("A")),
                "github.b" => Seen::Not([Value::from("b"), Value::from("")].into()),
                "github.t" => Seen::Truth(true),
                _ => Seen::Unknown,
            }
        }

        fn status(&self, function: &str) -> Option<bool> {
            (function == "success").then_some(true)
        }
    }

    #[test]
    fn three_values() {
        for (text, expected) in [
            ("github.a == 'a'", Some(true)),
            ("github.b == 'B'", Some(false)),
            ("github.b != 'b'", Some(true)),
            ("github.b == 'c'", None),
            ("github.b < 'c'", None),
            ("github.b", Some(true)),
            ("github.x", None),
            ("github.x && github.a != 'a'", Some(false)),
            ("github.x || github.t", Some(true)),
            ("github.x && github.t", None),
            ("!(github.x && false)", Some(true)),
            ("(github.x && 'a') || 'b'", Some(true)),
            ("success() && !always()", Some(false)),
            ("failure()", None),
            ("contains(fromJSON('[\"a\", \"c\"]'), github.a)", Some(true)),
            ("startsWith(github.b, 'b')", None),
            ("'true' == true", Some(false)),
            ("1 < 2 < 3", Some(true)),
            ("fromJSON('[') == 1", None),
        ] {
            let expr = parse(text, &contexts::JOB_IF).unwrap_or_else(|err| panic!("{text}: {err:?}"));
            assert_eq!(fold(&expr, &Example).truth(), expected, "{text}");
        }
    }
}
