//! The event of a case, made up of what the case says and of nothing else.
//!
//! Of what is said twice, a key of the case wins over its payload, and the payload over what is made up.
use serde_json::{Value as Json, json};
use wfrun_plan::{ChangedPaths, Event, RunIdentity};
use wfrun_workflow::EventSpec;

use super::model::Given;
use crate::situation::merge;

/// The commit where a case names none.
const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
/// The commit before it.
const BEFORE: &str = "89abcdef0123456789abcdef0123456789abcdef";
const REPOSITORY: &str = "octo-org/octo-repo";
const ACTOR: &str = "octocat";

/// Makes up the event of a case.
pub(super) fn event(given: &Given) -> Event {
    let name = given.event.clone().unwrap_or_else(|| "push".to_owned());
    let or_told = |own: &Option<String>, pointer: &str| own.clone().or_else(|| told(given, pointer));
    let default_branch = or_told(&given.default_branch, "/repository/default_branch");
    let default_branch = default_branch.unwrap_or_else(|| "main".to_owned());
    let is_pull_request = matches!(name.as_str(), "pull_request" | "pull_request_target");
    let head = given.head.as_ref().filter(|_| is_pull_request).or(given.git_ref.as_ref());
    let (at_ref, at_sha) =
        if is_pull_request { ("/pull_request/head/ref", "/pull_request/head/sha") } else { ("/ref", "/after") };
    let head = match or_told(&head.cloned(), at_ref) {
        Some(text) => full_ref(&text),
        None if is_pull_request => "refs/heads/feature".to_owned(),
        None => full_ref(&default_branch),
    };
    let mut event = Event {
        activity: activity(given, &name).or_else(|| is_pull_request.then(|| "synchronize".to_owned())),
        git_ref: head.clone(),
        sha: or_told(&given.sha, at_sha).unwrap_or_else(|| SHA.to_owned()),
        base_ref: None,
        head_ref: None,
        head_message: None,
        changed: match &given.changed {
            Some(changed) => ChangedPaths::Known(changed.clone()),
            None => ChangedPaths::Unknown { why: "the case does not say what is changed".to_owned() },
        },
        repository: or_told(&given.repository, "/repository/full_name").unwrap_or_else(|| REPOSITORY.to_owned()),
        actor: or_told(&given.actor, "/sender/login").unwrap_or_else(|| ACTOR.to_owned()),
        default_branch,
        payload: Json::Null,
        name,
    };
    if is_pull_request {
        pull_request(given, &head, &mut event);
    }
    event.payload = payload(given, &event);
    event.head_message = event.payload.pointer("/head_commit/message").and_then(Json::as_str).map(str::to_owned);
    event
}

/// What the payload of a case says at a place; what is empty says nothing.
fn told(given: &Given, pointer: &str) -> Option<String> {
    let value = given.payload.as_ref()?.pointer(pointer)?;
    let text = value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|it| it.to_string()));
    text.filter(|it| !it.is_empty())
}

/// The activity type; the payload says it of events that have any.
fn activity(given: &Given, event: &str) -> Option<String> {
    let has_types = event == "repository_dispatch" || EventSpec::find(event).is_some_and(|it| !it.types.is_empty());
    given.activity.clone().or_else(|| told(given, "/action").filter(|_| has_types))
}

fn number(given: &Given) -> u64 {
    given.pr.or_else(|| told(given, "/number")?.parse().ok()).unwrap_or(1)
}

/// Which run it is; the same for every case.
pub(super) fn identity(given: &Given, event: &Event) -> RunIdentity {
    RunIdentity {
        run_id: "1".to_owned(),
        run_number: given.run_number.unwrap_or(1),
        run_attempt: 1,
        token: String::new(),
        workflow_sha: event.sha.clone(),
        api: wfrun_plan::ApiUrls::default(),
    }
}

/// A short name is a branch: what git has is not asked.
fn full_ref(text: &str) -> String {
    if text.starts_with("refs/") { text.to_owned() } else { format!("refs/heads/{text}") }
}

fn pull_request(given: &Given, head: &str, event: &mut Event) {
    let short = |it: &str| it.strip_prefix("refs/heads/").unwrap_or(it).to_owned();
    event.head_ref = Some(short(head));
    let base = given.base.clone().or_else(|| told(given, "/pull_request/base/ref"));
    event.base_ref = Some(short(base.as_deref().unwrap_or(&event.default_branch)));
    event.git_ref = match event.name.as_str() {
        "pull_request_target" => full_ref(&event.default_branch),
        _ => format!("refs/pull/{}/merge", number(given)),
    };
}

/// `github.event`. Source: GitHub: planning rules 2.3.
fn payload(given: &Given, event: &Event) -> Json {
    let (owner, name) = event.repository.split_once('/').unwrap_or(("", &event.repository));
    let html = format!("https://github.com/{}", event.repository);
    let mut payload = json!({
        "repository": {
            "name": name, "full_name": event.repository, "private": true, "fork": false,
            "owner": {"login": owner, "name": owner, "type": "User"},
            "default_branch": event.default_branch, "html_url": html, "clone_url": format!("{html}.git"),
        },
        "sender": {"login": event.actor, "type": "User"},
    });
    let more = match event.name.as_str() {
        "push" => push(event),
        "pull_request" | "pull_request_target" => pull_request_payload(given, event),
        "schedule" => json!({"schedule": given.schedule}),
        "workflow_dispatch" => json!({"ref": event.git_ref, "inputs": given.checked_inputs.event}),
        _ => event.activity.as_ref().map_or_else(|| json!({}), |it| json!({"action": it})),
    };
    merge(&mut payload, more);
    if let Some(own) = &given.payload {
        merge(&mut payload, without_what_is_given(own, given, &event.name));
    }
    payload
}

