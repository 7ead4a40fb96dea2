use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{BackendError, EnvironmentSpec, account};

/// What the first process of the sandbox is told, as JSON after its length in four bytes, little endian.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Config {
    pub(super) work_dir: PathBuf,
    pub(super) agent_executable: PathBuf,
    pub(super) mounts: Vec<Bind>,
    pub(super) hosts: Vec<(String, IpAddr)>,
    pub(super) dns: Option<IpAddr>,
    pub(super) shims: Vec<String>,
    pub(super) covers: Vec<String>,
    /// Whether steps are kept from a machine's metadata.
    pub(super) cuts_metadata: bool,
    /// The home directory of whoever started wfrun.
    pub(super) home: PathBuf,
    /// Home directories whose private files are hidden, that one among them.
    pub(super) homes: BTreeSet<PathBuf>,
    /// Further directories that are hidden.
    pub(super) hidden: Vec<PathBuf>,
}

/// A file or directory that is seen inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bind {
    pub(super) source: PathBuf,
    pub(super) target: PathBuf,
    pub(super) read_only: bool,
}

impl Config {
    pub(super) fn new(
        spec: &EnvironmentSpec,
        canonical: impl Fn(&Path) -> Result<PathBuf, BackendError>,
    ) -> Result<Self, BackendError> {
        let bind = |mount: &crate::Mount| -> Result<Bind, BackendError> {
            let target = PathBuf::from(&mount.target);
            Ok(Bind { source: canonical(&mount.source)?, target, read_only: mount.read_only })
        };
        let home = account::home();
        Ok(Self {
            work_dir: canonical(&spec.work_dir)?,
            agent_executable: canonical(&spec.agent_executable)?,
            mounts: spec.mounts.iter().chain(&spec.outbound.mounts()).map(bind).collect::<Result<_, _>>()?,
            hosts: spec.hosts.clone(),
            dns: spec.dns,
            shims: spec.shims.clone(),
            covers: spec.covers.clone(),
            cuts_metadata: spec.cuts_metadata,
            homes: homes(&home),
            hidden: spec.hidden.clone(),
            home,
        })
    }

    pub(super) fn to_frame(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("a configuration has only string keys");
        let length = u32::try_from(json.len()).expect("a configuration is far below 4 GiB");
        [&length.to_le_bytes()[..], &json].concat()
    }

    pub(super) fn read(mut stream: &UnixStream) -> io::Result<Self> {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut json = vec![0; u32::from_le_bytes(length) as usize];
        stream.read_exact(&mut json)?;
        Ok(serde_json::from_slice(&json)?)
    }
}

/// Root reads every user's files, so all homes count, not only the caller's (who may have used `sudo`).
fn homes(own: &Path) -> BTreeSet<PathBuf> {
    let others = fs::read_dir("/home").into_iter().flatten().flatten().map(|entry| entry.path());
    others.chain([own.to_owned(), PathBuf::from("/root")]).collect()
}
