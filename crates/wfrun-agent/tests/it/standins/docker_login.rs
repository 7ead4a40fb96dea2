use serde_json::json;

use super::docker::{install, logins, with_docker};
use super::server::Server;
use super::{Job, Outcome, Step};
use crate::cli::docker::registry::Registry;

const ECR: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

fn step<'a>(job: &'a Job, version: &str) -> Step<'a> {
    with_docker(job, job.step(&format!("docker/login-action main {version}"))).input("logout", "true")
}

fn post(job: &Job, version: &str, main: &Outcome) -> Outcome {
    let mut step = with_docker(job, job.step(&format!("docker/login-action post {version}")));
    for (name, value) in &main.state {
        step = step.env(&format!("STATE_{name}"), value);
    }
    step.run()
}

#[test]
fn logs_in_and_out() {
    let registry = Registry::start();
    let address = registry.address();
    for version in ["v1", "v2", "v3", "v4"] {
        let job = Job::new();
        install(&job);
        let login = step(&job, version).input("registry", &address).input("username", "AWS");
        let outcome = login.input("password", "secret").input("ecr", "auto").run();
        outcome.assert_success();
        assert_eq!(outcome.lines, [format!("Logging into {address}..."), "Login Succeeded!".to_owned()], "{version}");
        assert_eq!(logins(&job, "home/.docker"), [address.as_str()]);
        assert_eq!(outcome.saved("logout"), Some("true"));
        let out = post(&job, version, &outcome);
        out.assert_success();
        out.assert_line(&format!("Removing login credentials for {address}"));
        assert!(logins(&job, "home/.docker").is_empty(), "{version}");
    }
}

#[test]
fn stays_logged_in_where_asked() {
    let registry = Registry::start();
    let job = Job::new();
    install(&job);
    let login = step(&job, "v3").input("registry", &registry.address()).input("username", "AWS");
    let outcome = login.input("password", "secret").input("logout", "false").run();
    outcome.assert_success();
    assert!(post(&job, "v3", &outcome).lines.is_empty());
    assert_eq!(logins(&job, "home/.docker"), [registry.address()]);
}

#[test]
fn fails_in_the_words_of_the_action_and_of_docker() {
    let registry = Registry::start();
    let address = registry.address();
    let job = Job::new();
    install(&job);
    let refused = format!("login attempt to http://{address}/v2/ failed with status: 401 Unauthorized");
    let cases = [
        ("v1", address.as_str(), "", "x", "Username and password required"),
        ("v3.1", &address, "", "x", "Username and password required"),
        ("v3", &address, "", "x", "Username required"),
        ("v4", &address, "AWS", "", "Password required"),
        ("v4", &address, "", "", "Username and password required"),
        ("v3", &address, "AWS", "wrong", refused.as_str()),
        ("v3", "127.0.0.1:1", "AWS", "secret", "127.0.0.1:1"),
        ("v3", "ghcr.io", "octo", "x", "`ghcr.io` is not on this machine"),
        ("v2", "", "octo", "x", "`docker.io` is not on this machine"),
        ("v4", "", "octo", "x", "`docker.io` is not on this machine"),
    ];
    for (version, registry, user, password, text) in cases {
        let login = step(&job, version).input("registry", registry).input("username", user);
        login.input("password", password).run().assert_failure(text);
    }
    step(&job, "v3").input("logout", "maybe").run().assert_failure("Input does not meet YAML 1.2");
    let both = step(&job, "v4").input("registry", "a").input("registry-auth", "- registry: b");
    both.run().assert_failure("Cannot use registry-auth with other inputs");
    step(&job, "v4").input("registry-auth", "[]").run().assert_failure("No registry to login");
    let without = job.step("docker/login-action main v3").input("logout", "true").env("PATH", "/nowhere");
    let outcome = without.input("username", "a").input("password", "b").run();
    outcome.assert_failure("the job's environment has no `docker` command; install the Docker CLI");
}

