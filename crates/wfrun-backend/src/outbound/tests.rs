use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{CaFileError, Outbound, OutboundSettings, System};

const SYSTEM: &str = "-----BEGIN CERTIFICATE-----\nMAAwAAAA\n-----END CERTIFICATE-----\n";
const COMPANY: &str = "-----BEGIN CERTIFICATE-----\nMAAxAAAA\n-----END CERTIFICATE-----\n";

struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::write(machine.path("system.pem"), SYSTEM).expect("a file");
        fs::write(machine.path("company.pem"), COMPANY).expect("a file");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `@name` is a file of this machine.
    fn read(&self, variables: &[(&str, &str)], ca_file: Option<&str>) -> Result<Outbound, CaFileError> {
        let ca_file = ca_file.map(|it| self.path(it));
        let settings = OutboundSettings { ca_file: ca_file.as_deref(), store: &self.path("store") };
        let value = |text: &str| match text.strip_prefix('@') {
            Some(name) => self.path(name).display().to_string(),
            None => text.to_owned(),
        };
        let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), value(text)));
        let roots = [&*self.path("none"), &*self.path("system.pem")];
        Outbound::read_with(variables, &settings, &System { roots: &roots, anchors: &[&self.path("anchors")] })
    }

    fn outbound(&self, variables: &[(&str, &str)]) -> Outbound {
        self.read(variables, None).expect("nothing is asked for")
    }
}

fn value<'a>(all: &'a [(String, String)], name: &str) -> Option<&'a str> {
    all.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
}

fn lines(all: &[(String, String)]) -> Vec<String> {
    all.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

#[test]
fn only_what_is_listed_gets_in() {
    let machine = Machine::new();
    let outbound = machine.outbound(&[
        ("HTTPS_PROXY", "http://a"),
        ("no_proxy", "b"),
        ("PIP_INDEX_URL", "c"),
        ("npm_config_registry", "d"),
        ("npm_config__auth", "e"),
        ("pip_index_url", "f"),
        ("AWS_SECRET_ACCESS_KEY", "g"),
        ("GITHUB_TOKEN", "h"),
        ("HTTP_PROXY", ""),
    ]);
    assert_eq!(
        lines(&outbound.in_container()),
        [
            "HTTPS_PROXY=http://a",
            "NO_PROXY=b",
            "https_proxy=http://a",
            "no_proxy=b",
            "PIP_INDEX_URL=c",
            "npm_config_registry=d"
        ]
    );
}

#[test]
fn small_letters_win_and_both_cases_are_set() {
    let outbound = Machine::new().outbound(&[("HTTP_PROXY", "http://a"), ("http_proxy", "http://b ")]);
    assert_eq!(lines(&outbound.on_machine()), ["HTTP_PROXY=http://b", "http_proxy=http://b"]);
}

#[test]
fn a_bundle_that_is_named_serves_all_programs_at_a_place_inside() {
    let machine = Machine::new();
    let outbound = machine.outbound(&[
        ("SSL_CERT_FILE", "@system.pem"),
        ("PIP_CERT", "@company.pem"),
        ("SSL_CERT_DIR", "/etc/ssl/certs"),
    ]);
    let inside = outbound.in_container();
    for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE", "CARGO_HTTP_CAINFO"] {
        assert_eq!(value(&inside, name), Some("/opt/wfrun/certificates/2.pem"), "{name}");
    }
    assert_eq!(value(&inside, "PIP_CERT"), Some("/opt/wfrun/certificates/1.pem"));
    assert_eq!((value(&inside, "SSL_CERT_DIR"), value(&inside, "DENO_CERT")), (None, None));
    assert_eq!(value(&outbound.in_sandbox(), "SSL_CERT_DIR"), Some("/etc/ssl/certs"));
    let mounts: Vec<_> = outbound.mounts().into_iter().map(|it| (it.source, it.target, it.read_only)).collect();
    assert_eq!(
        mounts,
        [
            (machine.path("company.pem"), "/opt/wfrun/certificates/1.pem".to_owned(), true),
            (machine.path("system.pem"), "/opt/wfrun/certificates/2.pem".to_owned(), true),
        ]
    );
    let here = outbound.on_machine();
    assert_eq!(value(&here, "GIT_SSL_CAINFO"), machine.path("system.pem").to_str());
}

/// Node has what a system brings along; it is slow to read it again.
#[test]
fn node_gets_what_it_does_not_have() {
    let machine = Machine::new();
    let both = format!("{SYSTEM}{COMPANY}");
    fs::write(machine.path("both.pem"), &both).expect("a file");
    let node = |file: &str| {
        let here = machine.outbound(&[("SSL_CERT_FILE", file)]).on_machine();
        value(&here, "NODE_EXTRA_CA_CERTS").map(|it| fs::read_to_string(it).expect("a file"))
    };
    assert_eq!((node("@system.pem"), node("@both.pem").as_deref()), (None, Some(COMPANY)));
    // A person has added it to what the system trusts.
    fs::write(machine.path("system.pem"), &both).expect("a file");
    assert_eq!(node("@both.pem"), None);
    fs::create_dir(machine.path("anchors")).expect("a folder");
    fs::write(machine.path("anchors/company.crt"), COMPANY).expect("a file");
    assert_eq!(node("@both.pem").as_deref(), Some(COMPANY));
    // Where nothing is known of the system, all of it may be news.
    fs::remove_file(machine.path("system.pem")).expect("it was there");
    assert_eq!(node("@both.pem"), Some(both));
}

