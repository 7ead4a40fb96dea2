//! Reads the situation of a case: the options of `wfrun why`, as keys.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;
use wfrun_journal::Secret;
use wfrun_syntax::{Checked, Diagnostic, Entry, Node, NodeKind, Source, Span};

use super::model::Given;
use crate::key_values;
use crate::output::Output;
use crate::secrets::without_source;
use crate::situation::{merge, read_json};

/// The keys of a case that say what happened.
pub(super) const KEYS: [&str; 30] = [
    "event",
    "ref",
    "base",
    "head",
    "pr",
    "type",
    "changed",
    "sha",
    "actor",
    "repository",
    "run-number",
    "default-branch",
    "payload",
    "input",
    "inputs",
    "secret",
    "secrets",
    "var",
    "vars",
    "env",
    "job",
    "no-needs",
    "matrix",
    "schedule",
    "since",
    "event-path",
    "input-file",
    "secret-file",
    "var-file",
    "env-file",
];

/// Those of them that name files. They are read first: what the case itself says wins.
pub(super) const FILES: [&str; 5] = ["event-path", "input-file", "secret-file", "var-file", "env-file"];

/// Reads values of a test file, and keeps what is wrong with them.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) found: Vec<Diagnostic>,
    /// The folder that holds `.github/`.
    pub(super) root: &'a Path,
    /// The folder of the test file, in which relative paths begin.
    pub(super) folder: &'a Path,
    /// The files that cases name, to be watched.
    pub(super) files: Vec<PathBuf>,
}

