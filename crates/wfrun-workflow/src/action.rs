//! What an `action.yml` says.
//!
//! Source: GitHub: execution rules E7.1.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_syntax::{Checked, Node, Source, Spanned};

use crate::lower::{Cursor, Key};
use crate::{Field, IfField, contexts};

/// One action's manifest.
#[derive(Debug, Clone)]
pub struct Action {
    /// `name:`
    pub name: String,
    /// `inputs:` in file order.
    pub inputs: IndexMap<String, ActionInput>,
    /// `outputs:` in file order.
    pub outputs: IndexMap<String, ActionOutput>,
    /// `runs:`
    pub runs: Runs,
}

impl Action {
    /// The declared input called `name`, ignoring case.
    pub fn input(&self, name: &str) -> Option<&ActionInput> {
        self.inputs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, input)| input)
    }
}

/// One input of an action.
#[derive(Debug, Clone)]
pub struct ActionInput {
    /// `default:`
    pub default: Option<Field>,
    /// `required:`; the runner does not enforce it.
    pub required: bool,
    /// `deprecationMessage:`
    pub deprecation: Option<String>,
}

/// One output of an action.
#[derive(Debug, Clone, Default)]
pub struct ActionOutput {
    /// `description:`
    pub description: String,
}

/// `runs:`
#[derive(Debug, Clone)]
pub struct Runs {
    /// `using:` as written.
    pub using: Spanned<String>,
    /// `main:`
    pub main: Option<String>,
    /// `pre:`
    pub pre: Option<String>,
    /// `pre-if:`, which has no implicit `success()`.
    pub pre_if: Option<IfField>,
    /// `post:`
    pub post: Option<String>,
    /// `post-if:`, which has no implicit `success()`; absent means `always()`.
    pub post_if: Option<IfField>,
}

const RUNS: &[Key] = &[
    Key::full("using"),
    Key::full("main"),
    Key::full("pre"),
    Key::full("pre-if"),
    Key::full("post"),
    Key::full("post-if"),
    Key::not_yet("steps"),
    Key::not_yet("image"),
    Key::not_yet("entrypoint"),
    Key::not_yet("args"),
    Key::not_yet("env"),
    Key::not_yet("pre-entrypoint"),
    Key::not_yet("post-entrypoint"),
];

/// Reads an action's manifest from its YAML tree.
pub fn lower_action(source: &Arc<Source>, node: Option<&Node>) -> Checked<Option<Action>> {
    let mut cursor = Cursor::new(source);
    let action = node.and_then(|it| action(&mut cursor, it));
    Checked { value: action, diagnostics: cursor.finish() }
}

fn action(cursor: &mut Cursor, node: &Node) -> Option<Action> {
    let mapping = cursor.any_mapping(node, "the action")?;
    let name = mapping.get("name").and_then(Node::scalar_text).unwrap_or_default();
    let mut inputs = IndexMap::new();
    if let Some(node) = mapping.get("inputs") {
        for entry in &cursor.any_mapping(node, "`inputs`")?.entries {
            inputs.insert(entry.key.value.clone(), input(cursor, &entry.value));
        }
    }
    let mut outputs = IndexMap::new();
    if let Some(node) = mapping.get("outputs") {
        for entry in &cursor.any_mapping(node, "`outputs`")?.entries {
            let description = entry.value.as_mapping().and_then(|it| it.get("description"));
            let description = description.and_then(Node::scalar_text).unwrap_or_default();
            outputs.insert(entry.key.value.clone(), ActionOutput { description });
        }
    }
    let Some(node) = mapping.get("runs") else {
        cursor.error("workflow/missing-key", "Required property is missing: runs", node.span, None);
        return None;
    };
    Some(Action { name, inputs, outputs, runs: runs(cursor, node)? })
}

fn input(cursor: &mut Cursor, node: &Node) -> ActionInput {
    let mapping = node.as_mapping();
    let get = |key: &str| mapping.and_then(|it| it.get(key));
    ActionInput {
        default: get("default").and_then(|it| cursor.field(it, &contexts::ACTION_INPUT)),
        required: get("required").and_then(Node::scalar_text).is_some_and(|it| it == "true"),
        deprecation: get("deprecationMessage").and_then(Node::scalar_text),
    }
}

fn runs(cursor: &mut Cursor, node: &Node) -> Option<Runs> {
    let mapping = cursor.mapping(node, "`runs`", RUNS)?;
    let using = cursor.filled_text(mapping.get("using")?)?;
    let mut text = |key: &str| mapping.get(key).and_then(|it| cursor.filled_text(it)).map(|it| it.value);
    let (main, pre, post) = (text("main"), text("pre"), text("post"));
    let mut condition = |key: &str| mapping.get(key).and_then(|it| cursor.bare_condition(it, &contexts::ACTION_IF));
    let (pre_if, post_if) = (condition("pre-if"), condition("post-if"));
    Some(Runs { using, main, pre, pre_if, post, post_if })
}
