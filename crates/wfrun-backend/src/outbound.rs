//! What processes need of this machine to get out to the network: its proxies, certificates and package indexes.
//!
//! One list for every backend, an allow-list, so that nothing private gets in. Files are seen inside at places of their
//! own: an image's files keep theirs, and what is hidden in a sandbox is there all the same.

mod address;
mod pem;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use address::{Address, Use, is_one};

use crate::Mount;

/// Proxies, in small letters; programs read them in small letters, in capitals, or in both.
pub const PROXIES: [&str; 5] = ["all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"];

/// Variables that name a file of certificates, and that get one where this machine names any such file.
///
/// The first that is set says which. Each takes the place of what the program would trust otherwise.
pub const DERIVED_CERTIFICATES: [&str; 7] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
];

/// The same, but what is in the file is trusted besides.
pub const ADDED_CERTIFICATES: &str = "NODE_EXTRA_CA_CERTS";

/// Variables that name a file of certificates, and that are passed on where they are set.
pub const OTHER_CERTIFICATES: [&str; 7] = [
    "BUNDLE_SSL_CA_CERT",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "DENO_CERT",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPLIB2_CA_CERTS",
    "NIX_SSL_CERT_FILE",
    "NPM_CONFIG_CAFILE",
];

/// A folder of certificates: a container has its own.
pub const CERTIFICATE_FOLDER: &str = "SSL_CERT_DIR";

/// Where packages come from, and how they are asked for.
pub const INDEXES: [&str; 21] = [
    "CARGO_HTTP_PROXY",
    "GONOPROXY",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "NODE_USE_ENV_PROXY",
    "NPM_CONFIG_HTTPS_PROXY",
    "NPM_CONFIG_NOPROXY",
    "NPM_CONFIG_PROXY",
    "NPM_CONFIG_REGISTRY",
    "NPM_CONFIG_STRICT_SSL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "RUSTUP_DIST_SERVER",
    "RUSTUP_UPDATE_ROOT",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX",
    "UV_INDEX_URL",
];

/// Where systems keep the certificates that they trust: Debian and Alpine, Fedora, SUSE, BSD's layout.
const ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Where a person puts certificates that a system is to trust besides its own: Debian, Fedora, SUSE.
const ANCHORS: [&str; 3] =
    ["/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors", "/etc/pki/trust/anchors"];

/// Where files of certificates are seen inside.
const INSIDE: &str = "/opt/wfrun/certificates";

/// Proxies, certificates and package indexes for a run's processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outbound {
    plain: Vec<(String, String)>,
    /// Variables, and the file of certificates on this machine that each names.
    certificates: Vec<(String, PathBuf)>,
    folder: Option<String>,
    left_out: Vec<String>,
}

/// Where to look, besides the variables.
#[derive(Debug, Clone, Copy)]
pub struct OutboundSettings<'a> {
    /// A file of certificates that was asked for.
    pub ca_file: Option<&'a Path>,
    /// Where a file of certificates is put that has to be made of several.
    pub store: &'a Path,
}

/// The file of certificates that was asked for cannot be used.
#[derive(Debug, Error)]
pub enum CaFileError {
    /// It could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        err: io::Error,
    },
    /// There is something else in it.
    #[error("{} {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// What was made of it could not be kept.
    #[error("failed to write {}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        err: io::Error,
    },
}

impl Outbound {
    /// Takes what is on the lists out of `variables`, and reads the files that they name.
    ///
    /// Source: GitHub's runner, `RunnerWebProxy.cs` at 04092d26: of a proxy variable small letters win, and both cases are
    /// set.
    pub fn read(
        variables: impl IntoIterator<Item = (String, String)>,
        settings: &OutboundSettings<'_>,
    ) -> Result<Self, CaFileError> {
        Self::read_with(variables, settings, &System { roots: &ROOTS.map(Path::new), anchors: &ANCHORS.map(Path::new) })
    }

