//! What a load balancer answers itself.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST, LOCATION, SERVER};
use axum::http::{HeaderValue, Request, Response, StatusCode};

use crate::elbv2::actions::Action;
use crate::elbv2::model::Listener;

/// Why a request cannot be handed over.
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    title: &'static str,
    /// What people should know; AWS does not say it.
    reason: String,
}

impl Fault {
    pub(super) fn unavailable(reason: &str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "503 Service Temporarily Unavailable",
            reason: reason.to_owned(),
        }
    }

    pub(super) fn bad_gateway(reason: &str) -> Self {
        Self { status: StatusCode::BAD_GATEWAY, title: "502 Bad Gateway", reason: reason.to_owned() }
    }

    pub(super) fn timed_out(reason: &str) -> Self {
        Self { status: StatusCode::GATEWAY_TIMEOUT, title: "504 Gateway Time-out", reason: reason.to_owned() }
    }

    pub(super) fn is_time_out(&self) -> bool {
        self.status == StatusCode::GATEWAY_TIMEOUT
    }

    /// The page of a load balancer, and the reason in the header `x-wfrun-reason`.
    pub(super) fn answer(self) -> Response<Body> {
        let title = self.title;
        let page = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
        );
        let mut response = own(self.status, Some("text/html"), page);
        let told: String =
            self.reason.chars().map(|char| if (' '..='~').contains(&char) { char } else { '?' }).collect();
        if let Ok(reason) = HeaderValue::from_str(&told) {
            response.headers_mut().insert("x-wfrun-reason", reason);
        }
        response
    }
}

/// The answer of a `fixed-response` action.
pub(super) fn fixed(status: u16, content_type: Option<&str>, body: Option<&str>) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    own(status, Some(content_type.unwrap_or("text/plain")), body.unwrap_or_default().to_owned())
}

/// The answer of a `redirect` action.
///
/// Source: AWS ELB v2 API reference, `RedirectActionConfig`: `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for the
/// request's own.
pub(super) fn redirect(action: &Action, listener: &Listener, own_port: u16, request: &Request<Body>) -> Response<Body> {
    let Action::Redirect { protocol, host, port, path, query, status } = action else {
        return Fault::unavailable("the listener does not redirect").answer();
    };
    let asked = request.headers().get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("127.0.0.1");
    let asked = asked.rsplit_once(':').map_or(asked, |(host, _)| host);
    let filled = |template: &str| {
        template
            .replace("#{protocol}", &listener.protocol.to_ascii_lowercase())
            .replace("#{host}", asked)
            .replace("#{port}", &own_port.to_string())
            .replace("#{path}", request.uri().path().trim_start_matches('/'))
            .replace("#{query}", request.uri().query().unwrap_or_default())
    };
    let (protocol, query) = (filled(protocol).to_ascii_lowercase(), filled(query));
    let query = if query.is_empty() { query } else { format!("?{query}") };
    let location = format!("{protocol}://{}:{}{}{query}", filled(host), filled(port), filled(path));
    let mut response =
        own(StatusCode::from_u16(*status).unwrap_or(StatusCode::FOUND), Some("text/html"), String::new());
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn own(status: StatusCode, content_type: Option<&str>, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("awselb/2.0"));
    if let Some(Ok(content_type)) = content_type.map(HeaderValue::from_str) {
        headers.insert(CONTENT_TYPE, content_type);
    }
    response
}
