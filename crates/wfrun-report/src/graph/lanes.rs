//! Jobs below each other, with a lane at the left for each job that others still wait for.
//!
//! A row with connectors belongs to the job below it, so a crossing cannot be misread.
use std::collections::HashMap;

use super::model::{Group, Node};
use crate::Style;

/// A row of the drawing.
#[derive(Debug)]
pub(super) struct Row<'g, 'a> {
    /// The lanes, two columns each.
    pub(super) lanes: String,
    /// The lanes as they go on below.
    pub(super) below: String,
    /// The job of the row; none in a row of connectors.
    pub(super) node: Option<&'g Node<'a>>,
}

/// Stands where the job's sign goes: a character for private use, one column wide.
pub(super) const SIGN: char = '\u{e000}';

/// The rows of a group, by stage.
pub(super) fn rows<'g, 'a>(group: &'g Group<'a>, style: Style) -> Vec<Row<'g, 'a>> {
    let mut order: Vec<usize> = (0..group.nodes.len()).collect();
    order.sort_by_key(|it| group.nodes.get(*it).map(|it| it.stage));
    let mut open = Open { lanes: Vec::new(), waiting: HashMap::new(), style };
    for need in group.nodes.iter().flat_map(|it| &it.after) {
        *open.waiting.entry(*need).or_default() += 1;
    }
    let mut rows = Vec::new();
    for at in order {
        let Some(node) = group.nodes.get(at) else { continue };
        open.job(at, node, &mut rows);
    }
    rows
}

struct Open {
    /// The job of each lane that is still waited for.
    lanes: Vec<Option<usize>>,
    /// How many jobs still wait for a job.
    waiting: HashMap<usize, usize>,
    style: Style,
}

impl Open {
    fn job<'g, 'a>(&mut self, at: usize, node: &'g Node<'a>, rows: &mut Vec<Row<'g, 'a>>) {
        let is_needed = |it: &Option<usize>| it.is_some_and(|it| node.after.contains(&it));
        let needed: Vec<usize> =
            self.lanes.iter().enumerate().filter(|(_, it)| is_needed(it)).map(|(lane, _)| lane).collect();
        for lane in &needed {
            self.leave(*lane);
        }
        let is_free = |lane: &usize| self.lanes.get(*lane).is_none_or(Option::is_none);
        let own =
            needed.iter().copied().find(is_free).or_else(|| (0..=self.lanes.len()).find(is_free)).unwrap_or_default();
        // Even if nothing bends: jobs right below each other do not wait for each other.
        if !needed.is_empty() {
            let lanes = self.connectors(&needed, own);
            rows.push(Row { lanes, below: String::new(), node: None });
        }
        if self.lanes.len() <= own {
            self.lanes.resize(own + 1, None);
        }
        let lanes = self.plain(Some(own));
        if let Some(lane) = self.lanes.get_mut(own) {
            *lane = self.waiting.get(&at).is_some_and(|it| *it > 0).then_some(at);
        }
        rows.push(Row { lanes, below: self.plain(None), node: Some(node) });
        while self.lanes.last().is_some_and(Option::is_none) {
            self.lanes.pop();
        }
    }

    /// One job less waits for that of a lane.
    fn leave(&mut self, lane: usize) {
        let Some(slot) = self.lanes.get_mut(lane) else { return };
        let Some(left) = slot.and_then(|it| self.waiting.get_mut(&it)) else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            *slot = None;
        }
    }

    fn is_open(&self, lane: usize) -> bool {
        self.lanes.get(lane).is_some_and(Option::is_some)
    }

    /// Lanes that just go on, but for one.
    fn plain(&self, own: Option<usize>) -> String {
        let bar = join([true, true, false, false], self.style.unicode);
        let cell = |lane| match own {
            Some(own) if own == lane => SIGN,
            _ if self.is_open(lane) => bar,
            _ => ' ',
        };
        let mut row = String::new();
        for lane in 0..self.lanes.len() {
            row.extend([cell(lane), ' ']);
        }
        row
    }

    /// The row that leads from the lanes of the needs to the job's own.
    fn connectors(&self, needed: &[usize], own: usize) -> String {
        let first = needed.first().copied().unwrap_or(own).min(own);
        let last = needed.last().copied().unwrap_or(own).max(own);
        let [bar, dash] =
            [[true, true, false, false], [false, false, true, true]].map(|it| join(it, self.style.unicode));
        let mut row = String::new();
        for lane in 0..self.lanes.len().max(last + 1) {
            let inside = (first..=last).contains(&lane);
            let from_above = needed.contains(&lane);
            row.push(if inside && (from_above || lane == own) {
                let below = lane == own || self.is_open(lane);
                join([from_above, below, lane > first, lane < last], self.style.unicode)
            } else if self.is_open(lane) {
                bar
            } else if inside {
                dash
            } else {
                ' '
            });
            row.push(if inside && lane < last { dash } else { ' ' });
        }
        row
    }
}

/// The sign that joins what comes from above, below, left and right.
pub(super) fn join(sides: [bool; 4], unicode: bool) -> char {
    let [up, down, left, right] = sides;
    let (sign, ascii) = match (up, down, left, right) {
        (true, true, false, true) => ('├', '+'),
        (true, true, true, false) => ('┤', '+'),
        (true, true, true, true) => ('┼', '+'),
        (true, false, true, true) => ('┴', '+'),
        (false, true, true, true) => ('┬', '+'),
        (true, false, false, true) => ('╰', '\''),
        (true, false, true, false) => ('╯', '\''),
        (false, true, false, true) => ('╭', '.'),
        (false, true, true, false) => ('╮', '.'),
        (_, _, false, false) => ('│', '|'),
        (false, false, _, _) => ('─', '-'),
    };
    if unicode { sign } else { ascii }
}
