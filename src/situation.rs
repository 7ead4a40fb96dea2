//! What happened, made up from git and the options: the event of a run.
use std::path::Path;

use serde_json::{Value as Json, json};
use wfrun_plan::{ChangedPaths, Event};
use wfrun_runner::SnapshotSettings;
use wfrun_workflow::Workflow;

use crate::cli::EventArgs;
use crate::environment::Environment;
use crate::output::Help;
use crate::repository::{Commit, Repository, Resolved};

/// An event and what git had to say about it.
#[derive(Debug)]
pub(crate) struct Situation {
    /// The event; its commit is settled once the snapshot is taken.
    pub(crate) event: Event,
    /// What jobs will check out.
    pub(crate) snapshot: SnapshotSettings,
    /// What to tell before anything runs.
    pub(crate) notices: Vec<String>,
    /// How to ask git for more.
    pub(crate) repository: Repository,
}

/// GitHub writes this for a commit that is not there.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Makes up the event of a run.
pub(crate) fn situation(
    workflow: &Workflow,
    root: &Path,
    args: &EventArgs,
    environment: &Environment,
) -> anyhow::Result<Situation> {
    let repository = Repository::open(root)?;
    let mut notices = Vec::new();
    let name = event_name(workflow, args.event.as_deref());
    let default_branch = args.default_branch.clone().unwrap_or_else(|| repository.default_branch());
    let is_pull_request = matches!(name.as_str(), "pull_request" | "pull_request_target");
    let head = args.head.as_ref().filter(|_| is_pull_request).or(args.git_ref.as_ref());
    let head = repository.resolve(head, &mut notices)?;
    let sha = match &args.sha {
        Some(sha) => repository.commit(sha)?,
        None => head.sha.clone(),
    };
    if args.git_ref.is_none() && args.head.is_none() && repository.is_detached() {
        notices.push(format!("no branch is checked out: the commit is taken as pushed to {}", head.git_ref));
    }
    notices.extend(repository.unlike_the_commit(&sha, workflow.source.path()));
    let slug = args.repository.clone().unwrap_or_else(|| repository.slug(root));
    let mut event = Event {
        name: name.clone(),
        activity: args.activity.clone().or_else(|| is_pull_request.then(|| "synchronize".to_owned())),
        git_ref: head.git_ref.clone(),
        sha: sha.clone(),
        base_ref: None,
        head_ref: None,
        head_message: None,
        changed: ChangedPaths::Unknown { why: "the workflow has no path filter".to_owned() },
        repository: slug,
        actor: args.actor.clone().or_else(|| environment.user.clone()).unwrap_or_else(|| "wfrun".to_owned()),
        default_branch,
        payload: Json::Null,
    };
    let mut merge_base = None;
    if is_pull_request {
        merge_base = pull_request(&repository, args, &head, &mut event, &mut notices);
    }
    let commit = repository.describe(&sha);
    let parent = commit.as_ref().and_then(|it| it.parent.clone());
    event.head_message = commit.as_ref().map(|it| it.message.clone());
    if has_path_filter(workflow, &name) {
        event.changed = changed(&repository, args, &event, &sha, merge_base.as_deref(), parent.as_deref());
    }
    event.payload = payload(&repository, args, &event, commit.as_ref(), &head)?;
    let snapshot =
        SnapshotSettings { root: root.to_owned(), prefix: repository.prefix.clone(), sha, merge_base, dirty: false };
    Ok(Situation { event, snapshot, notices, repository })
}

/// Given, or the workflow's only event, or `push`.
pub(crate) fn event_name(workflow: &Workflow, given: Option<&str>) -> String {
    if let Some(name) = given {
        return name.to_owned();
    }
    let mut events = workflow.on.events.keys();
    match (events.next(), events.next()) {
        (Some(only), None) => only.to_string(),
        _ => "push".to_owned(),
    }
}

fn has_path_filter(workflow: &Workflow, event: &str) -> bool {
    workflow.on.events.iter().any(|(name, config)| name.as_str() == event && config.paths.is_some())
}

/// Fills in what is special about a pull request; gives back the commit to merge with.
fn pull_request(
    repository: &Repository,
    args: &EventArgs,
    head: &Resolved,
    event: &mut Event,
    notices: &mut Vec<String>,
) -> Option<String> {
    let short = |it: &str| it.strip_prefix("refs/heads/").unwrap_or(it).to_owned();
    let base = args.base.clone().unwrap_or_else(|| event.default_branch.clone());
    event.head_ref = Some(short(&head.git_ref));
    event.base_ref = Some(short(&base));
    if event.name == "pull_request_target" {
        event.git_ref = format!("refs/heads/{}", event.default_branch);
        return None;
    }
    event.git_ref = format!("refs/pull/{}/merge", args.pr);
    let Some(base_sha) = repository.look_up(&short(&base)) else {
        notices.push(format!("git does not know the base branch `{base}`, so the head is not merged into it"));
        return None;
    };
    (base_sha != head.sha).then_some(base_sha)
}

