//! `wfrun doctor` on this machine.
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use crate::docker::has_docker;
use crate::repo::{Ran, Repo, can_sandbox};

fn repo() -> Repo {
    Repo::new("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps: [run: 'true']\n", &[])
}

fn findings(ran: &Ran) -> Json {
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// Standing and message of a finding.
fn found(told: &Json, area: &str, name: &str) -> (String, String) {
    let all = told["findings"].as_array().expect("findings");
    let found = all.iter().find(|it| it["area"] == area && it["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no {area} {name} in {told:#}"));
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("standing"), text("message"))
}

#[test]
fn what_it_says_is_so() {
    let repo = repo();
    let told = findings(&repo.wfrun(&["doctor", "--json"]));
    assert_eq!(found(&told, "sandbox", "start").0 == "good", can_sandbox());
    if has_docker() {
        let (standing, message) = found(&told, "docker", "engine");
        let output = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output();
        let version = String::from_utf8_lossy(&output.expect("docker").stdout).trim().to_owned();
        assert!(standing == "good" && message.contains(&version), "{message}");
        assert_eq!(found(&told, "docker", "image").0, "good");
        assert_eq!(told["auto"], "docker");
    }
    let git = String::from_utf8_lossy(&Command::new("git").arg("--version").output().expect("git").stdout).into_owned();
    assert_eq!(format!("git version {}", found(&told, "programs", "git").1), git.trim());
    let (standing, message) = found(&told, "disk", "runs");
    let runs = repo.root().canonicalize().expect("a folder").join(".wfrun");
    assert!(standing == "good" && message.starts_with(&runs.display().to_string()), "{message}");
    assert!(!runs.exists(), "looking makes nothing");
    assert_eq!(repo.leftovers(), [] as [std::path::PathBuf; 0]);
    // What it says of workspaces is what a run does.
    if can_sandbox() {
        let steps = "    steps: [{uses: actions/checkout@v4}]\n";
        let repo = Repo::new(&format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n{steps}"), &[]);
        let ran = repo.sandbox(&[]).ends_with(0);
        let is_view = ran.of_type("job-started")[0]["workspace"] == "overlay";
        assert_eq!(found(&told, "disk", "workspaces").0 == "good", is_view);
    }
}

#[test]
fn what_is_missing_is_found_and_changes_the_exit_code() {
    let repo = repo();
    let nowhere = repo.root().join("nowhere");
    let without = |name: &str, value: &Path| {
        let mut command = repo.command(&["doctor", "--json"]);
        Ran::of(
            &command.env("DOCKER_HOST", "unix:///nowhere/docker.sock").env(name, value).output().expect("it starts"),
        )
    };
    let told = findings(&without("X", &nowhere));
    let (standing, message) = found(&told, "docker", "engine");
    assert!(standing == "missing" && message.contains("unix:///nowhere/docker.sock"), "{message}");
    assert_eq!(told["auto"], if can_sandbox() { Json::from("sandbox") } else { Json::Null });
    // git is looked for on the PATH, and without it no backend is of use.
    let ran = without("PATH", &nowhere).ends_with(3);
    let told = findings(&ran);
    assert_eq!((found(&told, "programs", "git").0.as_str(), &told["auto"]), ("missing", &Json::Null));
    assert_eq!(found(&told, "programs", "node").0, "limited");
    // The cache folder cannot be made below a file, and what would be kept there is no reason to say nothing.
    std::fs::write(&nowhere, "").expect("a file");
    repo.write("ca.pem", "-----BEGIN CERTIFICATE-----\nMAAw\n-----END CERTIFICATE-----\n");
    let mut command = repo.command(&["doctor", "--json", "--ca-file", "ca.pem"]);
    let ran = Ran::of(&command.env("XDG_CACHE_HOME", nowhere.join("below")).output().expect("it starts")).ends_with(3);
    let told = findings(&ran);
    assert_eq!(found(&told, "disk", "cache").0, "missing");
    assert_eq!(told["usable"], serde_json::json!([]));
}

#[test]
fn proxies_are_shown_without_passwords_and_as_steps_have_them() {
    let repo = repo();
    let mut command = repo.command(&["doctor", "--json"]);
    command.env("HTTPS_PROXY", "http://me:hunter2@proxy.example:3128").env("NO_PROXY", "intern.example");
    let ran = Ran::of(&command.output().expect("it starts"));
    let told = findings(&ran);
    assert_eq!(found(&told, "network", "HTTPS_PROXY").1, "http://***@proxy.example:3128");
    assert_eq!(found(&told, "network", "NO_PROXY").1, "intern.example,localhost,127.0.0.1,::1,169.254.169.254");
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
    let refused = repo.wfrun(&["doctor", "--ca-file", "nothing.pem"]).ends_with(2);
    assert!(refused.stderr.contains("error[cli/ca-file]"), "{}", refused.stderr);
}

#[test]
fn colour_is_for_those_who_want_it() {
    let repo = repo();
    let text = |arguments: &[&str], no_color: bool| {
        let mut command = repo.command(arguments);
        if !no_color {
            command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
        }
        String::from_utf8_lossy(&command.output().expect("it starts").stdout).into_owned()
    };
    let plain = text(&["doctor"], true);
    assert!(!plain.contains('\u{1b}') && plain.contains("✓ git "), "{plain}");
    assert!(text(&["doctor"], false).contains('\u{1b}'));
    assert!(!text(&["doctor", "--color", "never"], false).contains('\u{1b}'));
}
