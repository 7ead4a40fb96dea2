//! What a called workflow gets.
use wfrun_expr::{Object, Template, Value, foresee};
use wfrun_syntax::{NodeKind, eq_ignoring_case};
use wfrun_workflow::{Field, FileRef, WorkflowCall, WorkflowSet};

use super::build::Inputs;
use super::scope::Before;
use crate::inputs::absent;

/// Makes the `inputs` of a called workflow: what is given, else the declared default, else the empty value of its type.
///
/// Source: GitHub: planning rules 2.7.
pub(super) fn inputs(set: &WorkflowSet, call: &WorkflowCall, caller: &FileRef, before: &Before<'_>) -> Inputs {
    let file = caller.resolve(&call.target.value);
    let declared = set.called.get(&file).and_then(|it| it.on.event("workflow_call"));
    let mut unknown = Vec::new();
    let mut members = Vec::new();
    for (name, spec) in declared.into_iter().flat_map(|it| &it.inputs) {
        let given = call.with.iter().find(|(it, _)| eq_ignoring_case(it, name)).map(|(_, field)| field);
        let value = match given.or(spec.default.as_ref()) {
            Some(field) => value(field, before),
            None => Some(absent(spec, true)),
        };
        match value {
            Some(value) => members.push((name.clone(), value)),
            None => unknown.push(name.clone()),
        }
    }
    Inputs { known: Value::Object(members.into_iter().collect::<Object>()), unknown }
}

/// The value of a field, if it is known; literals keep their type.
pub(super) fn value(field: &Field, before: &Before<'_>) -> Option<Value> {
    match &field.template {
        Template::Literal(text) => Some(match &*field.node.kind {
            NodeKind::Bool(it) => Value::Bool(*it),
            NodeKind::Number(it) => Value::Number(*it),
            NodeKind::Null | NodeKind::String(_) | NodeKind::Sequence(_) | NodeKind::Mapping(_) => {
                Value::from(text.as_str())
            }
        }),
        Template::Expression(expr) | Template::Mixed(expr) => {
            let trace = foresee(expr, before).ok()?;
            (!trace.is_not_yet()).then(|| trace.value().clone())
        }
    }
}

/// The text of a field, if it is known.
pub(super) fn text(field: &Field, before: &Before<'_>) -> Option<String> {
    value(field, before).map(|it| it.to_text())
}
