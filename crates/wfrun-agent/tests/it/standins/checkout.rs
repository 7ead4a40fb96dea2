use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Job, Step, has};

/// A repository with two commits on `main`, a branch, tags, and the bare snapshot of it.
struct Fixture {
    job: Job,
    first: String,
    second: String,
    feature: String,
}

impl Fixture {
    fn new() -> Self {
        let job = Job::new();
        let source = job.path("source");
        fs::create_dir_all(&source).expect("can create");
        git(&source, &["init", "--quiet", "--initial-branch=main"]);
        job.write("source/app.py", "print('one')\n");
        job.write("source/run.sh", "#!/bin/sh\n");
        job.write("source/docs/secret.txt", "kept\n");
        job.write("source/.gitattributes", "docs export-ignore\n");
        fs::set_permissions(source.join("run.sh"), Permissions::from_mode(0o755)).expect("can set");
        git(&source, &["add", "--all"]);
        git(&source, &["commit", "--quiet", "-m", "first"]);
        let first = git(&source, &["rev-parse", "HEAD"]);
        git(&source, &["tag", "-a", "v1", "-m", "release"]);
        job.write("source/app.py", "print('two')\n");
        git(&source, &["commit", "--quiet", "-a", "-m", "second"]);
        let second = git(&source, &["rev-parse", "HEAD"]);
        git(&source, &["switch", "--quiet", "-c", "feature/x"]);
        job.write("source/app.py", "print('feature')\n");
        git(&source, &["commit", "--quiet", "-a", "-m", "feature"]);
        let feature = git(&source, &["rev-parse", "HEAD"]);
        git(&source, &["switch", "--quiet", "main"]);
        job.write("source/untracked.txt", "not committed\n");
        job.write("source/app.py", "print('changed, not committed')\n");

        let snapshot = job.path("snapshot.git");
        git(job.path("").as_path(), &["init", "--quiet", "--bare", "snapshot.git"]);
        let objects = source.join(".git/objects");
        job.write("snapshot.git/objects/info/alternates", &format!("{}\n", objects.display()));
        for (name, commit) in [("main", &second), ("feature/x", &feature)] {
            git(&snapshot, &["update-ref", &format!("refs/remotes/origin/{name}"), commit]);
        }
        let tag = git(&source, &["rev-parse", "v1"]);
        git(&snapshot, &["update-ref", "refs/tags/v1", &tag]);
        Self { job, first, second, feature }
    }

    fn step(&self) -> Step<'_> {
        let snapshot = self.job.path("snapshot.git");
        self.job.step("actions/checkout main v4").env("WFRUN_REPOSITORY", snapshot).env("GITHUB_SHA", &self.second)
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.job.workspace(), arguments)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.job.workspace().join(file)).expect("is there")
    }
}

/// git as a later step of the job runs it, with nobody's configuration.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Octo").env(format!("GIT_{role}_EMAIL"), "octo@example.com");
        command.env(format!("GIT_{role}_DATE"), "2026-01-02T03:04:05Z");
    }
    let output = command.output().expect("git starts");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

#[test]
fn a_push_gets_its_branch() {
    if !has("git") {
        return;
    }
    let fixture = Fixture::new();
    let outcome = fixture.step().run();
    outcome.assert_success();
    assert_eq!(fixture.git(&["rev-parse", "HEAD"]), fixture.second);
    assert_eq!(fixture.git(&["rev-parse", "--abbrev-ref", "HEAD"]), "main");
    assert_eq!(fixture.git(&["rev-parse", "--abbrev-ref", "main@{upstream}"]), "origin/main");
    assert_eq!(fixture.git(&["status", "--porcelain"]), "");
    assert_eq!(fixture.git(&["remote", "get-url", "origin"]), "https://github.com/octo/news");
    // What is committed is there, whatever is to be left out of archives; what is not committed is not.
    assert_eq!(fixture.read("app.py"), "print('two')\n");
    assert_eq!(fixture.read("docs/secret.txt"), "kept\n");
    assert!(!fixture.job.workspace().join("untracked.txt").exists());
    assert!(is_executable(&fixture.job.workspace().join("run.sh")));
    // One commit of history, as by default.
    assert_eq!(fixture.git(&["rev-list", "--count", "HEAD"]), "1");
    assert_eq!(fixture.git(&["tag"]), "");
    assert_eq!(fixture.git(&["fsck", "--connectivity-only", "--no-dangling"]), "");
    assert_eq!(outcome.output("commit"), Some(fixture.second.as_str()));
    assert_eq!(outcome.output("ref"), Some("refs/heads/main"));
    outcome.assert_line("Syncing repository: octo/news");
    assert_eq!(outcome.declarations, Vec::<serde_json::Value>::new());
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).expect("is there").permissions().mode() & 0o111 != 0
}

