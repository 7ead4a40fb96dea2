//! The name of a concurrency group.
use wfrun_expr::Value;

/// A name has fewer UTF-16 units than so many.
const MAX_NAME: usize = 400;

/// The name that the value of `concurrency`, or of its `group`, gives; an expression may give the whole mapping. Of a name
/// that cannot be, what GitHub says of it.
///
/// Source: GitHub: planning rules 4.7.
pub fn group_name(value: &Value) -> Result<String, &'static str> {
    let name = match value.as_object() {
        Some(keys) => keys.get("group").map(Value::to_text).unwrap_or_default(),
        None => value.to_text(),
    };
    match name.encode_utf16().count() {
        0 => Err("Concurrency group name cannot be empty"),
        MAX_NAME.. => Err("Concurrency group name must be less than 400 characters"),
        _ => Ok(name),
    }
}
