//! `--output text`: tab-separated lines, keys in alphabetical order and left out.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::python;

/// The value as lines.
///
/// Source: AWS CLI user guide, "Text output format".
pub(super) fn format(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, None, None);
    out
}

fn write_value(out: &mut String, value: &Value, name: Option<&str>, columns: Option<&BTreeSet<&str>>) {
    match value {
        Value::Object(members) => write_object(out, members, name, columns),
        Value::Array(items) => write_list(out, items, name),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => line(out, &python::str(value)),
    }
}

fn write_list(out: &mut String, items: &[Value], name: Option<&str>) {
    if items.iter().any(Value::is_object) {
        let columns: BTreeSet<&str> = items.iter().filter_map(Value::as_object).flat_map(scalar_names).collect();
        for item in items {
            write_value(out, item, name, Some(&columns));
        }
        return;
    }
    let (scalars, nested): (Vec<&Value>, Vec<&Value>) = items.iter().partition(|item| is_scalar(item));
    if !scalars.is_empty() {
        write_scalars(out, &scalars, name);
    }
    for item in nested {
        write_value(out, item, name, None);
    }
}

fn write_scalars(out: &mut String, items: &[&Value], name: Option<&str>) {
    let texts = items.iter().map(|item| python::str(item));
    match name.map(str::to_uppercase) {
        Some(name) => texts.for_each(|text| line(out, &format!("{name}\t{text}"))),
        None => line(out, &texts.collect::<Vec<_>>().join("\t")),
    }
}

/// In a list of objects every line has the columns of all of them; `columns` are these.
fn write_object(out: &mut String, members: &Map<String, Value>, name: Option<&str>, columns: Option<&BTreeSet<&str>>) {
    let own: BTreeSet<&str> = scalar_names(members).collect();
    let columns = columns.unwrap_or(&own);
    let mut cells: Vec<String> =
        columns.iter().map(|column| members.get(*column).map(python::str).unwrap_or_default()).collect();
    if !cells.is_empty() {
        cells.splice(0..0, name.map(str::to_uppercase));
        line(out, &cells.join("\t"));
    }
    let mut rest: Vec<(&String, &Value)> = members.iter().filter(|(key, _)| !columns.contains(key.as_str())).collect();
    rest.sort_by_key(|(key, _)| *key);
    for (key, value) in rest {
        write_value(out, value, Some(key), None);
    }
}

fn scalar_names(members: &Map<String, Value>) -> impl Iterator<Item = &str> {
    members.iter().filter(|(_, value)| is_scalar(value)).map(|(name, _)| name.as_str())
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a String takes any text");
}
