//! Jobs as boxes from left to right, with lines between them.
use super::canvas::Canvas;
use super::channel::{Channel, Port};
use super::lanes::join;
use super::layers::{Layers, Slot, layers};
use super::model::{Group, Node};
use super::text::{label_of, sign, times};
use crate::Style;
use crate::text::wrap;
use crate::theme::Label;

/// The row of a box at which lines begin and end.
const PORT: usize = 1;

/// Draws a group; none where lines could be misread. Details are broken after `detail` columns.
pub(super) fn boxes(group: &Group<'_>, detail: usize, style: Style) -> Option<Canvas> {
    let layers = layers(group);
    let parts: Vec<Content> =
        group.nodes.iter().map(|it| content(it, detail, style)).collect::<Option<Vec<Content>>>()?;
    let mut drawing = Drawing { group, parts: &parts, style, columns: Vec::new(), channels: Vec::new() };
    drawing.arrange(&layers)?;
    Some(drawing.draw())
}

/// What is in a box.
struct Content {
    details: Vec<String>,
    /// Captions and the groups below them.
    called: Vec<(Option<String>, Canvas)>,
    width: usize,
    height: usize,
}

fn content(node: &Node<'_>, detail: usize, style: Style) -> Option<Content> {
    let details = node.detail.as_ref().map(|it| wrap(it, detail)).unwrap_or_default();
    let mut called = Vec::new();
    for group in &node.groups {
        called.push((group.caption(), boxes(group, detail, style)?));
    }
    let measure = |it: &String| console::measure_text_width(it);
    let widths = details.iter().map(measure).chain([measure(&node.label(times(style))) + 2]);
    let inner = called.iter().map(|(caption, it)| it.width.max(caption.as_ref().map_or(0, measure)));
    let width = widths.chain(inner).max().unwrap_or(0) + 4;
    let below: usize = called.iter().map(|(caption, it)| it.height() + usize::from(caption.is_some())).sum();
    let height = 3 + details.len() + below;
    Some(Content { details, called, width, height })
}

/// A column: its places from above, each with its first row.
struct Column {
    width: usize,
    slots: Vec<(Slot, usize)>,
}

impl Column {
    fn ports(&self) -> Vec<Port> {
        let port = |(slot, top): &(Slot, usize)| match slot {
            Slot::Node(_) => Port { row: top + PORT, is_job: true },
            Slot::Pass(_) => Port { row: *top, is_job: false },
        };
        self.slots.iter().map(port).collect()
    }
}

struct Drawing<'g, 'a> {
    group: &'g Group<'a>,
    parts: &'g [Content],
    style: Style,
    columns: Vec<Column>,
    /// Between a column and the next.
    channels: Vec<Channel>,
}

impl Drawing<'_, '_> {
    /// Finds a place for everything; none if there is none that is clear.
    fn arrange(&mut self, layers: &Layers) -> Option<()> {
        for (at, slots) in layers.columns.iter().enumerate() {
            let links = at.checked_sub(1).and_then(|it| layers.links.get(it)).map_or(&[][..], Vec::as_slice);
            let left = self.columns.last().map(Column::ports).unwrap_or_default();
            // Lines that would run into each other part if the column stands a little lower.
            let mut tries = (0..3).map(|lower| self.column(slots, links, &left, lower));
            if at == 0 {
                self.columns.extend(tries.next());
                continue;
            }
            let found = tries.find_map(|it| Some((Channel::route(&left, &it.ports(), links)?, it)));
            let (channel, column) = found?;
            self.channels.push(channel);
            self.columns.push(column);
        }
        Some(())
    }

    /// Stacks a column, each place beside the highest that a line to it comes from, if there is room.
    fn column(&self, slots: &[Slot], links: &[(usize, usize)], left: &[Port], lower: usize) -> Column {
        let mut free = lower;
        let mut placed = Vec::new();
        for (at, slot) in slots.iter().enumerate() {
            let rows = links.iter().filter(|(_, to)| *to == at).filter_map(|(from, _)| left.get(*from));
            let beside = rows.map(|it| it.row).min().unwrap_or(0);
            let (port, height) = match slot {
                Slot::Node(job) => (PORT, self.parts.get(*job).map_or(0, |it| it.height)),
                Slot::Pass(_) => (0, 1),
            };
            let top = free.max((beside + lower).saturating_sub(port));
            placed.push((*slot, top));
            free = top + height;
        }
        let width = |slot: &Slot| match slot {
            Slot::Node(job) => self.parts.get(*job).map_or(0, |it| it.width),
            Slot::Pass(_) => 1,
        };
        Column { width: slots.iter().map(width).max().unwrap_or(0), slots: placed }
    }

