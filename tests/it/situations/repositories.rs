//! Repositories of all kinds, and none.
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};

use super::{plan, workflow};
use crate::repo::{Ran, Repo, WFRUN};

/// git in a folder.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]);
    let output = git.args(arguments).current_dir(folder).output().expect("git");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn commit(folder: &Path, message: &str) -> String {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", message]);
    git(folder, &["rev-parse", "HEAD"])
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    fs::write(path, text).expect("a file");
}

fn wfrun_in(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(WFRUN);
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").env("XDG_CACHE_HOME", folder.join("../cache"));
    Ran::of(&command.output().expect("wfrun starts"))
}

fn plan_in(folder: &Path, arguments: &[&str]) -> Ran {
    wfrun_in(folder, &[&["plan", "w.yml", "--json"], arguments].concat())
}

/// Ref and commit, as an expression sees them.
fn place_in(folder: &Path, arguments: &[&str]) -> Json {
    let ran = wfrun_in(folder, &[&["eval", "format('{0} {1}', github.ref, github.sha)"], arguments].concat());
    let text: String = serde_json::from_str(&ran.ends_with(0).stdout).expect("a text");
    text.split(' ').collect()
}

/// Nothing of this is a panic, and each is said.
#[test]
fn repositories_of_all_kinds() {
    let on = workflow("{push: {branches: [main, work], paths: ['src/**']}}");
    let repo = Repo::new(&on, &[("src/a", "a")]);
    repo.write("src/b", "b");
    repo.commit("second");
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name);
    git(&repo.root(), &["checkout", "--quiet", "--detach"]);
    let ran = plan_in(&repo.root(), &[]).ends_with(0);
    assert!(
        ran.stderr.contains("no branch is checked out: the commit is taken as pushed to refs/heads/main"),
        "{}",
        ran.stderr
    );
    git(&repo.root(), &["checkout", "--quiet", "main"]);

    let near = plan_in(&repo.root(), &["--ref", "mian"]).ends_with(4);
    assert!(
        near.stderr.contains("it is taken as a branch about to be pushed from HEAD; did you mean `main`?"),
        "{}",
        near.stderr
    );
    let tag = plan_in(&repo.root(), &["--ref", "refs/tags/v1"]).ends_with(4);
    assert!(tag.stderr.contains("it is taken as a tag about to be pushed from HEAD"), "{}", tag.stderr);

    // Without a commit, or without git: planned all the same, and not run.
    for (name, is_repository, part) in
        [("bare-start", true, "has no commit yet"), ("nothing", false, "is not in a git repository")]
    {
        fs::create_dir_all(at(name).join(".github/workflows")).expect("folders");
        fs::write(at(name).join(".github/workflows/w.yml"), &on).expect("a file");
        if is_repository {
            git(&at(name), &["init", "--quiet", "--initial-branch=work"]);
        }
        for (arguments, code) in [
            (&[][..], 0),
            (&["--ref", "main"], 0),
            (&["--ref", "dev"], 4),
            (&["--ref", "main", "--changed", "docs/a"], 4),
            (&["--event", "pull_request"], 4),
            (&["--event", "schedule"], 4),
            (&["--since", "main", "--ref", "main"], 0),
        ] {
            let ran = plan_in(&at(name), arguments).ends_with(code);
            assert!(ran.stderr.contains(part) && !ran.stderr.contains("panicked"), "{arguments:?} {}", ran.stderr);
            assert!(!ran.stderr.contains("git does not know"), "{}", ran.stderr);
        }
        let mut run = Command::new(WFRUN);
        let ran =
            Ran::of(&run.args(["run", "w.yml"]).current_dir(at(name)).output().expect("wfrun starts")).ends_with(2);
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }

    // A folder of a larger repository is a repository of its own.
    let below = Repo::below("part", &on, &[("src/a", "a")]);
    plan(&below, &[]).ends_with(0);
    below.write("docs/a", "a");
    below.commit("docs");
    plan(&below, &[]).ends_with(4);
}

/// A repository with the workflow in it, as a submodule of one that has another.
struct Nested {
    library: Repo,
    dir: tempfile::TempDir,
}

