//! The drawing as a picture that stands on its own: no fonts, scripts or styles from elsewhere, light and dark.
use std::fmt::Write as _;

use console::measure_text_width;
use wfrun_plan::Outlook;

use super::layers::{Layers, Slot, layers};
use super::model::{Group, Node, group, title};
use crate::text::{one_line, wrap};

/// Columns after which a detail is broken.
const DETAIL: usize = 34;
/// Pixels of a letter of a label, and of a detail.
const LETTER: usize = 8;
const SMALL: usize = 7;
/// Pixels of a job without a detail, of a line of a detail, and between things.
const JOB: usize = 36;
const LINE: usize = 16;
const GAP: usize = 14;
const CHANNEL: usize = 60;
const MARGIN: usize = 24;
/// Where the name of a job begins.
const INDENT: usize = 32;

const STYLE: &str = "\
.wfrun{--back:#ffffff;--fill:#f6f8fa;--line:#8c959f;--text:#1f2328;--dim:#59636e;--runs:#1a7f37;--depends:#9a6700;--fails:#cf222e}
@media (prefers-color-scheme:dark){.wfrun{--back:#0d1117;--fill:#161b22;--line:#6e7681;--text:#e6edf3;--dim:#9198a1;--runs:#3fb950;--depends:#d29922;--fails:#f85149}}
.wfrun text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:13px;fill:var(--text)}
.wfrun text.head{font-size:16px;font-weight:600}
.wfrun text.detail{font-size:11px;fill:var(--dim)}
.wfrun .back{fill:var(--back)}
.wfrun .box{fill:var(--fill);stroke:var(--line)}
.wfrun .group>.box{fill:none}
.wfrun .edge{fill:none;stroke:var(--line);stroke-width:1.5}
.wfrun .tip{fill:var(--line)}
.wfrun .maybe{stroke-dasharray:4 3}
.wfrun .skipped>.box,.wfrun .depends>.box{stroke-dasharray:4 3}
.wfrun .depends>.box{stroke:var(--depends)}
.wfrun .fails>.box,.wfrun .fails>.sign{stroke:var(--fails)}
.wfrun .skipped>text{fill:var(--dim)}
.wfrun .sign{stroke-width:2;fill:none}
.wfrun .runs>.sign{fill:var(--runs);stroke:var(--runs)}
.wfrun .skipped>.sign{stroke:var(--line)}
.wfrun .depends>.sign{stroke:var(--depends);stroke-dasharray:2 2}
";

/// A part of the picture, drawn from its own upper left corner.
struct Part {
    width: usize,
    height: usize,
    svg: String,
}

/// The jobs as an SVG document.
pub fn graph_svg(outlook: &Outlook) -> String {
    let title = escape(&title(outlook));
    let jobs = jobs(&group(outlook));
    let width = (jobs.width + 2 * MARGIN).max(measure_text_width(&title) * 10 + 2 * MARGIN);
    let (top, height) = (MARGIN + 40, jobs.height + 2 * MARGIN + 40);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"wfrun\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">\n\
         <style>\n{STYLE}</style>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n\
         <rect class=\"back\" width=\"{width}\" height=\"{height}\"/>\n\
         <text class=\"head\" x=\"{MARGIN}\" y=\"{}\">{title}</text>\n\
         <g transform=\"translate({MARGIN} {top})\">\n{}</g>\n</svg>\n",
        MARGIN + 14,
        jobs.svg
    )
}

/// A place in a column: what is there, and where.
struct Place {
    slot: Slot,
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Place {
    fn middle(&self) -> usize {
        self.y + self.height / 2
    }
}

fn jobs(group: &Group<'_>) -> Part {
    let layers = layers(group);
    let inner: Vec<Part> = group.nodes.iter().map(called).collect();
    let sizes: Vec<(usize, usize)> = group.nodes.iter().zip(&inner).map(|(node, inner)| size(node, inner)).collect();
    let places = places(&layers, &sizes);
    let all = || places.iter().flatten();
    let mut svg = String::new();
    edges(group, &layers, &places, &mut svg);
    for place in all() {
        let Slot::Node(at) = place.slot else { continue };
        if let (Some(node), Some(inner)) = (group.nodes.get(at), inner.get(at)) {
            job(node, inner, place, &mut svg);
        }
    }
    let width = all().map(|it| it.x + it.width).max().unwrap_or(0);
    Part { width, height: all().map(|it| it.y + it.height).max().unwrap_or(0), svg }
}

/// Puts the columns beside each other, each in the middle.
fn places(layers: &Layers, sizes: &[(usize, usize)]) -> Vec<Vec<Place>> {
    let size = |slot: &Slot| match slot {
        Slot::Node(at) => sizes.get(*at).copied().unwrap_or_default(),
        Slot::Pass(_) => (0, LINE),
    };
    let height =
        |column: &Vec<Slot>| column.iter().map(|it| size(it).1).sum::<usize>() + GAP * column.len().saturating_sub(1);
    let tallest = layers.columns.iter().map(height).max().unwrap_or(0);
    let mut places = Vec::new();
    let mut x = 0;
    for column in &layers.columns {
        let width = column.iter().map(|it| size(it).0).max().unwrap_or(0);
        let mut y = (tallest - height(column)) / 2;
        let mut placed = Vec::new();
        for slot in column {
            let height = size(slot).1;
            placed.push(Place { slot: *slot, x, y, width, height });
            y += height + GAP;
        }
        places.push(placed);
        x += width + CHANNEL;
    }
    places
}

fn edges(group: &Group<'_>, layers: &Layers, places: &[Vec<Place>], svg: &mut String) {
    let class_of = |slot| if is_firm(group, slot) { "edge" } else { "edge maybe" };
    for place in places.iter().flatten().filter(|it| matches!(it.slot, Slot::Pass(_))) {
        let (x, y, class) = (place.x, place.middle(), class_of(place.slot));
        write(svg, &format!("<path class=\"{class}\" d=\"M{x} {y}H{}\"/>\n", x + place.width));
    }
    for (links, columns) in layers.links.iter().zip(places.windows(2)) {
        let [left, right] = columns else { continue };
        for (from, to) in links {
            let (Some(from), Some(to)) = (left.get(*from), right.get(*to)) else { continue };
            let (x1, y1, x2, y2) = (from.x + from.width, from.middle(), to.x, to.middle());
            let half = CHANNEL / 2;
            let class = class_of(to.slot);
            let tip = if matches!(to.slot, Slot::Node(_)) { " marker-end=\"url(#tip)\"" } else { "" };
            let curve = format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + half, x2 - half);
            write(svg, &format!("<path class=\"{class}\"{tip} d=\"{curve}\"/>\n"));
        }
    }
}

