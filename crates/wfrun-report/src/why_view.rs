//! Why a workflow is triggered and its jobs run, or not.
use std::sync::Arc;

use serde_json::{Value as Json, json};
use wfrun_plan::{Change, Event, Gate, JobKey, JobOutlook, Leg, Prospect, Reason};
use wfrun_syntax::{Source, Span};
use wfrun_workflow::Workflow;

use crate::Style;
use crate::foreseen::{foreseen_paragraph, foreseen_sentence, hindrances};
use crate::gate_view::gate_words;
use crate::steps_view::{step_lines, steps_json};
use crate::text::{cut, one_line, pad, shell_word, wrap};
use crate::theme::{Label, Mark};
use crate::trace_view::trace_text;

/// What there is to explain.
#[derive(Debug)]
pub struct Why<'a> {
    /// The workflow.
    pub workflow: &'a Workflow,
    /// What happened.
    pub event: &'a Event,
    /// All that it had to pass.
    pub gates: &'a [Gate],
    /// The jobs that were asked about.
    pub jobs: Vec<JobWhy<'a>>,
    /// Whether one job was asked about, and is shown at length.
    pub at_length: bool,
    /// Whether the changes are those that make a job be skipped.
    pub until_skipped: bool,
}

/// A job to explain.
#[derive(Debug)]
pub struct JobWhy<'a> {
    /// How it looks, the event let through.
    pub job: &'a JobOutlook,
    /// The leg that was asked about, if it was one: its steps alone are shown.
    pub leg: Option<&'a Leg>,
    /// The smallest changes that turn its verdict round, the simplest first.
    pub changes: Vec<Vec<Change>>,
    /// Whether they were looked for.
    pub sought: bool,
}

impl Why<'_> {
    fn refusal(&self) -> Option<&Gate> {
        self.gates.iter().find(|it| !it.passed)
    }

    fn verdict(&self, job: &JobOutlook) -> Prospect {
        if self.refusal().is_some() { Prospect::Skipped } else { job.verdict }
    }
}

impl JobWhy<'_> {
    fn key(&self) -> &JobKey {
        self.leg.map_or(&self.job.key, |it| &it.key)
    }
}

/// The explanation as `wfrun why --json` prints it:
/// `{"triggered","trigger":{"event","type","ref","gates":[…]},"jobs":[{"key","id","verdict","reason","would_run_if","steps"}]}`.
///
/// `would_run_if` is `[{"change","flags"}]`; with `--until-skipped` the same stands in `would_be_skipped_if`. Of a step in
/// which the legs of a matrix differ, `verdict` is `depends`, and `legs` has for each leg
/// `{"key","name","verdict","reason"}`.
pub fn why_json(why: &Why<'_>) -> Json {
    let source = &why.workflow.source;
    let gates: Vec<Json> = why.gates.iter().map(|it| gate_json(it, source)).collect();
    let jobs: Vec<Json> = why.jobs.iter().map(|it| job_json(why, it)).collect();
    let event = why.event;
    json!({
        "triggered": why.refusal().is_none(),
        "trigger": {"event": event.name, "type": event.activity, "ref": event.git_ref, "base": event.base_ref, "gates": gates},
        "jobs": jobs,
    })
}

fn gate_json(gate: &Gate, source: &Source) -> Json {
    let (_, words) = gate_words(gate);
    let mut json = serde_json::to_value(gate).unwrap_or_default();
    if let Some(members) = json.as_object_mut() {
        members.remove("span");
        members.insert("message".to_owned(), words.into());
        members.extend(place(source, gate.span));
    }
    json
}

