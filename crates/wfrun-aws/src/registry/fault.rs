//! The registry's errors.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

use super::push::Rejection;
use super::uploads::UploadFault;
use crate::endpoint::Unread;

/// An error as the OCI distribution specification has them: a status, a code and a sentence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn missing(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// The disk failed. Not a 5xx: the client would push again, to the same disk.
    pub(super) fn disk(err: &std::io::Error) -> Self {
        Self::bad("BLOB_UPLOAD_INVALID", format!("wfrun: the registry's folder cannot be used: {err}"))
    }

    pub(super) fn response(&self) -> Response<Body> {
        let body = json!({ "errors": [{ "code": self.code, "message": self.message }] });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        response
    }
}

/// Why a manifest was not received.
impl From<Unread> for Fault {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge { limit } => {
                let message = format!("a manifest has at most {limit} bytes");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", message)
            }
            Unread::Stalled => {
                Self::new(StatusCode::REQUEST_TIMEOUT, "MANIFEST_INVALID", "the manifest did not arrive in time")
            }
            Unread::NoRoom => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", "too many large requests at once")
            }
            Unread::Broken(why) => Self::bad("MANIFEST_INVALID", format!("the manifest broke off: {why}")),
        }
    }
}

impl From<UploadFault> for Fault {
    fn from(fault: UploadFault) -> Self {
        match fault {
            UploadFault::Gone => Self::missing("BLOB_UPLOAD_UNKNOWN", "the upload is over"),
            UploadFault::BadDigest => Self::bad("DIGEST_INVALID", "the digest is not one"),
            UploadFault::OtherDigest { found, asked } => {
                let message = format!("provided digest did not match uploaded content: it is {found}, not {asked}");
                Self::bad("DIGEST_INVALID", message)
            }
            UploadFault::Disk(why) => Self::bad("BLOB_UPLOAD_INVALID", format!("wfrun: {why}")),
        }
    }
}

impl From<Rejection> for Fault {
    fn from(rejection: Rejection) -> Self {
        let unknown = |digests: Vec<String>| {
            let message = format!("blob unknown to registry: {}", digests.join(", "));
            Self::bad("MANIFEST_BLOB_UNKNOWN", message)
        };
        match rejection {
            Rejection::Invalid(why) => Self::bad("MANIFEST_INVALID", why),
            Rejection::Tag(tag) => Self::bad("TAG_INVALID", format!("`{tag}` is not a tag")),
            Rejection::Digest { found, asked } => {
                Self::bad("DIGEST_INVALID", format!("the manifest's digest is {found}, not {asked}"))
            }
            Rejection::LayersMissing(digests) | Rejection::ImagesMissing(digests) => unknown(digests),
            Rejection::Immutable(message) => Self::bad("TAG_INVALID", message),
            Rejection::Disk(why) => Self::bad("BLOB_UPLOAD_INVALID", format!("wfrun: {why}")),
        }
    }
}
