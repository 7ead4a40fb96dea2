//! Runs that are kept: a list of them, one of them, and what its steps wrote; in the shape of `gh run`.
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json, json};
use wfrun_journal::{Conclusion, JobRun, Outcome, Phase, RunEvent, RunEventKind, RunRecord, StepKey, StepRun};
use wfrun_plan::{JobKey, StepPath};

use crate::Style;
use crate::run_why_view::{heading, step_lines};
use crate::summary::summary;
use crate::text::{ago, clean, columns, cut, duration, one_line};
use crate::theme::{Label, Mark};

/// A run that is kept.
#[derive(Debug, Clone)]
pub struct PastRun {
    /// Its id: the name of its folder.
    pub id: String,
    /// The folder.
    pub folder: String,
    /// When it began, if its id tells.
    pub started_at: Option<Timestamp>,
    /// Whether it goes on.
    pub is_running: bool,
    /// What happened; for a list, what its first and last event say is enough.
    pub record: RunRecord,
}

/// The fields of `wfrun runs --json`, named as `gh run list --json` names them; `backend` and `path` are wfrun's own.
pub const RUN_FIELDS: [&str; 16] = [
    "attempt",
    "backend",
    "conclusion",
    "createdAt",
    "databaseId",
    "displayTitle",
    "event",
    "headBranch",
    "headSha",
    "name",
    "path",
    "startedAt",
    "status",
    "updatedAt",
    "url",
    "workflowName",
];

impl PastRun {
    /// `completed`, or `in_progress`.
    pub fn status(&self) -> &'static str {
        if self.is_running { "in_progress" } else { "completed" }
    }

    /// How it ended: a word of [`Conclusion`], `interrupted` for one that did not come to its end, nothing while it runs.
    pub fn conclusion(&self) -> &'static str {
        match self.record.conclusion {
            Some(it) => it.as_str(),
            None if self.is_running => "",
            None => "interrupted",
        }
    }

    /// The branch or tag, as people write it.
    pub fn branch(&self) -> &str {
        let git_ref = self.record.started.as_ref().map_or("", |it| it.git_ref.as_str());
        git_ref.strip_prefix("refs/heads/").or_else(|| git_ref.strip_prefix("refs/tags/")).unwrap_or(git_ref)
    }

    fn mark(&self) -> Mark {
        match self.record.conclusion {
            Some(it) => it.into(),
            None if self.is_running => Mark::Begin,
            None => Mark::Incomplete,
        }
    }

    fn at(&self, ms: u64) -> Json {
        instant(self.started_at, ms).map_or(Json::Null, Json::from)
    }

    fn fields(&self) -> Map<String, Json> {
        let record = &self.record;
        let started = record.started.as_ref();
        let name = started.map(|it| it.workflow.as_str());
        let all = json!({
            "attempt": 1,
            "backend": started.map(|it| &it.backend),
            "conclusion": self.conclusion(),
            "createdAt": self.at(0),
            "databaseId": self.id.parse::<u64>().map_or_else(|_| Json::from(self.id.as_str()), Json::from),
            "displayTitle": name,
            "event": started.map(|it| &it.event),
            "headBranch": self.branch(),
            "headSha": started.map(|it| &it.sha),
            "name": name,
            "path": started.map(|it| &it.path),
            "startedAt": self.at(0),
            "status": self.status(),
            "updatedAt": self.at(record.duration_ms),
            "url": format!("file://{}", self.folder),
            "workflowName": name,
        });
        if let Json::Object(all) = all { all } else { Map::new() }
    }
}

fn instant(started_at: Option<Timestamp>, ms: u64) -> Option<String> {
    let after = SignedDuration::from_millis(i64::try_from(ms).ok()?);
    Some(format!("{:.3}", started_at?.checked_add(after).ok()?))
}

fn picked(mut all: Map<String, Json>, fields: &[String]) -> Json {
    if fields.is_empty() {
        return Json::Object(all);
    }
    Json::Object(fields.iter().filter_map(|it| Some((it.clone(), all.remove(it)?))).collect())
}

