//! The event of a case, made up of what the case says and of nothing else.
use serde_json::{Value as Json, json};
use wfrun_plan::{ChangedPaths, Event, RunIdentity};

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
    let default_branch = given.default_branch.clone().unwrap_or_else(|| "main".to_owned());
    let is_pull_request = matches!(name.as_str(), "pull_request" | "pull_request_target");
    let head = given.head.as_ref().filter(|_| is_pull_request).or(given.git_ref.as_ref());
    let head = match head {
        Some(text) => full_ref(text),
        None if is_pull_request => "refs/heads/feature".to_owned(),
        None => full_ref(&default_branch),
    };
    let mut event = Event {
        activity: given.activity.clone().or_else(|| is_pull_request.then(|| "synchronize".to_owned())),
        git_ref: head.clone(),
        sha: given.sha.clone().unwrap_or_else(|| SHA.to_owned()),
        base_ref: None,
        head_ref: None,
        head_message: None,
        changed: match &given.changed {
            Some(changed) => ChangedPaths::Known(changed.clone()),
            None => ChangedPaths::Unknown { why: "the case does not say what is changed".to_owned() },
        },
        repository: given.repository.clone().unwrap_or_else(|| REPOSITORY.to_owned()),
        actor: given.actor.clone().unwrap_or_else(|| ACTOR.to_owned()),
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
    event.base_ref = Some(short(given.base.as_deref().unwrap_or(&event.default_branch)));
    event.git_ref = match event.name.as_str() {
        "pull_request_target" => full_ref(&event.default_branch),
        _ => format!("refs/pull/{}/merge", given.pr.unwrap_or(1)),
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
        "workflow_dispatch" => json!({"ref": event.git_ref, "inputs": given.checked_inputs.event}),
        _ => event.activity.as_ref().map_or_else(|| json!({}), |it| json!({"action": it})),
    };
    merge(&mut payload, more);
    if let Some(given) = &given.payload {
        merge(&mut payload, given.clone());
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
    let number = given.pr.unwrap_or(1);
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
        let release = Given { event: text("release"), activity: text("published"), ..Given::default() };
        check(&release, "/payload/action", "published");
    }
}
