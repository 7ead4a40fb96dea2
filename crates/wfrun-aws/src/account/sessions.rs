//! Roles that somebody plays for a while.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Account, lock};
use crate::ids::{secret_key, unique_id};

/// The identity provider that the account trusts: says what a web identity token claims, or why it is none.
pub(super) type IdentityProvider = Box<dyn Fn(&str) -> Result<Map<String, Value>, WebIdentityError> + Send + Sync>;

/// Why a web identity token is not taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WebIdentityError {
    /// It is no JSON Web Token.
    Malformed,
    /// It is of a provider that the account does not know.
    UnknownIssuer {
        /// The claim `iss`.
        issuer: String,
    },
    /// The provider's keys do not verify it.
    Unverified,
    /// Its time is over.
    Expired {
        /// The claim `exp`.
        until: i64,
    },
}

/// Temporary credentials. `Debug` does not show them.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) token: String,
    pub(crate) expires_ms: u64,
    /// `AROA…:NAME`
    pub(crate) user_id: String,
    pub(crate) arn: String,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("arn", &self.arn).finish_non_exhaustive()
    }
}

/// The sessions of an account, by access key id. In memory only: they end with the process.
#[derive(Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
}

impl Account {
    /// Trusts an identity provider: whoever has a token that `verify` takes may play any role of the account.
    #[must_use]
    pub fn trusting(
        mut self,
        verify: impl Fn(&str) -> Result<Map<String, Value>, WebIdentityError> + Send + Sync + 'static,
    ) -> Self {
        self.identity_provider = Some(Box::new(verify));
        self
    }

    /// What a web identity token claims.
    pub(crate) fn web_identity(&self, token: &str) -> Result<Map<String, Value>, WebIdentityError> {
        match &self.identity_provider {
            Some(verify) => verify(token),
            None => Err(WebIdentityError::UnknownIssuer { issuer: "any issuer".to_owned() }),
        }
    }

    /// Opens a session of a role.
    pub(crate) fn open_session(&self, role: &str, name: &str, seconds: u64) -> Session {
        // The same role has the same id each time, as it has on AWS.
        let digest = Sha256::digest(role);
        let seed = digest.first_chunk::<16>().expect("a SHA-256 digest has 32 bytes");
        let role_id = unique_id("AROA", 17, Uuid::from_bytes(*seed));
        // A role's path is not part of the session's name. Source: AWS IAM, "IAM identifiers", ARNs of assumed roles.
        let role = role.rsplit('/').next().unwrap_or(role);
        let session = Session {
            access_key_id: unique_id("ASIA", 16, Uuid::new_v4()),
            secret_access_key: secret_key(),
            token: format!("{}{}{}", secret_key(), secret_key(), secret_key()),
            expires_ms: self.now_ms() + seconds * 1000,
            user_id: format!("{role_id}:{name}"),
            arn: format!("arn:aws:sts::{}:assumed-role/{role}/{name}", self.account_id()),
        };
        lock(&self.sessions.open).insert(session.access_key_id.clone(), session.clone());
        session
    }

    pub(crate) fn session(&self, access_key_id: &str) -> Option<Session> {
        lock(&self.sessions.open).get(access_key_id).cloned()
    }
}
