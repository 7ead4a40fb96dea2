//! Releases.

use serde_json::{Value, json};

use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::names::is_name;
use super::shapes::{bot, completed, now, with};
use super::trees::short;
use super::{Api, UPLOADS};

/// Characters of a release's text.
///
/// Source: GitHub's answer to more: "body is too long (maximum is 125000 characters)".
const MOST: usize = 125_000;

impl Api {
    /// A release as GitHub shows it.
    pub(super) fn release_json(&self, release: &Value) -> Value {
        let id = release["id"].as_u64().unwrap_or_default();
        let tag = release["tag_name"].as_str().unwrap_or_default();
        let made = json!({
            "node_id": format!("RE_{id}"), "author": bot(), "name": tag, "body": null, "draft": false, "prerelease": false,
            "target_commitish": self.settings.default_branch, "created_at": self.started, "published_at": self.started,
            "html_url": self.html(&format!("/releases/tag/{tag}")),
            "tarball_url": self.rest(&format!("/tarball/{tag}")), "zipball_url": self.rest(&format!("/zipball/{tag}")),
        });
        let url = self.rest(&format!("/releases/{id}"));
        let mut all = completed(release, &made);
        all["assets_url"] = format!("{url}/assets").into();
        all["url"] = url.into();
        let repository = &self.settings.repository;
        all["upload_url"] =
            format!("{}{UPLOADS}/repos/{repository}/releases/{id}/assets{{?name,label}}", self.origin).into();
        if all["draft"] == true {
            all["published_at"] = Value::Null;
        }
        let own: Vec<Value> = self.assets_of(id);
        if !own.is_empty() || !all["assets"].is_array() {
            all["assets"] = own.into();
        }
        all
    }

    /// A release by its number.
    pub(super) fn release(&self, id: u64) -> Result<Value, Refusal> {
        let found = self.state().releases.iter().find(|it| it["id"] == id).cloned();
        found.ok_or_else(Refusal::not_found)
    }

    /// The releases that there are, the newest first.
    fn releases(&self) -> Vec<Value> {
        let all: Vec<Value> = self.state().releases.iter().rev().cloned().collect();
        all.iter().map(|it| self.release_json(it)).collect()
    }

    /// The tag of a release that is no draft: made at what the release points to, if it is not there.
    fn know_tag(&self, tag: &str, target: &str) -> Result<Option<String>, Refusal> {
        let name = format!("refs/tags/{tag}");
        if self.resolve(&name)?.is_some() {
            return Ok(None);
        }
        let commit = self.resolve(target)?.ok_or_else(|| Refusal::invalid("Release", "target_commitish", "invalid"))?;
        self.set_ref(&name, &commit)?;
        Ok(Some(commit))
    }
}

/// `GET /releases`
pub(super) fn list(call: &Call<'_>) -> Answered {
    call.paged(call.api.releases())
}

/// `GET /releases/{id}`
pub(super) fn get(call: &Call<'_>) -> Answered {
    Ok(Answer::json(call.api.release_json(&call.api.release(call.number("id")?)?)))
}

/// `GET /releases/tags/{tag}`: drafts are not found by their tags.
pub(super) fn by_tag(call: &Call<'_>) -> Answered {
    let is_it = |it: &Value| it["tag_name"] == call.param("tag") && it["draft"] != true;
    call.api.releases().into_iter().find(is_it).map(Answer::json).ok_or_else(Refusal::not_found)
}

/// `GET /releases/latest`
pub(super) fn latest(call: &Call<'_>) -> Answered {
    let is_it = |it: &Value| it["prerelease"] != true && it["draft"] != true;
    call.api.releases().into_iter().find(is_it).map(Answer::json).ok_or_else(Refusal::not_found)
}