/// For programs: an array with these fields of each run, or with all of them.
pub fn runs_json(runs: &[PastRun], fields: &[String]) -> Json {
    runs.iter().map(|it| picked(it.fields(), fields)).collect()
}

/// For people, a table. Ends with a line break.
pub fn runs_text(runs: &[PastRun], now: Timestamp, style: &Style) -> String {
    let style = *style;
    let head = ["STATUS", "WORKFLOW", "BRANCH", "EVENT", "ID", "ELAPSED", "AGE"].map(str::to_owned);
    let mut rows: Vec<[String; 7]> = vec![head];
    for run in runs {
        let started = run.record.started.as_ref();
        let word = if run.conclusion().is_empty() { "in progress" } else { run.conclusion() };
        rows.push([
            word.to_owned(),
            cut(&one_line(started.map_or("", |it| it.workflow.as_str())), 30, style).into_owned(),
            cut(&one_line(run.branch()), 30, style).into_owned(),
            started.map(|it| one_line(&it.event)).unwrap_or_default(),
            one_line(&run.id),
            if run.record.conclusion.is_some() { duration(run.record.duration_ms) } else { String::new() },
            run.started_at.map(|it| ago(it, now)).unwrap_or_default(),
        ]);
    }
    let mut text = String::new();
    for (index, cells) in columns(&rows, 0..0).iter().enumerate() {
        let line = match index.checked_sub(1).and_then(|it| runs.get(it)) {
            Some(run) => format!("{} {cells}", style.mark(run.mark())),
            None => style.paint(Label::Dim, &format!("  {cells}")),
        };
        text.extend([line.as_str(), "\n"]);
    }
    text
}

/// For programs: these fields of a run, or all of them; besides those of a list `jobs`, with their steps.
pub fn view_json(run: &PastRun, jobs: &[(&JobKey, &JobRun)], fields: &[String]) -> Json {
    let mut all = run.fields();
    all.insert("jobs".to_owned(), jobs.iter().map(|(key, job)| job_json(run, key, job)).collect());
    picked(all, fields)
}

fn job_json(run: &PastRun, key: &JobKey, job: &JobRun) -> Json {
    let steps = job.steps.iter().zip(1..).map(|((key, step), number)| step_json(run, key, step, number));
    json!({
        "name": key,
        "status": status(job.result, job.started_at_ms.is_some()),
        "conclusion": job.result.map_or("", Outcome::as_str),
        "startedAt": job.started_at_ms.map(|it| run.at(it)),
        "completedAt": job.finished_at_ms.map(|it| run.at(it)),
        "steps": steps.collect::<Vec<Json>>(),
    })
}

fn step_json(run: &PastRun, key: &StepKey, step: &StepRun, number: u64) -> Json {
    json!({
        "name": titled(key, step),
        "number": number,
        "status": status(step.conclusion, true),
        "conclusion": step.conclusion.map_or("", Outcome::as_str),
        "startedAt": run.at(step.started_at_ms),
        "completedAt": step.conclusion.map(|_| run.at(step.started_at_ms + step.duration_ms)),
    })
}

fn status(result: Option<Outcome>, has_begun: bool) -> &'static str {
    match result {
        Some(_) => "completed",
        None if has_begun => "in_progress",
        None => "queued",
    }
}

/// As GitHub writes it: `Post Check out`.
fn titled(key: &StepKey, step: &StepRun) -> String {
    let name = one_line(step.name.as_str());
    let word = match key.phase {
        Phase::Main => return name,
        Phase::Pre => "Pre ",
        Phase::Post => "Post ",
    };
    if name.starts_with(word) { name } else { format!("{word}{name}") }
}

