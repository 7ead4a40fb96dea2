//! `wfrun graph`: a drawing of what would happen.
use std::collections::HashSet;

use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_plan::{JobKey, Outlook, Plan, PlanError, RunIdentity, World, outlook};
use wfrun_report::{graph_dot, graph_mermaid, graph_svg, graph_text, not_triggered};

use crate::check::to_show;
use crate::cli::{Drawing, GraphArgs};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Output;
use crate::settings::{LoadedSet, load_set};

/// Draws the jobs as they would run.
pub(crate) fn graph(args: &GraphArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let loaded = match load_set(&args.situation, environment)? {
        Ok(loaded) => loaded,
        Err(diagnostics) => return Ok(super::run::refuse(output, &diagnostics)),
    };
    let root = &loaded.set.root;
    output.diagnostics(&to_show(&root.source, &loaded.diagnostics));
    for notice in &loaded.situation.notices {
        Output::note(notice);
    }
    let event = &loaded.situation.event;
    let plan = match wfrun_plan::plan(root, event.clone(), &args.situation.job, args.situation.no_needs) {
        Ok(plan) => plan,
        Err(PlanError::NotTriggered(reason)) => {
            output.diagnostics(&[not_triggered(&reason, root, event)]);
            return Ok(Exit::NotTriggered);
        }
        Err(err @ (PlanError::Cycle | PlanError::UnknownJob { .. })) => return Err(super::run::plan_error(&err)),
    };
    let mut found =
        outlook(&loaded.set, &world(&args.situation, &loaded)).map_err(|err| super::run::plan_error(&err))?;
    keep_chosen(&mut found, &plan);
    Output::data(&match args.format {
        Drawing::Text => graph_text(&found, &output.stdout),
        Drawing::Mermaid => graph_mermaid(&found),
        Drawing::Dot => graph_dot(&found),
        Drawing::Svg => graph_svg(&found),
    });
    Ok(Exit::Success)
}

/// What is known before a run.
fn world(args: &crate::cli::SituationArgs, loaded: &LoadedSet) -> World {
    let event = loaded.situation.event.clone();
    let identity = RunIdentity {
        run_id: "1".to_owned(),
        run_number: args.run_number.unwrap_or(1),
        run_attempt: 1,
        token: String::new(),
        workflow_sha: event.sha.clone(),
    };
    let vars = loaded.vars.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    World { event, identity, inputs: loaded.inputs.clone(), vars, results: IndexMap::new() }
}

/// Leaves the jobs that were asked for, and what they call.
fn keep_chosen(outlook: &mut Outlook, plan: &Plan) {
    let mut kept: HashSet<JobKey> = HashSet::new();
    outlook.jobs.retain(|job| {
        let keep = match &job.caller {
            None => plan.jobs.get(&job.key).is_none_or(|it| it.chosen),
            Some(caller) => kept.contains(caller),
        };
        if keep {
            kept.insert(job.key.clone());
            kept.extend(job.legs.iter().map(|it| it.key.clone()));
        }
        keep
    });
}
