//! Who calls: runtime tokens and the jobs they stand for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::twirp::{Code, TwirpError};

/// GitHub's jobs end after six hours by default and five days at most; a token outlives every local one.
const LIFETIME_SECONDS: i64 = 6 * 24 * 60 * 60;

/// A ref whose cache entries a job may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheScope {
    /// Full ref, such as `refs/heads/main` or `refs/pull/7/merge`.
    pub git_ref: String,
    /// Whether the job may get entries from there.
    pub read: bool,
    /// Whether the job may add entries there: the run's own ref only, on GitHub.
    pub write: bool,
}

/// What a job is to the services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobIdentity {
    /// The run, as in `github.run_id`.
    pub run_id: String,
    /// The job's key; it comes back in every [`ServiceCall`](crate::ServiceCall).
    pub job: String,
    /// In the order they are searched: the run's ref, a pull request's base, the default branch.
    pub scopes: Vec<CacheScope>,
}

impl JobIdentity {
    /// The scope that new entries go to, if the job may write at all.
    pub(crate) fn write_scope(&self) -> Option<&str> {
        self.scopes.iter().find(|scope| scope.write).map(|scope| scope.git_ref.as_str())
    }

    /// The scopes that entries are looked for in, in their order; none at all if the job may not read.
    ///
    /// The words are GitHub's, because clients look for them.
    /// Source: `CacheReadDeniedMessagePrefix` of `@actions/cache` 6.2.0, <https://github.com/actions/toolkit/pull/2447>.
    pub(crate) fn read_scopes(&self) -> Result<Vec<&str>, TwirpError> {
        let scopes: Vec<_> = self.scopes.iter().filter(|it| it.read).map(|it| it.git_ref.as_str()).collect();
        if scopes.is_empty() {
            return Err(TwirpError::new(Code::PermissionDenied, "cache read denied: token has no readable scopes"));
        }
        Ok(scopes)
    }

    /// The run as the results service knows it.
    pub(crate) fn run_backend_id(&self) -> String {
        backend_id(&self.run_id)
    }

    /// The job as the results service knows it.
    pub(crate) fn job_backend_id(&self) -> String {
        backend_id(&format!("{}\n{}", self.run_id, self.job))
    }
}

/// The tokens given out, by their text.
#[derive(Default)]
pub(crate) struct Tokens {
    known: Mutex<HashMap<String, Arc<JobIdentity>>>,
}

impl Tokens {
    /// Makes a token for a job: a JWT by shape and claims, whose last part is random and known here only.
    ///
    /// Source: GitHub: execution rules E9.6; `ac`, `nbf` and `exp` as `BuildKit`'s client wants them (E9.4).
    /// Differs: the runtime token is not signed with a key, its last part is a random word that this process remembers.
    pub(crate) fn make(&self, identity: JobIdentity) -> String {
        let now = jiff::Timestamp::now().as_second();
        let permission = |scope: &CacheScope| json!({"Scope": scope.git_ref, "Permission": u8::from(scope.read) + 2 * u8::from(scope.write)});
        let permissions: serde_json::Value = identity.scopes.iter().map(permission).collect();
        let claims = json!({
            "scp": format!("Actions.Results:{}:{}", identity.run_backend_id(), identity.job_backend_id()),
            "ac": permissions.to_string(),
            "iat": now,
            // A minute back: clocks of containers are the host's, but clients round.
            "nbf": now - 60,
            "exp": now + LIFETIME_SECONDS,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!("{}.{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(&claims), random_word());
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), Arc::new(identity));
        token
    }

    /// The job behind an `Authorization` header's value.
    pub(crate) fn identify(&self, authorization: &str) -> Option<Arc<JobIdentity>> {
        let (scheme, token) = authorization.split_once(' ')?;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        scheme.eq_ignore_ascii_case("bearer").then(|| known.get(token.trim()).cloned()).flatten()
    }
}

/// 64 hexadecimal digits from the system's random source.
///
/// Hexadecimal, because clients cut a query value at a second `=`; long, because they mask it in logs.
/// Source: GitHub: execution rules E9.1, signed URLs.
pub(crate) fn random_word() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// A token of GitHub's form, such as `ghs_` and 36 letters and digits, from the system's random source.
pub fn new_token(prefix: &str) -> String {
    let word = random_word();
    format!("{prefix}{}", word.get(..36).unwrap_or(&word))
}

/// An identifier without colon or space, as the three parts of `scp` must be; the same text gives the same one.
fn backend_id(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let bytes = digest.first_chunk::<16>().expect("a SHA-256 digest has 32 bytes");
    Uuid::from_bytes(*bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> JobIdentity {
        let scope = |git_ref: &str, write| CacheScope { git_ref: git_ref.to_owned(), read: true, write };
        JobIdentity {
            run_id: "17".into(),
            job: "test (ubuntu: 22)".into(),
            scopes: vec![scope("refs/pull/7/merge", true), scope("refs/heads/main", false)],
        }
    }

    #[test]
    fn claims_are_what_clients_parse() {
        let token = Tokens::default().make(identity());
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(parts.len(), 3, "{token}");
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).expect("base64url")).expect("JSON");
        let scp = claims["scp"].as_str().expect("a string");
        assert_eq!(scp.split(':').count(), 3, "{scp}");
        assert!(scp.starts_with("Actions.Results:") && !scp.contains(' '), "{scp}");
        assert_eq!(
            claims["ac"],
            r#"[{"Scope":"refs/pull/7/merge","Permission":3},{"Scope":"refs/heads/main","Permission":1}]"#
        );
        let number = |name: &str| claims[name].as_i64().expect("a number");
        assert!(number("nbf") < number("iat") && number("iat") < number("exp"));
    }

    #[test]
    fn only_tokens_given_out_here_are_known() {
        let tokens = Tokens::default();
        let token = tokens.make(identity());
        assert_eq!(tokens.identify(&format!("Bearer {token}")).as_deref(), Some(&identity()));
        assert_eq!(tokens.identify(&format!("bearer {token}")).as_deref(), Some(&identity()));
        for wrong in [
            token.clone(),
            "Bearer ".into(),
            format!("Basic {token}"),
            format!("Bearer {token}x"),
            format!("Bearer {}", Tokens::default().make(identity())),
        ] {
            assert_eq!(tokens.identify(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn jobs_of_a_run_share_its_id() {
        let scp = |job: &str| {
            let token = Tokens::default().make(JobIdentity { job: job.into(), ..identity() });
            let claims: serde_json::Value = serde_json::from_slice(
                &URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("a part")).expect("base64url"),
            )
            .expect("JSON");
            claims["scp"].as_str().expect("a string").split(':').map(str::to_owned).collect::<Vec<_>>()
        };
        let (one, other) = (scp("a"), scp("b"));
        assert_eq!(one[1], other[1]);
        assert_ne!(one[2], other[2]);
    }
}
