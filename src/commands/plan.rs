//! `wfrun plan`: what would happen.
use wfrun_plan::PlanError;
use wfrun_report::{not_triggered, not_triggered_json, plan_json, plan_text};

use crate::check::to_show;
use crate::cli::PlanArgs;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Output;
use crate::settings::{Loaded, load};

/// Shows the jobs as they would run.
pub(crate) fn plan(args: &PlanArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let loaded = match load(&args.situation, environment)? {
        Ok(loaded) => loaded,
        Err(diagnostics) => return Ok(super::run::refuse(output, &diagnostics)),
    };
    let Loaded { workflow, situation, diagnostics, .. } = loaded;
    output.diagnostics(&to_show(&workflow.source, &diagnostics));
    for notice in &situation.notices {
        Output::note(notice);
    }
    let event = situation.event;
    match wfrun_plan::plan(&workflow, event.clone(), &args.situation.job, args.situation.no_needs) {
        Ok(plan) if args.json => Output::data(&format!("{}\n", plan_json(&plan))),
        Ok(plan) => Output::data(&plan_text(&plan, &output.stdout)),
        Err(PlanError::NotTriggered(reason)) => {
            if args.json {
                Output::data(&format!("{}\n", not_triggered_json(&reason)));
            } else {
                output.diagnostics(&[not_triggered(&reason, &workflow, &event)]);
            }
            return Ok(Exit::NotTriggered);
        }
        Err(err @ (PlanError::Cycle | PlanError::UnknownJob { .. })) => {
            output.error(&super::plan_error(&err));
            return Ok(Exit::Invalid);
        }
    }
    Ok(Exit::Success)
}
