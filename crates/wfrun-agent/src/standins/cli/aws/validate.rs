//! Checks an input against the model before it is sent.

use serde_json::{Map, Value};

use super::error::CliError;
use super::model::{Model, Type};
use super::python;

/// Fails with every missing, unknown and wrongly typed parameter of an operation's input.
///
/// Source: AWS CLI, parameter validation.
pub(super) fn input(model: &Model, structure: &str, members: &Map<String, Value>) -> Result<(), CliError> {
    let mut check = Check { model, faults: Vec::new() };
    check.structure("", structure, members);
    if check.faults.is_empty() {
        return Ok(());
    }
    Err(CliError::Parameter(format!("Parameter validation failed:\n{}", check.faults.join("\n"))))
}

struct Check<'a> {
    model: &'a Model,
    faults: Vec<String>,
}

impl Check<'_> {
    fn structure(&mut self, place: &str, structure: &str, members: &Map<String, Value>) {
        let known = self.model.members(structure);
        let name = if place.is_empty() { "input" } else { place };
        for member in known.iter().filter(|member| member.required && !members.contains_key(member.name)) {
            self.faults.push(format!("Missing required parameter in {name}: \"{}\"", member.name));
        }
        let is_known = |key: &str| known.iter().find(|member| member.name == key);
        for key in members.keys().filter(|key| is_known(key).is_none()) {
            let names: Vec<&str> = known.iter().map(|member| member.name).collect();
            self.faults.push(format!("Unknown parameter in {name}: \"{key}\", must be one of: {}", names.join(", ")));
        }
        for (key, value) in members {
            if let Some(member) = is_known(key) {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                self.value(&place, &member.kind, value);
            }
        }
    }

    fn value(&mut self, place: &str, kind: &Type, value: &Value) {
        let valid_types = match (kind, value) {
            (Type::Structure(structure), Value::Object(members)) => return self.structure(place, structure, members),
            (Type::List(kind, least), Value::Array(items)) => {
                self.least("length", place, &items.len().to_string(), items.len() < *least, *least);
                return items
                    .iter()
                    .enumerate()
                    .for_each(|(at, item)| self.value(&format!("{place}[{at}]"), kind, item));
            }
            (Type::Map(kind), Value::Object(members)) => {
                return members.iter().for_each(|(key, item)| self.value(&format!("{place}.{key}"), kind, item));
            }
            (Type::String(least), Value::String(text)) => {
                let length = text.chars().count();
                return self.least("length", place, &length.to_string(), length < *least, *least);
            }
            (Type::Integer(least), Value::Number(number)) if !number.is_f64() => {
                let below = number.as_u64().is_none_or(|number| number < *least as u64) && *least > 0;
                return self.least("value", place, &number.to_string(), below, *least);
            }
            (Type::Boolean | Type::Integer(_), Value::Bool(_))
            | (Type::Float, Value::Number(_))
            | (Type::Timestamp, _) => {
                return;
            }
            (Type::Structure(_) | Type::Map(_), _) => "<class 'dict'>",
            (Type::List(..), _) => "<class 'list'>, <class 'tuple'>",
            (Type::String(_), _) => "<class 'str'>",
            (Type::Boolean, _) => "<class 'bool'>",
            (Type::Integer(_), _) => "<class 'int'>",
            (Type::Float, _) => "<class 'float'>, <class 'decimal.Decimal'>, <class 'int'>",
        };
        self.faults.push(format!(
            "Invalid type for parameter {place}, value: {}, type: {}, valid types: {valid_types}",
            python::str(value),
            python::class(value)
        ));
    }
    fn least(&mut self, what: &str, place: &str, value: &str, below: bool, least: usize) {
        if below {
            let fault = format!("Invalid {what} for parameter {place}, value: {value}, valid min {what}: {least}");
            self.faults.push(fault);
        }
    }
}
