//! Issues, and pull requests as far as they are issues.

use serde_json::{Value, json};

use super::Api;
use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::comments::MOST;
use super::shapes::{bot, completed, in_short, now, with};

impl Api {
    /// `pull request #7`, `issue #3`; GitHub's answer for one that is not there.
    pub(super) fn spoken_issue(&self, number: u64) -> Result<String, Refusal> {
        let state = self.state();
        let issue = state.issues.get(&number).ok_or_else(Refusal::not_found)?;
        let word = if issue.get("pull_request").is_some() { "pull request" } else { "issue" };
        Ok(format!("{word} #{number}"))
    }

    /// An issue as GitHub shows it.
    pub(super) fn issue_json(&self, number: u64, issue: &Value, comments: usize) -> Value {
        let kind = if issue.get("pull_request").is_some() { "pull" } else { "issues" };
        let html = self.html(&format!("/{kind}/{number}"));
        let url = self.rest(&format!("/issues/{number}"));
        let made = json!({
            "id": 2_000_000_000 + number, "node_id": format!("I_{number}"), "title": "", "body": null, "state": "open",
            "locked": false, "user": {"login": self.settings.actor, "type": "User"}, "labels": [], "assignees": [],
            "assignee": null, "milestone": null, "state_reason": null, "author_association": "OWNER",
            "html_url": html, "closed_at": null, "created_at": self.started, "updated_at": self.started,
        });
        let mut all = completed(issue, &made);
        all["url"] = url.clone().into();
        all["comments_url"] = format!("{url}/comments").into();
        all["labels_url"] = format!("{url}/labels{{/name}}").into();
        all["repository_url"] = self.rest("").into();
        all["comments"] = comments.into();
        if kind == "pull" {
            let url = self.rest(&format!("/pulls/{number}"));
            all["pull_request"] = json!({
                "url": url, "html_url": html, "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"),
                "merged_at": null,
            });
        }
        all
    }

    /// An issue by its number, as GitHub shows it.
    pub(super) fn shown_issue(&self, number: u64) -> Result<Value, Refusal> {
        let state = self.state();
        let issue = state.issues.get(&number).ok_or_else(Refusal::not_found)?;
        let comments = state.comments.iter().filter(|(of, _)| *of == number).count();
        Ok(self.issue_json(number, issue, comments))
    }

    /// Changes an issue that is there.
    pub(super) fn change_issue(&self, number: u64, change: impl FnOnce(&mut Value)) -> Result<(), Refusal> {
        let mut state = self.state();
        let issue = state.issues.get_mut(&number).ok_or_else(Refusal::not_found)?;
        change(issue);
        issue["updated_at"] = now().into();
        Ok(())
    }
}

/// `GET /issues`: the newest first.
pub(super) fn list(call: &Call<'_>) -> Answered {
    let state = call.query("state").unwrap_or("open");
    let labels: Vec<&str> = call.query("labels").unwrap_or_default().split(',').filter(|it| !it.is_empty()).collect();
    let numbers: Vec<u64> = call.api.state().issues.keys().rev().copied().collect();
    let mut found = Vec::new();
    for number in numbers {
        let issue = call.api.shown_issue(number)?;
        let has = |name: &&&str| {
            issue["labels"].as_array().is_some_and(|all| all.iter().any(|it| super::state::is_named(it, name)))
        };
        if (state == "all" || issue["state"] == state) && labels.iter().filter(|it| !has(it)).count() == 0 {
            found.push(issue);
        }
    }
    call.paged(found)
}

/// `GET /issues/{number}`
pub(super) fn get(call: &Call<'_>) -> Answered {
    Ok(Answer::json(call.api.shown_issue(call.number("number")?)?))
}

/// `POST /issues`
pub(super) fn create(call: &Call<'_>) -> Answered {
    let title = call.filled("Issue", "title")?;
    let labels = call.texts("labels")?.unwrap_or_default();
    let number = {
        let mut state = call.api.state();
        let number = state.new_number();
        let labels: Vec<Value> = labels.iter().map(|it| state.know_label(it, None)).collect();
        let issue = json!({
            "number": number, "title": title, "body": call.limited("Issue", "body", MOST)?, "state": "open", "user": bot(), "labels": labels,
            "assignees": users(&call.texts("assignees")?.unwrap_or_default()), "milestone": null, "created_at": now(),
            "updated_at": now(),
        });
        state.issues.insert(number, issue);
        number
    };
    Ok(Answer::created(call.api.shown_issue(number)?, format!("open issue #{number}: {}", in_short(title))))
}

/// `PATCH /issues/{number}`
pub(super) fn update(call: &Call<'_>) -> Answered {
    let number = call.number("number")?;
    let spoken = call.api.spoken_issue(number)?;
    let would = changes(call, number)?;
    Ok(Answer::changed(call.api.shown_issue(number)?, format!("{would} {spoken}")))
}

/// Takes over what a body says of an issue or pull request; gives back what that is, as a verb.
pub(super) fn changes(call: &Call<'_>, number: u64) -> Result<&'static str, Refusal> {
    let mut more = json!({});
    call.limited("Issue", "body", MOST)?;
    for name in ["title", "body", "state", "state_reason"] {
        if let Some(text) = call.text(name)? {
            more[name] = text.into();
        }
    }
    let is = |state: &str| more["state"] == state;
    let verb = if is("closed") {
        "close"
    } else if is("open") {
        "reopen"
    } else {
        "edit"
    };
    let labels = call.texts("labels")?;
    if let Some(assignees) = call.texts("assignees")? {
        more["assignees"] = users(&assignees);
    }
    if let Some(labels) = labels {
        let mut state = call.api.state();
        more["labels"] = labels.iter().map(|it| state.know_label(it, None)).collect();
    }
    call.api.change_issue(number, |it| *it = with(it.take(), more))?;
    Ok(verb)
}

/// `POST /issues/{number}/assignees`
pub(super) fn assign(call: &Call<'_>) -> Answered {
    let number = call.number("number")?;
    let spoken = call.api.spoken_issue(number)?;
    let names = call.texts("assignees")?.unwrap_or_default();
    call.api.change_issue(number, |it| {
        let mut all = logins(&it["assignees"]);
        all.extend(names.iter().filter(|name| !all.contains(name)).cloned().collect::<Vec<_>>());
        it["assignees"] = users(&all);
    })?;
    Ok(Answer::created(call.api.shown_issue(number)?, format!("assign {} to {spoken}", names.join(", "))))
}

/// `DELETE /issues/{number}/assignees`
pub(super) fn unassign(call: &Call<'_>) -> Answered {
    let number = call.number("number")?;
    let spoken = call.api.spoken_issue(number)?;
    let names = call.texts("assignees")?.unwrap_or_default();
    call.api.change_issue(number, |it| {
        let left: Vec<String> = logins(&it["assignees"]).into_iter().filter(|name| !names.contains(name)).collect();
        it["assignees"] = users(&left);
    })?;
    Ok(Answer::changed(call.api.shown_issue(number)?, format!("take {} off {spoken}", names.join(", "))))
}

fn logins(users: &Value) -> Vec<String> {
    let login = |it: &Value| it["login"].as_str().map(str::to_owned);
    users.as_array().into_iter().flatten().filter_map(login).collect()
}

pub(super) fn users(names: &[String]) -> Value {
    names.iter().map(|it| json!({"login": it, "type": "User"})).collect()
}
