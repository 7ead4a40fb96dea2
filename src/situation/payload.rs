//! `github.event`: what is made up, and the payload's file over it.
use serde_json::{Map, Value as Json, json};
use wfrun_plan::{Event, stable_id};

use super::push::Pushed;
use super::subject::Subject;
use super::{Making, merge, pull_request, push, schedule};
use crate::output::Help;
use crate::repository::{Commit, Merge, NO_COMMIT};

/// What git says that an event brought, besides its commit.
pub(super) struct Brought<'a> {
    /// Of a push.
    pub(super) pushed: Option<&'a Pushed>,
    /// Of a pull request with two commits.
    pub(super) merge: Option<&'a Merge>,
}

/// Makes `github.event`.
///
/// Source: GitHub: planning rules 2.3; <https://docs.github.com/en/webhooks/webhook-events-and-payloads>
pub(super) fn payload(
    making: &mut Making<'_>,
    event: &Event,
    subject: &Subject,
    commit: Option<&Commit>,
    brought: &Brought<'_>,
    inputs: Map<String, Json>,
) -> anyhow::Result<Json> {
    let (owner, name) = event.repository.split_once('/').unwrap_or(("", &event.repository));
    let html = format!("https://github.com/{}", event.repository);
    let described = json!({
        "id": stable_id(&event.repository), "name": name, "full_name": event.repository, "private": true, "fork": false,
        "owner": {"login": owner, "name": owner, "id": stable_id(owner), "type": "User"},
        "default_branch": event.default_branch, "html_url": html, "clone_url": format!("{html}.git"),
    });
    let sender = json!({"login": event.actor, "id": stable_id(&event.actor), "type": "User"});
    let mut payload = json!({"repository": described, "sender": sender});
    if let Some(activity) = &event.activity {
        merge(&mut payload, json!({"action": activity}));
    }
    let path = making.workflow.source.path().to_owned();
    let more = match event.name.as_str() {
        "push" => brought.pushed.map(|it| push::payload(event, subject, it)).unwrap_or_default(),
        "workflow_dispatch" => json!({"ref": subject.named.git_ref, "workflow": path}),
        "schedule" => json!({"schedule": schedule::schedule(making)?, "workflow": path}),
        name if name.starts_with("pull_request") => {
            let mut all = pull_request::of_activity(event, subject, &before(making, event, subject, commit));
            let described = pull_request::described(making, event, subject, brought.merge);
            // The label that was added is on it.
            let labels = if event.activity.as_deref() == Some("labeled") {
                let told = making.asked.member("/label").cloned();
                json!([told.unwrap_or_else(|| all.get("label").cloned().unwrap_or_default())])
            } else {
                json!([])
            };
            merge(&mut all, json!({"number": subject.number, "pull_request": described}));
            merge(&mut all, json!({"pull_request": {"labels": labels}}));
            merge(&mut all, about(making, event, subject, commit));
            all
        }
        _ => about(making, event, subject, commit),
    };
    if !more.is_null() {
        merge(&mut payload, more);
    }
    check(event, &payload, making)?;
    merge(&mut payload, making.asked.payload.clone());
    // These were merged before, and have the names that the workflow declares.
    if event.name == "workflow_dispatch" {
        payload["inputs"] = Json::Object(inputs);
    }
    Ok(payload)
}

/// The longest `client_payload`, in characters, and its most members.
///
/// Source: GitHub: planning rules 2.2.
const CLIENT_PAYLOAD: (usize, usize) = (65_535, 10);

/// Refuses a payload that GitHub cannot send: another kind of value, or a `client_payload` that is too large.
fn check(event: &Event, made_up: &Json, making: &Making<'_>) -> anyhow::Result<()> {
    let Some(path) = &making.asked.args.event_path else { return Ok(()) };
    let failed = |what: String, help: &str| {
        Err(Help::error("file/payload", format!("{}: {what}", path.display()), help.to_owned()))
    };
    let given = making.asked.payload.as_object();
    for (name, value) in given.into_iter().flatten().filter(|(_, it)| !it.is_null()) {
        let expected = match made_up.get(name) {
            Some(Json::Object(_)) if !value.is_object() => "an object",
            Some(Json::String(_)) if !value.is_string() => "a text",
            _ => continue,
        };
        return failed(format!("`{name}` is {value}, and GitHub has {expected} there"), "write what GitHub sends");
    }
    let client = making.asked.member("/client_payload").filter(|_| event.name == "repository_dispatch");
    let (most_characters, most_members) = CLIENT_PAYLOAD;
    let members = client.and_then(Json::as_object).map_or(0, Map::len);
    if members > most_members {
        let help = "put members into one of them";
        return failed(format!("`client_payload` has {members} members, and GitHub takes {most_members}"), help);
    }
    let characters = client.map_or(0, |it| it.to_string().chars().count());
    if characters > most_characters {
        let help = "GitHub refuses such an event";
        return failed(
            format!("`client_payload` has {characters} characters, and GitHub takes {most_characters}"),
            help,
        );
    }
    Ok(())
}

/// What a pull request's head was before, for an event that tells; which it is, is said where the workflow asks.
fn before(making: &mut Making<'_>, event: &Event, subject: &Subject, commit: Option<&Commit>) -> String {
    if event.activity.as_deref() != Some("synchronize") {
        return NO_COMMIT.to_owned();
    }
    let (sha, which) = pull_request::before(&making.repository, subject, commit);
    let is_told = making.asked.member("/before").is_some();
    if !is_told && making.workflow.source.text().contains("event.before") {
        let short = sha.get(..7).unwrap_or(&sha);
        making.notices.push(format!("`github.event.before` is {short}, {which}"));
    }
    sha
}

