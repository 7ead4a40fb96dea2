//! The drawing for a terminal.
use std::collections::HashSet;

use wfrun_plan::{JobKey, JobOutlook, Outlook, Prospect};

use super::boxes::boxes;
use super::canvas::Canvas;
use super::lines::draw;
use super::model::{Node, group, title};
use crate::Style;
use crate::text::{count, cut, wrap};
use crate::theme::Label;

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
    let fails = match of(Prospect::Fails) {
        0 => None,
        1 => Some("1 fails before it begins".to_owned()),
        many => Some(format!("{many} fail before they begin")),
    };
    let parts: Vec<String> = [Some(runs), fails, skipped, depends].into_iter().flatten().collect();
    format!("{}: {}", count(outlook.jobs.iter().map(legs).sum(), "job", "jobs"), parts.join(", "))
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
        Prospect::Fails => Some(Label::Failure),
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
        (Prospect::Fails, true) => ("✗", Label::Failure),
        (Prospect::Fails, false) => ("!", Label::Failure),
    }
}
