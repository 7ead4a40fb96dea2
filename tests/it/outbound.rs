//! Proxies, certificates and package indexes of this machine, as steps see them.
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use wfrun_backend::outbound::{ADDED_CERTIFICATES, DERIVED_CERTIFICATES, INDEXES, OTHER_CERTIFICATES, PROXIES};

use crate::docker::{IMAGE, has_docker, left};
use crate::repo::{Ran, Repo, can_sandbox};

/// Runs `w.yml` with these variables and none of this machine's on the lists.
fn run(repo: &Repo, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = command(repo);
    command.args(["--offline"]).args(arguments).envs(variables.iter().copied());
    Ran::of(&command.output().expect("wfrun starts"))
}

fn command(repo: &Repo) -> Command {
    let mut command = repo.command(&["w.yml", "--json"]);
    let proxies = PROXIES.map(str::to_ascii_uppercase);
    let certificates = DERIVED_CERTIFICATES.into_iter().chain(OTHER_CERTIFICATES).chain([ADDED_CERTIFICATES]);
    for name in PROXIES.into_iter().chain(proxies.iter().map(String::as_str)).chain(certificates).chain(INDEXES) {
        command.env_remove(name);
    }
    command
}

fn on(steps: &str) -> Repo {
    Repo::new(&format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"), &[])
}

/// What the run said before anything ran.
fn notices(ran: &Ran) -> String {
    let all = ran.of_type("notice").into_iter();
    all.filter_map(|it| Some(it["message"].as_str()?.to_owned())).collect::<Vec<_>>().join("\n")
}

/// The backends that work here.
fn backends() -> Vec<&'static str> {
    let mut all = vec!["host"];
    all.extend(can_sandbox().then_some("sandbox"));
    all.extend(has_docker().then_some("docker"));
    all
}

const PRINT: &str = r#"
    - run: |
        echo "1 $HTTP_PROXY $http_proxy $HTTPS_PROXY"
        echo "2 $NO_PROXY|$no_proxy"
        echo "3 $PIP_INDEX_URL $npm_config_registry $GOPROXY [$GITHUB_TOKEN$npm_config__auth]"
        h=hunt; echo "4 pypi-${h}er2 $(printf 'me:%s' "$h%er2" | base64)"
    - {run: 'echo "5 $no_proxy"', env: {no_proxy: own.example}}
    - {run: 'echo "6 $HTTP_PROXY"', env: {HTTP_PROXY: 'http://other:1'}}
"#;

#[test]
fn proxies_and_indexes_reach_steps_and_passwords_no_log() {
    for backend in backends() {
        let repo = on(PRINT);
        let variables = [
            ("HTTPS_PROXY", "http://me:hunt%25er2@proxy.example:3128"),
            ("http_proxy", "http://proxy.example:3128"),
            ("NO_PROXY", "intern.example"),
            ("PIP_INDEX_URL", "https://pypi-hunter2@index.example/simple"),
            ("npm_config_registry", "https://npm.example/"),
            ("npm_config__auth", "secret"),
            ("GITHUB_TOKEN", "secret"),
            ("GOPROXY", "https://go.example|direct"),
        ];
        let ran = run(&repo, &["--backend", backend], &variables).ends_with(0);
        let lines = ran.lines();
        let plain = "http://proxy.example:3128";
        let direct = "intern.example,localhost,127.0.0.1,::1,169.254.169.254";
        for expected in [
            format!("1 {plain} {plain} http://me:***@proxy.example:3128"),
            format!("2 {direct}|{direct}"),
            "3 https://***@index.example/simple https://npm.example/ https://go.example|direct []".to_owned(),
            "4 *** ***".to_owned(),
            "5 own.example,localhost,127.0.0.1,::1,169.254.169.254".to_owned(),
            "6 http://other:1".to_owned(),
        ] {
            assert!(lines.contains(&expected), "{backend}: {expected}\n{lines:#?}");
        }
        assert!(
            !["hunter2", "hunt%"].iter().any(|it| ran.stdout.contains(it)),
            "{backend}: a password is in the journal: {}",
            ran.stdout
        );
        let notices = notices(&ran);
        let told =
            "steps get this machine's HTTPS_PROXY, HTTP_PROXY, NO_PROXY, GOPROXY, PIP_INDEX_URL, npm_config_registry";
        assert!(notices.contains(told), "{notices}");
    }
}

/// A company's root certificate, and a server on loopback that only those trust who know it.
struct Company {
    folder: tempfile::TempDir,
    port: u16,
    server: Child,
}

impl Company {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=company", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-keyout", "key.pem", "-out", "ca.pem"])
            .current_dir(folder.path())
            .output();
        if !made.is_ok_and(|it| it.status.success()) {
            println!("skipped: no openssl to make a certificate with");
            return None;
        }
        let script = "
