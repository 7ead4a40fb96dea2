//! Files of a commit, read and written.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Api;
use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::commits::bad_path;
use super::names::{tree_path, written_path};
use super::shapes::{BOT_EMAIL, BOT_NAME, in_short};
use super::trees::Entry;

/// Source: GitHub: "Get repository content": above it the content is left out, and above the second all of it.
const MOST_IN_JSON: u64 = 1024 * 1024;
const MOST: u64 = 100 * 1024 * 1024;

/// `GET /contents/{path}`
///
/// Differs: a symbolic link is answered as a link, also where it leads to a file of the repository.
pub(super) fn get(call: &Call<'_>) -> Answered {
    let path = tree_path(call.param("path")).ok_or_else(bad_path)?;
    let (commit, name) = commit_of(call)?;
    let entry = call.api.entry(&commit, path)?.ok_or_else(Refusal::not_found)?;
    if entry.kind == "tree" {
        let entries = call.api.entries(&entry.id)?;
        let within = |it: &Entry| if path.is_empty() { it.path.clone() } else { format!("{path}/{}", it.path) };
        let list: Vec<Value> = entries.iter().map(|it| call.api.content_json(it, &within(it), &name)).collect();
        if call.accepts("object") {
            let mut all = call.api.content_json(&entry, path, &name);
            all["entries"] = list.into();
            return Ok(Answer::json(all));
        }
        return Ok(Answer::json(list.into()));
    }
    file(call, &entry, path, &name)
}

/// `GET /readme`
pub(super) fn readme(call: &Call<'_>) -> Answered {
    let (commit, name) = commit_of(call)?;
    for folder in [".github", "", "docs"] {
        let Some(tree) = call.api.entry(&commit, folder)?.filter(|it| it.kind == "tree") else { continue };
        let entries = call.api.entries(&tree.id)?;
        let is_readme = |it: &&Entry| {
            let name = it.path.to_ascii_lowercase();
            it.kind == "blob" && (name == "readme" || name.starts_with("readme."))
        };
        if let Some(entry) = entries.iter().find(is_readme) {
            let path = if folder.is_empty() { entry.path.clone() } else { format!("{folder}/{}", entry.path) };
            return file(call, entry, &path, &name);
        }
    }
    Err(Refusal::not_found())
}

/// The commit that is asked about, and the name it was asked by.
fn commit_of(call: &Call<'_>) -> Result<(String, String), Refusal> {
    let name = call.query("ref").unwrap_or(&call.api.settings.default_branch).to_owned();
    let none = || Refusal::new(StatusCode::NOT_FOUND, format!("No commit found for the ref {name}"));
    Ok((call.api.resolve(&name)?.ok_or_else(none)?, name))
}

fn file(call: &Call<'_>, entry: &Entry, path: &str, name: &str) -> Answered {
    let mut all = call.api.content_json(entry, path, name);
    if entry.kind == "commit" {
        return Ok(Answer::json(all));
    }
    if entry.size > MOST {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "This API returns blobs up to 100 MB in size."));
    }
    if call.accepts("raw") {
        return Ok(Answer::bytes(call.api.git.blob(&entry.id)?, "application/vnd.github.raw+json; charset=utf-8"));
    }
    let is_short = entry.size <= MOST_IN_JSON;
    all["encoding"] = if is_short { "base64" } else { "none" }.into();
    all["content"] = if is_short { in_lines(&call.api.git.blob(&entry.id)?).into() } else { "".into() };
    if entry.mode == "120000" {
        all["target"] = String::from_utf8_lossy(&call.api.git.blob(&entry.id)?).into_owned().into();
    }
    Ok(Answer::json(all))
}

/// Base64 in lines of 60, as GitHub sends it.
pub(super) fn in_lines(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut lines = String::with_capacity(text.len() + text.len() / 60 + 1);
    for at in (0..text.len()).step_by(60) {
        lines.push_str(&text[at..text.len().min(at + 60)]);
        lines.push('\n');
    }
    lines
}

