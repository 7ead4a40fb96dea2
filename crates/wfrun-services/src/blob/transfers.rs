//! Uploads and downloads under way, by the signature in their URL.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use tempfile::TempPath;

use super::error::BlobError;
use super::receive;
use crate::cache::{Archive, Found, Reservation};
use crate::identity::{JobIdentity, random_word};
use crate::twirp::{Code, TwirpError};

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

/// An archive that a job may read.
pub(crate) struct Download {
    pub(crate) identity: Arc<JobIdentity>,
    pub(crate) found: Found,
}

/// An entry that a job is writing.
pub(crate) struct Upload {
    pub(crate) identity: Arc<JobIdentity>,
    signature: String,
    number: u64,
    key: String,
    version: String,
    state: Mutex<State>,
}

struct State {
    /// Gone when the upload is finished.
    reservation: Option<Reservation>,
    /// By id, as the client wrote it.
    blocks: HashMap<String, TempPath>,
    content: Option<Archive>,
}

impl Transfers {
    /// Gives out a URL that takes the reserved entry.
    pub(crate) fn start_upload(&self, origin: &str, identity: Arc<JobIdentity>, reservation: Reservation) -> String {
        let signature = random_word();
        let upload = Upload {
            identity,
            signature: signature.clone(),
            number: reservation.number(),
            key: reservation.key.clone(),
            version: reservation.version.clone(),
            state: Mutex::new(State { reservation: Some(reservation), blocks: HashMap::new(), content: None }),
        };
        self.give_out(origin, signature, Transfer::Upload(Arc::new(upload)))
    }

    /// Gives out a URL that serves an archive.
    pub(crate) fn start_download(&self, origin: &str, identity: Arc<JobIdentity>, found: Found) -> String {
        self.give_out(origin, random_word(), Transfer::Download(Arc::new(Download { identity, found })))
    }

    /// The transfer behind a signature.
    pub(crate) fn get(&self, signature: &str) -> Option<Transfer> {
        self.lock().get(signature).cloned()
    }

    /// The upload that this very job started for a key and version.
    pub(crate) fn upload_of(&self, identity: &Arc<JobIdentity>, key: &str, version: &str) -> Option<Arc<Upload>> {
        self.lock().values().find_map(|transfer| match transfer {
            Transfer::Upload(upload)
                if Arc::ptr_eq(&upload.identity, identity) && upload.key == key && upload.version == version =>
            {
                Some(Arc::clone(upload))
            }
            Transfer::Upload(_) | Transfer::Download(_) => None,
        })
    }

    /// The upload that this very job started for the entry of this number.
    pub(crate) fn upload_numbered(&self, identity: &Arc<JobIdentity>, number: u64) -> Option<Arc<Upload>> {
        self.lock().values().find_map(|transfer| match transfer {
            Transfer::Upload(upload) if Arc::ptr_eq(&upload.identity, identity) && upload.number == number => {
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
        let url = format!("{origin}blobs/cache.tzst?sp=rw&sig={signature}");
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

    /// Keeps a block; one of the same id is replaced.
    pub(crate) fn put_block(&self, id: &str, block: Archive) -> Result<(), BlobError> {
        let mut state = self.state();
        if state.blocks.keys().any(|known| known.len() != id.len()) {
            return Err(BlobError::new(
                StatusCode::BAD_REQUEST,
                "InvalidBlobOrBlock",
                "all block ids of a blob have the same length",
            ));
        }
        state.blocks.insert(id.to_owned(), block.file);
        Ok(())
    }

    /// The files of these blocks, in this order.
    pub(crate) fn blocks(&self, ids: &[String]) -> Result<Vec<PathBuf>, BlobError> {
        let state = self.state();
        let file = |id: &String| state.blocks.get(id).map(|path| path.to_path_buf());
        let unknown = |id: &String| {
            BlobError::new(StatusCode::BAD_REQUEST, "InvalidBlockList", format!("there is no block {id}"))
        };
        ids.iter().map(|id| file(id).ok_or_else(|| unknown(id))).collect()
    }

    /// The files of all parts, in the order of their ids.
    pub(crate) fn parts(&self) -> Vec<(String, PathBuf)> {
        let state = self.state();
        let mut parts: Vec<_> = state.blocks.iter().map(|(id, path)| (id.clone(), path.to_path_buf())).collect();
        parts.sort();
        parts
    }

    /// Puts blocks together as the content.
    pub(crate) fn commit_blocks(&self, files: &[PathBuf], folder: &Path) -> std::io::Result<()> {
        self.put(receive::join(files, folder)?);
        Ok(())
    }

    /// Ends the upload: nothing can be put any more.
    pub(crate) fn finish(&self, size: u64) -> Result<(Reservation, Archive), TwirpError> {
        let refuse = |message: String| TwirpError::new(Code::FailedPrecondition, message);
        let mut state = self.state();
        match &state.content {
            None => return Err(refuse("nothing was uploaded for this cache entry".to_owned())),
            Some(content) if content.size != size => {
                return Err(refuse(format!("size_bytes is {size}, but {} bytes were uploaded", content.size)));
            }
            Some(_) => {}
        }
        match (state.reservation.take(), state.content.take()) {
            (Some(reservation), Some(content)) => Ok((reservation, content)),
            (None | Some(_), None | Some(_)) => Err(refuse("this cache entry is already being finalized".to_owned())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
