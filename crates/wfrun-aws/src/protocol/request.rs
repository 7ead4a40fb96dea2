//! Which service and operation a request means.

use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value};

use super::answer::Protocol;
use super::signature::credential;

/// A request to an API of AWS, understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiRequest {
    /// As `ecs`; what the client said where the service is not known.
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) protocol: Protocol,
    /// The members of the input, or why they cannot be read.
    pub(crate) input: Result<Map<String, Value>, String>,
}

impl ApiRequest {
    /// Understands a request; the Host header plays no part.
    pub(crate) fn read(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Self {
        let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
        if let Some((prefix, operation)) = target.and_then(|target| target.rsplit_once('.')) {
            return Self {
                service: service_of_target(prefix).to_owned(),
                operation: operation.to_owned(),
                protocol: Protocol::Json,
                input: json_input(body),
            };
        }
        if let Some((service, operation)) = cbor_path(uri.path()) {
            return Self { service, operation, protocol: Protocol::Cbor, input: Ok(Map::new()) };
        }
        let form = if *method == Method::GET { uri.query().unwrap_or_default().as_bytes() } else { body };
        let form = form_fields(form);
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        if let (Some(operation), Some(version)) = (field("Action"), field("Version")) {
            let (service, namespace) = service_of_version(&version);
            let input = form.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
            return Self {
                service: service.to_owned(),
                operation,
                protocol: Protocol::Query { namespace },
                input: Ok(input),
            };
        }
        let signed_for = credential(headers).map(|credential| credential.service);
        let protocol = if signed_for.as_deref() == Some("s3") { Protocol::RestXml } else { Protocol::Json };
        Self {
            service: signed_for.unwrap_or_else(|| "unknown".to_owned()),
            operation: format!("{method} {}", uri.path()),
            protocol,
            input: Ok(Map::new()),
        }
    }
}

fn service_of_target(prefix: &str) -> &str {
    match prefix {
        "AmazonEC2ContainerServiceV20141113" => "ecs",
        "AmazonEC2ContainerRegistry_V20150921" => "ecr",
        "SpencerFrontendService" => "ecr-public",
        "Logs_20140328" => "logs",
        "CodeDeploy_20141006" => "codedeploy",
        other => other,
    }
}

/// The service of an API version of the Query protocol, and the namespace of its answers.
fn service_of_version(version: &str) -> (&'static str, &'static str) {
    match version {
        "2011-06-15" => ("sts", "https://sts.amazonaws.com/doc/2011-06-15/"),
        "2010-05-08" => ("iam", "https://iam.amazonaws.com/doc/2010-05-08/"),
        "2015-12-01" => ("elasticloadbalancing", "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"),
        "2012-06-01" => ("elasticloadbalancing-classic", "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/"),
        "2016-11-15" => ("ec2", "http://ec2.amazonaws.com/doc/2016-11-15/"),
        _ => ("unknown", "http://unknown.amazonaws.com/doc/"),
    }
}

fn cbor_path(path: &str) -> Option<(String, String)> {
    let (service, operation) = path.strip_prefix("/service/")?.split_once("/operation/")?;
    Some((service.to_owned(), operation.to_owned()))
}

fn json_input(body: &[u8]) -> Result<Map<String, Value>, String> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body).map_err(|err| format!("the request body is not a JSON object: {err}"))
}

fn form_fields(form: &[u8]) -> Vec<(String, String)> {
    let pairs = form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            (url_decoded(&pair[..at]), url_decoded(pair.get(at + 1..).unwrap_or_default()))
        })
        .collect()
}

/// Decodes `%XX` and `+` as forms have them; a broken escape stays as it is.
pub(crate) fn url_decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| tail.get(..2).and_then(|digits| hex::decode(digits).ok())).flatten();
        let used = escaped.as_ref().map_or(0, |_| 2);
        match (escaped, first) {
            (Some(decoded), _) => bytes.extend(decoded),
            (None, b'+') => bytes.push(b' '),
            (None, other) => bytes.push(*other),
        }
        rest = &tail[used..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{ApiRequest, Protocol, url_decoded};
    use axum::http::{HeaderMap, Method, Uri};

    fn read(method: &str, uri: &str, headers: &[(&'static str, &str)], body: &str) -> (String, String, Protocol) {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let method: Method = method.parse().unwrap();
        let uri: Uri = uri.parse().unwrap();
        let request = ApiRequest::read(&method, &uri, &headers, body.as_bytes());
        (request.service, request.operation, request.protocol)
    }

    #[test]
    fn requests_are_told_apart() {
        let target = |value| [("x-amz-target", value)];
        let signed = [("authorization", "AWS4-HMAC-SHA256 Credential=A/20261123/us-east-1/s3/aws4_request")];
        let sts = Protocol::Query { namespace: "https://sts.amazonaws.com/doc/2011-06-15/" };
        let form = "Action=GetCallerIdentity&Version=2011-06-15";
        let cases = [
            (
                read("POST", "/", &target("AmazonEC2ContainerServiceV20141113.ListTasks"), "{}"),
                "ecs",
                "ListTasks",
                Protocol::Json,
            ),
            (read("POST", "/", &target("AmazonEC2ContainerRegistry_V20150921.X"), ""), "ecr", "X", Protocol::Json),
            (
                read("POST", "/", &target("DynamoDB_20120810.PutItem"), "{}"),
                "DynamoDB_20120810",
                "PutItem",
                Protocol::Json,
            ),
            (read("POST", "/", &[], form), "sts", "GetCallerIdentity", sts),
            (read("GET", &format!("/?{form}"), &[], ""), "sts", "GetCallerIdentity", sts),
            (
                read("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", &[], ""),
                "GraniteServiceVersion20100801",
                "PutMetricData",
                Protocol::Cbor,
            ),
            (read("PUT", "/bucket/key", &signed, ""), "s3", "PUT /bucket/key", Protocol::RestXml),
            (read("GET", "/favicon.ico", &[], ""), "unknown", "GET /favicon.ico", Protocol::Json),
        ];
        for ((service, operation, protocol), want_service, want_operation, want_protocol) in cases {
            assert_eq!((&*service, &*operation, protocol), (want_service, want_operation, want_protocol));
        }
    }

    #[test]
    fn forms_are_decoded() {
        for (text, want) in [("a%2Fb+c", "a/b c"), ("%", "%"), ("%zz", "%zz"), ("%C3%A9", "é"), ("100%25", "100%")] {
            assert_eq!(url_decoded(text.as_bytes()), want);
        }
    }
}
