use wfrun_syntax::{Mapping, Node, NodeKind, Spanned};

use super::cursor::Typed;
use super::{Cursor, Key, root, step};
use crate::{Defaults, EnvMap, Field, Job, JobId, contexts};

const KEYS: &[Key] = &[
    Key::full("name"),
    Key::full("needs"),
    Key::full("if"),
    Key::silent("permissions"),
    Key::full("runs-on"),
    Key::no_effect("environment", "there are no protection rules or environment secrets here"),
    Key::no_effect("concurrency", "wfrun does not queue or cancel runs yet"),
    Key::full("outputs"),
    Key::full("env"),
    Key::full("defaults"),
    Key::full("timeout-minutes"),
    Key::silent("cancel-timeout-minutes"),
    Key::full("continue-on-error"),
    Key::not_yet("strategy"),
    Key::not_yet("container"),
    Key::not_yet("services"),
    Key::not_yet("snapshot"),
    Key::full("steps"),
    Key::not_yet("uses"),
    Key::not_yet("with"),
    Key::not_yet("secrets"),
];

/// Reads `jobs.<job_id>`.
pub(super) fn job(cursor: &mut Cursor, key: &Spanned<String>, node: &Node) -> Option<Job> {
    let what = format!("job `{}`", key.value);
    let mapping = cursor.mapping(node, &what, KEYS)?;
    let condition = cursor.condition(mapping.get("if"), &contexts::JOB_IF)?;
    let mut field = |name: &str| mapping.get(name).and_then(|it| cursor.field(it, &contexts::JOB));
    let name = field("name");
    let timeout_minutes =
        mapping.get("timeout-minutes").and_then(|it| cursor.typed_field(it, &contexts::JOB, Typed::Number));
    let continue_on_error =
        mapping.get("continue-on-error").and_then(|it| cursor.typed_field(it, &contexts::JOB, Typed::Boolean));
    let mut map = |name: &str, availability| match mapping.get(name) {
        Some(it) => cursor.map(it, &format!("`{name}`"), availability),
        None => EnvMap::new(),
    };
    let env = map("env", &contexts::JOB_ENV);
    let outputs = map("outputs", &contexts::JOB_OUTPUTS);
    let defaults = match mapping.get("defaults") {
        Some(it) => root::defaults(cursor, it, &contexts::JOB_DEFAULTS),
        None => Defaults::default(),
    };
    Some(Job {
        id: Spanned::new(JobId::new(key.value.as_str()), key.span),
        name,
        needs: needs(cursor, mapping),
        condition,
        runs_on: runs_on(cursor, key, mapping),
        env,
        defaults,
        outputs,
        timeout_minutes,
        continue_on_error,
        steps: steps(cursor, mapping),
    })
}

fn needs(cursor: &mut Cursor, mapping: &Mapping) -> Vec<Spanned<JobId>> {
    let items = mapping.get("needs").map(|it| cursor.one_or_many(it)).unwrap_or_default();
    let texts = items.into_iter().filter_map(|it| cursor.filled_text(it));
    texts.map(|it| Spanned::new(JobId::new(it.value), it.span)).collect()
}

fn runs_on(cursor: &mut Cursor, key: &Spanned<String>, mapping: &Mapping) -> Vec<Field> {
    let Some(node) = mapping.get("runs-on") else {
        if mapping.get("uses").is_none() {
            let help = "say where the job runs: `runs-on: ubuntu-latest`".to_owned();
            cursor.error("workflow/missing-key", "Required property is missing: runs-on", key.span, Some(help));
        }
        return Vec::new();
    };
    let labels = match &*node.kind {
        NodeKind::Mapping(_) => {
            let keys = [Key::silent("group"), Key::full("labels")];
            cursor.mapping(node, "`runs-on`", &keys).and_then(|it| it.get("labels"))
        }
        NodeKind::Null | NodeKind::Bool(_) | NodeKind::Number(_) | NodeKind::String(_) | NodeKind::Sequence(_) => {
            Some(node)
        }
    };
    let items = labels.map(|it| cursor.one_or_many(it)).unwrap_or_default();
    items.into_iter().filter_map(|it| cursor.field(it, &contexts::JOB)).collect()
}

fn steps(cursor: &mut Cursor, mapping: &Mapping) -> Vec<crate::Step> {
    // GitHub takes a job without steps, too.
    let Some(node) = mapping.get("steps") else { return Vec::new() };
    let NodeKind::Sequence(items) = &*node.kind else {
        let help = "`steps` is a list: begin each step with `- `".to_owned();
        cursor.error("workflow/wrong-type", "A sequence was expected", node.span, Some(help));
        return Vec::new();
    };
    step::steps(cursor, items)
}
