//! `--query`: `JMESPath` over JSON that keeps the order of its members.
//!
//! The crate `jmespath` reads the expressions. Its values sort the members of objects, and the AWS CLI prints them in the
//! service's order, so the evaluation is our own.

mod functions;

use jmespath::ast::{Ast, Comparator};
use serde_json::{Map, Value};

use super::error::CliError;

/// An expression that has been read.
#[derive(Debug)]
pub(super) struct Query {
    ast: Ast,
}

impl Query {
    /// Reads an expression.
    ///
    /// Differs: the text of the message for a wrong expression, after `Invalid jmespath expression:`, is our own.
    pub(super) fn parse(text: &str) -> Result<Self, CliError> {
        let ast = jmespath::parse(&with_quoted_literals(text)).map_err(|error| {
            CliError::Parameter(format!("Bad value for --query {text}: Invalid jmespath expression: {error}"))
        })?;
        Ok(Self { ast })
    }

    /// The part of `value` that the expression names.
    pub(super) fn search(&self, value: &Value) -> Result<Value, CliError> {
        evaluate(&self.ast, value)
    }
}

/// Makes JSON of literals that are none: `` `ACTIVE` `` stands for `` `"ACTIVE"` ``.
///
/// Source: AWS CLI user guide, "Filtering AWS CLI output" (the examples leave the quotes out).
fn with_quoted_literals(text: &str) -> String {
    let mut quoted = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(['\'', '"', '`']) {
        let (before, opened) = rest.split_at(start);
        let quote = &opened[..1];
        let Some(length) = closing(&opened[1..], quote) else {
            break;
        };
        let inner = &opened[1..=length];
        let bare = quote == "`" && serde_json::from_str::<Value>(&inner.replace("\\`", "`")).is_err();
        quoted.push_str(before);
        quoted.push_str(quote);
        let mark = if bare { "\"" } else { "" };
        quoted.extend([mark, if bare { inner.trim_start() } else { inner }, mark]);
        quoted.push_str(quote);
        rest = &opened[length + 2..];
    }
    quoted + rest
}

/// Where the quote is that ends a text which began before `text`.
fn closing(text: &str, quote: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        if !escaped && quote.starts_with(letter) {
            return Some(at);
        }
        escaped = letter == '\\' && !escaped;
    }
    None
}

