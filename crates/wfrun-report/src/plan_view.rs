//! A plan, for people and for programs.
use std::collections::BTreeMap;

use serde_json::{Value, json};
use wfrun_plan::{NotTriggered, Plan, PlannedJob};
use wfrun_workflow::Job;

use crate::Style;
use crate::text::{count, one_line, pad, wrap};
use crate::theme::{Label, Mark};

/// The jobs by stage: those of a stage wait for nothing but earlier stages. Ends with a line break.
pub fn plan_text(plan: &Plan, style: &Style) -> String {
    let style = *style;
    let event = &plan.event;
    let name = style.paint(Label::Heading, &one_line(plan.workflow.display_name()));
    let sha = event.sha.get(..7).unwrap_or(&event.sha);
    let mut lines = vec![format!("{name}: {} of {} at {sha}", event.name, event.git_ref)];
    let mut stages: BTreeMap<usize, Vec<&PlannedJob>> = BTreeMap::new();
    for job in plan.jobs.values() {
        stages.entry(job.stage).or_default().push(job);
    }
    let width = plan.jobs.keys().map(|it| console::measure_text_width(it.as_str())).max().unwrap_or(0);
    for (stage, jobs) in stages {
        lines.push(String::new());
        lines.push(style.paint(Label::Heading, &format!("stage {}", stage + 1)));
        for job in jobs {
            lines.extend(job_lines(plan, job, width, style));
        }
    }
    lines.into_iter().map(|it| it + "\n").collect()
}

/// The plan as `wfrun plan --json` prints it:
/// `{"triggered":true,"jobs":[{"key","id","name","needs","matrix","runs_on","if","steps","stage","deferred","chosen"}]}`.
///
/// What needs a value that only the run gives (`name`, `runs_on`) stands as written. `stage` counts from 0.
pub fn plan_json(plan: &Plan) -> Value {
    let jobs: Vec<Value> = plan.jobs.values().map(|it| job_json(plan, it)).collect();
    json!({ "triggered": true, "jobs": jobs })
}

/// What `wfrun plan --json` prints where there is nothing to plan: `{"triggered":false,"trigger":{…},"jobs":[]}`.
pub fn not_triggered_json(reason: &NotTriggered) -> Value {
    json!({ "triggered": false, "trigger": reason, "jobs": [] })
}

fn job_lines(plan: &Plan, job: &PlannedJob, width: usize, style: Style) -> Vec<String> {
    let key = pad(&one_line(job.key.as_str()), width);
    if !job.chosen {
        return vec![format!("  {} {key}  other jobs were asked for", style.mark(Mark::Skipped))];
    }
    let Some(model) = plan.model(&job.key) else { return Vec::new() };
    let mut parts = vec![format!("on {}", runs_on(model).join(", ")), count(model.steps.len(), "step", "steps")];
    if !job.needs.is_empty() {
        let needs: Vec<String> = job.needs.iter().map(ToString::to_string).collect();
        parts.push(format!("needs {}", needs.join(", ")));
    }
    let mut lines = vec![format!("  {} {key}  {}", style.mark(Mark::Waiting), parts.join("  "))];
    let indent = " ".repeat(width + 6);
    let more = [name(model).map(|it| format!("name: {it}")), condition(model).map(|it| format!("if: {it}"))];
    for text in more.into_iter().flatten() {
        let broken = wrap(&text, style.width.saturating_sub(indent.len()).max(20));
        lines.extend(broken.iter().map(|it| format!("{indent}{}", style.paint(Label::Dim, it))));
    }
    lines
}

fn job_json(plan: &Plan, job: &PlannedJob) -> Value {
    let model = plan.model(&job.key);
    json!({
        "key": job.key,
        "id": job.id,
        "name": model.and_then(name).unwrap_or_else(|| job.key.to_string()),
        "needs": job.needs,
        "matrix": {},
        "runs_on": model.map(runs_on).unwrap_or_default(),
        "if": model.and_then(condition),
        "steps": model.map_or(0, |it| it.steps.len()),
        "stage": job.stage,
        "deferred": false,
        "chosen": job.chosen,
    })
}

fn runs_on(model: &Job) -> Vec<String> {
    model.runs_on.iter().map(wfrun_workflow::Field::raw).collect()
}

fn name(model: &Job) -> Option<String> {
    model.name.as_ref().map(|it| one_line(&it.raw()))
}

/// The condition as written; none where none was.
fn condition(model: &Job) -> Option<String> {
    let text = one_line(&model.condition.condition.text);
    (!text.is_empty()).then_some(text)
}
