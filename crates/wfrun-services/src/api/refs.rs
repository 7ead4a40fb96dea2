//! Branches, tags and other refs. What is set here is seen by `git fetch` in this run, too.

use serde_json::{Value, json};

use super::Api;
use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::names::{is_id, is_name};
use super::shapes::{BOT_EMAIL, BOT_NAME, in_short, now, written};
use super::trees::short;

impl Api {
    /// Lets a ref point to an object, in this run's own repository.
    pub(super) fn set_ref(&self, name: &str, id: &str) -> Result<(), Refusal> {
        for it in names_of(name) {
            self.git.ask(&["update-ref", &it, id])?.ok_or_else(|| Refusal::unprocessable("Reference update failed"))?;
        }
        self.state().refs.insert(name.to_owned(), Some(id.to_owned()));
        Ok(())
    }

    fn remove_ref(&self, name: &str) -> Result<(), Refusal> {
        for it in names_of(name) {
            self.git.ask(&["update-ref", "-d", &it])?;
        }
        self.state().refs.insert(name.to_owned(), None);
        Ok(())
    }

    fn ref_json(&self, name: &str, id: &str) -> Result<Value, Refusal> {
        let kind = self.git.kind(id)?.unwrap_or_else(|| "commit".to_owned());
        let short = name.strip_prefix("refs/").unwrap_or(name);
        Ok(json!({
            "ref": name, "node_id": format!("REF_{short}"), "url": self.rest(&format!("/git/refs/{short}")),
            "object": {"sha": id, "type": kind, "url": self.rest(&format!("/git/{kind}s/{id}"))},
        }))
    }
}

/// A branch has two names where jobs fetch from: its own, and what a clone calls it.
fn names_of(name: &str) -> Vec<String> {
    let branch = name.strip_prefix("refs/heads/").map(|it| format!("refs/remotes/origin/{it}"));
    std::iter::once(name.to_owned()).chain(branch).collect()
}

/// The full name of a ref that GitHub lets clients change.
fn full(name: &str) -> Result<String, Refusal> {
    let is_full = (name.starts_with("refs/heads/") || name.starts_with("refs/tags/")) && is_name(name);
    if is_full { Ok(name.to_owned()) } else { Err(Refusal::unprocessable("Reference name is not valid")) }
}

/// `GET /git/ref/{ref}`
pub(super) fn get(call: &Call<'_>) -> Answered {
    let name = format!("refs/{}", call.param("ref"));
    let all = call.api.refs_below(&name)?;
    let id = all.get(&name).ok_or_else(Refusal::not_found)?;
    Ok(Answer::json(call.api.ref_json(&name, id)?))
}

/// `GET /git/matching-refs/{ref}`
pub(super) fn matching(call: &Call<'_>) -> Answered {
    let all = call.api.refs_below(&format!("refs/{}", call.param("ref")))?;
    let found: Result<Vec<Value>, Refusal> = all.iter().map(|(name, id)| call.api.ref_json(name, id)).collect();
    call.paged(found?)
}

/// `POST /git/refs`
pub(super) fn create(call: &Call<'_>) -> Answered {
    let (name, id) = (full(call.required("ref")?)?, object(call)?);
    if call.api.refs_below(&name)?.contains_key(&name) {
        return Err(Refusal::unprocessable("Reference already exists"));
    }
    call.api.set_ref(&name, &id)?;
    Ok(Answer::created(call.api.ref_json(&name, &id)?, format!("create {} at {}", spoken(&name), short(&id))))
}

/// `PATCH /git/refs/{ref}`
pub(super) fn update(call: &Call<'_>) -> Answered {
    let (name, id) = (full(&format!("refs/{}", call.param("ref")))?, object(call)?);
    let all = call.api.refs_below(&name)?;
    let before = all.get(&name).ok_or_else(|| Refusal::unprocessable("Reference does not exist"))?;
    let is_ahead = call.api.git.ask(&["merge-base", "--is-ancestor", before, &id])?.is_some();
    if !is_ahead && !call.flag("force") {
        return Err(Refusal::unprocessable("Update is not a fast forward"));
    }
    call.api.set_ref(&name, &id)?;
    Ok(Answer::changed(call.api.ref_json(&name, &id)?, format!("move {} to {}", spoken(&name), short(&id))))
}

/// `DELETE /git/refs/{ref}`
pub(super) fn delete(call: &Call<'_>) -> Answered {
    let name = full(&format!("refs/{}", call.param("ref")))?;
    if !call.api.refs_below(&name)?.contains_key(&name) {
        return Err(Refusal::unprocessable("Reference does not exist"));
    }
    call.api.remove_ref(&name)?;
    Ok(Answer::done(format!("delete {}", spoken(&name))))
}

/// The object that a body names by `sha`.
fn object(call: &Call<'_>) -> Result<String, Refusal> {
    let id = call.required("sha")?;
    let is_there = is_id(id) && call.api.git.kind(id)?.is_some();
    if is_there { Ok(id.to_owned()) } else { Err(Refusal::unprocessable("Object does not exist")) }
}

