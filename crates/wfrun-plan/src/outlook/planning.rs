//! What keeps a leg from beginning: keys that cannot be evaluated, and a group that is held around it.
use std::iter;

use wfrun_expr::{EvalError, Value};
use wfrun_syntax::{Span, eq_ignoring_case};
use wfrun_workflow::{CallSecrets, Concurrency, Container, Field, Job, Workflow};

use super::calls::value;
use super::scope::Before;
use super::{Group, Reason};
use crate::{JobKey, called_inputs, group_name};

/// What is evaluated before a leg enters its group, and cannot be; what only the run can tell is no error.
///
/// `called` is the group of the workflow that a leg without a group of its own calls, with the scope that it sees.
///
/// Source: GitHub: planning rules 4.2, the keys in their order.
pub(super) fn before_group(
    job: &Job,
    called: Option<(&Concurrency, &Before<'_>)>,
    scope: &Before<'_>,
) -> Option<Reason> {
    let name = || field("name", job.name.as_ref()?, scope);
    let of_called = || {
        let (group, scope) = called?;
        let (expression, message, _) = concurrency(group, scope)?;
        // The key of this file that brings it in.
        Some(planning("concurrency", expression, message, job.call.as_ref()?.target.span))
    };
    let own = |it: &Concurrency| {
        let (expression, message, span) = concurrency(it, scope)?;
        Some(planning("concurrency", expression, message, span))
    };
    name().or_else(|| job.concurrency.as_ref().map_or_else(of_called, own))
}

/// The same of what is evaluated once a leg is in its group.
pub(super) fn in_group(job: &Job, callee: Option<&Workflow>, scope: &Before<'_>) -> Option<Reason> {
    let environment = job.environment.iter().flat_map(|it| iter::once(&it.name).chain(&it.deployment));
    let labels = job.runner_group.iter().chain(&job.runs_on);
    let mut keys = environment
        .map(|it| ("environment", it))
        .chain(labels.map(|it| ("runs-on", it)))
        .chain(job.timeout_minutes.iter().map(|it| ("timeout-minutes", it)))
        .chain(job.cancel_timeout_minutes.iter().map(|it| ("cancel-timeout-minutes", it)))
        .chain(job.continue_on_error.iter().map(|it| ("continue-on-error", it)));
    let services = || {
        let listed = job.services.list.iter().find_map(|it| container("services", &it.container, scope));
        listed.or_else(|| field("services", job.services.whole.as_ref()?, scope))
    };
    keys.find_map(|(key, it)| field(key, it, scope))
        .or_else(|| container("container", job.container.as_ref()?, scope))
        .or_else(services)
        .or_else(|| inputs(job, callee?, scope))
        .or_else(|| secrets(job, scope))
}

fn field(key: &str, field: &Field, scope: &Before<'_>) -> Option<Reason> {
    Some(planning(key, field.raw(), error(field, scope)?, field.span()))
}

fn error(field: &Field, scope: &Before<'_>) -> Option<String> {
    match field.template.foresee(scope) {
        Ok(_) | Err(EvalError::Unknown { .. } | EvalError::NotYet { .. }) => None,
        Err(err) => Some(err.to_string()),
    }
}

fn planning(key: &str, expression: String, message: String, span: Span) -> Reason {
    Reason::Planning { key: key.to_owned(), expression, message, span: Some(span) }
}

fn container(key: &str, container: &Container, scope: &Before<'_>) -> Option<Reason> {
    let image = container.image.as_ref()?;
    if let Some(broken) = field(key, image, scope) {
        return Some(broken);
    }
    // Without an image nothing is started, and an expression may give all keys at once.
    let is_all = |it: &Value| it.as_object().is_some() || it.to_text().is_empty();
    if value(image, scope).is_some_and(|it| is_all(&it)) {
        return None;
    }
    let login = container.credentials.iter().flat_map(|it| it.username.iter().chain(&it.password));
    let others = container.env.iter().map(|(_, it)| it).chain(&container.ports).chain(&container.volumes);
    let others = others.chain([&container.options, &container.entrypoint, &container.command].into_iter().flatten());
    let mut all = login.map(|it| ("credentials", it)).chain(others.map(|it| (key, it)));
    all.find_map(|(key, it)| field(key, it, scope))
}

/// What is wrong with a group: its text as written, the error, and its place.
fn concurrency(concurrency: &Concurrency, scope: &Before<'_>) -> Option<(String, String, Span)> {
    let all = concurrency.group.iter().chain(&concurrency.cancel_in_progress);
    if let Some((field, message)) = all.into_iter().find_map(|it| Some((it, error(it, scope)?))) {
        return Some((field.raw(), message, field.span()));
    }
    let group = concurrency.group.as_ref()?;
    let message = group_name(&value(group, scope)?).err()?;
    Some((group.raw(), message.to_owned(), group.span()))
}

/// Source: GitHub: planning rules 2.7, the types of `with`.
fn inputs(job: &Job, callee: &Workflow, scope: &Before<'_>) -> Option<Reason> {
    let call = job.call.as_ref()?;
    let err = called_inputs(callee, call, scope).err().filter(|it| !it.is_not_yet())?;
    let written = call.with.iter().find(|(_, it)| it.node.place() == err.span).map(|(_, it)| it.raw());
    Some(planning("with", written.unwrap_or_default(), err.to_string(), err.span))
}

/// The secrets that a called workflow gets by name.
fn secrets(job: &Job, scope: &Before<'_>) -> Option<Reason> {
    let CallSecrets::Named(named) = &job.call.as_ref()?.secrets else { return None };
    named.iter().find_map(|(_, it)| field("secrets", it, scope))
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
