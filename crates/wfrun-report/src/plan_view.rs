//! What would run, for people and for programs.
mod details;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};
use wfrun_plan::{Event, JobKey, JobOutlook, Leg, NotTriggered, Outlook, Prospect, Reason};
use wfrun_workflow::Workflow;

use self::details::Callers;
use crate::Style;
use crate::foreseen::{foreseen_sentence, hindrances};
use crate::permissions::permissions_json;
use crate::text::{count, one_line, pad, wrap};
use crate::theme::{Label, Mark};
use crate::why_view::{depends_on, located, span_of};

/// What a workflow's jobs come to for an event that triggers it.
#[derive(Debug, Clone, Copy)]
pub struct PlanView<'a> {
    /// The workflow.
    pub workflow: &'a Workflow,
    /// What happened.
    pub event: &'a Event,
    /// All jobs.
    pub outlook: &'a Outlook,
    /// Those that were asked for.
    pub chosen: &'a HashSet<JobKey>,
}

/// Most legs of a matrix that are named.
const MOST_LEGS: usize = 12;

/// The jobs by stage: those of a stage wait for nothing but earlier stages. Ends with a line break.
pub fn plan_text(plan: &PlanView<'_>, style: &Style) -> String {
    let style = *style;
    let event = plan.event;
    let name = style.paint(Label::Heading, &one_line(plan.workflow.display_name()));
    let sha = event.sha.get(..7).unwrap_or(&event.sha);
    let mut lines = vec![format!("{name}: {} of {} at {sha}", event.name, event.git_ref)];
    lines.extend(details::of_workflow(plan).iter().flat_map(|it| dim(it, 2, style)));
    let mut stages: BTreeMap<usize, Vec<&JobOutlook>> = BTreeMap::new();
    for job in &plan.outlook.jobs {
        stages.entry(job.stage).or_default().push(job);
    }
    let callers = details::callers(plan.outlook);
    let keys = plan.outlook.jobs.iter().map(|it| console::measure_text_width(it.key.as_str()));
    let width = keys.max().unwrap_or(0);
    for (stage, jobs) in stages {
        lines.push(String::new());
        lines.push(style.paint(Label::Heading, &format!("stage {}", stage + 1)));
        for job in jobs {
            lines.extend(job_lines(plan, &callers, job, width, style));
        }
    }
    lines.into_iter().map(|it| it + "\n").collect()
}

/// The plan as `wfrun plan --json` prints it, on one line: `{"triggered":true,"jobs":[{"key","id","name","caller","needs",
/// "matrix","runs_on","environment","concurrency","concurrency_groups","timeout_minutes","permissions","defaults","call",
/// "if","steps","stage","deferred","depends_on","verdict","reason","chosen"}],"concurrency":{"group",
/// "cancel_in_progress"}}`, a job for each leg of a matrix.
///
/// What needs a value that only the run gives stands as written. `stage` counts from 0. A job that is skipped, and one
/// whose legs only the run can tell (`deferred`), is there once.
pub fn plan_json(plan: &PlanView<'_>) -> serde_json::Result<String> {
    let mut jobs = Vec::new();
    for job in &plan.outlook.jobs {
        let shared = Shared::of(plan, job);
        if job.legs.is_empty() {
            let name = name(job).unwrap_or_else(|| job.key.to_string());
            let leg = Leg { runs_on: written_labels(job), ..Leg::new(job.key.clone(), name) };
            jobs.push(LegJson { leg: Cow::Owned(leg), shared });
        } else {
            jobs.extend(job.legs.iter().map(|it| LegJson { leg: Cow::Borrowed(it), shared: shared.clone() }));
        }
    }
    let concurrency = details::groups_json(plan.outlook.concurrency.as_slice()).get_mut(0).map(Value::take);
    serde_json::to_string(&Printed { triggered: true, jobs, concurrency })
}

#[derive(serde::Serialize)]
struct Printed<'a> {
    triggered: bool,
    jobs: Vec<LegJson<'a>>,
    concurrency: Option<Value>,
}

/// One job of a run.
struct LegJson<'a> {
    leg: Cow<'a, Leg>,
    shared: Shared<'a>,
}

/// What the legs of a job have in common.
#[derive(Clone)]
struct Shared<'a> {
    job: &'a JobOutlook,
    condition: Option<String>,
    steps: usize,
    reason: Option<String>,
    chosen: bool,
}

impl<'a> Shared<'a> {
    fn of(plan: &PlanView<'_>, job: &'a JobOutlook) -> Self {
        let reason = job.reason.as_ref().filter(|_| job.verdict != Prospect::Runs);
        Self {
            job,
            condition: condition(job),
            steps: job.model().map_or(0, |it| it.steps.len()),
            reason: reason.map(|it| foreseen_sentence(job.verdict, it)),
            chosen: plan.chosen.contains(&job.key),
        }
    }
}

