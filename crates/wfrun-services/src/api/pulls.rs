//! Pull requests: the event's, and those that this run opened.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::comments::MOST;
use super::diff::{Compared, changed_files, patch_text};
use super::issues::{changes, users};
use super::shapes::{SHARED, bot, completed, in_short, now};

impl Api {
    /// A pull request by its number, as GitHub shows it.
    pub(super) fn shown_pull(&self, number: u64) -> Result<Value, Refusal> {
        let state = self.state();
        let issue = state.issues.get(&number).filter(|it| it.get("pull_request").is_some());
        let issue = issue.ok_or_else(Refusal::not_found)?;
        let pull = state.pulls.get(&number).ok_or_else(|| known_as_issue(number))?;
        let (html, url) = (self.html(&format!("/pull/{number}")), self.rest(&format!("/pulls/{number}")));
        let made = json!({
            "id": 3_000_000_000_u64 + number, "node_id": format!("PR_{number}"), "number": number, "draft": false,
            "merged": false, "mergeable": null, "merged_at": null, "merge_commit_sha": null, "closed_at": null,
            "requested_reviewers": [], "requested_teams": [], "author_association": "OWNER", "auto_merge": null,
            "locked": false, "html_url": html, "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"),
            "created_at": self.started, "updated_at": self.started,
        });
        let mut all = completed(pull, &made);
        for name in SHARED {
            if let Some(value) = issue.get(name) {
                all[name] = value.clone();
            }
        }
        let issue_url = self.rest(&format!("/issues/{number}"));
        all["comments_url"] = format!("{issue_url}/comments").into();
        all["issue_url"] = issue_url.into();
        all["commits_url"] = format!("{url}/commits").into();
        all["url"] = url.into();
        Ok(all)
    }

    /// All pull requests that are known, the newest first.
    pub(super) fn all_pulls(&self) -> Vec<Value> {
        let numbers: Vec<u64> = self.state().pulls.keys().rev().copied().collect();
        numbers.into_iter().filter_map(|it| self.shown_pull(it).ok()).collect()
    }

    /// The two sides of a pull request: where it left its base, and its head.
    fn sides(&self, number: u64) -> Result<(String, Compared), Refusal> {
        let pull = self.shown_pull(number)?;
        let side = |name: &str| self.git.commit(pull[name]["sha"].as_str().unwrap_or_default());
        let (base, head) = (side("base")?, side("head")?);
        let (base, head) = base.zip(head).ok_or_else(unknown_sides)?;
        let merge_base = self.git.text(&["merge-base", &base, &head])?;
        Ok((base, Compared { base: merge_base, head }))
    }
}

/// A payload that tells of a pull request as an issue says nothing of its branches.
fn known_as_issue(number: u64) -> Refusal {
    Refusal::unserved(format!(
        "pull request #{number} is known as an issue only: the payload says nothing of its branches"
    ))
}

/// Git has no such commit, as where a payload names others: no empty list may stand for what is not known.
fn unknown_sides() -> Refusal {
    Refusal::unserved("git on this machine does not have both commits of the pull request that the payload names")
}

/// `GET /pulls`
pub(super) fn list(call: &Call<'_>) -> Answered {
    let state = call.query("state").unwrap_or("open");
    let owner = call.api.owner();
    let side = |it: &Value, name: &str| {
        call.query(name).is_none_or(|wanted| {
            let branch = it[name]["ref"].as_str().unwrap_or_default();
            wanted == branch || wanted.eq_ignore_ascii_case(&format!("{owner}:{branch}")) || it[name]["label"] == wanted
        })
    };
    let is_wanted = |it: &Value| (state == "all" || it["state"] == state) && side(it, "base") && side(it, "head");
    call.paged(call.api.all_pulls().into_iter().filter(is_wanted).collect())
}

/// `GET /pulls/{number}`: the object, or its diff.
pub(super) fn get(call: &Call<'_>) -> Answered {
    let number = call.number("number")?;
    let pull = call.api.shown_pull(number)?;
    if (call.accepts("diff") || call.accepts("patch"))
        && let Some(text) = patch_text(call, &call.api.sides(number)?.1)?
    {
        return Ok(text);
    }
    Ok(Answer::json(pull))
}

/// `GET /pulls/{number}/files`
pub(super) fn files(call: &Call<'_>) -> Answered {
    let (_, compared) = call.api.sides(call.number("number")?)?;
    call.paged(changed_files(call.api, &compared)?)
}

/// `GET /pulls/{number}/commits`
pub(super) fn commits(call: &Call<'_>) -> Answered {
    let (base, compared) = call.api.sides(call.number("number")?)?;
    let range = format!("{base}..{}", compared.head);
    // Source: GitHub: "List commits on a pull request": 250 at most.
    let commits = call.api.log(&["--reverse", &range, "--"])?;
    call.paged(commits.into_iter().take(250).collect())
}

