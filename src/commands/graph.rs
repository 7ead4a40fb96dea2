//! `wfrun graph`: a drawing of what would happen.
use wfrun_plan::Gate;
use wfrun_report::{graph_dot, graph_mermaid, graph_svg, graph_text, not_triggered};

use crate::check::to_show;
use crate::cli::{Drawing, GraphArgs};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::foresight::Foresight;
use crate::output::Output;

/// Draws the jobs as they would run.
pub(crate) fn graph(args: &GraphArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let foresight = match Foresight::read(&args.situation, &args.foresee, environment)? {
        Ok(foresight) => foresight,
        Err(diagnostics) => return Ok(super::run::refuse(output, &diagnostics)),
    };
    let workflow = &foresight.set.root;
    output.diagnostics(&to_show(&workflow.source, &foresight.diagnostics));
    let mut foreseen = foresight.foresee(&args.situation, &args.foresee.force)?;
    for notice in &foreseen.notices {
        Output::note(notice);
    }
    if let Some(reason) = foreseen.gates.iter().cloned().find_map(Gate::refusal) {
        output.diagnostics(&[not_triggered(&reason, workflow, &foreseen.world.event)]);
        return Ok(Exit::NotTriggered);
    }
    let chosen = foreseen.outlook.chosen(&args.situation.job, args.situation.no_needs);
    let chosen = chosen.map_err(|err| super::plan_error(&err))?;
    foreseen.outlook.jobs.retain(|it| chosen.contains(&it.key));
    let outlook = &foreseen.outlook;
    Output::data(&match args.format {
        Drawing::Text => graph_text(outlook, &output.stdout),
        Drawing::Mermaid => graph_mermaid(outlook),
        Drawing::Dot => graph_dot(outlook),
        Drawing::Svg => graph_svg(outlook),
    });
    Ok(Exit::Success)
}
