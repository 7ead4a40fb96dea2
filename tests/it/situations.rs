//! What git, the options and a payload make of an event.
use std::fs;
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::repo::{Ran, Repo, WFRUN};

const ALL: &str = "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n";

fn workflow(on: &str) -> String {
    format!("on: {on}\njobs: {{j: {{runs-on: ubuntu-latest, steps: [{{run: 'true'}}]}}}}\n")
}

/// The values of expressions for these options.
#[track_caller]
fn github(repo: &Repo, arguments: &[&str], expressions: &[&str]) -> Json {
    let list = expressions.join(", ");
    let format: Vec<_> = (0..expressions.len()).map(|it| format!("{{{it}}}")).collect();
    let expression = format!("format('{}', {list})", format.join("|"));
    let mut all = vec!["eval", &expression];
    all.extend(arguments);
    let ran = repo.wfrun(&all).ends_with(0);
    let text: String = serde_json::from_str(&ran.stdout).expect("a text");
    Json::from(text.split('|').collect::<Vec<_>>())
}

fn plan(repo: &Repo, arguments: &[&str]) -> Ran {
    let mut all = vec!["plan", "w.yml", "--json"];
    all.extend(arguments);
    repo.wfrun(&all)
}

/// `runs`, or `not`, and what is said.
fn told(repo: &Repo, arguments: &[&str]) -> (bool, String) {
    let ran = plan(repo, arguments);
    assert!(matches!(ran.code, 0 | 4), "{arguments:?}\n{}{}", ran.stdout, ran.stderr);
    let triggered = serde_json::from_str::<Json>(&ran.stdout).expect("JSON")["triggered"] == json!(true);
    assert_eq!(triggered, ran.code == 0);
    (triggered, ran.stderr)
}

/// A repository on `feature` with two commits more than `main`, and a tag.
fn branched() -> Repo {
    let repo = Repo::new(ALL, &[]);
    repo.git(&["tag", "--annotate", "v1.0.0", "--message", "one"]);
    repo.git(&["checkout", "--quiet", "-b", "feature/x"]);
    repo.commit("first");
    repo.commit("second");
    repo
}

/// Source: GitHub: planning rules 2.2 and 2.3: the ref and commit of each event.
#[test]
fn refs_and_commits() {
    let repo = branched();
    let (main, feature) = (repo.git(&["rev-parse", "main"]), repo.git(&["rev-parse", "HEAD"]));
    let members =
        ["github.ref", "github.sha", "github.ref_name", "github.ref_type", "github.base_ref", "github.head_ref"];
    let on_main = json!(["refs/heads/main", main, "main", "branch", "", ""]);
    let here = json!(["refs/heads/feature/x", feature, "feature/x", "branch", "", ""]);
    let tag = json!(["refs/tags/v1.0.0", main, "v1.0.0", "tag", "", ""]);
    let merge = json!(["refs/pull/7/merge", feature, "7/merge", "branch", "main", "feature/x"]);
    let reviewed = json!(["refs/pull/7/merge", feature, "7/merge", "branch", "", ""]);
    for (arguments, expected) in [
        (&["--event", "push"][..], &here),
        (&["--event", "push", "--ref", "main"], &on_main),
        (&["--event", "push", "--ref", "v1.0.0"], &tag),
        (&["--event", "push", "--ref", "refs/tags/v1.0.0"], &tag),
        (&["--event", "create", "--ref", "v1.0.0"], &tag),
        (&["--event", "delete", "--ref", "old"], &on_main),
        (&["--event", "workflow_dispatch"], &here),
        (&["--event", "workflow_dispatch", "--ref", "v1.0.0"], &tag),
        (&["--event", "deployment"], &here),
        (&["--event", "registry_package", "--ref", "v1.0.0"], &tag),
        (&["--event", "release"], &tag),
        (&["--event", "release", "--ref", "v1.0.0"], &tag),
        (&["--event", "pull_request", "--pr", "7"], &merge),
        (&["--event", "pull_request", "--ref", "refs/pull/7/merge"], &merge),
        (&["--event", "pull_request", "--pr", "7", "--ref", "feature/x", "--base", "main"], &merge),
        (&["--event", "pull_request_review", "--pr", "7"], &reviewed),
        (&["--event", "pull_request_review_comment", "--pr", "7"], &reviewed),
        (&["--event", "pull_request_target"], &json!(["refs/heads/main", main, "main", "branch", "main", "feature/x"])),
        (&["--event", "schedule"], &on_main),
        (&["--event", "issues"], &on_main),
        (&["--event", "issues", "--ref", "feature/x"], &on_main),
        (&["--event", "workflow_run"], &on_main),
        (&["--event", "repository_dispatch"], &on_main),
        (&["--event", "watch", "--default-branch", "feature/x"], &here),
        (&["--event", "push", "--sha", "main"], &json!(["refs/heads/feature/x", main, "feature/x", "branch", "", ""])),
    ] {
        assert_eq!(&github(&repo, arguments, &members), expected, "{arguments:?}");
    }
    let group = format!("refs/heads/gh-readonly-queue/main/pr-1-{main}");
    assert_eq!(github(&repo, &["--event", "merge_group"], &["github.ref", "github.sha"]), json!([group, feature]));
}

