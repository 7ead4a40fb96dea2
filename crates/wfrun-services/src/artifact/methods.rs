//! The calls of `ArtifactService`.

use std::io;
use std::sync::Arc;

use axum::http::HeaderValue;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::name;
use super::store::{Artifact, Claim, ClaimError, expiry};
use crate::blob::{Content, Described, Right, Subject};
use crate::identity::JobIdentity;
use crate::services::{ArtifactChange, Shared};
use crate::twirp::{Code, Message, TwirpError};

/// The service's full name in URLs.
pub(crate) const SERVICE: &str = "github.actions.results.api.v1.ArtifactService";

/// The first version of artifacts that this service is for; the newest is 7.
const OLDEST_VERSION: u64 = 4;

/// What is answered, and what has changed.
type Answer = (Value, Option<ArtifactChange>);

type Method = fn(&Shared, &Arc<JobIdentity>, &Message) -> Result<Answer, TwirpError>;

const ZIP: &str = "application/zip";

/// Answers one call.
///
/// Source: GitHub: execution rules E9.5; <https://github.com/actions/toolkit/tree/main/packages/artifact>
/// Differs: artifacts are not migrated from another service: `MigrateArtifact`, which no action calls, is not served.
/// Differs: a job's runtime token is good until the run ends; on GitHub it ends with its job (`job is complete`).
pub(crate) async fn call(
    shared: &Arc<Shared>,
    identity: &Arc<JobIdentity>,
    method: &str,
    body: &[u8],
) -> Result<Answer, TwirpError> {
    let known: [(&str, Method); 5] = [
        ("CreateArtifact", create),
        ("FinalizeArtifact", finalize),
        ("ListArtifacts", list),
        ("GetSignedArtifactURL", signed_url),
        ("DeleteArtifact", delete),
    ];
    let Some((_, answer)) = known.into_iter().find(|(name, _)| *name == method) else {
        return Err(TwirpError::new(Code::Unimplemented, format!("{SERVICE} has no method {method} here")));
    };
    let message = Message::parse(body)?;
    own_run(identity, &message)?;
    let (shared, identity) = (Arc::clone(shared), Arc::clone(identity));
    let answered = tokio::task::spawn_blocking(move || answer(&shared, &identity, &message)).await;
    answered.map_err(|err| failed(&err.into()))?
}

/// Takes a name and says where to upload.
///
/// Source: actions/toolkit, `artifact-http-client.test.ts`: the words for a name that is taken
fn create(shared: &Shared, identity: &Arc<JobIdentity>, message: &Message) -> Result<Answer, TwirpError> {
    own_job(identity, message)?;
    let name = name::valid(message.required_text("name")?)?.to_owned();
    let version = message.count("version")?;
    if version < OLDEST_VERSION {
        return Err(invalid(format!("artifacts of version {version} are not made here, but from {OLDEST_VERSION} on")));
    }
    let content_type = message.optional_text("mime_type")?.unwrap_or(ZIP).to_owned();
    if HeaderValue::from_str(&content_type).is_err() || content_type.len() > 255 {
        return Err(invalid(format!("mime_type is no type of content: {content_type:?}")));
    }
    let now = Timestamp::now();
    let expires_at = expiry(time(message, "expires_at")?, now);
    if expires_at <= now {
        return Err(invalid(format!("expires_at is over: {expires_at}")));
    }
    let claim =
        shared.artifacts.claim(identity, Claim { name, content_type, expires_at }).map_err(|err| match err {
            ClaimError::Exists => {
                TwirpError::new(Code::AlreadyExists, "an artifact with this name already exists on the workflow run")
            }
            ClaimError::TooMany { limit } => {
                TwirpError::new(Code::FailedPrecondition, format!("a job cannot have more than {limit} artifacts"))
            }
            ClaimError::Store(err) => failed(&err),
        })?;
    let url = shared.transfers.start_upload(&shared.origin, Arc::clone(identity), Right::Artifact(claim));
    Ok((json!({"ok": true, "signed_upload_url": url}), None))
}

/// Turns a finished upload into an artifact. A client that has not heard the answer asks again, and gets the same.
fn finalize(shared: &Shared, identity: &Arc<JobIdentity>, message: &Message) -> Result<Answer, TwirpError> {
    own_job(identity, message)?;
    let name = name::valid(message.required_text("name")?)?;
    let size = message.count("size")?;
    let sha256 = match message.optional_text("hash")? {
        None => None,
        Some(hash) => Some(hash.strip_prefix("sha256:").ok_or_else(|| invalid("hash must begin with sha256:"))?),
    };
    let not_created = || TwirpError::new(Code::NotFound, format!("this job has created no artifact {name}"));
    let Some(upload) = shared.transfers.upload_of(identity, &Subject::Artifact { name: name.to_owned() }) else {
        let done = shared.artifacts.list(identity).map_err(|err| failed(&err))?.into_iter().find(|it| {
            it.name == name && it.job == identity.job && it.size == size && sha256.is_none_or(|sum| sum == it.sha256)
        });
        return done.map(|it| (acknowledged(&it), None)).ok_or_else(not_created);
    };
    let (Right::Artifact(claim), archive) = upload.finish(size, sha256)? else { return Err(not_created()) };
    let committed = shared.artifacts.commit(identity, claim, archive);
    shared.transfers.end_upload(&upload);
    let artifact = committed.map_err(|err| failed(&err))?;
    Ok((acknowledged(&artifact), Some(ArtifactChange::Kept(artifact))))
}

