//! What git, the options and a payload make of an event.
mod changed;
mod events;
mod payloads;
mod pull_requests;
mod repositories;

use serde_json::{Value as Json, json};

use crate::repo::{Ran, Repo};

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
        (&["--event", ".github/workflows/w.yml"], "`--event-path .github/workflows/w.yml`"),
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
    let repo = Repo::new(&workflow("{workflow_call: {inputs: {n: {type: number, required: true}}}}"), &[]);
    assert!(told(&repo, &["--input", "n=2"]).0);
    plan(&repo, &[]).ends_with(2);
    let on = "{schedule: [{cron: '0 3 * * *'}, {cron: '30 5 * * mon', timezone: Europe/Berlin}]}";
    let repo = Repo::new(&workflow(on), &[]);
    assert!(told(&repo, &[]).1.contains("`0 3 * * *` comes due next at "));
    assert!(told(&repo, &["--schedule", "30 5 * *  mon"]).1.contains("`30 5 * * mon` comes due next at Mon "));
    plan(&repo, &["--schedule", "1 1 1 1 1"]).ends_with(2);
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

/// What GitHub cannot send is refused where it is seen at once, and else left alone.
#[test]
fn payloads_of_odd_shapes() {
    let repo = Repo::new(&workflow("[push, pull_request, workflow_dispatch, workflow_run, release]"), &[]);
    let odd = [
        json!({"ref": {}, "after": 5, "before": [], "action": [], "repository": "x", "sender": null, "head_commit": "x"}),
        json!({"pull_request": 5, "number": "many", "inputs": [1], "workflow_run": "x", "release": {"tag_name": 5}}),
        json!({"ref": "", "deleted": "yes", "repository": {"full_name": 7, "default_branch": ""}}),
        json!({"pull_request": {"head": "x", "base": {"ref": ["main"]}}, "workflow_run": {"head_branch": {}}}),
    ];
    for payload in odd {
        repo.write("odd.json", &payload.to_string());
        for event in ["push", "pull_request", "workflow_dispatch", "workflow_run", "release"] {
            let ran = plan(&repo, &["--event", event, "--event-path", "odd.json"]);
            let refused = ran.code == 2 && ran.stderr.contains("error[file/payload]");
            let is_fine = matches!(ran.code, 0 | 4) || refused;
            assert!(is_fine && !ran.stderr.contains("panicked"), "{event} {payload} {}", ran.stderr);
        }
    }
}

/// Source: GitHub: planning rules 2.2, `repository_dispatch`; of the others, what GitHub's payloads are made of.
#[test]
fn payloads_that_github_cannot_send() {
    let repo = Repo::new(&workflow("[pull_request, repository_dispatch]"), &[]);
    let many: serde_json::Map<String, Json> = (0..11).map(|it| (format!("k{it}"), json!(1))).collect();
    for (event, payload, said) in [
        ("pull_request", json!({"action": 5}), "`action` is 5, and GitHub has a text there"),
        ("pull_request", json!({"pull_request": 5}), "`pull_request` is 5, and GitHub has an object there"),
        ("repository_dispatch", json!({"action": "x", "client_payload": many}), "has 11 members, and GitHub takes 10"),
        (
            "repository_dispatch",
            json!({"action": "x", "client_payload": {"a": "x".repeat(65_536)}}),
            "characters, and GitHub takes 65535",
        ),
    ] {
        repo.write("odd.json", &payload.to_string());
        let ran = plan(&repo, &["--event", event, "--event-path", "odd.json"]).ends_with(2);
        assert!(ran.stderr.contains("error[file/payload]") && ran.stderr.contains(said), "{}", ran.stderr);
    }
}

/// What has no effect, or is made up, is said.
#[test]
fn what_has_no_effect_is_said() {
    let asks = "on: [push, pull_request]\njobs: {a: {if: github.repository == 'o/r', runs-on: x, steps: [{run: x}]}}\n";
    let repo = Repo::new(asks, &[]);
    repo.write("e.json", &json!({"inputs": {"s": "q"}}).to_string());
    for (arguments, said) in [
        (&["--base", "main"][..], "`--base main` has no effect: `push` is about no pull request"),
        (&["--pr", "7"], "`--pr 7` has no effect"),
        (&["--default-branch", "nope"], "git does not know the default branch `nope`"),
        (&[], "git has no remote, so `github.repository` is made up as `local/"),
    ] {
        let ran = plan(&repo, &[&["--event", "push"], arguments].concat()).ends_with(0);
        assert_eq!(ran.stderr.matches(said).count(), 1, "{arguments:?} {}", ran.stderr);
    }
    let ran = plan(&repo, &["--event", "pull_request", "--base", "main", "--repository", "o/r"]).ends_with(0);
    assert!(!ran.stderr.contains("no effect") && !ran.stderr.contains("made up"), "{}", ran.stderr);
    let ran = plan(&repo, &["--repository", "foo"]).ends_with(2);
    assert!(ran.stderr.contains("error[cli/repository]"), "{}", ran.stderr);
    repo.write(
        ".github/workflows/d.yml",
        "on: {workflow_dispatch: {inputs: {s: {}}}}\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n",
    );
    let ran = repo.wfrun(&["plan", "d.yml", "-i", "s=hey", "--event-path", "e.json"]).ends_with(0);
    assert!(ran.stderr.contains("`--input s=hey` wins over `inputs.s` of e.json, which is `q`"), "{}", ran.stderr);
    let labels = github(
        &repo,
        &["-e", "pull_request", "--type", "labeled"],
        &["toJSON(github.event.pull_request.labels.*.color)"],
    );
    assert!(labels.to_string().contains("ededed"), "{labels}");
}

/// Source: GitHub: planning rules 2.2: the deletion of a branch runs on the default branch.
#[test]
fn deletions_and_commits_by_name() {
    let repo = branched();
    repo.write("gone.json", &json!({"ref": "refs/heads/gone", "deleted": true, "after": "0".repeat(40)}).to_string());
    let found =
        github(&repo, &["--event-path", "gone.json"], &["github.ref", "github.event.ref", "github.event.deleted"]);
    assert_eq!(found, json!(["refs/heads/main", "refs/heads/gone", "true"]));
    let sha = repo.git(&["rev-parse", "main"]);
    let (_, said) = told(&repo, &["--ref", &sha]);
    assert!(said.contains(&format!("it names a commit, which `--sha {sha}` takes")), "{said}");
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