    fn read_with(
        variables: impl IntoIterator<Item = (String, String)>,
        settings: &OutboundSettings<'_>,
        system: &System<'_>,
    ) -> Result<Self, CaFileError> {
        let mut all: Vec<(String, String)> = variables.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        all.sort();
        let mut outbound = Self { plain: proxies(&all), ..Self::default() };
        outbound.plain.extend(all.iter().filter(|(name, _)| is_index(name)).cloned());
        outbound.folder = all.iter().find(|(name, _)| name == CERTIFICATE_FOLDER).map(|(_, value)| value.clone());
        outbound.take_certificates(&all, settings, system)?;
        Ok(outbound)
    }

    fn take_certificates(
        &mut self,
        all: &[(String, String)],
        settings: &OutboundSettings<'_>,
        system: &System<'_>,
    ) -> Result<(), CaFileError> {
        let mut named: Vec<(String, PathBuf, Vec<String>)> = Vec::new();
        for (name, value) in all.iter().filter(|(name, _)| names_certificates(name)) {
            match usable(Path::new(value)) {
                Ok((path, text)) => named.push((name.clone(), path, text)),
                Err(why) => self.left_out.push(format!("{name} names {value}, which {why}")),
            }
        }
        let find = |name: &str| named.iter().find(|(it, ..)| it == name).map(|(_, path, text)| (path, text));
        let added = find(ADDED_CERTIFICATES);
        let roots = system.roots();
        let all_named = || named.iter().map(|(_, _, text)| text.as_slice());
        let (replacing, adding) = if let Some(file) = settings.ca_file {
            self.left_out.clear();
            let own = asked_for(file)?;
            let texts: Vec<&[String]> =
                [own.as_slice()].into_iter().chain(all_named()).chain(roots.as_deref()).collect();
            let adding = [Some(own.as_slice()), added.map(|(_, text)| text.as_slice())].into_iter().flatten();
            let replacing = keep(settings.store, &pem::bundle(&texts))?;
            (Some(replacing), Some(keep(settings.store, &pem::bundle(&adding.collect::<Vec<_>>()))?))
        } else if let Some((file, text)) = DERIVED_CERTIFICATES.iter().find_map(|it| find(it)) {
            let adding = match system.without_its_own(text, roots.as_deref()) {
                _ if added.is_some() => None,
                Some(news) if news.is_empty() => None,
                Some(news) => Some(keep(settings.store, &pem::bundle(&[&news]))?),
                None => Some(file.clone()),
            };
            (Some(file.clone()), adding)
        } else if let (Some((_, text)), Some(roots)) = (added, &roots) {
            // Taken alone it would be all that is trusted.
            (Some(keep(settings.store, &pem::bundle(&[text, roots]))?), None)
        } else {
            (None, None)
        };
        let is_asked_for = settings.ca_file.is_some();
        for (name, path, _) in &named {
            // Whatever named another file would not know of the one that was asked for.
            let path = replacing.as_ref().filter(|_| is_asked_for).unwrap_or(path);
            self.certificates.push((name.clone(), path.clone()));
        }
        let derived = DERIVED_CERTIFICATES.into_iter().filter_map(|it| Some((it, replacing.clone()?)));
        let derived = derived.chain(adding.map(|it| (ADDED_CERTIFICATES, it)));
        for (name, path) in derived {
            match self.certificates.iter_mut().find(|(it, _)| it == name) {
                Some(entry) if is_asked_for => entry.1 = path,
                Some(_) => {}
                None => self.certificates.push((name.to_owned(), path)),
            }
        }
        self.certificates.sort();
        Ok(())
    }

    /// The variables where files are seen at their places on this machine.
    pub fn on_machine(&self) -> Vec<(String, String)> {
        self.variables(|_, path| path.display().to_string(), true)
    }

    /// The variables in a sandbox, where [`Outbound::mounts`] are mounted.
    pub(crate) fn in_sandbox(&self) -> Vec<(String, String)> {
        self.variables(|at, _| inside(at), true)
    }

