//! A small AWS client: signed JSON 1.1 and Query requests to the emulated account on loopback.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::http::{Client, HttpError, Payload, Response};

/// Why a call to the account gave no result.
#[derive(Debug, Error)]
pub enum AwsError {
    /// The service answered with an error.
    #[error("{message}")]
    Service {
        /// The operation's name, as in `DescribeServices`.
        operation: String,
        /// The error code, as in `ClusterNotFoundException`.
        code: String,
        /// The service's own text.
        message: String,
        /// The HTTP status.
        status: u16,
    },
    /// No address of an account is in the environment.
    #[error("no AWS account to talk to: neither `AWS_ENDPOINT_URL_{service}` nor `AWS_ENDPOINT_URL` is set")]
    NoEndpoint {
        /// The service's part of the variable's name, as in `ECS`.
        service: &'static str,
    },
    /// No access key is in the environment.
    #[error("unable to locate credentials: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` are not both set")]
    NoCredentials,
    /// No region is in the environment.
    #[error("no region: neither `AWS_REGION` nor `AWS_DEFAULT_REGION` is set")]
    NoRegion,
    /// The request got no answer.
    #[error("{operation} got no answer")]
    Http {
        /// The operation's name.
        operation: String,
        /// What the connection said.
        #[source]
        source: HttpError,
    },
    /// The answer is not what the protocol allows.
    #[error("the answer to {operation} is not valid JSON")]
    Malformed {
        /// The operation's name.
        operation: String,
        /// Where it is wrong.
        #[source]
        source: serde_json::Error,
    },
}

/// Before the second attempt; the third waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// An AWS service as its clients name it in the different places of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// In the signature's scope.
    pub signing_name: &'static str,
    /// Before the last dot of `X-Amz-Target`, or the `Version` of the Query protocol.
    pub target: &'static str,
    /// After `AWS_ENDPOINT_URL_`.
    pub variable: &'static str,
}

/// Security Token Service (Query).
pub const STS: Service = Service { signing_name: "sts", target: "2011-06-15", variable: "STS" };
/// Elastic Container Registry (JSON).
pub const ECR: Service =
    Service { signing_name: "ecr", target: "AmazonEC2ContainerRegistry_V20150921", variable: "ECR" };
/// Elastic Container Registry Public (JSON).
pub const ECR_PUBLIC: Service =
    Service { signing_name: "ecr-public", target: "SpencerFrontendService", variable: "ECR_PUBLIC" };
/// Elastic Container Service (JSON).
pub const ECS: Service = Service { signing_name: "ecs", target: "AmazonEC2ContainerServiceV20141113", variable: "ECS" };

/// An access key. `Debug` shows the key id only.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `AKIA…` or `ASIA…`.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// Present for temporary keys.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl Credentials {
    /// The keys of `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`; empty counts as absent.
    pub fn from_environment() -> Option<Self> {
        Some(Self {
            access_key_id: variable("AWS_ACCESS_KEY_ID")?,
            secret_access_key: variable("AWS_SECRET_ACCESS_KEY")?,
            session_token: variable("AWS_SESSION_TOKEN"),
        })
    }
}

/// What a client needs beside the service: who signs, for which region, and under which name.
#[derive(Debug, Clone)]
pub struct AwsClient {
    http: Client,
    region: String,
    /// None for the operations that are not signed.
    credentials: Option<Credentials>,
    user_agent: String,
    endpoint: Option<String>,
}

impl AwsClient {
    /// A client of `region` with `credentials`; the address comes from the environment, per service.
    pub fn new(region: impl Into<String>, credentials: Credentials, user_agent: impl Into<String>) -> Self {
        let (region, user_agent) = (region.into(), user_agent.into());
        Self { http: Client::new(), region, credentials: Some(credentials), user_agent, endpoint: None }
    }

    /// A client that signs nothing, for the operations that need no keys.
    pub fn unsigned(region: impl Into<String>, user_agent: impl Into<String>) -> Self {
        let (region, user_agent) = (region.into(), user_agent.into());
        Self { http: Client::new(), region, credentials: None, user_agent, endpoint: None }
    }

    /// A client with region and keys of the environment.
    pub fn from_environment(user_agent: impl Into<String>) -> Result<Self, AwsError> {
        let region = region().ok_or(AwsError::NoRegion)?;
        let credentials = Credentials::from_environment().ok_or(AwsError::NoCredentials)?;
        Ok(Self::new(region, credentials, user_agent))
    }

    /// The same client at this address, whatever the environment says (`--endpoint-url`).
    #[must_use]
    pub fn at_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// The region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Calls an operation of a JSON 1.1 service.
    pub fn json(&self, service: Service, operation: &str, input: &Value) -> Result<Value, AwsError> {
        let body = input.to_string();
        let target = format!("{}.{operation}", service.target);
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        let response = self.post(service, operation, &headers, body.as_bytes())?;
        if !response.is_success() {
            return Err(json_error(operation, &response));
        }
        if response.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice(&response.body)
            .map_err(|source| AwsError::Malformed { operation: operation.to_owned(), source })
    }

