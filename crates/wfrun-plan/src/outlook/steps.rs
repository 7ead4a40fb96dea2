//! What can be said of the steps of a job that runs.
use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_workflow::{EnvMap, Job, Step, StepKind, Workflow};

use super::calls::text;
use super::scope::{Ancestors, Before};
use super::{StepOutlook, judge};

/// Names with values; none where only the run can tell.
type Env = IndexMap<String, Option<Value>>;

/// Looks at each step. An earlier step is assumed to succeed; whether one fails is not known.
pub(super) fn steps(workflow: &Workflow, job: &Job, before: &Before<'_>) -> Vec<StepOutlook> {
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

/// Source: GitHub: execution rules E1.3, "Display names".
fn name(step: &Step, before: &Before<'_>) -> String {
    if let Some(name) = &step.name {
        return text(name, before).unwrap_or_else(|| name.raw());
    }
    match &step.kind {
        StepKind::Run(run) => {
            let script = text(&run.script, before).unwrap_or_else(|| run.script.raw());
            format!("Run {}", script.trim_start().lines().next().unwrap_or_default())
        }
        StepKind::Uses(uses) => format!("Run {}", uses.target.value),
        StepKind::Wait(_) => "Wait".to_owned(),
        StepKind::WaitAll => "Wait for all".to_owned(),
        StepKind::Cancel(_) => "Cancel".to_owned(),
        StepKind::Parallel(_) => "Parallel group".to_owned(),
    }
}
