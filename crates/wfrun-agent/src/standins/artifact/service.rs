//! The artifact service's protocol.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::standins::error::StandInError;
use crate::standins::http::{Client, Payload};
use crate::standins::toolkit;

/// The service of the job's run.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) client: Client,
    origin: String,
    authorization: String,
    run: String,
    job: String,
}

/// An artifact of the run.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) id: u64,
    pub(super) size: String,
    /// `sha256:` and hexadecimal digits.
    pub(super) digest: String,
    run: String,
    job: String,
}

/// What an upload is told of itself.
pub(super) struct New<'a> {
    pub(super) name: &'a str,
    pub(super) version: u32,
    pub(super) expires_at: Option<String>,
    pub(super) mime_type: Option<&'a str>,
}

impl Service {
    /// Source: `@actions/artifact`, `config.ts` and `util.ts`
    pub(super) fn from_environment() -> Result<Self, StandInError> {
        let token = variable("ACTIONS_RUNTIME_TOKEN")?;
        let url = variable("ACTIONS_RESULTS_URL")?;
        // Only scheme, host and port of the address count.
        let mut parts = url.splitn(4, '/');
        let (scheme, _, authority) = (parts.next(), parts.next(), parts.next());
        let (Some(scheme), Some(authority)) = (scheme, authority) else {
            return Err(StandInError::action("Invalid URL"));
        };
        let (run, job) = ids(&token).ok_or_else(|| {
            StandInError::action("Failed to get backend IDs: The provided JWT token is invalid and/or missing claims")
        })?;
        let origin = format!("{scheme}//{authority}");
        Ok(Self { client: Client::new(), origin, authorization: format!("Bearer {token}"), run, job })
    }

    /// Takes a name and gives back where to upload.
    pub(super) fn create(&self, new: &New<'_>) -> Result<String, StandInError> {
        let mut request = json!({
            "workflow_run_backend_id": self.run,
            "workflow_job_run_backend_id": self.job,
            "name": new.name,
            "version": new.version,
        });
        if let Some(expires_at) = &new.expires_at {
            request["expires_at"] = json!(expires_at);
        }
        if let Some(mime_type) = new.mime_type {
            request["mime_type"] = json!(mime_type);
        }
        let answer = self.call("CreateArtifact", &request)?;
        let url = text(&answer, "signed_upload_url").to_owned();
        toolkit::mask_signature(&url);
        Ok(url)
    }

    /// Ends an upload and gives back the artifact's number.
    pub(super) fn finalize(&self, name: &str, size: u64, sha256: &str) -> Result<String, StandInError> {
        let request = json!({
            "workflow_run_backend_id": self.run,
            "workflow_job_run_backend_id": self.job,
            "name": name,
            "size": size.to_string(),
            "hash": format!("sha256:{sha256}"),
        });
        let answer = self.call("FinalizeArtifact", &request)?;
        Ok(text(&answer, "artifact_id").to_owned())
    }

    /// The run's artifacts, newest first; of those of one name only the newest.
    pub(super) fn list(&self, name: Option<&str>) -> Result<Vec<Listed>, StandInError> {
        let mut request = json!({"workflow_run_backend_id": self.run, "workflow_job_run_backend_id": self.job});
        if let Some(name) = name {
            request["name_filter"] = json!(name);
        }
        let answer = self.call("ListArtifacts", &request)?;
        let mut found: Vec<Listed> = answer["artifacts"].as_array().into_iter().flatten().map(listed).collect();
        found.sort_by_key(|it| std::cmp::Reverse(it.id));
        let mut latest: Vec<Listed> = Vec::new();
        for artifact in found {
            if latest.iter().all(|it| it.name != artifact.name) {
                latest.push(artifact);
            }
        }
        Ok(latest)
    }

    /// Where to download an artifact.
    pub(super) fn url_of(&self, artifact: &Listed) -> Result<String, StandInError> {
        let answer = self.call("GetSignedArtifactURL", &of(artifact))?;
        let url = text(&answer, "signed_url").to_owned();
        toolkit::mask_signature(&url);
        Ok(url)
    }