/// A payload without what keys of the case say otherwise: those win, as options do.
fn without_what_is_given(payload: &Json, given: &Given, event: &str) -> Json {
    let is_pull_request = event.starts_with("pull_request");
    let ref_is_given = given.git_ref.is_some() || given.head.is_some();
    let mut payload = payload.clone();
    for (is_given, pointer) in [
        (given.activity.is_some(), "/action"),
        (ref_is_given && event == "push", "/ref"),
        (ref_is_given && is_pull_request, "/pull_request/head/ref"),
        (given.base.is_some() && is_pull_request, "/pull_request/base/ref"),
        (given.sha.is_some() && event == "push", "/after"),
        (given.sha.is_some() && is_pull_request, "/pull_request/head/sha"),
        (given.pr.is_some(), "/number"),
        (given.repository.is_some(), "/repository/full_name"),
        (given.actor.is_some(), "/sender/login"),
        (given.default_branch.is_some(), "/repository/default_branch"),
    ] {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        if let (true, Some(Json::Object(members))) = (is_given, payload.pointer_mut(parent)) {
            members.shift_remove(key);
        }
    }
    payload
}

fn push(event: &Event) -> Json {
    let email = format!("{}@users.noreply.github.com", event.actor);
    let person = json!({"name": event.actor, "email": email, "username": event.actor});
    let commit = json!({
        "id": event.sha, "message": "a commit", "timestamp": "2026-01-01T00:00:00Z",
        "author": person, "committer": person,
    });
    json!({
        "ref": event.git_ref, "before": BEFORE, "after": event.sha, "base_ref": null,
        "created": false, "deleted": false, "forced": false,
        "commits": [commit], "head_commit": commit, "pusher": {"name": event.actor, "email": email},
    })
}

fn pull_request_payload(given: &Given, event: &Event) -> Json {
    let place = json!({"full_name": event.repository, "fork": false});
    let number = number(given);
    json!({
        "action": event.activity, "number": number,
        "pull_request": {
            "number": number, "state": "open", "title": event.head_ref, "body": null, "draft": false,
            "merged": false, "mergeable": null, "user": {"login": event.actor}, "labels": [],
            "head": {"ref": event.head_ref, "sha": event.sha, "repo": place},
            "base": {"ref": event.base_ref, "sha": BEFORE, "repo": place},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &Given, pointer: &str, expected: &str) {
        let event = event(given);
        let whole = json!({
            "name": event.name, "ref": event.git_ref, "base": event.base_ref, "head": event.head_ref,
            "message": event.head_message, "payload": event.payload,
        });
        let found = whole.pointer(pointer).cloned().unwrap_or(Json::Null);
        assert_eq!(found.as_str().map_or_else(|| found.to_string(), str::to_owned), expected, "{pointer}");
    }

    #[test]
    fn events_are_made_of_what_is_given() {
        let text = |it: &str| Some(it.to_owned());
        let push = Given::default();
        check(&push, "/name", "push");
        check(&push, "/ref", "refs/heads/main");
        check(&push, "/payload/ref", "refs/heads/main");
        check(&push, "/payload/repository/full_name", REPOSITORY);
        check(&push, "/message", "a commit");
        let tag = Given { git_ref: text("refs/tags/v1"), ..Given::default() };
        check(&tag, "/payload/ref", "refs/tags/v1");
        let pull = Given { event: text("pull_request"), git_ref: text("x"), pr: Some(7), ..Given::default() };
        check(&pull, "/ref", "refs/pull/7/merge");
        check(&pull, "/head", "x");
        check(&pull, "/base", "main");
        check(&pull, "/payload/pull_request/head/ref", "x");
        check(&pull, "/payload/action", "synchronize");
        let target = Given { event: text("pull_request_target"), base: text("dev"), ..Given::default() };
        check(&target, "/ref", "refs/heads/main");
        check(&target, "/base", "dev");
        let payload = Some(json!({"head_commit": {"message": "x"}, "extra": 1}));
        let merged = Given { payload, ..Given::default() };
        check(&merged, "/message", "x");
        check(&merged, "/payload/extra", "1");
        check(&merged, "/payload/head_commit/author/name", ACTOR);
        // What is said twice: the payload makes the event, and what a key says wins.
        let payload = || Some(json!({"ref": "refs/heads/dev", "repository": {"full_name": "a/b"}, "action": "x"}));
        let told = Given { payload: payload(), ..Given::default() };
        check(&told, "/ref", "refs/heads/dev");
        check(&told, "/payload/repository/name", "b");
        let given = Given { payload: payload(), git_ref: text("main"), ..Given::default() };
        check(&given, "/ref", "refs/heads/main");
        check(&given, "/payload/ref", "refs/heads/main");
        let payload = Some(json!({"action": "labeled", "number": 9, "pull_request": {"base": {"ref": "v1"}}}));
        let pull = Given { event: text("pull_request"), payload, ..Given::default() };
        check(&pull, "/ref", "refs/pull/9/merge");
        check(&pull, "/base", "v1");
        check(&pull, "/payload/action", "labeled");
        let release = Given { event: text("release"), activity: text("published"), ..Given::default() };
        check(&release, "/payload/action", "published");
    }
}
