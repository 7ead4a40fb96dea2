//! Uploads and downloads under way, by the signature in their URL.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;

use super::error::BlobError;
use super::receive;
use super::receive::Archive;
use super::spool::{self, Extent, Spool};
use crate::artifact::Claim;
use crate::cache::Reservation;
use crate::identity::{JobIdentity, random_word};
use crate::twirp::{Code, TwirpError};

/// Source: <https://learn.microsoft.com/en-us/rest/api/storageservices/put-block>
const BLOCKS_LIMIT: usize = 100_000;

/// A job has at most so many uploads open at once; GitHub's limits are in minutes and lie below.
///
/// Source: GitHub: "Dependency caching reference", "Usage limits": 200 uploads a minute.
const OPEN_UPLOADS_LIMIT: usize = 1_000;

/// What every signature stands for.
#[derive(Default)]
pub(crate) struct Transfers {
    known: Mutex<HashMap<String, Transfer>>,
}

/// One signed URL.
#[derive(Clone)]
pub(crate) enum Transfer {
    /// Takes an archive.
    Upload(Arc<Upload>),
    /// Gives one.
    Download(Arc<Download>),
}

/// Content that a job may read.
pub(crate) struct Download {
    pub(crate) identity: Arc<JobIdentity>,
    pub(crate) content: Content,
}

/// A file on disk, and what is told of it to who downloads it.
pub(crate) struct Content {
    pub(crate) file: PathBuf,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    /// Of an artifact; a cache is only bytes.
    pub(crate) artifact: Option<Described>,
}

/// What an artifact's download says of itself.
pub(crate) struct Described {
    pub(crate) id: u64,
    pub(crate) content_type: String,
    pub(crate) file_name: String,
}

impl Content {
    /// Whether both are the same entry's or artifact's; other ones may have the same bytes.
    fn is(&self, other: &Self) -> bool {
        let id = |it: &Self| it.artifact.as_ref().map(|it| it.id);
        self.file == other.file && id(self) == id(other)
    }
}

impl Download {
    /// Which service's content it is.
    pub(crate) fn service(&self) -> &'static str {
        if self.content.artifact.is_some() { "artifact" } else { "cache" }
    }
}

/// What an upload is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A cache entry.
    Cache { key: String, version: String },
    /// An artifact of the job's run.
    Artifact { name: String },
}

impl Subject {
    pub(crate) fn service(&self) -> &'static str {
        match self {
            Self::Cache { .. } => "cache",
            Self::Artifact { .. } => "artifact",
        }
    }

    fn noun(&self) -> &'static str {
        match self {
            Self::Cache { .. } => "cache entry",
            Self::Artifact { .. } => "artifact",
        }
    }
}

/// The sole right to write what an upload is of.
pub(crate) enum Right {
    Cache(Reservation),
    Artifact(Claim),
}

/// Something that a job is writing.
pub(crate) struct Upload {
    pub(crate) identity: Arc<JobIdentity>,
    pub(crate) subject: Subject,
    signature: String,
    /// The number that a cache entry will have.
    number: Option<u64>,
    state: Mutex<State>,
}

struct State {
    /// Gone when the upload is finished.
    right: Option<Right>,
    /// Where the next block goes.
    spool: Option<Arc<Spool>>,
    /// By id, as the client wrote it.
    blocks: HashMap<String, Extent>,
    content: Option<Archive>,
}

impl Transfers {
    /// Gives out a URL that takes what the job has the right to write.
    pub(crate) fn start_upload(&self, origin: &str, identity: Arc<JobIdentity>, right: Right) -> String {
        let signature = random_word();
        let (subject, number) = match &right {
            Right::Cache(it) => {
                (Subject::Cache { key: it.key.clone(), version: it.version.clone() }, Some(it.number()))
            }
            Right::Artifact(it) => (Subject::Artifact { name: it.name.clone() }, None),
        };
        let state = Mutex::new(State { right: Some(right), spool: None, blocks: HashMap::new(), content: None });
        let upload = Upload { identity, subject, signature: signature.clone(), number, state };
        self.give_out(origin, signature, Transfer::Upload(Arc::new(upload)))
    }