/// Source: `JMESPath` specification, <https://jmespath.org/specification.html>.
fn evaluate(ast: &Ast, value: &Value) -> Result<Value, CliError> {
    Ok(match ast {
        Ast::Identity { .. } => value.clone(),
        Ast::Field { name, .. } => value.get(name).cloned().unwrap_or(Value::Null),
        Ast::Index { idx, .. } => index(value, *idx),
        Ast::Slice { start, stop, step, .. } => slice(value, *start, *stop, *step)?,
        Ast::Literal { value: literal, .. } => serde_json::to_value(&**literal).unwrap_or(Value::Null),
        Ast::Subexpr { lhs, rhs, .. } => evaluate(rhs, &evaluate(lhs, value)?)?,
        Ast::Projection { lhs, rhs, .. } => project(&evaluate(lhs, value)?, rhs)?,
        Ast::ObjectValues { node, .. } => match evaluate(node, value)? {
            Value::Object(members) => members.into_iter().map(|(_, value)| value).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Value::Null,
        },
        Ast::Flatten { node, .. } => match evaluate(node, value)? {
            Value::Array(items) => Value::Array(items.into_iter().flat_map(flattened).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Value::Null,
        },
        Ast::Condition { predicate, then, .. } => {
            if is_true(&evaluate(predicate, value)?) {
                evaluate(then, value)?
            } else {
                Value::Null
            }
        }
        Ast::Comparison { comparator, lhs, rhs, .. } => {
            compare(comparator, &evaluate(lhs, value)?, &evaluate(rhs, value)?)
        }
        Ast::Not { node, .. } => Value::Bool(!is_true(&evaluate(node, value)?)),
        Ast::And { lhs, rhs, .. } => {
            let left = evaluate(lhs, value)?;
            if is_true(&left) { evaluate(rhs, value)? } else { left }
        }
        Ast::Or { lhs, rhs, .. } => {
            let left = evaluate(lhs, value)?;
            if is_true(&left) { left } else { evaluate(rhs, value)? }
        }
        Ast::MultiList { .. } | Ast::MultiHash { .. } if value.is_null() => Value::Null,
        Ast::MultiList { elements, .. } => {
            Value::Array(elements.iter().map(|element| evaluate(element, value)).collect::<Result<_, _>>()?)
        }
        Ast::MultiHash { elements, .. } => {
            let mut members = Map::new();
            for pair in elements {
                members.insert(pair.key.clone(), evaluate(&pair.value, value)?);
            }
            Value::Object(members)
        }
        Ast::Function { name, args, .. } => functions::call(name, args, value)?,
        // Only functions look into an expression reference.
        Ast::Expref { .. } => Value::Null,
    })
}

fn flattened(item: Value) -> Vec<Value> {
    match item {
        Value::Array(items) => items,
        item @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => vec![item],
    }
}

fn project(list: &Value, each: &Ast) -> Result<Value, CliError> {
    let Value::Array(items) = list else {
        return Ok(Value::Null);
    };
    let mut results = Vec::new();
    for item in items {
        let result = evaluate(each, item)?;
        if !result.is_null() {
            results.push(result);
        }
    }
    Ok(Value::Array(results))
}

fn index(value: &Value, index: i32) -> Value {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    let at = if index < 0 { items.len().checked_sub(distance) } else { Some(distance) };
    at.and_then(|at| items.get(at)).cloned().unwrap_or(Value::Null)
}

fn slice(value: &Value, start: Option<i32>, stop: Option<i32>, step: i32) -> Result<Value, CliError> {
    let Value::Array(items) = value else {
        return Ok(Value::Null);
    };
    if step == 0 {
        return Err(CliError::General("slice step cannot be 0".to_owned()));
    }
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |bound: i32| {
        let bound = i64::from(bound);
        (if bound < 0 { bound + length } else { bound }).clamp(lowest, highest)
    };
    let first = start.map_or(if step > 0 { lowest } else { highest }, bound);
    let last = stop.map_or(if step > 0 { highest } else { lowest }, bound);
    let mut results = Vec::new();
    let mut at = first;
    while (step > 0 && at < last) || (step < 0 && at > last) {
        results.extend(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned());
        at += i64::from(step);
    }
    Ok(Value::Array(results))
}

fn compare(comparator: &Comparator, left: &Value, right: &Value) -> Value {
    // Order is defined for numbers; the AWS CLI also orders text, so that time stamps can be compared.
    let order = match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64().partial_cmp(&right.as_f64()),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    };
    let ordered = |test: fn(std::cmp::Ordering) -> bool| order.map_or(Value::Null, |order| Value::Bool(test(order)));
    match comparator {
        Comparator::Equal => Value::Bool(equal(left, right)),
        Comparator::NotEqual => Value::Bool(!equal(left, right)),
        Comparator::LessThan => ordered(std::cmp::Ordering::is_lt),
        Comparator::LessThanEqual => ordered(std::cmp::Ordering::is_le),
        Comparator::GreaterThan => ordered(std::cmp::Ordering::is_gt),
        Comparator::GreaterThanEqual => ordered(std::cmp::Ordering::is_ge),
    }
}

/// Equality in which `1` is `1.0`.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let same = |(name, value): (&String, &Value)| right.get(name).is_some_and(|other| equal(value, other));
            left.len() == right.len() && left.iter().all(same)
        }
        _ => left == right,
    }
}