/// Whether a line to a place is a firm one: a job there runs, or one that the line goes on to.
fn is_firm(group: &Group<'_>, slot: Slot) -> bool {
    match slot {
        Slot::Node(at) => group.nodes.get(at).is_some_and(Node::is_firm),
        Slot::Pass(source) => group.nodes.iter().any(|it| it.is_firm() && it.after.contains(&source)),
    }
}

fn details(node: &Node<'_>) -> Vec<String> {
    node.detail.as_ref().map(|it| wrap(it, DETAIL)).unwrap_or_default()
}

/// The height of a job's own text.
fn head(node: &Node<'_>) -> usize {
    let lines = details(node).len();
    JOB + lines * LINE
}

fn size(node: &Node<'_>, inner: &Part) -> (usize, usize) {
    let label = INDENT + measure_text_width(&node.label("×")) * LETTER + GAP;
    let detail = details(node).iter().map(|it| INDENT + measure_text_width(it) * SMALL + GAP).max().unwrap_or(0);
    let (width, height) = if inner.height == 0 { (0, 0) } else { (inner.width + 2 * GAP, inner.height + GAP) };
    (label.max(detail).max(width), head(node) + height)
}

fn job(node: &Node<'_>, inner: &Part, place: &Place, svg: &mut String) {
    let Place { x, y, width, height, .. } = place;
    let kind = if inner.height == 0 { "" } else { " group" };
    write(svg, &format!("<g class=\"{}{kind}\" transform=\"translate({x} {y})\">\n", node.class()));
    write(svg, &format!("<title>{}</title>\n", escape(&hint(node))));
    write(svg, &format!("<rect class=\"box\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n"));
    write(svg, "<circle class=\"sign\" cx=\"18\" cy=\"18\" r=\"5\"/>\n");
    write(svg, &format!("<text x=\"{INDENT}\" y=\"22\">{}</text>\n", escape(&node.label("×"))));
    for (line, text) in details(node).iter().enumerate() {
        let y = JOB + 2 + line * LINE;
        write(svg, &format!("<text class=\"detail\" x=\"{INDENT}\" y=\"{y}\">{}</text>\n", escape(text)));
    }
    if inner.height > 0 {
        write(svg, &format!("<g transform=\"translate({GAP} {})\">\n{}</g>\n", head(node), inner.svg));
    }
    write(svg, "</g>\n");
}

/// What a viewer shows when one points at a job: how it stands, and its legs.
fn hint(node: &Node<'_>) -> String {
    let mut lines = vec![format!("{}: {}", one_line(node.job.key.as_str()), node.class())];
    if node.job.legs.len() > 1 {
        lines.extend(node.job.legs.iter().map(|it| one_line(it.key.as_str())));
    }
    lines.join("\n")
}

/// What a job calls, group below group.
fn called(node: &Node<'_>) -> Part {
    let mut whole = Part { width: 0, height: 0, svg: String::new() };
    for group in &node.groups {
        let part = jobs(group);
        if let Some(caption) = group.caption() {
            let y = whole.height + 10;
            whole.width = whole.width.max(measure_text_width(&caption) * SMALL);
            write(&mut whole.svg, &format!("<text class=\"detail\" x=\"0\" y=\"{y}\">{}</text>\n", escape(&caption)));
            whole.height += LINE;
        }
        let y = whole.height;
        write(&mut whole.svg, &format!("<g transform=\"translate(0 {y})\">\n{}</g>\n", part.svg));
        whole.width = whole.width.max(part.width);
        whole.height += part.height + GAP;
    }
    whole.height = whole.height.saturating_sub(GAP);
    whole
}

fn write(svg: &mut String, what: &str) {
    // Writing to a string cannot fail.
    let _infallible = svg.write_str(what);
}

/// Characters that XML has no room for are gone before: `one_line` takes control characters out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            it => escaped.push(it),
        }
    }
    escaped
}
