//! Which values the parts of a condition can have, and which of them go together.
use std::rc::Rc;

use wfrun_expr::{CompareOp, Expr, ExprKind, Value};
use wfrun_syntax::eq_ignoring_case;

use super::fold::{Seen, World};
use super::matrix;
use super::path::{Path, path, paths};
use crate::schema::EVENTS;
use crate::{InputKind, Job, Step, Workflow};

/// Most worlds that are looked at, and most parts of an expression in all of them together.
const MOST: usize = 4096;
const MOST_PARTS: usize = 200_000;

/// The largest expression that is looked at, in parts; people write smaller ones.
const LARGEST: usize = 400;

/// The four results of jobs and steps.
pub(super) const RESULTS: [&str; 4] = ["success", "failure", "cancelled", "skipped"];

/// Where a condition stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) workflow: &'a Workflow,
    pub(super) job: &'a Job,
    pub(super) step: Option<&'a Step>,
}

/// How much is taken into account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// All that the file says.
    File,
    /// Not which events, matrix values and options there are: a condition may be ready for more than them.
    Kinds,
}

/// A part of a condition, and all that it can be.
struct Atom {
    name: String,
    values: Vec<Seen>,
}

/// One choice of values for the atoms of a condition.
pub(super) struct Choice<'w> {
    atoms: &'w [Atom],
    at: &'w [usize],
}

impl Choice<'_> {
    fn get(&self, name: &str) -> Option<&Seen> {
        let at = self.atoms.iter().position(|it| it.name == name)?;
        self.atoms[at].values.get(*self.at.get(at)?)
    }

    fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Seen::Value(value) => value.as_str(),
            Seen::Not(_) | Seen::Truth(_) | Seen::Unknown => None,
        }
    }
}

impl World for Choice<'_> {
    fn look_up(&self, path: &Path<'_>) -> Seen {
        self.get(&path.normal()).cloned().unwrap_or(Seen::Unknown)
    }

    fn status(&self, function: &str) -> Option<bool> {
        self.get(&format!("{function}()"))?.truth()
    }
}

/// Asks `holds` in every world that is possible for `expr`; `None` if one has no answer, they differ, or are too many.
pub(super) fn in_all(
    expr: &Expr,
    place: Place<'_>,
    care: Care,
    holds: impl Fn(&Choice<'_>) -> Option<bool>,
) -> Option<bool> {
    let size = expr.walk().take(LARGEST + 1).count();
    if size > LARGEST {
        return None;
    }
    let atoms = atoms(expr, place, care);
    let count = atoms.iter().try_fold(1_usize, |all, it| all.checked_mul(it.values.len()))?;
    if count > MOST || count * size > MOST_PARTS {
        return None;
    }
    let mut verdict = None;
    let mut at = vec![0; atoms.len()];
    for number in 0..count {
        let mut rest = number;
        for (at, atom) in at.iter_mut().zip(&atoms) {
            *at = rest % atom.values.len();
            rest /= atom.values.len();
        }
        let choice = Choice { atoms: &atoms, at: &at };
        if !is_possible(&choice, place, care) {
            continue;
        }
        let truth = holds(&choice)?;
        if verdict.is_some_and(|it| it != truth) {
            return None;
        }
        verdict = Some(truth);
    }
    verdict
}

fn atoms(expr: &Expr, place: Place<'_>, care: Care) -> Vec<Atom> {
    let mut found: Vec<Atom> = Vec::new();
    for path in paths(expr) {
        let name = path.normal();
        // Two look-ups with computed parts need not be the same.
        if path.parts.iter().all(|it| it.name.is_some()) && !found.iter().any(|it| it.name == name) {
            let compared = compared_with(expr, &name);
            found.push(Atom { values: values(&path, &name, compared, place, care), name });
        }
    }
    for function in ["success", "failure", "cancelled"] {
        if expr.calls(function) {
            let values = [true, false].map(|it| Seen::Value(Value::Bool(it))).to_vec();
            found.push(Atom { name: format!("{function}()"), values });
        }
    }
    found
}

/// The constants that a look-up is compared with by `==` or `!=`.
fn compared_with(expr: &Expr, name: &str) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for part in expr.walk() {
        if let Some((path, value)) = equality(part)
            && path.normal() == name
            && !found.contains(value)
        {
            found.push(value.clone());
        }
    }
    found
}

/// Returns what is compared with which constant, if an expression does no more than that.
pub(super) fn equality(expr: &Expr) -> Option<(Path<'_>, &Value)> {
    let ExprKind::Compare { op: CompareOp::Equal | CompareOp::NotEqual, left, right } = &expr.kind else { return None };
    match (&left.kind, &right.kind) {
        (ExprKind::Literal(value), _) => Some((path(right)?.0, value)),
        (_, ExprKind::Literal(value)) => Some((path(left)?.0, value)),
        _ => None,
    }
}