/// `tag v1.2`, `branch main`
fn spoken(name: &str) -> String {
    match (name.strip_prefix("refs/heads/"), name.strip_prefix("refs/tags/")) {
        (Some(branch), _) => format!("branch {branch}"),
        (None, Some(tag)) => format!("tag {tag}"),
        (None, None) => name.to_owned(),
    }
}

/// `GET /branches`
pub(super) fn branches(call: &Call<'_>) -> Answered {
    let all = call.api.refs_below("refs/heads/")?;
    let one = |(name, id): (&String, &String)| {
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        json!({"name": name, "commit": {"sha": id, "url": call.api.rest(&format!("/commits/{id}"))}, "protected": false})
    };
    call.paged(all.iter().map(one).collect())
}

/// `GET /branches/{branch}`
///
/// Differs: no branch is protected, as git does not know.
pub(super) fn branch(call: &Call<'_>) -> Answered {
    let name = call.param("branch");
    let none = || Refusal::new(axum::http::StatusCode::NOT_FOUND, "Branch not found");
    let id = call.api.resolve(&format!("refs/heads/{name}"))?.ok_or_else(none)?;
    let (url, html) = (call.api.rest(&format!("/branches/{name}")), call.api.html(&format!("/tree/{name}")));
    Ok(Answer::json(json!({
        "name": name, "commit": call.api.one_commit(&id)?, "_links": {"self": url, "html": html}, "protected": false,
    })))
}

/// `GET /tags`: the newest name first, as GitHub has them.
pub(super) fn tags(call: &Call<'_>) -> Answered {
    let mut found = Vec::new();
    for (name, id) in call.api.refs_below("refs/tags/")?.iter().rev() {
        let Some(commit) = call.api.git.commit(id)? else { continue };
        let name = name.strip_prefix("refs/tags/").unwrap_or(name);
        found.push(json!({
            "name": name, "commit": {"sha": commit, "url": call.api.rest(&format!("/commits/{commit}"))},
            "zipball_url": call.api.rest(&format!("/zipball/refs/tags/{name}")),
            "tarball_url": call.api.rest(&format!("/tarball/refs/tags/{name}")), "node_id": format!("REF_tags/{name}"),
        }));
    }
    call.paged(found)
}

/// `GET /git/tags/{sha}`
pub(super) fn tag_object(call: &Call<'_>) -> Answered {
    let id = Some(call.param("sha")).filter(|it| is_id(it)).ok_or_else(Refusal::not_found)?;
    let text = call.api.git.text(&["cat-file", "tag", id])?.ok_or_else(Refusal::not_found)?;
    let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
    let field = |name: &str| head.lines().find_map(|it| it.strip_prefix(name)).unwrap_or_default();
    let (object, kind) = (field("object "), field("type "));
    Ok(Answer::json(tag_json(call.api, id, field("tag "), message, (object, kind), field("tagger "))))
}

fn tag_json(api: &Api, id: &str, name: &str, message: &str, (object, kind): (&str, &str), tagger: &str) -> Value {
    let (who, rest) = tagger.split_once(" <").unwrap_or((tagger, ""));
    let (email, time) = rest.split_once("> ").unwrap_or((rest, ""));
    let seconds = time.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or_default();
    let date = jiff::Timestamp::from_second(seconds).map_or_else(|_| now(), written);
    json!({
        "node_id": format!("TAG_{id}"), "sha": id, "url": api.rest(&format!("/git/tags/{id}")), "tag": name, "message": message,
        "object": {"sha": object, "type": kind, "url": api.rest(&format!("/git/{kind}s/{object}"))},
        "tagger": {"name": who, "email": email, "date": date},
    })
}

/// `POST /git/tags`: the object alone; the ref comes after it.
pub(super) fn create_tag(call: &Call<'_>) -> Answered {
    let (name, message, object) = (call.required("tag")?, call.required("message")?, call.required("object")?);
    let kind = call.text("type")?.unwrap_or("commit");
    let is_there = is_id(object) && call.api.git.kind(object)?.as_deref() == Some(kind);
    if !is_there || !is_name(name) {
        return Err(Refusal::unprocessable("Object does not exist, or the tag's name is not valid"));
    }
    let part = |name: &str, or: &str| {
        // A line end would be another field of the object.
        call.body["tagger"][name].as_str().unwrap_or(or).replace(['\n', '<', '>'], " ")
    };
    let seconds = jiff::Timestamp::now().as_second();
    let tagger = format!("{} <{}> {seconds} +0000", part("name", BOT_NAME), part("email", BOT_EMAIL));
    let text = format!("object {object}\ntype {kind}\ntag {name}\ntagger {tagger}\n\n{message}\n");
    let made = call.api.git.made(&["mktag"], &[], Some(text.as_bytes()))?;
    let id = made.ok_or_else(|| Refusal::unprocessable("git does not take this tag"))?;
    let body = tag_json(call.api, &id, name, message, (object, kind), &tagger);
    Ok(Answer::created(body, format!("make tag object {name} ({})", in_short(message))))
}
