//! The repository as a whole, and what is said of the token.

use serde_json::{Value, json};

use super::answer::{Answer, Answered};
use super::call::Call;
use super::shapes::completed;

/// `GET /repos/{owner}/{repo}`
#[expect(clippy::unnecessary_wraps, reason = "it is a route of the table")]
pub(super) fn get(call: &Call<'_>) -> Answered {
    let (api, settings) = (call.api, &call.api.settings);
    let (owner, name) = settings.repository.split_once('/').unwrap_or(("", &settings.repository));
    let html = api.html("");
    let made = json!({
        "id": 1, "node_id": "R_1", "name": name, "full_name": settings.repository, "private": true, "visibility": "private",
        "owner": {"login": owner, "id": 1, "type": "User", "html_url": format!("https://github.com/{owner}")},
        "html_url": html, "url": api.rest(""), "description": null, "fork": false, "archived": false, "disabled": false,
        "default_branch": settings.default_branch, "clone_url": format!("{html}.git"), "git_url": format!("git:{}.git", &html[6..]),
        "ssh_url": format!("git@github.com:{}.git", settings.repository), "language": null, "topics": [], "license": null,
        "has_issues": true, "has_projects": true, "has_wiki": true, "allow_squash_merge": true, "allow_merge_commit": true,
        "allow_rebase_merge": true, "stargazers_count": 0, "forks_count": 0, "open_issues_count": 0,
    });
    let mut all = completed(settings.payload.get("repository").unwrap_or(&Value::Null), &made);
    if !all.is_object() {
        all = made;
    }
    all["url"] = api.rest("").into();
    Ok(Answer::json(all))
}

/// `GET /rate_limit`
///
/// Differs: no limit of calls is ever reached.
#[expect(clippy::unnecessary_wraps, reason = "it is a route of the table")]
pub(super) fn rate_limit(_: &Call<'_>) -> Answered {
    let reset = jiff::Timestamp::now().as_second() + 3600;
    let limit = json!({"limit": 1000, "remaining": 1000, "reset": reset, "used": 0});
    Ok(Answer::json(json!({"resources": {"core": limit, "search": limit, "graphql": limit}, "rate": limit})))
}

/// `GET /repos/{owner}/{repo}/actions/runs/{run_id}`: this run alone.
pub(super) fn run(call: &Call<'_>) -> Answered {
    let settings = &call.api.settings;
    if call.param("run_id") != settings.run_id {
        return Err(super::answer::Refusal::not_found());
    }
    let id = call.number("run_id")?;
    let branch = settings.git_ref.strip_prefix("refs/heads/").or_else(|| settings.git_ref.strip_prefix("refs/tags/"));
    let branch = settings.payload["pull_request"]["head"]["ref"].as_str().or(branch);
    let actor = json!({"login": settings.actor, "type": "User"});
    Ok(Answer::json(json!({
        "id": id, "name": settings.workflow, "head_branch": branch, "head_sha": settings.sha, "path": settings.workflow_path,
        "run_number": settings.run_number, "run_attempt": 1, "event": settings.event, "status": "in_progress",
        "conclusion": null, "url": call.api.rest(&format!("/actions/runs/{id}")),
        "html_url": call.api.html(&format!("/actions/runs/{id}")), "actor": actor, "triggering_actor": actor,
        "pull_requests": [], "repository": {"full_name": settings.repository},
        "head_repository": {"full_name": settings.repository},
    })))
}
