//! The Node for JavaScript actions, vendored and found by jobs.
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use crate::actions::Mirror;
use crate::repo::{Ran, Repo, can_sandbox};
use crate::vendor::{lock, sources};

/// A program that says it is a Node of that version, and otherwise by which name it was started.
pub(crate) fn fake_node(repo: &Repo, version: &str) -> PathBuf {
    let folder = repo.beside(&format!("node-{version}"));
    fs::create_dir_all(&folder).expect("a folder");
    let program = folder.join("node");
    let script = format!("#!/bin/sh\n[ \"$1\" = --version ] && echo v{version} && exit\necho \"{version} as $0\"\n");
    fs::write(&program, script).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it can be started");
    folder
}

/// Source: GitHub: execution rules E7.3.
#[test]
fn a_node_is_vendored_and_found_by_jobs() {
    let mirror = Mirror::new();
    mirror.commit("octo/js", "v1", &[("action.yml", "name: js\nruns: {using: node24, main: a.js}\n"), ("a.js", "")]);
    let repo = Repo::new("on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{uses: octo/js@v1}]}}\n", &[]);
    let mirrored = mirror.path().display().to_string();
    // A machine with that Node, or without any; git is there.
    let git = repo.beside("git");
    fs::create_dir_all(&git).expect("a folder");
    let path = std::env::var_os("PATH").expect("a path");
    let real = std::env::split_paths(&path).map(|it| it.join("git")).find(|it| it.is_file()).expect("git");
    symlink(real, git.join("git")).expect("a link");
    let on = |node: Option<&str>, arguments: &[&str]| {
        let folders = node.map(|it| fake_node(&repo, it)).into_iter().chain([git.clone()]);
        let path = std::env::join_paths(folders).expect("a path");
        let mut command = repo.command(arguments);
        Ran::of(&command.env("PATH", path).env("DOCKER_HOST", "unix:///nowhere").output().expect("wfrun starts"))
    };
    let vendor = |node: Option<&str>, more: &[&str]| {
        on(node, &[&["vendor", "w.yml", "--mirror", &mirrored, "--offline"], more].concat())
    };
    let ran = vendor(None, &[]).ends_with(0);
    assert!(ran.stdout.contains("this machine has no Node") && ran.stdout.contains("`wfrun vendor`"), "{}", ran.stdout);
    assert!(ran.stderr.ends_with("holds 1 repository\n"), "{}", ran.stderr);
    if can_sandbox() {
        // Said before anything runs.
        let ran = on(None, &["w.yml", "--backend", "sandbox", "--offline", "--json"]).ends_with(3);
        assert_eq!(ran.errors(), ["action/no-tool"], "{}", ran.stderr);
        assert!(ran.stdout.is_empty() && ran.stderr.contains("`wfrun vendor`"), "{}", ran.stderr);
    }
    vendor(None, &["--check"]).ends_with(0);
    assert_eq!(vendor(Some("24.9.9"), &["--check"]).ends_with(1).errors(), ["vendor/stale"]);
    vendor(Some("19.1.0"), &["--check"]).ends_with(0);
    let ran = vendor(Some("24.9.9"), &[]).ends_with(0);
    assert!(ran.stderr.ends_with("holds 1 repository, Node 24.9.9\n"), "{}", ran.stderr);
    let folder = repo.root().join(".wfrun/vendor");
    let locked = lock(&folder);
    let file = locked["node"][0]["file"].as_str().expect("a file");
    let digest = locked["files"][file].as_str().expect("a digest");
    assert!(digest.starts_with("sha256:") && digest.ends_with(" +x"), "{digest}");
    // What is locked stays, also where this machine has none, or another.
    for node in [None, Some("24.9.9"), Some("25.0.0")] {
        vendor(node, &["--check"]).ends_with(0);
        assert!(vendor(node, &[]).ends_with(0).stderr.contains("is up to date"), "{node:?}");
        assert_eq!(lock(&folder), locked);
    }
    let source = |arguments: &[&str]| {
        let ran = on(None, &[&["actions", "w.yml", "--offline", "--json"], arguments].concat());
        sources(&ran).into_iter().find(|it| it.starts_with("node24 ")).expect("a row")
    };
    assert_eq!(source(&[]), "node24 vendored");
    assert_eq!(source(&["--vendored", "none", "--mirror", &mirrored]), "node24 missing!");
    let here = Command::new("node").arg("--version").output().map(|it| it.stdout).unwrap_or_default();
    if here.starts_with(b"v24.") {
        println!("skipped: this machine has a Node 24");
    } else if can_sandbox() {
        let lines = repo.sandbox(&["--offline"]).ends_with(0).lines();
        assert_eq!(lines, ["24.9.9 as /opt/wfrun/vendored-node"]);
        let lines = repo.wfrun(&["w.yml", "--offline", "--json", "--backend", "host"]).ends_with(0).lines();
        assert_eq!(lines, [format!("24.9.9 as {}", folder.join(file).display())]);
    }
    assert!(vendor(Some("25.0.0"), &["--update"]).ends_with(0).stderr.contains("Node 25.0.0"));
    repo.write(".github/workflows/w.yml", "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n");
    let ran = vendor(None, &["--check"]).ends_with(1);
    assert!(ran.stderr.contains("`Node 25.0.0` is vendored, and not needed"), "{}", ran.stderr);
}
