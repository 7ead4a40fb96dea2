//! What can be said of the steps of a job that runs.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_workflow::{EnvMap, Field, Job, Step, StepKind, Workflow};

use super::calls::text;
use super::scope::{Ancestors, Before};
use super::{StepOutlook, judge};

/// Names with values; none where only the run can tell.
type Env = IndexMap<String, Option<Value>>;

/// The steps of a job's legs.
pub(super) struct Steps<'a> {
    workflow: &'a Workflow,
    job: &'a Job,
    /// The steps of all legs, once they are known, if legs cannot differ in them.
    shared: Option<Arc<[StepOutlook]>>,
    may_differ: bool,
}

impl<'a> Steps<'a> {
    pub(super) fn new(workflow: &'a Workflow, job: &'a Job) -> Self {
        Self { workflow, job, shared: None, may_differ: sees_leg(job) }
    }

    /// Looks at the steps of one leg.
    pub(super) fn of_leg(&mut self, scope: &Before<'_>) -> Arc<[StepOutlook]> {
        if let Some(shared) = self.shared.as_ref().filter(|_| !self.may_differ) {
            return Arc::clone(shared);
        }
        let found: Arc<[StepOutlook]> = steps(self.workflow, self.job, scope).into();
        Arc::clone(self.shared.insert(found))
    }
}

/// Whether something that is said of the steps can see which leg they are in.
fn sees_leg(job: &Job) -> bool {
    let names_leg = |contexts: Vec<String>| contexts.iter().any(|it| it == "matrix" || it == "strategy");
    let in_field = |it: &Field| names_leg(it.template.contexts_used());
    let in_step = |step: &Step| {
        let script = if let (None, StepKind::Run(run)) = (&step.name, &step.kind) { Some(&run.script) } else { None };
        names_leg(step.condition.condition.expr.contexts_used())
            || step.env.values().chain(&step.name).chain(script).any(in_field)
    };
    job.env.values().any(in_field) || job.steps.iter().any(in_step)
}

/// Looks at each step. An earlier step is assumed to succeed; whether one fails is not known.
fn steps(workflow: &Workflow, job: &Job, before: &Before<'_>) -> Vec<StepOutlook> {
    let mut env = Env::new();
    add(&mut env, &workflow.env, before);
    let root = env.clone();
    add(&mut env, &job.env, &before.of_step(before.ancestors, &root));
    let outlook = |(index, step): (usize, &Step)| {
        let ancestors = Ancestors { jobs: Vec::new(), is_step: true, after_others: index > 0 };
        let mut own = env.clone();
        add(&mut own, &step.env, &before.of_step(&ancestors, &env));
        let before = before.of_step(&ancestors, &own);
        let (verdict, reason) = judge::step(&step.condition, &before);
        let reason = Some(reason).filter(|_| step.condition.node.is_some());
        StepOutlook { index, id: step.id.clone(), name: name(step, &before), verdict, reason }
    };
    job.steps.iter().enumerate().map(outlook).collect()
}

fn add(env: &mut Env, map: &EnvMap, before: &Before<'_>) {
    for (name, field) in map.iter() {
        env.insert(name.to_owned(), text(field, before).map(Value::from));
    }
}

/// What the log calls it; as written where only the run can tell.
fn name(step: &Step, before: &Before<'_>) -> String {
    let known = if let Some(name) = &step.name {
        text(name, before)
    } else if let StepKind::Run(run) = &step.kind {
        let script = text(&run.script, before);
        script.map(|it| format!("Run {}", it.trim_start().lines().next().unwrap_or_default()))
    } else {
        None
    };
    known.unwrap_or_else(|| step.written_name())
}
