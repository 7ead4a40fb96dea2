//! One API call as an operation sees it.

use serde_json::{Map, Value};

use super::{Account, Principal};
use crate::ids::Arns;
use crate::protocol::ApiError;

/// Who calls, and for which region.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// From the signature's scope.
    pub(crate) region: String,
    pub(crate) access_key_id: String,
    pub(crate) arn: String,
    /// `AIDA…` of a user, the account's number for root.
    pub(crate) user_id: String,
    /// Whether the account made the access key.
    pub(crate) known: bool,
    pub(crate) principal: Principal,
    /// As the client calls itself.
    pub(crate) user_agent: String,
}

impl Caller {
    /// The caller as reports show it.
    pub(crate) fn shown(&self) -> String {
        if self.known { self.arn.clone() } else { format!("{} (unknown access key)", self.arn) }
    }
}

/// What carries an operation out.
pub(crate) type Operation = fn(Call<'_>) -> Result<Value, ApiError>;

/// One API call.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) account: &'a Account,
    pub(crate) caller: &'a Caller,
    pub(crate) input: Input<'a>,
}

impl<'a> Call<'a> {
    pub(crate) fn arns(&self) -> Arns<'a> {
        self.account.arns(&self.caller.region)
    }

    pub(crate) fn region(&self) -> &'a str {
        &self.caller.region
    }
}

/// An operation's input. A member of the wrong type is refused as AWS does; `null` counts as absent.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Input<'a> {
    pub(crate) fn get(self, member: &str) -> Option<&'a Value> {
        self.0.get(member).filter(|value| !value.is_null())
    }

    pub(crate) fn text(self, member: &str) -> Result<Option<&'a str>, ApiError> {
        self.typed(member, "string", Value::as_str)
    }

    pub(crate) fn count(self, member: &str) -> Result<Option<u32>, ApiError> {
        self.typed(member, "integer", |value| match value {
            Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            // The Query protocol has texts only.
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        })
    }

    pub(crate) fn flag(self, member: &str) -> Result<Option<bool>, ApiError> {
        self.typed(member, "boolean", |value| match value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        })
    }

    /// An absent list is an empty one.
    pub(crate) fn list(self, member: &str) -> Result<&'a [Value], ApiError> {
        Ok(self.typed(member, "list", Value::as_array)?.map_or(&[], Vec::as_slice))
    }

    pub(crate) fn texts(self, member: &str) -> Result<Vec<&'a str>, ApiError> {
        self.list(member)?
            .iter()
            .map(|item| item.as_str().ok_or_else(|| wrong_type(member, "list of strings")))
            .collect()
    }

    pub(crate) fn map(self, member: &str) -> Result<Option<Self>, ApiError> {
        Ok(self.typed(member, "structure", Value::as_object)?.map(Input))
    }

    /// A text that must be there and not empty.
    pub(crate) fn required(self, member: &str) -> Result<&'a str, ApiError> {
        self.text(member)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| ApiError::new("InvalidParameterException", format!("{member} can not be blank.")))
    }

    fn typed<T: 'a>(
        self,
        member: &str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        self.get(member).map(|value| read(value).ok_or_else(|| wrong_type(member, wanted))).transpose()
    }
}

fn wrong_type(member: &str, wanted: &str) -> ApiError {
    ApiError::new("SerializationException", format!("`{member}` is not of type {wanted}"))
}
