//! Which jobs stand in which column, in which order, and where lines pass.
use super::model::Group;

/// What stands at one place of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// A job of the group.
    Node(usize),
    /// A line that comes from a job further left and goes on.
    Pass(usize),
}

/// The columns of a group, and the lines between each and the next.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) columns: Vec<Vec<Slot>>,
    /// By column: from a place in it to a place in the next.
    pub(super) links: Vec<Vec<(usize, usize)>>,
}

/// Arranges a group: a column for each stage; lines over several columns have a place in each between.
pub(super) fn layers(group: &Group<'_>) -> Layers {
    let width = group.nodes.iter().map(|it| it.stage + 1).max().unwrap_or(0);
    let mut columns: Vec<Vec<Slot>> = vec![Vec::new(); width];
    for (at, node) in group.nodes.iter().enumerate() {
        if let Some(column) = columns.get_mut(node.stage) {
            column.push(Slot::Node(at));
        }
    }
    for (at, node) in group.nodes.iter().enumerate() {
        let last = group.nodes.iter().filter(|it| it.after.contains(&at)).map(|it| it.stage).max();
        for stage in node.stage + 1..last.unwrap_or(0) {
            if let Some(column) = columns.get_mut(stage) {
                column.push(Slot::Pass(at));
            }
        }
    }
    let mut links = Vec::new();
    for stage in 1..width {
        let (before, from) = columns.split_at_mut(stage);
        let (Some(left), Some(right)) = (before.last(), from.first_mut()) else { continue };
        arrange(group, left, right);
        links.push(links_between(group, left, right));
    }
    Layers { columns, links }
}

/// Puts each place near to where its lines come from.
fn arrange(group: &Group<'_>, left: &[Slot], right: &mut [Slot]) {
    right.sort_by_cached_key(|slot| {
        let from: Vec<usize> =
            left.iter().enumerate().filter(|(_, it)| is_linked(group, **it, *slot)).map(|(at, _)| at).collect();
        // The mean in thousandths: a key has to be ordered.
        (from.iter().sum::<usize>() * 1000).checked_div(from.len()).unwrap_or(usize::MAX)
    });
}

fn links_between(group: &Group<'_>, left: &[Slot], right: &[Slot]) -> Vec<(usize, usize)> {
    let mut links = Vec::new();
    for (to, slot) in right.iter().enumerate() {
        let from = left.iter().enumerate().filter(|(_, it)| is_linked(group, **it, *slot));
        links.extend(from.map(|(from, _)| (from, to)));
    }
    links
}

fn is_linked(group: &Group<'_>, from: Slot, to: Slot) -> bool {
    let (Slot::Node(source) | Slot::Pass(source)) = from;
    match to {
        Slot::Pass(it) => it == source,
        Slot::Node(it) => group.nodes.get(it).is_some_and(|it| it.after.contains(&source)),
    }
}
