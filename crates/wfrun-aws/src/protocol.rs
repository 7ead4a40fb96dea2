//! The protocols of AWS' APIs: which operation a request means, who signed it, and how an answer is written.

mod answer;
mod page;
mod request;
mod signature;

pub(crate) use self::answer::Protocol;
pub(crate) use self::page::page_after;
pub(crate) use self::request::{ApiRequest, url_decoded, url_encoded};
pub(crate) use self::signature::{Signed, credential, verify};

/// An error that a client sees: a code it can branch on, and a sentence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: String,
    /// What AWS would not say, as it would do what was asked, begins with [`OURS`].
    pub(crate) message: String,
    /// The request was refused for who asked.
    pub(crate) denied: bool,
    /// The HTTP status that the service's model gives it, where that is not the usual one.
    pub(crate) status: Option<u16>,
}

/// How messages begin that are wfrun's own: something was asked that it does not emulate, or cannot do here.
const OURS: &str = "wfrun: ";

/// What of a request was not done, where the answer's message is wfrun's own.
pub(crate) fn not_done(message: &str) -> Option<String> {
    message.strip_prefix(OURS).map(ToOwned::to_owned)
}

impl ApiError {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), denied: false, status: None }
    }

    pub(crate) fn denied(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { denied: true, ..Self::new(code, message) }
    }

    /// An error of the Query protocol with a status of its own.
    pub(crate) fn with_status(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: Some(status), ..Self::new(code, message) }
    }
}