import http.server, ssl, sys
server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('ca.pem', 'key.pem')
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
";
        let mut server = Command::new("python3")
            .args(["-c", script])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3");
        let mut line = String::new();
        BufReader::new(server.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        Some(Self { folder, port: line.trim().parse().expect("a port"), server })
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn steps(&self) -> String {
        const STEPS: &str = r#"
    - run: |
        python3 -c 'import urllib.request as u; print("python", u.urlopen("https://localhost:PORT/").status)'
        git ls-remote https://localhost:PORT/x.git 2>&1 | grep -q 'not found' && echo git 200
        echo "at $(dirname $SSL_CERT_FILE) $(dirname $NODE_EXTRA_CA_CERTS)"
        grep -c BEGIN "$NODE_EXTRA_CA_CERTS" | sed 's/^/count /'
        for it in GIT_SSL_CAINFO REQUESTS_CA_BUNDLE CURL_CA_BUNDLE PIP_CERT AWS_CA_BUNDLE CARGO_HTTP_CAINFO; do
          test "$(printenv $it)" = "$SSL_CERT_FILE" || echo "$it is not"
        done
        if echo x >> "$SSL_CERT_FILE"; then echo written; fi 2>/dev/null
    - if: ${{ !cancelled() }}
      run: |
        ! command -v node || node -e 'fetch("https://localhost:PORT/").then(it => console.log("node", it.status))'
"#;
        STEPS.replace("PORT", &self.port.to_string())
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        self.server.kill().and_then(|()| self.server.wait()).expect("it runs");
    }
}

#[test]
fn a_company_s_certificate_is_trusted_on_every_backend() {
    let Some(company) = Company::new() else { return };
    let file = company.file().display().to_string();
    for backend in backends() {
        let repo = on(&company.steps());
        let without = run(&repo, &["--backend", backend], &[]).ends_with(1);
        assert!(!notices(&without).contains("steps get"), "{}", notices(&without));
        assert!(!without.lines().iter().any(|it| it == "python 200"), "{backend}: the test shows nothing");
        let ran = run(&repo, &["--backend", backend, "--ca-file", &file], &[]).ends_with(0);
        let lines = ran.lines();
        for expected in ["python 200", "git 200", "count 1"] {
            assert!(lines.contains(&expected.to_owned()), "{backend}: {expected}\n{lines:#?}");
        }
        assert!(!lines.iter().any(|it| it.ends_with("is not")), "{backend}: {lines:#?}");
        if backend != "host" {
            assert!(
                lines.contains(&"at /opt/wfrun/certificates /opt/wfrun/certificates".to_owned()),
                "{backend}: {lines:#?}"
            );
            assert!(!lines.contains(&"written".to_owned()), "{backend}: the file can be written to");
        }
        // Named in the environment it does as well, but only `NODE_EXTRA_CA_CERTS` is no bundle of its own.
        let ran = run(&repo, &["--backend", backend, "--verbose"], &[("NODE_EXTRA_CA_CERTS", &file)]);
        assert!(notices(&ran).contains("NODE_EXTRA_CA_CERTS"), "{}", notices(&ran));
        assert!(ran.lines().contains(&"python 200".to_owned()), "{backend}: {:#?}", ran.lines());
        assert!(ran.lines().contains(&"count 1".to_owned()), "{backend}: {:#?}", ran.lines());
    }
}

/// The server has no repositories, which only those learn who trust it.
#[test]
fn wfrun_s_own_git_trusts_the_company_too() {
    let Some(company) = Company::new() else { return };
    let repo = on("    - uses: o/r@v1\n");
    let server = format!("url.https://localhost:{}/.insteadOf", company.port);
    let say = |more: &[&str]| {
        let mut command = command(&repo);
        command.args(["--backend", "host", "--actions", "real"]).args(more);
        command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", &server);
        command.env("GIT_CONFIG_VALUE_0", "https://github.com/");
        Ran::of(&command.output().expect("wfrun starts")).ends_with(3).stderr.replace('\n', " ")
    };
    let (without, with) = (say(&[]), say(&["--ca-file", &company.file().display().to_string()]));
    assert!(without.contains("certificate") && !without.contains("action/not-found"), "{without}");
    assert!(!with.contains("certificate") && with.contains("action/not-found"), "{with}");
}