    /// The same in a container that has some ports of 127.0.0.1 in the place of others.
    pub fn in_container_with(&self, moved: &[(u16, u16)]) -> Vec<(String, String)> {
        let mut all = self.in_container();
        for (name, value) in &mut all {
            *value = Address::all(usage(name), value).iter().map(|it| it.moved(moved)).collect();
        }
        all
    }

    /// The variables in a container, where [`Outbound::mounts`] are mounted.
    pub fn in_container(&self) -> Vec<(String, String)> {
        self.variables(|at, _| inside(at), false)
    }

    fn variables(&self, place: impl Fn(usize, &Path) -> String, has_folder: bool) -> Vec<(String, String)> {
        let files = self.files();
        let at = |path: &PathBuf| files.iter().position(|it| *it == path).unwrap_or_default();
        let named = self.certificates.iter().map(|(name, path)| (name.clone(), place(at(path), path)));
        let folder = self.folder.iter().filter(|_| has_folder).map(|it| (CERTIFICATE_FOLDER.to_owned(), it.clone()));
        self.plain.iter().cloned().chain(named).chain(folder).collect()
    }

    /// The files of certificates, for the places that [`Outbound::in_container`] names.
    pub fn mounts(&self) -> Vec<Mount> {
        let mount = |(at, path): (usize, &PathBuf)| Mount { source: path.clone(), target: inside(at), read_only: true };
        self.files().into_iter().enumerate().map(mount).collect()
    }

    /// Each file once.
    fn files(&self) -> Vec<&PathBuf> {
        let mut files: Vec<&PathBuf> = self.certificates.iter().map(|(_, path)| path).collect();
        files.sort();
        files.dedup();
        files
    }

    /// Proxies that a container with a network of its own can use, as GitHub gives them to services.
    ///
    /// Source: GitHub's runner, `ContainerInfo.cs` at 0187fcdb, `UpdateWebProxyEnv`.
    pub fn proxies_elsewhere(&self) -> Vec<(String, String)> {
        self.proxies().filter(|(name, value)| loopback(name, value).is_none()).cloned().collect()
    }

    fn proxies(&self) -> impl Iterator<Item = &(String, String)> {
        self.plain.iter().filter(|(name, _)| PROXIES.contains(&name.to_ascii_lowercase().as_str()))
    }

    /// The proxies that listen on this machine's loopback: their variables, and their ports.
    pub fn loopback_proxies(&self) -> Vec<(String, u16)> {
        self.proxies().filter_map(|(name, value)| Some((name.clone(), loopback(name, value)?.1))).collect()
    }

    /// The ports of 127.0.0.1 among them; another address of the loopback cannot be passed on to a container.
    pub fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self
            .proxies()
            .filter_map(|(name, value)| loopback(name, value))
            .filter(|(host, _)| is_one(host))
            .map(|(_, port)| port)
            .collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// What must not be shown: passwords and tokens in addresses, in each form in which a program prints them.
    pub fn credentials(&self) -> Vec<String> {
        let mut all: Vec<String> = self
            .plain
            .iter()
            .flat_map(|(name, value)| Address::all(usage(name), value))
            .flat_map(|it| it.secrets())
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// Names and values, without credentials; files are at their places on this machine.
    pub fn shown(&self) -> Vec<(String, String)> {
        let hide = |(name, value): (String, String)| {
            let shown = without_credentials(&name, &value);
            (name, shown)
        };
        self.on_machine().into_iter().map(hide).collect()
    }

    /// What names something that is not there, in a sentence each.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The file by which git trusts servers, if any is named.
    pub fn git_certificates(&self) -> Option<&Path> {
        self.certificates.iter().find(|(name, _)| name == "GIT_SSL_CAINFO").map(|(_, path)| path.as_path())
    }
}

/// What this machine trusts by itself.
struct System<'a> {
    roots: &'a [&'a Path],
    anchors: &'a [&'a Path],
}

