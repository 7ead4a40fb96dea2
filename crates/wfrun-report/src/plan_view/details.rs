//! What a plan says of a job beside its place in the order, each thing in one line, and only where there is something.
use std::collections::HashMap;

use serde_json::{Value as Json, json};
use wfrun_plan::{CallInput, Group, HandedSecrets, JobKey, JobOutlook, Leg, Outlook, RunDefaults};
use wfrun_workflow::{Defaults, Workflow};

use super::PlanView;
use crate::explain::literal;
use crate::permissions::permissions_text;
use crate::text::one_line;

/// Most values in which legs differ that are named.
const MOST_VALUES: usize = 3;

/// The jobs that call workflows, by the keys of their legs.
pub(super) type Callers<'a> = HashMap<&'a JobKey, &'a JobOutlook>;

pub(super) fn callers(outlook: &Outlook) -> Callers<'_> {
    let calls = outlook.jobs.iter().filter(|it| it.call.is_some());
    calls.flat_map(|job| job.legs.iter().map(move |leg| (&leg.key, job))).collect()
}

/// What holds for the workflow as a whole, and for each job that says nothing else.
pub(super) fn of_workflow(plan: &PlanView<'_>) -> Vec<String> {
    let workflow = plan.workflow;
    let permissions = workflow.permissions.iter().map(|it| format!("permissions: {}", permissions_text(&it.value)));
    let defaults = Some(written(&workflow.defaults)).filter(|it| !it.is_empty());
    let defaults = defaults.iter().map(|it| format!("defaults: {}", defaults_text(it)));
    let concurrency = plan.outlook.concurrency.iter().map(|it| format!("concurrency: {}", group_text(it)));
    permissions.chain(defaults).chain(concurrency).collect()
}

/// What holds for a job, where it is not what the whole workflow says.
pub(super) fn of_job(plan: &PlanView<'_>, callers: &Callers<'_>, job: &JobOutlook) -> Vec<String> {
    let groups = |leg: &Leg| {
        let names: Vec<String> = leg.concurrency.iter().map(group_text).collect();
        Some(names.join(", ")).filter(|it| !it.is_empty())
    };
    let own = [
        ("environment", across(&job.legs, |it| it.environment.clone())),
        ("concurrency", across(&job.legs, groups)),
        ("timeout", across(&job.legs, |it| it.timeout_minutes.clone())),
        ("permissions", own_permissions(plan, callers, job)),
        ("defaults", own_defaults(plan.workflow, job)),
    ];
    let given = [("with", with(job))];
    let call = [
        ("secrets", job.call.as_ref().and_then(|it| secrets(&it.secrets))),
        ("outputs", job.call.as_ref().map(|it| it.outputs.join(", ")).filter(|it| !it.is_empty())),
    ];
    let line = |said: &[(&str, Option<String>)]| {
        let said = said.iter().filter_map(|(word, it)| Some(format!("{word}: {}", one_line(it.as_ref()?))));
        said.collect::<Vec<_>>().join(" · ")
    };
    [line(&own), line(&given), line(&call)].into_iter().filter(|it| !it.is_empty()).collect()
}

/// What all legs have, or the values in which they differ.
pub(super) fn across(legs: &[Leg], of: impl Fn(&Leg) -> Option<String>) -> Option<String> {
    let mut values: Vec<String> = Vec::new();
    for value in legs.iter().filter_map(of) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let rest = values.len().saturating_sub(MOST_VALUES);
    values.truncate(MOST_VALUES);
    if rest > 0 {
        values.push(format!("{rest} more"));
    }
    (!values.is_empty()).then(|| values.join(" | "))
}

fn group_text(group: &Group) -> String {
    match group.cancel_in_progress.as_deref() {
        None | Some("false") => group.name.clone(),
        Some("true") => format!("{} (cancels what is in progress)", group.name),
        Some(other) => format!("{} (cancels what is in progress: {other})", group.name),
    }
}

/// What is not that of the workflow, or of the caller.
fn own_permissions(plan: &PlanView<'_>, callers: &Callers<'_>, job: &JobOutlook) -> Option<String> {
    let own = job.permissions.as_ref()?;
    let around = match job.caller.as_ref().and_then(|it| callers.get(it)) {
        Some(caller) => caller.permissions.as_ref(),
        None => plan.workflow.permissions.as_ref().map(|it| &it.value),
    };
    (Some(own) != around).then(|| permissions_text(own))
}