/// Source: GitHub: planning rules 2.3: the members that payloads have at least.
#[test]
fn payloads() {
    let repo = branched();
    for (arguments, expressions, expected) in [
        (
            &["--event", "push"][..],
            &["github.event.ref", "github.event.head_commit.message"][..],
            &["refs/heads/feature/x", "second"][..],
        ),
        (
            &["--event", "pull_request"],
            &[
                "github.event.action",
                "github.event.number",
                "github.event.pull_request.head.ref",
                "github.event.pull_request.base.ref",
                "github.event.pull_request.commits",
            ],
            &["synchronize", "1", "feature/x", "main", "2"],
        ),
        (
            &["--event", "pull_request", "--type", "closed"],
            &["github.event.action", "github.event.pull_request.state"],
            &["closed", "closed"],
        ),
        (&["--event", "create", "--ref", "v1.0.0"], &["github.event.ref", "github.event.ref_type"], &["v1.0.0", "tag"]),
        (&["--event", "delete", "--ref", "old"], &["github.event.ref", "github.event.ref_type"], &["old", "branch"]),
        (&["--event", "release"], &["github.event.action", "github.event.release.tag_name"], &["published", "v1.0.0"]),
        (
            &["--event", "issues", "--type", "closed"],
            &["github.event.action", "github.event.issue.state"],
            &["closed", "closed"],
        ),
        (
            &["--event", "workflow_run", "--ref", "feature/x"],
            &["github.event.workflow_run.head_branch", "github.event.workflow_run.conclusion"],
            &["feature/x", "success"],
        ),
        (
            &["--event", "repository_dispatch", "--type", "go"],
            &["github.event.action", "github.event.branch"],
            &["go", "main"],
        ),
        (&["--event", "merge_group"], &["github.event.merge_group.base_ref"], &["refs/heads/main"]),
        (
            &["--event", "watch"],
            &["github.event.action", "github.event.repository.full_name"],
            &["started", "local/repo"],
        ),
        (&["--event", "workflow_dispatch", "--input", "a=1"], &["github.event.inputs.a"], &["1"]),
    ] {
        assert_eq!(github(&repo, arguments, expressions), json!(expected), "{arguments:?}");
    }
}

/// An option wins over the payload's file, and that over git; what won is said.
#[test]
fn what_is_said_twice() {
    let repo = branched();
    let main = repo.git(&["rev-parse", "main"]);
    repo.write(
        "push.json",
        &json!({"ref": "refs/heads/main", "after": main, "extra": 1, "sender": {"login": "ada"}}).to_string(),
    );
    let pull = json!({"action": "labeled", "number": 9, "pull_request": {"head": {"ref": "feature/x"}, "base": {"ref": "v2"}, "labels": [{"name": "go"}]}});
    repo.write("pull.json", &pull.to_string());
    let of_payload = ["github.ref", "github.sha", "github.event.extra", "github.actor"];
    for (arguments, expressions, expected) in [
        (&["--event-path", "push.json"][..], &of_payload[..], json!(["refs/heads/main", main, "1", "ada"])),
        (
            &["--event-path", "push.json", "--ref", "feature/x", "--sha", "HEAD"],
            &["github.ref", "github.event.ref", "github.event.extra"],
            json!(["refs/heads/feature/x", "refs/heads/feature/x", "1"]),
        ),
        (
            &["--event-path", "push.json", "--actor", "bob"],
            &["github.actor", "github.event.sender.login"],
            json!(["bob", "bob"]),
        ),
        (
            &["--event", "pull_request", "--event-path", "pull.json"],
            &["github.ref", "github.base_ref", "github.event.action", "github.event.pull_request.labels[0].name"],
            json!(["refs/pull/9/merge", "v2", "labeled", "go"]),
        ),
        (
            &[
                "--event",
                "pull_request",
                "--event-path",
                "pull.json",
                "--base",
                "main",
                "--type",
                "opened",
                "--pr",
                "3",
            ],
            &[
                "github.ref",
                "github.base_ref",
                "github.event.pull_request.base.ref",
                "github.event.action",
                "github.event.number",
            ],
            json!(["refs/pull/3/merge", "main", "main", "opened", "3"]),
        ),
    ] {
        assert_eq!(github(&repo, arguments, expressions), expected, "{arguments:?}");
    }
    let (_, said) = told(&repo, &["--event-path", "push.json", "--ref", "feature/x"]);
    assert!(said.contains("`--ref feature/x` wins over `ref` of push.json, which is `refs/heads/main`"), "{said}");
    let (_, said) = told(&repo, &["--event-path", "push.json", "--ref", "main"]);
    assert!(!said.contains("wins over"), "{said}");
    repo.write("lost.json", &json!({"after": "1".repeat(40)}).to_string());
    let (_, said) = told(&repo, &["--event-path", "lost.json"]);
    assert!(said.contains("which the payload names as `after`"), "{said}");
    for (text, part) in [("[1]", "it holds a list"), ("\"x\"", "it holds a text"), ("{", "EOF"), ("", "EOF")] {
        repo.write("broken.json", text);
        let ran = plan(&repo, &["--event-path", "broken.json"]).ends_with(2);
        assert!(ran.stderr.contains("error[file/payload]") && ran.stderr.contains(part), "{}", ran.stderr);
    }
}

