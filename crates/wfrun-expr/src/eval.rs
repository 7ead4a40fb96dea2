//! The only evaluator.

use crate::{
    Array, EvalError, Expr, ExprKind, Index, Op, Reached, Trace, Value, compare,
    functions::{self, Arguments},
    memory::{self, Memory},
};

/// What an expression may ask of the world. No I/O: what is not known yet is said to be so.
pub trait Scope {
    /// Returns a context; null if it has no data. Asked for the same name again it must return the same (shared) object,
    /// because GitHub's `==` compares identity. `name` is as written, in any case.
    fn context(&self, name: &str) -> Value;

    /// Answers a function of the [`Availability`](crate::Availability): a status function or `hashFiles`.
    /// `function` is as written, in any case.
    fn call(&self, function: &str, args: &[Value]) -> Called;
}

/// The answer of a [`Scope`] to a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Called {
    /// The result.
    Value(Value),
    /// It needs I/O, which the caller has to do first.
    NotYet,
}

/// Evaluates an expression and records how. Up to 1 MB of memory may be used.
///
/// Source: GitHub: planning rules P3.4 to P3.7.
pub fn evaluate(expr: &Expr, scope: &dyn Scope) -> Result<Trace, EvalError> {
    evaluate_within(expr, scope, Memory::BARE)
}

/// Evaluates with `limit` bytes of memory, as GitHub counts them.
pub(crate) fn evaluate_within(expr: &Expr, scope: &dyn Scope, limit: usize) -> Result<Trace, EvalError> {
    Evaluation { scope, memory: Memory::new(limit), root: expr }.eval(expr, 0)
}

pub(crate) struct Evaluation<'a> {
    pub(crate) scope: &'a dyn Scope,
    pub(crate) memory: Memory,
    root: &'a Expr,
}

/// A value and how much memory it is.
pub(crate) struct Outcome {
    value: Value,
    /// Bytes, if more than the value itself.
    bytes: Option<usize>,
    /// Whether the parts' memory is free again.
    settles: bool,
}

impl From<Value> for Outcome {
    fn from(value: Value) -> Self {
        let settles = value.is_primitive();
        Self { value, bytes: None, settles }
    }
}

impl Outcome {
    /// A value that was made here, with all that is in it.
    pub(crate) fn fresh(value: Value) -> Self {
        let bytes = Some(memory::of_tree(&value));
        Self { value, bytes, settles: true }
    }
}

impl Evaluation<'_> {
    /// Evaluates a part at `level`; the root has level 0. The parser allows 50 levels, so recursion is bounded.
    pub(crate) fn eval(&mut self, expr: &Expr, level: usize) -> Result<Trace, EvalError> {
        let (outcome, operands) = self.eval_kind(expr, level)?;
        let bytes = outcome.bytes.unwrap_or_else(|| memory::of_value(&outcome.value));
        self.memory.add(level, bytes, outcome.settles).map_err(|_| self.out_of_memory())?;
        let operands = if is_fixed_path(expr) { Vec::new() } else { operands };
        Ok(Trace::of(expr, Reached::Value(outcome.value), operands))
    }

    fn eval_kind(&mut self, expr: &Expr, level: usize) -> Result<(Outcome, Vec<Trace>), EvalError> {
        Ok(match &expr.kind {
            ExprKind::Literal(value) => (value.clone().into(), Vec::new()),
            ExprKind::Context(name) => (self.scope.context(name).into(), Vec::new()),
            ExprKind::Index { target, index } => self.eval_index(target, index, level)?,
            ExprKind::Call { function, args } => {
                let mut arguments = Arguments::new(self, args, level + 1);
                let outcome = functions::call(function, &mut arguments)?;
                (outcome, arguments.into_traces())
            }
            ExprKind::Not(operand) => {
                let operand = self.eval(operand, level + 1)?;
                (Value::Bool(!operand.value().is_truthy()).into(), vec![operand])
            }
            ExprKind::Compare { op, left, right } => {
                let left = self.eval(left, level + 1)?;
                let right = self.eval(right, level + 1)?;
                let holds = compare::holds(*op, left.value(), right.value());
                (Value::Bool(holds).into(), vec![left, right])
            }
            ExprKind::And(operands) => self.eval_logic(operands, false, level)?,
            ExprKind::Or(operands) => self.eval_logic(operands, true, level)?,
        })
    }

    /// Takes the first operand whose truth is `wanted`, or else the last one.
    fn eval_logic(
        &mut self,
        operands: &[Expr],
        wanted: bool,
        level: usize,
    ) -> Result<(Outcome, Vec<Trace>), EvalError> {
        let mut traces: Vec<Trace> = Vec::with_capacity(operands.len());
        let mut value = Value::Null;
        let mut found = false;
        for operand in operands {
            if found {
                traces.push(Trace::of(operand, Reached::No, Vec::new()));
                continue;
            }
            let trace = self.eval(operand, level + 1)?;
            value = trace.value().clone();
            found = value.is_truthy() == wanted;
            traces.push(trace);
        }
        Ok((value.into(), traces))
    }

    fn eval_index(&mut self, target: &Expr, index: &Index, level: usize) -> Result<(Outcome, Vec<Trace>), EvalError> {
        let target = self.eval(target, level + 1)?;
        let wildcard = matches!(index, Index::Wildcard);
        if target.value().is_primitive() {
            // The index is not even evaluated.
            let mut traces = vec![target];
            if let Index::Expr(index) = index {
                traces.push(Trace::of(index, Reached::No, Vec::new()));
            }
            let value = if wildcard { Value::Array(Array::filtered(Vec::new())) } else { Value::Null };
            return Ok((value.into(), traces));
        }
        let (key, index) = match index {
            Index::Wildcard => (Key::All, None),
            Index::Property(name) => (Key::of(&Value::from(name.as_str())), None),
            Index::Expr(index) => {
                let index = self.eval(index, level + 1)?;
                (Key::of(index.value()), Some(index))
            }
        };
        let outcome = look_up(target.value(), &key);
        let traces = std::iter::once(target).chain(index).collect();
        Ok((outcome, traces))
    }

    pub(crate) fn out_of_memory(&self) -> EvalError {
        EvalError::Memory { expression: self.root.to_string() }
    }
}

