use indexmap::IndexMap;
use wfrun_syntax::{Diagnostic, Node, NodeKind, Span, Spanned};

use super::{Cursor, Key, job, on};
use crate::{Defaults, EnvMap, JobId, On, Workflow, contexts, id};

const KEYS: &[Key] = &[
    Key::full("name"),
    Key::silent("description"),
    Key::silent("run-name"),
    Key::full("on"),
    Key::silent("permissions"),
    Key::full("env"),
    Key::full("defaults"),
    Key::no_effect("concurrency", "wfrun does not queue or cancel runs yet"),
    Key::full("jobs"),
];

/// Reads a whole file.
pub(super) fn workflow(cursor: &mut Cursor, node: Option<&Node>) -> Workflow {
    let mut workflow = Workflow {
        source: cursor.source.clone(),
        name: None,
        on: On::default(),
        env: EnvMap::new(),
        defaults: Defaults::default(),
        jobs: IndexMap::new(),
    };
    let Some(node) = node.filter(|it| !it.is_null()) else {
        let help = "a workflow needs at least `on:` and `jobs:`".to_owned();
        cursor.error("workflow/empty", "the file is empty", Span::default(), Some(help));
        return workflow;
    };
    let Some(mapping) = cursor.mapping(node, "the workflow", KEYS) else { return workflow };
    for entry in &mapping.entries {
        let value = &entry.value;
        match entry.key.value.as_str() {
            "name" => workflow.name = cursor.text(value).filter(|it| !it.value.is_empty()),
            "on" => workflow.on = on::on(cursor, &entry.key, value),
            "env" => workflow.env = cursor.map(value, "`env`", &contexts::ROOT_ENV),
            "defaults" => workflow.defaults = defaults(cursor, value, &contexts::NONE),
            "jobs" => workflow.jobs = jobs(cursor, &entry.key, value),
            _ => {}
        }
    }
    for required in ["on", "jobs"] {
        if mapping.get(required).is_none() {
            let help = match required {
                "on" => "say when it runs: `on: push`",
                _ => "say what it does: `jobs:` with at least one job",
            };
            let message = format!("Required property is missing: {required}");
            let span = mapping.entries.first().map_or(node.span, |it| it.key.span);
            cursor.error("workflow/missing-key", message, span, Some(help.to_owned()));
        }
    }
    workflow
}

/// Reads `defaults:`.
pub(super) fn defaults(cursor: &mut Cursor, node: &Node, availability: &wfrun_expr::Availability) -> Defaults {
    let mut defaults = Defaults::default();
    let Some(outer) = cursor.mapping(node, "`defaults`", &[Key::full("run")]) else { return defaults };
    let Some(run) = outer.get("run") else { return defaults };
    let keys = [Key::full("shell"), Key::full("working-directory")];
    let Some(mapping) = cursor.mapping(run, "`defaults.run`", &keys) else { return defaults };
    defaults.shell = mapping.get("shell").and_then(|it| cursor.field(it, availability));
    defaults.working_directory = mapping.get("working-directory").and_then(|it| cursor.field(it, availability));
    defaults
}

fn jobs(cursor: &mut Cursor, key: &Spanned<String>, node: &Node) -> IndexMap<JobId, crate::Job> {
    let mut jobs = IndexMap::new();
    let empty = match &*node.kind {
        NodeKind::Null => true,
        NodeKind::Mapping(it) => it.entries.is_empty(),
        NodeKind::Bool(_) | NodeKind::Number(_) | NodeKind::String(_) | NodeKind::Sequence(_) => false,
    };
    if empty {
        let message = "The workflow must contain at least one job with no dependencies.";
        let help = "write a job below `jobs:`, for example `test:` with `runs-on: ubuntu-latest` and `steps:`";
        cursor.error("workflow/no-jobs", message, key.span, Some(help.to_owned()));
        return jobs;
    }
    let Some(mapping) = cursor.any_mapping(node, "`jobs`") else { return jobs };
    for entry in &mapping.entries {
        if check_id(cursor, &entry.key)
            && let Some(job) = job::job(cursor, &entry.key, &entry.value)
        {
            jobs.insert(JobId::new(entry.key.value.as_str()), job);
        }
    }
    jobs
}

/// Whether a written id may stand; says so where not.
///
/// Source: GitHub: planning rules 1.6.
pub(super) fn check_id(cursor: &mut Cursor, written: &Spanned<String>) -> bool {
    let name = &written.value;
    let message = if !id::is_valid(name) {
        format!(
            "The identifier '{name}' is invalid. IDs may only contain alphanumeric characters, '_', and '-'. \
             IDs must start with a letter or '_' and must be less than 100 characters."
        )
    } else if name.starts_with("__") {
        format!("The identifier '{name}' is invalid. IDs starting with '__' are reserved.")
    } else {
        return true;
    };
    let legal: String = name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' }).collect();
    let code = wfrun_syntax::Code::new("workflow/invalid-id");
    let help = format!("for example `{}`", legal.trim_matches('-'));
    cursor.push(Diagnostic::error(code, message).at(&cursor.source.clone(), written.span).help(help));
    false
}
