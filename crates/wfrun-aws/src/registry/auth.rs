//! The password that `GetAuthorizationToken` hands out, and who it stands for.

use std::fmt;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

/// How long a token is valid. Source: AWS ECR API reference, `GetAuthorizationToken`.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_hours(12);

/// What a password says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Token {
    pub(crate) principal: String,
    /// Whose permissions are asked.
    #[serde(default)]
    pub(crate) access_key_id: String,
    pub(crate) region: String,
    pub(crate) expires_at_ms: u64,
}

/// Seals and opens passwords; another process' passwords do not open.
pub(crate) struct TokenKey([u8; 32]);

/// Why a request is not from anybody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// No credentials, or not ours.
    Unauthorized,
    /// Ours, and too old.
    Expired,
}

impl TokenKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// `token` sealed, without the colon that would break `AWS:password`.
    ///
    /// What it says cannot be read in it: a job that masks its access key is to keep the password as it is, as on AWS.
    pub(crate) fn seal(&self, token: &impl Serialize) -> String {
        let nonce = Uuid::new_v4().into_bytes();
        let text = self.covered(nonce, serde_json::json!(token).to_string().as_bytes());
        let payload = URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat());
        let mac = hex::encode(self.mac(&payload).finalize().into_bytes());
        format!("{payload}.{mac}")
    }

    /// What was sealed, if it was sealed here and is of that shape.
    pub(super) fn open<T: DeserializeOwned>(&self, password: &str) -> Option<T> {
        let (payload, mac) = password.split_once('.')?;
        self.mac(payload).verify_slice(&hex::decode(mac).ok()?).ok()?;
        let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let (nonce, text) = bytes.split_first_chunk()?;
        serde_json::from_slice(&self.covered(*nonce, text)).ok()
    }

    /// Text to what cannot be read, and back.
    fn covered(&self, nonce: [u8; 16], text: &[u8]) -> Vec<u8> {
        let block = |at: usize| self.mac(&format!("{}.{at}", hex::encode(nonce))).finalize().into_bytes();
        let blocks = text.chunks(32).enumerate();
        blocks
            .flat_map(|(at, part)| part.iter().zip(block(at)).map(|(text, key)| text ^ key).collect::<Vec<_>>())
            .collect()
    }

    fn mac(&self, payload: &str) -> Hmac<Sha256> {
        Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length").chain_update(payload)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(***)")
    }
}

/// Who asks: Basic credentials with the user name `AWS` and a password of ours.
pub(super) fn who(headers: &HeaderMap, key: &TokenKey, now_ms: u64) -> Result<Token, Refusal> {
    let password = || {
        let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = value.split_once(' ')?;
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let password = decoded.strip_prefix("AWS:")?.to_owned();
        scheme.eq_ignore_ascii_case("basic").then_some(password)
    };
    let token: Token = password().and_then(|password| key.open(&password)).ok_or(Refusal::Unauthorized)?;
    if token.expires_at_ms <= now_ms { Err(Refusal::Expired) } else { Ok(token) }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, Token, TokenKey, who};
    use axum::http::HeaderMap;
    use axum::http::header::AUTHORIZATION;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    #[test]
    fn passwords_open_for_aws_only_and_not_for_ever() {
        let key = TokenKey::new([7; 32]);
        let token = Token {
            principal: "arn:aws:iam::1:root".into(),
            access_key_id: "AKIA".into(),
            region: "us-east-1".into(),
            expires_at_ms: 1000,
        };
        let password = key.seal(&token);
        assert!(!password.contains(':') && password.len() < 2048, "{password}");
        let payload = URL_SAFE_NO_PAD.decode(password.split('.').next().unwrap()).unwrap();
        assert!(!payload.windows(4).any(|it| it == b"AKIA"), "a mask of the key does not hit it");
        let foreign = TokenKey::new([8; 32]).seal(&token);
        let cases = [
            (format!("AWS:{password}"), 999, Ok(token)),
            (format!("AWS:{password}"), 1000, Err(Refusal::Expired)),
            (format!("root:{password}"), 0, Err(Refusal::Unauthorized)),
            (format!("AWS:{foreign}"), 0, Err(Refusal::Unauthorized)),
            (format!("AWS:x{password}"), 0, Err(Refusal::Unauthorized)),
            ("AWS:".to_owned(), 0, Err(Refusal::Unauthorized)),
        ];
        for (pair, now_ms, want) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, format!("Basic {}", STANDARD.encode(&pair)).parse().unwrap());
            assert_eq!(who(&headers, &key, now_ms), want, "{pair}");
        }
        assert_eq!(who(&HeaderMap::new(), &key, 0), Err(Refusal::Unauthorized));
    }
}