/// What the run has, of all its jobs.
fn list(shared: &Shared, identity: &Arc<JobIdentity>, message: &Message) -> Result<Answer, TwirpError> {
    let (name, id) = (message.optional_text("name_filter")?, message.count("id_filter")?);
    let artifacts = shared.artifacts.list(identity).map_err(|err| failed(&err))?;
    let found = artifacts.iter().filter(|it| name.is_none_or(|name| it.name == name) && (id == 0 || it.id == id));
    let entry = |it: &Artifact| {
        json!({
            "workflow_run_backend_id": identity.run_backend_id(),
            "workflow_job_run_backend_id": it.job_backend_id,
            "database_id": it.id.to_string(),
            "name": it.name,
            "size": it.size.to_string(),
            // Clients take none, or at least three digits of a second.
            "created_at": format!("{:.3}", it.created_at),
            "digest": format!("sha256:{}", it.sha256),
        })
    };
    Ok((json!({"artifacts": found.map(entry).collect::<Vec<_>>()}), None))
}

/// Says where to download; never what is not as it was uploaded.
fn signed_url(shared: &Shared, identity: &Arc<JobIdentity>, message: &Message) -> Result<Answer, TwirpError> {
    let artifact = named(shared, identity, message)?;
    if !shared.artifacts.is_intact(identity, &artifact).map_err(|err| failed(&err))? {
        // Not `data_loss`: clients would try again what stays as it is.
        let why = "its content was changed on disk, and is not what was uploaded";
        return Err(TwirpError::new(Code::FailedPrecondition, format!("artifact {} is damaged: {why}", artifact.name)));
    }
    let file_name = if artifact.is_archive() { format!("{}.zip", artifact.name) } else { artifact.name.clone() };
    let content = Content {
        file: shared.artifacts.content(identity, &artifact),
        size: artifact.size,
        sha256: artifact.sha256,
        artifact: Some(Described { id: artifact.id, content_type: artifact.content_type, file_name }),
    };
    let url = shared.transfers.start_download(&shared.origin, Arc::clone(identity), content);
    Ok((json!({"signed_url": url}), None))
}

fn delete(shared: &Shared, identity: &Arc<JobIdentity>, message: &Message) -> Result<Answer, TwirpError> {
    let artifact = named(shared, identity, message)?;
    shared.artifacts.remove(identity, artifact.id).map_err(|err| failed(&err))?;
    Ok((acknowledged(&artifact), Some(ArtifactChange::Removed(artifact))))
}

/// The artifact that a message names, of whatever job: the client says the one that made it.
fn named(shared: &Shared, identity: &JobIdentity, message: &Message) -> Result<Artifact, TwirpError> {
    let name = message.required_text("name")?;
    let job = message.optional_text("workflow_job_run_backend_id")?;
    let artifacts = shared.artifacts.list(identity).map_err(|err| failed(&err))?;
    let mut found =
        artifacts.into_iter().filter(|it| it.name == name && job.is_none_or(|job| job == it.job_backend_id));
    found.next().ok_or_else(|| TwirpError::new(Code::NotFound, format!("artifact not found: {name}")))
}

/// Ids in a message are those of the token, which is what counts; another run's are refused.
fn own_run(identity: &JobIdentity, message: &Message) -> Result<(), TwirpError> {
    let run = message.required_text("workflow_run_backend_id")?;
    if run == identity.run_backend_id() { Ok(()) } else { Err(other("run")) }
}

fn own_job(identity: &JobIdentity, message: &Message) -> Result<(), TwirpError> {
    let job = message.required_text("workflow_job_run_backend_id")?;
    if job == identity.job_backend_id() { Ok(()) } else { Err(other("job")) }
}

fn other(what: &str) -> TwirpError {
    TwirpError::new(Code::PermissionDenied, format!("the runtime token is of another {what}"))
}

fn time(message: &Message, name: &str) -> Result<Option<Timestamp>, TwirpError> {
    let Some(text) = message.optional_text(name)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| invalid(format!("{name} is no time: {text}")))
}

fn acknowledged(artifact: &Artifact) -> Value {
    json!({"ok": true, "artifact_id": artifact.id.to_string()})
}

fn invalid(why: impl Into<String>) -> TwirpError {
    TwirpError::new(Code::InvalidArgument, why)
}

fn failed(err: &io::Error) -> TwirpError {
    TwirpError::store("artifact", err)
}