    pub(super) fn delete(&self, artifact: &Listed) -> Result<String, StandInError> {
        let answer = self.call("DeleteArtifact", &of(artifact))?;
        Ok(text(&answer, "artifact_id").to_owned())
    }

    /// Source: `@actions/artifact`, `artifact-twirp-client.ts`, for the words of failures
    /// Differs: the stand-ins of the artifact actions ask once; the real ones ask up to five times where the service fails.
    fn call(&self, method: &str, request: &Value) -> Result<Value, StandInError> {
        let failed = |why: String| StandInError::action(format!("Failed to {method}: {why}"));
        let url = format!("{}/twirp/github.actions.results.api.v1.ArtifactService/{method}", self.origin);
        let headers = [("content-type", "application/json"), ("authorization", self.authorization.as_str())];
        let body = request.to_string();
        let response = self.client.send("POST", &url, &headers, Payload::Bytes(body.as_bytes()));
        let response = response.map_err(|err| {
            failed(format!("Failed to make request after 1 attempts: {}", StandInError::from(err).chain()))
        })?;
        let answer: Value = serde_json::from_slice(&response.body)
            .map_err(|err| failed(format!("Failed to make request after 1 attempts: the answer is no JSON: {err}")))?;
        if response.is_success() {
            return Ok(answer);
        }
        let reason = reason(response.status);
        let message = format!("Failed request: ({}) {reason}: {}", response.status, text(&answer, "msg"));
        Err(failed(if matches!(response.status, 429 | 500 | 502..=504) {
            format!("Failed to make request after 1 attempts: {message}")
        } else {
            format!("Received non-retryable error: {message}")
        }))
    }
}

fn variable(name: &'static str) -> Result<String, StandInError> {
    let value = toolkit::variable(name);
    if value.is_empty() {
        return Err(StandInError::action(format!("Unable to get the {name} env variable")));
    }
    Ok(value)
}

/// Run and job, from the token's `scp` claim.
fn ids(token: &str) -> Option<(String, String)> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let scope = claims["scp"].as_str()?.split(' ').find(|it| it.split(':').next() == Some("Actions.Results"))?;
    match scope.split(':').collect::<Vec<_>>().as_slice() {
        [_, run, job] => Some(((*run).to_owned(), (*job).to_owned())),
        _ => None,
    }
}

fn listed(entry: &Value) -> Listed {
    // Numbers are texts in proto3's JSON; a number is taken, too.
    let number = |name: &str| match &entry[name] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => "0".to_owned(),
    };
    Listed {
        name: text(entry, "name").to_owned(),
        id: number("database_id").parse().unwrap_or_default(),
        size: number("size"),
        digest: text(entry, "digest").to_owned(),
        run: text(entry, "workflow_run_backend_id").to_owned(),
        job: text(entry, "workflow_job_run_backend_id").to_owned(),
    }
}

/// The ids of an artifact are those of who made it.
fn of(artifact: &Listed) -> Value {
    json!({
        "workflow_run_backend_id": artifact.run,
        "workflow_job_run_backend_id": artifact.job,
        "name": artifact.name,
    })
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_default()
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        412 => "Precondition Failed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_token() {
        let token = |claims: &str| format!("a.{}.c", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(
            ids(&token(r#"{"scp":"Actions.Other:1 Actions.Results:r:j"}"#)),
            Some(("r".to_owned(), "j".to_owned()))
        );
        for claims in
            [r#"{"scp":"Actions.Results:r"}"#, r#"{"scp":"Actions.Results:r:j:k"}"#, r#"{"scp":"x"}"#, "{}", "["]
        {
            assert_eq!(ids(&token(claims)), None, "{claims}");
        }
        for token in ["", "a.b.c", "a"] {
            assert_eq!(ids(token), None, "{token}");
        }
    }
}
