mod github;
mod text;

use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize};

pub use self::github::github_trace;
pub use self::text::PartText;
use crate::{Expr, ExprKind, Value};

/// How an expression came to its value: the expression with a value at each of its parts.
///
/// As JSON: `{"text","range":{"start","end"},"op","value","operands"}`, and `"reached":"no"` in the place of `value`
/// where evaluation never came, `"reached":"not-yet"` where the value is not known before the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Record", into = "Record")]
pub struct Trace {
    /// The part, in normal form.
    pub text: PartText,
    /// Where it stands, as bytes of the text that was parsed; empty for a part GitHub adds, such as `success()`.
    pub range: Range<u32>,
    /// What kind of part it is.
    pub op: Op,
    /// Its value, if evaluation came to it.
    pub reached: Reached,
    /// Its own parts, from left to right; none below a part that was not reached, nor below a fixed path.
    pub operands: Vec<Self>,
}

/// Whether evaluation came to a part.
#[derive(Debug, Clone, PartialEq)]
pub enum Reached {
    /// It did, and this is the value.
    Value(Value),
    /// It did not: the result was settled before.
    No,
    /// It did, and what is needed is not known before the run.
    NotYet,
}

/// What kind of part a [`Trace`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// A constant.
    Literal,
    /// A context or a look-up in one.
    Path,
    /// A function.
    Call,
    /// `!`
    Not,
    /// `==`, `<` and their like.
    Compare,
    /// `&&`
    And,
    /// `||`
    Or,
}

impl Op {
    /// Tells what kind of part an expression is.
    pub(crate) const fn of(expr: &Expr) -> Self {
        match &expr.kind {
            ExprKind::Literal(_) => Self::Literal,
            ExprKind::Context(_) | ExprKind::Index { .. } => Self::Path,
            ExprKind::Call { .. } => Self::Call,
            ExprKind::Not(_) => Self::Not,
            ExprKind::Compare { .. } => Self::Compare,
            ExprKind::And(_) => Self::And,
            ExprKind::Or(_) => Self::Or,
        }
    }
}

impl Trace {
    /// Returns the value; null for a part that was not reached.
    pub fn value(&self) -> &Value {
        match &self.reached {
            Reached::Value(it) => it,
            Reached::No | Reached::NotYet => &Value::Null,
        }
    }

    /// Tells whether the value is not known before the run.
    pub const fn is_not_yet(&self) -> bool {
        matches!(self.reached, Reached::NotYet)
    }

    /// Tells whether evaluation came to this part.
    pub const fn is_reached(&self) -> bool {
        matches!(self.reached, Reached::Value(_))
    }

    /// Returns the parts that by themselves settle whether this one is truthy.
    ///
    /// A part is a comparison, call, look-up or constant. As long as these keep their truth the verdict stays, whatever
    /// happens elsewhere. It is enough, not always the least: a falsy `a && b` has its first falsy part as reason, a
    /// truthy one has all of them, and `||` the other way round. Of a verdict that is not known before the run, these are
    /// the parts on which it depends.
    pub fn because(&self) -> Vec<&Self> {
        match self.op {
            Op::Literal | Op::Path | Op::Call | Op::Compare => vec![self],
            Op::Not => self.operands.iter().flat_map(Self::because).collect(),
            Op::And | Op::Or => {
                if self.is_not_yet() {
                    return self.operands.iter().filter(|it| it.is_not_yet()).flat_map(Self::because).collect();
                }
                let verdict = self.value().is_truthy();
                let reached = self.operands.iter().filter(|it| it.is_reached());
                reached.filter(|it| it.value().is_truthy() == verdict).flat_map(Self::because).collect()
            }
        }
    }

    /// Goes through the trace and all its parts, outer before inner, left before right.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            let next = open.pop()?;
            open.extend(next.operands.iter().rev());
            Some(next)
        })
    }
}

/// A [`Trace`] as it is written.
#[derive(Serialize, Deserialize)]
struct Record {
    text: PartText,
    range: Range<u32>,
    op: Op,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached: Option<NotReached>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operands: Vec<Trace>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum NotReached {
    No,
    NotYet,
}

/// Tells a null value from a missing one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl From<Record> for Trace {
    fn from(Record { text, range, op, value, reached, operands }: Record) -> Self {
        let reached = match (value, reached) {
            (Some(value), None) => Reached::Value(value),
            (_, Some(NotReached::NotYet)) => Reached::NotYet,
            (_, Some(NotReached::No)) | (None, None) => Reached::No,
        };
        Self { text, range, op, reached, operands }
    }
}

impl From<Trace> for Record {
    fn from(Trace { text, range, op, reached, operands }: Trace) -> Self {
        let (value, reached) = match reached {
            Reached::Value(value) => (Some(value), None),
            Reached::No => (None, Some(NotReached::No)),
            Reached::NotYet => (None, Some(NotReached::NotYet)),
        };
        Self { text, range, op, value, reached, operands }
    }
}
