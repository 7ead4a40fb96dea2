//! What is foreseen of steps, and where the legs of a matrix differ in it.
use std::sync::Arc;

use serde_json::{Value as Json, json};
use wfrun_plan::{Because, JobOutlook, Leg, Prospect, Reason, StepOutlook};
use wfrun_syntax::Source;

use crate::Style;
use crate::foreseen::foreseen_sentence;
use crate::text::{count, one_line};
use crate::theme::Label;
use crate::why_view::{hanging, located, mark_of, reason_json, span_of};

/// Most legs that are named for one fate of a step.
const MOST_LEGS: usize = 3;
/// Most fates of one step that are told of one verdict.
const MOST_FATES: usize = 2;

/// How a step fares in some legs.
struct Fate<'a> {
    step: &'a StepOutlook,
    sentence: String,
    legs: Vec<&'a Leg>,
}

/// A step of all legs.
struct Row<'a> {
    name: String,
    fates: Vec<Fate<'a>>,
}

/// The steps of a job, or of one of its legs; none where it is skipped.
pub(crate) fn step_lines(job: &JobOutlook, leg: Option<&Leg>, style: Style) -> Vec<String> {
    let legs = legs_of(job, leg);
    let rows = rows(job, &legs);
    if rows.is_empty() {
        return Vec::new();
    }
    let runs = |it: &&Row<'_>| it.fates.iter().all(|it| it.step.verdict == Prospect::Runs);
    let is_plain = |it: &&Row<'_>| runs(it) && it.fates.iter().all(|it| it.step.stated.is_none());
    let certain = rows.iter().filter(runs).count();
    let each = if legs.len() > 1 { format!(" in all {} legs", legs.len()) } else { String::new() };
    let mut lines = vec![format!("    {certain} of {} run{each}", count(rows.len(), "step", "steps"))];
    for row in rows.iter().filter(|it| !is_plain(it)) {
        lines.extend(row_lines(row, &job.workflow.source, style));
    }
    lines
}

fn legs_of<'a>(job: &'a JobOutlook, leg: Option<&'a Leg>) -> Vec<&'a Leg> {
    leg.map_or_else(|| job.legs.iter().collect(), |it| vec![it])
}

fn rows<'a>(job: &'a JobOutlook, legs: &[&'a Leg]) -> Vec<Row<'a>> {
    let Some(first) = legs.first() else { return Vec::new() };
    let differ = legs.iter().any(|it| !Arc::ptr_eq(&it.steps, &first.steps));
    let row = |step: &'a StepOutlook| {
        let own = Fate { step, sentence: sentence(step), legs: legs.to_vec() };
        if !differ {
            return Row { name: one_line(&step.name), fates: vec![own] };
        }
        let of_legs = || legs.iter().filter_map(|leg| Some((*leg, leg.steps.get(step.index)?)));
        let has_one_name = of_legs().all(|(_, it)| it.name == step.name);
        let written = job.model().and_then(|it| it.steps.get(step.index)).filter(|_| !has_one_name);
        let name = written.map_or_else(|| step.name.clone(), wfrun_workflow::Step::written_name);
        Row { name: one_line(&name), fates: fates(of_legs()) }
    };
    first.steps.iter().map(row).collect()
}

fn fates<'a>(of_legs: impl Iterator<Item = (&'a Leg, &'a StepOutlook)>) -> Vec<Fate<'a>> {
    let mut all: Vec<Fate<'a>> = Vec::new();
    for (leg, step) in of_legs {
        let sentence = sentence(step);
        let is_same = |it: &&mut Fate<'_>| {
            it.step.verdict == step.verdict && it.step.stated == step.stated && it.sentence == sentence
        };
        match all.iter_mut().find(is_same) {
            Some(fate) => fate.legs.push(leg),
            None => all.push(Fate { step, sentence, legs: vec![leg] }),
        }
    }
    all
}

/// Why it is skipped or on what it depends; of one that runs nothing.
fn sentence(step: &StepOutlook) -> String {
    match &step.reason {
        Some(Reason::Condition { because, .. }) if is_about_success(step.verdict, because) => {
            "because an earlier step fails".to_owned()
        }
        Some(reason) if step.verdict != Prospect::Runs => foreseen_sentence(step.verdict, reason),
        Some(_) | None => String::new(),
    }
}

/// Nothing but the `success()` that is mostly not even written.
fn is_about_success(verdict: Prospect, because: &[Because]) -> bool {
    verdict == Prospect::Skipped
        && matches!(because, [only] if only.expression.eq_ignore_ascii_case("success()") && only.value == false)
}

