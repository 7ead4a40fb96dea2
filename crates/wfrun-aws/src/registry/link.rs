//! The URL of a layer that needs no credentials, as S3's presigned ones.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::blobs;
use super::fault::Fault;
use super::route::Visit;
use crate::account::Account;

const FOLDER: &str = "/_wfrun/ecr/layers/";

/// What a link leads to, and until when.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct LayerLink {
    pub(crate) layer: String,
    pub(crate) repository: String,
    pub(crate) region: String,
    pub(crate) expires_at_ms: u64,
}

impl LayerLink {
    pub(crate) fn url(&self, account: &Account) -> String {
        format!("http://{}{FOLDER}{}", account.registry_host(), account.token_key().seal(self))
    }
}

/// Whether a path is that of a layer's link.
pub(crate) fn is_link(path: &str) -> bool {
    path.starts_with(FOLDER)
}

/// Answers a request for a layer's link.
pub(crate) async fn download(account: &Account, method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
    let link = path.strip_prefix(FOLDER).and_then(|sealed| account.token_key().open::<LayerLink>(sealed));
    let Some(link) = link else { return denied("The request signature we calculated does not match") };
    if link.expires_at_ms <= account.now_ms() {
        return denied("Request has expired");
    }
    if !(*method == Method::GET || *method == Method::HEAD) {
        return denied("The link is for reading");
    }
    let visit = Visit { account, region: &link.region, name: &link.repository };
    let answered = blobs::get(&visit, &link.layer, headers, *method == Method::GET).await;
    answered.unwrap_or_else(|fault: Fault| fault.response())
}

/// An error in S3's form.
fn denied(message: &str) -> Response<Body> {
    let body = format!("<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}