/// Zero is true; null, false and everything empty are not.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn searches() {
        let data = json!({
            "services": [
                {"name": "b", "status": "ACTIVE", "running": 2, "tags": {"x": 1, "a": 2}, "events": [1, 2, 3]},
                {"name": "a", "status": "DRAINING", "running": 10, "events": []}
            ],
            "nested": [[1, 2], 3, [4]], "at": "2026-11-23", "empty": []
        });
        let cases = [
            (
                "services[0].{Status:status,Running:running,Desired:missing}",
                r#"{"Status":"ACTIVE","Running":2,"Desired":null}"#,
            ),
            ("services[].name", r#"["b","a"]"#),
            ("services[-1].name", r#""a""#),
            ("services[9].{A:name}", "null"),
            ("services[?status=='ACTIVE'].[name,running]", r#"[["b",2]]"#),
            ("services[?running > `5`].name | [0]", r#""a""#),
            ("services[?status==`ACTIVE`].name | [0]", r#""b""#),
            ("'it`s' == 'it`s' && services[?status!=` ACTIVE`]|[0].name", r#""a""#),
            ("services[0].tags", r#"{"x":1,"a":2}"#),
            ("services[0].tags.*", "[1,2]"),
            ("nested[]", "[1,2,3,4]"),
            ("services[0].events[1:]", "[2,3]"),
            ("services[0].events[::-1]", "[3,2,1]"),
            ("services[0].events[-2:]", "[2,3]"),
            ("missing || at", r#""2026-11-23""#),
            ("at > '2026-01-01'", "true"),
            ("at > `1`", "null"),
            ("!empty && 'x'", r#""x""#),
            ("length(services[?!(length(events) == `3` && running == `2.0`)]) == `0`", "false"),
            ("sort_by(services, &name)[*].name", r#"["a","b"]"#),
            ("max_by(services, &running).name", r#""a""#),
            ("sort(services[].name)", r#"["a","b"]"#),
            ("join(', ', services[].name)", r#""b, a""#),
            ("keys(services[0].tags)", r#"["x","a"]"#),
            ("values(services[0].tags)", "[1,2]"),
            ("sum(services[].running)", "12"),
            ("avg(services[].running)", "6.0"),
            ("map(&name, services)", r#"["b","a"]"#),
            ("contains(at, '11')", "true"),
            ("contains(services[].name, 'z')", "false"),
            ("starts_with(at, '2026') && ends_with(at, '23')", "true"),
            ("to_number('12')", "12"),
            ("to_number('x')", "null"),
            ("to_string(services[0].tags)", r#""{\"x\":1,\"a\":2}""#),
            ("to_array(at)", r#"["2026-11-23"]"#),
            ("type(empty)", r#""array""#),
            ("not_null(missing, at)", r#""2026-11-23""#),
            ("reverse(services[].name)", r#"["a","b"]"#),
            ("merge(services[0].tags, {b: `3`})", r#"{"x":1,"a":2,"b":3}"#),
            ("abs(`-3`)", "3"),
            ("ceil(`1.2`)", "2"),
            ("floor(`1.8`)", "1"),
            ("min(services[].running)", "2"),
            ("max(empty)", "null"),
        ];
        for (query, want) in cases {
            let found = Query::parse(query).and_then(|it| it.search(&data)).expect(query);
            assert_eq!(found.to_string(), want, "{query}");
        }
    }

    #[test]
    fn says_what_a_function_wants() {
        let cases = [
            (
                "length(missing)",
                "In function length(), invalid type for value: None, expected one of: ['string', 'array', 'object'], \
                 received: \"null\"",
            ),
            ("frob(@)", "Unknown function: frob()"),
            ("length(@, @)", "Expected 1 argument for function length(), received 2"),
        ];
        for (query, want) in cases {
            let error = Query::parse(query).and_then(|it| it.search(&json!({}))).expect_err(query);
            assert_eq!((error.to_string().as_str(), error.exit_code()), (want, 255));
        }
    }
}
