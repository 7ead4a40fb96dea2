//! Which ref and commit each event runs on.
//!
//! Source: GitHub: planning rules 2.2, the column "github.sha / github.ref", and 2.3, the table. Types are in
//! `crates/wfrun-plan/tests/it/tables/events.rs`.
use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use wfrun_workflow::EventSpec;

use super::{branched, github};

const MEMBERS: [&str; 6] =
    ["github.ref", "github.sha", "github.ref_name", "github.ref_type", "github.head_ref", "github.base_ref"];

/// Table 2.2, on the branch `feature/x`: each event in order, and what differs of it by its options.
#[test]
fn every_event_runs_where_github_runs_it() {
    let repo = branched();
    let (main, feature) = (repo.git(&["rev-parse", "main"]), repo.git(&["rev-parse", "HEAD"]));
    let on_default = json!(["refs/heads/main", main, "main", "branch", "", ""]);
    let here = json!(["refs/heads/feature/x", feature, "feature/x", "branch", "", ""]);
    let tag = json!(["refs/tags/v1.0.0", main, "v1.0.0", "tag", "", ""]);
    let merged = github(&repo, &["--event", "pull_request"], &["github.event.pull_request.merge_commit_sha"]);
    let merged = merged[0].as_str().expect("a commit");
    assert!(merged.len() == 40 && merged != main && merged != feature, "{merged}");
    let pull = |head: &str, base: &str| json!(["refs/pull/1/merge", merged, "1/merge", "branch", head, base]);
    let group = format!("gh-readonly-queue/main/pr-1-{main}");
    let of_group = json!([format!("refs/heads/{group}"), feature, group, "branch", "", ""]);
    let rows = [
        ("branch_protection_rule", &[][..], &on_default),
        ("check_run", &[], &on_default),
        ("check_suite", &[], &on_default),
        ("create", &[], &here),
        ("create", &["--ref", "v1.0.0"], &tag),
        ("delete", &["--ref", "old"], &on_default),
        ("deployment", &[], &here),
        ("deployment", &["--ref", "v1.0.0"], &tag),
        ("deployment_status", &[], &here),
        ("deployment_status", &["--ref", "v1.0.0"], &tag),
        ("discussion", &[], &on_default),
        ("discussion_comment", &[], &on_default),
        ("fork", &[], &on_default),
        ("gollum", &[], &on_default),
        ("page_build", &[], &on_default),
        ("public", &[], &on_default),
        ("status", &[], &on_default),
        ("image_version", &[], &on_default),
        ("issue_comment", &[], &on_default),
        ("pull_request_comment", &[], &on_default),
        ("issues", &[], &on_default),
        ("label", &[], &on_default),
        ("merge_group", &[], &of_group),
        ("milestone", &[], &on_default),
        ("project", &[], &on_default),
        ("project_card", &[], &on_default),
        ("project_column", &[], &on_default),
        ("pull_request", &[], &pull("feature/x", "main")),
        ("pull_request_target", &[], &json!(["refs/heads/main", main, "main", "branch", "feature/x", "main"])),
        ("pull_request_review", &[], &pull("", "")),
        ("pull_request_review_comment", &[], &pull("", "")),
        ("push", &[], &here),
        ("push", &["--ref", "v1.0.0"], &tag),
        ("registry_package", &[], &here),
        ("registry_package", &["--ref", "v1.0.0"], &tag),
        ("release", &[], &tag),
        ("release", &["--ref", "v1.0.0"], &tag),
        ("repository_dispatch", &[], &on_default),
        ("schedule", &[], &on_default),
        ("watch", &[], &on_default),
        ("workflow_call", &[], &here),
        ("workflow_dispatch", &[], &here),
        ("workflow_dispatch", &["--ref", "v1.0.0"], &tag),
        ("workflow_run", &[], &on_default),
    ];
    assert_eq!(rows.iter().map(|it| it.0).collect::<BTreeSet<_>>(), EventSpec::names().collect());
    for (event, more, expected) in rows {
        let arguments = [&["--event", event], more].concat();
        assert_eq!(&github(&repo, &arguments, &MEMBERS), expected, "{arguments:?}");
    }
}

/// What an event does with the options that do not fit its row, or fit it in other words.
#[test]
fn options_that_name_the_place() {
    let repo = branched();
    let (main, feature) = (repo.git(&["rev-parse", "main"]), repo.git(&["rev-parse", "HEAD"]));
    let place = |arguments: &[&str]| github(&repo, arguments, &["github.ref", "github.sha"]);
    for (arguments, expected) in [
        (&["--event", "push", "--ref", "main"][..], json!(["refs/heads/main", main])),
        (&["--event", "push", "--ref", "refs/tags/v1.0.0"], json!(["refs/tags/v1.0.0", main])),
        (&["--event", "push", "--sha", "main"], json!(["refs/heads/feature/x", main])),
        (&["--event", "issues", "--ref", "feature/x"], json!(["refs/heads/main", main])),
        (&["--event", "watch", "--default-branch", "feature/x"], json!(["refs/heads/feature/x", feature])),
    ] {
        assert_eq!(place(arguments), expected, "{arguments:?}");
    }
    let pull = |arguments: &[&str]| github(&repo, arguments, &["github.ref", "github.head_ref", "github.base_ref"]);
    for arguments in [
        &["--event", "pull_request", "--pr", "7"][..],
        &["--event", "pull_request", "--ref", "refs/pull/7/merge"],
        &["--event", "pull_request", "--ref", "refs/pull/7/head"],
        &["--event", "pull_request", "--pr", "7", "--ref", "feature/x", "--base", "main"],
        &["--event", "pull_request", "--pr", "7", "--head", "feature/x", "--base", "refs/heads/main"],
    ] {
        assert_eq!(pull(arguments), json!(["refs/pull/7/merge", "feature/x", "main"]), "{arguments:?}");
    }
}

/// The rows of table 2.2 that tell of states: a branch that is deleted, a request that is merged.
#[test]
fn states_that_change_the_place() {
    let repo = branched();
    let main = repo.git(&["rev-parse", "main"]);
    let place = |event: &str, payload: &Json| {
        repo.write("event.json", &payload.to_string());
        github(&repo, &["--event", event, "--event-path", "event.json"], &["github.ref", "github.sha"])
    };
    let on_main = json!(["refs/heads/main", main]);
    let gone = json!({"ref": "refs/heads/gone", "deleted": true, "after": "0".repeat(40)});
    assert_eq!(place("push", &gone), on_main, "push: branch deletion");
    let merged = json!({"action": "closed", "pull_request": {"merged": true}});
    assert_eq!(place("pull_request", &merged), on_main, "pull_request: merged and closed");
    let closed = json!({"action": "closed", "pull_request": {"merged": false}});
    assert_eq!(place("pull_request", &closed)[0], "refs/pull/1/merge", "pull_request: closed");
    let deleted_tag = json!({"ref": "v0", "ref_type": "tag"});
    assert_eq!(place("delete", &deleted_tag), on_main, "delete");
}
