//! The parts that many answers share.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Api, rest_url};

impl Api {
    /// The address of something of the repository in the API.
    pub(super) fn rest(&self, path: &str) -> String {
        format!("{}/repos/{}{path}", rest_url(&self.origin), self.settings.repository)
    }

    /// Whose the repository is.
    pub(super) fn owner(&self) -> &str {
        self.settings.repository.split('/').next().unwrap_or_default()
    }

    /// The page of something of the repository on github.com.
    pub(super) fn html(&self, path: &str) -> String {
        format!("https://github.com/{}{path}", self.settings.repository)
    }
}

/// Who acts with a job's token.
///
/// Source: <https://api.github.com/users/github-actions%5Bbot%5D>
pub(super) fn bot() -> Value {
    json!({
        "login": "github-actions[bot]", "id": 41_898_282, "node_id": "MDM6Qm90NDE4OTgyODI=", "type": "Bot",
        "html_url": "https://github.com/apps/github-actions", "site_admin": false,
    })
}

/// As `git` writes who that is.
pub(super) const BOT_NAME: &str = "github-actions[bot]";
pub(super) const BOT_EMAIL: &str = "41898282+github-actions[bot]@users.noreply.github.com";

/// A time as GitHub writes it: `2026-11-26T06:00:00Z`.
pub(super) fn written(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The time as GitHub writes it.
pub(super) fn now() -> String {
    written(Timestamp::now())
}

/// `value` with the members of `more` that it does not have, or has as null.
pub(super) fn completed(value: &Value, more: &Value) -> Value {
    let mut all = value.clone();
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        for (name, value) in more {
            let there = all.entry(name.clone()).or_insert(Value::Null);
            if there.is_null() {
                *there = value.clone();
            }
        }
    }
    all
}

/// `value` with the members of `more` in place of its own.
pub(super) fn with(mut value: Value, more: Value) -> Value {
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

/// The members that an issue and its pull request share.
pub(super) const SHARED: [&str; 9] =
    ["title", "body", "state", "user", "labels", "assignees", "milestone", "created_at", "updated_at"];

/// A pull request as an issue.
pub(super) fn issue_of_pull(number: u64, pull: &Value) -> Value {
    let shared: serde_json::Map<String, Value> =
        SHARED.iter().filter_map(|it| Some(((*it).to_owned(), pull.get(it)?.clone()))).collect();
    let plain = json!({"number": number, "state": "open", "labels": [], "assignees": [], "title": "", "body": null,
        "pull_request": {}});
    completed(&Value::Object(shared), &plain)
}

/// What is said of a thing in a sentence: at most some words of its first line.
pub(super) fn in_short(text: &str) -> String {
    const MOST: usize = 60;
    let first = text.trim().lines().next().unwrap_or_default();
    let short: String = first.chars().take(MOST).collect();
    if short.len() < text.trim().len() { format!("{short}…") } else { short }
}