fn changed(
    repository: &Repository,
    args: &EventArgs,
    event: &Event,
    sha: &str,
    merge_base: Option<&str>,
    parent: Option<&str>,
) -> ChangedPaths {
    if !args.changed.is_empty() {
        return ChangedPaths::Known(args.changed.clone());
    }
    let range = match (&args.since, merge_base) {
        (Some(since), _) => format!("{since}..{sha}"),
        // A pull request counts from where its branch left the base.
        (None, Some(base)) => format!("{base}...{sha}"),
        (None, None) => match repository.before(event, sha, parent) {
            Some(before) => format!("{before}..{sha}"),
            None => return ChangedPaths::Unknown { why: "there is no commit before it".to_owned() },
        },
    };
    let names = repository.git.ask(&["diff", "--name-only", "--no-renames", "--relative", "-z", &range]);
    match names {
        Ok(names) => ChangedPaths::Known(names.split('\0').filter(|it| !it.is_empty()).map(str::to_owned).collect()),
        Err(err) => ChangedPaths::Unknown { why: err.to_string() },
    }
}

/// `github.event`. Source: GitHub: planning rules 2.3.
fn payload(
    repository: &Repository,
    args: &EventArgs,
    event: &Event,
    commit: Option<&Commit>,
    head: &Resolved,
) -> anyhow::Result<Json> {
    let (owner, name) = event.repository.split_once('/').unwrap_or(("", &event.repository));
    let html = format!("https://github.com/{}", event.repository);
    let described = json!({
        "name": name, "full_name": event.repository, "private": true, "fork": false,
        "owner": {"login": owner, "name": owner, "type": "User"},
        "default_branch": event.default_branch, "html_url": html, "clone_url": format!("{html}.git"),
    });
    let sender = json!({"login": event.actor, "type": "User"});
    let mut payload = json!({"repository": described, "sender": sender});
    let more = match event.name.as_str() {
        "push" => push_payload(repository, event, commit),
        "pull_request" | "pull_request_target" => pull_request_payload(repository, args, event, head),
        "workflow_dispatch" => json!({"ref": event.git_ref, "inputs": inputs(args)?}),
        _ => json!({}),
    };
    merge(&mut payload, more);
    if let Some(path) = &args.event_path {
        let given = read_json(path)?;
        merge(&mut payload, given);
    }
    Ok(payload)
}

pub(crate) fn read_json(path: &Path) -> anyhow::Result<Json> {
    let help = "give a file that holds the event's payload as JSON";
    let failed = |what: String| Help::error("file/payload", format!("failed to read {}: {what}", path.display()), help);
    let text = std::fs::read_to_string(path).map_err(|err| failed(err.to_string()))?;
    serde_json::from_str(&text).map_err(|err| failed(err.to_string()))
}

fn push_payload(repository: &Repository, event: &Event, commit: Option<&Commit>) -> Json {
    let parent = commit.and_then(|it| it.parent.as_deref());
    let before = repository.before(event, &event.sha, parent);
    let head = commit.map_or(Json::Null, Commit::to_json);
    json!({
        "ref": event.git_ref, "before": before.as_deref().unwrap_or(NO_COMMIT), "after": event.sha,
        "base_ref": null, "created": before.is_none(), "deleted": false, "forced": false,
        "commits": commit.map(|it| vec![it.to_json()]).unwrap_or_default(), "head_commit": head,
        "pusher": {"name": event.actor, "email": commit.map(|it| it.email.clone()).unwrap_or_default()},
    })
}

fn pull_request_payload(repository: &Repository, args: &EventArgs, event: &Event, head: &Resolved) -> Json {
    let base_ref = event.base_ref.clone().unwrap_or_default();
    let head_ref = event.head_ref.clone().unwrap_or_default();
    let base_sha = repository.look_up(&base_ref).unwrap_or_else(|| NO_COMMIT.to_owned());
    let place = json!({"full_name": event.repository, "fork": false});
    json!({
        "action": event.activity, "number": args.pr,
        "pull_request": {
            "number": args.pr, "state": "open", "title": head_ref, "body": null, "draft": false, "merged": false,
            "mergeable": null, "user": {"login": event.actor}, "labels": [],
            "head": {"ref": head_ref, "sha": head.sha, "repo": place},
            "base": {"ref": base_ref, "sha": base_sha, "repo": place},
        },
    })
}

/// The inputs of `workflow_dispatch`, all texts.
pub(crate) fn inputs(args: &EventArgs) -> anyhow::Result<serde_json::Map<String, Json>> {
    let given = crate::key_values::collect(&args.input_file, &args.input, "--input")?;
    Ok(given.value.into_iter().map(|(name, value)| (name, Json::String(value))).collect())
}

/// Lays `more` over `base`, mapping by mapping.
pub(crate) fn merge(base: &mut Json, more: Json) {
    match (base, more) {
        (Json::Object(base), Json::Object(more)) => {
            for (key, value) in more {
                merge(base.entry(key).or_insert(Json::Null), value);
            }
        }
        (base, more) => *base = more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_laid_over() {
        let mut base = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge(&mut base, json!({"a": {"b": 3}, "d": [2], "e": null}));
        assert_eq!(base, json!({"a": {"b": 3, "c": 2}, "d": [2], "e": null}));
    }
}
