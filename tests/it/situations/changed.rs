//! Changed files by GitHub's rules.
use std::process::Command;

use serde_json::json;

use super::{github, told, workflow};
use crate::repo::Repo;

/// Source: GitHub: planning rules 2.4, the changed-file set.
#[test]
fn changed_files_of_a_push() {
    let on = "{push: {paths: ['src/**', '!src/docs/**']}, pull_request: {paths: ['src/**']}}";
    let repo = Repo::new(&workflow(on), &[("src/a", "a\n"), ("old/a", "unlike any other\n")]);
    let runs = |arguments: &[&str], expected: bool| {
        let (found, said) = told(&repo, arguments);
        assert_eq!(found, expected, "{arguments:?} {said}");
    };
    // The history begins here: all files are new.
    runs(&[], true);
    repo.write("docs/a", "a");
    repo.commit("docs");
    runs(&[], false);
    runs(&["--since", "HEAD~1"], false);
    runs(&["--changed", "src/x"], true);
    runs(&["--changed", "./src/docs/x", "docs/b"], false);
    assert!(told(&repo, &["--changed", "src/x"]).1.contains("those of `--changed`; git would say `docs/a`"));
    assert!(!told(&repo, &["--changed", "docs/a"]).1.contains("git would say"));
    // Of a renamed file both names count.
    repo.git(&["mv", "src/a", "docs/b"]);
    repo.commit("move");
    runs(&[], true);
    // What origin has of the branch was there before.
    repo.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repo.write("src/b", "b");
    repo.commit("source");
    repo.write("docs/c", "c");
    repo.commit("more docs");
    runs(&[], true);
    repo.git(&["update-ref", "refs/remotes/origin/main", "HEAD~1"]);
    runs(&[], false);
    // A new branch counts from the parent of its deepest commit that origin lacks.
    repo.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repo.git(&["checkout", "--quiet", "-b", "new"]);
    repo.write("src/c", "c");
    repo.commit("on the new branch");
    repo.write("docs/d", "d");
    repo.commit("docs on the new branch");
    runs(&[], true);
    assert_eq!(
        github(&repo, &[], &["github.event.created", "github.event.commits[0].message"]),
        json!(["true", "on the new branch"])
    );
    // Force push: two dots, whatever lies between.
    repo.git(&["update-ref", "refs/remotes/origin/new", "HEAD~1"]);
    repo.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
    repo.write("docs/e", "e");
    repo.commit("another way");
    runs(&[], true);
    assert_eq!(github(&repo, &[], &["github.event.forced", "github.event.created"]), json!(["true", "false"]));
    // A tag has no changed files, and needs none.
    runs(&["--ref", "refs/tags/v9"], true);
    // A pull request counts from where it left the base.
    repo.git(&["checkout", "--quiet", "main"]);
    repo.write("src/later", "x");
    repo.commit("main goes on");
    runs(&["--event", "pull_request", "--head", "new", "--base", "main"], false);
    repo.write("empty", "");
    repo.commit("something");
    repo.commit("nothing");
    repo.git(&["update-ref", "refs/remotes/origin/main", "HEAD~1"]);
    runs(&[], false);
}

/// Source: GitHub: planning rules 2.4: more than 1,000 commits always run.
#[test]
fn a_thousand_commits() {
    use std::io::Write as _;
    let repo = Repo::new(&workflow("{push: {paths: [never]}}"), &[]);
    let commit = |mark: u32| {
        let from = if mark == 1 { "from refs/heads/main^0\n" } else { "" };
        format!("commit refs/heads/main\ncommitter T <t@example.org> {mark} +0000\ndata 1\nx\n{from}\n")
    };
    let stream: String = (1..=1001).map(commit).collect();
    repo.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let mut import = Command::new("git");
    import.args(["fast-import", "--quiet"]).current_dir(repo.root()).stdin(std::process::Stdio::piped());
    let mut import = import.spawn().expect("git");
    import.stdin.take().expect("its input").write_all(stream.as_bytes()).expect("it reads");
    assert!(import.wait().expect("git").success());
    assert!(told(&repo, &[]).0);
    repo.git(&["update-ref", "refs/remotes/origin/main", "main~1000"]);
    assert!(!told(&repo, &[]).0);
}