fn row_lines(row: &Row<'_>, source: &Source, style: Style) -> Vec<String> {
    if let [only] = row.fates.as_slice() {
        let start = format!("      {} {}: ", style.mark(mark_of(only.step.verdict)), row.name);
        return hanging(&start, 10, &(only.words(None) + &only.place(source)), style);
    }
    let mut lines = vec![format!("      {}", row.name)];
    for verdict in [Prospect::Runs, Prospect::Depends, Prospect::Skipped, Prospect::Fails] {
        let mark = style.mark(mark_of(verdict));
        let fates: Vec<&Fate<'_>> = row.fates.iter().filter(|it| it.step.verdict == verdict).collect();
        for fate in fates.iter().take(MOST_FATES) {
            let start = format!("        {mark} ");
            let words = fate.words(Some(&fate.named())) + &fate.place(source);
            lines.extend(hanging(&start, 12, &words, style));
        }
        let rest: usize = fates.iter().skip(MOST_FATES).map(|it| it.legs.len()).sum();
        if rest > 0 {
            let more = format!("and in {}, each for its own values", count(rest, "more leg", "more legs"));
            lines.push(format!("        {mark} {}", style.paint(Label::Dim, &more)));
        }
    }
    lines
}

impl Fate<'_> {
    /// Where its condition is written: ` (deploy.yml:12:9)`.
    fn place(&self, source: &Source) -> String {
        let is_told = !self.sentence.is_empty() && !self.sentence.contains("an earlier step");
        let span = self.step.reason.as_ref().filter(|_| is_told).and_then(span_of);
        span.map(|it| format!(" ({})", located(source, it))).unwrap_or_default()
    }

    /// `is skipped in test (b) because …`
    fn words(&self, legs: Option<&str>) -> String {
        let within = legs.map(|it| format!(" in {it}")).unwrap_or_default();
        match self.step.verdict {
            Prospect::Depends => format!("{}{within}", self.sentence),
            Prospect::Fails => format!("fails{within}: {}", self.sentence),
            Prospect::Runs => match self.step.stated.as_deref() {
                Some(outcome) => format!("runs{within}, and is taken to end with {outcome}"),
                None => format!("runs{within}"),
            },
            Prospect::Skipped if self.sentence.starts_with("because ") => {
                format!("is skipped{within} {}", self.sentence)
            }
            Prospect::Skipped => format!("is skipped{within}: {}", self.sentence),
        }
    }

    /// `test (a), test (b) and 3 more`
    fn named(&self) -> String {
        let named: Vec<&str> = self.legs.iter().take(MOST_LEGS).map(|it| it.key.as_str()).collect();
        match self.legs.len().saturating_sub(MOST_LEGS) {
            0 => named.join(", "),
            rest => format!("{} and {rest} more", named.join(", ")),
        }
    }
}

/// The steps as `wfrun why --json` prints them: `{"index","id","name","verdict","reason","stated"}`; `stated` is
/// how the step is taken to end.
///
/// Of a step in which legs differ the verdict is `depends`, the reason's kind is `legs`, and `legs` has for each leg
/// `{"key","name","verdict","reason","stated"}`.
pub(crate) fn steps_json(job: &JobOutlook, leg: Option<&Leg>) -> Vec<Json> {
    let source = &job.workflow.source;
    let of_leg = |fate: &Fate<'_>, leg: &Leg| {
        let own = leg.steps.get(fate.step.index).unwrap_or(fate.step);
        let reason = reason_json(own.verdict, own.reason.as_ref(), source);
        json!({"key": leg.key, "name": own.name, "verdict": own.verdict, "reason": reason, "stated": own.stated})
    };
    let of_row = |row: &Row<'_>| {
        let [first, others @ ..] = row.fates.as_slice() else { return Json::Null };
        let (index, id) = (first.step.index, &first.step.id);
        if others.is_empty() {
            let reason = reason_json(first.step.verdict, first.step.reason.as_ref(), source);
            return json!({
                "index": index, "id": id, "name": row.name, "verdict": first.step.verdict, "reason": reason,
                "stated": first.step.stated,
            });
        }
        let each: Vec<Json> =
            row.fates.iter().flat_map(|fate| fate.legs.iter().map(move |leg| of_leg(fate, leg))).collect();
        let words: Vec<String> = row.fates.iter().map(|it| it.words(Some(&it.named()))).collect();
        let reason = json!({"kind": "legs", "message": words.join("; ")});
        json!({
            "index": index, "id": id, "name": row.name, "verdict": Prospect::Depends, "reason": reason, "legs": each,
        })
    };
    rows(job, &legs_of(job, leg)).iter().map(of_row).collect()
}
