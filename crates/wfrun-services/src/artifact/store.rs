//! The artifacts of each run on disk.
//!
//! ```text
//! <runs>/<run id>/artifacts/<id>.json      one file an artifact, appears whole or not at all, never changes
//! <runs>/<run id>/artifacts/<id>.content   what was uploaded, there before the other
//! ```
//!
//! Which names a run has is held in memory: a run is carried out by one process.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempPath};

use super::name;
use crate::blob::Archive;
use crate::digested::{Digested, has_digest};
use crate::identity::JobIdentity;

/// What GitHub keeps at most where nobody has said otherwise; also `GITHUB_RETENTION_DAYS`.
const RETENTION: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Source: <https://github.com/actions/upload-artifact/blob/main/README.md>, "Breaking Changes"
const JOB_LIMIT: usize = 500;

/// A finished artifact, as its file holds it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// Its number, unique on this machine, larger than those before it.
    pub id: u64,
    /// Its name, unique in the run; safe as the name of a file.
    pub name: String,
    /// Bytes of what was uploaded.
    pub size: u64,
    /// Digest of what was uploaded; hexadecimal.
    pub sha256: String,
    /// What was uploaded: `application/zip`, unless it was uploaded as it is.
    pub content_type: String,
    /// When it was finished.
    pub created_at: Timestamp,
    /// From when on it is not given out any more.
    pub expires_at: Timestamp,
    /// The key of the job that made it.
    pub job: String,
    /// That job as the service knows it.
    pub(crate) job_backend_id: String,
}

impl Artifact {
    /// The artifacts of the run with this folder, in the order of their numbers: whole ones, expired or not.
    pub fn of_run(run: &Path) -> io::Result<Vec<Self>> {
        read(&folder(run))
    }

    /// The file with its content.
    pub fn content(&self, run: &Path) -> PathBuf {
        content(&folder(run), self.id)
    }

    /// Whether its content is what was uploaded.
    pub fn is_intact(&self, run: &Path) -> io::Result<bool> {
        has_digest(&self.content(run), &self.sha256)
    }

    /// Whether it is past its time.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Whether its content is an archive of files.
    pub fn is_archive(&self) -> bool {
        self.content_type == "application/zip"
    }
}

/// The artifacts of all runs below a folder.
///
/// Differs: an artifact that has expired is given out to nobody, but stays on disk until its run is removed.
pub(crate) struct Artifacts {
    runs: PathBuf,
    known: Mutex<HashMap<String, Run>>,
    digested: Digested,
}

/// What a run has.
#[derive(Default)]
struct Run {
    finished: Vec<Artifact>,
    /// Name and job of what is being uploaded.
    claimed: HashSet<(String, String)>,
    last_id: u64,
}

/// Why a name cannot be had.
#[derive(Debug)]
pub(crate) enum ClaimError {
    /// The run has an artifact of that name, finished or not.
    Exists,
    /// The job has as many as it may.
    TooMany { limit: usize },
    /// The disk failed.
    Store(io::Error),
}

/// The sole right to a name in a run. A name once claimed stays so if its upload ends half-way: an artifact is made once.
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) expires_at: Timestamp,
}

/// When an artifact goes: what its job asks for, and no later than the longest that is allowed.
pub(crate) fn expiry(asked: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let latest = now.checked_add(RETENTION).unwrap_or(Timestamp::MAX);
    asked.map_or(latest, |it| it.min(latest))
}

impl Artifacts {
    /// Artifacts of the runs below `runs`.
    pub(crate) fn below(runs: PathBuf) -> Self {
        Self { runs, known: Mutex::default(), digested: Digested::default() }
    }

    /// Takes a name for a job.
    pub(crate) fn claim(&self, identity: &JobIdentity, claim: Claim) -> Result<Claim, ClaimError> {
        let mut known = self.lock();
        let run = self.run(&mut known, &identity.run_id).map_err(ClaimError::Store)?;
        let is_same = |name: &str| name == claim.name;
        if run.finished.iter().any(|it| is_same(&it.name)) || run.claimed.iter().any(|(name, _)| is_same(name)) {
            return Err(ClaimError::Exists);
        }
        let finished = run.finished.iter().filter(|it| it.job == identity.job).count();
        let claimed = run.claimed.iter().filter(|(_, job)| *job == identity.job).count();
        if finished + claimed >= JOB_LIMIT {
            return Err(ClaimError::TooMany { limit: JOB_LIMIT });
        }
        run.claimed.insert((claim.name.clone(), identity.job.clone()));
        Ok(claim)
    }

