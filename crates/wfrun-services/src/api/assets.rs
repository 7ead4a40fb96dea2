//! Files of releases.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Api;
use super::answer::{Answer, Answered, Content, Refusal};
use super::call::Call;
use super::shapes::{bot, now};
use crate::blob::Archive;

/// Source: GitHub: "About releases": each file is smaller than 2 GiB.
pub(super) const MOST: u64 = 2 * 1024 * 1024 * 1024;

/// What came as a file, on disk.
pub(super) struct Upload {
    pub(super) archive: Archive,
    pub(super) media_type: String,
}

/// A file of a release.
pub(super) struct Asset {
    pub(super) release: u64,
    /// As GitHub shows it.
    value: Value,
    file: Arc<tempfile::TempPath>,
}

impl Api {
    /// The files of a release, as GitHub shows them.
    pub(super) fn assets_of(&self, release: u64) -> Vec<Value> {
        let state = self.state();
        state.assets.iter().filter(|it| it.release == release).map(|it| it.value.clone()).collect()
    }
}

/// `GET /releases/{id}/assets`
pub(super) fn list(call: &Call<'_>) -> Answered {
    let release = call.number("id")?;
    call.api.release(release)?;
    call.paged(call.api.assets_of(release))
}

/// `POST /releases/{id}/assets` at the address of uploads
pub(super) fn upload(call: &mut Call<'_>) -> Answered {
    let release = call.number("id")?;
    let tag = call.api.release(release)?["tag_name"].as_str().unwrap_or_default().to_owned();
    // Source: GitHub: "Upload a release asset": special characters of a name become periods.
    let name = call.query("name").ok_or_else(|| Refusal::invalid("ReleaseAsset", "name", "missing_field"))?;
    let plain = |it: char| if it.is_alphanumeric() || "-_.+~@".contains(it) { it } else { '.' };
    let name: String = name.chars().map(plain).collect();
    let label = call.query("label").unwrap_or_default().to_owned();
    let Upload { archive, media_type } =
        call.upload.take().ok_or_else(|| Refusal::unprocessable("Bad Content-Length: a file is missing"))?;
    let mut state = call.api.state();
    if state.assets.iter().any(|it| it.release == release && it.value["name"] == name.as_str()) {
        return Err(Refusal::invalid("ReleaseAsset", "name", "already_exists"));
    }
    let id = state.new_id();
    let value = json!({
        "id": id, "node_id": format!("RA_{id}"), "name": name, "label": label, "state": "uploaded",
        "content_type": media_type, "size": archive.size, "digest": format!("sha256:{}", archive.sha256),
        "download_count": 0, "uploader": bot(), "created_at": now(), "updated_at": now(),
        "url": call.api.rest(&format!("/releases/assets/{id}")),
        "browser_download_url": call.api.html(&format!("/releases/download/{tag}/{name}")),
    });
    let would = format!("add {name} ({} bytes) to release {tag}", archive.size);
    state.assets.push(Asset { release, value: value.clone(), file: Arc::new(archive.file) });
    Ok(Answer::created(value, would))
}

/// `GET /releases/assets/{id}`: what is said of a file, or the file.
///
/// Differs: a file of a release comes in the answer itself, where GitHub redirects to its storage; `browser_download_url` leads to
/// github.com, where the file is not.
pub(super) fn get(call: &Call<'_>) -> Answered {
    let id = call.number("id")?;
    let state = call.api.state();
    let asset = state.assets.iter().find(|it| it.value["id"] == id).ok_or_else(Refusal::not_found)?;
    if call.accept.contains("application/octet-stream") {
        return Ok(Answer::with(axum::http::StatusCode::OK, Content::File(Arc::clone(&asset.file))));
    }
    Ok(Answer::json(asset.value.clone()))
}

/// `PATCH /releases/assets/{id}`
pub(super) fn update(call: &Call<'_>) -> Answered {
    let id = call.number("id")?;
    let mut state = call.api.state();
    let asset = state.assets.iter_mut().find(|it| it.value["id"] == id).ok_or_else(Refusal::not_found)?;
    for name in ["name", "label", "state"] {
        if let Some(text) = call.text(name)? {
            asset.value[name] = text.into();
        }
    }
    let value = asset.value.clone();
    let would = format!("change {} of a release", value["name"].as_str().unwrap_or_default());
    Ok(Answer::changed(value, would))
}

/// `DELETE /releases/assets/{id}`
pub(super) fn delete(call: &Call<'_>) -> Answered {
    let id = call.number("id")?;
    let mut state = call.api.state();
    let at = state.assets.iter().position(|it| it.value["id"] == id).ok_or_else(Refusal::not_found)?;
    let asset = state.assets.remove(at);
    Ok(Answer::done(format!("delete {} of a release", asset.value["name"].as_str().unwrap_or_default())))
}
