//! The lines between two columns of boxes, drawn so that each can be followed in one way only.
//!
//! Places that wait for exactly the same share an upright line. A line that another one only crosses is interrupted.
use super::canvas::Canvas;
use super::lanes::join;
use crate::Style;
use crate::theme::Label;

/// Where lines begin or end at a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Port {
    pub(super) row: usize,
    /// Whether it is a job's: lines to it have a tip.
    pub(super) is_job: bool,
}

/// All lines between two columns.
#[derive(Debug)]
pub(super) struct Channel {
    /// Where lines come in.
    left: Vec<Port>,
    bundles: Vec<Bundle>,
}

/// The lines to all that waits for the same.
#[derive(Debug)]
struct Bundle {
    /// Where they come from, by place in the column.
    sources: Vec<usize>,
    targets: Vec<Port>,
    /// Which upright line is theirs, from the left; none if no line bends.
    track: Option<usize>,
}

impl Channel {
    /// Finds a way for each line, from a place at the left to one at the right; none if some could be misread.
    pub(super) fn route(left: &[Port], right: &[Port], links: &[(usize, usize)]) -> Option<Self> {
        let mut bundles: Vec<Bundle> = Vec::new();
        for (at, port) in right.iter().enumerate() {
            let sources: Vec<usize> = links.iter().filter(|(_, to)| *to == at).map(|(from, _)| *from).collect();
            match bundles.iter_mut().find(|it| it.sources == sources) {
                _ if sources.is_empty() => {}
                Some(bundle) => bundle.targets.push(*port),
                None => bundles.push(Bundle { sources, targets: vec![*port], track: None }),
            }
        }
        let mut channel = Self { left: left.to_vec(), bundles };
        let order = channel.order()?;
        let bent: Vec<usize> = order.into_iter().filter(|it| !channel.is_straight(*it)).collect();
        for (track, at) in bent.into_iter().enumerate() {
            if let Some(bundle) = channel.bundles.get_mut(at) {
                bundle.track = Some(track);
            }
        }
        Some(channel)
    }

    pub(super) fn width(&self) -> usize {
        let tracks = self.bundles.iter().filter_map(|it| it.track).max().map_or(0, |it| it + 1);
        (2 * tracks + 2).max(4)
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, x: usize, style: Style) {
        let dash = join([false, false, true, true], style.unicode);
        let (last, dim) = (x + self.width() - 1, Some(Label::Dim));
        for (at, Port { row, is_job }) in self.left.iter().enumerate() {
            let Some(end) = self.reach(at) else { continue };
            (x..=x + end.min(self.width() - 1)).for_each(|it| canvas.put(it, *row, dash, dim));
            if *is_job {
                canvas.put(x.saturating_sub(1), *row, join([true, true, false, true], style.unicode), None);
            }
        }
        for bundle in &self.bundles {
            for port in &bundle.targets {
                (x + bundle.column()..=last).for_each(|it| canvas.put(it, port.row, dash, dim));
                if port.is_job {
                    canvas.put(last, port.row, if style.unicode { '▶' } else { '>' }, dim);
                }
            }
        }
        for bundle in self.bundles.iter().filter(|it| it.track.is_some()) {
            self.upright(bundle, canvas, x + bundle.column(), style);
        }
    }

    /// The line that joins the rows of a bundle.
    fn upright(&self, bundle: &Bundle, canvas: &mut Canvas, x: usize, style: Style) {
        let rows = self.rows(bundle);
        let (first, last) = (rows.iter().min().copied().unwrap_or(0), rows.iter().max().copied().unwrap_or(0));
        for row in first..=last {
            let source = bundle.sources.iter().find(|it| self.row(**it) == Some(row));
            let goes_on = source.and_then(|it| self.reach(*it)).is_some_and(|it| it > bundle.column());
            let is_target = bundle.targets.iter().any(|it| it.row == row);
            let sides = [row > first, row < last, source.is_some(), is_target || goes_on];
            canvas.put(x, row, join(sides, style.unicode), Some(Label::Dim));
        }
    }

    /// The column at which the last line of a place leaves its row; none if it has no line.
    fn reach(&self, source: usize) -> Option<usize> {
        let own = self.own(source).filter_map(|it| self.bundles.get(it));
        own.map(|it| if it.track.is_some() { it.column() } else { usize::MAX }).max()
    }

    fn row(&self, source: usize) -> Option<usize> {
        self.left.get(source).map(|it| it.row)
    }

    fn rows(&self, bundle: &Bundle) -> Vec<usize> {
        let sources = bundle.sources.iter().filter_map(|it| self.row(*it));
        sources.chain(bundle.targets.iter().map(|it| it.row)).collect()
    }

    fn is_straight(&self, at: usize) -> bool {
        let rows = self.bundles.get(at).map(|it| self.rows(it)).unwrap_or_default();
        rows.windows(2).all(|it| it[0] == it[1])
    }

    /// The bundles that a place belongs to.
    fn own(&self, source: usize) -> impl Iterator<Item = usize> {
        let is_own = move |(_, it): &(usize, &Bundle)| it.sources.contains(&source);
        self.bundles.iter().enumerate().filter(is_own).map(|(at, _)| at)
    }

    fn is_shared(&self, at: usize) -> bool {
        self.bundles.get(at).is_some_and(|it| it.sources.len() > 1)
    }

    /// The bundles from left to right; none if no order is clear.
    fn order(&self) -> Option<Vec<usize>> {
        let mut before: Vec<(usize, usize)> = Vec::new();
        for source in 0..self.left.len() {
            let shared: Vec<usize> = self.own(source).filter(|it| self.is_shared(*it)).collect();
            match shared.as_slice() {
                [] => {}
                // What comes from others must not seem to go on along this row.
                [only] => before.extend(self.own(source).filter(|it| it != only).map(|it| (it, *only))),
                _ => return None,
            }
        }
        for (at, bundle) in self.bundles.iter().enumerate() {
            for port in &bundle.targets {
                let level = (0..self.left.len()).find(|it| self.row(*it) == Some(port.row));
                let Some(source) = level else { continue };
                if !bundle.sources.contains(&source) {
                    before.extend(self.own(source).map(|it| (it, at)));
                } else if self.own(source).any(|it| it != at && self.is_shared(it)) {
                    return None;
                }
            }
        }
        sorted(self.bundles.len(), before)
    }
}

impl Bundle {
    /// The column of the upright line; the first one without.
    fn column(&self) -> usize {
        self.track.map_or(0, |it| 2 * it + 1)
    }
}

/// Numbers in an order in which all pairs are; none if they go in a circle.
fn sorted(count: usize, mut pairs: Vec<(usize, usize)>) -> Option<Vec<usize>> {
    let mut left: Vec<usize> = (0..count).collect();
    let mut order = Vec::with_capacity(count);
    while !left.is_empty() {
        let at = left.iter().position(|it| !pairs.iter().any(|(_, after)| after == it))?;
        let next = left.remove(at);
        pairs.retain(|(before, _)| *before != next);
        order.push(next);
    }
    Some(order)
}
