//! `==`, `<` and their like.
//!
//! Source: GitHub: planning rules P3.4 (`EvaluationResult.AbstractEqual` and its like of actions/runner).

use std::cmp::Ordering;

use wfrun_syntax::{cmp_ignoring_case, eq_ignoring_case};

use crate::{CompareOp, Value};

/// Tells whether a comparison holds.
pub(crate) fn holds(op: CompareOp, left: &Value, right: &Value) -> bool {
    match op {
        CompareOp::Equal => equal(left, right),
        CompareOp::NotEqual => !equal(left, right),
        CompareOp::Less => order(left, right) == Some(Ordering::Less),
        CompareOp::Greater => order(left, right) == Some(Ordering::Greater),
        CompareOp::LessOrEqual => equal(left, right) || order(left, right) == Some(Ordering::Less),
        CompareOp::GreaterOrEqual => equal(left, right) || order(left, right) == Some(Ordering::Greater),
    }
}

#[expect(clippy::float_cmp, reason = "GitHub compares doubles exactly")]
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => eq_ignoring_case(a, b),
        (Value::Array(a), Value::Array(b)) => a.is_same(b),
        (Value::Object(a), Value::Object(b)) => a.is_same(b),
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => {
            left.to_number() == right.to_number()
        }
    }
}

/// Orders two values, or not: NaN, collections and null with null have no order.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::String(a), Value::String(b)) => Some(cmp_ignoring_case(a, b)),
        (Value::Null, Value::Null)
        | (Value::Array(_) | Value::Object(_), _)
        | (_, Value::Array(_) | Value::Object(_)) => None,
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => {
            left.to_number().partial_cmp(&right.to_number())
        }
    }
}