/// `POST /releases`
pub(super) fn create(call: &Call<'_>) -> Answered {
    let (api, tag) = (call.api, call.filled("Release", "tag_name")?);
    if !is_name(tag) {
        return Err(Refusal::invalid("Release", "tag_name", "invalid"));
    }
    let is_draft = call.flag("draft");
    if !is_draft && api.releases().iter().any(|it| it["tag_name"] == tag && it["draft"] != true) {
        return Err(Refusal::invalid("Release", "tag_name", "already_exists"));
    }
    let target = call.text("target_commitish")?.filter(|it| !it.is_empty()).unwrap_or(&api.settings.default_branch);
    let tagged = if is_draft { None } else { api.know_tag(tag, target)? };
    let name = call.text("name")?.filter(|it| !it.is_empty()).unwrap_or(tag);
    let mut body = call.limited("Release", "body", MOST)?.unwrap_or_default().to_owned();
    if call.flag("generate_release_notes") {
        let notes = notes(api, tag);
        body = if body.is_empty() { notes } else { format!("{body}\n\n{notes}") };
    }
    let release = {
        let mut state = api.state();
        let release = json!({
            "id": state.new_id(), "tag_name": tag, "target_commitish": target, "name": name, "body": body, "draft": is_draft,
            "prerelease": call.flag("prerelease"), "author": bot(), "created_at": now(),
            "published_at": if is_draft { Value::Null } else { now().into() },
        });
        state.releases.push(release.clone());
        release
    };
    let draft = if is_draft { "draft " } else { "" };
    let tagged = tagged.map(|it| format!(", with a new tag at {}", short(&it))).unwrap_or_default();
    Ok(Answer::created(api.release_json(&release), format!("create {draft}release {tag}{tagged}")))
}

/// `PATCH /releases/{id}`
pub(super) fn update(call: &Call<'_>) -> Answered {
    let (api, id) = (call.api, call.number("id")?);
    let before = api.release(id)?;
    let mut more = json!({});
    call.limited("Release", "body", MOST)?;
    for name in ["tag_name", "target_commitish", "name", "body"] {
        if let Some(text) = call.text(name)? {
            more[name] = text.into();
        }
    }
    for name in ["draft", "prerelease"] {
        if let Some(flag) = call.body.get(name).filter(|it| it.is_boolean()) {
            more[name] = flag.clone();
        }
    }
    let after = with(before.clone(), more.clone());
    let tag = after["tag_name"].as_str().unwrap_or_default().to_owned();
    if !is_name(&tag) {
        return Err(Refusal::invalid("Release", "tag_name", "invalid"));
    }
    let is_published = before["draft"] == true && after["draft"] == false;
    if is_published {
        api.know_tag(&tag, after["target_commitish"].as_str().unwrap_or("HEAD"))?;
        more["published_at"] = now().into();
    }
    let release = {
        let mut state = api.state();
        let release = state.releases.iter_mut().find(|it| it["id"] == id).ok_or_else(Refusal::not_found)?;
        *release = with(release.take(), more);
        release.clone()
    };
    let verb = if is_published { "publish" } else { "change" };
    Ok(Answer::changed(api.release_json(&release), format!("{verb} release {tag}")))
}

/// `DELETE /releases/{id}`
pub(super) fn delete(call: &Call<'_>) -> Answered {
    let id = call.number("id")?;
    let tag = call.api.release(id)?["tag_name"].as_str().unwrap_or_default().to_owned();
    let mut state = call.api.state();
    state.releases.retain(|it| it["id"] != id);
    state.assets.retain(|it| it.release != id);
    Ok(Answer::done(format!("delete release {tag}")))
}

/// `POST /releases/generate-notes`
///
/// Differs: generated release notes have the link to all changes and nothing else, as pull requests are not known here.
pub(super) fn generate_notes(call: &Call<'_>) -> Answered {
    let tag = call.filled("Release", "tag_name")?;
    Ok(Answer::json(json!({"name": tag, "body": notes(call.api, tag)})))
}

fn notes(api: &Api, tag: &str) -> String {
    format!("**Full Changelog**: {}", api.html(&format!("/commits/{tag}")))
}
