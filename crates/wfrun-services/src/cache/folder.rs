//! The cache of a repository as a person looks at it: what is in it, and what may go.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::store::{Stocked, Store};
use crate::error::ServicesError;

/// The folder that [`ServicesSettings::store`](crate::ServicesSettings::store) names; runs may use it at the same time.
pub struct CacheFolder {
    root: PathBuf,
    /// None where nothing was ever saved; a look makes no folders.
    store: Option<Store>,
}

/// An entry with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// What clients were told as its number.
    pub id: u64,
    /// Its key.
    pub key: String,
    /// What the client made of the paths and of how they were packed.
    pub version: String,
    /// The ref that may use it, and those whose base or default branch it is.
    pub git_ref: String,
    /// Bytes of the archive.
    pub size: u64,
    /// When it was saved.
    pub created_at: Timestamp,
    /// When it was last given out, or else saved.
    pub used_at: Timestamp,
    /// How many times it was given out.
    pub hits: u64,
    /// Whether its archive is there in its whole length; others are never given out.
    pub is_whole: bool,
}

impl CacheFolder {
    /// Opens the folder, if it is there.
    pub fn open(root: &Path) -> Result<Self, ServicesError> {
        let store = if root.join("entries").exists() { Some(Store::open(root, u64::MAX)?) } else { None };
        Ok(Self { root: root.to_owned(), store })
    }

    /// All entries, the one used last first.
    pub fn entries(&self) -> Result<Vec<CacheEntry>, ServicesError> {
        let Some(store) = &self.store else { return Ok(Vec::new()) };
        Ok(self.told(store.stock())?.into_iter().map(of_stock).collect())
    }

    /// Removes entries by their ids. Returns them.
    pub fn remove(&self, ids: &[u64]) -> Result<Vec<CacheEntry>, ServicesError> {
        let Some(store) = &self.store else { return Ok(Vec::new()) };
        let ids: HashSet<u64> = ids.iter().copied().collect();
        Ok(self.told(store.remove(|it| ids.contains(&it.number())))?.into_iter().map(of_stock).collect())
    }

    /// Of the entries that `may_go`, removes those that cannot be used and those that were not used since `unused_since`; then
    /// the least recently used of all, until the others have no more than `limit` bytes. Returns the entries that went, and
    /// the bytes of archives that no entry had.
    pub fn prune(
        &self,
        limit: u64,
        unused_since: Timestamp,
        may_go: impl Fn(&CacheEntry) -> bool,
    ) -> Result<(Vec<CacheEntry>, u64), ServicesError> {
        let Some(store) = &self.store else { return Ok((Vec::new(), 0)) };
        let is_old = |it: &CacheEntry| !it.is_whole || it.used_at < unused_since;
        let ids: Vec<u64> = self.entries()?.iter().filter(|it| is_old(it) && may_go(it)).map(|it| it.id).collect();
        let mut gone = self.remove(&ids)?;
        gone.extend(self.told(store.shrink(limit))?.into_iter().map(of_stock));
        let freed = self.told(store.sweep_blobs())?;
        Ok((gone, freed))
    }

    fn told<T>(&self, result: io::Result<T>) -> Result<T, ServicesError> {
        result.map_err(|err| ServicesError::Store { path: self.root.clone(), err })
    }
}

fn of_stock(it: Stocked) -> CacheEntry {
    let id = it.number();
    let Stocked { entry, used_at, hits, is_whole, .. } = it;
    CacheEntry {
        id,
        key: entry.key,
        version: entry.version,
        git_ref: entry.scope,
        size: entry.size,
        created_at: entry.created_at,
        used_at,
        hits,
        is_whole,
    }
}
