//! Roles that somebody plays for a while.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Account, lock};
use crate::iam::{self, Named};
use crate::ids::{id_of, secret_key, unique_id};

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
    pub(crate) holder: Holder,
    /// What the session may do at most, where it was opened with policies.
    pub(crate) policies: Option<Vec<Named>>,
    /// Tags of the session.
    pub(crate) tags: IndexMap<String, String>,
}

/// Whom a session stands for.
#[derive(Clone, Debug)]
pub(crate) enum Holder {
    /// The account's root.
    Root,
    /// The IAM user of that name.
    User { name: String },
    /// A role: its ARN and its name without path. It need not exist in IAM.
    Role { arn: String, name: String },
}

/// What a session is opened with.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionWishes {
    pub(crate) seconds: u64,
    pub(crate) policies: Option<Vec<Named>>,
    pub(crate) tags: IndexMap<String, String>,
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

    /// Opens a session of a role: `role` is its name with its path, as `deploys/deploy`.
    pub(crate) fn open_role_session(&self, role: &str, name: &str, wishes: SessionWishes) -> Session {
        // A role's path is not part of the session's name. Source: AWS IAM, "IAM identifiers", ARNs of assumed roles.
        let short = role.rsplit('/').next().unwrap_or(role);
        let known = self.read_iam(|iam| iam.roles.get(short).map(|it| it.id.clone()));
        // The same role has the same id each time, as it has on AWS.
        let role_id = known.unwrap_or_else(|| id_of("AROA", role));
        let account = self.account_id();
        let arn = format!("arn:aws:sts::{account}:assumed-role/{short}/{name}");
        let holder = Holder::Role { arn: iam::arn(account, "role", "/", role), name: short.to_owned() };
        self.open_session(holder, (arn, format!("{role_id}:{name}")), wishes)
    }

    /// Opens a session for `holder`, who is shown as an ARN and a user id.
    pub(crate) fn open_session(&self, holder: Holder, names: (String, String), wishes: SessionWishes) -> Session {
        let SessionWishes { seconds, policies, tags } = wishes;
        let (arn, user_id) = names;
        let session = Session {
            access_key_id: unique_id("ASIA", 16, Uuid::new_v4()),
            secret_access_key: secret_key(),
            token: format!("{}{}{}", secret_key(), secret_key(), secret_key()),
            expires_ms: self.now_ms() + seconds * 1000,
            user_id,
            arn,
            holder,
            policies,
            tags,
        };
        lock(&self.sessions.open).insert(session.access_key_id.clone(), session.clone());
        session
    }

    pub(crate) fn session(&self, access_key_id: &str) -> Option<Session> {
        lock(&self.sessions.open).get(access_key_id).cloned()
    }
}
