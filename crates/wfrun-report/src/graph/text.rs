//! The drawing for a terminal.
use std::collections::HashSet;

use wfrun_plan::{JobKey, JobOutlook, Outlook, Prospect};

use super::boxes::boxes;
use super::canvas::Canvas;
use super::lanes::{SIGN, rows};
use super::model::{Group, Node, group, title};
use crate::Style;
use crate::text::{count, cut, one_line, pad, wrap};
use crate::theme::Label;

/// Labels are not filled up to more columns than this.
const LABEL: usize = 32;
/// A detail stands beside its job if it has as much room.
const DETAIL: usize = 24;

/// Columns after which details in boxes are broken: the first with which all fits.
const BREAKS: [usize; 4] = [40, 30, 22, 16];
/// Boxes take three rows each; in more rows than this nobody sees the whole, and lanes take less.
const TALL: usize = 60;

/// The jobs as a drawing within the width of `style`. Ends with a line break.
pub fn graph_text(outlook: &Outlook, style: &Style) -> String {
    let style = *style;
    let mut lines = vec![style.paint(Label::Heading, &title(outlook)), String::new()];
    let group = group(outlook);
    let drawing = BREAKS.iter().filter_map(|it| boxes(&group, *it, style));
    let fits = |it: &Canvas| it.width <= style.width && it.height() <= TALL;
    match drawing.into_iter().find(fits) {
        Some(canvas) => lines.extend(canvas.lines(style)),
        None => draw(&group, "", style, &mut lines),
    }
    lines.push(String::new());
    lines.extend(wrap(&summary(outlook), style.width));
    lines.iter().map(|it| cut(it.trim_end(), style.width, style).into_owned() + "\n").collect()
}

/// `8 jobs: 6 run, 1 is skipped, 1 depends on what the run brings`; the jobs that a job calls count in its place.
fn summary(outlook: &Outlook) -> String {
    let callers: HashSet<&str> = outlook.jobs.iter().filter_map(|it| it.caller.as_ref()).map(JobKey::as_str).collect();
    let legs = |job: &JobOutlook| {
        let keys = job.legs.iter().map(|it| &it.key).chain(job.legs.is_empty().then_some(&job.key));
        keys.filter(|it| !callers.contains(it.as_str())).count()
    };
    let of = |verdict: Prospect| -> usize { outlook.jobs.iter().filter(|it| it.verdict == verdict).map(legs).sum() };
    let runs = match of(Prospect::Runs) {
        1 => "1 runs".to_owned(),
        many => format!("{many} run"),
    };
    let skipped = match of(Prospect::Skipped) {
        0 => None,
        1 => Some("1 is skipped".to_owned()),
        many => Some(format!("{many} are skipped")),
    };
    let depends = match of(Prospect::Depends) {
        0 => None,
        1 => Some("1 depends on what the run brings".to_owned()),
        many => Some(format!("{many} depend on what the run brings")),
    };
    let parts: Vec<String> = [Some(runs), skipped, depends].into_iter().flatten().collect();
    format!("{}: {}", count(outlook.jobs.iter().map(legs).sum(), "job", "jobs"), parts.join(", "))
}

fn draw(group: &Group<'_>, prefix: &str, style: Style, lines: &mut Vec<String>) {
    let rows = rows(group, style);
    let lane_width = rows.iter().map(|it| it.lanes.chars().count()).max().unwrap_or(0);
    let times = times(style);
    let label_width = group.nodes.iter().map(|it| console::measure_text_width(&it.label(times))).max().unwrap_or(0);
    let begin = console::measure_text_width(prefix) + lane_width;
    let room = style.width.saturating_sub(begin + label_width.min(LABEL) + 2);
    for row in &rows {
        let Some(node) = row.node else {
            lines.push(format!("{prefix}{}", style.paint(Label::Dim, row.lanes.trim_end())));
            continue;
        };
        let below = format!("{prefix}{}", style.paint(Label::Dim, &pad(&row.below, lane_width)));
        let head = format!("{prefix}{}{}", signed(&pad(&row.lanes, lane_width), node, style), label(node, style));
        let Some(detail) = &node.detail else {
            lines.push(head);
            called(node, &below, style, lines);
            continue;
        };
        let missing = label_width.min(LABEL).saturating_sub(console::measure_text_width(&node.label(times))) + 2;
        if room >= DETAIL.min(console::measure_text_width(detail)) {
            let mut parts = wrap(detail, room).into_iter();
            let first = style.paint(Label::Dim, &parts.next().unwrap_or_default());
            lines.push(format!("{head}{}{first}", " ".repeat(missing)));
            let indent = " ".repeat(label_width.min(LABEL) + 2);
            lines.extend(parts.map(|it| format!("{below}{indent}{}", style.paint(Label::Dim, &it))));
        } else {
            lines.push(head);
            let parts = wrap(detail, style.width.saturating_sub(begin + 2).max(12));
            lines.extend(parts.iter().map(|it| format!("{below}  {}", style.paint(Label::Dim, it))));
        }
        called(node, &below, style, lines);
    }
}

/// The jobs that a job calls, below its name.
fn called(node: &Node<'_>, below: &str, style: Style, lines: &mut Vec<String>) {
    for group in &node.groups {
        if let Some(caption) = group.caption() {
            lines.push(format!("{below}  {}", style.paint(Label::Dim, &one_line(&caption))));
        }
        draw(group, &format!("{below}  "), style, lines);
    }
}

pub(super) fn times(style: Style) -> &'static str {
    if style.unicode { "×" } else { "x" }
}

/// The colour of a job's name.
pub(super) fn label_of(node: &Node<'_>) -> Option<Label> {
    match node.job.verdict {
        Prospect::Runs => None,
        Prospect::Skipped => Some(Label::Skipped),
        Prospect::Depends => Some(Label::Warning),
    }
}

/// The sign of a job, with its colour.
pub(super) fn sign(node: &Node<'_>, style: Style) -> (&'static str, Label) {
    match (node.job.verdict, style.unicode) {
        (Prospect::Runs, true) => ("●", Label::Running),
        (Prospect::Runs, false) => ("*", Label::Running),
        (Prospect::Skipped, true) => ("○", Label::Skipped),
        (Prospect::Skipped, false) => ("o", Label::Skipped),
        (Prospect::Depends, _) => ("?", Label::Warning),
    }
}

fn label(node: &Node<'_>, style: Style) -> String {
    let text = node.label(times(style));
    label_of(node).map_or(text.clone(), |label| style.paint(label, &text))
}

/// The lanes with the job's sign in its own.
fn signed(lanes: &str, node: &Node<'_>, style: Style) -> String {
    let (sign, label) = sign(node, style);
    let (before, after) = lanes.split_once(SIGN).unwrap_or((lanes, ""));
    let dim = |text: &str| if text.trim().is_empty() { text.to_owned() } else { style.paint(Label::Dim, text) };
    format!("{}{}{}", dim(before), style.paint(label, sign), dim(after))
}
