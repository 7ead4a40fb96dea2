//! The operations on a repository's tags: AWS' own, which name no image.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::{change, invalid, look};
use crate::account::{Call, Input};
use crate::protocol::ApiError;

/// `TagResource`.
///
/// Source: AWS ECR API reference, `TagResource`.
pub(crate) fn tag_resource(call: Call<'_>) -> Result<Value, ApiError> {
    let tags = call.input.list("tags")?;
    change(call, resource(call)?, |repository| {
        let mut changed = repository.resource_tags.clone();
        add(&mut changed, tags)?;
        repository.resource_tags = changed;
        Ok(Value::Object(Map::new()))
    })
}

/// `UntagResource`.
///
/// Source: AWS ECR API reference, `UntagResource`.
pub(crate) fn untag_resource(call: Call<'_>) -> Result<Value, ApiError> {
    let keys = call.input.texts("tagKeys")?;
    change(call, resource(call)?, |repository| {
        repository.resource_tags.retain(|key, _| !keys.contains(&key.as_str()));
        Ok(Value::Object(Map::new()))
    })
}

/// `ListTagsForResource`.
///
/// Source: AWS ECR API reference, `ListTagsForResource`.
pub(crate) fn list_tags_for_resource(call: Call<'_>) -> Result<Value, ApiError> {
    look(call, resource(call)?, |found| json!({ "tags": described(&found.resource_tags) }))
}

pub(super) fn described(tags: &IndexMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// Adds an input's tags, or says why they are none. On an error `tags` is half-way.
///
/// Source: AWS ECR user guide, "Tag restrictions": at most 50, keys of 128 characters and values of 256, no key with `aws:`.
pub(super) fn add(tags: &mut IndexMap<String, String>, added: &[Value]) -> Result<(), ApiError> {
    const MOST: usize = 50;
    let wrong = |why: &str| ApiError::new("InvalidTagParameterException", why);
    for tag in added {
        let tag = Input(tag.as_object().ok_or_else(|| wrong("A tag is a Key and a Value"))?);
        let (key, value) = (tag.text("Key")?.unwrap_or_default(), tag.text("Value")?.unwrap_or_default());
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            let limits = "Tag keys can have a maximum character length of 128 characters, and tag values can have a maximum length of 256 characters.";
            return Err(wrong(limits));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(wrong("Tag keys that start with aws: are reserved"));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    if tags.len() > MOST {
        let message = "The maximum number of tags that can be applied to a repository is 50.";
        return Err(ApiError::new("TooManyTagsException", message));
    }
    Ok(())
}

/// The repository of `resourceArn`.
fn resource(call: Call<'_>) -> Result<&str, ApiError> {
    let arn = call.input.required("resourceArn")?;
    let name = arn.strip_prefix(&call.arns().repository("")).filter(|name| !name.is_empty());
    name.ok_or_else(|| invalid("resourceArn", "Invalid ARN"))
}