const OUTER: &str = "{push: {paths: ['inner', 'own/**']}}";
const INNER: &str = "{push: {branches: [main], paths: ['src/**']}, pull_request: }";

impl Nested {
    fn new() -> Self {
        let library = Repo::new(&workflow(INNER), &[("src/a", "a")]);
        let nested = Self { dir: tempfile::tempdir().expect("a folder"), library };
        let url = format!("file://{}", nested.library.root().display());
        fs::create_dir(nested.outer()).expect("a folder");
        git(&nested.outer(), &["init", "--quiet", "--initial-branch=trunk"]);
        git(&nested.outer(), &["submodule", "--quiet", "add", &url, "inner"]);
        write(&nested.outer(), ".github/workflows/w.yml", &workflow(OUTER));
        commit(&nested.outer(), "start");
        nested
    }

    fn outer(&self) -> std::path::PathBuf {
        self.dir.path().join("outer")
    }

    fn inner(&self) -> std::path::PathBuf {
        self.outer().join("inner")
    }
}

/// A submodule's own workflow: its git folder is elsewhere, and its refs, commits and files are its own.
#[test]
fn the_workflow_of_a_submodule() {
    let nested = Nested::new();
    let inner = nested.inner();
    assert!(inner.join(".git").is_file(), "a submodule has a file there");
    write(&inner, "docs/a", "a");
    let sha = commit(&inner, "docs");
    assert_eq!(place_in(&inner, &["--event", "push"]), json!(["refs/heads/main", sha]));
    plan_in(&inner, &[]).ends_with(4);
    write(&inner, "src/b", "b");
    let sha = commit(&inner, "source");
    plan_in(&inner, &[]).ends_with(0);
    // From outside, by its folder, by a folder in it, and by its file.
    for arguments in [
        &["plan", "w.yml", "-C", "inner", "--json"][..],
        &["plan", "w.yml", "-C", "inner/src", "--json"],
        &["plan", "inner/.github/workflows/w.yml", "--json"],
    ] {
        let ran = wfrun_in(&nested.outer(), arguments).ends_with(0);
        assert!(!ran.stderr.contains("note"), "{arguments:?} {}", ran.stderr);
    }
    // The superproject checks a commit out, and no branch.
    git(&inner, &["checkout", "--quiet", "--detach"]);
    let ran = plan_in(&inner, &[]).ends_with(0);
    assert!(ran.stderr.contains("the commit is taken as pushed to refs/heads/main"), "{}", ran.stderr);
    assert_eq!(place_in(&inner, &["--event", "push"]), json!(["refs/heads/main", sha]));
    git(&inner, &["checkout", "--quiet", "-b", "work", "HEAD~1"]);
    let head = commit(&inner, "work");
    let place = place_in(&inner, &["--event", "pull_request"]);
    assert_eq!(place[0], "refs/pull/1/merge");
    assert!(place[1] != json!(head) && place[1] != json!(sha), "{place}");
    let merged = place[1].as_str().expect("a commit");
    let known = Command::new("git").args(["cat-file", "-e", merged]).current_dir(&inner).output().expect("git");
    assert!(!known.status.success(), "nothing is written");
    let ran = wfrun_in(&inner, &["w.yml", "--event", "pull_request", "--backend", "host", "--json"]).ends_with(0);
    assert_eq!(ran.of_type("run-started")[0]["sha"], place[1]);
}

/// To the superproject a submodule is one file, whatever its configuration ignores, and what is in it none.
#[test]
fn a_changed_submodule() {
    let nested = Nested::new();
    let (outer, inner) = (nested.outer(), nested.inner());
    // The first commit brings everything.
    plan_in(&outer, &[]).ends_with(0);
    // The submodule goes on, and no commit has it yet.
    commit(&inner, "more");
    commit(&outer, "with it");
    plan_in(&outer, &[]).ends_with(0);
    write(&outer, "other/a", "a");
    commit(&outer, "other");
    plan_in(&outer, &[]).ends_with(4);
    // A change inside that is not committed changes nothing.
    write(&inner, "src/c", "c");
    plan_in(&outer, &[]).ends_with(4);
    commit(&inner, "c");
    git(&outer, &["config", "submodule.inner.ignore", "all"]);
    git(&outer, &["config", "diff.ignoreSubmodules", "all"]);
    git(&outer, &["add", "--force", "inner"]);
    git(&outer, &["commit", "--quiet", "--message", "c"]);
    plan_in(&outer, &[]).ends_with(0);
    // In a folder of the submodule that has no workflow of its own, the superproject's is found, and its repository.
    fs::remove_dir_all(inner.join(".github")).expect("it goes");
    let ran = wfrun_in(&inner, &["plan", "w.yml", "--json"]).ends_with(0);
    assert!(!ran.stderr.contains("no branch is checked out"), "{}", ran.stderr);
    write(&outer, "inner-docs/a", "a");
    commit(&outer, "more");
    wfrun_in(&inner.join("src"), &["plan", "w.yml", "--json"]).ends_with(4);
}

