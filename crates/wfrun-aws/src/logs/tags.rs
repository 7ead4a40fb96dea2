//! The operations on the tags of log groups: the newer ones by ARN, the older ones by name.

use serde_json::{Value, json};

use super::groups::texts;
use super::input::{invalid, name_in_arn, needed};
use crate::account::Call;
use crate::protocol::ApiError;

pub(super) fn tag_resource(call: Call<'_>) -> Result<Value, ApiError> {
    tag(call, by_arn(call)?)
}

pub(super) fn untag_resource(call: Call<'_>) -> Result<Value, ApiError> {
    untag(call, by_arn(call)?, "tagKeys")
}

pub(super) fn list_tags_for_resource(call: Call<'_>) -> Result<Value, ApiError> {
    list(call, by_arn(call)?)
}

pub(super) fn tag_log_group(call: Call<'_>) -> Result<Value, ApiError> {
    tag(call, needed(call.input, "logGroupName")?)
}

pub(super) fn untag_log_group(call: Call<'_>) -> Result<Value, ApiError> {
    untag(call, needed(call.input, "logGroupName")?, "tags")
}

pub(super) fn list_tags_log_group(call: Call<'_>) -> Result<Value, ApiError> {
    list(call, needed(call.input, "logGroupName")?)
}

fn by_arn(call: Call<'_>) -> Result<&str, ApiError> {
    let arn = needed(call.input, "resourceArn")?;
    name_in_arn(arn).ok_or_else(|| invalid(format!("'{arn}' is not the ARN of a log group")))
}

fn tag(call: Call<'_>, group: &str) -> Result<Value, ApiError> {
    let new = texts(call.input, "tags")?;
    call.account.change(call.region(), |region| {
        region.logs.group_mut(group)?.tags.extend(new);
        Ok(Value::Null)
    })
}

fn untag(call: Call<'_>, group: &str, member: &str) -> Result<Value, ApiError> {
    let keys = call.input.texts(member)?;
    call.account.change(call.region(), |region| {
        region.logs.group_mut(group)?.tags.retain(|key, _| !keys.contains(&key.as_str()));
        Ok(Value::Null)
    })
}

fn list(call: Call<'_>, group: &str) -> Result<Value, ApiError> {
    call.account.read(call.region(), |region| Ok(json!({ "tags": region.logs.group(group)?.tags })))
}
