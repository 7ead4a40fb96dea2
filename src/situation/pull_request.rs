//! The payload of events about a pull request.
use serde_json::{Value as Json, json};
use wfrun_plan::{ChangedPaths, Event};

use super::subject::Subject;
use super::{Making, push};
use crate::repository::{Commit, Merge, NO_COMMIT, Repository};

/// Merges the head into the base, if they are two commits and git has both.
pub(super) fn merge(repository: &Repository, subject: &Subject, commit: Option<&Commit>) -> Option<Merge> {
    let (base, head) = (two_commits(subject)?, commit?);
    Some(repository.merge(base, &head.id, &head.committed))
}

/// The base's commit, if it is one that git has and the head is another.
fn two_commits(subject: &Subject) -> Option<&str> {
    let base = subject.base.as_ref().filter(|it| it.is_known && it.sha != subject.named.sha)?;
    Some(&base.sha)
}

/// Says why `github.sha` is no merge commit where it should be one, and no gate says it.
pub(super) fn unmerged(event: &str, merge: &Merge) -> Option<String> {
    match merge {
        Merge::Commit(_) => None,
        // It sets nothing off, which is told as such.
        Merge::Conflict if event == "pull_request" => None,
        Merge::Conflict => Some("head and base have conflicts: `github.sha` is the head's".to_owned()),
        Merge::Unknown(why) => Some(format!("git cannot merge head and base ({why}): `github.sha` is the head's")),
    }
}

/// The object that describes a pull request. Source: GitHub: planning rules 2.3.
///
/// Differs: `additions`, `deletions` and, without a path filter, `changed_files` of a pull request are null where the
/// workflow's file does not name them, for it takes time to count them; GitHub always has them.
pub(super) fn described(making: &Making<'_>, event: &Event, subject: &Subject, merge: Option<&Merge>) -> Json {
    let repository = &making.repository;
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
    let size = if is_asked(making) { size(repository, subject) } else { Size::default() };
    let changed = match &event.changed {
        ChangedPaths::Known(files) => Some(files.len() as u64),
        ChangedPaths::Unknown { .. } | ChangedPaths::Unasked { .. } => None,
    };
    let count = two_commits(subject).and_then(|it| {
        repository.git.look_up(&["rev-list", "--count", &format!("{it}..{}", head.sha)])?.parse::<u64>().ok()
    });
    // GitHub finds out later whether it can be merged; only that it cannot be has an effect.
    let (mergeable, merged) = match merge {
        Some(Merge::Commit(sha)) => (None, Some(sha)),
        Some(Merge::Conflict) => (Some(false), None),
        Some(Merge::Unknown(_)) | None => (None, None),
    };
    let state = if event.activity.as_deref() == Some("closed") { "closed" } else { "open" };
    json!({
        "number": number, "state": state, "title": head.short(), "body": null, "draft": false, "merged": false,
        "mergeable": mergeable, "merge_commit_sha": merged, "user": {"login": event.actor, "type": "User"},
        "labels": [], "assignees": [], "requested_reviewers": [], "milestone": null, "author_association": "OWNER",
        "html_url": format!("{html}/pull/{number}"), "head": side(head.short(), &head.sha),
        "base": side(base, base_sha), "commits": count, "additions": size.additions, "deletions": size.deletions,
        "changed_files": size.files.or(changed),
    })
}

/// How much a pull request changes.
#[derive(Default)]
struct Size {
    files: Option<u64>,
    additions: Option<u64>,
    deletions: Option<u64>,
}

/// Whether the workflow's file names a member of [`Size`]; an expression by itself, which has no file, may.
fn is_asked(making: &Making<'_>) -> bool {
    let text = making.workflow.source.text();
    making.workflow.jobs.is_empty() || ["additions", "deletions", "changed_files"].iter().any(|it| text.contains(it))
}

fn size(repository: &Repository, subject: &Subject) -> Size {
    let counted = two_commits(subject).and_then(|base| {
        let range = format!("{base}...{}", subject.named.sha);
        repository.git.ask(&["diff", "--numstat", "--relative", "--ignore-submodules=none", &range, "--"]).ok()
    });
    let Some(counted) = counted else { return Size::default() };
    let mut size = Size { files: Some(0), additions: Some(0), deletions: Some(0) };
    for line in counted.lines() {
        // Of a file that is no text there are no numbers.
        let mut numbers = line.split('\t').map(|it| it.parse::<u64>().unwrap_or(0));
        let mut add = |total: &mut Option<u64>| *total = Some(total.unwrap_or(0) + numbers.next().unwrap_or(0));
        add(&mut size.additions);
        add(&mut size.deletions);
        size.files = size.files.map(|it| it + 1);
    }
    size
}

/// What an activity adds. Source: GitHub: planning rules 2.3.
pub(super) fn of_activity(event: &Event, subject: &Subject, before: &str) -> Json {
    let user = json!({"login": event.actor, "type": "User"});
    match event.activity.as_deref() {
        Some("synchronize") => json!({"before": before, "after": subject.named.sha}),
        Some("labeled" | "unlabeled") => json!({"label": {"name": "", "color": "ededed"}}),
        Some("assigned" | "unassigned") => json!({"assignee": user}),
        Some("review_requested" | "review_request_removed") => json!({"requested_reviewer": user}),
        Some("milestoned" | "demilestoned") => json!({"milestone": {"title": ""}}),
        Some("edited") => json!({"changes": {}}),
        _ => json!({}),
    }
}

/// What the head was before it was pushed, with what to say about that.
///
/// Differs: `github.event.before` of a pull request's `synchronize` is what `origin` has of its head, and where that is
/// not older the head's first parent; wfrun says which, where the workflow reads it.
pub(super) fn before(repository: &Repository, subject: &Subject, commit: Option<&Commit>) -> (String, String) {
    let name = subject.named.short();
    if let Some(sha) = push::before(repository, &subject.named) {
        return (sha.clone(), format!("what `origin` has of `{name}`"));
    }
    match commit.and_then(|it| it.parents.first()) {
        Some(parent) => (parent.clone(), format!("the first parent of the head: `origin` has no older `{name}`")),
        None => (NO_COMMIT.to_owned(), format!("no commit: the head of `{name}` has no parent here")),
    }
}
