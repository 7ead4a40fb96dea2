//! Why the jobs and steps of a run that is over ended as they did.
use serde_json::{Value as Json, json};
use wfrun_journal::{Conclusion, Fault, How, JobRun, Outcome, Phase, RunRecord, SkipReason, StepKey, StepRun};
use wfrun_plan::JobKey;

use crate::Style;
use crate::explain::{paragraphs, sentence};
use crate::summary::declared_in_short;
use crate::text::{clean, one_line};
use crate::theme::{Label, Mark};
use crate::why_view::hanging;

/// What there is to explain.
#[derive(Debug)]
pub struct RunWhy<'a> {
    /// The run's id.
    pub id: &'a str,
    /// All that happened.
    pub record: &'a RunRecord,
    /// What wfrun itself could not do, in order.
    pub faults: Vec<&'a Fault>,
    /// The jobs that were asked about.
    pub jobs: Vec<(&'a JobKey, &'a JobRun)>,
    /// Whether one job was asked about, and all of its steps are shown.
    pub at_length: bool,
}

/// The explanation as `wfrun why RUN --json` prints it:
/// `{"run":{"id","workflow","event","ref","conclusion"},"jobs":[{"key","id","result","reason","steps":[…]}]}`. Each step says `how` it was done.
pub fn run_why_json(why: &RunWhy<'_>) -> Json {
    let started = why.record.started.as_ref();
    let jobs: Vec<Json> = why.jobs.iter().map(|(key, job)| job_json(key, job)).collect();
    let faults: Vec<Json> = why.faults.iter().map(|it| json!({"job": it.job, "message": it.message})).collect();
    json!({
        "run": {
            "id": why.id,
            "workflow": started.map(|it| &it.workflow),
            "path": started.map(|it| &it.path),
            "event": started.map(|it| &it.event),
            "ref": started.map(|it| &it.git_ref),
            "sha": started.map(|it| &it.sha),
            "conclusion": why.record.conclusion,
        },
        "jobs": jobs,
        "faults": faults,
    })
}

fn job_json(key: &JobKey, job: &JobRun) -> Json {
    let steps: Vec<Json> = job.steps.iter().map(|(key, step)| step_json(key, step)).collect();
    json!({"key": key, "id": job.id, "result": job.result, "reason": reason_json(job.skipped.as_ref()), "steps": steps})
}

fn step_json(key: &StepKey, step: &StepRun) -> Json {
    json!({
        "step": key.step.to_string(), "phase": key.phase, "name": step.name, "how": step.how, "outcome": step.outcome,
        "conclusion": step.conclusion, "exit_code": step.exit_code, "reason": reason_json(step.skipped.as_ref()),
    })
}

fn reason_json(reason: Option<&SkipReason>) -> Json {
    let Some(reason) = reason else { return Json::Null };
    let mut json = serde_json::to_value(reason).unwrap_or_default();
    if let Some(members) = json.as_object_mut() {
        members.entry("message").or_insert_with(|| sentence(reason).into());
    }
    json
}

/// The explanation for people. Ends with a line break.
pub fn run_why_text(why: &RunWhy<'_>, style: &Style) -> String {
    let style = *style;
    let mut lines = heading(why.id, why.record, style);
    for (key, job) in &why.jobs {
        lines.push(String::new());
        lines.extend(job_lines(why, key, job, style));
    }
    let of_the_run: Vec<String> = fault_lines(why, None, 2, style);
    if !of_the_run.is_empty() {
        lines.push(String::new());
        lines.extend(of_the_run);
    }
    // A success of stand-ins must not read like a real one.
    if let Some(declared) = declared_in_short(why.record, style) {
        lines.extend([String::new(), declared]);
    }
    lines.into_iter().map(|it| it.trim_end().to_owned() + "\n").collect()
}