impl System<'_> {
    fn roots(&self) -> Option<Vec<String>> {
        self.roots.iter().find_map(|it| pem::certificates(&fs::read(it).ok()?).ok())
    }

    /// Those of `all` that the system has not brought along; none where that is not known.
    ///
    /// Node brings the same along, and takes twice as long to start where it has to read them all again.
    fn without_its_own(&self, all: &[String], roots: Option<&[String]>) -> Option<Vec<String>> {
        let roots = roots?;
        let files = self.anchors.iter().flat_map(|it| fs::read_dir(it).into_iter().flatten().flatten());
        let anchors: Vec<String> =
            files.filter_map(|it| pem::certificates(&fs::read(it.path()).ok()?).ok()).flatten().collect();
        let is_new = |it: &&String| !roots.contains(it) || anchors.contains(it);
        Some(all.iter().filter(is_new).cloned().collect())
    }
}

fn inside(at: usize) -> String {
    format!("{INSIDE}/{}.pem", at + 1)
}

fn is_index(name: &str) -> bool {
    let is_npm = name.get(..11).is_some_and(|it| it.eq_ignore_ascii_case("npm_config_"));
    INDEXES.iter().any(|it| *it == name || (is_npm && it.eq_ignore_ascii_case(name)))
}

fn names_certificates(name: &str) -> bool {
    DERIVED_CERTIFICATES.contains(&name)
        || OTHER_CERTIFICATES.contains(&name)
        || name == ADDED_CERTIFICATES
        || name == "npm_config_cafile"
}

/// Both cases of each proxy that is set.
fn proxies(all: &[(String, String)]) -> Vec<(String, String)> {
    let get = |name: &str| all.iter().find(|(it, _)| it == name).map(|(_, value)| value.trim().to_owned());
    let mut found = Vec::new();
    for name in PROXIES {
        let capitals = name.to_ascii_uppercase();
        if let Some(value) = get(name).or_else(|| get(&capitals)) {
            found.extend([(capitals, value.clone()), (name.to_owned(), value)]);
        }
    }
    found.sort();
    found
}

/// Host and port of a proxy on this machine's loopback.
fn loopback(name: &str, value: &str) -> Option<(String, u16)> {
    let mut all = Address::all(usage(name), value);
    all.pop().filter(|_| usage(name) == Use::Proxy)?.loopback()
}

/// What addresses in a variable are for.
fn usage(name: &str) -> Use {
    let name = name.to_ascii_lowercase();
    if name.ends_with("_proxy") && name != "no_proxy" { Use::Proxy } else { Use::Other }
}

/// A value without names and passwords.
fn without_credentials(name: &str, value: &str) -> String {
    Address::all(usage(name), value).iter().map(Address::shown).collect()
}

/// The absolute path and the certificates of a file; else what is wrong with it.
fn usable(path: &Path) -> Result<(PathBuf, Vec<String>), &'static str> {
    let path = std::path::absolute(path).map_err(|_| "has no place")?;
    if path.is_dir() {
        return Err("is a folder");
    }
    let bytes = fs::read(&path)
        .map_err(|err| if err.kind() == io::ErrorKind::NotFound { "is not there" } else { "cannot be read" })?;
    let text = pem::certificates(&bytes)?;
    Ok((path, text))
}

fn asked_for(file: &Path) -> Result<Vec<String>, CaFileError> {
    let path = file.to_owned();
    let bytes = fs::read(file).map_err(|err| CaFileError::Read { path: path.clone(), err })?;
    pem::certificates(&bytes).map_err(|what| CaFileError::Content { path, what })
}

/// Puts a file into the store, under the name of its content.
fn keep(store: &Path, text: &str) -> Result<PathBuf, CaFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = store.join(format!("{}.pem", hex::encode(&Sha256::digest(text)[..8])));
    let write = || {
        if path.exists() {
            return Ok(());
        }
        fs::create_dir_all(store)?;
        let file = tempfile::NamedTempFile::new_in(store)?;
        fs::write(file.path(), text)?;
        // Whoever a container's user is reads it.
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644))?;
        file.persist(&path).map(drop).map_err(|err| err.error)
    };
    write().map_err(|err: io::Error| CaFileError::Write { path: path.clone(), err })?;
    Ok(path)
}

#[cfg(test)]
mod tests;
