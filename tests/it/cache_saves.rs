//! Saves that meet each other, and one that is killed: the next run has all of an entry, or none.
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::repo::{Ran, Repo, can_sandbox, files_below};

/// Restores, or makes what is saved at the end, with its sum inside.
const WORKFLOW: &str = "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
      - {id: c, uses: actions/cache@v4, with: {path: data, key: k}}
      - run: |
          echo \"hit [${{ steps.c.outputs.cache-hit }}]\"
          test -e data || { MEET; mkdir data; cd data; head -c SIZE /dev/urandom > large; sha256sum large > sum; cd ..; }
      - run: cd data && sha256sum -c sum
";

const RUN: [&str; 4] = ["w.yml", "--backend", "sandbox", "--json"];

/// Where a step sees what another run's has made.
const RUN_ON_HOST: [&str; 4] = ["w.yml", "--backend", "host", "--json"];

/// `meet` is what a step does that has missed.
fn repo(size: &str, meet: &str) -> Repo {
    Repo::new(&WORKFLOW.replace("SIZE", size).replace("MEET", meet), &[])
}

/// What the last of two runs says: a hit with all its bytes.
fn is_restored(repo: &Repo, run: &[&str]) {
    let ran = repo.wfrun(run).ends_with(0);
    let lines = ran.lines();
    assert!(lines.iter().any(|it| it == "hit [true]") && lines.iter().any(|it| it == "large: OK"), "{lines:#?}");
}

fn entries(repo: &Repo) -> usize {
    let listed: Json = serde_json::from_str(&repo.wfrun(&["cache", "ls", "--json"]).ends_with(0).stdout).expect("JSON");
    listed["entries"].as_array().expect("a list").len()
}

#[test]
fn of_two_runs_that_save_one_key_at_once_one_does() {
    if !can_sandbox() {
        return;
    }
    // None saves before both have missed.
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().display();
    let meet =
        format!("touch {at}/$$; for i in $(seq 1200); do test $(ls {at} | wc -l) -lt 2 || break; sleep 0.05; done");
    let repo = repo("30000000", &meet);
    let children = [(); 2]
        .map(|()| repo.command(&RUN_ON_HOST).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("wfrun"));
    // Both are read at the same time, so that none waits for the other.
    let threads = children.map(|it| std::thread::spawn(move || Ran::of(&it.wait_with_output().expect("its end"))));
    let runs = threads.map(|it| it.join().expect("no panic").ends_with(0));
    let mut saved = 0;
    for ran in &runs {
        assert!(ran.lines().iter().any(|it| it == "hit []"), "{:#?}", ran.lines());
        let is_saved = |it: &Json| it["operation"] == "FinalizeCacheEntryUpload" && it["status"] == 200;
        saved += ran.of_type("service-called").iter().filter(|it| is_saved(it)).count();
    }
    assert_eq!((saved, entries(&repo)), (1, 1));
    is_restored(&repo, &RUN_ON_HOST);
}

#[test]
fn a_run_that_is_killed_while_it_saves_leaves_no_half_entry() {
    if !can_sandbox() {
        return;
    }
    let repo = repo("400000000", "true");
    let mut child = repo.command(&RUN).stdout(Stdio::piped()).spawn().expect("wfrun starts");
    let events = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut lines = events.lines().map_while(Result::ok);
    let is_reserved = lines.any(|it| it.contains("\"CreateCacheEntry\""));
    let uploads = repo.root().join(".wfrun/cache/uploads");
    let came = || files_below(&uploads).iter().filter_map(|it| it.metadata().ok()).map(|it| it.len()).max();
    let started = Instant::now();
    while is_reserved && came().is_none_or(|it| it < 1 << 20) {
        assert!(started.elapsed() < Duration::from_mins(1), "the upload does not begin");
    }
    child.kill().expect("it runs");
    child.wait().expect("its end");
    assert!(is_reserved, "the save had begun");
    let unfinished = || std::fs::read_dir(&uploads).expect("a folder").count();
    assert_eq!(unfinished(), 1, "what was uploaded is there until somebody looks");
    assert_eq!(entries(&repo), 0);
    repo.change(".github/workflows/w.yml", "400000000", "1000");
    let ran = repo.wfrun(&RUN).ends_with(0);
    assert!(ran.lines().iter().any(|it| it == "hit []"), "{:#?}", ran.lines());
    assert_eq!((unfinished(), entries(&repo)), (0, 1));
    is_restored(&repo, &RUN);
}
