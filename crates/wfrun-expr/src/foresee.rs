//! What can be said of an expression before a run, when some of what it asks for is not known.

use crate::{Called, EvalError, Expr, ExprKind, Op, PartText, Reached, Scope, Template, Trace, Value, evaluate};

/// Evaluates as far as it is known: a part for which [`Scope::knows`] says no, or for which a function has no answer,
/// is [`Reached::NotYet`], and so is what cannot be settled without it.
///
/// `&&` and `||` are settled by a part that decides, wherever it stands: what is false with an unknown part before it
/// will be false. All else is left to [`evaluate`].
pub fn foresee(expr: &Expr, scope: &dyn Scope) -> Result<Trace, EvalError> {
    match &expr.kind {
        ExprKind::And(operands) => logic(expr, operands, false, Op::And, scope),
        ExprKind::Or(operands) => logic(expr, operands, true, Op::Or, scope),
        ExprKind::Not(operand) => {
            let operand = foresee(operand, scope)?;
            let reached = match operand.reached {
                Reached::NotYet => Reached::NotYet,
                Reached::Value(_) | Reached::No => Reached::Value(Value::Bool(!operand.value().is_truthy())),
            };
            Ok(trace(expr, Op::Not, reached, vec![operand]))
        }
        ExprKind::Literal(_)
        | ExprKind::Context(_)
        | ExprKind::Index { .. }
        | ExprKind::Call { .. }
        | ExprKind::Compare { .. } => leaf(expr, scope),
    }
}

/// `decisive` is the truth that settles: false for `&&`, true for `||`.
fn logic(expr: &Expr, operands: &[Expr], decisive: bool, op: Op, scope: &dyn Scope) -> Result<Trace, EvalError> {
    let mut traces: Vec<Trace> = Vec::with_capacity(operands.len());
    let mut settled: Option<Value> = None;
    for operand in operands {
        if settled.is_some() {
            traces.push(unreached(operand));
            continue;
        }
        let trace = foresee(operand, scope)?;
        if trace.is_reached() && trace.value().is_truthy() == decisive {
            settled = Some(trace.value().clone());
        }
        traces.push(trace);
    }
    let reached = match settled {
        Some(value) => Reached::Value(value),
        None if traces.iter().any(Trace::is_not_yet) => Reached::NotYet,
        None => Reached::Value(traces.last().map(|it| it.value().clone()).unwrap_or_default()),
    };
    Ok(trace(expr, op, reached, traces))
}

fn leaf(expr: &Expr, scope: &dyn Scope) -> Result<Trace, EvalError> {
    if is_known(expr, scope) {
        match evaluate(expr, scope) {
            Err(EvalError::NotYet { .. }) => {}
            other => return other,
        }
    }
    if let Some(trace) = contained(expr, scope)? {
        return Ok(trace);
    }
    let op = Op::of(expr);
    let operands = if matches!(op, Op::Path | Op::Literal) { Vec::new() } else { expr.operands() };
    let operands = operands.into_iter().map(|it| foresee(it, scope)).collect::<Result<_, _>>()?;
    Ok(trace(expr, op, Reached::NotYet, operands))
}

/// What `contains(needs.*.result, 'failure')` finds among what is known holds, whatever the rest will be.
fn contained(expr: &Expr, scope: &dyn Scope) -> Result<Option<Trace>, EvalError> {
    let ExprKind::Call { function, args } = &expr.kind else { return Ok(None) };
    let [list, item] = args.as_slice() else { return Ok(None) };
    if !function.eq_ignore_ascii_case("contains") || !is_known(item, scope) {
        return Ok(None);
    }
    let Some(path) = list.path_of_each() else { return Ok(None) };
    let (Some(context), Some(members)) = (path.first(), scope.known_members(&path)) else { return Ok(None) };
    match evaluate(expr, &Partly { scope, context, members }) {
        Ok(trace) => Ok(Some(trace).filter(|it| it.value().is_truthy())),
        Err(EvalError::NotYet { .. }) => Ok(None),
        Err(err) => Err(err),
    }
}

/// A scope with fewer members in one context.
struct Partly<'a> {
    scope: &'a dyn Scope,
    context: &'a str,
    members: Value,
}

impl Scope for Partly<'_> {
    fn context(&self, name: &str) -> Value {
        if name.eq_ignore_ascii_case(self.context) { self.members.clone() } else { self.scope.context(name) }
    }

    fn call(&self, function: &str, args: &[Value]) -> Called {
        self.scope.call(function, args)
    }
}

impl Template {
    /// Evaluates it as far as it is known; [`EvalError::Unknown`] if that does not settle its value.
    ///
    /// That is more than a condition asks for: `x || 'a'` holds whatever `x` is, and has no value before `x` is known.
    pub fn foresee(&self, scope: &dyn Scope) -> Result<Trace, EvalError> {
        match self {
            Self::Expression(expr) | Self::Mixed(expr) if !is_known(expr, scope) => {
                let trace = foresee(expr, scope)?;
                if !is_open(&trace) {
                    return Ok(trace);
                }
                let mut parts = Vec::new();
                unknown_parts(&trace, &mut parts);
                Err(EvalError::Unknown { parts })
            }
            Self::Literal(_) | Self::Expression(_) | Self::Mixed(_) => self.evaluate(scope),
        }
    }
}

/// Collects the innermost parts that are not known, each once.
fn unknown_parts(trace: &Trace, parts: &mut Vec<String>) {
    if !is_open(trace) {
        return;
    }
    if trace.operands.iter().any(is_open) {
        trace.operands.iter().for_each(|it| unknown_parts(it, parts));
    } else if !parts.iter().any(|it| **it == *trace.text) {
        parts.push(trace.text.to_string());
    }
}

/// Tells whether something in it is not known yet that may take part in its value.
fn is_open(trace: &Trace) -> bool {
    trace.is_not_yet() || trace.operands.iter().any(is_open)
}

/// Tells whether all paths of an expression are known. The longest fixed path counts, not the contexts it starts with.
fn is_known(expr: &Expr, scope: &dyn Scope) -> bool {
    if expr.path_of_each().is_some_and(|it| scope.knows_each(&it)) {
        return true;
    }
    match expr.path() {
        Some(path) => scope.knows(&path),
        None => expr.operands().into_iter().all(|it| is_known(it, scope)),
    }
}

fn unreached(expr: &Expr) -> Trace {
    trace(expr, Op::of(expr), Reached::No, Vec::new())
}

fn trace(expr: &Expr, op: Op, reached: Reached, operands: Vec<Trace>) -> Trace {
    Trace { text: PartText::from(expr.to_string()), range: expr.range.clone(), op, reached, operands }
}