    /// Refuses a job that has so many uploads open that no client means it.
    pub(crate) fn room_for_upload(&self, identity: &Arc<JobIdentity>) -> Result<(), TwirpError> {
        let is_own = |it: &&Transfer| matches!(it, Transfer::Upload(it) if Arc::ptr_eq(&it.identity, identity));
        if self.lock().values().filter(is_own).count() < OPEN_UPLOADS_LIMIT {
            return Ok(());
        }
        let message = format!("this job has {OPEN_UPLOADS_LIMIT} uploads that were begun and not finished");
        Err(TwirpError::new(Code::FailedPrecondition, message))
    }

    /// Gives out a URL that serves content. A job that asks for it again gets the same one, so that asking costs no memory.
    pub(crate) fn start_download(&self, origin: &str, identity: Arc<JobIdentity>, content: Content) -> String {
        let known = self.download_of(&identity, &content);
        let signature = known.unwrap_or_else(random_word);
        self.give_out(origin, signature, Transfer::Download(Arc::new(Download { identity, content })))
    }

    fn download_of(&self, identity: &Arc<JobIdentity>, content: &Content) -> Option<String> {
        let is_same = |it: &Download| Arc::ptr_eq(&it.identity, identity) && it.content.is(content);
        self.lock().iter().find_map(|(signature, transfer)| match transfer {
            Transfer::Download(it) => is_same(it).then(|| signature.clone()),
            Transfer::Upload(_) => None,
        })
    }

    /// The transfer behind a signature.
    pub(crate) fn get(&self, signature: &str) -> Option<Transfer> {
        self.lock().get(signature).cloned()
    }

    /// The upload that this very job started.
    pub(crate) fn upload_of(&self, identity: &Arc<JobIdentity>, subject: &Subject) -> Option<Arc<Upload>> {
        self.lock().values().find_map(|transfer| match transfer {
            Transfer::Upload(upload) if Arc::ptr_eq(&upload.identity, identity) && upload.subject == *subject => {
                Some(Arc::clone(upload))
            }
            Transfer::Upload(_) | Transfer::Download(_) => None,
        })
    }

    /// The upload that this very job started for the entry of this number.
    pub(crate) fn upload_numbered(&self, identity: &Arc<JobIdentity>, number: u64) -> Option<Arc<Upload>> {
        self.lock().values().find_map(|transfer| match transfer {
            Transfer::Upload(upload) if Arc::ptr_eq(&upload.identity, identity) && upload.number == Some(number) => {
                Some(Arc::clone(upload))
            }
            Transfer::Upload(_) | Transfer::Download(_) => None,
        })
    }

    /// Forgets a finished upload, and its blocks with it.
    pub(crate) fn end_upload(&self, upload: &Upload) {
        self.lock().remove(&upload.signature);
    }