/// Which run it is of, and how it ended.
pub(crate) fn heading(id: &str, record: &RunRecord, style: Style) -> Vec<String> {
    let ended = match record.conclusion {
        Some(Conclusion::Success) => "succeeded",
        Some(Conclusion::Failure) => "failed",
        Some(Conclusion::Cancelled) => "was cancelled",
        Some(Conclusion::Skipped) => "skipped all of its jobs",
        Some(Conclusion::Incomplete) => "is incomplete",
        None => "did not come to its end",
    };
    let Some(started) = &record.started else { return vec![format!("run {} {ended}", one_line(id))] };
    let name = style.paint(Label::Heading, &one_line(started.workflow.as_str()));
    let sha = started.sha.get(..7).unwrap_or(&started.sha);
    vec![
        format!("{name}: {} of {}, run {} {ended}", started.event, one_line(&started.git_ref), one_line(id)),
        style.paint(Label::Dim, &format!("{} at {}", one_line(&started.path), one_line(sha))),
    ]
}

fn job_lines(why: &RunWhy<'_>, key: &JobKey, job: &JobRun, style: Style) -> Vec<String> {
    let title = style.paint(Label::Heading, &one_line(key.as_str()));
    let ended = match (job.result, job.forgiven) {
        (Some(Outcome::Failure), true) => "failure, which the run forgives",
        (Some(result), _) => result.as_str(),
        (None, _) if job.started_at_ms.is_some() => "did not come to its end",
        (None, _) => "did not begin",
    };
    let mut lines = vec![format!("  {} {title}  {ended}", style.mark(mark_of(job.result)))];
    lines.extend(reason_lines(job.skipped.as_ref(), 6, style));
    lines.extend(fault_lines(why, Some(key), 6, style));
    for (key, step) in &job.steps {
        let is_plain = step.outcome == Some(Outcome::Success);
        if why.at_length || !is_plain {
            lines.extend(step_lines(key, step, style));
        }
    }
    lines
}

pub(crate) fn step_lines(key: &StepKey, step: &StepRun, style: Style) -> Vec<String> {
    let phase = match key.phase {
        Phase::Main => String::new(),
        Phase::Pre | Phase::Post => format!(" ({})", key.phase),
    };
    let code = step.exit_code.map(|it| format!(" with exit code {it}")).unwrap_or_default();
    let ended = match (step.outcome, step.conclusion) {
        (Some(Outcome::Failure), Some(Outcome::Success)) => format!("failed{code}, which `continue-on-error` forgives"),
        (Some(Outcome::Failure), _) => format!("failed{code}"),
        (Some(Outcome::Success), _) => "succeeded".to_owned(),
        (Some(Outcome::Cancelled), _) => "was cancelled".to_owned(),
        (Some(Outcome::Skipped), _) => "was skipped".to_owned(),
        (None, _) => "did not come to its end".to_owned(),
    };
    let name = one_line(step.name.as_str());
    let how = if step.how == How::Real { String::new() } else { format!("  ({})", step.how) };
    let mut lines = vec![format!("      {} {name}{phase} {ended}{how}", style.mark(mark_of(step.outcome)))];
    lines.extend(reason_lines(step.skipped.as_ref(), 10, style));
    lines
}

fn reason_lines(reason: Option<&SkipReason>, indent: usize, style: Style) -> Vec<String> {
    let told = reason.map(paragraphs).unwrap_or_default();
    told.iter().flat_map(|it| indented(it, indent, style)).collect()
}

fn fault_lines(why: &RunWhy<'_>, job: Option<&JobKey>, indent: usize, style: Style) -> Vec<String> {
    let faults = why.faults.iter().filter(|it| it.job.as_ref() == job);
    let message = |it: &Fault| it.message.as_str().lines().collect::<Vec<_>>().join(": ");
    faults.flat_map(|it| indented(&format!("wfrun could not do it: {}", message(it)), indent, style)).collect()
}

/// A line with its own indentation kept; one that is too long goes on below, further in.
fn indented(line: &str, indent: usize, style: Style) -> Vec<String> {
    let line = clean(line, Style { color: false, ..style }).replace(['\n', '\t'], " ");
    let text = line.trim_start();
    let indent = indent + line.len() - text.len();
    let start = " ".repeat(indent);
    if console::measure_text_width(text) + indent <= style.width {
        return vec![start + text];
    }
    hanging(&start, indent + 2, text, style)
}

fn mark_of(outcome: Option<Outcome>) -> Mark {
    match outcome {
        Some(Outcome::Success) => Mark::Success,
        Some(Outcome::Failure) => Mark::Failure,
        Some(Outcome::Cancelled) => Mark::Cancelled,
        Some(Outcome::Skipped) => Mark::Skipped,
        None => Mark::Incomplete,
    }
}