    /// Calls an operation of a Query service and returns the XML; [`xml_text`] reads it.
    pub fn query(&self, service: Service, operation: &str, parameters: &[(&str, &str)]) -> Result<String, AwsError> {
        let mut body = format!("Action={}&Version={}", encode(operation, false), encode(service.target, false));
        for (name, value) in parameters {
            // Writing to a String cannot fail.
            write!(body, "&{}={}", encode(name, false), encode(value, false)).expect("a String takes any text");
        }
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let response = self.post(service, operation, &headers, body.as_bytes())?;
        let text = response.text();
        if response.is_success() {
            return Ok(text);
        }
        Err(AwsError::Service {
            operation: operation.to_owned(),
            code: xml_text(&text, "Code").unwrap_or_else(|| response.status.to_string()),
            message: xml_text(&text, "Message").unwrap_or_default(),
            status: response.status,
        })
    }

    /// Asks up to three times where the service says that it is asked too often.
    ///
    /// Source: AWS SDKs reference, "Retry behavior": the standard mode has three attempts.
    fn post(
        &self,
        service: Service,
        operation: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, AwsError> {
        const ATTEMPTS: u32 = 3;
        let mut attempt = 1;
        loop {
            let response = self.post_once(service, operation, headers, body)?;
            if attempt == ATTEMPTS || response.is_success() || !is_throttled(&response) {
                return Ok(response);
            }
            std::thread::sleep(FIRST_PAUSE * 2_u32.pow(attempt - 1));
            attempt += 1;
        }
    }

    fn post_once(
        &self,
        service: Service,
        operation: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, AwsError> {
        let endpoint = self
            .endpoint
            .clone()
            .or_else(|| variable(&format!("AWS_ENDPOINT_URL_{}", service.variable)))
            .or_else(|| variable("AWS_ENDPOINT_URL"))
            .ok_or(AwsError::NoEndpoint { service: service.variable })?;
        let url = format!("{}/", endpoint.trim_end_matches('/'));
        let host = authority(&url).to_owned();
        let amz_date = amz_date(Timestamp::now());
        let mut all = vec![("host", host.as_str()), ("x-amz-date", amz_date.as_str())];
        all.extend_from_slice(headers);
        let authorization;
        if let Some(credentials) = &self.credentials {
            if let Some(token) = &credentials.session_token {
                all.push(("x-amz-security-token", token));
            }
            let request = Signable { method: "POST", path: path_of(&url), query: "", headers: &all, body };
            authorization = sign(&request, credentials, &self.region, service.signing_name, &amz_date);
            all.push(("authorization", &authorization));
        }
        all.push(("user-agent", &self.user_agent));
        self.http
            .send("POST", &url, &all, Payload::Bytes(body))
            .map_err(|source| AwsError::Http { operation: operation.to_owned(), source })
    }
}

/// The region of the environment: `AWS_REGION`, else `AWS_DEFAULT_REGION`.
pub fn region() -> Option<String> {
    variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"))
}

/// Name and password of a registry, from the `authorizationToken` that the account gives for it.
pub(super) fn registry_login(token: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(token).ok()?).ok()?;
    let mut parts = text.split(':').map(str::to_owned);
    Some((parts.next()?, parts.next()?))
}

/// The text of the first element of that name, entities decoded; enough for the flat answers of the Query protocol.
pub fn xml_text(xml: &str, element: &str) -> Option<String> {
    let start = xml.find(&format!("<{element}>"))? + element.len() + 2;
    let end = start + xml[start..].find(&format!("</{element}>"))?;
    let text = &xml[start..end];
    let decoded = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    Some(decoded.replace("&amp;", "&"))
}

/// What a signature covers. Header names in lower case, values as sent.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The path, encoded as sent; at least `/`.
    pub path: &'a str,
    /// The query string as sent, without `?`.
    pub query: &'a str,
    /// Every header to sign.
    pub headers: &'a [(&'a str, &'a str)],
    /// The whole body.
    pub body: &'a [u8],
}

/// The `Authorization` header of Signature Version 4.
///
/// `amz_date` is the value of `X-Amz-Date`, as in `20150830T123600Z`, and must be among the headers.
/// Source: AWS, "Create a signed AWS API request" (IAM user guide).
pub fn sign(
    request: &Signable<'_>,
    credentials: &Credentials,
    region: &str,
    signing_name: &str,
    amz_date: &str,
) -> String {
    let day = amz_date.get(..8).unwrap_or(amz_date);
    let scope = format!("{day}/{region}/{signing_name}/aws4_request");
    let mut headers: Vec<(&str, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (*name, value.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect();
    headers.sort();
    let signed_headers = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, canonical_query(request.query));
    for (name, value) in &headers {
        canonical.push_str(name);
        canonical.push(':');
        canonical.push_str(value);
        canonical.push('\n');
    }
    canonical.push('\n');
    canonical.push_str(&signed_headers);
    canonical.push('\n');
    canonical.push_str(&hex::encode(Sha256::digest(request.body)));
    let hashed = hex::encode(Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("AWS4-HMAC-SHA256\n{amz_date}\n{scope}\n{hashed}");
    let mut key = format!("AWS4{}", credentials.secret_access_key).into_bytes();
    for part in [day, region, signing_name, "aws4_request"] {
        key = hmac(&key, part.as_bytes());
    }
    let signature = hex::encode(hmac(&key, to_sign.as_bytes()));
    let key_id = &credentials.access_key_id;
    format!("AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={signed_headers}, Signature={signature}")
}

/// Percent-encoding as signatures want it: all but `A-Za-z0-9-_.~`, and `/` unless `keep_slash`.
pub fn encode(text: &str, keep_slash: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
            b'/' if keep_slash => encoded.push('/'),
            other => write!(encoded, "%{other:02X}").expect("a String takes any text"),
        }
    }
    encoded
}

