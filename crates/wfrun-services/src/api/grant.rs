//! Who may do what: tokens, and the permissions of the jobs that have them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How much a scope of `permissions` allows; more is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// `read`
    Read,
    /// `write`
    Write,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Write { "write" } else { "read" })
    }
}

/// What a token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiGrant {
    /// The job that has it, by its key; empty for a token that is no job's.
    pub job: String,
    /// The scopes as workflows write them (`pull-requests`), those that are `none` left out.
    pub scopes: HashMap<String, Access>,
}

/// What a route asks for: any one of these scopes; nothing is what every token may.
///
/// Source: GitHub: "Permissions required for GitHub Apps", and the header `X-Accepted-GitHub-Permissions` of each answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need(pub(super) &'static [(&'static str, Access)]);

impl Need {
    /// Whether the grant is enough.
    pub(super) fn is_met(self, grant: &ApiGrant) -> bool {
        let has = |(scope, access): &(&str, Access)| grant.scopes.get(*scope).is_some_and(|it| it >= access);
        self.0.is_empty() || self.0.iter().any(has)
    }

    /// The value of `X-Accepted-GitHub-Permissions`: `issues=write; pull_requests=write`.
    pub(super) fn header(self) -> String {
        if self.0.is_empty() {
            return "metadata=read".to_owned();
        }
        let one = |(scope, access): &(&str, Access)| format!("{}={access}", scope.replace('-', "_"));
        self.0.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// As a workflow would write it: `contents: write`.
    pub(super) fn in_a_workflow(self) -> String {
        let one = |(scope, access): &(&str, Access)| format!("`{scope}: {access}`");
        self.0.iter().map(one).collect::<Vec<_>>().join(" or ")
    }
}

/// The tokens that are known, by their text.
#[derive(Default)]
pub(super) struct Grants {
    known: Mutex<HashMap<String, Arc<ApiGrant>>>,
}

impl Grants {
    pub(super) fn add(&self, token: &str, grant: ApiGrant) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned(), Arc::new(grant));
    }

    /// Forgets the tokens of a job.
    pub(super) fn end(&self, job: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, it| it.job != job);
    }

    /// Who sends an `Authorization` header's value: `token T`, `Bearer T`, or `Basic` with the token as the password.
    ///
    /// Source: GitHub: "Authenticating to the REST API"; `Basic` as git and `actions/checkout` send it.
    pub(super) fn identify(&self, authorization: &str) -> Option<Arc<ApiGrant>> {
        let (scheme, value) = authorization.split_once(' ')?;
        let value = value.trim();
        let token = match scheme.to_ascii_lowercase().as_str() {
            "token" | "bearer" => value.to_owned(),
            "basic" => {
                let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
                pair.split_once(':')?.1.to_owned()
            }
            _ => return None,
        };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&token).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(scopes: &[(&str, Access)]) -> ApiGrant {
        let scopes = scopes.iter().map(|(name, access)| ((*name).to_owned(), *access)).collect();
        ApiGrant { job: "j".to_owned(), scopes }
    }

    #[test]
    fn any_one_of_the_scopes_is_enough() {
        use Access::{Read, Write};
        const COMMENT: Need = Need(&[("issues", Write), ("pull-requests", Write)]);
        for (need, scopes, met) in [
            (COMMENT, &[("issues", Write)][..], true),
            (COMMENT, &[("pull-requests", Write)], true),
            (COMMENT, &[("issues", Read), ("contents", Write)], false),
            (COMMENT, &[], false),
            (Need(&[("contents", Read)]), &[("contents", Write)], true),
            (Need(&[]), &[], true),
        ] {
            assert_eq!(need.is_met(&grant(scopes)), met, "{need:?} {scopes:?}");
        }
        assert_eq!(COMMENT.header(), "issues=write; pull_requests=write");
        assert_eq!(COMMENT.in_a_workflow(), "`issues: write` or `pull-requests: write`");
        assert_eq!(Need(&[]).header(), "metadata=read");
    }

    #[test]
    fn the_tokens_of_a_job_end_with_it() {
        let grants = Grants::default();
        grants.add("a", grant(&[]));
        grants.add("b", ApiGrant { job: "other".to_owned(), ..grant(&[]) });
        grants.end("j");
        let known = ["a", "b"].map(|it| grants.identify(&format!("token {it}")).is_some());
        assert_eq!(known, [false, true]);
    }

    #[test]
    fn ways_to_send_a_token() {
        let grants = Grants::default();
        grants.add("ghs_a", grant(&[]));
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        for (header, known) in [
            ("token ghs_a".to_owned(), true),
            ("Bearer ghs_a".to_owned(), true),
            ("bearer  ghs_a ".to_owned(), true),
            (basic("x-access-token:ghs_a"), true),
            (basic("ghs_a:"), false),
            ("Bearer ghs_b".to_owned(), false),
            ("ghs_a".to_owned(), false),
            ("Basic !".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(grants.identify(&header).is_some(), known, "{header}");
        }
    }
}
