//! The real actions where there is no network: only the loopback is up, and the kernel counts what had no way out.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::actions::{can_run_node, has_code, real_actions};
use crate::docker::{IMAGE, has_docker};
use crate::namespace::{self, can_close};
use crate::repo::{Ran, Repo, WFRUN};

/// Generations of the actions: `checkout`, `setup-python`, `cache`, `upload-artifact`, `download-artifact`.
const GENERATIONS: [[&str; 5]; 2] = [["v4", "v5", "v4", "v4", "v4"], ["v7", "v7", "v5", "v7", "v8"]];

const NAMES: [&str; 5] = ["checkout", "setup-python", "cache", "upload-artifact", "download-artifact"];

/// One job makes a tool, restores or makes what is large, and hands it on; the other holds it against the repository.
const WORKFLOW: &str = r#"on: push
jobs:
  make:
    runs-on: ubuntu-latest
    steps:
      - id: tool
        run: |
          mkdir -p "$RUNNER_TOOL_CACHE/Python/3.9.1/x64/bin"
          cd "$RUNNER_TOOL_CACHE/Python/3.9.1"
          printf '#!/bin/sh\necho the Python of the tool cache\n' > x64/bin/python
          chmod 755 x64/bin/python; touch x64.complete
          echo version=3.9 >> "$GITHUB_OUTPUT"
      - {uses: actions/checkout@checkout}
      - {uses: actions/setup-python@setup-python, id: python, with: {python-version: '${{ steps.tool.outputs.version }}'}}
      - run: echo "python ${{ steps.python.outputs.python-version }}, $(python)"
      - {uses: actions/cache@cache, id: cache, with: {path: deps, key: "deps-${{ hashFiles('lock') }}"}}
      - run: |
          echo "hit [${{ steps.cache.outputs.cache-hit }}]"
          test -e deps || { mkdir deps; head -c 20000000 /dev/urandom > deps/large; }
          mkdir out; cp -r deps lock out; cd out; sha256sum deps/large lock | sed 's/^/made /'
          echo "namespace $(readlink /proc/self/ns/net)"
      - {uses: actions/upload-artifact@upload-artifact, with: {name: out, path: out}}
  take:
    needs: make
    runs-on: ubuntu-latest
    steps:
      - {uses: actions/checkout@checkout}
      - {uses: actions/download-artifact@download-artifact, with: {name: out, path: in}}
      - run: cmp lock in/lock; cd in; sha256sum deps/large lock | sed 's/^/taken /'
"#;

/// Datagrams and connections that had no route, of IPv4 and, where there is one, IPv6, since the namespace was made.
const REFUSED: &str = r#"refused() { echo $(($(awk '/^Ip:/ && !n {for (i = 1; i <= NF; i++) if ($i == "OutNoRoutes") n = i; next} /^Ip:/ {print $n}' /proc/net/snmp) + $(awk '/^Ip6OutNoRoutes/ {n = $2} END {print n + 0}' /dev/null $(ls /proc/net/snmp6 2> /dev/null)))); }"#;

const INTERFACES: &str = "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '";

