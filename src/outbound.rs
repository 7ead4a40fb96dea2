//! What steps get of this machine to get out to the network, and what people are told of it.
use std::path::Path;

use wfrun_backend::{CaFileError, Outbound, OutboundSettings, chain};
use wfrun_journal::Secret;

use crate::environment::Environment;
use crate::output::Help;

/// Reads the variables of this process, and the file of `--ca-file`.
pub(crate) fn read(ca_file: Option<&Path>, environment: &Environment) -> anyhow::Result<Outbound> {
    read_into(&environment.cache.join("certificates"), ca_file)
}

/// The same with another store for files that have to be made.
pub(crate) fn read_into(store: &Path, ca_file: Option<&Path>) -> anyhow::Result<Outbound> {
    let settings = OutboundSettings { ca_file, store };
    Outbound::read(Environment::variables(), &settings).map_err(|err| refuse(&err))
}

fn refuse(err: &CaFileError) -> anyhow::Error {
    let code = match err {
        CaFileError::Read { .. } | CaFileError::Content { .. } => "cli/ca-file",
        CaFileError::Write { .. } => "wfrun/state",
    };
    let help = "`--ca-file` takes a file of certificates in the form PEM, such as your company's root certificate";
    Help::error(code, chain(err), help)
}

/// What a run says of it. Certificates alone are nothing new to anybody whose environment names them.
pub(crate) fn notices(outbound: &Outbound, was_asked_for: bool, backend: &str, is_verbose: bool) -> Vec<String> {
    let names: Vec<String> = outbound.shown().into_iter().map(|(name, _)| name).collect();
    let is_news = |name: &String| was_asked_for || !is_certificate(name);
    let mut notices = Vec::new();
    if names.iter().any(is_news) || (is_verbose && !names.is_empty()) {
        let known = shorter(&names).join(", ");
        notices.push(format!("steps get this machine's {known}; `wfrun doctor` shows their values"));
    }
    notices.extend(outbound.left_out().iter().map(|it| format!("{it}: steps do not get it")));
    if backend == "docker"
        && let Some((name, port)) = outbound.loopback_proxies().first()
    {
        let ports = outbound.ports();
        let (is_passed, where_not) = if ports.contains(port) {
            ("jobs and job containers reach it", "services, image builds and container actions beside services do not")
        } else {
            ("jobs reach it", "job containers, services and image builds do not: let it listen on 127.0.0.1")
        };
        notices.push(format!("the proxy of {name} is on this machine's loopback: {is_passed}, {where_not}"));
    }
    notices
}

/// Whether a variable names certificates.
pub(crate) fn is_certificate(name: &str) -> bool {
    use wfrun_backend::outbound::{ADDED_CERTIFICATES, CERTIFICATE_FOLDER, DERIVED_CERTIFICATES, OTHER_CERTIFICATES};
    let others = OTHER_CERTIFICATES.iter().any(|it| it.eq_ignore_ascii_case(name));
    DERIVED_CERTIFICATES.contains(&name) || others || [ADDED_CERTIFICATES, CERTIFICATE_FOLDER].contains(&name)
}

/// One of two cases, in capitals, where both are there.
fn shorter(names: &[String]) -> Vec<&str> {
    let has = |name: &str| names.iter().any(|it| it == name);
    let is_twin = |name: &str| name != name.to_ascii_uppercase() && has(&name.to_ascii_uppercase());
    names.iter().map(String::as_str).filter(|it| !is_twin(it)).collect()
}

/// What no log may show of it.
pub(crate) fn hidden(outbound: &Outbound) -> Vec<Secret> {
    outbound.credentials().into_iter().map(Secret::new).collect()
}

#[cfg(test)]
mod tests {
    use super::{is_certificate, shorter};

    #[test]
    fn names_are_told_once() {
        let names = ["HTTP_PROXY", "http_proxy", "npm_config_registry"].map(str::to_owned);
        assert_eq!(shorter(&names), ["HTTP_PROXY", "npm_config_registry"]);
        assert!(is_certificate("npm_config_cafile") && is_certificate("PIP_CERT") && !is_certificate("PIP_INDEX_URL"));
    }
}
