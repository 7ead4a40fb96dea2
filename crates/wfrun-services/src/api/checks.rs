//! Statuses of commits, and check runs.

use serde_json::{Value, json};

use super::Api;
use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::shapes::{bot, in_short, now, with};
use super::trees::short;

/// Source: GitHub's answer to more: "description is too long (maximum is 140 characters)".
const MOST_IN_STATUS: usize = 140;

/// Source: GitHub: "Create a check run": `output.summary` and `output.text`, and annotations of one request.
const MOST_IN_OUTPUT: usize = 65_535;
const MOST_ANNOTATIONS: usize = 50;

/// `POST /statuses/{sha}`
pub(super) fn create_status(call: &Call<'_>) -> Answered {
    let sha = call.api.resolved(call.param("sha"))?;
    let state = call.required("state")?;
    if !["error", "failure", "pending", "success"].contains(&state) {
        return Err(Refusal::invalid("Status", "state", "invalid"));
    }
    let context = call.text("context")?.unwrap_or("default");
    let status = {
        let mut all = call.api.state();
        let id = all.new_id();
        let status = json!({
            "id": id, "node_id": format!("SC_{id}"), "url": call.api.rest(&format!("/statuses/{sha}")), "state": state,
            "context": context, "description": call.limited("Status", "description", MOST_IN_STATUS)?, "target_url": call.text("target_url")?,
            "creator": bot(), "created_at": now(), "updated_at": now(),
        });
        all.statuses.push((sha.clone(), status.clone()));
        status
    };
    Ok(Answer::created(status, format!("set status {context} of {} to {state}", short(&sha))))
}

impl Api {
    /// Statuses of a commit, the newest first.
    fn statuses_of(&self, sha: &str) -> Vec<Value> {
        let state = self.state();
        state.statuses.iter().rev().filter(|(of, _)| of == sha).map(|(_, it)| it.clone()).collect()
    }
}

/// `GET /commits/{ref}/statuses`
pub(super) fn statuses(call: &Call<'_>) -> Answered {
    let sha = call.api.resolved(call.param("ref"))?;
    call.paged(call.api.statuses_of(&sha))
}

/// `GET /commits/{ref}/status`: all of them as one.
///
/// Source: GitHub: "Get the combined status for a specific reference".
pub(super) fn combined(call: &Call<'_>) -> Answered {
    let sha = call.api.resolved(call.param("ref"))?;
    let mut newest: Vec<Value> = Vec::new();
    for status in call.api.statuses_of(&sha) {
        if !newest.iter().any(|it| it["context"] == status["context"]) {
            newest.push(status);
        }
    }
    let any = |states: &[&str]| newest.iter().any(|it| states.iter().any(|state| it["state"] == *state));
    let state = if any(&["error", "failure"]) {
        "failure"
    } else if newest.is_empty() || any(&["pending"]) {
        "pending"
    } else {
        "success"
    };
    let url = call.api.rest(&format!("/commits/{sha}/status"));
    let total = newest.len();
    Ok(Answer::json(json!({"state": state, "statuses": newest, "sha": sha, "total_count": total, "url": url})))
}

/// What a body may say of a check run.
const FIELDS: [&str; 9] =
    ["name", "details_url", "external_id", "status", "conclusion", "started_at", "completed_at", "output", "actions"];

/// Source: GitHub: "Create a check run".
const CONCLUSIONS: [&str; 8] =
    ["action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out"];

fn given(call: &Call<'_>) -> Result<Value, Refusal> {
    let mut given = json!({});
    for name in FIELDS {
        if let Some(value) = call.body.get(name) {
            given[name] = value.clone();
        }
    }
    match call.text("conclusion")? {
        Some(it) if !CONCLUSIONS.contains(&it) => return Err(Refusal::invalid("CheckRun", "conclusion", "invalid")),
        Some(_) => {
            given["status"] = "completed".into();
            given["completed_at"] = call.text("completed_at")?.map_or_else(now, str::to_owned).into();
        }
        None => {}
    }
    for name in ["summary", "text"] {
        let text = given["output"][name].as_str().unwrap_or_default();
        if text.len() > MOST_IN_OUTPUT && text.chars().count() > MOST_IN_OUTPUT {
            return Err(Refusal::too_long("CheckRun", name, MOST_IN_OUTPUT));
        }
    }
    if given["output"]["annotations"].as_array().is_some_and(|it| it.len() > MOST_ANNOTATIONS) {
        return Err(Refusal::unprocessable("Invalid request.\n\nNo more than 50 annotations are allowed"));
    }
    if let Some(annotations) = given["output"].get_mut("annotations").map(Value::take) {
        given["output"]["annotations_count"] = annotations.as_array().map_or(0, Vec::len).into();
    }
    Ok(given)
}

/// `POST /check-runs`
pub(super) fn create(call: &Call<'_>) -> Answered {
    let name = call.filled("CheckRun", "name")?;
    let sha = call.api.resolved(call.required("head_sha")?)?;
    let given = given(call)?;
    let run = {
        let mut state = call.api.state();
        let id = state.new_id();
        let run = with(
            json!({
                "id": id, "node_id": format!("CR_{id}"), "head_sha": sha, "status": "queued", "conclusion": null,
                "started_at": now(), "completed_at": null, "external_id": "",
                "output": {"title": null, "summary": null, "text": null, "annotations_count": 0},
                "url": call.api.rest(&format!("/check-runs/{id}")), "html_url": call.api.html(&format!("/runs/{id}")),
                "app": {"slug": "github-actions", "name": "GitHub Actions", "id": 15368}, "pull_requests": [],
            }),
            given,
        );
        state.check_runs.push(run.clone());
        run
    };
    let end = run["conclusion"].as_str().map(|it| format!(" with {it}")).unwrap_or_default();
    Ok(Answer::created(run, format!("create check run {} on {}{end}", in_short(name), short(&sha))))
}

/// `PATCH /check-runs/{id}`
pub(super) fn update(call: &Call<'_>) -> Answered {
    let (id, given) = (call.number("id")?, given(call)?);
    let run = {
        let mut state = call.api.state();
        let run = state.check_runs.iter_mut().find(|it| it["id"] == id).ok_or_else(Refusal::not_found)?;
        *run = with(run.take(), given);
        run.clone()
    };
    let name = run["name"].as_str().unwrap_or_default().to_owned();
    let end = run["conclusion"].as_str().map(|it| format!(" with {it}")).unwrap_or_default();
    Ok(Answer::changed(run, format!("update check run {}{end}", in_short(&name))))
}

/// `GET /check-runs/{id}`
pub(super) fn get(call: &Call<'_>) -> Answered {
    let id = call.number("id")?;
    let run = call.api.state().check_runs.iter().find(|it| it["id"] == id).cloned();
    run.map(Answer::json).ok_or_else(Refusal::not_found)
}

/// `GET /commits/{ref}/check-runs`
///
/// Differs: the jobs of the run itself are no check runs.
pub(super) fn of_commit(call: &Call<'_>) -> Answered {
    let sha = call.api.resolved(call.param("ref"))?;
    let wanted = |it: &&Value| {
        let by = |name: &str, field: &str| call.query(name).is_none_or(|wanted| it[field] == wanted);
        it["head_sha"] == sha.as_str() && by("check_name", "name") && by("status", "status")
    };
    let found: Vec<Value> = call.api.state().check_runs.iter().rev().filter(wanted).cloned().collect();
    let (page, total) = (call.page(), found.len());
    let shown: Vec<Value> = found.into_iter().skip(page.skipped()).take(page.size).collect();
    Ok(call.page_of(json!({"total_count": total, "check_runs": shown}), total))
}