fn place(source: &Source, span: Option<Span>) -> Vec<(String, Json)> {
    let Some(span) = span.filter(|it| *it != Span::default()) else { return Vec::new() };
    let at = source.location(span.start);
    let place = [("path", json!(source.path())), ("line", json!(at.line)), ("col", json!(at.col))];
    place.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn job_json(why: &Why<'_>, it: &JobWhy<'_>) -> Json {
    let job = it.job;
    let reason = match why.refusal() {
        Some(gate) => json!({"kind": "not-triggered", "gate": gate_json(gate, &why.workflow.source)}),
        None => reason_json(job.verdict, job.reason.as_ref(), &job.workflow.source),
    };
    let changes: Vec<Json> = it
        .changes
        .iter()
        .map(|changes| json!({"change": changes, "flags": changes.iter().flat_map(Change::flags).collect::<Vec<_>>()}))
        .collect();
    let source = &job.workflow.source;
    let of_leg = |leg: &Leg| {
        let reason = reason_json(Prospect::Skipped, Some(leg.hindrance.as_ref()?), source);
        Some(json!({"key": leg.key, "verdict": leg.verdict(job.verdict), "reason": reason}))
    };
    let hindered: Vec<Json> = job.legs.iter().filter_map(of_leg).collect();
    let key = if why.until_skipped { "would_be_skipped_if" } else { "would_run_if" };
    let legs: Vec<&JobKey> = it.leg.map_or_else(|| job.legs.iter().map(|it| &it.key).collect(), |it| vec![&it.key]);
    json!({
        "key": it.key(), "id": job.id, "verdict": why.verdict(job), "reason": reason, key: changes,
        "steps": steps_json(job, it.leg), "legs": legs, "depends_on": depends_on(job), "hindered": hindered,
    })
}

/// What only the run can tell of a job: of its legs, and of whether it runs.
pub(crate) fn depends_on(job: &JobOutlook) -> Vec<String> {
    let mut all = job.deferred.clone();
    if let (Prospect::Depends, Some(reason)) = (job.verdict, &job.reason) {
        match reason {
            Reason::Condition { because, .. } => all.extend(because.iter().map(|it| it.expression.clone())),
            Reason::Caller { job } | Reason::Needs { job, .. } => all.push(job.to_string()),
            Reason::Called { file } => all.push(file.clone()),
            Reason::Trigger { message } => all.push(message.clone()),
            Reason::Stated { .. }
            | Reason::Deadlock { .. }
            | Reason::Planning { .. }
            | Reason::Strategy { .. }
            | Reason::ConditionError { .. } => {}
        }
    }
    all
}

pub(crate) fn reason_json(verdict: Prospect, reason: Option<&Reason>, source: &Source) -> Json {
    let Some(reason) = reason else { return Json::Null };
    let mut json = serde_json::to_value(reason).unwrap_or_default();
    if let Some(members) = json.as_object_mut() {
        members.insert("message".to_owned(), foreseen_sentence(verdict, reason).into());
        members.extend(place(source, span_of(reason)));
    }
    json
}

pub(crate) fn span_of(reason: &Reason) -> Option<Span> {
    match reason {
        Reason::Condition { span, .. }
        | Reason::ConditionError { span, .. }
        | Reason::Strategy { span, .. }
        | Reason::Planning { span, .. }
        | Reason::Deadlock { span, .. } => *span,
        Reason::Needs { .. }
        | Reason::Caller { .. }
        | Reason::Called { .. }
        | Reason::Stated { .. }
        | Reason::Trigger { .. } => None,
    }
}

/// The explanation for people. Ends with a line break.
pub fn why_text(why: &Why<'_>, style: &Style) -> String {
    let style = *style;
    let mut lines = vec![heading(why, style), String::new()];
    for gate in why.gates {
        lines.extend(gate_lines(gate, &why.workflow.source, style));
    }
    let width = why.jobs.iter().map(|it| console::measure_text_width(it.job.key.as_str())).max().unwrap_or(0);
    for (index, it) in why.jobs.iter().enumerate() {
        if why.at_length || index == 0 {
            lines.push(String::new());
        }
        lines.extend(if why.at_length { at_length(why, it, style) } else { in_short(why, it, width, style) });
    }
    lines.into_iter().map(|it| it.trim_end().to_owned() + "\n").collect()
}

fn heading(why: &Why<'_>, style: Style) -> String {
    let event = why.event;
    let name = style.paint(Label::Heading, &one_line(why.workflow.display_name()));
    let activity = event.activity.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    let of = match (&event.head_ref, &event.base_ref) {
        (Some(head), Some(base)) => format!("{head} into {base}"),
        _ => event.git_ref.clone(),
    };
    let verdict = match why.refusal() {
        Some(_) => "does not trigger it",
        None if why.gates.iter().any(|it| it.open().is_some()) => "may trigger it",
        None => "triggers it",
    };
    format!("{name}: {}{activity} of {of} {verdict}", event.name)
}

fn gate_lines(gate: &Gate, source: &Source, style: Style) -> Vec<String> {
    let (name, words) = gate_words(gate);
    let mark = style.mark(match (gate.open(), gate.passed) {
        (Some(_), _) => Mark::Incomplete,
        (None, true) => Mark::Success,
        (None, false) => Mark::Failure,
    });
    let at = gate.span.filter(|it| *it != Span::default()).map(|it| located(source, it)).unwrap_or_default();
    let words = cut(&one_line(&words), style.width.saturating_sub(at.len() + 15), style).into_owned();
    let mut line = format!("  {mark} {}  {words}  {}", pad(name, 7), style.paint(Label::Dim, &at));
    let mut under = None;
    if let Some(span) = gate.span.filter(|it| gate.passed && *it != Span::default()) {
        let text = source.slice(span).lines().next().unwrap_or_default();
        let (start, width) = (console::measure_text_width(&line) + 2, console::measure_text_width(text));
        if start + width <= style.width {
            line = format!("{line}  {}", style.paint(Label::Place, text));
            // Without colour nothing is underlined.
            under = (!style.color).then(|| format!("{}{}", " ".repeat(start), "~".repeat(width)));
        }
    }
    let mut lines = vec![line];
    lines.extend(under);
    if let Some(span) = gate.span.filter(|it| !gate.passed && *it != Span::default()) {
        lines.extend(snippet(source, &[span], style));
    }
    lines
}

/// `deploy.yml:7:15`
pub(crate) fn located(source: &Source, span: Span) -> String {
    let at = source.location(span.start);
    let file = source.path().rsplit('/').next().unwrap_or_default();
    format!("{file}:{}:{}", at.line, at.col)
}

/// The first line of the places, with carets below them.
fn snippet(source: &Source, spans: &[Span], style: Style) -> Vec<String> {
    let Some(first) = spans.first() else { return Vec::new() };
    let line = source.location(first.start).line;
    let Some(whole) = source.line_span(line) else { return Vec::new() };
    let text = source.slice(whole).trim_end();
    let indent = text.len() - text.trim_start().len();
    let column = |offset: u32| {
        let until = source.slice(Span::new(whole.start, offset.clamp(whole.start, whole.start + wide(text.len()))));
        console::measure_text_width(until)
    };
    let mut carets = String::new();
    for span in spans.iter().filter(|it| source.location(it.start).line == line) {
        let (from, to) = (column(span.start), column(span.end).max(column(span.start) + 1));
        carets = pad(&carets, from) + &"^".repeat(to.saturating_sub(from.max(carets.len())));
    }
    let number = format!("{line:>6} | ");
    let carets = carets.get(indent.min(carets.len())..).unwrap_or_default();
    vec![
        format!("{}{}", style.paint(Label::Dim, &number), cut(text.trim_start(), style.width.saturating_sub(9), style)),
        format!("{}{}", style.paint(Label::Dim, "       | "), style.paint(Label::Warning, carets)),
    ]
}

fn wide(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

pub(crate) fn mark_of(verdict: Prospect) -> Mark {
    match verdict {
        Prospect::Runs => Mark::Success,
        Prospect::Skipped => Mark::Skipped,
        Prospect::Depends => Mark::Incomplete,
        Prospect::Fails => Mark::Failure,
    }
}

fn word_of(verdict: Prospect) -> &'static str {
    match verdict {
        Prospect::Runs => "runs",
        Prospect::Skipped => "is skipped",
        Prospect::Depends => "depends",
        Prospect::Fails => "fails",
    }
}

fn in_short(why: &Why<'_>, it: &JobWhy<'_>, width: usize, style: Style) -> Vec<String> {
    let job = it.job;
    let verdict = why.verdict(job);
    let key = pad(&one_line(job.key.as_str()), width);
    let mut text = word_of(verdict).to_owned();
    if let Some(reason) = job.reason.as_ref().filter(|_| verdict != Prospect::Runs && why.refusal().is_none()) {
        let sentence = foreseen_sentence(verdict, reason);
        text = if verdict == Prospect::Depends { sentence } else { format!("{text}: {sentence}") };
    }
    let legs = if job.legs.len() > 1 { format!(" ({} legs)", job.legs.len()) } else { String::new() };
    let parts: Vec<String> = [text + &legs].into_iter().chain(hindrances(job)).collect();
    let mut lines =
        hanging(&format!("  {} {key}  ", style.mark(mark_of(verdict))), width + 6, &parts.join("; "), style);
    if let Some(changes) = it.changes.first() {
        lines.push(format!("{}{} {}", " ".repeat(width + 6), turned(why), options(changes, style)));
    } else if it.sought {
        let nothing = format!("nothing that was tried makes it {}", wanted(why));
        lines.push(format!("{}{}", " ".repeat(width + 6), style.paint(Label::Dim, &nothing)));
    }
    lines
}

fn wanted(why: &Why<'_>) -> &'static str {
    if why.until_skipped { "be skipped" } else { "run" }
}

fn at_length(why: &Why<'_>, it: &JobWhy<'_>, style: Style) -> Vec<String> {
    let job = it.job;
    let verdict = why.verdict(job);
    let title = style.paint(Label::Heading, &one_line(it.key().as_str()));
    let mut lines = vec![format!("  {} {title} {}", style.mark(mark_of(verdict)), word_of(verdict))];
    if !job.needs.is_empty() {
        let needs: Vec<String> = job.needs.iter().map(ToString::to_string).collect();
        lines.push(format!("    needs {}", needs.join(", ")));
    }
    if let Some(reason) = job.reason.as_ref() {
        lines.extend(reason_lines(job, reason, style));
    }
    for it in hindrances(job) {
        lines.extend(hanging("    ", 6, &it, style));
    }
    if why.refusal().is_some() {
        lines.push("    all of that counts only once the event triggers the workflow".to_owned());
    }
    if it.sought && it.changes.is_empty() {
        lines.extend([String::new(), format!("    no change that was tried makes it {} for sure", wanted(why))]);
    }
    if !it.changes.is_empty() {
        lines.extend([String::new(), format!("    {}", turned(why))]);
        lines.extend(it.changes.iter().map(|it| format!("      {}", options(it, style))));
    }
    let steps = step_lines(job, it.leg, style);
    if !steps.is_empty() {
        lines.push(String::new());
        lines.extend(steps);
    }
    lines
}

fn reason_lines(job: &JobOutlook, reason: &Reason, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    let source: &Arc<Source> = &job.workflow.source;
    if let Reason::Condition { trace, span, deciding, .. } = reason {
        let at = span.map(|it| located(source, it)).unwrap_or_default();
        lines.push(format!("    if  {}", style.paint(Label::Dim, &at)));
        let places: Vec<Span> = if deciding.is_empty() { span.iter().copied().collect() } else { deciding.clone() };
        lines.extend(snippet(source, &places, style));
        lines.extend(trace_text(trace, &style).lines().map(|it| format!("      {it}")));
    }
    let fails = matches!(job.verdict, Prospect::Fails) || matches!(reason, Reason::Deadlock { .. });
    if let Some(span) = span_of(reason).filter(|_| fails) {
        lines.push(format!("    at  {}", style.paint(Label::Dim, &located(source, span))));
        lines.extend(snippet(source, &[span], style));
    }
    for line in foreseen_paragraph(job.verdict, reason) {
        if console::measure_text_width(&line) + 4 <= style.width {
            lines.push(format!("    {line}"));
        } else {
            lines.extend(hanging("    ", 6, &line, style));
        }
    }
    lines
}

/// `start` and `text`, broken so that it goes on at `indent`.
pub(crate) fn hanging(start: &str, indent: usize, text: &str, style: Style) -> Vec<String> {
    let room = |taken: usize| style.width.saturating_sub(taken).max(20);
    let first = wrap(text, room(console::measure_text_width(start))).into_iter().next().unwrap_or_default();
    // `wrap` puts one blank between words, as `first` has them.
    let rest = one_line(text).get(first.len()..).unwrap_or_default().to_owned();
    let rest = wrap(&rest, room(indent)).into_iter().map(|it| format!("{}{it}", " ".repeat(indent)));
    std::iter::once(format!("{start}{first}")).chain(rest).collect()
}

fn turned(why: &Why<'_>) -> &'static str {
    if why.until_skipped { "would be skipped with" } else { "would run with" }
}

/// The options as one would paste them.
fn options(changes: &[Change], style: Style) -> String {
    let flags: Vec<String> = changes.iter().flat_map(Change::flags).map(|it| shell_word(&it)).collect();
    style.paint(Label::Success, &flags.join(" "))
}
