//! Jobs below each other: with lanes, or as a list where those would leave no room for names.
use console::measure_text_width;

use super::lanes::{Row, SIGN, rows};
use super::model::{Group, Node};
use super::text::{label_of, sign, times};
use crate::Style;
use crate::text::{one_line, pad, wrap};
use crate::theme::Label;

/// Labels are not filled up to more columns than this.
const LABEL: usize = 32;
/// Of a label, as many columns must be seen beside lanes.
const SEEN: usize = 12;
/// A detail stands beside its job if it has as much room.
const DETAIL: usize = 24;

/// Draws a group behind a prefix, a job a line, and what its jobs call below them.
pub(super) fn draw(group: &Group<'_>, prefix: &str, style: Style, lines: &mut Vec<String>) {
    let of_lanes = rows(group, style);
    let measure = |it: &Node<'_>| measure_text_width(&it.label(times(style)));
    let labels = group.nodes.iter().map(measure).max().unwrap_or(0).min(LABEL);
    let indent = measure_text_width(prefix);
    let lanes = width(&of_lanes);
    let is_listed = lanes > 2 && indent + lanes + labels.min(SEEN) > style.width;
    let rows = if is_listed { listed(group) } else { of_lanes };
    let columns = Columns { indent, lanes: width(&rows), labels };
    for row in &rows {
        let Some(node) = row.node else {
            lines.push(format!("{prefix}{}", style.paint(Label::Dim, row.lanes.trim_end())));
            continue;
        };
        let below = format!("{prefix}{}", style.paint(Label::Dim, &pad(&row.below, columns.lanes)));
        let head = format!("{prefix}{}{}", signed(&pad(&row.lanes, columns.lanes), node, style), label(node, style));
        let after = if is_listed { after(node, group) } else { None };
        let details: Vec<String> = [node.detail.clone(), after].into_iter().flatten().collect();
        lines.extend(entry(&head, &below, measure(node), &details.join("; "), &columns, style));
        for group in &node.groups {
            if let Some(caption) = group.caption() {
                lines.push(format!("{below}  {}", style.paint(Label::Dim, &one_line(&caption))));
            }
            draw(group, &format!("{below}  "), style, lines);
        }
    }
}

/// How many columns the parts of a line take.
struct Columns {
    indent: usize,
    lanes: usize,
    labels: usize,
}

/// A job with its detail: beside it where there is room, else below.
fn entry(head: &str, below: &str, label: usize, detail: &str, columns: &Columns, style: Style) -> Vec<String> {
    let Columns { indent, lanes, labels } = *columns;
    let dim = |text: &str| style.paint(Label::Dim, text);
    let room = style.width.saturating_sub(indent + lanes + labels + 2);
    if room >= DETAIL.min(measure_text_width(detail)) {
        let mut parts = wrap(detail, room).into_iter();
        let first = dim(&parts.next().unwrap_or_default());
        let gap = " ".repeat(labels.saturating_sub(label) + 2);
        let more = parts.map(|it| format!("{below}{}{}", " ".repeat(labels + 2), dim(&it)));
        return [format!("{head}{gap}{first}")].into_iter().chain(more).collect();
    }
    let parts = wrap(detail, style.width.saturating_sub(indent + lanes + 2).max(12));
    [head.to_owned()].into_iter().chain(parts.iter().map(|it| format!("{below}  {}", dim(it)))).collect()
}

fn width(rows: &[Row<'_, '_>]) -> usize {
    rows.iter().filter(|it| it.node.is_some()).map(|it| measure_text_width(&it.lanes)).max().unwrap_or(0)
}

/// The jobs by stage, without lanes.
fn listed<'g, 'a>(group: &'g Group<'a>) -> Vec<Row<'g, 'a>> {
    let mut rows = Vec::new();
    for stage in 0..=group.nodes.iter().map(|it| it.stage).max().unwrap_or(0) {
        rows.push(Row { lanes: format!("stage {}", stage + 1), below: String::new(), node: None });
        for node in group.nodes.iter().filter(|it| it.stage == stage) {
            rows.push(Row { lanes: format!("{SIGN} "), below: "  ".to_owned(), node: Some(node) });
        }
    }
    rows
}

/// `after lint, test`
fn after(node: &Node<'_>, group: &Group<'_>) -> Option<String> {
    let needs = node.after.iter().filter_map(|it| group.nodes.get(*it));
    let needs: Vec<String> = needs.map(|it| one_line(it.job.id.as_str())).collect();
    (!needs.is_empty()).then(|| format!("after {}", needs.join(", ")))
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