/// `GET /pulls/{number}/merge`: whether it is merged.
pub(super) fn is_merged(call: &Call<'_>) -> Answered {
    let pull = call.api.shown_pull(call.number("number")?)?;
    if pull["merged"] == true { Ok(Answer::no_content()) } else { Err(Refusal::not_found()) }
}

/// `PUT /pulls/{number}/merge`
///
/// Differs: a pull request that the API is told to merge counts as merged, and the base branch stays as it is.
pub(super) fn merge(call: &Call<'_>) -> Answered {
    let number = call.number("number")?;
    let pull = call.api.shown_pull(number)?;
    if pull["state"] != "open" || pull["mergeable"] == false {
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Pull Request is not mergeable"));
    }
    if let Some(sha) = call.text("sha")?.filter(|it| pull["head"]["sha"] != *it) {
        return Err(Refusal::conflict(format!("Head branch was modified. {sha} is not its head")));
    }
    let sha = pull["merge_commit_sha"].as_str().or_else(|| pull["head"]["sha"].as_str()).unwrap_or_default().to_owned();
    if let Some(it) = call.api.state().pulls.get_mut(&number) {
        it["merged"] = true.into();
        it["merged_at"] = now().into();
    }
    call.api.change_issue(number, |it| it["state"] = "closed".into())?;
    let base = pull["base"]["ref"].as_str().unwrap_or_default();
    let body = json!({"sha": sha, "merged": true, "message": "Pull Request successfully merged"});
    Ok(Answer::changed(body, format!("merge pull request #{number} into {base}")))
}

/// `POST /pulls`
pub(super) fn create(call: &Call<'_>) -> Answered {
    let (api, head, base) = (call.api, call.required("head")?, call.required("base")?);
    let title = call.filled("PullRequest", "title")?;
    let branch = head.split_once(':').map_or(head, |(_, branch)| branch);
    let find = |name: &str, field: &str| {
        let found = api.resolve(&format!("refs/heads/{name}"))?;
        found.ok_or_else(|| Refusal::invalid("PullRequest", field, "invalid"))
    };
    let (head_sha, base_sha) = (find(branch, "head")?, find(base, "base")?);
    if api
        .all_pulls()
        .iter()
        .any(|it| it["state"] == "open" && it["head"]["ref"] == branch && it["base"]["ref"] == base)
    {
        return Err(Refusal::invalid("PullRequest", "head", "custom"));
    }
    let side = |name: &str, sha: &str| json!({"ref": name, "sha": sha, "label": format!("{}:{name}", api.owner()), "repo": {"full_name": api.settings.repository}});
    let number = {
        let mut state = api.state();
        let number = state.new_number();
        let shared = json!({
            "number": number, "title": title, "body": call.limited("PullRequest", "body", MOST)?, "state": "open", "user": bot(), "labels": [],
            "assignees": [], "milestone": null, "created_at": now(), "updated_at": now(), "pull_request": {},
        });
        let pull = json!({"head": side(branch, &head_sha), "base": side(base, &base_sha), "draft": call.flag("draft")});
        state.issues.insert(number, shared);
        state.pulls.insert(number, pull);
        number
    };
    let would = format!("open pull request #{number} from {branch} into {base}: {}", in_short(title));
    Ok(Answer::created(api.shown_pull(number)?, would))
}

/// `PATCH /pulls/{number}`
pub(super) fn update(call: &Call<'_>) -> Answered {
    let number = call.number("number")?;
    call.api.shown_pull(number)?;
    let verb = changes(call, number)?;
    if let Some(base) = call.text("base")?
        && let Some(pull) = call.api.state().pulls.get_mut(&number)
    {
        pull["base"]["ref"] = base.into();
    }
    Ok(Answer::changed(call.api.shown_pull(number)?, format!("{verb} pull request #{number}")))
}

/// `POST /pulls/{number}/requested_reviewers`
pub(super) fn request_reviewers(call: &Call<'_>) -> Answered {
    let number = call.number("number")?;
    let (names, teams) =
        (call.texts("reviewers")?.unwrap_or_default(), call.texts("team_reviewers")?.unwrap_or_default());
    call.api.shown_pull(number)?;
    if let Some(pull) = call.api.state().pulls.get_mut(&number) {
        pull["requested_reviewers"] = users(&names);
        pull["requested_teams"] = teams.iter().map(|it| json!({"slug": it, "name": it})).collect();
    }
    let all: Vec<String> = names.into_iter().chain(teams).collect();
    let would = format!("ask {} to review pull request #{number}", all.join(", "));
    Ok(Answer::created(call.api.shown_pull(number)?, would))
}