#[test]
fn old_versions_have_no_outputs() {
    if !has("git") {
        return;
    }
    let fixture = Fixture::new();
    let mut step = fixture.step().env("WFRUN_TEST_STANDIN", "actions/checkout main v3");
    step = step.input("fetch-depth", "1");
    let outcome = step.run();
    outcome.assert_success();
    assert!(outcome.outputs.is_empty(), "{outcome:#?}");
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

#[test]
fn refs_of_all_kinds() {
    if !has("git") {
        return;
    }
    let fixture = Fixture::new();
    let (first, second, feature) = (&fixture.first, &fixture.second, &fixture.feature);
    // (variables, inputs, commit, HEAD by name, a ref that must be there, history)
    let cases: &[(Pairs<'_>, Pairs<'_>, &str, &str, &str, &str)] = &[
        (&[("GITHUB_REF", "refs/pull/7/merge")], &[], second, "HEAD", "refs/remotes/pull/7/merge", "1"),
        (&[("GITHUB_REF", "refs/tags/v1"), ("GITHUB_SHA", first)], &[], first, "HEAD", "refs/tags/v1", "1"),
        (&[], &[("ref", "feature/x")], feature, "feature/x", "refs/remotes/origin/feature/x", "1"),
        (&[], &[("ref", "refs/heads/feature/x")], feature, "feature/x", "refs/remotes/origin/feature/x", "1"),
        (&[], &[("ref", "v1")], first, "HEAD", "refs/tags/v1", "1"),
        (&[], &[("ref", first)], first, "HEAD", "", "1"),
        (&[], &[("fetch-depth", "0")], second, "main", "refs/remotes/origin/feature/x", "2"),
        (&[], &[("fetch-depth", "2"), ("ref", "feature/x")], feature, "feature/x", "", "2"),
        (&[], &[("fetch-depth", "9"), ("ref", "feature/x")], feature, "feature/x", "", "3"),
        (&[], &[("fetch-tags", "true")], second, "main", "refs/tags/v1", "1"),
    ];
    for (variables, inputs, commit, head, name, history) in cases {
        clear(&fixture.job.workspace());
        let mut step = fixture.step();
        for (key, value) in *variables {
            step = step.env(key, value);
        }
        for (key, value) in *inputs {
            step = step.input(key, value);
        }
        step.run().assert_success();
        let case = format!("{variables:?} {inputs:?}");
        assert_eq!(fixture.git(&["rev-parse", "HEAD"]), *commit, "{case}");
        assert_eq!(fixture.git(&["rev-parse", "--abbrev-ref", "HEAD"]), *head, "{case}");
        assert_eq!(fixture.git(&["rev-list", "--count", "HEAD"]), *history, "{case}");
        assert_eq!(fixture.git(&["status", "--porcelain"]), "", "{case}");
        if !name.is_empty() {
            fixture.git(&["rev-parse", "--verify", name]);
        }
    }
}

fn clear(folder: &Path) {
    fs::remove_dir_all(folder).expect("can delete");
    fs::create_dir_all(folder).expect("can create");
}

/// The repository's root is a folder of a larger one: a replacement gives the commit that folder's tree.
#[test]
fn a_replaced_tree_is_checked_out() {
    if !has("git") {
        return;
    }
    let fixture = Fixture::new();
    let source = fixture.job.path("source");
    let tree = git(&source, &["rev-parse", "HEAD:docs"]);
    let replacement = git(&source, &["commit-tree", &tree, "-m", "second"]);
    let name = format!("refs/replace/{}", fixture.second);
    git(&fixture.job.path("snapshot.git"), &["update-ref", &name, &replacement]);
    let outcome = fixture.step().run();
    outcome.assert_success();
    assert_eq!(fixture.read("secret.txt"), "kept\n");
    assert!(!fixture.job.workspace().join("app.py").exists());
    assert_eq!(fixture.git(&["status", "--porcelain"]), "");
    assert_eq!(fixture.git(&["rev-parse", "HEAD"]), fixture.second);
}

#[test]
fn a_second_checkout_cleans_unless_told_not_to() {
    if !has("git") {
        return;
    }
    let fixture = Fixture::new();
    fixture.job.write("work/repo/leftover.txt", "from before\n");
    let outcome = fixture.step().run();
    outcome.assert_success();
    assert!(!fixture.job.workspace().join("leftover.txt").exists(), "what is no work tree is emptied");
    outcome.assert_line(&format!("Deleting the contents of '{}'", fixture.job.workspace().display()));

    for (clean, stays) in [("false", true), ("true", false)] {
        fixture.job.write("work/repo/build/out.txt", "made by a step\n");
        fixture.job.write("work/repo/app.py", "changed by a step\n");
        fixture.step().input("clean", clean).input("ref", "feature/x").run().assert_success();
        assert_eq!(fixture.job.workspace().join("build/out.txt").exists(), stays, "clean: {clean}");
        assert_eq!(fixture.read("app.py"), "print('feature')\n");
        assert_eq!(fixture.git(&["rev-parse", "HEAD"]), fixture.feature);
    }
}

#[test]
fn paths_and_sparse_checkouts() {
    if !has("git") {
        return;
    }
    let fixture = Fixture::new();
    fixture.step().input("path", "sub/dir").run().assert_success();
    assert_eq!(fixture.read("sub/dir/app.py"), "print('two')\n");
    fixture.step().input("path", "thin").input("sparse-checkout", "docs").run().assert_success();
    assert_eq!(fixture.read("thin/docs/secret.txt"), "kept\n");
    assert!(!git(&fixture.job.path("work/repo/thin"), &["sparse-checkout", "list"]).is_empty());
    let pattern = fixture.step().input("path", "one").input("sparse-checkout", "app.py");
    pattern.input("sparse-checkout-cone-mode", "false").run().assert_success();
    let names: Vec<PathBuf> = fs::read_dir(fixture.job.path("work/repo/one"))
        .expect("is there")
        .map(|entry| PathBuf::from(entry.expect("is there").file_name()))
        .collect();
    assert!(names.len() == 2 && names.contains(&PathBuf::from("app.py")), "{names:?}");
}

#[test]
fn what_cannot_be_done_is_said() {
    if !has("git") {
        return;
    }
    let fixture = Fixture::new();
    let fails = |step: Step<'_>, text: &str| step.run().assert_failure(text);
    fails(fixture.step().input("repository", "octo/other"), "`--local-repository octo/other=DIR`");
    fails(fixture.step().input("path", "../out"), "is not under");
    fails(fixture.step().input("ref", "nowhere"), "A branch or tag with the name 'nowhere' could not be found");
    fails(fixture.step().input("ref", "refs/heads/gone"), "git fetch origin refs/heads/gone");
    fails(fixture.step().env("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567"), "0123456789abcdef");
    fails(fixture.step().env("WFRUN_REPOSITORY", ""), "`WFRUN_REPOSITORY` is not set");
    fixture.job.write("work/repo/.git/config", "");
    fails(fixture.step(), "holds a git repository that was not made by this action");
    assert!(fixture.job.workspace().join(".git/config").exists(), "nothing is deleted");
    clear(&fixture.job.workspace());
}

/// Hooks and settings of the machine's user must not reach a job.
#[test]
fn the_users_configuration_has_no_effect() {
    if !has("git") {
        return;
    }
    let fixture = Fixture::new();
    fixture.job.write("home/.gitconfig", "[core]\n\tautocrlf = true\n\thooksPath = /nowhere\n[broken\n");
    fixture.step().run().assert_success();
    assert_eq!(fixture.read("app.py"), "print('two')\n");
}

#[test]
fn the_post_step_is_quiet() {
    let job = Job::new();
    let outcome = job.step("actions/checkout post v4").run();
    outcome.assert_success();
    assert!(outcome.lines.is_empty(), "{outcome:#?}");
}
