//! The claims that the issuer adds to those of the job.

use serde_json::{Map, Value};
use uuid::Uuid;

/// Source: GitHub: execution rules E9.8.
pub(super) const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Source: GitHub, "`OpenID` Connect reference", example of a token: `nbf` is ten minutes before `iat`, `exp` five after.
const BEFORE_SECONDS: i64 = 600;
const LIFETIME_SECONDS: i64 = 300;

/// All claims that a token can have. Source: GitHub: execution rules E9.8.
pub(super) const SUPPORTED: [&str; 31] = [
    "sub",
    "aud",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "ref",
    "sha",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "run_id",
    "run_number",
    "run_attempt",
    "actor",
    "actor_id",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "head_ref",
    "base_ref",
    "event_name",
    "ref_type",
    "ref_protected",
    "environment",
    "job_workflow_ref",
    "job_workflow_sha",
    "runner_environment",
];

/// The claims of a token that is issued now.
pub(super) fn claims(job: &[(String, String)], audience: Option<&str>, now: i64) -> Map<String, Value> {
    let of_job = |name: &str| job.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str());
    let owner = || format!("https://github.com/{}", of_job("repository_owner").unwrap_or_default());
    let mut claims = Map::new();
    claims.insert("jti".to_owned(), Uuid::new_v4().to_string().into());
    claims.insert("aud".to_owned(), audience.map_or_else(owner, str::to_owned).into());
    claims.extend(job.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
    claims.insert("iss".to_owned(), ISSUER.into());
    claims.insert("nbf".to_owned(), (now - BEFORE_SECONDS).into());
    claims.insert("exp".to_owned(), (now + LIFETIME_SECONDS).into());
    claims.insert("iat".to_owned(), now.into());
    claims
}
