//! The functions of `JMESPath`.

use std::cmp::Ordering;

use jmespath::ast::Ast;
use serde_json::{Map, Number, Value};

use super::evaluate;
use crate::standins::cli::aws::error::CliError;
use crate::standins::cli::aws::python;

/// Calls a function with its arguments evaluated against `value`.
///
/// Source: `JMESPath` specification, "Built-in Functions".
pub(super) fn call(name: &str, args: &[Ast], value: &Value) -> Result<Value, CliError> {
    let call = Call { name, args, value };
    match name {
        "not_null" => call.not_null(),
        "merge" => call.merge(),
        "abs" | "avg" | "ceil" | "floor" | "keys" | "length" | "max" | "min" | "reverse" | "sort" | "sum"
        | "to_array" | "to_number" | "to_string" | "type" | "values" => call.one(),
        "contains" | "ends_with" | "join" | "starts_with" => call.two(),
        "map" | "max_by" | "min_by" | "sort_by" => call.by(),
        _ => Err(CliError::General(format!("Unknown function: {name}()"))),
    }
}

struct Call<'a> {
    name: &'a str,
    args: &'a [Ast],
    value: &'a Value,
}

impl Call<'_> {
    fn expect_arity(&self, count: usize) -> Result<(), CliError> {
        if self.args.len() == count {
            return Ok(());
        }
        let noun = if count == 1 { "argument" } else { "arguments" };
        let (name, received) = (self.name, self.args.len());
        Err(CliError::General(format!("Expected {count} {noun} for function {name}(), received {received}")))
    }

    fn wrong(&self, value: &Value, expected: &[&str]) -> CliError {
        let expected = expected.iter().map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
        CliError::General(format!(
            "In function {}(), invalid type for value: {}, expected one of: [{expected}], received: \"{}\"",
            self.name,
            python::str(value),
            type_name(value)
        ))
    }

    fn not_null(&self) -> Result<Value, CliError> {
        for arg in self.args {
            let found = evaluate(arg, self.value)?;
            if !found.is_null() {
                return Ok(found);
            }
        }
        Ok(Value::Null)
    }

    fn merge(&self) -> Result<Value, CliError> {
        let mut merged = Map::new();
        for arg in self.args {
            let found = evaluate(arg, self.value)?;
            merged.extend(found.as_object().ok_or_else(|| self.wrong(&found, &["object"]))?.clone());
        }
        Ok(Value::Object(merged))
    }

    fn one(&self) -> Result<Value, CliError> {
        self.expect_arity(1)?;
        let subject = evaluate(&self.args[0], self.value)?;
        match (self.name, &subject) {
            ("type", _) => Ok(type_name(&subject).into()),
            ("to_array", Value::Array(_)) | ("to_string", Value::String(_)) | ("to_number", Value::Number(_)) => {
                Ok(subject)
            }
            ("to_array", _) => Ok(Value::Array(vec![subject])),
            ("to_string", _) => Ok(subject.to_string().into()),
            ("to_number", Value::String(text)) => {
                Ok(serde_json::from_str::<Number>(text).map_or(Value::Null, Value::Number))
            }
            ("to_number", _) => Ok(Value::Null),
            ("length", Value::String(text)) => Ok(text.chars().count().into()),
            ("length", Value::Array(items)) => Ok(items.len().into()),
            ("length", Value::Object(members)) => Ok(members.len().into()),
            ("length", _) => Err(self.wrong(&subject, &["string", "array", "object"])),
            ("keys", Value::Object(members)) => Ok(members.keys().cloned().collect()),
            ("values", Value::Object(members)) => Ok(members.values().cloned().collect()),
            ("keys" | "values", _) => Err(self.wrong(&subject, &["object"])),
            ("reverse", Value::Array(items)) => Ok(items.iter().rev().cloned().collect()),
            ("reverse", Value::String(text)) => Ok(text.chars().rev().collect::<String>().into()),
            ("reverse", _) => Err(self.wrong(&subject, &["array", "string"])),
            ("abs" | "ceil" | "floor", Value::Number(number)) => Ok(rounded(self.name, number)),
            ("abs" | "ceil" | "floor", _) => Err(self.wrong(&subject, &["number"])),
            ("sort" | "max" | "min", Value::Array(items)) => {
                self.ordered(items.iter().map(|item| (item.clone(), item.clone())).collect())
            }
            ("sum" | "avg", Value::Array(items)) => self.sum(items),
            (_, _) => Err(self.wrong(&subject, &["array"])),
        }
    }

    fn sum(&self, items: &[Value]) -> Result<Value, CliError> {
        let mut sum = 0.0;
        for item in items {
            sum += item.as_f64().ok_or_else(|| self.wrong(item, &["array-number"]))?;
        }
        if self.name == "sum" {
            let whole = items.iter().map(Value::as_i64).sum::<Option<i64>>();
            return Ok(whole.map_or_else(|| sum.into(), Value::from));
        }
        #[expect(clippy::cast_precision_loss, reason = "a list in memory is shorter than 2^52")]
        let count = items.len() as f64;
        Ok(if items.is_empty() { Value::Null } else { (sum / count).into() })
    }

    fn two(&self) -> Result<Value, CliError> {
        self.expect_arity(2)?;
        let (first, second) = (evaluate(&self.args[0], self.value)?, evaluate(&self.args[1], self.value)?);
        match (self.name, &first, &second) {
            ("contains", Value::Array(items), _) => Ok(items.contains(&second).into()),
            ("contains", Value::String(text), Value::String(part)) => Ok(text.contains(part.as_str()).into()),
            ("contains", Value::String(_), _) => Ok(false.into()),
            ("contains", _, _) => Err(self.wrong(&first, &["array", "string"])),
            ("starts_with", Value::String(text), Value::String(part)) => Ok(text.starts_with(part.as_str()).into()),
            ("ends_with", Value::String(text), Value::String(part)) => Ok(text.ends_with(part.as_str()).into()),
            ("join", Value::String(glue), Value::Array(items)) => {
                let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                Ok(texts.ok_or_else(|| self.wrong(&second, &["array-string"]))?.join(glue).into())
            }
            ("join", Value::String(_), _) => Err(self.wrong(&second, &["array-string"])),
            (_, Value::String(_), _) => Err(self.wrong(&second, &["string"])),
            (_, _, _) => Err(self.wrong(&first, &["string"])),
        }
    }

    /// The functions that take an expression: `sort_by(list, &expr)`, and `map(&expr, list)`.
    fn by(&self) -> Result<Value, CliError> {
        self.expect_arity(2)?;
        let (first, second) = (&self.args[0], &self.args[1]);
        let (list, each) = if self.name == "map" { (second, first) } else { (first, second) };
        let subject = evaluate(list, self.value)?;
        let Value::Array(items) = &subject else {
            return Err(self.wrong(&subject, &["array"]));
        };
        let Ast::Expref { ast: each, .. } = each else {
            return Err(self.wrong(&evaluate(each, self.value)?, &["expref"]));
        };
        if self.name == "map" {
            return items.iter().map(|item| evaluate(each, item)).collect();
        }
        let mut keyed = Vec::new();
        for item in items {
            keyed.push((evaluate(each, item)?, item.clone()));
        }
        self.ordered(keyed)
    }

    /// The second members in the order of the first, which are all numbers or all text; of `max…` and `min…` only one.
    fn ordered(&self, mut keyed: Vec<(Value, Value)>) -> Result<Value, CliError> {
        let numbers = keyed.iter().all(|(key, _)| key.is_number());
        let texts = keyed.iter().all(|(key, _)| key.is_string());
        if !numbers && !texts {
            let odd = keyed.iter().map(|(key, _)| key).find(|key| !key.is_number() && !key.is_string());
            return Err(self.wrong(odd.unwrap_or(&keyed[0].0), &["number", "string"]));
        }
        let order = |left: &Value, right: &Value| -> Ordering {
            match (left.as_f64(), right.as_f64()) {
                (Some(left), Some(right)) => left.total_cmp(&right),
                _ => left.as_str().cmp(&right.as_str()),
            }
        };
        let greatest_first = self.name.starts_with("max");
        // The sort is stable, so of equal ones the first in the list is the greatest and the smallest.
        keyed.sort_by(|(left, _), (right, _)| if greatest_first { order(right, left) } else { order(left, right) });
        let mut sorted = keyed.into_iter().map(|(_, item)| item);
        Ok(if self.name.starts_with("sort") { sorted.collect() } else { sorted.next().unwrap_or(Value::Null) })
    }
}

fn rounded(name: &str, number: &Number) -> Value {
    if let Some(whole) = number.as_i64() {
        return if name == "abs" { whole.abs().into() } else { whole.into() };
    }
    let float = number.as_f64().unwrap_or_default();
    let whole = match name {
        "abs" => return float.abs().into(),
        "ceil" => float.ceil(),
        _ => float.floor(),
    };
    #[expect(clippy::cast_possible_truncation, reason = "the AWS CLI makes an integer of it as well")]
    let whole = whole as i64;
    whole.into()
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
