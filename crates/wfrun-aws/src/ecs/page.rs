//! Lists in pages.

use serde_json::{Map, Value, json};

use crate::account::Input;
use crate::protocol::ApiError;

/// One page of `items` as an answer: `{ "member": […], "nextToken": … }`. A page has `maxResults` items, `default` where absent.
///
/// Source: AWS ECS API reference, `ListServices`, `ListTasks` and others: at most 100.
pub(super) fn page<T: Into<Value>>(
    member: &str,
    items: Vec<T>,
    default: usize,
    input: Input<'_>,
) -> Result<Value, ApiError> {
    let invalid = |message: &str| ApiError::new("InvalidParameterException", message);
    let start = input.text("nextToken")?.filter(|token| !token.is_empty());
    let start = start.map_or(Ok(0), |token| token.parse::<usize>().map_err(|_| invalid("Invalid token")))?;
    let size = input.count("maxResults")?.map_or(default, |size| usize::try_from(size).unwrap_or(usize::MAX));
    if !(1..=100).contains(&size) {
        return Err(invalid("Invalid maxResults: it must be between 1 and 100."));
    }
    let next = (start.saturating_add(size) < items.len()).then(|| (start + size).to_string());
    let items: Vec<Value> = items.into_iter().skip(start).take(size).map(Into::into).collect();
    let mut answer = Map::from_iter([(member.to_owned(), Value::Array(items))]);
    answer.extend(next.map(|token| ("nextToken".to_owned(), json!(token))));
    Ok(Value::Object(answer))
}
