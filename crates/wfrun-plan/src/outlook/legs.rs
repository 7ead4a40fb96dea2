//! The jobs that a matrix makes.
use wfrun_expr::{EvalError, Object, Value};
use wfrun_workflow::{Field, Job, Workflow};

use super::Leg;
use super::details::{group, run_defaults, shown};
use super::ends::forgives;
use super::scope::Before;
use crate::{Combination, ExpandError, JobKey, JobKeys, TokenError, TokenErrorKind, called_name, expand, job_name};

/// The legs of a job, each with its `strategy` context.
#[derive(Default)]
pub(super) struct Legs {
    pub(super) legs: Vec<(Leg, Value)>,
    /// What only the run can tell, as written.
    pub(super) deferred: Vec<String>,
}

/// Who calls the workflow of a job: the key and the name.
pub(super) type Caller<'a> = Option<(&'a JobKey, &'a str)>;

/// Expands the matrix of a job as far as it is known; one that depends on the run is one leg without `matrix`.
///
/// Source: GitHub: planning rules 4.5 and 4.6.
pub(super) fn legs(
    workflow: &Workflow,
    job: &Job,
    caller: Caller<'_>,
    keys: &mut JobKeys,
    before: &Before<'_>,
) -> Result<Legs, ExpandError> {
    let expansion = match expand(job.strategy.as_ref(), before) {
        Ok(expansion) => expansion,
        Err(ExpandError::NotYet(err)) => {
            let only = Combination { total: 1, ..Combination::default() };
            let leg =
                leg(workflow, job, &only, Value::Object(Object::default()), caller, keys, &before.without_matrix());
            return Ok(Legs { legs: vec![leg], deferred: parts(&err) });
        }
        Err(err) => return Err(err),
    };
    let legs = expansion.combinations.iter().map(|it| {
        let strategy = Value::Object(expansion.strategy_context(it));
        leg(workflow, job, it, strategy, caller, keys, before)
    });
    Ok(Legs { legs: legs.collect(), deferred: Vec::new() })
}

fn leg(
    workflow: &Workflow,
    job: &Job,
    combination: &Combination,
    strategy: Value,
    caller: Caller<'_>,
    keys: &mut JobKeys,
    before: &Before<'_>,
) -> (Leg, Value) {
    let matrix = combination.matrix_context();
    let scope = before.of_leg(&matrix, &strategy);
    let own = job_name(job, combination, &scope);
    let own = own.unwrap_or_else(|_| job.name.as_ref().map_or_else(|| job.id.value.to_string(), Field::raw));
    let name = caller.map_or_else(|| own.clone(), |(_, it)| called_name(it, &own));
    let key = keys.leg(caller.map(|(key, _)| key), &job.id.value, combination);
    let runs_on = job.runs_on.iter().flat_map(|it| labels(it, &scope)).collect();
    let environment = job.environment.as_ref().map(|it| shown(&it.name, &scope));
    let concurrency = job.concurrency.iter().filter_map(|it| group(it, &scope)).collect();
    let timeout_minutes = job.timeout_minutes.as_ref().map(|it| shown(it, &scope));
    let defaults = run_defaults(workflow, job, &scope);
    let forgives = forgives(job.continue_on_error.as_ref(), &scope);
    let leg = Leg { runs_on, environment, concurrency, forgives, timeout_minutes, defaults, ..Leg::new(key, name) };
    (Leg { matrix, ..leg }, strategy)
}

/// The labels of one `runs-on` entry; an expression may give several.
fn labels(field: &Field, scope: &Before<'_>) -> Vec<String> {
    let Ok(trace) = field.template.foresee(scope) else { return vec![field.raw()] };
    match trace.value() {
        Value::Array(items) => items.iter().map(Value::to_text).collect(),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            vec![value.to_text()]
        }
    }
}

fn parts(err: &TokenError) -> Vec<String> {
    if let TokenErrorKind::Eval(EvalError::Unknown { parts }) = &err.kind {
        return parts.clone();
    }
    vec![err.to_string()]
}
