//! The stand-ins' HTTP client: plain HTTP, to this machine only.
//!
//! Invariant: no request of a stand-in leaves the machine. A name that resolves to any address but a loopback one is
//! refused before a connection is made, and proxy variables are not read.

use std::fs::File;
use std::io::{Read as _, Write};
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;
use ureq::http::{self, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, SendBody};

/// Why a request got no answer. An answer with any status is not an error here.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The address is not plain HTTP.
    #[error("`{url}` is not an http:// address: stand-ins speak plain HTTP to this machine only")]
    NotPlainHttp {
        /// The address as given.
        url: String,
    },
    /// The address is on another machine.
    #[error("`{url}` is not on this machine: nothing leaves it from a stand-in")]
    NotLoopback {
        /// The address as given.
        url: String,
    },
    /// The address or a header cannot be sent at all.
    #[error("`{method} {url}` is not a valid request")]
    Invalid {
        /// The method as given.
        method: String,
        /// The address as given.
        url: String,
        /// What is wrong with it.
        #[source]
        source: http::Error,
    },
    /// The connection failed, ended early or took too long.
    #[error("no answer to `{method} {url}`")]
    Transport {
        /// The method.
        method: String,
        /// The address, without its query (which may hold a signature).
        url: String,
        /// What the connection said.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The answer's body could not be read to its end or be written down.
    #[error("the answer to `{method} {url}` broke off")]
    Body {
        /// The method.
        method: String,
        /// The address, without its query.
        url: String,
        /// What reading or writing said.
        #[source]
        source: std::io::Error,
    },
}

/// What is sent with a request.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// No body and no `Content-Length`.
    Empty,
    /// These bytes; an empty slice sends `Content-Length: 0`.
    Bytes(&'a [u8]),
    /// The file from its current position, streamed; the second member is how many bytes that is.
    File(&'a File, u64),
}

/// An HTTP answer, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text, wrong bytes replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// An HTTP/1.1 client that keeps connections open and follows no redirect.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// A client with its own pool of connections.
    pub fn new() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(Duration::from_secs(5)))
            // The account holds a request back while a rollout is under way, for less than a minute.
            .timeout_recv_response(Some(Duration::from_mins(2)))
            .build();
        Self { agent: Agent::with_parts(config, DefaultConnector::default(), LoopbackResolver::default()) }
    }

    /// Sends one request and reads the answer into memory.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        payload: Payload<'_>,
    ) -> Result<Response, HttpError> {
        let mut body = Vec::new();
        let (status, headers) = self.send_into(method, url, headers, payload, &mut body)?;
        Ok(Response { status, headers, body })
    }

    /// Sends one request and copies the answer's body to `sink` as it arrives; returns status and headers.
    pub fn send_into(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        payload: Payload<'_>,
        sink: &mut impl Write,
    ) -> Result<(u16, Vec<(String, String)>), HttpError> {
        let answer = self.start(method, url, headers, payload)?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let mut reader = answer.into_body().into_reader();
        std::io::copy(&mut reader, sink).map_err(|source| HttpError::Body {
            method: method.to_owned(),
            url: without_query(url).to_owned(),
            source,
        })?;
        Ok((status, headers))
    }

    fn start(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        payload: Payload<'_>,
    ) -> Result<http::Response<ureq::Body>, HttpError> {
        if !url.starts_with("http://") {
            return Err(HttpError::NotPlainHttp { url: without_query(url).to_owned() });
        }
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Payload::File(_, length) = payload {
            request = request.header("content-length", length);
        }
        let invalid =
            |source| HttpError::Invalid { method: method.to_owned(), url: without_query(url).to_owned(), source };
        let answer = match payload {
            Payload::Empty => self.agent.run(request.body(()).map_err(invalid)?),
            Payload::Bytes(bytes) => self.agent.run(request.body(bytes).map_err(invalid)?),
            Payload::File(file, length) => {
                let mut reader = file.take(length);
                self.agent.run(request.body(SendBody::from_reader(&mut reader)).map_err(invalid)?)
            }
        };
        answer.map_err(|source| {
            let url = without_query(url).to_owned();
            if matches!(&source, ureq::Error::BadUri(text) if text == NOT_LOOPBACK) {
                HttpError::NotLoopback { url }
            } else {
                HttpError::Transport { method: method.to_owned(), url, source: Box::new(source) }
            }
        })
    }
}

const NOT_LOOPBACK: &str = "not a loopback address";

/// Resolves as the system does (so an entry of `/etc/hosts` counts) and refuses what is not this machine.
#[derive(Debug, Default)]
struct LoopbackResolver {
    system: DefaultResolver,
}

impl Resolver for LoopbackResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        // A literal address is judged before the system is asked, and no name of another machine is looked up needlessly.
        if host.parse::<IpAddr>().is_ok_and(|address| !address.is_loopback()) {
            return Err(ureq::Error::BadUri(NOT_LOOPBACK.to_owned()));
        }
        let addresses = self.system.resolve(uri, config, timeout)?;
        if addresses.iter().all(|address| address.ip().is_loopback()) {
            Ok(addresses)
        } else {
            Err(ureq::Error::BadUri(NOT_LOOPBACK.to_owned()))
        }
    }
}

fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(address, _)| address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_this_machine() {
        let client = Client::new();
        for url in ["http://10.0.0.1/x?sig=1", "http://[2001:db8::1]/x", "http://8.8.8.8:80/"] {
            let error = client.send("GET", url, &[], Payload::Empty).expect_err("must be refused");
            assert!(matches!(error, HttpError::NotLoopback { .. }), "{url}: {error:?}");
            assert!(!error.to_string().contains("sig="), "{error}");
        }
        let error = client.send("GET", "https://127.0.0.1/", &[], Payload::Empty).expect_err("must be refused");
        assert!(matches!(error, HttpError::NotPlainHttp { .. }), "{error:?}");
    }
}
