//! The functions of the language.
//!
//! Source: GitHub: planning rules P3.6.

mod format;
mod from_json;

use wfrun_syntax::upper_ordinal;

use crate::{
    Called, EvalError, Expr, Reached, Trace, Value, compare,
    eval::{Evaluation, Outcome},
    memory,
};

/// The arguments of a call, each evaluated when it is first asked for.
pub(crate) struct Arguments<'e, 'a> {
    evaluation: &'e mut Evaluation<'a>,
    exprs: &'e [Expr],
    traces: Vec<Option<Trace>>,
    level: usize,
}

impl<'e, 'a> Arguments<'e, 'a> {
    pub(crate) fn new(evaluation: &'e mut Evaluation<'a>, exprs: &'e [Expr], level: usize) -> Self {
        let traces = exprs.iter().map(|_| None).collect();
        Self { evaluation, exprs, traces, level }
    }

    /// Returns what was found out; arguments nobody asked for were not reached.
    pub(crate) fn into_traces(self) -> Vec<Trace> {
        let both = self.traces.into_iter().zip(self.exprs);
        both.map(|(trace, expr)| trace.unwrap_or_else(|| Trace::of(expr, Reached::No, Vec::new()))).collect()
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
        let trace = self.evaluation.eval(expr, self.level)?;
        let value = trace.value().clone();
        self.traces[at] = Some(trace);
        Ok(value)
    }

    /// Fails if a text of so many bytes more may not be made.
    fn check_memory(&self, bytes: usize) -> Result<(), EvalError> {
        self.evaluation.memory.check(bytes).map_err(|_| self.evaluation.out_of_memory())
    }
}

/// Calls a function. The parser has checked that it exists and takes so many arguments.
pub(crate) fn call(function: &str, args: &mut Arguments<'_, '_>) -> Result<Outcome, EvalError> {
    Ok(match function.to_ascii_lowercase().as_str() {
        "case" => case(args)?.into(),
        "contains" => Value::Bool(contains(args)?).into(),
        "endswith" => Value::Bool(affix(args, |text, end| text.ends_with(end))?).into(),
        "format" => Value::from(format::format(args)?).into(),
        "fromjson" => {
            let text = args.get(0)?.to_text();
            let value = from_json::read(&text).map_err(|message| EvalError::Json { message })?;
            Outcome::fresh(value)
        }
        "join" => join(args)?.into(),
        "startswith" => Value::Bool(affix(args, |text, start| text.starts_with(start))?).into(),
        "tojson" => {
            let value = args.get(0)?;
            args.check_memory(memory::of_tree(&value) / 4)?;
            Value::from(value.to_json()).into()
        }
        _ => ask_scope(function, args)?.into(),
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
            Ok(items.iter().any(|it| compare::equal(it, &wanted)))
        }
        text @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            let part = args.get(1)?;
            Ok(part.is_primitive() && upper_ordinal(&text.to_text()).contains(&upper_ordinal(&part.to_text())))
        }
    }
}

fn affix(args: &mut Arguments<'_, '_>, fits: fn(&str, &str) -> bool) -> Result<bool, EvalError> {
    let text = args.get(0)?;
    if !text.is_primitive() {
        return Ok(false);
    }
    let part = args.get(1)?;
    Ok(part.is_primitive() && fits(&upper_ordinal(&text.to_text()), &upper_ordinal(&part.to_text())))
}

fn join(args: &mut Arguments<'_, '_>) -> Result<Value, EvalError> {
    let items = match args.get(0)? {
        Value::Array(items) if !items.is_empty() => items,
        Value::Array(_) | Value::Object(_) => return Ok(Value::from("")),
        text @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            return Ok(Value::from(text.to_text()));
        }
    };
    let separator = match args.len() {
        0 | 1 => None,
        _ => Some(args.get(1)?).filter(Value::is_primitive),
    };
    let separator = separator.map_or_else(|| ",".to_owned(), |it| it.to_text());
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push_str(&separator);
        }
        text.push_str(&item.to_text());
        args.check_memory(text.len())?;
    }
    Ok(Value::from(text))
}