fn values(path: &Path<'_>, name: &str, compared: Vec<Value>, place: Place<'_>, care: Care) -> Vec<Seen> {
    if let Some(known) = known(path, name, &compared, place, care) {
        return known.into_iter().map(Seen::Value).collect();
    }
    let mut values = compared;
    // What is equal to one of them in another form.
    for value in values.clone() {
        let mut more = vec![];
        if !value.is_truthy() || value == Value::from("0") {
            more.extend([Value::Null, Value::from(""), Value::Bool(false), Value::Number(0.0)]);
        }
        if !value.to_number().is_nan() {
            more.push(Value::Number(value.to_number()));
        }
        if value.loosely_equals(&Value::Bool(true)) {
            more.extend([Value::Bool(true), Value::from("1")]);
        }
        more.retain(|it| !values.contains(it));
        values.extend(more);
    }
    if values.is_empty() {
        return vec![Seen::Truth(true), Seen::Truth(false)];
    }
    let other = if values.iter().all(Value::is_truthy) {
        // What is none of them may be something or nothing.
        vec![Seen::Not(Rc::from(values.as_slice())), Seen::Value(Value::Null)]
    } else {
        vec![Seen::Not(Rc::from(values.as_slice()))]
    };
    values.into_iter().map(Seen::Value).chain(other).collect()
}

/// All values of a look-up, where they are few and known.
fn known(path: &Path<'_>, name: &str, compared: &[Value], place: Place<'_>, care: Care) -> Option<Vec<Value>> {
    let texts = |all: &[&str]| all.iter().map(|it| Value::from(*it)).collect::<Vec<_>>();
    let words = |all: &[&str]| {
        let mut values = texts(all);
        // A word that is no result is another lint's finding.
        values.extend(compared.iter().filter(|it| it.as_str().is_some_and(|it| !all.contains(&it))).cloned());
        values
    };
    let on = &place.workflow.on;
    match name {
        "job.status" => return Some(words(&RESULTS[..3])),
        "runner.os" => return Some(texts(&["Linux", "Windows", "macOS"])),
        "github.event_name" => return event_names(place, care),
        "github.event.action" if care == Care::File && !on.is_callable() => {
            let mut all: Vec<Value> = Vec::new();
            for event in on.events.keys() {
                all.extend(actions(place.workflow, event.as_str())?);
            }
            return Some(all);
        }
        _ => {}
    }
    match path.context.to_ascii_lowercase().as_str() {
        "needs" if path.parts.len() == 2 && path.name(1)?.eq_ignore_ascii_case("result") => {
            place.job.needs.iter().any(|it| it.value.is(path.name(0).unwrap_or_default())).then(|| words(&RESULTS))
        }
        "steps" if path.parts.len() == 2 && is_result(path.name(1)?) => {
            let mut values = words(&RESULTS);
            values.push(Value::Null);
            step(place.job, path.name(0)?).map(|_| values)
        }
        "inputs" if path.parts.len() == 1 => input(path.name(0)?, place, care),
        "github" if path.parts.len() == 3 && path.starts_with(&["event", "inputs"]) => {
            event_input(path.name(2)?, place, care)
        }
        "matrix" if path.parts.len() == 1 && care == Care::File => matrix::values(place.job, path.name(0)?),
        _ => None,
    }
}

fn is_result(name: &str) -> bool {
    ["outcome", "conclusion"].iter().any(|it| name.eq_ignore_ascii_case(it))
}

/// A step with a written id, also inside `parallel`.
pub(super) fn step<'a>(job: &'a Job, id: &str) -> Option<&'a Step> {
    job.all_steps().find(|it| it.has_id && it.id.is(id))
}

fn event_names(place: Place<'_>, care: Care) -> Option<Vec<Value>> {
    let on = &place.workflow.on;
    // A called workflow has the event of its caller.
    (care == Care::File && !on.is_callable()).then(|| on.events.keys().map(|it| Value::from(it.as_str())).collect())
}

/// What `github.event.action` can be for an event; `None` if that is not known.
///
/// Source: GitHub: planning rules 2.2.
pub(super) fn actions(workflow: &Workflow, event: &str) -> Option<Vec<Value>> {
    // Types of their own, or an action although they have no types.
    if matches!(event, "repository_dispatch" | "deployment" | "deployment_status" | "image_version") {
        return None;
    }
    let spec = EVENTS.iter().find(|it| it.name == event)?;
    if spec.types.is_empty() {
        return Some(vec![Value::Null]);
    }
    Some(match &workflow.on.event(event)?.types {
        Some(types) => types.iter().map(|it| Value::from(it.value.as_str())).collect(),
        None => spec.default_types.iter().map(|it| Value::from(*it)).collect(),
    })
}