/// For people: the run, its jobs, and at length the steps of these. Ends with a line break.
pub fn view_text(run: &PastRun, jobs: &[(&JobKey, &JobRun)], at_length: bool, now: Timestamp, style: &Style) -> String {
    let style = *style;
    let mut lines = heading(&run.id, &run.record, style);
    if let Some(last) = lines.last_mut() {
        let started = run.record.started.as_ref();
        let backend = started.map(|it| format!(", on {}", one_line(&it.backend))).unwrap_or_default();
        let when = run.started_at.map(|it| format!(", {}", ago(it, now))).unwrap_or_default();
        last.push_str(&style.paint(Label::Dim, &format!("{backend}{when}")));
    }
    if run.is_running {
        lines.push(format!("{} it goes on: this is what is known so far", style.mark(Mark::Begin)));
    }
    lines.push(String::new());
    lines.extend(summary(&run.record, style));
    if at_length {
        for (key, job) in jobs {
            lines.extend([String::new(), style.paint(Label::Heading, &one_line(key.as_str()))]);
            let steps = job.steps.iter().flat_map(|(key, step)| step_lines(key, step, style));
            // They stand below their job, not in it.
            lines.extend(steps.map(|it| it.strip_prefix("    ").map(str::to_owned).unwrap_or(it)));
        }
    }
    let id = one_line(&run.id);
    lines.push(String::new());
    let failed = if run.record.conclusion == Some(Conclusion::Failure) { " --failed" } else { "" };
    lines.push(format!("`wfrun logs {id}{failed}` shows what steps wrote, `wfrun why {id}` why jobs ended so"));
    lines.into_iter().map(|it| it.trim_end().to_owned() + "\n").collect()
}

/// What a step wrote, as `gh run view --log` prints it: job, step, and the time before the text, with tabs between.
///
/// `so_far` holds the event already. An annotation stands there as in GitHub's own logs: `##[error]text`.
pub fn past_lines(started_at: Option<Timestamp>, so_far: &RunRecord, event: &RunEvent, style: &Style) -> Vec<String> {
    let Some(Writer { job, step, phase }) = Writer::of(event) else { return Vec::new() };
    let step = step.and_then(|it| past_step(so_far, job, it, phase)).map(|(key, step)| titled(key, step));
    let begin = format!("{}\t{}\t", one_line(job.as_str()), step.unwrap_or_default());
    let time = instant(started_at, event.at_ms).map(|it| it + " ").unwrap_or_default();
    let told = |it: &str| format!("{begin}{time}{}", clean(it, *style));
    if let RunEventKind::Lines(it) = &event.kind {
        return it.each().map(told).collect();
    }
    let RunEventKind::Annotation(it) = &event.kind else { return Vec::new() };
    vec![told(&format!("##[{}]{}", it.level.as_str(), one_line(it.message.as_str())))]
}

/// Who wrote what an event holds.
#[derive(Debug)]
pub struct Writer<'e> {
    /// Which job.
    pub job: &'e JobKey,
    /// Which step of it.
    pub step: Option<&'e StepPath>,
    /// Which part of that, if the event tells.
    pub phase: Option<Phase>,
}

impl<'e> Writer<'e> {
    /// Of lines and annotations; no other event holds what a step wrote.
    pub fn of(event: &'e RunEvent) -> Option<Self> {
        if let RunEventKind::Lines(it) = &event.kind {
            return Some(Self { job: &it.job, step: Some(&it.step), phase: Some(it.phase) });
        }
        let RunEventKind::Annotation(it) = &event.kind else { return None };
        Some(Self { job: &it.job, step: it.step.as_ref(), phase: None })
    }
}

/// The step of a job; of an annotation the part that began last.
pub fn past_step<'r>(
    record: &'r RunRecord,
    job: &JobKey,
    path: &StepPath,
    phase: Option<Phase>,
) -> Option<(&'r StepKey, &'r StepRun)> {
    let steps = &record.jobs.get(job)?.steps;
    steps.iter().rfind(|(key, _)| key.step == *path && phase.is_none_or(|it| it == key.phase))
}
