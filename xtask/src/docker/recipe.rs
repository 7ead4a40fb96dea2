//! What the images are made of. The text of a recipe is its identity: change a word and the image is made anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::capture;

/// The Debian release of all images.
pub(super) const SUITE: &str = "bookworm";

/// Script run inside the root file system that both images start from.
pub(super) const BASE: &str = include_str!("../../recipes/base.sh");

/// One image: the base, plus a script run inside it.
pub(super) struct Recipe {
    pub(super) image: &'static str,
    /// File-name part under the cache.
    pub(super) name: &'static str,
    pub(super) script: &'static str,
    /// Run after `script`, and allowed to fail.
    pub(super) optional: Option<(&'static str, &'static str)>,
    /// Whether the host's `node` is put into the image.
    pub(super) node: bool,
    /// `Dockerfile` instructions given to `docker import`.
    pub(super) changes: &'static [&'static str],
    /// A name that belongs to others: an image of that name that is not ours is left alone.
    pub(super) substitute: bool,
}

/// The image for `runs-on: ubuntu-*` jobs.
pub(super) const RUNNER: Recipe = Recipe {
    image: "wfrun/runner:bookworm",
    name: "runner-bookworm",
    script: include_str!("../../recipes/runner.sh"),
    optional: Some(("the AWS CLI", include_str!("../../recipes/awscli.sh"))),
    node: true,
    changes: &[
        "ENV LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive",
        "CMD [\"bash\"]",
        "LABEL org.opencontainers.image.title=wfrun/runner",
    ],
    substitute: false,
};

/// Stands for `python:3.11-slim` where Docker Hub cannot be reached.
pub(super) const PYTHON: Recipe = Recipe {
    image: "python:3.11-slim",
    name: "python-3.11-slim",
    script: include_str!("../../recipes/python.sh"),
    optional: None,
    node: false,
    changes: &["ENV LANG=C.UTF-8", "CMD [\"python3\"]", "LABEL wfrun.substitute=true"],
    substitute: true,
};

/// What the host lends to the images.
pub(super) struct Host {
    pub(super) mirror: String,
    /// `node` of major version 20 or newer.
    pub(super) node: Option<(PathBuf, String)>,
    /// The certificate bundle the host's own programs use.
    pub(super) certificates: Option<PathBuf>,
}

impl Host {
    pub(super) fn look() -> Self {
        Self { mirror: mirror(), node: node(), certificates: certificates() }
    }

    /// The recipe's identity on this host, 16 hexadecimal digits.
    pub(super) fn identity(&self, recipe: &Recipe) -> String {
        let bundle = self.certificates.as_ref().and_then(|file| fs::read(file).ok()).unwrap_or_default();
        let node = self.node.as_ref().filter(|_| recipe.node).map_or("", |(_, version)| version.as_str());
        let optional = recipe.optional.map_or("", |(_, script)| script);
        let parts = [SUITE, BASE, recipe.image, recipe.script, optional, node, &recipe.changes.join("\n")];
        let hash = parts.iter().fold(FNV_OFFSET, |hash, part| fnv(hash, part.as_bytes()));
        format!("{:016x}", fnv(hash, &bundle))
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: names a cache entry, protects nothing. The length keeps neighbouring parts apart.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    let length = (bytes.len() as u64).to_le_bytes();
    length.iter().chain(bytes).fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The mirror the host's own apt uses on Debian, else Debian's.
fn mirror() -> String {
    let sources = fs::read_to_string("/etc/apt/sources.list.d/debian.sources")
        .or_else(|_| fs::read_to_string("/etc/apt/sources.list"))
        .unwrap_or_default();
    let from_host = sources
        .lines()
        .filter(|line| line.starts_with("URIs:") || line.starts_with("deb "))
        .flat_map(str::split_whitespace)
        .find(|word| word.starts_with("http") && word.trim_end_matches('/').ends_with("/debian"));
    from_host.unwrap_or("http://deb.debian.org/debian").to_owned()
}

fn node() -> Option<(PathBuf, String)> {
    let path = capture(Command::new("node").args(["-p", "process.execPath + ' ' + process.version"]))?;
    let (file, version) = path.rsplit_once(' ')?;
    let major: u32 = version.trim_start_matches('v').split('.').next()?.parse().ok()?;
    (major >= 20).then(|| (PathBuf::from(file), version.to_owned()))
}

fn certificates() -> Option<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let known = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
    named.into_iter().chain(known.iter().map(PathBuf::from)).find(|file| Path::is_file(file))
}

#[cfg(test)]
mod tests {
    use super::{FNV_OFFSET, Host, PYTHON, RUNNER, fnv};

    #[test]
    fn identity_follows_what_goes_in() {
        let host = |node: &str| Host {
            mirror: String::new(),
            node: Some(("node".into(), node.to_owned())),
            certificates: None,
        };
        assert_ne!(
            host("v20.1.0").identity(&RUNNER),
            host("v20.2.0").identity(&RUNNER),
            "another node is another image"
        );
        assert_eq!(host("v20.1.0").identity(&PYTHON), host("v20.2.0").identity(&PYTHON), "no node in this one");
        assert_ne!(host("v20.1.0").identity(&RUNNER), host("v20.1.0").identity(&PYTHON));
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(fnv(fnv(FNV_OFFSET, b"ab"), b"c"), fnv(fnv(FNV_OFFSET, b"a"), b"bc"));
    }
}
