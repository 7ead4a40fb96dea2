//! Repositories of all kinds, and none.
use std::fs;
use std::process::Command;

use super::{plan, workflow};
use crate::repo::{Ran, Repo, WFRUN};

/// Nothing of this is a panic, and each is said.
#[test]
fn repositories_of_all_kinds() {
    let on = workflow("{push: {branches: [main, work], paths: ['src/**']}}");
    let repo = Repo::new(&on, &[("src/a", "a")]);
    repo.write("src/b", "b");
    repo.commit("second");
    let git = |folder: &std::path::Path, arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]);
        assert!(git.args(arguments).current_dir(folder).output().expect("git").status.success(), "{arguments:?}");
    };
    let plan_in = |folder: &std::path::Path, arguments: &[&str]| {
        let mut command = Command::new(WFRUN);
        command.args(["plan", "w.yml", "--json"]).args(arguments).current_dir(folder).env("NO_COLOR", "1");
        Ran::of(&command.output().expect("wfrun starts"))
    };
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name);
    let url = format!("file://{}", repo.root().display());

    git(&repo.root(), &["worktree", "add", "--quiet", "-b", "work", at("tree").to_str().expect("a path")]);
    plan_in(&at("tree"), &[]).ends_with(0);
    git(dir.path(), &["clone", "--quiet", "--depth", "1", &url, "shallow"]);
    // Nobody can tell what changed, so it runs.
    plan_in(&at("shallow"), &[]).ends_with(0);
    git(&repo.root(), &["checkout", "--quiet", "--detach"]);
    let ran = plan_in(&repo.root(), &[]).ends_with(0);
    assert!(
        ran.stderr.contains("no branch is checked out: the commit is taken as pushed to refs/heads/main"),
        "{}",
        ran.stderr
    );
    git(&repo.root(), &["checkout", "--quiet", "main"]);

    // A submodule is a repository of its own.
    fs::create_dir(at("outer")).expect("a folder");
    git(&at("outer"), &["init", "--quiet", "--initial-branch=trunk"]);
    git(&at("outer"), &["submodule", "--quiet", "add", &url, "inner"]);
    plan_in(&at("outer/inner"), &[]).ends_with(0);

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
