use super::Change;

/// A change of more than so many things helps nobody.
const MOST_CHANGES: usize = 3;

/// Once enough is found, so many more questions are asked to find changes of other kinds.
const MORE_TRIES: usize = 100;

/// Finds the smallest sets of `candidates` for which `holds` says yes, at most `most`, the simplest first.
///
/// Simplest are the fewest changes, and of as many those that come first in `candidates`; each kind of change has its turn
/// before one has a second. No set contains another that was found. Where no single change will do, the sets of `directed`
/// are asked first, for they may be larger than what can be tried. Gives up after `tries` questions.
pub fn search(
    candidates: &[Change],
    directed: &[Vec<Change>],
    most: usize,
    tries: usize,
    holds: &mut dyn FnMut(&[Change]) -> bool,
) -> Vec<Vec<Change>> {
    let mut all: Vec<Vec<Change>> = Vec::new();
    let mut left = tries;
    let mut ready: Vec<Vec<Change>> = Vec::new();
    for size in 1..=MOST_CHANGES {
        if size == 2 && all.is_empty() {
            ready = smallest(directed, &mut left, holds);
        }
        let is_new = |set: &&Vec<Change>| !all.iter().any(|it| it.iter().all(|one| set.contains(one)));
        let of_size = ready.iter().filter(|it| it.len() == size);
        let mut found: Vec<Vec<Change>> = of_size.filter(is_new).cloned().collect();
        for indices in subsets(candidates.len(), size) {
            // One is the first, as they come in order.
            let enough = most == 1 && !found.is_empty();
            if enough || left == 0 {
                break;
            }
            let changes: Vec<Change> = indices.iter().filter_map(|it| candidates.get(*it)).cloned().collect();
            let has = |it: &Vec<Change>| it.iter().all(|one| changes.contains(one));
            if contradict(&changes) || all.iter().any(has) || found.iter().any(has) {
                continue;
            }
            left -= 1;
            if holds(&changes) {
                found.push(changes);
                if all.len() + found.len() >= most && size > 1 {
                    left = left.min(MORE_TRIES);
                }
            }
        }
        all.extend(by_turns(found));
        if all.len() >= most || left == 0 {
            break;
        }
    }
    if all.is_empty() {
        ready.retain(|it| it.len() > MOST_CHANGES);
        all = ready;
    }
    all.truncate(most);
    // As one reads it: the event, then what is said of it.
    for set in &mut all {
        set.sort_by_key(|it| !matches!(it, Change::Event { .. }));
    }
    all
}

/// Those sets that hold, each without what it can do without.
fn smallest(sets: &[Vec<Change>], left: &mut usize, holds: &mut dyn FnMut(&[Change]) -> bool) -> Vec<Vec<Change>> {
    let mut ask = |changes: &[Change]| {
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may && holds(changes)
    };
    let mut found: Vec<Vec<Change>> = Vec::new();
    for set in sets {
        if !ask(set) {
            continue;
        }
        let mut set = set.clone();
        let without = |set: &[Change], at: usize| [&set[..at], &set[at + 1..]].concat();
        while let Some(fewer) = (0..set.len()).rev().map(|it| without(&set, it)).find(|it| ask(it)) {
            set = fewer;
        }
        if !found.contains(&set) {
            found.push(set);
        }
    }
    found
}

/// The first of each kind, then the second of each, and so on.
fn by_turns(found: Vec<Vec<Change>>) -> Vec<Vec<Change>> {
    let kind = |it: &[Change]| it.iter().map(Change::kind).collect::<Vec<_>>();
    let mut turns: Vec<(usize, Vec<Change>)> = Vec::new();
    for changes in found {
        let turn = turns.iter().filter(|(_, it)| kind(it) == kind(&changes)).count();
        turns.push((turn, changes));
    }
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, changes)| changes).collect()
}

fn contradict(changes: &[Change]) -> bool {
    changes.iter().enumerate().any(|(index, one)| changes.iter().skip(index + 1).any(|it| it.contradicts(one)))
}