/// Whether a service of either protocol was asked too often.
fn is_throttled(response: &Response) -> bool {
    let code = match serde_json::from_slice(&response.body) {
        Ok(body) => json_code(&body),
        Err(_) => xml_text(&response.text(), "Code").unwrap_or_default(),
    };
    ["Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"].contains(&code.as_str())
}

/// `com.amazonaws.ecs#ClientException` and `ClientException:http://…` both name `ClientException`; empty where there is none.
fn json_code(body: &Value) -> String {
    let kind = body["__type"].as_str().or_else(|| body["code"].as_str()).unwrap_or_default();
    kind.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default().to_owned()
}

fn json_error(operation: &str, response: &Response) -> AwsError {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
    let code = json_code(&body);
    let message = body["message"].as_str().or_else(|| body["Message"].as_str());
    AwsError::Service {
        operation: operation.to_owned(),
        code: if code.is_empty() { response.status.to_string() } else { code },
        message: message.map_or_else(|| format!("{operation} answered {}", response.status), str::to_owned),
        status: response.status,
    }
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn amz_date(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or(rest);
    host.strip_suffix(":80").unwrap_or(host)
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example_key() -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        }
    }

    /// Method, query, headers, body, signature.
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

    /// Source: AWS, "Signature Version 4 test suite" (`get-vanilla`, `post-x-www-form-urlencoded` …).
    #[test]
    fn signs_as_the_published_examples() {
        let date = "20150830T123600Z";
        let vanilla: &[(&str, &str)] = &[("host", "example.amazonaws.com"), ("x-amz-date", date)];
        let form: &[(&str, &str)] = &[
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", "example.amazonaws.com"),
            ("x-amz-date", date),
        ];
        let cases: &[Case<'_>] = &[
            ("GET", "", vanilla, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                "GET",
                "Param2=value2&Param1=value1",
                vanilla,
                "",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            ("POST", "", vanilla, "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            ("POST", "", form, "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
        ];
        for (method, query, headers, body, signature) in cases {
            let request = Signable { method, path: "/", query, headers, body: body.as_bytes() };
            let header = sign(&request, &example_key(), "us-east-1", "service", date);
            assert!(header.ends_with(&format!("Signature={signature}")), "{method} {query}: {header}");
        }
    }

    /// Source: AWS, "Create a signed AWS API request" (the `ListUsers` example).
    #[test]
    fn signs_list_users() {
        let date = "20150830T123600Z";
        let headers = [
            ("x-amz-date", date),
            ("host", "iam.amazonaws.com"),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ];
        let query = "Action=ListUsers&Version=2010-05-08";
        let request = Signable { method: "GET", path: "/", query, headers: &headers, body: b"" };
        assert_eq!(
            sign(&request, &example_key(), "us-east-1", "iam", date),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn reads_error_codes() {
        let cases = [
            (r#"{"__type":"ClientException","message":"m"}"#, "ClientException", "m"),
            (r#"{"__type":"com.amazonaws.ecs#ServerException","Message":"n"}"#, "ServerException", "n"),
            (r#"{"__type":"X:http://internal/","message":"o"}"#, "X", "o"),
            ("<html>", "400", "Op answered 400"),
        ];
        for (body, expected_code, expected_message) in cases {
            let response = Response { status: 400, headers: vec![], body: body.into() };
            let error = json_error("Op", &response);
            let AwsError::Service { code, message, .. } = &error else { panic!("{error:?}") };
            assert_eq!((code.as_str(), message.as_str()), (expected_code, expected_message));
        }
    }

    #[test]
    fn reads_addresses_and_elements() {
        assert_eq!(authority("http://127.0.0.1:5557/"), "127.0.0.1:5557");
        assert_eq!(authority("http://localhost:80/x"), "localhost");
        assert_eq!(path_of("http://127.0.0.1:5557/a/"), "/a/");
        assert_eq!(xml_text("<R><Message>a &amp;lt; b</Message></R>", "Message").as_deref(), Some("a &lt; b"));
        assert_eq!(xml_text("<R/>", "Message"), None);
        assert_eq!(encode("a b/ü~", true), "a%20b/%C3%BC~");
        assert_eq!(amz_date(Timestamp::from_second(1_440_938_160).expect("in range")), "20150830T123600Z");
    }
}
