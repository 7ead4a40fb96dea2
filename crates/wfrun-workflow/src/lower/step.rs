use std::collections::HashMap;

use wfrun_syntax::{Code, Diagnostic, Mapping, Node, NodeKind, Spanned};

use super::cursor::Typed;
use super::{Cursor, Key, root};
use crate::step_id::StepIds;
use crate::{EnvMap, RunStep, Step, StepId, StepKind, UsesStep, UsesTarget, contexts};

const KEYS: &[Key] = &[
    Key::full("name"),
    Key::full("id"),
    Key::full("if"),
    Key::full("run"),
    Key::full("uses"),
    Key::full("with"),
    Key::full("env"),
    Key::full("shell"),
    Key::full("working-directory"),
    Key::full("timeout-minutes"),
    Key::full("continue-on-error"),
    Key::not_yet("background"),
    Key::not_yet("wait"),
    Key::not_yet("wait-all"),
    Key::not_yet("cancel"),
    Key::not_yet("parallel"),
];

/// Reads the steps of one job.
pub(super) fn steps(cursor: &mut Cursor, items: &[Node]) -> Vec<Step> {
    let written = written_ids(cursor, items);
    let mut ids = StepIds::new(written.iter().flatten().map(|it| it.value.as_str()));
    let read = items.iter().zip(&written).filter_map(|(node, id)| step(cursor, node, id.as_ref(), &mut ids));
    read.collect()
}

/// The `id:` of each step; bad and repeated ones are said and left out.
fn written_ids(cursor: &mut Cursor, items: &[Node]) -> Vec<Option<Spanned<String>>> {
    let mut first: HashMap<String, Spanned<String>> = HashMap::new();
    let mut ids = Vec::with_capacity(items.len());
    for node in items {
        let NodeKind::Mapping(mapping) = &*node.kind else {
            ids.push(None);
            continue;
        };
        let id = mapping.get("id").and_then(|it| cursor.filled_text(it)).filter(|it| root::check_id(cursor, it));
        if let Some(id) = &id {
            let key = id.value.to_ascii_lowercase();
            if let Some(earlier) = first.get(&key) {
                let message =
                    format!("The identifier '{}' may not be used more than once within the same scope.", id.value);
                let source = cursor.source.clone();
                let diagnostic = Diagnostic::error(Code::new("workflow/duplicate-id"), message)
                    .at(&source, id.span)
                    .label(&source, earlier.span, "first used here")
                    .help("give one of the steps another id; upper and lower case do not count");
                cursor.push(diagnostic);
            } else {
                first.insert(key, id.clone());
            }
        }
        ids.push(id);
    }
    ids
}

fn step(cursor: &mut Cursor, node: &Node, id: Option<&Spanned<String>>, ids: &mut StepIds) -> Option<Step> {
    let mapping = cursor.mapping(node, "a step", KEYS)?;
    let kind = kind(cursor, node, mapping)?;
    let condition = cursor.condition(mapping.get("if"), &contexts::STEP_IF)?;
    let name = mapping.get("name").and_then(|it| cursor.field(it, &contexts::STEP));
    let timeout_minutes =
        mapping.get("timeout-minutes").and_then(|it| cursor.typed_field(it, &contexts::STEP, Typed::Number));
    let continue_on_error =
        mapping.get("continue-on-error").and_then(|it| cursor.typed_field(it, &contexts::STEP, Typed::Boolean));
    let env = match mapping.get("env") {
        Some(it) => cursor.map(it, "`env`", &contexts::STEP),
        None => EnvMap::new(),
    };
    let has_id = id.is_some();
    let id = match (id, &kind) {
        (Some(id), _) => StepId::new(id.value.as_str()),
        (None, StepKind::Run(_)) => ids.run(),
        (None, StepKind::Uses(uses)) => ids.uses(&uses.target.value),
    };
    Some(Step { span: node.span, id, has_id, name, condition, env, timeout_minutes, continue_on_error, kind })
}

fn kind(cursor: &mut Cursor, node: &Node, mapping: &Mapping) -> Option<StepKind> {
    match (mapping.get("run"), mapping.get("uses")) {
        (Some(script), None) => {
            refuse(cursor, mapping, "with", "a step with `run`: it belongs to `uses`");
            let script = cursor.field(script, &contexts::STEP)?;
            let shell = mapping.get("shell").and_then(|it| cursor.filled_text(it));
            let working_directory = mapping.get("working-directory").and_then(|it| cursor.field(it, &contexts::STEP));
            Some(StepKind::Run(RunStep { script, shell, working_directory }))
        }
        (None, Some(uses)) => {
            for key in ["shell", "working-directory"] {
                refuse(cursor, mapping, key, "a step with `uses`: it belongs to `run`");
            }
            let text = cursor.filled_text(uses)?;
            let Some(target) = UsesTarget::parse(&text.value) else {
                let message = format!("Expected format {{org}}/{{repo}}[/path]@ref. Actual '{}'", text.value);
                let help = "for example `actions/checkout@v4`, `./path/to/action` or `docker://alpine:3`";
                cursor.error("workflow/invalid-uses", message, text.span, Some(help.to_owned()));
                return None;
            };
            let with = match mapping.get("with") {
                Some(it) => cursor.map(it, "`with`", &contexts::STEP),
                None => EnvMap::new(),
            };
            Some(StepKind::Uses(UsesStep { target: Spanned::new(target, text.span), with }))
        }
        (Some(_), Some(uses)) => {
            let help = "a step either runs a script or uses an action: make it two steps".to_owned();
            cursor.error("workflow/unknown-key", "Unexpected value 'uses'", uses.span, Some(help));
            None
        }
        (None, None) => {
            let control = ["wait", "wait-all", "cancel", "parallel"];
            if !control.iter().any(|it| mapping.get(it).is_some()) {
                let message = "There's not enough info to determine what you meant. Add one of these properties: cancel, parallel, run, shell, uses, wait, wait-all, with, working-directory";
                let help = "a step needs `run:` or `uses:`".to_owned();
                let span = mapping.entries.first().map_or(node.span, |it| it.key.span);
                cursor.error("workflow/step-without-kind", message, span, Some(help));
            }
            None
        }
    }
}

fn refuse(cursor: &mut Cursor, mapping: &Mapping, key: &str, place: &str) {
    if let Some(entry) = mapping.entries.iter().find(|it| it.key.value == key) {
        let help = format!("`{key}` is no key of {place}");
        cursor.error("workflow/unknown-key", format!("Unexpected value '{key}'"), entry.key.span, Some(help));
    }
}
