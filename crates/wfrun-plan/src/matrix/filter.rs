//! An item of `include` or `exclude` as a test of combinations.
use wfrun_expr::{Value, format_number, parse_number};

use crate::token_value::{Placed, PlacedKind};

use super::product::Work;

/// Tests that must all hold; without any, every combination passes.
#[derive(Debug, Default)]
pub(super) struct Filter {
    tests: Vec<Test>,
}

/// `matrix['vector']['key'][0] == leaf`, where GitHub's `==` is loose.
#[derive(Debug)]
struct Test {
    vector: usize,
    path: Vec<Step>,
    leaf: Value,
}

#[derive(Debug, Clone)]
enum Step {
    Key(String),
    At(usize),
}

impl Filter {
    /// Adds a test for each scalar in `value`, which a vector is to have.
    pub(super) fn add(&mut self, vector: usize, value: &Placed) {
        self.add_below(vector, value, &mut Vec::new());
    }

    /// A token has at most 50 levels, so recursion is bounded.
    fn add_below(&mut self, vector: usize, value: &Placed, path: &mut Vec<Step>) {
        match &value.kind {
            PlacedKind::Scalar(leaf) => self.tests.push(Test { vector, path: path.clone(), leaf: written(leaf) }),
            PlacedKind::Sequence(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.push(Step::At(at));
                    self.add_below(vector, item, path);
                    path.pop();
                }
            }
            PlacedKind::Mapping(entries) => {
                for (key, item) in entries {
                    path.push(Step::Key(key.value.clone()));
                    self.add_below(vector, item, path);
                    path.pop();
                }
            }
        }
    }

    /// Tells whether a combination passes; `value` gives the value of a vector.
    pub(super) fn passes<'v>(&self, value: impl Fn(usize) -> &'v Value, work: &mut Work) -> Option<bool> {
        work.spend(1)?;
        for test in &self.tests {
            let found = test.path.iter().try_fold(value(test.vector), look_up).unwrap_or(&Value::Null);
            work.spend(1 + test.path.len() + length(found) + length(&test.leaf))?;
            if !found.loosely_equals(&test.leaf) {
                return Some(false);
            }
        }
        Some(true)
    }
}

/// A scalar as GitHub writes it into the expression: of a number 15 digits are left.
///
/// Source: actions/runner: `ExpressionUtility.ConvertToParseToken`.
fn written(leaf: &Value) -> Value {
    match leaf.as_number() {
        Some(number) => Value::Number(parse_number(&format_number(number))),
        None => leaf.clone(),
    }
}

/// As an index does in an expression; what does not exist is null.
///
/// Source: GitHub: planning rules P3.5.
fn look_up<'v>(value: &'v Value, step: &Step) -> Option<&'v Value> {
    match (value, step) {
        (Value::Object(members), Step::Key(key)) => members.get(key),
        (Value::Object(members), Step::At(at)) => members.get(&at.to_string()),
        (Value::Array(items), Step::Key(key)) => items.get(position(parse_number(key))?),
        (Value::Array(items), Step::At(at)) => items.get(*at),
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => None,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked, and .NET floors")]
fn position(number: f64) -> Option<usize> {
    (number >= 0.0 && number <= f64::from(i32::MAX)).then(|| number.floor() as usize)
}

/// How much longer a comparison takes for a long text.
fn length(value: &Value) -> usize {
    value.as_str().map_or(0, |it| it.len() / 32)
}
