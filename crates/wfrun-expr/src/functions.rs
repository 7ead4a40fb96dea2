//! The functions of the language.
//!
//! Source: GitHub: planning rules P3.6.

mod format;
mod from_json;

use wfrun_syntax::{contains_ignoring_case, ends_with_ignoring_case, starts_with_ignoring_case};

use crate::{
    Called, EvalError, Expr, Reached, Trace, Value, compare,
    eval::{Evaluation, Outcome, Place},
    json,
    memory::{Counter, Exceeded},
};

/// The arguments of a call, each evaluated when it is first asked for.
pub(crate) struct Arguments<'e, 'a> {
    evaluation: &'e mut Evaluation<'a>,
    call: &'e Expr,
    exprs: &'e [Expr],
    traces: Vec<Option<Trace>>,
    first: Place,
}

impl<'e, 'a> Arguments<'e, 'a> {
    pub(crate) fn new(evaluation: &'e mut Evaluation<'a>, call: &'e Expr, exprs: &'e [Expr], first: Place) -> Self {
        let traces = exprs.iter().map(|_| None).collect();
        Self { evaluation, call, exprs, traces, first }
    }

    /// Returns what was found out; arguments nobody asked for were not reached.
    pub(crate) fn into_traces(self) -> Vec<Trace> {
        let mut place = self.first;
        let mut traces = Vec::with_capacity(self.exprs.len());
        for (trace, expr) in self.traces.into_iter().zip(self.exprs) {
            traces.push(trace.unwrap_or_else(|| self.evaluation.trace(expr, place.at, Reached::No, Vec::new())));
            place = self.evaluation.behind(place);
        }
        traces
    }

    fn len(&self) -> usize {
        self.exprs.len()
    }

    /// Returns an argument; null if there are fewer.
    fn get(&mut self, at: usize) -> Result<Value, EvalError> {
        let Some(expr) = self.exprs.get(at) else { return Ok(Value::Null) };
        if let Some(Some(trace)) = self.traces.get(at) {
            return Ok(trace.value().clone());
        }
        let place = (0..at).fold(self.first, |place, _| self.evaluation.behind(place));
        let trace = self.evaluation.eval(expr, place)?;
        let value = trace.value().clone();
        self.traces[at] = Some(trace);
        Ok(value)
    }

    /// Counts what the function makes while it works.
    const fn counter(&self) -> Counter {
        Counter::new(self.evaluation.memory.limit)
    }

    fn exceeded(&self, _: Exceeded) -> EvalError {
        Evaluation::exceeded(self.call)
    }
}

/// Calls a function. The parser has checked that it exists and takes so many arguments.
pub(crate) fn call(function: &str, args: &mut Arguments<'_, '_>) -> Result<Outcome, EvalError> {
    let is = |name: &str| function.eq_ignore_ascii_case(name);
    Ok(if is("contains") {
        Value::Bool(contains(args)?).into()
    } else if is("startsWith") {
        Value::Bool(affix(args, starts_with_ignoring_case)?).into()
    } else if is("endsWith") {
        Value::Bool(affix(args, ends_with_ignoring_case)?).into()
    } else if is("format") {
        Value::from(format::format(args)?).into()
    } else if is("join") {
        join(args)?.into()
    } else if is("fromJSON") {
        let text = args.get(0)?;
        Outcome::data(from_json::read(&text.text()).map_err(|message| EvalError::Json { message })?)
    } else if is("toJSON") {
        let value = args.get(0)?;
        let text = json::write_counted(&value, &mut args.counter()).map_err(|it| args.exceeded(it))?;
        Value::from(text).into()
    } else if is("case") {
        case(args)?.into()
    } else {
        ask_scope(function, args)?.into()
    })
}

fn ask_scope(function: &str, args: &mut Arguments<'_, '_>) -> Result<Value, EvalError> {
    let values = (0..args.len()).map(|at| args.get(at)).collect::<Result<Vec<_>, _>>()?;
    match args.evaluation.scope.call(function, &values) {
        Called::Value(value) => Ok(value),
        Called::NotYet => Err(EvalError::NotYet { function: function.to_owned(), args: values }),
    }
}

/// Takes the result behind the first true condition; later arguments are not evaluated.
fn case(args: &mut Arguments<'_, '_>) -> Result<Value, EvalError> {
    let last = args.len().saturating_sub(1);
    for at in (0..last).step_by(2) {
        let predicate = args.get(at)?.as_bool().ok_or(EvalError::CasePredicate)?;
        if predicate {
            return args.get(at + 1);
        }
    }
    args.get(last)
}

fn contains(args: &mut Arguments<'_, '_>) -> Result<bool, EvalError> {
    match args.get(0)? {
        Value::Object(_) => Ok(false),
        Value::Array(items) if items.is_empty() => Ok(false),
        Value::Array(items) => {
            let wanted = args.get(1)?;
            Ok(items.iter().any(|it| compare::equal(&wanted, it)))
        }
        text @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            let part = args.get(1)?;
            Ok(part.is_primitive() && contains_ignoring_case(&text.text(), &part.text()))
        }
    }
}

fn affix(args: &mut Arguments<'_, '_>, fits: fn(&str, &str) -> bool) -> Result<bool, EvalError> {
    let text = args.get(0)?;
    if !text.is_primitive() {
        return Ok(false);
    }
    let part = args.get(1)?;
    Ok(part.is_primitive() && fits(&text.text(), &part.text()))
}

/// The separator is not evaluated where nothing is to be separated.
fn join(args: &mut Arguments<'_, '_>) -> Result<Value, EvalError> {
    let items = match args.get(0)? {
        Value::Array(items) => items,
        Value::Object(_) => return Ok(Value::from("")),
        text @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            return Ok(Value::from(text.to_text()));
        }
    };
    let Some((first, more)) = items.items().split_first() else { return Ok(Value::from("")) };
    let mut counter = args.counter();
    let mut text = first.to_text();
    counter.add_text(&text).map_err(|it| args.exceeded(it))?;
    if more.is_empty() {
        return Ok(Value::from(text));
    }
    let separator = if args.len() > 1 { Some(args.get(1)?).filter(Value::is_primitive) } else { None };
    let separator = separator.as_ref().map_or_else(|| ",".into(), Value::text);
    for item in more {
        let item = item.text();
        let counted = counter.add_text(&separator).and_then(|()| counter.add_text(&item));
        counted.map_err(|it| args.exceeded(it))?;
        text.push_str(&separator);
        text.push_str(&item);
    }
    Ok(Value::from(text))
}
