use serde_json::{Map, Value, json};
use wfrun_syntax::Spanned;
use wfrun_workflow::{EventConfig, InputSpec, Job, Patterns, Schedule, Workflow};

use super::{Listed, calls, default, inheriting, names, open_names};
use crate::permissions::permissions_json;

/// The workflows as `wfrun list --json` prints them: an array of
/// `{"path","name","valid","error","on","jobs","inputs","call_inputs","secrets","inherits_secrets",
/// "open_secrets","variables","open_variables","permissions"}`.
///
/// `on` has a member for each event, with its filters as written; `timezone` has one for each of `cron`. `open_secrets` and
/// `open_variables` are the places where only the run can tell the name. `secrets` and `variables` are
/// `[{"name","places":[{"path","line","col"}]}]`, without `GITHUB_TOKEN`; `inherits_secrets` names the jobs that hand
/// all of them on. Of an invalid workflow `error` is `{"code","message","path","line","col"}` and the rest is missing.
pub fn list_json(all: &[Listed]) -> Value {
    all.iter().map(one).collect()
}

fn one(listed: &Listed) -> Value {
    match listed {
        Listed::Invalid { path, error } => {
            let place = error.place.as_ref().map(|it| (it.source.path(), it.start()));
            let error = json!({
                "code": error.code.as_str(),
                "message": error.message,
                "path": place.map(|it| it.0),
                "line": place.map(|it| it.1.line),
                "col": place.map(|it| it.1.col),
            });
            json!({ "path": path, "valid": false, "error": error })
        }
        Listed::Valid(workflow) => valid(workflow),
    }
}

fn valid(workflow: &Workflow) -> Value {
    let events: Map<String, Value> =
        workflow.on.events.iter().map(|(name, config)| (name.to_string(), event(config))).collect();
    let inputs = |event: &str| workflow.on.event(event).map(inputs);
    json!({
        "path": workflow.source.path(),
        "name": workflow.display_name(),
        "valid": true,
        "error": null,
        "on": events,
        "jobs": workflow.jobs.values().map(|it| job(workflow, it)).collect::<Vec<_>>(),
        "inputs": inputs("workflow_dispatch").unwrap_or_default(),
        "call_inputs": inputs("workflow_call").unwrap_or_default(),
        "secrets": needed(workflow, "secrets"),
        "inherits_secrets": inheriting(workflow),
        "open_secrets": places(workflow, &open_names(workflow, "secrets")),
        "open_variables": places(workflow, &open_names(workflow, "vars")),
        "variables": needed(workflow, "vars"),
        "permissions": workflow.permissions.as_ref().map(|it| permissions_json(&it.value)),
    })
}

fn event(config: &EventConfig) -> Value {
    let texts = |list: &[Spanned<String>]| list.iter().map(|it| it.value.clone()).collect::<Vec<_>>();
    let mut filters = Map::new();
    let mut add = |key: &str, list: Vec<String>| {
        if !list.is_empty() {
            filters.insert(key.to_owned(), list.into());
        }
    };
    add("types", config.types.as_deref().map(texts).unwrap_or_default());
    for Patterns { key, list, .. } in [&config.branches, &config.tags, &config.paths].into_iter().flatten() {
        add(key, texts(list));
    }
    add("workflows", texts(&config.workflows));
    add("names", texts(&config.names));
    add("versions", texts(&config.versions));
    add("cron", config.schedule.iter().map(|it| it.cron.value.clone()).collect());
    let zone = |it: &Schedule| it.timezone.as_ref().map_or_else(|| "UTC".to_owned(), |it| it.value.clone());
    add("timezone", config.schedule.iter().map(zone).collect());
    Value::Object(filters)
}

fn inputs(config: &EventConfig) -> Vec<Value> {
    let one = |(name, spec): (&String, &InputSpec)| {
        json!({
            "name": name,
            "type": spec.kind.word(),
            "required": spec.required,
            "default": default(spec.default.as_ref()),
            "options": spec.options,
        })
    };
    config.inputs.iter().map(one).collect()
}

fn job(workflow: &Workflow, job: &Job) -> Value {
    json!({
        "id": job.id.value,
        "needs": job.needs.iter().map(|it| it.value.to_string()).collect::<Vec<_>>(),
        "uses": calls(workflow, job),
        "permissions": job.permissions.as_ref().map(|it| permissions_json(&it.value)),
    })
}

fn places(workflow: &Workflow, places: &[wfrun_syntax::Location]) -> Value {
    let path = workflow.source.path();
    places.iter().map(|it| json!({ "path": path, "line": it.line, "col": it.col })).collect()
}

fn needed(workflow: &Workflow, context: &str) -> Value {
    let one =
        |(name, at): (String, Vec<wfrun_syntax::Location>)| json!({"name": name, "places": places(workflow, &at)});
    names(workflow, context).into_iter().map(one).collect()
}
