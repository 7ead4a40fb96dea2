//! The credential a request is signed with, and whether the signature is right.

mod verify;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

pub(crate) use self::verify::{Signed, verify};

/// What an `Authorization` header of signature version 4 names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Credential {
    pub(crate) access_key_id: String,
    /// As `20261123`.
    pub(crate) day: String,
    pub(crate) region: String,
    /// The signing name, as `ecs`.
    pub(crate) service: String,
    /// Names in lower case, in the header's order; none where the header does not say.
    pub(crate) signed_headers: Vec<String>,
    /// Hexadecimal digits; empty where the header does not say.
    pub(crate) signature: String,
}

/// Reads the credential of a request; `None` where there is none or it is garbled.
///
/// Source: AWS, "Create a signed AWS API request", header form of signature version 4.
/// Differs: the query form (presigned addresses) is not read; such a request counts as unsigned.
pub(crate) fn credential(headers: &HeaderMap) -> Option<Credential> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let fields = value.strip_prefix("AWS4-HMAC-SHA256")?;
    // Spaces after the commas are optional.
    let field = |name: &str| fields.split(',').find_map(|it| it.trim().strip_prefix(name)?.strip_prefix('='));
    let mut parts = field("Credential")?.split('/');
    let (access_key_id, day) = (parts.next()?, parts.next()?);
    let (region, service) = (parts.next()?, parts.next()?);
    let complete = parts.next() == Some("aws4_request") && parts.next().is_none();
    let named = [access_key_id, region, service].iter().all(|part| !part.is_empty());
    let signed = field("SignedHeaders").unwrap_or_default().split(';').filter(|it| !it.is_empty());
    (complete && named).then(|| Credential {
        access_key_id: access_key_id.to_owned(),
        day: day.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        signed_headers: signed.map(str::to_ascii_lowercase).collect(),
        signature: field("Signature").unwrap_or_default().to_owned(),
    })
}
#[cfg(test)]
mod tests {
    use super::credential;
    use axum::http::HeaderMap;
    use axum::http::header::AUTHORIZATION;

    #[test]
    fn header_forms_of_the_clients() {
        let good = [
            "AWS4-HMAC-SHA256 Credential=AKIAX/20261123/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=00",
            "AWS4-HMAC-SHA256 Credential=AKIAX/20261123/eu-west-1/ecs/aws4_request,SignedHeaders=host,Signature=00",
            "AWS4-HMAC-SHA256 SignedHeaders=host, Credential=AKIAX/20261123/eu-west-1/ecs/aws4_request, Signature=00",
        ];
        let garbled = [
            "Basic QVdTOng=",
            "AWS4-HMAC-SHA256 Credential=AKIAX/20261123/eu-west-1/ecs, Signature=00",
            "AWS4-HMAC-SHA256 Credential=/20261123/eu-west-1/ecs/aws4_request",
            "AWS4-HMAC-SHA256",
        ];
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, text.parse().unwrap());
            credential(&headers)
        };
        for text in good {
            let found = read(text).expect(text);
            assert_eq!(
                (&*found.access_key_id, &*found.region, &*found.service),
                ("AKIAX", "eu-west-1", "ecs"),
                "{text}"
            );
        }
        for text in garbled {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(credential(&HeaderMap::new()), None);
    }
}
