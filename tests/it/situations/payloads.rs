//! `github.event`: the members that payloads have at least.
//!
//! Source: GitHub: planning rules 2.3.
use serde_json::{Value as Json, json};

use super::{branched, github};
use crate::repo::Repo;

/// The whole payload of an event.
fn payload(repo: &Repo, arguments: &[&str]) -> Json {
    let ran = repo.wfrun(&[&["eval", "toJSON(github.event)"], arguments].concat()).ends_with(0);
    let text: String = serde_json::from_str(&ran.stdout).expect("a text");
    serde_json::from_str(&text).expect("JSON")
}

/// Every member of `wanted` is there, and of the same kind where it is not null; a list's first item stands for all.
fn holds(found: &Json, wanted: &Json, at: &str) {
    match wanted {
        Json::Object(members) => {
            for (name, wanted) in members {
                let inner = found.get(name).unwrap_or_else(|| panic!("{at}.{name} is not there: {found:#}"));
                holds(inner, wanted, &format!("{at}.{name}"));
            }
        }
        Json::Array(items) => {
            let first = found.get(0);
            if let Some(wanted) = items.first() {
                holds(first.unwrap_or_else(|| panic!("{at} is empty")), wanted, at);
            } else {
                assert!(found.is_array(), "{at}: {found}");
            }
        }
        Json::Null => {}
        Json::Bool(_) => assert!(found.is_boolean(), "{at}: {found}"),
        Json::Number(_) => assert!(found.is_number(), "{at}: {found}"),
        Json::String(_) => assert!(found.is_string(), "{at}: {found}"),
    }
}

fn repository() -> Json {
    json!({
        "id": 0, "name": "r", "full_name": "o/r", "private": false, "owner": {"login": "o", "name": "o", "id": 0},
        "default_branch": "main", "html_url": "", "clone_url": "",
    })
}

/// The payloads that are written out.
#[test]
fn minimal_payloads() {
    let repo = branched();
    let sender = json!({"login": "", "id": 0, "type": "User"});
    let commit = json!({
        "id": "", "tree_id": "", "message": "", "timestamp": "", "author": {"name": "", "email": ""},
        "committer": {"name": "", "email": ""}, "distinct": true, "url": "",
    });
    let push = payload(&repo, &["--event", "push"]);
    let wanted = json!({
        "ref": "refs/heads/main", "before": "", "after": "", "base_ref": null, "created": false, "deleted": false,
        "forced": false, "compare": "", "commits": [commit], "head_commit": commit,
        "pusher": {"name": "", "email": ""}, "sender": sender, "repository": repository(),
    });
    holds(&push, &wanted, "push");
    for absent in ["added", "removed", "modified"] {
        assert_eq!(push["commits"][0].get(absent), None, "{absent}");
    }
    let pull = payload(&repo, &["--event", "pull_request", "--type", "opened", "--pr", "7"]);
    let place = json!({"full_name": "o/r", "fork": false});
    let wanted = json!({
        "action": "opened", "number": 7, "sender": sender, "repository": repository(),
        "pull_request": {
            "number": 7, "state": "open", "title": "", "body": null, "draft": false, "merged": false, "mergeable": null,
            "merge_commit_sha": "", "user": {"login": ""}, "labels": [],
            "head": {"ref": "feat", "sha": "", "label": "o:feat", "repo": place},
            "base": {"ref": "main", "sha": "", "repo": place},
            "commits": 1, "additions": 0, "deletions": 0, "changed_files": 1,
        },
    });
    holds(&pull, &wanted, "pull_request");
    assert_eq!((&pull["number"], &pull["pull_request"]["commits"]), (&json!(7), &json!(2)));
    for (activity, wanted) in [
        ("synchronize", json!({"before": "", "after": ""})),
        ("labeled", json!({"label": {"name": ""}})),
        ("edited", json!({"changes": {}})),
    ] {
        holds(&payload(&repo, &["--event", "pull_request", "--type", activity]), &wanted, activity);
    }
    holds(&payload(&repo, &["--event", "workflow_dispatch"]), &json!({"inputs": {}}), "dispatch");
}

/// A ref that is new was zeros before, and one that is deleted is zeros behind.
#[test]
fn commits_that_are_not_there() {
    let repo = branched();
    let zeros = "0".repeat(40);
    repo.git(&["update-ref", "refs/remotes/origin/main", "main"]);
    let new = payload(&repo, &["--event", "push"]);
    assert_eq!((&new["before"], &new["created"]), (&json!(zeros), &json!(true)));
    repo.write("gone.json", &json!({"ref": "refs/heads/old", "deleted": true, "after": zeros}).to_string());
    let gone = payload(&repo, &["--event", "push", "--event-path", "gone.json"]);
    assert_eq!((&gone["after"], &gone["head_commit"], &gone["commits"]), (&json!(zeros), &Json::Null, &json!([])));
}

/// How many lines and files a pull request changes, counted where it is asked for.
#[test]
fn the_size_of_a_pull_request() {
    let repo = branched();
    repo.write("more", "1\n2\n3\n");
    repo.write(".github/workflows/w.yml", "on: push\n");
    repo.commit("more");
    let members = ["additions", "deletions", "changed_files"].map(|it| format!("github.event.pull_request.{it}"));
    let members = members.each_ref().map(String::as_str);
    assert_eq!(github(&repo, &["--event", "pull_request"], &members), json!(["3", "1", "2"]));
    let big = "on: pull_request\njobs: {j: {if: github.event.pull_request.additions > 2, runs-on: ubuntu-latest, steps: \
               [{run: x}]}}\n";
    repo.write(".github/workflows/big.yml", big);
    let ran = repo.wfrun(&["plan", "big.yml", "--json"]).ends_with(0);
    assert!(ran.stdout.contains(r#""verdict":"runs""#), "{}", ran.stdout);
}

/// What other events are about.
#[test]
fn what_events_are_about() {
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