impl Reader<'_> {
    pub(super) fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        span: Span,
        help: impl Into<String>,
    ) {
        self.found.push(Diagnostic::error(code, message).at(self.source, span).help(help));
    }

    /// Says what an option of the same meaning would be refused for.
    pub(super) fn refused(&mut self, code: &'static str, err: &anyhow::Error, span: Span) {
        let found = Output::finding(err);
        let help = found.help.unwrap_or_default().replace("by `--input ", "under `inputs`: `");
        let help = help.replace("`--type`", "`type`").replace("to where wfrun is started", "to the test file");
        self.error(code, found.message, span, help);
    }

    /// Says that a value is of another kind than wanted.
    pub(super) fn wrong_kind(&mut self, key: &str, node: &Node, wanted: &str) {
        // `a case` and `the file` are no keys.
        let subject = if key.contains(' ') && !key.contains('.') { key.to_owned() } else { format!("`{key}`") };
        let message = format!("{subject} is {}, and should be {wanted}", node.describe());
        self.error("wftest/wrong-kind", message, node.place(), format!("write {wanted}"));
    }

    /// A text; numbers and booleans are taken as GitHub writes them.
    pub(super) fn text(&mut self, key: &str, node: &Node) -> Option<String> {
        let text = node.scalar_text().filter(|_| !node.is_null());
        if text.is_none() {
            self.wrong_kind(key, node, "a text");
        }
        text
    }

    pub(super) fn bool(&mut self, key: &str, node: &Node) -> Option<bool> {
        let value = node.as_bool();
        if value.is_none() {
            self.wrong_kind(key, node, "`true` or `false`");
        }
        value
    }

    pub(super) fn whole(&mut self, key: &str, node: &Node) -> Option<u64> {
        let value = node.scalar_text().and_then(|it| it.parse().ok());
        if value.is_none() {
            self.wrong_kind(key, node, "a whole number");
        }
        value
    }

    /// One text, or a list of them.
    pub(super) fn texts(&mut self, key: &str, node: &Node) -> Vec<String> {
        match node.as_sequence() {
            Some(items) => items.iter().filter_map(|it| self.text(key, it)).collect(),
            None => self.text(key, node).into_iter().collect(),
        }
    }

    /// The entries of a mapping.
    pub(super) fn entries<'n>(&mut self, key: &str, node: &'n Node) -> &'n [Entry] {
        let Some(mapping) = node.as_mapping() else {
            self.wrong_kind(key, node, "a mapping");
            return &[];
        };
        &mapping.entries
    }

    /// Names with texts.
    pub(super) fn pairs(&mut self, key: &str, node: &Node) -> IndexMap<String, String> {
        let entries = self.entries(key, node);
        entries.iter().filter_map(|it| Some((it.key.value.clone(), self.value(key, &it.value)?))).collect()
    }

    /// A text that may be empty.
    fn value(&mut self, key: &str, node: &Node) -> Option<String> {
        if node.is_null() { Some(String::new()) } else { self.text(key, node) }
    }

    /// Reads one key of [`KEYS`]; tells whether it is one.
    pub(super) fn given(&mut self, given: &mut Given, entry: &Entry) -> bool {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "event" => given.event = self.text(key, node),
            "ref" => given.git_ref = self.text(key, node),
            "base" => given.base = self.text(key, node),
            "head" => given.head = self.text(key, node),
            "pr" => given.pr = self.whole(key, node),
            "type" => given.activity = self.text(key, node),
            "changed" => given.changed = Some(self.texts(key, node)),
            "sha" => given.sha = self.text(key, node),
            "actor" => given.actor = self.text(key, node),
            "repository" => given.repository = self.text(key, node),
            "run-number" => given.run_number = self.whole(key, node),
            "default-branch" => given.default_branch = self.text(key, node),
            "payload" if node.as_mapping().is_some() => {
                merge(given.payload.get_or_insert_with(|| Json::Object(serde_json::Map::new())), json(node));
            }
            "payload" => self.wrong_kind(key, node, "a mapping"),
            "input" | "inputs" => {
                given.inputs.extend(self.pairs(key, node));
            }
            "secret" | "secrets" => {
                let pairs = self.pairs(key, node).into_iter();
                given.secrets.extend(pairs.map(|(name, it)| (name.to_ascii_uppercase(), Secret::new(it))));
            }
            "var" | "vars" => given.vars.extend(self.pairs(key, node)),
            "env" => given.env.extend(self.pairs(key, node)),
            "job" => given.jobs = self.texts(key, node),
            "schedule" => given.schedule = self.text(key, node),
            "since" => given.since = self.text(key, node),
            "matrix" => self.legs(given, node),
            "event-path" => self.payload_file(given, node),
            "input-file" => given.inputs.extend(self.values_of_files(key, node)),
            "secret-file" => {
                let values = self.values_of_files(key, node).into_iter();
                given.secrets.extend(values.map(|(name, it)| (name.to_ascii_uppercase(), Secret::new(it))));
            }
            "var-file" => given.vars.extend(self.values_of_files(key, node)),
            "env-file" => given.env.extend(self.values_of_files(key, node)),
            "no-needs" => given.no_needs = self.bool(key, node).unwrap_or_default(),
            _ => return false,
        }
        true
    }

    /// `KEY: VALUE`, or a list of `KEY:VALUE`.
    fn legs(&mut self, given: &mut Given, node: &Node) {
        if node.as_mapping().is_some() {
            given.legs.extend(self.pairs("matrix", node));
            return;
        }
        match crate::foresight::legs(&self.texts("matrix", node)) {
            Ok(legs) => given.legs.extend(legs),
            Err(err) => self.refused("wftest/wrong-kind", &err, node.place()),
        }
    }

    fn payload_file(&mut self, given: &mut Given, node: &Node) {
        let Some(path) = self.text("event-path", node).map(|it| self.folder.join(it)) else { return };
        match read_json(&path) {
            Ok(told) => merge(given.payload.get_or_insert_with(|| Json::Object(serde_json::Map::new())), told),
            Err(err) => self.refused("wftest/unreadable", &err, node.place()),
        }
        self.files.push(path);
    }

    /// Names and values of files, dotenv or YAML; the later wins.
    fn values_of_files(&mut self, key: &str, node: &Node) -> IndexMap<String, String> {
        let mut all = IndexMap::new();
        for path in self.texts(key, node) {
            let path = self.folder.join(path);
            match key_values::read(&path) {
                Ok(Checked { value, diagnostics }) => {
                    all.extend(value.into_iter().map(|it| (it.name, it.value)));
                    let is_secret = key == "secret-file";
                    self.found
                        .extend(diagnostics.into_iter().map(|it| if is_secret { without_source(it) } else { it }));
                }
                Err(err) => self.refused("wftest/unreadable", &err, node.place()),
            }
            self.files.push(path);
        }
        all
    }
}

/// A part of a payload.
fn json(node: &Node) -> Json {
    match &*node.kind {
        NodeKind::Null => Json::Null,
        NodeKind::Bool(it) => Json::Bool(*it),
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        NodeKind::Number(it) if it.fract() == 0.0 && it.abs() < 1e15 => Json::from(*it as i64),
        NodeKind::Number(it) => Json::from(*it),
        NodeKind::String(it) => Json::String(it.value.clone()),
        NodeKind::Sequence(items) => items.iter().map(json).collect(),
        NodeKind::Mapping(entries) => {
            Json::Object(entries.iter().map(|it| (it.key.value.clone(), json(&it.value))).collect())
        }
    }
}