#[test]
fn a_file_without_certificates_is_refused_before_anything_runs() {
    let repo = on("    - run: echo hello\n");
    repo.write("notes.pem", "hello\n");
    for (file, part) in [("notes.pem", "has no certificate"), ("nothing.pem", "failed to read nothing.pem")] {
        let ran = run(&repo, &["--backend", "host", "--ca-file", file], &[]).ends_with(2);
        assert!(ran.stderr.contains("error[cli/ca-file]") && ran.stderr.contains(part), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    let ran = run(&repo, &["--backend", "host"], &[("SSL_CERT_FILE", "/nonexistent.pem")]).ends_with(0);
    let notices = notices(&ran);
    assert!(notices.contains("SSL_CERT_FILE names /nonexistent.pem, which is not there"), "{notices}");
}

/// Answers each request with the address that was asked for, as a proxy sees it.
fn proxy() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            let asked = format!("proxied {}", text.split(' ').nth(1).unwrap_or_default());
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", asked.len());
            stream.write_all(format!("{head}{asked}").as_bytes()).ok();
        }
    });
    port
}

const ASK: &str =
    r#"python3 -c 'import urllib.request as u; print(u.urlopen("http://away.example/NAME").read().decode())'"#;

#[test]
fn a_proxy_on_loopback_is_reached_and_the_loopback_is_not_asked_through_it() {
    let address = format!("http://127.0.0.1:{}", proxy());
    let own = format!("http://127.0.0.1:{}/own", proxy());
    let direct =
        format!("python3 -c 'import urllib.request as u; print(\"direct\", u.urlopen(\"{own}\").read().decode())'");
    for backend in backends() {
        let repo = on(&format!("    - run: |\n        {}\n        {direct}\n", ASK.replace("NAME", "job")));
        let ran = run(&repo, &["--backend", backend], &[("HTTP_PROXY", &address)]).ends_with(0);
        let lines = ran.lines();
        assert!(lines.contains(&"proxied http://away.example/job".to_owned()), "{backend}: {lines:#?}");
        assert!(lines.contains(&"direct proxied /own".to_owned()), "{backend}: {lines:#?}");
        let said = notices(&ran).contains("is on this machine's loopback");
        assert_eq!(said, backend == "docker", "{backend}");
    }
}

#[test]
fn job_containers_and_container_actions_have_them_too() {
    if !has_docker() {
        return;
    }
    let Some(company) = Company::new() else { return };
    let address = format!("http://127.0.0.1:{}", proxy());
    let print = r#"echo "NAME $HTTP_PROXY $no_proxy $(grep -c BEGIN $SSL_CERT_FILE)""#;
    let script = format!("#!/bin/sh\n{}\n{}\n", ASK.replace("NAME", "action"), print.replace("NAME", "2"));
    let workflow = format!(
        "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    container: {{image: {IMAGE}, env: {{HTTPS_PROXY: 'http://own:1'}}}}
    steps:
    - uses: actions/checkout@v4
    - run: |
        {}
        {}
        echo \"3 $HTTPS_PROXY\"
    - uses: ./a
  apart:
    runs-on: ubuntu-latest
    services:
      web: {{image: {IMAGE}, entrypoint: sh, command: -c \"env && sleep 60\"}}
    steps: [run: 'true']
",
        ASK.replace("NAME", "container"),
        print.replace("NAME", "1"),
    );
    let manifest =
        format!("name: a\nruns: {{using: docker, image: 'docker://{IMAGE}', entrypoint: /github/workspace/a/entry}}\n");
    let repo = Repo::new(&workflow, &[("a/action.yml", &manifest), ("a/entry", &script)]);
    make_executable(&repo.root().join("a/entry"));
    repo.commit("executable");
    let file = company.file().display().to_string();
    let variables =
        [("HTTP_PROXY", address.as_str()), ("HTTPS_PROXY", "http://proxy.example:3128"), ("SSL_CERT_FILE", &file)];
    let ran = run(&repo, &["--backend", "docker"], &variables).ends_with(0);
    let lines = ran.lines();
    let direct = "localhost,127.0.0.1,::1,169.254.169.254";
    for expected in [
        "proxied http://away.example/container".to_owned(),
        "proxied http://away.example/action".to_owned(),
        "3 http://own:1".to_owned(),
        // Of a service's: what it can use, and what a person has said.
        "HTTPS_PROXY=http://proxy.example:3128".to_owned(),
        format!("no_proxy={direct}"),
    ] {
        assert!(lines.iter().any(|it| it.ends_with(&expected)), "{expected}\n{lines:#?}");
    }
    // The proxy on the loopback is served at a port of the container's own.
    for number in ["1", "2"] {
        let begin = format!("{number} http://127.0.0.1:");
        let line = lines.iter().find(|it| it.starts_with(&begin)).unwrap_or_else(|| panic!("{begin}\n{lines:#?}"));
        assert!(line.ends_with(&format!(" {direct} 1")) && !line.contains(&address), "{line}");
    }
    assert!(!lines.iter().any(|it| it.ends_with(&format!("HTTP_PROXY={address}"))), "{lines:#?}");
    assert_eq!(left(&ran), "");
}

fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a file");
}
