use indexmap::IndexMap;
use wfrun_syntax::{Node, NodeKind, Spanned, closest};

use super::{Cursor, Key};
use crate::{EventConfig, EventName, InputKind, InputSpec, On, Patterns};

/// All events a workflow may listen to.
///
/// Source: GitHub: planning rules 2.2.
const EVENTS: &[&str] = &[
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "image_version",
    "issue_comment",
    "issues",
    "label",
    "merge_group",
    "milestone",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "pull_request",
    "pull_request_comment",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_target",
    "push",
    "registry_package",
    "release",
    "repository_dispatch",
    "schedule",
    "status",
    "watch",
    "workflow_call",
    "workflow_dispatch",
    "workflow_run",
];

const CONFIG: &[Key] = &[
    Key::full("types"),
    Key::full("branches"),
    Key::full("branches-ignore"),
    Key::full("tags"),
    Key::full("tags-ignore"),
    Key::full("paths"),
    Key::full("paths-ignore"),
    Key::full("inputs"),
    Key::silent("outputs"),
    Key::silent("secrets"),
    Key::silent("workflows"),
    Key::silent("names"),
    Key::silent("versions"),
];

/// Reads `on:`: an event, a list of events, or events with their filters.
pub(super) fn on(cursor: &mut Cursor, key: &Spanned<String>, node: &Node) -> On {
    let mut events = IndexMap::new();
    match &*node.kind {
        NodeKind::Mapping(mapping) => {
            for entry in &mapping.entries {
                if let Some(name) = event_name(cursor, entry.key.clone()) {
                    let config = config(cursor, &name.value, &entry.key, &entry.value);
                    events.insert(EventName::new(name.value), config);
                }
            }
        }
        NodeKind::Null => {
            let help = "say when it runs: `on: push`".to_owned();
            cursor.error("workflow/missing-value", "Unexpected value ''", key.span, Some(help));
        }
        NodeKind::Sequence(_) | NodeKind::String(_) | NodeKind::Bool(_) | NodeKind::Number(_) => {
            for item in cursor.one_or_many(node) {
                if let Some(name) = cursor.filled_text(item).and_then(|it| event_name(cursor, it)) {
                    let config = EventConfig { span: name.span, ..EventConfig::default() };
                    events.insert(EventName::new(name.value), config);
                }
            }
        }
    }
    On { span: key.span, events }
}

fn event_name(cursor: &mut Cursor, name: Spanned<String>) -> Option<Spanned<String>> {
    if EVENTS.contains(&name.value.as_str()) {
        return Some(name);
    }
    let help = match closest(&name.value, EVENTS.iter().copied()) {
        Some(it) => format!("did you mean `{it}`?"),
        None => "the events are listed at https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows".to_owned(),
    };
    cursor.error("workflow/unknown-event", format!("Unexpected value '{}'", name.value), name.span, Some(help));
    None
}

fn config(cursor: &mut Cursor, event: &str, key: &Spanned<String>, node: &Node) -> EventConfig {
    let mut config = EventConfig { span: key.span, ..EventConfig::default() };
    if matches!(&*node.kind, NodeKind::Null) {
        return config;
    }
    if event == "schedule" {
        config.cron = schedule(cursor, node);
        return config;
    }
    let what = format!("`on.{event}`");
    let Some(mapping) = cursor.mapping(node, &what, CONFIG) else { return config };
    let pair = |name: &'static str, ignored: &'static str, cursor: &mut Cursor| {
        if let (Some(_), Some(second)) = (mapping.get(name), mapping.get(ignored)) {
            let message = format!("`{name}` and `{ignored}` cannot both be given for one event");
            let help = format!("use `{name}` with patterns that begin with `!` for what is left out");
            cursor.error("workflow/filter-pair", message, second.span, Some(help));
        }
        let patterns = |key: &'static str, ignore, cursor: &mut Cursor| {
            let node = mapping.get(key)?;
            let items = cursor.one_or_many(node);
            let list = items.into_iter().filter_map(|it| cursor.filled_text(it)).collect();
            Some(Patterns { key, ignore, list, span: node.span })
        };
        patterns(name, false, cursor).or_else(|| patterns(ignored, true, cursor))
    };
    config.branches = pair("branches", "branches-ignore", cursor);
    config.tags = pair("tags", "tags-ignore", cursor);
    config.paths = pair("paths", "paths-ignore", cursor);
    config.types = mapping.get("types").map(|node| {
        let items = cursor.one_or_many(node);
        items.into_iter().filter_map(|it| cursor.filled_text(it)).collect()
    });
    if let Some(node) = mapping.get("inputs") {
        config.inputs = inputs(cursor, node);
    }
    config
}

fn schedule(cursor: &mut Cursor, node: &Node) -> Vec<Spanned<String>> {
    let keys = [Key::full("cron"), Key::silent("timezone")];
    let items = match &*node.kind {
        NodeKind::Sequence(items) => items,
        NodeKind::Null | NodeKind::Bool(_) | NodeKind::Number(_) | NodeKind::String(_) | NodeKind::Mapping(_) => {
            let help = "write a list: `- cron: '0 3 * * *'`".to_owned();
            cursor.error("workflow/wrong-type", "A sequence was expected", node.span, Some(help));
            return Vec::new();
        }
    };
    let mut lines = Vec::new();
    for item in items {
        let cron = cursor.mapping(item, "`on.schedule`", &keys).and_then(|it| it.get("cron"));
        lines.extend(cron.and_then(|it| cursor.filled_text(it)));
    }
    lines
}

fn inputs(cursor: &mut Cursor, node: &Node) -> IndexMap<String, InputSpec> {
    const KEYS: &[Key] = &[
        Key::full("type"),
        Key::full("required"),
        Key::full("default"),
        Key::full("options"),
        Key::silent("description"),
        Key::silent("deprecationMessage"),
    ];
    let mut inputs = IndexMap::new();
    let Some(mapping) = cursor.any_mapping(node, "`inputs`") else { return inputs };
    for entry in &mapping.entries {
        let span = entry.key.span;
        let mut spec = InputSpec { span, kind: InputKind::String, required: false, default: None, options: Vec::new() };
        if !matches!(&*entry.value.kind, NodeKind::Null)
            && let Some(fields) = cursor.mapping(&entry.value, "an input", KEYS)
        {
            spec.kind = fields.get("type").map_or(InputKind::String, |it| input_kind(cursor, it));
            spec.required = fields.get("required").is_some_and(|it| matches!(&*it.kind, NodeKind::Bool(true)));
            spec.default = fields.get("default").and_then(Node::scalar_text);
            let options = fields.get("options").map(|it| cursor.one_or_many(it)).unwrap_or_default();
            spec.options = options.into_iter().filter_map(Node::scalar_text).collect();
        }
        inputs.insert(entry.key.value.clone(), spec);
    }
    inputs
}

fn input_kind(cursor: &mut Cursor, node: &Node) -> InputKind {
    const KINDS: &[(&str, InputKind)] = &[
        ("string", InputKind::String),
        ("boolean", InputKind::Boolean),
        ("number", InputKind::Number),
        ("choice", InputKind::Choice),
        ("environment", InputKind::Environment),
    ];
    let Some(text) = cursor.filled_text(node) else { return InputKind::String };
    if let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == text.value) {
        return *kind;
    }
    let names = KINDS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let message = format!("Unexpected value '{}'", text.value);
    cursor.error("workflow/wrong-value", message, text.span, Some(format!("one of: {names}")));
    InputKind::String
}