fn written(defaults: &Defaults) -> RunDefaults {
    let text = |it: &Option<wfrun_workflow::Field>| it.as_ref().map(wfrun_workflow::Field::raw);
    RunDefaults { shell: text(&defaults.shell), working_directory: text(&defaults.working_directory) }
}

/// What is not that of the workflow; a called workflow has nothing of its caller's.
fn own_defaults(workflow: &Workflow, job: &JobOutlook) -> Option<String> {
    let around = if job.caller.is_some() { RunDefaults::default() } else { written(&workflow.defaults) };
    let text = |leg: &Leg| (!leg.defaults.is_empty()).then(|| defaults_text(&leg.defaults));
    let differs = job.legs.iter().any(|it| it.defaults != around);
    differs.then(|| across(&job.legs, text)).flatten()
}

/// `shell bash, working-directory app`
fn defaults_text(defaults: &RunDefaults) -> String {
    let shell = defaults.shell.iter().map(|it| format!("shell {it}"));
    let directory = defaults.working_directory.iter().map(|it| format!("working-directory {it}"));
    shell.chain(directory).collect::<Vec<_>>().join(", ")
}

/// `env = 'prod', level = 'info' by default, tag depends on needs.build.outputs.tag`
fn with(job: &JobOutlook) -> Option<String> {
    let first = job.legs.first()?;
    let of_input = |input: &CallInput| {
        let same = |leg: &Leg| leg.inputs.iter().find(|it| it.name == input.name).map(value_text);
        let link = if input.value.is_some() { " = " } else { " " };
        Some(format!("{}{link}{}", input.name, across(&job.legs, same)?))
    };
    let all: Vec<String> = first.inputs.iter().filter_map(of_input).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn value_text(input: &CallInput) -> String {
    let value = input.value.as_ref().map(|it| literal(&serde_json::to_value(it).unwrap_or_default()));
    match value {
        Some(value) if input.is_given => value,
        Some(value) => format!("{value} by default"),
        None => format!("depends on {}", input.depends_on.join(", ")),
    }
}

fn secrets(secrets: &HandedSecrets) -> Option<String> {
    match secrets {
        HandedSecrets::Inherit => Some("inherit".to_owned()),
        HandedSecrets::Named(names) => Some(names.join(", ")).filter(|it| !it.is_empty()),
    }
}

/// `{"uses","here","inputs":[{"name","value","depends_on","given"}],"secrets":"inherit"|[…],"outputs":[…]}` of a job that
/// calls a workflow.
pub(super) fn call_json(job: &JobOutlook, leg: &Leg) -> Json {
    let Some(call) = &job.call else { return Json::Null };
    let secrets = match &call.secrets {
        HandedSecrets::Inherit => json!("inherit"),
        HandedSecrets::Named(names) => json!(names),
    };
    let inputs = leg
        .inputs
        .iter()
        .map(|it| json!({"name": it.name, "value": it.value, "depends_on": it.depends_on, "given": it.is_given}));
    json!({
        "uses": call.file.to_string(), "here": call.is_here, "inputs": inputs.collect::<Vec<_>>(), "secrets": secrets,
        "outputs": call.outputs,
    })
}

/// `{"shell","working_directory"}`
pub(super) fn defaults_json(defaults: &RunDefaults) -> Json {
    if defaults.is_empty() {
        return Json::Null;
    }
    json!({"shell": defaults.shell, "working_directory": defaults.working_directory})
}

/// `[{"group","cancel_in_progress"}]`
pub(super) fn groups_json(groups: &[Group]) -> Json {
    groups.iter().map(|it| json!({"group": it.name, "cancel_in_progress": it.cancel_in_progress})).collect()
}

/// The group that a job names itself.
pub(super) fn own_group<'a>(job: &JobOutlook, leg: &'a Leg) -> Option<&'a str> {
    let has_own = job.model().is_some_and(|it| it.concurrency.is_some());
    leg.concurrency.first().filter(|_| has_own).map(|it| it.name.as_str())
}
