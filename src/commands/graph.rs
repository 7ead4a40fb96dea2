//! `wfrun graph`: a drawing of what would happen.
use wfrun_report::{graph_dot, graph_mermaid, graph_svg, graph_text, not_triggered};

use crate::cli::{Drawing, GraphArgs};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::foresight::Foresight;
use crate::output::Output;

/// Draws the jobs as they would run.
pub(crate) fn graph(args: &GraphArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let foresight = match Foresight::open(&args.situation, &args.foresee, environment, output)? {
        Ok(foresight) => foresight,
        Err(exit) => return Ok(exit),
    };
    let workflow = &foresight.set.root;
    let mut foreseen = foresight.foresee(&args.situation, &args.foresee.force)?;
    foreseen.tell();
    if let Some(reason) = foreseen.refusal() {
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
