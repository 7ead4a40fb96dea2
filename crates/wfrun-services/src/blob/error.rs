use std::io;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// An error of the Blob service, with Azure's code for it.
///
/// Source: <https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes>
#[derive(Debug)]
pub(crate) struct BlobError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl BlobError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// Status and words.
    pub(crate) fn told(self) -> (StatusCode, String) {
        (self.status, self.message)
    }

    /// Whether the disk is full.
    pub(crate) fn is_full(&self) -> bool {
        self.status == StatusCode::INSUFFICIENT_STORAGE
    }

    /// The signature is unknown, or belongs to another kind of request.
    pub(crate) fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "AuthenticationFailed",
            "the signature of this URL is not known, or not for this request",
        )
    }

    /// The content was removed after its URL was given out.
    pub(crate) fn gone() -> Self {
        Self::new(StatusCode::NOT_FOUND, "BlobNotFound", "the blob is not there any more")
    }

    /// The disk failed. A full one is not worth another try, which clients make after status 500.
    pub(crate) fn store(err: &io::Error) -> Self {
        let is_full = matches!(err.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let status = if is_full { StatusCode::INSUFFICIENT_STORAGE } else { StatusCode::INTERNAL_SERVER_ERROR };
        Self::new(status, "InternalError", format!("the store failed: {err}"))
    }
}

impl IntoResponse for BlobError {
    fn into_response(self) -> Response {
        let message = self.message.replace('&', "&amp;").replace('<', "&lt;");
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{message}</Message></Error>",
            self.code
        );
        (self.status, [(header::CONTENT_TYPE.as_str(), "application/xml"), ("x-ms-error-code", self.code)], body)
            .into_response()
    }
}
