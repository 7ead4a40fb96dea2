//! How answers and errors are written.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ApiError;

const JSON: &str = "application/x-amz-json-1.1";

/// The protocol a client speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocol {
    /// AWS JSON 1.1.
    Json,
    /// AWS Query: a form in, XML out.
    Query {
        /// The namespace of the service's answers.
        namespace: &'static str,
    },
    /// Smithy RPC v2 CBOR. Nothing is emulated over it, but its errors can be read.
    Cbor,
    /// S3's XML over paths. Nothing is emulated over it, but its errors can be read.
    RestXml,
}

impl Protocol {
    /// The answer to `operation`; `null` is that of one without output.
    ///
    /// An object without members is written as AWS writes it, `{}`.
    pub(crate) fn success(self, operation: &str, output: &Value) -> Response<Body> {
        let id = Uuid::new_v4();
        let response = match self {
            Self::Json if output.is_null() => response(StatusCode::OK, JSON, Vec::new()),
            Self::Json | Self::Cbor | Self::RestXml => json(StatusCode::OK, output, None),
            Self::Query { namespace } if namespace.contains("//ec2.") => {
                let mut result = String::new();
                write_members(&mut result, output, "item");
                xml(
                    StatusCode::OK,
                    &format!(
                        "<{operation}Response xmlns=\"{namespace}\"><requestId>{id}</requestId>{result}</{operation}Response>"
                    ),
                )
            }
            Self::Query { namespace } => {
                let mut result = String::new();
                if !output.is_null() {
                    result.extend(["<", operation, "Result>"]);
                    write_members(&mut result, output, "member");
                    result.extend(["</", operation, "Result>"]);
                }
                xml(
                    StatusCode::OK,
                    &format!(
                        "<{operation}Response xmlns=\"{namespace}\">{result}\
                         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{operation}Response>"
                    ),
                )
            }
        };
        with_id(response, id)
    }

    /// An error. Never a 5xx: clients retry those for minutes.
    ///
    /// Source: AWS JSON 1.1 and AWS Query protocols, error serialisation.
    pub(crate) fn failure(self, error: &ApiError) -> (StatusCode, Response<Body>) {
        let (code, message) = (escaped(&error.code), escaped(&error.message));
        let request_id = Uuid::new_v4();
        let usual = match self {
            Self::Query { .. } if error.denied => StatusCode::FORBIDDEN,
            Self::Json | Self::Query { .. } | Self::Cbor | Self::RestXml => StatusCode::BAD_REQUEST,
        };
        let status = error.status.and_then(|it| StatusCode::from_u16(it).ok()).unwrap_or(usual);
        let response = match self {
            Self::Json => json(status, &json!({ "__type": error.code, "message": error.message }), Some(&error.code)),
            Self::Query { namespace } if namespace.contains("//ec2.") => xml(
                status,
                &format!(
                    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
                     <RequestID>{request_id}</RequestID></Response>"
                ),
            ),
            Self::Query { namespace } => xml(
                status,
                &format!(
                    "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type><Code>{code}</Code>\
                     <Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
                ),
            ),
            Self::Cbor => cbor(status, error),
            Self::RestXml => xml(
                status,
                &format!(
                    "<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
                ),
            ),
        };
        (status, with_id(response, request_id))
    }

    /// The error code for credentials that are missing or garbled.
    pub(crate) fn missing_token(self) -> ApiError {
        let code = match self {
            Self::Json | Self::Cbor => "MissingAuthenticationTokenException",
            Self::Query { .. } | Self::RestXml => "MissingAuthenticationToken",
        };
        ApiError::denied(code, "Missing Authentication Token")
    }

    /// The error for credentials that the account does not know.
    ///
    /// Source: the AWS rules 2.3, "Auth errors".
    pub(crate) fn invalid_token(self) -> ApiError {
        let code = match self {
            Self::Json | Self::Cbor => "UnrecognizedClientException",
            Self::Query { .. } | Self::RestXml => "InvalidClientTokenId",
        };
        ApiError::denied(code, "The security token included in the request is invalid.")
    }

    /// The error for a signature that is not right.
    ///
    /// Source: the AWS rules 2.3, "Auth errors".
    pub(crate) fn bad_signature(self, message: String) -> ApiError {
        let code = match self {
            Self::Json | Self::Cbor => "InvalidSignatureException",
            Self::Query { .. } | Self::RestXml => "SignatureDoesNotMatch",
        };
        ApiError::denied(code, message)
    }

    /// The error for what the policies do not allow.
    ///
    /// Source: the AWS rules 5.5.
    pub(crate) fn access_denied(self, message: String) -> ApiError {
        let code = match self {
            Self::Json | Self::Cbor => "AccessDeniedException",
            Self::Query { .. } | Self::RestXml => "AccessDenied",
        };
        ApiError::denied(code, message)
    }

    /// The error for credentials whose time is over.
    pub(crate) fn expired_token(self) -> ApiError {
        let code = match self {
            Self::Json | Self::Cbor => "ExpiredTokenException",
            Self::Query { .. } | Self::RestXml => "ExpiredToken",
        };
        ApiError::denied(code, "The security token included in the request is expired")
    }

    /// The error for an operation that is not emulated.
    pub(crate) fn unknown_operation(self, service: &str, operation: &str) -> ApiError {
        let code = match self {
            Self::Json | Self::Cbor => "UnknownOperationException",
            Self::Query { .. } => "InvalidAction",
            Self::RestXml => "NotImplemented",
        };
        ApiError::new(code, format!("wfrun: {service}:{operation} is not emulated"))
    }
}

fn json(status: StatusCode, body: &Value, error: Option<&str>) -> Response<Body> {
    let mut response = response(status, JSON, body.to_string().into_bytes());
    if let Some(error) = error.and_then(|code| HeaderValue::from_str(code).ok()) {
        response.headers_mut().insert("x-amzn-errortype", error);
    }
    response
}

fn xml(status: StatusCode, body: &str) -> Response<Body> {
    response(status, "text/xml", body.as_bytes().to_vec())
}

fn cbor(status: StatusCode, error: &ApiError) -> Response<Body> {
    // A map of two text pairs: 0xa2, and each text with a 16-bit length, 0x79.
    let mut body = vec![0xa2];
    for text in ["__type", &error.code, "message", &error.message] {
        let bytes = text.as_bytes();
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        body.push(0x79);
        body.extend(length.to_be_bytes());
        body.extend(&bytes[..usize::from(length)]);
    }
    let mut response = response(status, "application/cbor", body);
    response.headers_mut().insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    response
}

fn response(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The same id is in the body of protocols that have one there.
fn with_id(mut response: Response<Body>, id: Uuid) -> Response<Body> {
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

/// Writes the members of an object as elements; lists become `<X><member>…</member></X>`, or what `item` says in place of `member`.
fn write_members(out: &mut String, value: &Value, item: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                out.extend(["<", name, ">"]);
                write_members(out, member, item);
                out.extend(["</", name, ">"]);
            }
        }
        Value::Array(items) => {
            for value in items {
                out.extend(["<", item, ">"]);
                write_members(out, value, item);
                out.extend(["</", item, ">"]);
            }
        }
        Value::String(text) => *out += &escaped(text),
        Value::Number(number) => *out += &number.to_string(),
        Value::Bool(flag) => *out += &flag.to_string(),
        Value::Null => {}
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