impl Api {
    fn content_json(&self, entry: &Entry, path: &str, name: &str) -> Value {
        let kind = match (entry.kind.as_str(), entry.mode.as_str()) {
            ("tree", _) => "dir",
            ("commit", _) => "submodule",
            (_, "120000") => "symlink",
            _ => "file",
        };
        let place = if kind == "dir" { "tree" } else { "blob" };
        let url = self.rest(&format!("/contents/{path}?ref={name}"));
        let git_url = self.rest(&format!("/git/{place}s/{}", entry.id));
        let html = self.html(&format!("/{place}/{name}/{path}"));
        let download =
            if kind == "file" { Value::from(self.html(&format!("/raw/{name}/{path}"))) } else { Value::Null };
        json!({
            "name": path.rsplit('/').next().unwrap_or(path), "path": path, "sha": entry.id, "size": entry.size, "type": kind,
            "url": url, "html_url": html, "git_url": git_url, "download_url": download,
            "_links": {"self": url, "git": git_url, "html": html},
        })
    }
}

/// `PUT /contents/{path}`
pub(super) fn put(call: &Call<'_>) -> Answered {
    let content = call.required("content")?.split_ascii_whitespace().collect::<String>();
    let content = STANDARD.decode(content).map_err(|_| Refusal::unprocessable("content is not valid Base64"))?;
    change(call, Some(&call.api.git.keep(&content)?))
}

/// `DELETE /contents/{path}`
pub(super) fn delete(call: &Call<'_>) -> Answered {
    call.required("sha")?;
    change(call, None)
}

/// Makes a commit in which the file is that blob, or gone, and lets the branch point to it.
fn change(call: &Call<'_>, blob: Option<&str>) -> Answered {
    let api = call.api;
    let path = written_path(call.param("path")).ok_or_else(bad_path)?;
    let message = call.required("message")?;
    let branch = call.text("branch")?.unwrap_or(&api.settings.default_branch);
    let none = || Refusal::new(StatusCode::NOT_FOUND, format!("Branch {branch} not found"));
    let git_ref = format!("refs/heads/{branch}");
    let head = api.resolve(&git_ref)?.ok_or_else(none)?;
    let there = api.entry(&head, path)?;
    match (&there, call.text("sha")?) {
        (Some(_), None) => return Err(Refusal::unprocessable("Invalid request.\n\n\"sha\" wasn't supplied.")),
        (Some(entry), Some(sha)) if entry.id != sha => {
            return Err(Refusal::conflict(format!("{path} does not match {sha}")));
        }
        (None, _) if blob.is_none() => return Err(Refusal::not_found()),
        (Some(_), Some(_)) | (None, _) => {}
    }
    let tree = api.tree_with(&head, path, there.as_ref().map(|it| it.mode.as_str()), blob)?;
    let person = |name: &str, or: &str| call.body[name][or].as_str().map(str::to_owned);
    let name = person("committer", "name").unwrap_or_else(|| BOT_NAME.to_owned());
    let email = person("committer", "email").unwrap_or_else(|| BOT_EMAIL.to_owned());
    let author = (
        person("author", "name").unwrap_or_else(|| name.clone()),
        person("author", "email").unwrap_or_else(|| email.clone()),
    );
    let commit = api.new_commit(&tree, &[&head], message, &author, &(name, email))?;
    api.set_ref(&git_ref, &commit)?;
    let content = api.entry(&commit, path)?.map_or(Value::Null, |it| api.content_json(&it, path, branch));
    let verb = match (&there, blob) {
        (_, None) => "delete",
        (Some(_), Some(_)) => "change",
        (None, Some(_)) => "add",
    };
    let would = format!("{verb} {path} on {branch} ({})", in_short(message));
    let body = json!({"content": content, "commit": api.commit_object(&commit)?});
    Ok(if verb == "add" { Answer::created(body, would) } else { Answer::changed(body, would) })
}
