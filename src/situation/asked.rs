//! What a person said about the event, by options and in a payload.
use std::path::Path;

use serde_json::{Map, Value as Json};

use crate::cli::EventArgs;
use crate::output::Help;

/// What was said. An option wins over the payload's file, which is said where they differ.
pub(super) struct Asked<'a> {
    /// The options.
    pub(super) args: &'a EventArgs,
    /// The event's name.
    pub(super) name: String,
    /// What the file of `--event-path` holds, without what an option wins over.
    pub(super) payload: Json,
    /// What won over what.
    pub(super) notices: Vec<String>,
}

impl<'a> Asked<'a> {
    pub(super) fn read(args: &'a EventArgs, name: &str) -> anyhow::Result<Self> {
        let payload = match &args.event_path {
            Some(path) => read_json(path)?,
            None => Json::Object(Map::new()),
        };
        Ok(Self { args, name: name.to_owned(), payload, notices: Vec::new() })
    }

    /// A member of the payload's file; `null` counts as not there.
    ///
    /// What is no text where there should be one is left in the payload, and otherwise not looked at.
    pub(super) fn member(&self, pointer: &str) -> Option<&Json> {
        self.payload.pointer(pointer).filter(|it| !it.is_null())
    }

    /// What an option says, else the payload's file.
    ///
    /// Refs are the same with and without `refs/heads/`. A member that an option wins over is taken out of the
    /// payload, so that what is made up for it holds.
    pub(super) fn text(&mut self, option: &str, given: Option<&str>, pointer: &str) -> Option<String> {
        let told = self.member(pointer).and_then(plain);
        let Some(given) = given else { return told };
        if let Some(told) = told.filter(|it| short(it) != short(given)) {
            let member = pointer.trim_start_matches('/').replace('/', ".");
            let file = self.args.event_path.as_ref().map(|it| it.display().to_string()).unwrap_or_default();
            self.notices.push(format!("`{option} {given}` wins over `{member}` of {file}, which is `{told}`"));
            remove(&mut self.payload, pointer);
        }
        Some(given.to_owned())
    }
}

fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")).unwrap_or(name)
}

/// A value as a person would write it as an option; nothing for what cannot be one.
fn plain(value: &Json) -> Option<String> {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Bool(it) => it.to_string(),
        Json::Null | Json::Array(_) | Json::Object(_) => return None,
    };
    Some(text).filter(|it| !it.is_empty())
}

fn remove(payload: &mut Json, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    if let Some(Json::Object(members)) = payload.pointer_mut(parent) {
        members.shift_remove(key);
    }
}

/// Reads a payload: a file with one JSON object.
pub(crate) fn read_json(path: &Path) -> anyhow::Result<Json> {
    let help = "give a file that holds the event's payload as JSON";
    let failed = |what: String| Help::error("file/payload", format!("failed to read {}: {what}", path.display()), help);
    let text = std::fs::read_to_string(path).map_err(|err| failed(err.to_string()))?;
    // Editors on Windows begin a file with this mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let value: Json = serde_json::from_str(text).map_err(|err| failed(err.to_string()))?;
    let kind = match &value {
        Json::Object(_) => return Ok(value),
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
    };
    Err(failed(format!("it holds {kind}, and a payload is an object")))
}