/// `NODE_EXTRA_CA_CERTS` adds, all others replace: alone in those, a company's certificate would be all that is trusted.
#[test]
fn certificates_that_are_added_are_no_bundle() {
    let machine = Machine::new();
    let outbound = machine.outbound(&[("NODE_EXTRA_CA_CERTS", "@company.pem")]);
    let here = outbound.on_machine();
    assert_eq!(value(&here, "NODE_EXTRA_CA_CERTS"), machine.path("company.pem").to_str());
    let bundle = fs::read_to_string(value(&here, "SSL_CERT_FILE").expect("it is set")).expect("a file");
    assert_eq!(bundle, format!("{COMPANY}{SYSTEM}"));
    fs::remove_file(machine.path("system.pem")).expect("it was there");
    let here = machine.outbound(&[("NODE_EXTRA_CA_CERTS", "@company.pem")]).on_machine();
    assert_eq!(value(&here, "SSL_CERT_FILE"), None);
}

#[test]
fn a_file_that_is_asked_for_is_trusted_besides() {
    let machine = Machine::new();
    let variables = [("NIX_SSL_CERT_FILE", "@system.pem"), ("PIP_CERT", "/nonexistent")];
    let outbound = machine.read(&variables, Some("company.pem")).expect("it is a bundle");
    let here = outbound.on_machine();
    let bundle = Path::new(value(&here, "SSL_CERT_FILE").expect("it is set"));
    assert_eq!(fs::read_to_string(bundle).expect("a file"), format!("{COMPANY}{SYSTEM}"));
    assert_eq!(bundle.metadata().expect("a file").permissions().mode() & 0o777, 0o644);
    for name in ["NIX_SSL_CERT_FILE", "PIP_CERT", "GIT_SSL_CAINFO"] {
        assert_eq!(value(&here, name), bundle.to_str(), "{name}");
    }
    let node = value(&here, "NODE_EXTRA_CA_CERTS").expect("it is set");
    assert_eq!(fs::read_to_string(node).expect("a file"), COMPANY, "Node has its own");
    assert_eq!(outbound.mounts().len(), 2);
    assert_eq!(outbound.git_certificates(), Some(bundle));
    assert_eq!(outbound.left_out(), &[] as &[String]);
}

#[test]
fn what_is_not_there_is_left_out_and_said() {
    let machine = Machine::new();
    fs::write(machine.path("text"), "hello").expect("a file");
    let outbound = machine.outbound(&[
        ("SSL_CERT_FILE", "/nonexistent/ca.pem"),
        ("CURL_CA_BUNDLE", "@text"),
        ("REQUESTS_CA_BUNDLE", "/etc"),
    ]);
    assert_eq!(outbound.in_container(), []);
    let said = outbound.left_out().join("\n");
    for part in [
        "SSL_CERT_FILE names /nonexistent/ca.pem, which is not there",
        "text, which has no certificate",
        "REQUESTS_CA_BUNDLE names /etc, which is a folder",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_file_that_is_asked_for_has_to_be_one() {
    let machine = Machine::new();
    fs::write(machine.path("text"), "hello").expect("a file");
    let message = |file| machine.read(&[], Some(file)).expect_err("it is refused").to_string();
    assert!(message("nothing.pem").contains("failed to read"), "{}", message("nothing.pem"));
    assert!(message("text").contains("no certificate"), "{}", message("text"));
}

#[test]
fn proxies_on_loopback_are_known() {
    let outbound = Machine::new().outbound(&[
        ("http_proxy", "http://me:secret@127.0.0.1:3128"),
        ("https_proxy", "localhost:8080"),
        ("all_proxy", "socks5://[::1]:1080"),
        ("ftp_proxy", "http://proxy.example.org:3128"),
        ("no_proxy", "127.0.0.1,localhost"),
    ]);
    assert_eq!(outbound.ports(), [3128, 8080]);
    let inside = outbound.in_container_with(&[(3128, 40_000), (8080, 40_001)]);
    assert_eq!(value(&inside, "HTTP_PROXY"), Some("http://me:secret@127.0.0.1:40000"));
    assert_eq!(value(&inside, "https_proxy"), Some("localhost:40001"));
    assert_eq!(value(&inside, "all_proxy"), Some("socks5://[::1]:1080"));
    assert_eq!(outbound.loopback_proxies().len(), 6);
    let elsewhere: Vec<String> = outbound.proxies_elsewhere().into_iter().map(|(name, _)| name).collect();
    assert_eq!(elsewhere, ["FTP_PROXY", "NO_PROXY", "ftp_proxy", "no_proxy"]);
    assert!(outbound.credentials().contains(&"secret".to_owned()));
    assert!(!format!("{:?}", outbound.shown()).contains("secret"));
}

#[test]
fn the_lists_are_documented() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/outbound.md");
    let page = fs::read_to_string(page).expect("the page");
    let proxies = super::PROXIES.map(str::to_ascii_uppercase);
    let all = proxies.iter().map(String::as_str).chain(super::DERIVED_CERTIFICATES).chain(super::OTHER_CERTIFICATES);
    for name in all.chain([super::ADDED_CERTIFICATES, super::CERTIFICATE_FOLDER]).chain(super::INDEXES) {
        assert!(page.contains(&format!("`{name}`")), "docs/outbound.md lacks {name}");
    }
}