/// The increasing sequences of `size` of the numbers below `count`, in order.
fn subsets(count: usize, size: usize) -> impl Iterator<Item = Vec<usize>> {
    let mut next = (size <= count).then(|| (0..size).collect::<Vec<_>>());
    std::iter::from_fn(move || {
        let current = next.take()?;
        next = following(&current, count);
        Some(current)
    })
}

fn following(indices: &[usize], count: usize) -> Option<Vec<usize>> {
    let size = indices.len();
    let moved = (0..size).rev().find(|at| indices.get(*at).is_some_and(|it| it + size - at < count))?;
    let start = indices.get(moved)? + 1;
    Some(indices.iter().take(moved).copied().chain((moved..size).map(|at| start + at - moved)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(name: &str, value: &str) -> Change {
        Change::Input { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn subsets_come_in_order() {
        assert_eq!(subsets(4, 2).collect::<Vec<_>>(), [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
        assert_eq!(subsets(2, 3).count(), 0);
        assert_eq!(subsets(3, 3).count(), 1);
    }

    #[test]
    fn smallest_sets_are_found_and_none_above_them() {
        let all = [input("a", "1"), input("b", "1"), input("c", "1"), input("c", "2")];
        let mut asked = 0;
        let found = search(&all, &[], 5, 100, &mut |it| {
            asked += 1;
            it.contains(&all[0]) || (it.contains(&all[1]) && it.contains(&all[3]))
        });
        assert_eq!(found, [vec![all[0].clone()], vec![all[1].clone(), all[3].clone()]]);
        // 4 alone, ab ac ac' are above a, cc' contradict; b with c and c'.
        assert_eq!(asked, 6);
    }

    #[test]
    fn each_kind_has_its_turn_and_the_nearest_is_first() {
        let event = |it: &str| Change::Event { event: it.to_owned(), drops_type: false };
        let var = Change::Var { name: "V".to_owned(), value: "x".to_owned() };
        let all = [input("a", "1"), input("a", "2"), var.clone(), event("push"), event("fork"), event("create")];
        let found = search(&all, &[], 5, 100, &mut |_| true);
        let expected = [input("a", "1"), var, event("push"), input("a", "2"), event("fork")];
        assert_eq!(found.concat(), expected);
        assert_eq!(search(&all, &[], 1, 100, &mut |it| it[0] != all[0]).concat(), [all[1].clone()]);
    }

    #[test]
    fn many_changes_at_once_are_found_by_direction() {
        let all: Vec<Change> = (0..100).map(|it| input(&format!("i{it}"), "x")).collect();
        let wanted = [&all[10], &all[50], &all[70], &all[90]];
        let directed = [[wanted.map(Clone::clone).to_vec(), vec![all[3].clone()]].concat()];
        let found = search(&all, &directed, 5, 300, &mut |it| wanted.iter().all(|one| it.contains(one)));
        assert_eq!(found, [wanted.map(Clone::clone).to_vec()]);
    }

    #[test]
    fn the_event_is_named_first() {
        let all = [input("a", "1"), Change::Event { event: "push".to_owned(), drops_type: false }];
        let found = search(&all, &[], 5, 100, &mut |it| it.len() == 2);
        assert_eq!(found.concat(), [all[1].clone(), all[0].clone()]);
    }

    #[test]
    fn a_dropped_type_is_not_set() {
        let all = [
            Change::Type { activity: "opened".to_owned() },
            Change::Event { event: "push".to_owned(), drops_type: true },
        ];
        assert!(search(&all, &[], 5, 100, &mut |it| it.len() == 2).is_empty());
        assert_eq!(all[1].flags(), ["--event", "push", "--type", ""]);
    }

    #[test]
    fn it_gives_up() {
        let all: Vec<Change> = (0..100).map(|it| input(&format!("i{it}"), "x")).collect();
        let mut asked = 0;
        let found = search(&all, &[], 5, 200, &mut |_| {
            asked += 1;
            false
        });
        assert!(found.is_empty());
        assert_eq!(asked, 200);
    }
}
