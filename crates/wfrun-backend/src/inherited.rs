//! What an environment takes over from this process's own: an allow-list, so that nothing private gets in.

use std::env;
use std::path::Path;

/// Variables that name certificates: without them nothing can be downloaded behind a company's proxy.
const CERTIFICATE_FILES: [&str; 10] = [
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "HTTPLIB2_CA_CERTS",
    "NIX_SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
];
const CERTIFICATE_DIRECTORY: &str = "SSL_CERT_DIR";
const PROXIES: [&str; 5] = ["all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"];
const LOCALE: [&str; 3] = ["LANG", "LANGUAGE", "TZ"];
const TOOL_ROOTS: [&str; 5] = ["GOROOT", "JAVA_HOME", "NVM_DIR", "PYENV_ROOT", "RUSTUP_HOME"];

/// Where directories for commands are when there is no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Language, time zone, certificates, proxies and roots of tools, in the order of their names.
pub(crate) fn variables() -> Vec<(String, String)> {
    select(
        env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))),
        |key| is_network(key) || TOOL_ROOTS.contains(&key) || LOCALE.contains(&key) || key.starts_with("LC_"),
    )
}

/// Certificate files and proxies only: for a container, which has its own tools, language and directories.
pub(crate) fn network_variables() -> Vec<(String, String)> {
    let mut variables = variables();
    variables.retain(|(key, _)| is_network(key) && key != CERTIFICATE_DIRECTORY);
    variables
}

fn is_network(key: &str) -> bool {
    CERTIFICATE_FILES.contains(&key)
        || key == CERTIFICATE_DIRECTORY
        || PROXIES.iter().any(|proxy| proxy.eq_ignore_ascii_case(key))
}

fn select(all: impl Iterator<Item = (String, String)>, keep: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut variables: Vec<_> = all.filter(|(key, _)| keep(key)).collect();
    variables.sort();
    variables
}

/// The files that the certificate variables name and that exist, each once.
pub(crate) fn certificate_files() -> Vec<String> {
    let mut files: Vec<String> = variables()
        .into_iter()
        .filter(|(key, _)| CERTIFICATE_FILES.contains(&key.as_str()))
        .map(|(_, value)| value)
        .filter(|file| file.starts_with('/') && Path::new(file).is_file())
        .collect();
    files.sort();
    files.dedup();
    files
}

/// This process's `PATH`: its absolute directories that exist, each once.
pub(crate) fn path() -> String {
    let path = env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.to_owned());
    let mut directories: Vec<&str> = Vec::new();
    for directory in path.split(':').filter(|it| it.starts_with('/')) {
        if !directories.contains(&directory) && Path::new(directory).is_dir() {
            directories.push(directory);
        }
    }
    directories.join(":")
}

/// Puts the parts of a base environment together; of two values for one variable the later one holds.
pub(crate) fn base_env(
    inherited: Vec<(String, String)>,
    path: &str,
    home: &str,
    extra: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let fixed = [("PATH".to_owned(), path.to_owned()), ("HOME".to_owned(), home.to_owned())];
    let mut all: Vec<(String, String)> = Vec::new();
    for (key, value) in inherited.into_iter().chain(fixed).chain(extra) {
        match all.iter_mut().find(|(known, _)| *known == key) {
            Some(entry) => entry.1 = value,
            None => all.push((key, value)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{base_env, is_network, select};

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_what_is_listed_gets_in() {
        let all = pairs(&[
            ("HTTPS_PROXY", "a"),
            ("no_proxy", "b"),
            ("SSL_CERT_FILE", "c"),
            ("AWS_SECRET_ACCESS_KEY", "d"),
            ("GITHUB_TOKEN", "e"),
        ]);
        let kept: Vec<String> = select(all.into_iter(), is_network).into_iter().map(|(key, _)| key).collect();
        assert_eq!(kept, ["HTTPS_PROXY", "SSL_CERT_FILE", "no_proxy"]);
    }

    #[test]
    fn the_later_value_holds() {
        let env = base_env(pairs(&[("A", "1"), ("PATH", "/x")]), "/bin", "/home/runner", pairs(&[("A", "2")]));
        assert_eq!(env, pairs(&[("A", "2"), ("PATH", "/bin"), ("HOME", "/home/runner")]));
    }
}
