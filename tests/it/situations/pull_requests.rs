//! What a pull request runs on, and what it was before.
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::{branched, github, plan, told, workflow};
use crate::repo::Repo;

/// Source: GitHub: planning rules 2.2: a pull request that cannot be merged runs nothing.
#[test]
fn conflicts() {
    let repo = Repo::new(&workflow("[pull_request, pull_request_target]"), &[("a", "one\n")]);
    repo.git(&["checkout", "--quiet", "-b", "feature"]);
    repo.write("a", "two\n");
    repo.commit("two");
    assert!(told(&repo, &["--event", "pull_request"]).0);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.write("a", "three\n");
    repo.commit("three");
    assert!(!told(&repo, &["--event", "pull_request", "--ref", "feature"]).0);
    assert!(told(&repo, &["--event", "pull_request_target", "--ref", "feature"]).0);
    let ran = repo.wfrun(&["plan", "w.yml", "--event", "pull_request", "--ref", "feature"]).ends_with(4);
    assert!(ran.stderr.contains("note[trigger/state]") && ran.stderr.contains("conflicts"), "{}", ran.stderr);
}

/// A pull request with a commit on either side, and the file that only the merge has as it is.
fn apart() -> Repo {
    let repo =
        Repo::new(&workflow("[pull_request, pull_request_target, pull_request_review]"), &[("a", "1\n2\n3\n4\n5\n")]);
    repo.git(&["checkout", "--quiet", "-b", "feature"]);
    repo.write("a", "one\n2\n3\n4\n5\n");
    repo.commit("one");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.write("a", "1\n2\n3\n4\nfive\n");
    repo.commit("five");
    repo.git(&["checkout", "--quiet", "feature"]);
    repo
}

/// Everything below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path());
    let mut all: Vec<PathBuf> = entries.flat_map(|it| if it.is_dir() { files(&it) } else { vec![it] }).collect();
    all.sort();
    all
}

/// `github.sha` is a merge commit, the same before the run as in it, and nothing of it is left behind.
#[test]
fn the_merge_commit() {
    let repo = apart();
    let objects = repo.root().join(".git/objects");
    let before = files(&objects);
    let members = ["github.sha", "github.workflow_sha", "github.event.pull_request.merge_commit_sha"];
    let found = github(&repo, &["--event", "pull_request"], &members);
    let sha = found[0].as_str().expect("a commit").to_owned();
    assert_eq!(found, json!([sha, sha, sha]));
    let commits = ["main", "feature"].map(|it| repo.git(&["rev-parse", it]));
    assert!(sha.len() == 40 && !commits.contains(&sha), "{sha}");
    let sides = ["github.event.pull_request.base.sha", "github.event.pull_request.head.sha"];
    assert_eq!(github(&repo, &["--event", "pull_request"], &sides), json!(commits));
    let target = ["github.sha", "github.event.pull_request.merge_commit_sha", "github.event.pull_request.commits"];
    assert_eq!(github(&repo, &["--event", "pull_request_target"], &target), json!([commits[0], sha, "1"]));
    assert_eq!(github(&repo, &["--event", "pull_request_review"], &members[..1]), json!([sha]));
    told(&repo, &["--event", "pull_request"]);
    assert_eq!(files(&objects), before, "the repository is written to");
    let ran = repo.wfrun(&["w.yml", "--event", "pull_request", "--backend", "host", "--json"]).ends_with(0);
    assert_eq!(ran.of_type("run-started")[0]["sha"], Json::from(sha));
    assert_eq!(files(&objects), before, "the repository is written to");
}

/// Where there is nothing to merge, or no way to, it is the head, which is said where it can be a surprise.
#[test]
fn no_merge_commit() {
    let repo = apart();
    let head = repo.git(&["rev-parse", "feature"]);
    let of =
        |arguments: &[&str]| github(&repo, arguments, &["github.sha", "github.event.pull_request.merge_commit_sha"]);
    assert_eq!(of(&["--event", "pull_request", "--base", "feature"]), json!([head, ""]));
    assert_eq!(of(&["--event", "pull_request", "--base", "nothing"]), json!([head, ""]));
    let ran = plan(&repo, &["--event", "pull_request", "--base", "nothing"]);
    assert!(ran.stderr.contains("so the head is not merged into it"), "{}", ran.stderr);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.write("a", "uno\n2\n3\n4\nfive\n");
    repo.commit("uno");
    let review = ["--event", "pull_request_review", "--ref", "feature"];
    assert_eq!(of(&review), json!([head, ""]));
    let (runs, said) = told(&repo, &review);
    assert!(runs && said.contains("head and base have conflicts: `github.sha` is the head's"), "{said}");
}

/// What the head was before it was pushed: what origin has of it, else its parent; which, is said where it is read.
#[test]
fn the_commit_before() {
    let repo = branched();
    let reading = workflow("pull_request").replace("'true'", "'echo ${{ github.event.before }}'");
    repo.write(".github/workflows/reading.yml", &reading);
    let commit = |name: &str| repo.git(&["rev-parse", name]);
    let check = |expected: &str, part: &str| {
        let found = github(&repo, &["--event", "pull_request"], &["github.event.before", "github.event.after"]);
        assert_eq!(found, json!([expected, commit("HEAD")]), "{part}");
        let ran = repo.wfrun(&["plan", "reading.yml"]).ends_with(0);
        let short = expected.get(..7).unwrap_or_default();
        assert!(ran.stderr.contains(&format!("`github.event.before` is {short}, {part}")), "{}", ran.stderr);
        assert!(!told(&repo, &["--event", "pull_request"]).1.contains("event.before"), "nobody asks");
    };
    check(&commit("HEAD~1"), "the first parent of the head");
    repo.git(&["update-ref", "refs/remotes/origin/feature/x", "HEAD~2"]);
    check(&commit("HEAD~2"), "what `origin` has of `feature/x`");
    // It is pushed already.
    repo.git(&["update-ref", "refs/remotes/origin/feature/x", "HEAD"]);
    check(&commit("HEAD~1"), "the first parent of the head");
    // It is about to be pushed over something else.
    repo.git(&["commit", "--quiet", "--amend", "--allow-empty", "--message", "another second"]);
    check(&commit("refs/remotes/origin/feature/x"), "what `origin` has of `feature/x`");
    let told = json!({"action": "synchronize", "before": "1".repeat(40)});
    repo.write("pull.json", &told.to_string());
    let ran = repo.wfrun(&["plan", "reading.yml", "--event-path", "pull.json"]).ends_with(0);
    assert!(!ran.stderr.contains("event.before"), "{}", ran.stderr);
    // Only a head that is pushed again was something before.
    let opened = ["--event", "pull_request", "--type", "opened"];
    assert_eq!(github(&repo, &opened, &["github.event.before"]), json!([""]));
}