/// What is looked for, as a key of objects and as a position in arrays.
enum Key {
    All,
    One { name: Option<String>, position: Option<usize> },
}

impl Key {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked, and .NET floors"
    )]
    fn of(index: &Value) -> Self {
        let number = index.to_number();
        let fits = number >= 0.0 && number.floor() <= f64::from(i32::MAX);
        Self::One {
            name: index.is_primitive().then(|| index.to_text()),
            position: fits.then(|| number.floor() as usize),
        }
    }
}

/// Source: GitHub: planning rules P3.5.
fn look_up(target: &Value, key: &Key) -> Outcome {
    if let Value::Array(items) = target
        && items.is_filtered()
    {
        let found = items.iter().flat_map(|item| hits(item, key)).collect();
        return filtered(found);
    }
    match key {
        Key::All => filtered(hits(target, key)),
        Key::One { .. } => hits(target, key).into_iter().next().unwrap_or_default().into(),
    }
}

/// A filtered array is new, its items are not.
fn filtered(items: Vec<Value>) -> Outcome {
    let bytes = Some(24 + items.iter().map(memory::of_value).sum::<usize>());
    Outcome { value: Value::Array(Array::filtered(items)), bytes, settles: false }
}

fn hits(collection: &Value, key: &Key) -> Vec<Value> {
    match (collection, key) {
        (Value::Object(members), Key::All) => members.values().cloned().collect(),
        (Value::Array(items), Key::All) => items.items().to_vec(),
        (Value::Object(members), Key::One { name, .. }) => {
            name.as_deref().and_then(|it| members.get(it)).cloned().into_iter().collect()
        }
        (Value::Array(items), Key::One { position, .. }) => {
            position.and_then(|it| items.get(it)).cloned().into_iter().collect()
        }
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => Vec::new(),
    }
}

/// Tells whether a look-up names all it asks for, so that its value says everything about it.
fn is_fixed_path(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Context(_) => true,
        ExprKind::Index { target, index } => {
            let fixed = match index {
                Index::Property(_) | Index::Wildcard => true,
                Index::Expr(index) => matches!(index.kind, ExprKind::Literal(_)),
            };
            fixed && is_fixed_path(target)
        }
        ExprKind::Literal(_)
        | ExprKind::Call { .. }
        | ExprKind::Not(_)
        | ExprKind::Compare { .. }
        | ExprKind::And(_)
        | ExprKind::Or(_) => false,
    }
}

impl Trace {
    pub(crate) fn of(expr: &Expr, reached: Reached, operands: Vec<Self>) -> Self {
        let op = match &expr.kind {
            ExprKind::Literal(_) => Op::Literal,
            ExprKind::Context(_) | ExprKind::Index { .. } => Op::Path,
            ExprKind::Call { .. } => Op::Call,
            ExprKind::Not(_) => Op::Not,
            ExprKind::Compare { .. } => Op::Compare,
            ExprKind::And(_) => Op::And,
            ExprKind::Or(_) => Op::Or,
        };
        Self { text: expr.to_string(), range: expr.range.clone(), op, reached, operands }
    }
}
