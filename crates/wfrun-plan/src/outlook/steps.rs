//! What can be said of the steps of a job that runs.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_workflow::{EnvMap, Field, Job, Step, StepKind, Workflow, name_line};

use super::calls::text;
use super::ends::{Earlier, Fails};
use super::scope::{Ancestors, Before};
use super::{Prospect, StepOutlook, judge};

/// Names with values; none where only the run can tell.
type Env = IndexMap<String, Option<Value>>;

/// The steps of a job's legs.
pub(super) struct Steps<'a> {
    workflow: &'a Workflow,
    job: &'a Job,
    /// The steps of the leg before, and what was stated of them.
    last: Option<(Vec<(usize, &'a str)>, OfLeg)>,
    may_differ: bool,
}

/// The steps of a leg, and what becomes of it by them.
pub(super) type OfLeg = (Arc<[StepOutlook]>, Fails);

impl<'a> Steps<'a> {
    pub(super) fn new(workflow: &'a Workflow, job: &'a Job) -> Self {
        Self { workflow, job, last: None, may_differ: sees_leg(job) }
    }

    /// Looks at the steps of one leg, of which some are stated to end so.
    pub(super) fn of_leg(&mut self, ends: Vec<(usize, &'a str)>, scope: &Before<'_>) -> OfLeg {
        if let Some((of, found)) = self.last.as_ref().filter(|_| !self.may_differ)
            && *of == ends
        {
            return found.clone();
        }
        let (steps, fails) = steps(self.workflow, self.job, &ends, scope);
        self.last.insert((ends, (steps.into(), fails))).1.clone()
    }
}

/// Whether something that is said of the steps can see which leg they are in.
fn sees_leg(job: &Job) -> bool {
    let names_leg = |contexts: Vec<String>| contexts.iter().any(|it| it == "matrix" || it == "strategy");
    let in_field = |it: &Field| names_leg(it.template.contexts_used());
    let in_step = |step: &Step| {
        let script = if let (None, StepKind::Run(run)) = (&step.name, &step.kind) { Some(&run.script) } else { None };
        names_leg(step.condition.condition.expr.contexts_used())
            || step.env.values().chain(&step.name).chain(&step.continue_on_error).chain(script).any(in_field)
    };
    job.env.values().any(in_field) || job.steps.iter().any(in_step)
}

/// Looks at each step. An earlier step is assumed to succeed if nobody says otherwise; whether one fails is not known.
fn steps(workflow: &Workflow, job: &Job, ends: &[(usize, &str)], before: &Before<'_>) -> (Vec<StepOutlook>, Fails) {
    let mut env = Env::new();
    add(&mut env, &workflow.env, before);
    let root = env.clone();
    add(&mut env, &job.env, &before.of_step(before.ancestors, &root));
    let mut found = Vec::new();
    let mut earlier = Earlier::default();
    for (index, step) in job.steps.iter().enumerate() {
        let ancestors = Ancestors { jobs: Vec::new(), earlier: Some(std::mem::take(&mut earlier)) };
        let mut own = env.clone();
        add(&mut own, &step.env, &before.of_step(&ancestors, &env));
        let scope = before.of_step(&ancestors, &own);
        let (verdict, reason) = judge::step(&step.condition, &scope);
        let stated = ends.iter().find(|(it, _)| *it == index).map(|(_, outcome)| *outcome);
        let mut then = ancestors.earlier.clone().unwrap_or_default();
        then.add(step, (verdict, &reason), stated, &scope);
        let name = name(step, &scope);
        // What nobody wrote is a reason only where something before it fails.
        let reason = Some(reason).filter(|_| step.condition.node.is_some() || verdict != Prospect::Runs);
        let stated = stated.filter(|_| verdict != Prospect::Skipped).map(str::to_owned);
        found.push(StepOutlook { index, id: step.id.clone(), name, verdict, reason, stated });
        earlier = then;
    }
    (found, earlier.fails)
}

fn add(env: &mut Env, map: &EnvMap, before: &Before<'_>) {
    for (name, field) in map.iter() {
        env.insert(name.to_owned(), text(field, before).map(Value::from));
    }
}

/// What the log calls it; as written where only the run can tell.
fn name(step: &Step, before: &Before<'_>) -> String {
    let known = if let Some(name) = &step.name {
        text(name, before).map(|it| name_line(&it).to_owned())
    } else if let StepKind::Run(run) = &step.kind {
        let script = text(&run.script, before);
        script.map(|it| format!("Run {}", name_line(&it)))
    } else {
        None
    };
    known.unwrap_or_else(|| step.written_name())
}