    /// Makes the artifact visible: its content first, then the file that names it.
    pub(crate) fn commit(&self, identity: &JobIdentity, claim: Claim, archive: Archive) -> io::Result<Artifact> {
        let now = Timestamp::now();
        let id = {
            let mut known = self.lock();
            let run = self.run(&mut known, &identity.run_id)?;
            // Microseconds: larger than those of earlier runs, and exact as a JavaScript number.
            run.last_id = u64::try_from(now.as_microsecond()).unwrap_or_default().max(run.last_id + 1);
            run.last_id
        };
        let artifact = Artifact {
            id,
            name: claim.name,
            size: archive.size,
            sha256: archive.sha256,
            content_type: claim.content_type,
            created_at: now,
            expires_at: claim.expires_at,
            job: identity.job.clone(),
            job_backend_id: identity.job_backend_id(),
        };
        let folder = folder(&self.runs.join(&identity.run_id));
        fs::create_dir_all(&folder)?;
        keep(archive.file, &content(&folder, id))?;
        if let Err(err) = name_it(&artifact, &folder) {
            // A content that nothing names would only take room.
            fs::remove_file(content(&folder, id)).ok();
            return Err(err);
        }
        self.digested.trust(&content(&folder, id))?;
        let mut known = self.lock();
        let run = self.run(&mut known, &identity.run_id)?;
        run.claimed.remove(&(artifact.name.clone(), identity.job.clone()));
        run.finished.push(artifact.clone());
        Ok(artifact)
    }

    /// The run's artifacts that can be had, in the order of their numbers.
    pub(crate) fn list(&self, identity: &JobIdentity) -> io::Result<Vec<Artifact>> {
        let mut known = self.lock();
        let run = self.run(&mut known, &identity.run_id)?;
        let now = Timestamp::now();
        let mut artifacts: Vec<Artifact> = run.finished.iter().filter(|it| !it.is_expired(now)).cloned().collect();
        artifacts.sort_by_key(|it| it.id);
        Ok(artifacts)
    }

    /// Removes one; its name is free again.
    pub(crate) fn remove(&self, identity: &JobIdentity, id: u64) -> io::Result<()> {
        let mut known = self.lock();
        let run = self.run(&mut known, &identity.run_id)?;
        run.finished.retain(|it| it.id != id);
        let folder = folder(&self.runs.join(&identity.run_id));
        // What names it goes first: a content without it is served to nobody.
        self.digested.forget(&content(&folder, id));
        fs::remove_file(entry(&folder, id))?;
        fs::remove_file(content(&folder, id))
    }

    /// Whether an artifact's content is what was uploaded.
    pub(crate) fn is_intact(&self, identity: &JobIdentity, artifact: &Artifact) -> io::Result<bool> {
        self.digested.has(&self.content(identity, artifact), &artifact.sha256)
    }

    /// The file with an artifact's content.
    pub(crate) fn content(&self, identity: &JobIdentity, artifact: &Artifact) -> PathBuf {
        artifact.content(&self.runs.join(&identity.run_id))
    }

    /// What a run has; read from disk at first, for a run that was carried on by another process.
    fn run<'a>(&self, known: &'a mut HashMap<String, Run>, id: &str) -> io::Result<&'a mut Run> {
        if !known.contains_key(id) {
            let finished = read(&folder(&self.runs.join(id)))?;
            let last_id = finished.last().map_or(0, |it| it.id);
            known.insert(id.to_owned(), Run { finished, last_id, ..Run::default() });
        }
        Ok(known.get_mut(id).expect("it was there or is there now"))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Run>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the file that makes an artifact visible.
fn name_it(artifact: &Artifact, folder: &Path) -> io::Result<()> {
    let mut whole = NamedTempFile::new_in(folder)?;
    whole.write_all(&serde_json::to_vec(artifact)?)?;
    whole.persist(entry(folder, artifact.id)).map(drop).map_err(|err| err.error)
}

/// Moves a finished upload to its place, also from another file system.
///
/// Nobody waits for the disk: what a power failure leaves half is known by its digest when it is read.
fn keep(from: TempPath, to: &Path) -> io::Result<()> {
    match from.persist(to) {
        Err(err) if err.error.kind() == io::ErrorKind::CrossesDevices => {
            let mut copy = NamedTempFile::new_in(to.parent().unwrap_or(to))?;
            io::copy(&mut File::open(&err.path)?, copy.as_file_mut())?;
            copy.persist(to).map_err(|err| err.error).map(drop)
        }
        other => other.map_err(|err| err.error),
    }
}

/// The artifacts in a folder. One whose content is missing or cut short is as good as absent.
fn read(folder: &Path) -> io::Result<Vec<Artifact>> {
    let files = match fs::read_dir(folder) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files?,
    };
    let mut artifacts = Vec::new();
    for file in files {
        let file = file?.path();
        if file.extension().is_none_or(|it| it != "json") {
            continue;
        }
        match serde_json::from_slice::<Artifact>(&fs::read(&file)?) {
            Ok(it) if name::valid(&it.name).is_err() => tracing::warn!(file = %file.display(), "no artifact's name"),
            Ok(it) if holds(&content(folder, it.id), it.size) && entry(folder, it.id) == file => artifacts.push(it),
            Ok(it) => tracing::warn!(name = it.name, file = %file.display(), "content missing or cut short"),
            Err(err) => tracing::warn!(file = %file.display(), %err, "no artifact"),
        }
    }
    artifacts.sort_by_key(|it| it.id);
    Ok(artifacts)
}

fn holds(content: &Path, size: u64) -> bool {
    fs::metadata(content).is_ok_and(|it| it.is_file() && it.len() == size)
}

fn folder(run: &Path) -> PathBuf {
    run.join("artifacts")
}

fn entry(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id}.json"))
}

fn content(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id}.content"))
}

#[cfg(test)]
mod tests;
