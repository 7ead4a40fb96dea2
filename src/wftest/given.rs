//! Reads the situation of a case: the options of `wfrun why`, as keys.
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;
use wfrun_journal::Secret;
use wfrun_syntax::{Diagnostic, Entry, Node, NodeKind, Source, Span};

use super::model::Given;
use crate::output::Output;

/// The keys of a case that say what happened.
pub(super) const KEYS: [&str; 22] = [
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
];

/// Reads values of a test file, and keeps what is wrong with them.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) found: Vec<Diagnostic>,
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
            "payload" if node.as_mapping().is_some() => given.payload = Some(json(node)),
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
            "no-needs" => given.no_needs = self.bool(key, node).unwrap_or_default(),
            _ => return false,
        }
        true
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
