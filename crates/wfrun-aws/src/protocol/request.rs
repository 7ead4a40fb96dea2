//! Which service and operation a request means.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value};

use super::answer::Protocol;
use super::signature::credential;

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// A request to an API of AWS, understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiRequest {
    /// As `ecs`; where the service is not known, what it was signed for, or what the client said.
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
            let signed_for = || credential(headers).map(|it| it.service);
            return Self {
                service: service_of_target(prefix)
                    .map(ToOwned::to_owned)
                    .or_else(signed_for)
                    .unwrap_or_else(|| prefix.to_owned()),
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
            let input = nested(form);
            let service = service.map(ToOwned::to_owned).or_else(|| Some(credential(headers)?.service));
            return Self {
                service: service.unwrap_or_else(|| UNKNOWN.to_owned()),
                operation,
                protocol: Protocol::Query { namespace },
                input,
            };
        }
        let signed_for = credential(headers).map(|credential| credential.service);
        let form = headers.get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(FORM));
        let protocol = match signed_for.as_deref() {
            Some("s3") => Protocol::RestXml,
            Some(service) if form => Protocol::Query { namespace: namespace_of(service) },
            Some(_) | None => Protocol::Json,
        };
        Self {
            service: signed_for.unwrap_or_else(|| UNKNOWN.to_owned()),
            operation: format!("{method} {}", uri.path()),
            protocol,
            input: Ok(Map::new()),
        }
    }
}

fn service_of_target(prefix: &str) -> Option<&'static str> {
    Some(match prefix {
        "AmazonEC2ContainerServiceV20141113" => "ecs",
        "AmazonEC2ContainerRegistry_V20150921" => "ecr",
        "SpencerFrontendService" => "ecr-public",
        "Logs_20140328" => "logs",
        "CodeDeploy_20141006" => "codedeploy",
        _ => return None,
    })
}

/// The versions of APIs of the Query protocol, the services, and the namespaces of their answers.
const VERSIONS: [(&str, &str, &str); 5] = [
    ("2011-06-15", "sts", "https://sts.amazonaws.com/doc/2011-06-15/"),
    ("2010-05-08", "iam", "https://iam.amazonaws.com/doc/2010-05-08/"),
    ("2015-12-01", "elasticloadbalancing", "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"),
    ("2012-06-01", "elasticloadbalancing-classic", "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/"),
    ("2016-11-15", "ec2", "http://ec2.amazonaws.com/doc/2016-11-15/"),
];
/// Of a service nothing is known where nobody signed.
const UNKNOWN: &str = "unknown";
const NO_NAMESPACE: &str = "http://unknown.amazonaws.com/doc/";

/// The service of an API version of the Query protocol, and the namespace of its answers.
fn service_of_version(version: &str) -> (Option<&'static str>, &'static str) {
    let found = VERSIONS.iter().find(|(it, ..)| *it == version);
    found.map_or((None, NO_NAMESPACE), |(_, service, namespace)| (Some(*service), *namespace))
}

fn namespace_of(service: &str) -> &'static str {
    VERSIONS.iter().find(|(_, it, _)| *it == service).map_or(NO_NAMESPACE, |(.., namespace)| namespace)
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

/// The members that a form's fields spell: `Tags.member.1.Key` is the `Key` of the first of the list `Tags`.
///
/// Source: AWS Query protocol, "Shape serialization". An empty field of a list's name is an empty list there; here it stays a text.
fn nested(form: Vec<(String, String)>) -> Result<Map<String, Value>, String> {
    const MOST: usize = 10_000;
    let mut input = Map::new();
    for (key, value) in form {
        let mut place = &mut input;
        let mut names = key.split('.').peekable();
        let unclear = || format!("the field `{key}` does not fit the others");
        while let Some(name) = names.next() {
            if names.peek() == Some(&"member") {
                names.next();
                let index = names.next().and_then(|it| it.parse::<usize>().ok()).filter(|it| (1..=MOST).contains(it));
                let index = index.ok_or_else(unclear)?;
                let list = place.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                let list = list.as_array_mut().ok_or_else(unclear)?;
                if list.len() < index {
                    list.resize(index, Value::Null);
                }
                let item = &mut list[index - 1];
                if names.peek().is_none() {
                    *item = Value::String(value);
                    break;
                }
                if item.is_null() {
                    *item = Value::Object(Map::new());
                }
                place = item.as_object_mut().ok_or_else(unclear)?;
            } else if names.peek().is_none() {
                place.insert(name.to_owned(), Value::String(value));
                break;
            } else {
                let inner = place.entry(name).or_insert_with(|| Value::Object(Map::new()));
                place = inner.as_object_mut().ok_or_else(unclear)?;
            }
        }
    }
    Ok(input)
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

/// Encodes as RFC 3986 has it: all but letters, digits and `-_.~` becomes `%XX`.
pub(crate) fn url_encoded(bytes: impl IntoIterator<Item = u8>) -> String {
    let mut out = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(["%", &hex::encode_upper([byte])]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{ApiRequest, Protocol, form_fields, nested, url_decoded, url_encoded};
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
        let by = |service: &str| format!("AWS4-HMAC-SHA256 Credential=A/20261123/us-east-1/{service}/aws4_request");
        let [s3, ssm, sns] = ["s3", "ssm", "sns"].map(by);
        let signed = [("authorization", &*s3)];
        let unknown_json = [("x-amz-target", "AmazonSSM.GetParameter"), ("authorization", &ssm)];
        let unknown_query = [("authorization", &*sns)];
        let no_namespace = Protocol::Query { namespace: super::NO_NAMESPACE };
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
            (read("POST", "/", &unknown_json, "{}"), "ssm", "GetParameter", Protocol::Json),
            (read("POST", "/", &unknown_query, "Action=Publish&Version=2010-03-31"), "sns", "Publish", no_namespace),
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
    fn fields_spell_members() {
        let read =
            |form: &str| nested(form_fields(form.as_bytes())).map(|it| serde_json::Value::Object(it).to_string());
        for (form, members) in [
            ("A=1&B=x", r#"{"A":"1","B":"x"}"#),
            ("Names.member.2=b&Names.member.1=a", r#"{"Names":["a","b"]}"#),
            ("Tags.member.1.Key=k&Tags.member.1.Value=v", r#"{"Tags":[{"Key":"k","Value":"v"}]}"#),
            ("A.B.C=1&A.D=2", r#"{"A":{"B":{"C":"1"},"D":"2"}}"#),
            ("L.member.1.M.member.1=x", r#"{"L":[{"M":["x"]}]}"#),
        ] {
            assert_eq!(read(form).as_deref(), Ok(members), "{form}");
        }
        for form in ["A=1&A.B=2", "L.member.0=x", "L.member.x=x", "L.member=x", "L.member.99999=x", "A=1&A.member.1=x"]
        {
            assert!(read(form).is_err(), "{form}");
        }
    }

    #[test]
    fn forms_are_decoded_and_texts_encoded() {
        for (text, want) in [("a%2Fb+c", "a/b c"), ("%", "%"), ("%zz", "%zz"), ("%C3%A9", "é"), ("100%25", "100%")] {
            assert_eq!(url_decoded(text.as_bytes()), want);
        }
        for (text, want) in [("a/b c", "a%2Fb%20c"), ("-_.~", "-_.~"), ("é", "%C3%A9"), ("100%", "100%25")] {
            assert_eq!(url_encoded(text.bytes()), want);
        }
    }
}
