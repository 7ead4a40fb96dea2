//! What a called workflow gets.
use wfrun_expr::{EvalError, Object, Scope, Template, Value};
use wfrun_syntax::{NodeKind, eq_ignoring_case};
use wfrun_workflow::{Field, InputKind, InputSpec, Workflow, WorkflowCall};

use crate::inputs::absent;
use crate::{TokenError, TokenErrorKind};

/// Makes the `inputs` of a called workflow: what is given, else the declared default, else the empty value of its type.
///
/// Source: GitHub: planning rules 2.7.
pub fn called_inputs(callee: &Workflow, call: &WorkflowCall, scope: &dyn Scope) -> Result<Object, TokenError> {
    let declared = callee.on.event("workflow_call").into_iter().flat_map(|it| &it.inputs);
    let input = |(name, spec): (&String, &InputSpec)| Ok((name.clone(), called_input(name, spec, call, scope)?));
    declared.map(input).collect()
}

/// One input of a called workflow.
pub(crate) fn called_input(
    name: &str,
    spec: &InputSpec,
    call: &WorkflowCall,
    scope: &dyn Scope,
) -> Result<Value, TokenError> {
    let given = call.with.iter().find(|(it, _)| eq_ignoring_case(it, name)).map(|(_, field)| field);
    let Some(field) = given.or(spec.default.as_ref()) else { return Ok(absent(spec, true)) };
    let place = field.node.place();
    let value = field_value(field, scope).map_err(|it| TokenError::new(place, TokenErrorKind::Eval(it)))?;
    typed(spec, value).map_err(|kind| TokenError::new(place, kind))
}

fn typed(spec: &InputSpec, value: Value) -> Result<Value, TokenErrorKind> {
    let fits = match spec.kind {
        InputKind::Boolean => matches!(value, Value::Bool(_)),
        InputKind::Number => matches!(value, Value::Number(_)),
        InputKind::String | InputKind::Choice | InputKind::Environment => {
            return match value {
                Value::Array(_) => Err(TokenErrorKind::UnexpectedSequence),
                Value::Object(_) => Err(TokenErrorKind::UnexpectedMapping),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(Value::from(value.to_text())),
            };
        }
    };
    if fits { Ok(value) } else { Err(TokenErrorKind::UnexpectedValue { value: value.to_text() }) }
}

/// The value of a field; literals keep their type.
pub(crate) fn field_value(field: &Field, scope: &dyn Scope) -> Result<Value, EvalError> {
    match &field.template {
        Template::Literal(text) => Ok(match &*field.node.kind {
            NodeKind::Bool(it) => Value::Bool(*it),
            NodeKind::Number(it) => Value::Number(*it),
            NodeKind::Null | NodeKind::String(_) | NodeKind::Sequence(_) | NodeKind::Mapping(_) => {
                Value::from(text.as_str())
            }
        }),
        Template::Expression(_) | Template::Mixed(_) => Ok(field.template.foresee(scope)?.value().clone()),
    }
}
