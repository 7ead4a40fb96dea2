//! What a called workflow gets.
use wfrun_expr::{EvalError, Object, Scope, Value};
use wfrun_syntax::eq_ignoring_case;
use wfrun_workflow::{CallSecrets, Field, FileRef, InputKind, InputSpec, WorkflowCall, WorkflowSet};

use super::build::Inputs;
use crate::called::field_value;
use crate::inputs::absent;

/// A call of a workflow, whatever the leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What is called.
    pub file: FileRef,
    /// Whether it is at hand: of one that is not only what the call says is known.
    pub is_here: bool,
    /// The secrets it gets.
    pub secrets: HandedSecrets,
    /// The names of what it puts out.
    pub outputs: Vec<String>,
}

/// The secrets that a called workflow gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandedSecrets {
    /// All that the caller has.
    Inherit,
    /// Those of these names.
    Named(Vec<String>),
}

/// An input of a called workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct CallInput {
    /// Its name, as it is declared.
    pub name: String,
    /// Its value, if it is known.
    pub value: Option<Value>,
    /// Else on what the value depends, as written.
    pub depends_on: Vec<String>,
    /// Whether the call gives it; else it is the default.
    pub is_given: bool,
}

/// Looks at a call.
pub(super) fn call(set: &WorkflowSet, call: &WorkflowCall, caller: &FileRef) -> Call {
    let file = caller.resolve(&call.target.value);
    let callee = set.called.get(&file);
    let declared = callee.and_then(|it| it.on.event("workflow_call"));
    let secrets = match &call.secrets {
        CallSecrets::Inherit => HandedSecrets::Inherit,
        CallSecrets::Named(all) => HandedSecrets::Named(all.iter().map(|(name, _)| name.to_owned()).collect()),
    };
    let outputs = declared.into_iter().flat_map(|it| it.outputs.iter()).map(|(name, _)| name.to_owned()).collect();
    Call { is_here: callee.is_some(), file, secrets, outputs }
}

/// The inputs of a called workflow: what is given, else the declared default, else the empty value of its type. Of a
/// workflow that is not here, what is given.
///
/// Source: GitHub: planning rules 2.7.
pub(crate) fn inputs(set: &WorkflowSet, call: &WorkflowCall, caller: &FileRef, before: &dyn Scope) -> Vec<CallInput> {
    let file = caller.resolve(&call.target.value);
    let Some(callee) = set.called.get(&file) else {
        return call.with.iter().map(|(name, field)| input(name, field, true, before)).collect();
    };
    let declared = callee.on.event("workflow_call").into_iter().flat_map(|it| &it.inputs);
    let of_spec = |(name, spec): (&String, &InputSpec)| {
        let given = call.with.iter().find(|(it, _)| eq_ignoring_case(it, name)).map(|(_, field)| field);
        let Some(field) = given.or(spec.default.as_ref()) else {
            let value = Some(absent(spec, true));
            return CallInput { name: name.clone(), value, depends_on: Vec::new(), is_given: false };
        };
        let mut input = input(name, field, given.is_some(), before);
        if spec.kind == InputKind::String {
            input.value = input.value.map(|it| Value::from(it.to_text()));
        }
        input
    };
    declared.map(of_spec).collect()
}

fn input(name: &str, field: &Field, is_given: bool, before: &dyn Scope) -> CallInput {
    let value = value(field, before);
    let depends_on = if value.is_none() { open_parts(field, before) } else { Vec::new() };
    CallInput { name: name.to_owned(), value, depends_on, is_given }
}

/// What only the run can tell of a field, as written.
pub(crate) fn open_parts(field: &Field, before: &dyn Scope) -> Vec<String> {
    match field.template.foresee(before) {
        Err(EvalError::Unknown { parts }) => parts,
        Ok(_) | Err(_) => vec![field.raw()],
    }
}

impl Inputs {
    /// The `inputs` context of a called workflow.
    pub(super) fn of(all: &[CallInput]) -> Self {
        let known = all.iter().filter_map(|it| Some((it.name.clone(), it.value.clone()?)));
        let unknown = all.iter().filter(|it| it.value.is_none()).map(|it| it.name.clone()).collect();
        Self { known: Value::Object(known.collect::<Object>()), unknown }
    }
}

/// The value of a field, if it is known; literals keep their type.
pub(crate) fn value(field: &Field, before: &dyn Scope) -> Option<Value> {
    field_value(field, before).ok()
}

/// The text of a field, if it is known.
pub(crate) fn text(field: &Field, before: &dyn Scope) -> Option<String> {
    value(field, before).map(|it| it.to_text())
}