    fn draw(&self) -> Canvas {
        let widths = self.columns.iter().map(|it| it.width).chain(self.channels.iter().map(Channel::width));
        let bottom = |(slot, top): &(Slot, usize)| match slot {
            Slot::Node(job) => top + self.parts.get(*job).map_or(0, |it| it.height),
            Slot::Pass(_) => top + 1,
        };
        let height = self.columns.iter().flat_map(|it| &it.slots).map(bottom).max().unwrap_or(0);
        let mut canvas = Canvas::new(widths.sum(), height);
        let mut x = 0;
        for (at, column) in self.columns.iter().enumerate() {
            if let Some(channel) = at.checked_sub(1).and_then(|it| self.channels.get(it)) {
                channel.draw(&mut canvas, x, self.style);
                x += channel.width();
            }
            for (slot, top) in &column.slots {
                self.slot(*slot, (x, *top), column.width, &mut canvas);
            }
            x += column.width;
        }
        canvas
    }

    fn slot(&self, slot: Slot, (x, y): (usize, usize), width: usize, canvas: &mut Canvas) {
        match slot {
            Slot::Pass(_) => {
                let dash = join([false, false, true, true], self.style.unicode);
                (x..x + width).for_each(|it| canvas.put(it, y, dash, Some(Label::Dim)));
            }
            Slot::Node(job) => {
                if let (Some(node), Some(part)) = (self.group.nodes.get(job), self.parts.get(job)) {
                    canvas.lay(x, y, &framed(node, part, width, self.style));
                }
            }
        }
    }
}

/// A job in its box.
fn framed(node: &Node<'_>, part: &Content, width: usize, style: Style) -> Canvas {
    let mut canvas = Canvas::new(width, part.height);
    let (right, bottom) = (width.saturating_sub(1), part.height.saturating_sub(1));
    let Frame { corners, level, upright } = Frame::of(node.is_firm(), style.unicode);
    let border = if node.is_firm() { None } else { label_of(node) };
    for x in 1..right {
        canvas.put(x, 0, level, border);
        canvas.put(x, bottom, level, border);
    }
    for y in 1..bottom {
        canvas.put(0, y, upright, border);
        canvas.put(right, y, upright, border);
    }
    let places = [(0, 0), (right, 0), (0, bottom), (right, bottom)];
    for ((x, y), corner) in places.into_iter().zip(corners) {
        canvas.put(x, y, corner, border);
    }
    let (mark, color) = sign(node, style);
    canvas.text(2, 1, mark, Some(color));
    canvas.text(4, 1, &node.label(times(style)), label_of(node));
    let mut y = 2;
    for line in &part.details {
        canvas.text(2, y, line, Some(Label::Dim));
        y += 1;
    }
    for (caption, inner) in &part.called {
        if let Some(caption) = caption {
            canvas.text(2, y, caption, Some(Label::Dim));
            y += 1;
        }
        canvas.lay(2, y, inner);
        y += inner.height();
    }
    canvas
}

/// The signs of a border.
struct Frame {
    corners: [char; 4],
    level: char,
    upright: char,
}

impl Frame {
    /// Broken where the job does not run for sure.
    fn of(firm: bool, unicode: bool) -> Self {
        let (corners, level, upright) = match (unicode, firm) {
            (true, true) => (['╭', '╮', '╰', '╯'], '─', '│'),
            (true, false) => (['╭', '╮', '╰', '╯'], '╌', '┊'),
            (false, true) => (['+'; 4], '-', '|'),
            (false, false) => (['.'; 4], '.', ':'),
        };
        Self { corners, level, upright }
    }
}
