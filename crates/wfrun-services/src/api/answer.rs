//! Answers as GitHub gives them: JSON, other media types, errors with their documentation, pages with links.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tempfile::TempPath;
use tokio_util::io::ReaderStream;

/// Where GitHub's errors point to. Differs: `documentation_url` of an error is that of the whole REST API.
const DOCUMENTATION: &str = "https://docs.github.com/rest";

/// What a route answers.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content: Content,
    /// The value of `Link`, for one of several pages.
    pub(super) link: Option<String>,
    /// What would have happened on GitHub, if anything: `create release v1.2`.
    pub(super) would: Option<String>,
}

/// A body.
pub(super) enum Content {
    None,
    Json(Value),
    /// Bytes with their media type.
    Bytes(Vec<u8>, String),
    /// A file on disk.
    File(Arc<TempPath>),
}

/// Why a route does not answer as asked.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// `errors` of the body.
    errors: Vec<Value>,
}

pub(super) type Answered = Result<Answer, Refusal>;

impl Answer {
    pub(super) fn json(value: Value) -> Self {
        Self::with(StatusCode::OK, Content::Json(value))
    }

    /// Something was made; `would` says what, for GitHub.
    pub(super) fn created(value: Value, would: String) -> Self {
        Self { would: Some(would), ..Self::with(StatusCode::CREATED, Content::Json(value)) }
    }

    /// Something was changed.
    pub(super) fn changed(value: Value, would: String) -> Self {
        Self { would: Some(would), ..Self::json(value) }
    }

    /// Something is done that leaves nothing to show.
    pub(super) fn done(would: String) -> Self {
        Self { would: Some(would), ..Self::no_content() }
    }

    pub(super) fn no_content() -> Self {
        Self::with(StatusCode::NO_CONTENT, Content::None)
    }

    pub(super) fn bytes(bytes: Vec<u8>, media_type: &str) -> Self {
        Self::with(StatusCode::OK, Content::Bytes(bytes, media_type.to_owned()))
    }

    pub(super) fn with(status: StatusCode, content: Content) -> Self {
        Self { status, content, link: None, would: None }
    }

    pub(super) async fn into_response(self) -> Result<Response, Refusal> {
        let body = match self.content {
            Content::None => self.status.into_response(),
            Content::Json(value) => json_response(self.status, &value),
            Content::Bytes(bytes, media_type) => {
                let media_type = [(header::CONTENT_TYPE, media_type)];
                (self.status, media_type, Body::from(bytes)).into_response()
            }
            Content::File(path) => {
                let failed = |err: std::io::Error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, err.to_string());
                let file = tokio::fs::File::open(&**path).await.map_err(failed)?;
                let size = file.metadata().await.map_err(failed)?.len();
                let media_type = [
                    (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
                    (header::CONTENT_LENGTH, size.to_string()),
                ];
                (self.status, media_type, Body::from_stream(ReaderStream::new(file))).into_response()
            }
        };
        Ok(with_link(body, self.link))
    }
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: Vec::new() }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// What is not served here, in a person's words.
    pub(super) fn unserved(why: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, why)
    }

    /// A field that is not as it must be. `code` is GitHub's: `missing_field`, `invalid`, `already_exists`, `custom`.
    pub(super) fn invalid(resource: &str, field: &str, code: &str) -> Self {
        let errors = vec![json!({"resource": resource, "field": field, "code": code})];
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, message: "Validation Failed".to_owned(), errors }
    }

    /// A text that is longer than GitHub takes.
    pub(super) fn too_long(resource: &str, field: &str, most: usize) -> Self {
        let message = format!("{field} is too long (maximum is {most} characters)");
        let errors = vec![json!({"resource": resource, "field": field, "code": "custom", "message": message})];
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, message: "Validation Failed".to_owned(), errors }
    }

    /// A request that is refused with a sentence.
    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    pub(super) fn into_response(self) -> Response {
        let status = self.status.as_str().to_owned();
        let mut body = json!({"message": self.message, "documentation_url": DOCUMENTATION, "status": status});
        if !self.errors.is_empty() {
            body["errors"] = self.errors.into();
        }
        json_response(self.status, &body)
    }
}

fn json_response(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], value.to_string()).into_response()
}

fn with_link(mut response: Response, link: Option<String>) -> Response {
    if let Some(value) = link.and_then(|it| HeaderValue::from_str(&it).ok()) {
        response.headers_mut().insert(header::LINK, value);
    }
    response
}