    fn give_out(&self, origin: &str, signature: String, transfer: Transfer) -> String {
        // Clients take what ends in `.zip` for an archive, whatever its type.
        let name = match &transfer {
            Transfer::Upload(it) => it.subject.service(),
            Transfer::Download(it) => it.service(),
        };
        let name = if name == "cache" { "cache.tzst" } else { name };
        let url = format!("{origin}blobs/{name}?sp=rw&sig={signature}");
        self.lock().insert(signature, transfer);
        url
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Transfer>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload {
    /// Takes a body as the whole content, in place of an earlier one.
    pub(crate) fn put(&self, archive: Archive) {
        self.state().content = Some(archive);
    }

    /// A place for a block of that many bytes, in `folder`.
    pub(crate) fn place(&self, length: u64, folder: &Path) -> io::Result<Extent> {
        let mut state = self.state();
        if let Some(place) = state.spool.as_ref().and_then(|it| it.place(length)) {
            return Ok(place);
        }
        let spool = state.spool.insert(Spool::new(folder)?);
        spool.place(length).ok_or_else(|| io::Error::other("a file has no place for so many bytes"))
    }

    /// Keeps a block that is written; one of the same id is replaced.
    pub(crate) fn put_block(&self, id: &str, block: Extent) -> Result<(), BlobError> {
        let mut state = self.state();
        if state.blocks.len() >= BLOCKS_LIMIT && !state.blocks.contains_key(id) {
            return Err(BlobError::new(
                StatusCode::CONFLICT,
                "BlockCountExceedsLimit",
                format!("a blob has at most {BLOCKS_LIMIT} blocks that are not committed"),
            ));
        }
        // Those that are there are of one length, so that one of them tells.
        if state.blocks.keys().next().is_some_and(|known| known.len() != id.len()) {
            return Err(BlobError::new(
                StatusCode::BAD_REQUEST,
                "InvalidBlobOrBlock",
                "all block ids of a blob have the same length",
            ));
        }
        state.blocks.insert(id.to_owned(), block);
        Ok(())
    }

    /// These blocks, in this order.
    pub(crate) fn blocks(&self, ids: &[String]) -> Result<Vec<Extent>, BlobError> {
        let state = self.state();
        let unknown = |id: &String| {
            BlobError::new(StatusCode::BAD_REQUEST, "InvalidBlockList", format!("there is no block {id}"))
        };
        ids.iter().map(|id| state.blocks.get(id).cloned().ok_or_else(|| unknown(id))).collect()
    }

    /// All parts, in the order of their ids.
    pub(crate) fn parts(&self) -> Vec<(String, Extent)> {
        let mut parts: Vec<_> = self.state().blocks.iter().map(|(id, it)| (id.clone(), it.clone())).collect();
        parts.sort_by(|(one, _), (other, _)| one.cmp(other));
        parts
    }

    /// Makes blocks, in this order, the content; gives back its digest.
    pub(crate) fn commit_blocks(&self, blocks: &[Extent], folder: &Path) -> io::Result<String> {
        let archive = spool::whole(blocks).unwrap_or_else(|| receive::join(blocks, folder))?;
        let sha256 = archive.sha256.clone();
        self.put(archive);
        Ok(sha256)
    }

    /// Ends the upload, if its content is `size` bytes with the digest, where one is told: nothing can be put any more.
    pub(crate) fn finish(&self, size: u64, sha256: Option<&str>) -> Result<(Right, Archive), TwirpError> {
        let noun = self.subject.noun();
        let refuse = |message: String| TwirpError::new(Code::FailedPrecondition, message);
        let mut state = self.state();
        match &state.content {
            None => return Err(refuse(format!("nothing was uploaded for this {noun}"))),
            Some(content) if content.size != size => {
                return Err(refuse(format!("the size is {size}, but {} bytes were uploaded", content.size)));
            }
            Some(content) if sha256.is_some_and(|it| it != content.sha256) => {
                return Err(refuse(format!("the digest of what was uploaded is sha256:{}", content.sha256)));
            }
            Some(_) => {}
        }
        match (state.right.take(), state.content.take()) {
            (Some(right), Some(content)) => Ok((right, content)),
            (None | Some(_), None | Some(_)) => Err(refuse(format!("this {noun} is already being finalized"))),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{Artifacts, expiry};

    #[test]
    fn blocks_that_are_never_committed_have_an_end() {
        let runs = tempfile::tempdir().expect("a folder");
        let identity = JobIdentity { run_id: "1".to_owned(), job: "j".to_owned(), scopes: Vec::new() };
        let expires_at = expiry(None, jiff::Timestamp::now());
        let claim = Claim { name: "a".to_owned(), content_type: "application/zip".to_owned(), expires_at };
        let claim = Artifacts::below(runs.path().to_owned()).claim(&identity, claim).expect("a new name");
        let transfers = Transfers::default();
        let url = transfers.start_upload("http://127.0.0.1/", Arc::new(identity), Right::Artifact(claim));
        let signature = url.rsplit_once("sig=").expect("a signature").1;
        let Some(Transfer::Upload(upload)) = transfers.get(signature) else { panic!("an upload: {url}") };
        let put = |number: usize| {
            let place = upload.place(0, runs.path()).expect("a place");
            upload.put_block(&format!("{number:08}"), place)
        };
        for number in 0..BLOCKS_LIMIT {
            assert!(put(number).is_ok(), "{number}");
        }
        assert!(put(BLOCKS_LIMIT).is_err());
        assert!(put(0).is_ok(), "one that is there is replaced");
    }
}