/// Source: GitHub: planning rules 2.6 and 2.7.
fn input(name: &str, place: Place<'_>, care: Care) -> Option<Vec<Value>> {
    let on = &place.workflow.on;
    let mut values = Vec::new();
    for event in ["workflow_dispatch", "workflow_call"] {
        let Some(config) = on.event(event) else { continue };
        match config.inputs.iter().find(|(key, _)| eq_ignoring_case(key, name)) {
            Some((_, spec)) if spec.kind == InputKind::Boolean => {
                values.extend([Value::Bool(true), Value::Bool(false)]);
            }
            Some((_, spec)) if spec.kind == InputKind::Choice && care == Care::File => {
                values.extend(spec.options.iter().map(|it| Value::from(it.as_str())));
                values.push(Value::from(""));
            }
            Some(_) => return None,
            None => values.push(Value::Null),
        }
    }
    if values.is_empty() || values.iter().all(|it| *it == Value::Null) {
        return None;
    }
    if on.events.keys().any(|it| !matches!(it.as_str(), "workflow_dispatch" | "workflow_call")) {
        values.push(Value::Null);
    }
    Some(values)
}

/// Source: GitHub: planning rules 2.6: each is a text.
fn event_input(name: &str, place: Place<'_>, care: Care) -> Option<Vec<Value>> {
    let on = &place.workflow.on;
    if on.is_callable() {
        return None;
    }
    let (_, spec) = on.event("workflow_dispatch")?.inputs.iter().find(|(key, _)| eq_ignoring_case(key, name))?;
    let mut values: Vec<Value> = match spec.kind {
        InputKind::Boolean => ["true", "false"].map(Value::from).to_vec(),
        InputKind::Choice if care == Care::File => {
            spec.options.iter().map(|it| Value::from(it.as_str())).chain([Value::from("")]).collect()
        }
        InputKind::Choice | InputKind::String | InputKind::Number | InputKind::Environment => return None,
    };
    if on.events.len() > 1 {
        values.push(Value::Null);
    }
    Some(values)
}

/// Tells whether values go together.
///
/// Source: GitHub: planning rules 4.3.
fn is_possible(choice: &Choice<'_>, place: Place<'_>, care: Care) -> bool {
    let status = |name: &str| choice.status(name);
    let (success, failure, cancelled) = (status("success"), status("failure"), status("cancelled"));
    if success == Some(true) && failure == Some(true) {
        return false;
    }
    let results = choice.atoms.iter().filter_map(|it| Some((it.name.as_str(), choice.text(&it.name)?)));
    if place.step.is_none() {
        let starts = place.job.needs.is_empty();
        let mut results = results.filter(|(name, _)| name.starts_with("needs.") && name.ends_with(".result"));
        return !(starts && (success == Some(false) || failure == Some(true)))
            && results.all(|(_, result)| match result {
                "success" => true,
                "failure" => success != Some(true) && failure != Some(false),
                _ => success != Some(true),
            })
            && event_fits(choice, place, care);
    }
    let expected = |name: &str| choice.text("job.status").map(|it| it == name);
    let fits = |function: Option<bool>, name: &str| match (function, expected(name)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    let said = [success, failure, cancelled];
    said.iter().filter(|it| **it == Some(true)).count() <= 1
        && !said.iter().all(|it| *it == Some(false))
        && fits(success, "success")
        && fits(failure, "failure")
        && fits(cancelled, "cancelled")
        && event_fits(choice, place, care)
        && results
            .filter(|(_, it)| *it == "failure")
            .all(|(name, _)| success != Some(true) || forgives(place.job, name))
}

/// Whether a step can have failed, by the field `name`, in a job that goes well.
fn forgives(job: &Job, name: &str) -> bool {
    match name.split('.').collect::<Vec<_>>().as_slice() {
        ["steps", _, "conclusion"] => false,
        ["steps", id, "outcome"] => step(job, id).is_none_or(|it| it.continue_on_error.is_some()),
        _ => true,
    }
}

fn event_fits(choice: &Choice<'_>, place: Place<'_>, care: Care) -> bool {
    if care == Care::Kinds {
        return true;
    }
    let (Some(event), Some(Seen::Value(action))) =
        (choice.text("github.event_name"), choice.get("github.event.action"))
    else {
        return true;
    };
    actions(place.workflow, event).is_none_or(|it| it.contains(action))
}