/// The folder of the mirror, and the generations whose code it has.
fn mirror() -> Option<(PathBuf, Vec<[&'static str; 5]>)> {
    let mirror = real_actions("actions/checkout, cache and others")?;
    let mut there = GENERATIONS.to_vec();
    there.retain(|versions| {
        let lacks = |(name, version): &(&&str, &&str)| !has_code(&mirror, &format!("actions/{name}"), version, "dist");
        NAMES.iter().zip(versions).filter(lacks).count() == 0
    });
    (!there.is_empty()).then_some((mirror, there))
}

fn workflow(versions: &[&str; 5]) -> String {
    let of = |text: String, (name, version): (&&str, &&str)| {
        text.replace(&format!("actions/{name}@{name},"), &format!("actions/{name}@{version},"))
            .replace(&format!("actions/{name}@{name}}}"), &format!("actions/{name}@{version}}}"))
    };
    NAMES.iter().zip(versions).fold(WORKFLOW.to_owned(), of)
}

/// Runs the workflow twice: what the first saves, the second restores.
fn check(mirror: &Path, versions: &[&str; 5], backend: &str, before: &str, more: &[&str]) {
    let repo = Repo::new(&workflow(versions), &[("lock", "what is locked\n")]);
    let run = |number: u32| {
        format!(
            "'{WFRUN}' w.yml --backend {backend} --actions real --mirror '{}' --offline --json > ../events{number}",
            mirror.display()
        )
    };
    // What is sent on purpose afterwards shows that it would have been counted.
    let control = "echo x 2> /dev/null > /dev/udp/192.0.2.9/9 || true";
    let script = format!(
        "{REFUSED}\n{before}\n{INTERFACES}\nreadlink /proc/self/ns/net\n{}\n{}\nrefused\n{control}\nrefused",
        run(1),
        run(2)
    );
    let output = namespace::run(&repo, &script, more);
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let events = |number: u32| fs::read_to_string(repo.beside(&format!("events{number}"))).unwrap_or_default();
    assert!(output.status.success(), "{told}\n{}\n{}", events(1), events(2));
    let lines: Vec<&str> = std::str::from_utf8(&output.stdout).expect("text").lines().collect();
    let [interfaces @ .., namespace, refused, control] = &lines[..] else { panic!("{told}") };
    assert_eq!(interfaces, ["lo"], "no other way out");
    assert_eq!((*refused, *control), ("0", "1"), "what had no route; and once it was tried on purpose");

    let ran = [1, 2].map(|it| Ran { code: 0, stdout: events(it), stderr: String::new() });
    let mut sums = Vec::new();
    for (ran, hit) in ran.iter().zip(["hit []", "hit [true]"]) {
        let lines = ran.lines();
        let has = |line: &str| lines.iter().any(|it| it == line);
        let after = |begin: &str| -> Vec<String> {
            lines.iter().filter_map(|it| it.strip_prefix(begin)).map(str::to_owned).collect()
        };
        assert!(has(hit) || hit == "hit []" && has("hit [false]"), "{hit}: {lines:#?}");
        assert!(has("python 3.9.1, the Python of the tool cache"), "{lines:#?}");
        assert!(has(&format!("namespace {namespace}")), "{namespace}: {lines:#?}");
        assert_eq!(after("made ").len(), 2, "{lines:#?}");
        assert_eq!(after("made "), after("taken "));
        sums.push(after("made "));
        let used: Vec<_> = ran.of_type("step-started").into_iter().filter(|it| it["kind"] == "javascript").collect();
        assert!(used.iter().all(|it| it["how"] == "real"), "{used:?}");
        assert!(used.len() > NAMES.len(), "{used:?}");
        assert_eq!(ran.results().to_string(), r#"{"make":"success","take":"success"}"#);
        // This machine's Node may be older than the newest actions want.
        let is_node = |it: &serde_json::Value| it["subject"].as_str().is_some_and(|it| it.starts_with("node2"));
        let declared: Vec<_> = ran.of_type("declared").into_iter().filter(|it| !is_node(it)).collect();
        assert!(declared.is_empty(), "{declared:?}");
    }
    assert_eq!(sums[0], sums[1], "restored as it was saved");
    println!("{versions:?} on {backend}: {}", sums[0].join(", "));
}

#[test]
fn real_actions_run_in_the_sandbox_with_the_loopback_alone() {
    let Some((mirror, generations)) = mirror() else { return };
    if !can_close() || !can_run_node() {
        return;
    }
    for versions in generations {
        check(&mirror, &versions, "sandbox", "", &[]);
    }
}

/// With an engine of the test's own in the same namespace, so that its containers have no other network either.
#[test]
fn real_actions_run_on_docker_with_the_loopback_alone() {
    let Some((mirror, generations)) = mirror() else { return };
    if !can_close() || !has_docker() {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: an engine of the test's own needs root");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let saved = Command::new("docker").args(["save", "--output", &at("image.tar"), IMAGE]).output().expect("docker");
    assert!(saved.status.success(), "{}", String::from_utf8_lossy(&saved.stderr));
    let engine = format!(
        "export DOCKER_HOST='unix://{0}/engine.sock'
         rm -f '{0}/pid'
         dockerd --data-root '{0}/data' --exec-root '{0}/exec' --pidfile '{0}/pid' --host \"$DOCKER_HOST\" \\
           --bridge none --iptables=false --shutdown-timeout 1 > '{0}/log' 2>&1 &
         engine=$!
         trap 'kill $engine; wait $engine || true' EXIT
         for i in $(seq 600); do docker version > /dev/null 2>&1 && break; kill -0 $engine || {{ cat '{0}/log'; exit 1; }}; sleep 0.1; done
         docker image inspect {IMAGE} > /dev/null 2>&1 || docker load --quiet --input '{0}/image.tar' >&2",
        folder.path().display()
    );
    // All that the engine starts ends with it.
    let ending = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"];
    for versions in generations {
        check(&mirror, &versions, "docker", &engine, &ending);
    }
}
