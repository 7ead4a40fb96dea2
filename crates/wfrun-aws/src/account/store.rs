//! The state file: read once, written whole after every change.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::settings::AccountError;
use super::state::State;

const FORMAT: u32 = 1;

/// Where the state is kept.
pub(super) struct Store {
    state_dir: PathBuf,
    path: PathBuf,
    account: std::sync::OnceLock<String>,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    account: &'a str,
    state: &'a State,
}

#[derive(Deserialize)]
struct Header {
    format: u32,
    account: String,
}

#[derive(Deserialize)]
struct Body {
    state: State,
}

impl Store {
    /// Makes the folder and takes its lock, which the returned file holds until it is dropped.
    pub(super) fn open(state_dir: &Path) -> Result<(Self, File), AccountError> {
        let written = |path: &Path, err| AccountError::Write { path: path.to_owned(), err };
        fs::create_dir_all(state_dir).map_err(|err| written(state_dir, err))?;
        let lock_path = state_dir.join("lock");
        let lock = File::create(&lock_path).map_err(|err| written(&lock_path, err))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(AccountError::InUse { state_dir: state_dir.to_owned() }),
            Err(TryLockError::Error(err)) => return Err(written(&lock_path, err)),
        }
        let store = Self {
            state_dir: state_dir.to_owned(),
            path: state_dir.join("state.json"),
            account: std::sync::OnceLock::new(),
        };
        Ok((store, lock))
    }

    /// Whose state is there, where there is one that can be read.
    pub(super) fn account(&self) -> Option<String> {
        let text = fs::read_to_string(&self.path).ok()?;
        serde_json::from_str(&text).ok().map(|it: Header| it.account)
    }

    /// Reads the state of `account`; an absent file is an empty account.
    pub(super) fn load(&self, account: &str) -> Result<State, AccountError> {
        self.account.get_or_init(|| account.to_owned());
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(State::default()),
            Err(err) => return Err(AccountError::Read { path: self.path.clone(), err }),
        };
        let (path, state_dir) = (self.path.clone(), self.state_dir.clone());
        let corrupt = |err| AccountError::Corrupt { path: self.path.clone(), state_dir: self.state_dir.clone(), err };
        let header: Header = serde_json::from_str(&text).map_err(corrupt)?;
        if header.format != FORMAT {
            return Err(AccountError::Format { path, state_dir, found: header.format, expected: FORMAT });
        }
        if header.account != account {
            return Err(AccountError::OtherAccount { state_dir, found: header.account, expected: account.to_owned() });
        }
        serde_json::from_str::<Body>(&text).map(|body| body.state).map_err(corrupt)
    }

    /// Writes the state beside the file and renames it, so that a crash leaves the old or the new one.
    pub(super) fn save(&self, state: &State) -> Result<(), AccountError> {
        let failed = |err| AccountError::Write { path: self.path.clone(), err };
        let account = self.account.get().map_or("", String::as_str);
        let text = serde_json::to_vec(&Written { format: FORMAT, account, state }).map_err(|err| failed(err.into()))?;
        let mut beside = tempfile::NamedTempFile::new_in(&self.state_dir).map_err(failed)?;
        beside.write_all(&text).map_err(failed)?;
        beside.persist(&self.path).map_err(|err| failed(err.error))?;
        Ok(())
    }
}
