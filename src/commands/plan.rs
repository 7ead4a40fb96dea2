//! `wfrun plan`: what would happen.
use wfrun_report::{PlanView, not_triggered, not_triggered_json, plan_json, plan_text};

use crate::cli::PlanArgs;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::foresight::Foresight;
use crate::output::Output;

/// Shows the jobs as they would run.
pub(crate) fn plan(args: &PlanArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let foresight = match Foresight::open(&args.situation, &args.foresee, environment, output)? {
        Ok(foresight) => foresight,
        Err(exit) => return Ok(exit),
    };
    let workflow = &foresight.set.root;
    let foreseen = foresight.foresee(&args.situation, &args.foresee.force)?;
    foreseen.tell();
    let event = &foreseen.world.event;
    if let Some(reason) = foreseen.refusal() {
        if args.json {
            Output::data(&format!("{}\n", not_triggered_json(&reason)));
        } else {
            output.diagnostics(&[not_triggered(&reason, workflow, event)]);
        }
        return Ok(Exit::NotTriggered);
    }
    let chosen = foreseen.outlook.chosen(&args.situation.job, args.situation.no_needs);
    let chosen = chosen.map_err(|err| super::plan_error(&err))?;
    let view = PlanView { workflow, event, outlook: &foreseen.outlook, chosen: &chosen };
    if args.json {
        Output::data(&(plan_json(&view)? + "\n"));
    } else {
        Output::data(&plan_text(&view, &output.stdout));
    }
    Ok(Exit::Success)
}
