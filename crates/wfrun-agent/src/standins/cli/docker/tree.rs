//! The files of an image under construction, without a disk: what is where, and where its bytes are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::error::DockerError;

/// A file's bytes.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// In a file of that length.
    OnDisk(PathBuf, u64),
    /// In memory.
    InMemory(Arc<[u8]>),
}

impl Content {
    pub(super) fn open(&self) -> Result<Box<dyn Read>, DockerError> {
        match self {
            Self::OnDisk(path, size) => {
                let file = File::open(path).map_err(DockerError::file("open", path))?;
                Ok(Box::new(file.take(*size)))
            }
            Self::InMemory(bytes) => Ok(Box::new(Cursor::new(Arc::clone(bytes)))),
        }
    }
}

/// What stands at a path.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Folder,
    File(Content),
    /// A symbolic link with its target.
    Link(String),
}

/// A file, folder or link with what an image keeps of it.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// The permission bits.
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    /// Seconds since 1970.
    pub(super) mtime: i64,
}

impl Node {
    /// A folder that a build makes.
    pub(super) fn folder(mtime: i64) -> Self {
        Self { kind: Kind::Folder, mode: 0o755, uid: 0, gid: 0, mtime }
    }

    /// The bytes of a file; 0 for all else.
    pub(super) fn size(&self) -> u64 {
        match &self.kind {
            Kind::File(Content::OnDisk(_, size)) => *size,
            Kind::File(Content::InMemory(bytes)) => bytes.len() as u64,
            Kind::Folder | Kind::Link(_) => 0,
        }
    }

    pub(super) fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder)
    }
}

/// Paths from the root, with `/` and without one in front; sorted, so that folders come before what is in them.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Node>,
}

impl Tree {
    pub(super) fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Whether a folder is at the path; the root always is one.
    pub(super) fn has_folder(&self, path: &str) -> bool {
        path.is_empty() || self.get(path).is_some_and(Node::is_folder)
    }

    /// Everything below a folder, with its full path.
    pub(super) fn below(&self, folder: &str) -> Vec<(String, Node)> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let found = self.nodes.iter().filter(|(path, _)| path.starts_with(&prefix));
        found.map(|(path, node)| (path.clone(), node.clone())).collect()
    }

    /// Puts a node at a path. A folder on a folder keeps what is in it; anything else replaces what was there.
    pub(super) fn put(&mut self, path: &str, node: Node) {
        if !(node.is_folder() && self.has_folder(path)) {
            self.remove(path);
        }
        self.nodes.insert(path.to_owned(), node);
    }

    /// Takes away a path with everything below it.
    pub(super) fn remove(&mut self, path: &str) {
        self.nodes.remove(path);
        self.clear(path);
    }

    /// Takes away everything below a path.
    pub(super) fn clear(&mut self, path: &str) {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        self.nodes.retain(|other, _| !other.starts_with(&prefix));
    }
}

/// The folders above a path, outermost first.
pub(super) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}