/// A folder below the root is the same repository, with the same paths.
#[test]
fn folders_below_the_root() {
    let repo =
        Repo::new(&workflow("{push: {paths: ['src/**']}, pull_request: }"), &[("src/deep/a", "a"), ("docs/a", "a")]);
    repo.write("docs/b", "b");
    repo.commit("docs");
    let deep = repo.root().join("src/deep");
    for (code, change) in [(4, "docs/c"), (0, "src/b")] {
        repo.write(change, "x");
        repo.commit(change);
        plan_in(&deep, &[]).ends_with(code);
        wfrun_in(&repo.root(), &["plan", "w.yml", "--json", "-C", "src/deep"]).ends_with(code);
        wfrun_in(&repo.root(), &["plan", ".github/workflows/w.yml", "--json"]).ends_with(code);
        wfrun_in(&deep, &["plan", "../../.github/workflows/w.yml", "--json"]).ends_with(code);
    }
    let here = place_in(&repo.root(), &["--event", "push"]);
    assert_eq!(place_in(&deep, &["--event", "push"]), here);
    assert_eq!(place_in(&repo.root(), &["--event", "push", "-C", "src/deep"]), here);
}

/// In a work tree beside the repository: its own branch, the common objects, and nothing new among them.
#[test]
fn work_trees() {
    let repo = Repo::new(&workflow("{push: {branches: [work]}, pull_request: }"), &[("src/a", "a")]);
    let dir = tempfile::tempdir().expect("a folder");
    let tree = dir.path().join("tree");
    git(&repo.root(), &["worktree", "add", "--quiet", "-b", "work", tree.to_str().expect("a path")]);
    assert!(tree.join(".git").is_file());
    let sha = commit(&tree, "work");
    assert_eq!(place_in(&tree, &["--event", "push"]), json!(["refs/heads/work", sha]));
    plan_in(&tree, &[]).ends_with(0);
    plan_in(&repo.root(), &[]).ends_with(4);
    let place = place_in(&tree, &["--event", "pull_request"]);
    assert!(place[0] == "refs/pull/1/merge" && place[1] != json!(sha), "{place}");
    assert_eq!(place_in(&repo.root(), &["--event", "pull_request", "--ref", "work"]), place);
    let merged = place[1].as_str().expect("a commit");
    let known = Command::new("git").args(["cat-file", "-e", merged]).current_dir(&tree).output().expect("git");
    assert!(!known.status.success(), "nothing is written");
}

/// A clone without history: what nobody can tell is said, and lets the event through.
#[test]
fn shallow_clones() {
    let repo = Repo::new(&workflow("{push: {paths: [never]}, pull_request: {paths: [never]}}"), &[("src/a", "a")]);
    repo.git(&["checkout", "--quiet", "-b", "work"]);
    repo.commit("work");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit("main");
    let dir = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", repo.root().display());
    git(dir.path(), &["clone", "--quiet", "--depth", "1", "--no-single-branch", "--branch", "work", &url, "shallow"]);
    let shallow = dir.path().join("shallow");
    let head = git(&shallow, &["rev-parse", "HEAD"]);
    plan_in(&shallow, &[]).ends_with(0);
    let ran = plan_in(&shallow, &["--event", "pull_request"]).ends_with(0);
    assert!(ran.stderr.contains("git cannot merge head and base"), "{}", ran.stderr);
    assert_eq!(place_in(&shallow, &["--event", "pull_request"]), json!(["refs/pull/1/merge", head]));
}
