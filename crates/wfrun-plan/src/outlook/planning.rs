//! What keeps a leg from beginning: keys that cannot be evaluated, and a group that is held around it.
use wfrun_expr::{EvalError, Template, Value};
use wfrun_syntax::{Span, eq_ignoring_case};
use wfrun_workflow::{Concurrency, Container, Field, Job, Workflow};

use super::scope::Before;
use super::{Group, Reason};
use crate::{JobKey, called_inputs};

/// Most UTF-16 units of a group's name.
///
/// Source: GitHub: planning rules 4.7.
const MAX_GROUP: usize = 400;

/// The first key of a leg that cannot be evaluated; what only the run can tell is no error.
///
/// Source: GitHub: planning rules 4.2, the keys in their order.
pub(super) fn broken(job: &Job, callee: Option<&Workflow>, scope: &Before<'_>) -> Option<Reason> {
    let environment = job.environment.as_ref().map(|it| &it.name);
    let first = [("name", job.name.as_ref()), ("environment", environment)];
    let then = [
        ("timeout-minutes", job.timeout_minutes.as_ref()),
        ("cancel-timeout-minutes", job.cancel_timeout_minutes.as_ref()),
        ("continue-on-error", job.continue_on_error.as_ref()),
    ];
    let [(name, own), (environment, of_environment)] = first;
    let concurrency = || {
        // A called workflow has its own, of which the leg has the group.
        job.concurrency.as_ref().and_then(|it| concurrency(it, scope))
    };
    let labels = || job.runs_on.iter().chain(&job.runner_group).find_map(|it| field("runs-on", it, scope));
    own.and_then(|it| field(name, it, scope))
        .or_else(concurrency)
        .or_else(|| of_environment.and_then(|it| field(environment, it, scope)))
        .or_else(labels)
        .or_else(|| then.iter().find_map(|(key, it)| field(key, (*it)?, scope)))
        .or_else(|| job.container.as_ref().and_then(|it| container("container", it, scope)))
        .or_else(|| job.services.whole.as_ref().and_then(|it| field("services", it, scope)))
        .or_else(|| job.services.list.iter().find_map(|it| container("services", &it.container, scope)))
        .or_else(|| inputs(job, callee?, scope))
}

fn field(key: &str, field: &Field, scope: &Before<'_>) -> Option<Reason> {
    if matches!(field.template, Template::Literal(_)) {
        return None;
    }
    match field.template.foresee(scope) {
        Ok(_) | Err(EvalError::Unknown { .. } | EvalError::NotYet { .. }) => None,
        Err(err) => Some(planning(key, field.raw(), err.to_string(), field.span())),
    }
}

fn planning(key: &str, expression: String, message: String, span: Span) -> Reason {
    Reason::Planning { key: key.to_owned(), expression, message, span: Some(span) }
}

fn container(key: &str, container: &Container, scope: &Before<'_>) -> Option<Reason> {
    let single = [&container.image, &container.options, &container.entrypoint, &container.command];
    let fields = single.into_iter().flatten().chain(&container.ports).chain(&container.volumes);
    fields.chain(container.env.iter().map(|(_, it)| it)).find_map(|it| field(key, it, scope))
}

/// Source: GitHub: planning rules 4.7: a group has a name of less than 400 characters.
fn concurrency(concurrency: &Concurrency, scope: &Before<'_>) -> Option<Reason> {
    let all = concurrency.group.iter().chain(&concurrency.cancel_in_progress);
    if let Some(broken) = all.clone().find_map(|it| field("concurrency", it, scope)) {
        return Some(broken);
    }
    let group = concurrency.group.as_ref()?;
    let trace = group.template.foresee(scope).ok()?;
    let name = match trace.value() {
        Value::Object(both) => both.get("group").map(Value::to_text).unwrap_or_default(),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            value.to_text()
        }
    };
    let message = if name.is_empty() {
        "Concurrency group name cannot be empty"
    } else if name.encode_utf16().count() >= MAX_GROUP {
        "Concurrency group name must be less than 400 characters"
    } else {
        return None;
    };
    Some(planning("concurrency", group.raw(), message.to_owned(), group.span()))
}

/// Source: GitHub: planning rules 2.7, the types of `with`.
fn inputs(job: &Job, callee: &Workflow, scope: &Before<'_>) -> Option<Reason> {
    let call = job.call.as_ref()?;
    let err = called_inputs(callee, call, scope).err().filter(|it| !it.is_not_yet())?;
    let written = call.with.iter().find(|(_, it)| it.node.place() == err.span).map(|(_, it)| it.raw());
    Some(planning("with", written.unwrap_or_default(), err.to_string(), err.span))
}

/// A group that is held, and by which job; none is the workflow.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) name: String,
    pub(super) by: Option<JobKey>,
}

/// Why a leg would wait for itself: its group is one of those that are held around it.
///
/// Source: GitHub: planning rules 4.7.
pub(super) fn deadlock(groups: &[Group], held: &[Held], span: Option<Span>) -> Option<Reason> {
    let is_held = |group: &Group| held.iter().find(|it| eq_ignoring_case(&it.name, &group.name));
    let (group, holder) = groups.iter().filter(|it| it.is_known).find_map(|it| Some((it, is_held(it)?)))?;
    Some(Reason::Deadlock { group: group.name.clone(), holder: holder.by.clone(), span })
}
