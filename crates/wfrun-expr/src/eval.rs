//! The only evaluator.

use std::borrow::Cow;

use crate::{
    Array, EvalError, Expr, ExprKind, Index, Op, PartText, Reached, Trace, Value, compare,
    expr::print::{Printed, as_github_prints},
    functions::{self, Arguments},
    memory::{self, Exceeded, Memory},
};

/// What an expression may ask of the world. No I/O: what is not known yet is said to be so.
pub trait Scope {
    /// Returns a context; null if it has no data. Asked for the same name again it must return the same (shared) object,
    /// because GitHub's `==` compares identity. `name` is as written, in any case.
    fn context(&self, name: &str) -> Value;

    /// Answers a function of the [`Availability`](crate::Availability): a status function or `hashFiles`.
    /// `function` is as written, in any case.
    fn call(&self, function: &str, args: &[Value]) -> Called;

    /// Tells whether the value at a fixed path, the context first, is known already; asked before a run only, by
    /// [`foresee`](crate::foresee()). Names are as written, in any case.
    fn knows(&self, path: &[&str]) -> bool {
        let _: &[&str] = path;
        true
    }

    /// Tells the same of a path in which each member is looked at somewhere, with `*` for it: `needs.*.result`.
    fn knows_each(&self, path: &[&str]) -> bool {
        let _: &[&str] = path;
        false
    }

    /// Returns of a context the members of which enough is known to look at such a path, if not of all is.
    fn known_members(&self, path: &[&str]) -> Option<Value> {
        let _: &[&str] = path;
        None
    }
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
    Evaluation { scope, memory: Memory::new(limit), root: expr, printed: Printed::of(expr) }.eval(expr, Place::ROOT)
}

pub(crate) struct Evaluation<'a> {
    pub(crate) scope: &'a dyn Scope,
    pub(crate) memory: Memory,
    root: &'a Expr,
    pub(crate) printed: Printed,
}

/// Where a part stands in the tree.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The root has level 0.
    pub(crate) level: usize,
    /// Its number in the order of [`Expr::walk`].
    pub(crate) at: usize,
}

impl Place {
    const ROOT: Self = Self { level: 0, at: 0 };

    /// The place of the first part of the part here.
    pub(crate) const fn inner(self) -> Self {
        Self { level: self.level + 1, at: self.at + 1 }
    }
}

/// A value and how much memory it is.
pub(crate) struct Outcome {
    value: Value,
    memory: Counts,
}

/// What GitHub counts for a value.
enum Counts {
    /// One that was made here; for a primitive, what its parts took is free again.
    Made,
    /// Data of a context or of `fromJSON`: a primitive is counted as it is kept, and once more as it is used.
    Data,
    /// A list of references to other values.
    References(usize),
}

impl From<Value> for Outcome {
    fn from(value: Value) -> Self {
        Self { value, memory: Counts::Made }
    }
}

impl Outcome {
    /// Data that comes from elsewhere.
    pub(crate) const fn data(value: Value) -> Self {
        Self { value, memory: Counts::Data }
    }
}

