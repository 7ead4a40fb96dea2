//! `wfrun services`: the local services for a command or a shell.
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::repo::{Ran, Repo};

fn repo() -> Repo {
    Repo::new(
        "on: push\njobs: {}\n",
        &[(".wfrun/aws.yml", "region: eu-central-1\nauth: {verify: none}\necr: {repositories: [news-api]}\n")],
    )
}

fn services(repo: &Repo, words: &[&str]) -> Ran {
    repo.wfrun(&[&["services"], words].concat())
}

/// Started, with the lines that it printed until it was ready.
fn started(repo: &Repo, words: &[&str]) -> (Child, Vec<String>) {
    let mut command = repo.command(&[&["services"], words].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("wfrun starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let lines = lines.take_while(|it| it != "# ready").collect();
    (child, lines)
}

#[test]
fn a_command_gets_the_environment_and_its_exit_code_is_wfrun_s() {
    let repo = repo();
    let names = "AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION ACTIONS_RUNTIME_TOKEN ACTIONS_RESULTS_URL \
                 ACTIONS_ID_TOKEN_REQUEST_URL";
    let script = format!("for name in {names}; do eval \"echo $name=\\$$name\"; done; exit 7");
    let ran = services(&repo, &["--", "sh", "-c", &script]).ends_with(7);
    let values: Vec<(&str, &str)> = ran.stdout.lines().filter_map(|it| it.split_once('=')).collect();
    assert_eq!(values.len(), 7, "{}", ran.stdout);
    assert!(values.iter().all(|(_, value)| !value.is_empty()), "{}", ran.stdout);
    assert!(values.contains(&("AWS_REGION", "eu-central-1")), "{}", ran.stdout);
    assert!(values[0].1.starts_with("http://127.0.0.1:"), "{}", ran.stdout);
    // The account alone.
    let ran =
        services(&repo, &["--aws", "--", "sh", "-c", "echo \"[$ACTIONS_RUNTIME_TOKEN] $AWS_REGION\""]).ends_with(0);
    assert_eq!(ran.stdout, "[] eu-central-1\n");
    services(&repo, &["--", "sh", "-c", "kill -9 $$"]).ends_with(137);
    let ran = services(&repo, &["--", "no-such-program"]).ends_with(2);
    assert!(ran.stderr.contains("error[cli/command]: `no-such-program` could not be started"), "{}", ran.stderr);
    // Nothing stays of it: no run, no work folder.
    assert_eq!(std::fs::read_dir(repo.root().join(".wfrun/runs")).expect("a folder").count(), 0);
    assert_eq!(std::fs::read_dir(repo.cache().join("work")).expect("a folder").count(), 0);
}

#[test]
fn the_account_answers_and_keeps_what_is_made_in_it() {
    let repo = repo();
    // As `curl` asks: signed by nobody but the key's name.
    let script = r#"python3 - <<'END'
import json, os, urllib.request
def call(target, body):
    auth = "AWS4-HMAC-SHA256 Credential=%s/20261123/eu-central-1/ecr/aws4_request, SignedHeaders=host, Signature=00"
    headers = {"Authorization": auth % os.environ["AWS_ACCESS_KEY_ID"], "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921." + target}
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request))
names = lambda: [it["repositoryName"] for it in call("DescribeRepositories", {})["repositories"]]
print(names())
if "other" not in names():
    call("CreateRepository", {"repositoryName": "other"})
END"#;
    let ran = services(&repo, &["--aws", "--verbose", "--", "sh", "-c", script]).ends_with(0);
    assert_eq!(ran.stdout, "['news-api']\n", "{}", ran.stderr);
    assert!(ran.stderr.contains("ecr:CreateRepository 200"), "{}", ran.stderr);
    let ran = services(&repo, &["--aws", "--", "sh", "-c", script]).ends_with(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("['news-api', 'other']\n", ""));
}

#[test]
fn a_shell_takes_what_is_printed_until_it_is_interrupted() {
    let repo = repo();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (mut child, lines) = started(&repo, &[]);
        assert!(lines.len() > 10 && lines.iter().all(|it| it.starts_with("export ") && it.contains('=')), "{lines:?}");
        let endpoint =
            lines.iter().find_map(|it| it.strip_prefix("export AWS_ENDPOINT_URL=http://")).expect("an address");
        std::net::TcpStream::connect(endpoint).expect("it is served");
        // The account is in use.
        let ran = services(&repo, &["--", "true"]).ends_with(3);
        assert!(ran.stderr.contains("in use"), "{}", ran.stderr);
        kill(Pid::from_raw(i32::try_from(child.id()).expect("a small number")), signal).expect("it is there");
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{signal}");
        assert!(std::net::TcpStream::connect(endpoint).is_err());
    }
}

#[test]
fn a_wrong_account_file_is_told_with_its_place() {
    let repo =
        Repo::new("on: push\njobs: {}\n", &[(".wfrun/aws.yml", "ecr: {repositories: [news-api]}\nregions: 1\n")]);
    let ran = services(&repo, &["--", "true"]).ends_with(2);
    assert!(ran.stderr.contains("error[aws/account-file]") && ran.stderr.contains("aws.yml:2:1"), "{}", ran.stderr);
}

#[test]
fn tasks_as_containers_need_an_engine() {
    let repo = Repo::new("on: push\njobs: {}\n", &[(".wfrun/aws.yml", "ecs: { runtime: docker }\n")]);
    let mut command = repo.command(&["services", "--aws", "--", "true"]);
    let output = command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock").output().expect("wfrun starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for part in ["`ecs.runtime: docker`", "unix:///nonexistent/docker.sock", "write `ecs.runtime: simulate`"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