#[test]
fn what_github_does_not_have() {
    let repo = Repo::new(&workflow("[push, pull_request]"), &[]);
    for (arguments, part) in [
        (&["--event", "pull-request"][..], "did you mean `pull_request`?"),
        (&["--event", "PUSH"], "did you mean `push`?"),
        (&["--event", "nonsense"], "the events are: branch_protection_rule,"),
        (&["--event", "pull_request", "--type", "open"], "did you mean `opened`?"),
        (&["--event", "push", "--type", "opened"], "`push` has no activity types"),
        (&["--ref", "a..b"], "error[git/bad-ref]"),
        (&["--since", "nothing"], "error[git/unknown-commit]"),
        (&["--sha", "nothing"], "error[git/unknown-commit]"),
    ] {
        let ran = plan(&repo, arguments).ends_with(2);
        assert!(ran.stderr.contains(part), "{arguments:?} {}", ran.stderr);
    }
}

/// Source: GitHub: planning rules 2.6, and the difference 39.
#[test]
fn inputs_by_hand() {
    let on = "{push: , workflow_dispatch: {inputs: {n: {type: number, required: true}, c: {type: choice, options: [p, q]}}}}";
    let repo = Repo::new(&workflow(on), &[]);
    let dispatch = |more: &[&str]| {
        let mut all = vec!["--event", "workflow_dispatch"];
        all.extend(more);
        plan(&repo, &all)
    };
    for (inputs, code, part) in [
        (&["--input", "n=1"][..], 0, ""),
        (&["--input", "N=1", "--input", "c=q"], 0, ""),
        (&[], 2, "error[input/required]: input `n` is required"),
        (&["--input", "n=x"], 2, "error[input/not-a-number]"),
        (&["--input", "n=1", "--input", "c=zzz"], 2, "error[input/no-option]"),
        (&["--input", "n=1", "--input", "d=1"], 2, "error[input/unknown]"),
    ] {
        let ran = dispatch(inputs).ends_with(code);
        assert!(ran.stderr.contains(part), "{inputs:?} {}", ran.stderr);
    }
    // What a push does not have, it does not lack.
    assert!(told(&repo, &["--event", "push"]).0);
    assert!(told(&repo, &["--event", "push", "--input", "n=1"]).1.contains("input `n` has no effect"));
    repo.write("dispatch.json", r#"{"inputs": {"n": 3, "c": "q"}}"#);
    dispatch(&["--event-path", "dispatch.json"]).ends_with(0);
    let on = "{schedule: [{cron: '0 3 * * *'}, {cron: '30 5 * * mon', timezone: Europe/Berlin}]}";
    let repo = Repo::new(&workflow(on), &[]);
    assert!(told(&repo, &[]).1.contains("`0 3 * * *` comes due next at "));
    assert!(told(&repo, &["--schedule", "30 5 * *  mon"]).1.contains("`30 5 * * mon` comes due next at Mon "));
    plan(&repo, &["--schedule", "1 1 1 1 1"]).ends_with(2);
}

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

/// Source: GitHub: planning rules 2.2: nobody who says no type means one that is not listened to.
#[test]
fn types_that_nobody_said() {
    for (on, arguments, expected, part) in [
        ("{pull_request: {types: [closed]}}", &[][..], true, "is taken as `closed`"),
        ("pull_request", &[], true, ""),
        ("{pull_request: {types: [closed]}}", &["--type", "opened"], false, "`types` does not have `opened`"),
        ("{issues: {types: [labeled]}}", &[], true, "is taken as `labeled`"),
        ("{repository_dispatch: {types: [go]}}", &[], true, ""),
        ("{repository_dispatch: {types: [go]}}", &["--type", "stop"], false, "trigger/activity"),
        ("{workflow_run: {workflows: [Build], branches: [main]}}", &[], true, ""),
        ("{workflow_run: {workflows: [Build], branches: [main]}}", &["--ref", "dev"], false, "trigger/ref"),
        ("{release: {types: [created]}}", &[], true, "`v1.0.0` is taken"),
    ] {
        let repo = Repo::new(&workflow(on), &[]);
        let mut all = vec!["plan", "w.yml"];
        all.extend(arguments);
        let ran = repo.wfrun(&all).ends_with(if expected { 0 } else { 4 });
        assert!(ran.stderr.contains(part), "{on} {}", ran.stderr);
    }
}

/// Source: GitHub: planning rules 2.5, and the difference 43.
#[test]
fn skip_markers() {
    let repo = Repo::new(&workflow("[push, workflow_dispatch]"), &[]);
    repo.commit("x [skip ci]");
    assert!(!told(&repo, &[]).0);
    assert!(told(&repo, &["--event", "workflow_dispatch"]).0);
    repo.write("push.json", r#"{"head_commit": {"message": "x"}}"#);
    assert!(told(&repo, &["--event-path", "push.json"]).0);
}