impl Evaluation<'_> {
    /// Evaluates a part. The parser allows 50 levels, so recursion is bounded.
    pub(crate) fn eval(&mut self, expr: &Expr, place: Place) -> Result<Trace, EvalError> {
        let (value, operands) = if is_fixed_path(expr) {
            (self.eval_path(expr, place.level)?, Vec::new())
        } else {
            let (outcome, operands) = self.eval_kind(expr, place)?;
            (self.count(outcome, place.level)?, operands)
        };
        Ok(self.trace(expr, place.at, Reached::Value(value), operands))
    }

    /// Counts what a result takes.
    fn count(&mut self, Outcome { value, memory }: Outcome, level: usize) -> Result<Value, EvalError> {
        let primitive = value.is_primitive();
        let bytes = memory::of_value(&value);
        let counted = match memory {
            Counts::References(bytes) => self.memory.add(level, bytes, false),
            Counts::Data if primitive && value != Value::Null => {
                self.memory.add(level, memory::OBJECT, false).and_then(|()| self.memory.add(level, bytes, false))
            }
            Counts::Made | Counts::Data => self.memory.add(level, bytes, primitive),
        };
        counted.map_err(|it| self.out_of_memory(it))?;
        Ok(value)
    }

    fn eval_kind(&mut self, expr: &Expr, place: Place) -> Result<(Outcome, Vec<Trace>), EvalError> {
        let first = place.inner();
        Ok(match &expr.kind {
            ExprKind::Literal(value) => (value.clone().into(), Vec::new()),
            ExprKind::Context(name) => (Outcome::data(self.scope.context(name)), Vec::new()),
            ExprKind::Index { target, index } => self.eval_index(expr, target, index, first)?,
            ExprKind::Call { function, args } => {
                let mut arguments = Arguments::new(self, expr, args, first);
                let outcome = functions::call(function, &mut arguments)?;
                (outcome, arguments.into_traces())
            }
            ExprKind::Not(operand) => {
                let operand = self.eval(operand, first)?;
                (Value::Bool(!operand.value().is_truthy()).into(), vec![operand])
            }
            ExprKind::Compare { op, left, right } => {
                let left = self.eval(left, first)?;
                let right = self.eval(right, self.behind(first))?;
                let holds = compare::holds(*op, left.value(), right.value());
                (Value::Bool(holds).into(), vec![left, right])
            }
            ExprKind::And(operands) => self.eval_logic(operands, false, first)?,
            ExprKind::Or(operands) => self.eval_logic(operands, true, first)?,
        })
    }

    /// The place of the part that follows the one here, below the same parent.
    pub(crate) fn behind(&self, place: Place) -> Place {
        Place { level: place.level, at: self.printed.behind(place.at) }
    }

    /// Takes the first operand whose truth is `wanted`, or else the last one.
    fn eval_logic(
        &mut self,
        operands: &[Expr],
        wanted: bool,
        mut place: Place,
    ) -> Result<(Outcome, Vec<Trace>), EvalError> {
        let mut traces = Vec::with_capacity(operands.len());
        let mut value = Value::Null;
        let mut found = false;
        for operand in operands {
            if found {
                traces.push(self.trace(operand, place.at, Reached::No, Vec::new()));
            } else {
                let trace = self.eval(operand, place)?;
                value = trace.value().clone();
                found = value.is_truthy() == wanted;
                traces.push(trace);
            }
            place = self.behind(place);
        }
        Ok((value.into(), traces))
    }

    /// Looks up a fixed path; its parts say nothing that the whole does not say.
    fn eval_path(&mut self, expr: &Expr, level: usize) -> Result<Value, EvalError> {
        let ExprKind::Index { target, index } = &expr.kind else {
            let ExprKind::Context(name) = &expr.kind else { return Ok(Value::Null) };
            return self.count(Outcome::data(self.scope.context(name)), level);
        };
        let target = self.eval_path(target, level + 1)?;
        if target.is_primitive() {
            return self.count(nothing(index), level);
        }
        let outcome = match index {
            Index::Expr(index) => {
                let ExprKind::Literal(value) = &index.kind else { return Ok(Value::Null) };
                self.count(value.clone().into(), level + 1)?;
                self.look_up(expr, &target, &Key::Value(value))?
            }
            Index::Property(_) | Index::Wildcard => {
                let key = self.count_name(index, level + 1)?;
                self.look_up(expr, &target, &key)?
            }
        };
        self.count(outcome, level)
    }

    fn eval_index(
        &mut self,
        expr: &Expr,
        target: &Expr,
        index: &Index,
        first: Place,
    ) -> Result<(Outcome, Vec<Trace>), EvalError> {
        let target = self.eval(target, first)?;
        if target.value().is_primitive() {
            // The index is not even evaluated.
            let mut traces = vec![target];
            if let Index::Expr(index) = index {
                traces.push(self.trace(index, self.behind(first).at, Reached::No, Vec::new()));
            }
            return Ok((nothing(index), traces));
        }
        if let Index::Expr(index) = index {
            let index = self.eval(index, self.behind(first))?;
            let outcome = self.look_up(expr, target.value(), &Key::Value(index.value()))?;
            return Ok((outcome, vec![target, index]));
        }
        let key = self.count_name(index, first.level)?;
        let outcome = self.look_up(expr, target.value(), &key)?;
        Ok((outcome, vec![target]))
    }

    /// Counts `name` or `*` as the constant that it is to GitHub.
    fn count_name<'i>(&mut self, index: &'i Index, level: usize) -> Result<Key<'i>, EvalError> {
        let (text, key) = match index {
            Index::Property(name) => (name.as_str(), Key::Name(name)),
            Index::Wildcard | Index::Expr(_) => ("*", Key::All),
        };
        self.memory.add(level, memory::of_text(text), true).map_err(|it| self.out_of_memory(it))?;
        Ok(key)
    }

    /// Source: GitHub: planning rules P3.5.
    fn look_up(&self, expr: &Expr, target: &Value, key: &Key<'_>) -> Result<Outcome, EvalError> {
        let mut found = Vec::new();
        let own = match (target, key) {
            (Value::Array(items), _) if items.is_filtered() => {
                items.iter().for_each(|item| hits(item, key, &mut found));
                0
            }
            (_, Key::All) => {
                hits(target, key, &mut found);
                memory::OBJECT
            }
            (_, Key::Name(_) | Key::Value(_)) => {
                return Ok(hit(target, key).map_or_else(|| Value::Null.into(), |it| Outcome::data(it.clone())));
            }
        };
        let bytes = own + found.len() * memory::POINTER;
        if bytes > self.memory.limit {
            return Err(Self::exceeded(expr));
        }
        Ok(Outcome { value: Value::Array(Array::filtered(found)), memory: Counts::References(bytes) })
    }

    fn out_of_memory(&self, _: Exceeded) -> EvalError {
        Self::exceeded(self.root)
    }

    /// The error for a part that took too much by itself.
    pub(crate) fn exceeded(expr: &Expr) -> EvalError {
        EvalError::Memory { expression: as_github_prints(expr) }
    }

    pub(crate) fn trace(&self, expr: &Expr, at: usize, reached: Reached, operands: Vec<Trace>) -> Trace {
        let op = Op::of(expr);
        let (start, end) = self.printed.parts.get(at).map_or((0, 0), |it| (it.start, it.end));
        Trace { text: PartText::new(&self.printed.text, start, end), range: expr.range.clone(), op, reached, operands }
    }
}