/// The object that the event is about, with the members that workflows commonly ask for.
fn about(making: &Making<'_>, event: &Event, subject: &Subject, commit: Option<&Commit>) -> Json {
    let user = json!({"login": event.actor, "type": "User"});
    let named = &subject.named;
    let (short, sha) = (named.short(), named.sha.as_str());
    let kind = if named.git_ref.starts_with("refs/tags/") { "tag" } else { "branch" };
    let issue = || {
        let state = if event.activity.as_deref() == Some("closed") { "closed" } else { "open" };
        json!({
            "number": 1, "title": "", "body": null, "state": state, "user": user, "labels": [], "assignees": [],
            "author_association": "OWNER",
        })
    };
    let comment = || json!({"id": 1, "body": "", "user": user, "author_association": "OWNER"});
    match event.name.as_str() {
        "branch_protection_rule" => json!({"rule": {"name": event.default_branch}}),
        "check_run" => {
            json!({"check_run": {"name": "", "head_sha": sha, "status": "completed", "conclusion": "success"}})
        }
        "check_suite" => json!({"check_suite": {
            "head_branch": event.default_branch, "head_sha": sha, "status": "completed", "conclusion": "success",
        }}),
        "create" => {
            json!({"ref": short, "ref_type": kind, "master_branch": event.default_branch, "pusher_type": "user"})
        }
        "delete" => json!({"ref": short, "ref_type": kind, "pusher_type": "user"}),
        "deployment" => json!({"deployment": deployment(short, sha)}),
        "deployment_status" => {
            json!({"deployment": deployment(short, sha), "deployment_status": {"state": "success", "environment": "production"}})
        }
        "discussion" => json!({"discussion": {"number": 1, "title": "", "body": "", "user": user, "state": "open"}}),
        "discussion_comment" => {
            json!({"discussion": {"number": 1, "title": "", "body": "", "user": user}, "comment": comment()})
        }
        "fork" => json!({"forkee": {"full_name": event.repository, "fork": true}}),
        "gollum" => json!({"pages": []}),
        "image_version" => json!({"image_version": {}}),
        "issues" => {
            let mut all = json!({"issue": issue()});
            if matches!(event.activity.as_deref(), Some("labeled" | "unlabeled")) {
                merge(&mut all, json!({"label": {"name": "", "color": "ededed"}}));
            }
            all
        }
        "issue_comment" | "pull_request_comment" => json!({"issue": issue(), "comment": comment()}),
        "label" => json!({"label": {"name": "", "color": "ededed", "description": null}}),
        "merge_group" => {
            let base = subject.base.as_ref();
            json!({"merge_group": {
                "head_ref": subject.git_ref, "head_sha": sha, "base_ref": base.map(|it| it.git_ref.clone()),
                "base_sha": base.map(|it| it.sha.clone()),
            }})
        }
        "milestone" => json!({"milestone": {"number": 1, "title": "", "state": "open"}}),
        "page_build" => json!({"build": {"status": "built", "commit": sha}, "id": 1}),
        "pull_request_review" => json!({"review": {"state": "approved", "body": null, "user": user, "commit_id": sha}}),
        "pull_request_review_comment" => json!({"comment": comment()}),
        "registry_package" => json!({"registry_package": {"name": "", "package_type": "CONTAINER"}}),
        "release" => json!({"release": {
            "tag_name": short, "name": short, "body": null, "draft": false, "target_commitish": event.default_branch,
            "prerelease": event.activity.as_deref() == Some("prereleased"), "author": user,
        }}),
        "repository_dispatch" => json!({"branch": event.default_branch, "client_payload": {}}),
        "status" => json!({"sha": sha, "state": "success", "context": "", "branches": []}),
        "workflow_run" => workflow_run(making, event, subject, commit),
        _ => json!({}),
    }
}

fn deployment(short: &str, sha: &str) -> Json {
    json!({"ref": short, "sha": sha, "environment": "production", "task": "deploy", "payload": {}})
}

/// The run that `workflow_run` is about: the first workflow that is listened to, pushed and finished well.
fn workflow_run(making: &Making<'_>, event: &Event, subject: &Subject, commit: Option<&Commit>) -> Json {
    let wanted = making.workflow.on.event("workflow_run").and_then(|it| it.workflows.first());
    let name = wanted.map(|it| it.value.as_str());
    let is_completed = event.activity.as_deref() == Some("completed");
    let status = if is_completed { "completed" } else { event.activity.as_deref().unwrap_or("completed") };
    let html = format!("https://github.com/{}", event.repository);
    json!({
        "workflow": {"name": name, "state": "active"},
        "workflow_run": {
            "id": 1, "name": name, "run_number": 1, "run_attempt": 1, "event": "push", "status": status,
            "conclusion": if is_completed { Json::from("success") } else { Json::Null },
            "head_branch": subject.named.short(), "head_sha": subject.named.sha, "pull_requests": [],
            "head_commit": commit.map_or(Json::Null, |it| it.to_json(&html)),
            "actor": {"login": event.actor}, "head_repository": {"full_name": event.repository, "fork": false},
        },
    })
}
