//! Tokens made and looked at.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::claims::{ISSUER, claims};
use super::key::Key;

/// Issues ID tokens, and knows its own again.
///
/// Its key is one for this machine, made when the first token is asked for: whoever trusts it once may go on to.
/// Differs: ID tokens are signed with a key of this machine's, so that no cloud trusts them; their `iss` is GitHub's all the same.
#[derive(Clone)]
pub struct IdTokenIssuer {
    folder: Arc<Path>,
    key: Arc<OnceLock<Key>>,
}

/// Why there is no token, or one is not taken.
#[derive(Debug, Error)]
pub enum IdTokenError {
    /// The key cannot be made, read or used.
    #[error("the key of ID tokens below {} cannot be used", folder.display())]
    Key {
        /// Where it is.
        folder: PathBuf,
        /// What the system said.
        #[source]
        err: io::Error,
    },
    /// It is no signed token at all.
    #[error("it is no signed JSON Web Token")]
    Malformed,
    /// It says that another has issued it.
    #[error("it is of the issuer {issuer}")]
    OtherIssuer {
        /// Who.
        issuer: String,
    },
    /// It was changed, or signed with another key.
    #[error("its signature is not this issuer's")]
    Foreign,
    /// It is not valid any more.
    #[error("it is valid until {until} only, in seconds since 1970")]
    Expired {
        /// The end of its time.
        until: i64,
    },
}

impl IdTokenIssuer {
    /// An issuer whose key is in `folder`, or will be.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.into(), key: Arc::default() }
    }

    /// Makes a token with a job's claims, for one audience; `None` is the repository's owner. It may take a second.
    pub(crate) fn issue(&self, job: &[(String, String)], audience: Option<&str>) -> Result<String, IdTokenError> {
        let key = self.key()?;
        let header = json!({"typ": "JWT", "alg": "RS256", "kid": key.id});
        let claims = Value::Object(claims(job, audience, jiff::Timestamp::now().as_second()));
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = key.sign(&signed).map_err(|err| self.failed(err))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token of this issuer's that is valid now.
    pub fn verify(&self, token: &str) -> Result<Map<String, Value>, IdTokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(IdTokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(IdTokenError::Malformed)?;
        let (header, claims) = (object(header)?, object(claims)?);
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| IdTokenError::Malformed)?;
        let text = |of: &Map<String, Value>, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
        let issuer = text(&claims, "iss").unwrap_or_default();
        if issuer != ISSUER {
            return Err(IdTokenError::OtherIssuer { issuer });
        }
        if text(&header, "alg").as_deref() != Some("RS256") || !self.key()?.has_signed(signed, &signature) {
            return Err(IdTokenError::Foreign);
        }
        let now = jiff::Timestamp::now().as_second();
        let time = |name: &str| claims.get(name).and_then(Value::as_i64);
        let until = time("exp").unwrap_or_default();
        let is_valid = now < until && time("nbf").is_none_or(|it| it <= now);
        if is_valid { Ok(claims) } else { Err(IdTokenError::Expired { until }) }
    }

    /// The key set that verifiers read.
    pub(crate) fn keys(&self) -> Result<Value, IdTokenError> {
        Ok(self.key()?.public())
    }

    fn key(&self) -> Result<&Key, IdTokenError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = Key::open(&self.folder).map_err(|err| self.failed(err))?;
        // Another thread may have been faster; it has read the same file.
        Ok(self.key.get_or_init(|| key))
    }

    fn failed(&self, err: io::Error) -> IdTokenError {
        IdTokenError::Key { folder: self.folder.to_path_buf(), err }
    }
}

fn object(part: &str) -> Result<Map<String, Value>, IdTokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| IdTokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| IdTokenError::Malformed)
}

#[cfg(test)]
mod tests;
