//! The payload of events about a pull request.
use serde_json::{Value as Json, json};
use wfrun_plan::{ChangedPaths, Event};

use super::subject::Subject;
use crate::repository::{NO_COMMIT, Repository};

/// The object that describes a pull request. Source: GitHub: planning rules 2.3.
pub(super) fn described(repository: &Repository, event: &Event, subject: &Subject) -> Json {
    let (owner, _) = event.repository.split_once('/').unwrap_or(("", ""));
    let (head, html) = (&subject.named, format!("https://github.com/{}", event.repository));
    let place = json!({
        "full_name": event.repository, "fork": false, "default_branch": event.default_branch,
        "owner": {"login": owner},
    });
    let side =
        |name: &str, sha: &str| json!({"ref": name, "sha": sha, "label": format!("{owner}:{name}"), "repo": place});
    let (base, base_sha) = subject.base.as_ref().map_or(("", NO_COMMIT), |it| (it.short(), it.sha.as_str()));
    let number = subject.number;
    let changed = match &event.changed {
        ChangedPaths::Known(files) => Json::from(files.len()),
        ChangedPaths::Unknown { .. } => Json::Null,
    };
    let count = subject.merge_base.as_ref().and_then(|it| {
        repository.git.look_up(&["rev-list", "--count", &format!("{it}..{}", head.sha)])?.parse::<u64>().ok()
    });
    // GitHub finds out later whether it can be merged; only that it cannot be has an effect.
    let conflict = subject.merge_base.as_ref().filter(|it| repository.conflicts(it, &head.sha)).map(|_| false);
    let state = if event.activity.as_deref() == Some("closed") { "closed" } else { "open" };
    json!({
        "number": number, "state": state, "title": head.short(), "body": null, "draft": false, "merged": false,
        "mergeable": conflict, "merge_commit_sha": null, "user": {"login": event.actor, "type": "User"}, "labels": [],
        "assignees": [], "requested_reviewers": [], "milestone": null, "author_association": "OWNER",
        "html_url": format!("{html}/pull/{number}"), "head": side(head.short(), &head.sha),
        "base": side(base, base_sha), "commits": count, "changed_files": changed,
    })
}

/// What an activity adds. Source: GitHub: planning rules 2.3.
pub(super) fn of_activity(event: &Event, subject: &Subject) -> Json {
    let user = json!({"login": event.actor, "type": "User"});
    match event.activity.as_deref() {
        // The commit before is not known: it is what the head was when it was last pushed.
        Some("synchronize") => json!({"before": NO_COMMIT, "after": subject.named.sha}),
        Some("labeled" | "unlabeled") => json!({"label": {"name": "", "color": "ededed"}}),
        Some("assigned" | "unassigned") => json!({"assignee": user}),
        Some("review_requested" | "review_request_removed") => json!({"requested_reviewer": user}),
        Some("milestoned" | "demilestoned") => json!({"milestone": {"title": ""}}),
        Some("edited") => json!({"changes": {}}),
        _ => json!({}),
    }
}
