//! The credential a request is signed with.
//!
//! Signatures are read, not verified: the endpoint listens on loopback, and the redirected clients sign for hosts of AWS.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// What an `Authorization` header of signature version 4 names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Credential {
    pub(crate) access_key_id: String,
    pub(crate) region: String,
    /// The signing name, as `ecs`.
    pub(crate) service: String,
}

/// Reads the credential of a request; `None` where there is none or it is garbled.
///
/// Source: AWS, "Create a signed AWS API request", header form of signature version 4.
/// Differs: the signature is not verified, so a wrong secret access key is not noticed.
pub(crate) fn credential(headers: &HeaderMap) -> Option<Credential> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let fields = value.strip_prefix("AWS4-HMAC-SHA256")?;
    // Spaces after the commas are optional.
    let scope = fields.split(',').find_map(|field| field.trim().strip_prefix("Credential="))?;
    let mut parts = scope.split('/');
    let (access_key_id, _date) = (parts.next()?, parts.next()?);
    let (region, service) = (parts.next()?, parts.next()?);
    let complete = parts.next() == Some("aws4_request") && parts.next().is_none();
    let named = [access_key_id, region, service].iter().all(|part| !part.is_empty());
    (complete && named).then(|| Credential {
        access_key_id: access_key_id.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
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
