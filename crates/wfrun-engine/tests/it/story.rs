//! A journal in short, for snapshots.
use wfrun_journal::{RunEvent, RunEventKind, SkipReason};

/// One event in a line; those that say nothing of jobs and steps are left out.
pub(crate) fn short(event: &RunEvent) -> Option<String> {
    Some(match &event.kind {
        RunEventKind::RunStarted(_)
        | RunEventKind::Notice(_)
        | RunEventKind::ServiceCalled(_)
        | RunEventKind::ArtifactKept(_)
        | RunEventKind::ArtifactRemoved(_) => return None,
        RunEventKind::MatrixExpanded(it) => {
            let legs: Vec<&str> = it.legs.iter().map(|it| it.key.as_str()).collect();
            format!("{}: is {}", it.job, legs.join(", "))
        }
        RunEventKind::WorkflowCalled(it) => {
            let jobs: Vec<&str> = it.jobs.iter().map(|it| it.key.as_str()).collect();
            format!("{}: calls {}: {}", it.job, it.workflow, jobs.join(", "))
        }
        RunEventKind::JobStarted(it) => format!("{}: starts", it.job),
        RunEventKind::JobSkipped(it) => format!("{}: {} because {}", it.job, it.result, reason(&it.reason)),
        RunEventKind::StepStarted(it) => format!("  {} {} ({})", it.phase, it.name, it.how),
        RunEventKind::StepSkipped(it) => format!("  {} {}: skipped because {}", it.phase, it.name, reason(&it.reason)),
        RunEventKind::Lines(it) => it.each().map(|line| format!("    | {line}")).collect::<Vec<_>>().join("\n"),
        RunEventKind::Annotation(it) => format!("    {}: {}", it.level.as_str(), it.message),
        RunEventKind::StepSummary(it) => format!("    summary: {}", it.text),
        RunEventKind::Declared(it) => format!("    {}: {}", it.how, it.subject),
        RunEventKind::StepFinished(it) => {
            let outputs: Vec<String> = it.outputs.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            format!("    {}/{}{}", it.outcome, it.conclusion, outputs.concat())
        }
        RunEventKind::JobFinished(it) => {
            let outputs: Vec<String> = it.outputs.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            format!("{}: {}{}", it.job, it.result, outputs.concat())
        }
        RunEventKind::Fault(it) => format!("fault: {}", it.message),
        RunEventKind::RunFinished(it) => it.conclusion.to_string(),
    })
}

fn reason(reason: &SkipReason) -> String {
    match reason {
        SkipReason::Condition { because, .. } => {
            let parts: Vec<String> = because.iter().map(|it| format!("{} is {}", it.expression, it.value)).collect();
            parts.join(", ")
        }
        SkipReason::ConditionError { message, .. } | SkipReason::Concurrency { message, .. } => message.clone(),
        SkipReason::Needs { job, result } => format!("{job} ended with {result}"),
        SkipReason::EarlierStep { step } => format!("{} failed", step.as_deref().unwrap_or("a step")),
        SkipReason::Cancelled => "of the cancellation".to_owned(),
        SkipReason::Containers { keys, backend } => format!("{backend} has no {}", keys.join(" and ")),
        SkipReason::Machine { labels } => format!("of the machine {}", labels.join(" ")),
        SkipReason::FailFast { job } => format!("{job} failed fast"),
        SkipReason::Planning { key, message, .. } => format!("`{key}`: {message}"),
        SkipReason::NotChosen => "it was not chosen".to_owned(),
        SkipReason::Forced => "it was forced".to_owned(),
    }
}
