use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::mount::{Held, SetupError};
use super::mount_table::ENGINES;

/// Credentials and keys below a home directory.
const PRIVATE: [&str; 18] = [
    ".aws",
    ".azure",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".config/gcloud",
    ".config/gh",
    ".config/git/credentials",
    ".config/hub",
    ".config/op",
    ".docker",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".netrc",
    ".npmrc",
    ".password-store",
    ".pypirc",
    ".ssh",
];

/// Sockets by which a step could command this machine's engine.
const SOCKETS: [&str; 3] = ["/run/containerd/containerd.sock", "/run/docker.sock", "/var/run/docker.sock"];

/// Covers what is private with nothing: a directory with an empty one, a file with an empty one.
pub(super) fn hide(
    homes: &BTreeSet<PathBuf>,
    further: &[PathBuf],
    empty_dir: &Held,
    empty_file: &Held,
) -> Result<(), SetupError> {
    let below_homes = homes.iter().flat_map(|home| PRIVATE.iter().map(move |name| home.join(name)));
    let elsewhere = ENGINES.iter().chain(&SOCKETS).map(PathBuf::from);
    for path in below_homes.chain(elsewhere).chain(further.iter().cloned()) {
        cover(&path, empty_dir, empty_file)?;
    }
    Ok(())
}

fn cover(path: &Path, empty_dir: &Held, empty_file: &Held) -> Result<(), SetupError> {
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => empty_dir.bind(path, true, false),
        Ok(_) => empty_file.bind(path, true, false),
        Err(_) => Ok(()),
    }
}
