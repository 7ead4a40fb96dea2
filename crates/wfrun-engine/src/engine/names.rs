//! What people call steps.
//!
//! Source: GitHub: execution rules E1.3, "Display names".
use wfrun_expr::EvalError;
use wfrun_journal::Phase;
use wfrun_workflow::{Step, StepKind, UsesTarget, name_line};

use super::job::evaluate_text;
use crate::scope::At;
use crate::strand::Stage;

/// The name of a part of a step.
pub(super) fn display_name(stage: &Stage, step: &Step, at: &At<'_>) -> Result<String, EvalError> {
    let written = evaluate_text(step.name.as_ref(), at)?;
    let written = written.as_deref().map(name_line).filter(|it| !it.is_empty());
    let name = match (written, &step.kind) {
        (Some(name), _) => name.to_owned(),
        (None, StepKind::Run(run)) => run_name(&run.script.template.evaluate(at)?.value().to_text()),
        (None, _) => default_name(step),
    };
    Ok(with_phase(stage, &name))
}

/// The name of a part of a step when nothing can be evaluated.
pub(super) fn raw_name(stage: &Stage, step: &Step) -> String {
    let name = step.name.as_ref().map_or_else(|| default_name(step), |it| name_line(&it.raw()).to_owned());
    with_phase(stage, &name)
}

fn default_name(step: &Step) -> String {
    match &step.kind {
        StepKind::Run(run) => run_name(&run.script.raw()),
        StepKind::Uses(uses) => match &uses.target.value {
            UsesTarget::Docker(image) => format!("Run {image}"),
            target @ (UsesTarget::Repository(_) | UsesTarget::Local(_) | UsesTarget::SelfRepository(_)) => {
                format!("Run {target}")
            }
        },
        StepKind::Wait(_) => "Wait".to_owned(),
        StepKind::WaitAll => "Wait for all".to_owned(),
        StepKind::Cancel(_) => "Cancel".to_owned(),
        StepKind::Parallel(_) => "Parallel group".to_owned(),
    }
}

fn run_name(script: &str) -> String {
    format!("Run {}", name_line(script))
}

fn with_phase(stage: &Stage, name: &str) -> String {
    match stage.phase {
        Phase::Pre => format!("Pre {name}"),
        Phase::Main => name.to_owned(),
        Phase::Post => format!("Post {name}"),
    }
}