impl Serialize for LegJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let leg = &self.leg;
        let mut all = serializer.serialize_map(None)?;
        all.serialize_entry("key", &leg.key)?;
        all.serialize_entry("name", &leg.name)?;
        match leg.matrix.as_object() {
            Some(_) => all.serialize_entry("matrix", &leg.matrix)?,
            None => all.serialize_entry("matrix", &json!({}))?,
        }
        all.serialize_entry("runs_on", &leg.runs_on)?;
        all.serialize_entry("environment", &leg.environment)?;
        let job = self.shared.job;
        all.serialize_entry("concurrency", &details::own_group(job, leg))?;
        all.serialize_entry("concurrency_groups", &details::groups_json(&leg.concurrency))?;
        all.serialize_entry("timeout_minutes", &leg.timeout_minutes)?;
        all.serialize_entry("permissions", &job.permissions.as_ref().map(permissions_json))?;
        all.serialize_entry("defaults", &details::defaults_json(&leg.defaults))?;
        all.serialize_entry("call", &details::call_json(job, leg))?;
        let shared = &self.shared;
        all.serialize_entry("id", &job.id)?;
        all.serialize_entry("caller", &job.caller)?;
        all.serialize_entry("needs", &job.needs)?;
        all.serialize_entry("if", &shared.condition)?;
        all.serialize_entry("steps", &shared.steps)?;
        all.serialize_entry("stage", &job.stage)?;
        all.serialize_entry("deferred", &!job.deferred.is_empty())?;
        all.serialize_entry("depends_on", &depends_on(job))?;
        all.serialize_entry("verdict", &leg.verdict(job.verdict))?;
        let own = leg.hindrance.as_ref().map(|it| foreseen_sentence(Prospect::Skipped, it));
        all.serialize_entry("reason", &own.as_ref().or(shared.reason.as_ref()))?;
        all.serialize_entry("chosen", &shared.chosen)?;
        all.end()
    }
}

/// What `wfrun plan --json` prints where there is nothing to plan: `{"triggered":false,"trigger":{…},"jobs":[]}`.
pub fn not_triggered_json(reason: &NotTriggered) -> Value {
    json!({ "triggered": false, "trigger": reason, "jobs": [] })
}

fn job_lines(plan: &PlanView<'_>, callers: &Callers<'_>, job: &JobOutlook, width: usize, style: Style) -> Vec<String> {
    let key = pad(&one_line(job.key.as_str()), width);
    if !plan.chosen.contains(&job.key) {
        return vec![format!("  {} {key}  other jobs were asked for", style.mark(Mark::Skipped))];
    }
    let mark = match job.verdict {
        Prospect::Runs => Mark::Waiting,
        Prospect::Skipped => Mark::Skipped,
        Prospect::Depends => Mark::Incomplete,
        Prospect::Fails => Mark::Failure,
    };
    let mut lines = vec![format!("  {} {key}  {}", style.mark(mark), parts(job).join("  "))];
    let more = more(job).into_iter().chain(details::of_job(plan, callers, job));
    lines.extend(more.flat_map(|it| dim(&it, width + 6, style)));
    lines
}

fn dim(text: &str, indent: usize, style: Style) -> Vec<String> {
    let broken = wrap(text, style.width.saturating_sub(indent).max(20));
    broken.iter().map(|it| format!("{}{}", " ".repeat(indent), style.paint(Label::Dim, it))).collect()
}

/// `on ubuntu-latest`, `3 steps`, `6 legs`, `needs a, b`
fn parts(job: &JobOutlook) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(model) = job.model() {
        if let Some(call) = &model.call {
            parts.push(format!("calls {}", call.target.value));
        } else {
            parts.push(format!("on {}", one_line(&labels(job))));
            parts.push(count(model.steps.len(), "step", "steps"));
        }
    }
    if job.legs.len() > 1 {
        parts.push(count(job.legs.len(), "leg", "legs"));
    }
    if !job.needs.is_empty() {
        let needs: Vec<String> = job.needs.iter().map(ToString::to_string).collect();
        parts.push(format!("needs {}", needs.join(", ")));
    }
    parts
}

fn more(job: &JobOutlook) -> Vec<String> {
    let mut texts = Vec::new();
    if job.legs.len() > 1 {
        let shown = job.legs.iter().take(MOST_LEGS).map(|it| it.key.as_str());
        let rest = job.legs.len().saturating_sub(MOST_LEGS);
        let rest = (rest > 0).then(|| format!("and {rest} more"));
        texts.push(shown.map(str::to_owned).chain(rest).collect::<Vec<_>>().join(" · "));
    }
    texts.extend(name(job).map(|it| format!("name: {it}")));
    texts.extend(condition(job).map(|it| format!("if: {it}")));
    if !job.deferred.is_empty() {
        texts.push(format!("its legs depend on `{}`", job.deferred.join("`, `")));
    }
    if let Some(reason) = job.reason.as_ref().filter(|_| job.verdict != Prospect::Runs) {
        let sentence = foreseen_sentence(job.verdict, reason);
        let word = match job.verdict {
            Prospect::Skipped => "is skipped: ",
            Prospect::Fails => "fails: ",
            Prospect::Runs | Prospect::Depends => "",
        };
        let at = reason_place(job, reason).map(|it| format!(" ({it})")).unwrap_or_default();
        texts.push(format!("{word}{sentence}{at}"));
    }
    texts.extend(hindrances(job));
    texts
}

/// Where what fails is written; of other reasons nothing, as the line above has them.
fn reason_place(job: &JobOutlook, reason: &Reason) -> Option<String> {
    span_of(reason).filter(|_| job.verdict == Prospect::Fails).map(|it| located(&job.workflow.source, it))
}

/// Those of the legs, alike ones once; as written where there is no leg.
fn labels(job: &JobOutlook) -> String {
    let of_legs = details::across(&job.legs, |it| Some(it.runs_on.join(", ")));
    of_legs.unwrap_or_else(|| written_labels(job).join(", "))
}

fn written_labels(job: &JobOutlook) -> Vec<String> {
    let labels = job.model().map(|it| it.runs_on.iter().map(wfrun_workflow::Field::raw).collect());
    labels.unwrap_or_default()
}

fn name(job: &JobOutlook) -> Option<String> {
    job.model()?.name.as_ref().map(|it| one_line(&it.raw()))
}

/// The condition as written; none where none was.
fn condition(job: &JobOutlook) -> Option<String> {
    let text = one_line(&job.model()?.condition.condition.text);
    (!text.is_empty()).then_some(text)
}