/// What a look-up in a value that is no collection gives.
fn nothing(index: &Index) -> Outcome {
    match index {
        Index::Wildcard => Value::Array(Array::filtered(Vec::new())).into(),
        Index::Property(_) | Index::Expr(_) => Value::Null.into(),
    }
}

/// What is looked for.
enum Key<'k> {
    All,
    Name(&'k str),
    Value(&'k Value),
}

impl Key<'_> {
    /// As a key of objects.
    fn name(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::All => None,
            Self::Name(it) => Some(Cow::Borrowed(it)),
            Self::Value(it) => it.is_primitive().then(|| it.text()),
        }
    }

    /// As a position in arrays.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked, and .NET floors"
    )]
    fn position(&self) -> Option<usize> {
        let number = match self {
            Self::All => f64::NAN,
            Self::Name(it) => crate::parse_number(it),
            Self::Value(it) => it.to_number(),
        };
        let fits = number >= 0.0 && number.floor() <= f64::from(i32::MAX);
        fits.then(|| number.floor() as usize)
    }
}

fn hits(collection: &Value, key: &Key<'_>, found: &mut Vec<Value>) {
    match (collection, key) {
        (Value::Object(members), Key::All) => found.extend(members.values().cloned()),
        (Value::Array(items), Key::All) => found.extend_from_slice(items.items()),
        (_, Key::All | Key::Name(_) | Key::Value(_)) => found.extend(hit(collection, key).cloned()),
    }
}

fn hit<'v>(collection: &'v Value, key: &Key<'_>) -> Option<&'v Value> {
    match collection {
        Value::Object(members) => members.get(&key.name()?),
        Value::Array(items) => items.get(key.position()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
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