#[test]
fn the_accounts_registry_by_an_access_key() {
    let registry = Registry::start();
    let own = format!("http://{}", registry.address());
    let answered = own.clone();
    let account = Server::start(move |_, _| {
        // AWS:secret
        let entry = json!({ "authorizationToken": "QVdTOnNlY3JldA==", "proxyEndpoint": answered });
        (200, json!({ "authorizationData": [entry] }).to_string().into())
    });
    for (user, password) in [("AKIA1", "key"), ("", "")] {
        let job = Job::new();
        install(&job);
        let login = step(&job, "v3").input("registry", ECR).env("AWS_ENDPOINT_URL", &account.url);
        let login = login.env("AWS_ACCESS_KEY_ID", "AKIA2").env("AWS_SECRET_ACCESS_KEY", "other");
        let outcome = login.input("username", user).input("password", password).run();
        outcome.assert_success();
        let first = ["Retrieving registries data through AWS SDK...", "AWS ECR detected with us-east-1 region"];
        assert_eq!(outcome.lines[..2], first);
        outcome.assert_line("::add-mask::secret");
        outcome.assert_line(&format!("Logging into {own}..."));
        assert_eq!(logins(&job, "home/.docker"), [registry.address()]);
        let request = account.requests().pop().expect("was asked");
        assert_eq!(request.json(), json!({ "registryIds": ["123456789012"] }));
        let key = if user.is_empty() { "AKIA2" } else { user };
        assert!(request.header("authorization").contains(&format!("Credential={key}/")), "{request:?}");
    }
    let job = Job::new();
    install(&job);
    let outcome = step(&job, "v3").input("registry", ECR).env("AWS_ENDPOINT_URL", &account.url).run();
    outcome.assert_failure("Could not load credentials from any providers");
}

#[test]
fn the_accounts_registry_by_a_password() {
    let registry = Registry::start();
    let job = Job::new();
    install(&job);
    let url = format!("http://{}", registry.address());
    let login = step(&job, "v3").input("registry", ECR).input("ecr", "false").env("AWS_ENDPOINT_URL", &url);
    let outcome = login.input("username", "AWS").input("password", "secret").run();
    outcome.assert_success();
    assert_eq!(logins(&job, "home/.docker"), [registry.address()]);
    assert!(outcome.declarations.iter().any(|it| it["subject"] == ECR), "{outcome:#?}");
    let mut out = with_docker(&job, job.step("docker/login-action post v3")).env("AWS_ENDPOINT_URL", &url);
    for (name, value) in &outcome.state {
        out = out.env(&format!("STATE_{name}"), value);
    }
    out.run().assert_success();
    assert!(logins(&job, "home/.docker").is_empty());
}

/// Where `docker` knows the registry by Amazon's name, it has the login under that name.
#[test]
fn the_accounts_registry_by_amazons_name() {
    let registry = Registry::start();
    let url = format!("http://{}", registry.address());
    let named = format!("123456789012={}", registry.address());
    for (host, kept) in [(ECR, ECR), ("210987654321.dkr.ecr.us-east-1.amazonaws.com", registry.address().as_str())] {
        let job = Job::new();
        install(&job);
        let login = step(&job, "v3").input("registry", host).input("ecr", "false").env("AWS_ENDPOINT_URL", &url);
        let login = login.env("WFRUN_ECR_REGISTRY", &named).input("username", "AWS").input("password", "secret");
        let outcome = login.run();
        outcome.assert_success();
        assert_eq!(logins(&job, "home/.docker"), [kept]);
        assert_eq!(outcome.declarations.iter().any(|it| it["subject"] == host), host != kept, "{outcome:#?}");
    }
}

#[test]
fn lists_and_scopes() {
    let (one, two) = (Registry::start(), Registry::start());
    let job = Job::new();
    install(&job);
    let list = format!(
        "- registry: {}\n  username: AWS\n  password: secret\n- registry: {}\n  username: AWS\n  password: secret\n  scope: '@push'\n",
        one.address(),
        two.address()
    );
    let outcome = step(&job, "v4").input("registry-auth", &list).run();
    outcome.assert_success();
    outcome.assert_line(&format!("::group::Login to {}", one.address()));
    outcome.assert_line(&format!("Logging into {} (scope @push)...", two.address()));
    outcome.assert_line("::add-mask::secret");
    assert_eq!(logins(&job, "home/.docker"), [one.address()]);
    let scoped = format!("home/.docker/buildx/config/{}@push", two.address());
    assert_eq!(logins(&job, &scoped), [two.address()]);
    let out = post(&job, "v4", &outcome);
    out.assert_line(&format!("::group::Logout from {}", two.address()));
    assert!(logins(&job, "home/.docker").is_empty() && logins(&job, &scoped).is_empty());
}
