//! The rules of Twirp, the RPC style of GitHub's results service: JSON in, JSON out, errors with a code.

use std::io;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A Twirp error: `{"code": …, "msg": …}` with the status that belongs to the code.
///
/// Source: <https://twitchtv.github.io/twirp/docs/errors.html>
#[derive(Debug)]
pub(crate) struct TwirpError {
    code: Code,
    message: String,
}

/// The codes in use here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Malformed,
    InvalidArgument,
    Unauthenticated,
    PermissionDenied,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    Unimplemented,
    /// `resource_exhausted`, but not with its status: clients would say that they were too fast.
    StorageFull,
    Internal,
}

impl TwirpError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// What the disk said. A full one is not worth another try, which clients make after `internal`.
    pub(crate) fn store(what: &str, err: &io::Error) -> Self {
        let is_full = matches!(err.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let code = if is_full { Code::StorageFull } else { Code::Internal };
        Self::new(code, format!("the {what} store failed: {err}"))
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.code.status()
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::InvalidArgument => "invalid_argument",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::FailedPrecondition => "failed_precondition",
            Self::Unimplemented => "unimplemented",
            Self::StorageFull => "resource_exhausted",
            Self::Internal => "internal",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Malformed | Self::InvalidArgument => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::AlreadyExists => StatusCode::CONFLICT,
            Self::FailedPrecondition => StatusCode::PRECONDITION_FAILED,
            Self::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Self::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for TwirpError {
    fn into_response(self) -> Response {
        (self.code.status(), Json(json!({"code": self.code.name(), "msg": self.message}))).into_response()
    }
}

/// A request message in proto3's JSON mapping: either spelling of a name, absent or `null` is the default, unknown names are ignored.
pub(crate) struct Message(Value);

impl Message {
    /// Reads a body; anything but an object is malformed.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, TwirpError> {
        match serde_json::from_slice(body) {
            Ok(value @ Value::Object(_)) => Ok(Self(value)),
            Ok(_) => {
                Err(TwirpError::new(Code::Malformed, "the json request could not be decoded: an object is expected"))
            }
            Err(err) => Err(TwirpError::new(Code::Malformed, format!("the json request could not be decoded: {err}"))),
        }
    }

    /// A string field by its snake-case name.
    pub(crate) fn text(&self, name: &str) -> Result<&str, TwirpError> {
        match self.field(name) {
            None => Ok(""),
            Some(value) => value.as_str().ok_or_else(|| wrong_type(name, "a string")),
        }
    }

    /// A string field that may not be empty.
    pub(crate) fn required_text(&self, name: &str) -> Result<&str, TwirpError> {
        match self.text(name)? {
            "" => Err(TwirpError::new(Code::InvalidArgument, format!("{name} is required"))),
            text => Ok(text),
        }
    }

    /// A wrapped or scalar string field; `None` where it is absent or empty.
    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<&str>, TwirpError> {
        Ok(Some(self.text(name)?).filter(|it| !it.is_empty()))
    }

    /// A repeated string field.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, TwirpError> {
        let wrong = || wrong_type(name, "a list of strings");
        let Some(value) = self.field(name) else { return Ok(Vec::new()) };
        value
            .as_array()
            .ok_or_else(wrong)?
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect()
    }

    /// An `int64` field that counts something: a string by the mapping, a number from some clients.
    pub(crate) fn count(&self, name: &str) -> Result<u64, TwirpError> {
        let Some(value) = self.field(name) else { return Ok(0) };
        let count = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        count.ok_or_else(|| wrong_type(name, "a count"))
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name).or_else(|| self.0.get(camel_case(name))).filter(|value| !value.is_null())
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |camel, word| {
        let (initial, rest) = word.split_at(word.len().min(1));
        camel + &initial.to_ascii_uppercase() + rest
    })
}

fn wrong_type(name: &str, expected: &str) -> TwirpError {
    TwirpError::new(Code::Malformed, format!("the json request could not be decoded: {name} must be {expected}"))
}

#[cfg(test)]
mod tests {
    use super::Message;

    fn message(text: &str) -> Message {
        Message::parse(text.as_bytes()).expect("an object")
    }

    #[test]
    fn both_spellings_and_defaults() {
        for text in
            [r#"{"restore_keys":["a"],"size_bytes":"7"}"#, r#"{"restoreKeys":["a"],"sizeBytes":7,"metadata":{"x":1}}"#]
        {
            let it = message(text);
            assert_eq!(it.texts("restore_keys").expect("a list"), ["a"], "{text}");
            assert_eq!(it.count("size_bytes").expect("a count"), 7, "{text}");
        }
        let empty = message(r#"{"key":null}"#);
        assert_eq!(empty.text("key").expect("a default"), "");
        assert_eq!(empty.count("size_bytes").expect("a default"), 0);
        assert!(empty.required_text("key").is_err());
    }

    #[test]
    fn wrong_types_are_refused() {
        for text in ["", "[]", "{", "7"] {
            assert!(Message::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(message(r#"{"key":7}"#).text("key").is_err());
        assert!(message(r#"{"size_bytes":-1}"#).count("size_bytes").is_err());
        assert!(message(r#"{"restore_keys":"a"}"#).texts("restore_keys").is_err());
        assert!(message(r#"{"restore_keys":[1]}"#).texts("restore_keys").is_err());
    }
}
