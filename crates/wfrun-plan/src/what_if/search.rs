use super::Change;

/// A change of more than so many things helps nobody.
const MOST_CHANGES: usize = 3;

/// Finds the smallest sets of `candidates` for which `holds` says yes, at most `most`, the simplest first.
///
/// No set contains another that was found. Gives up after `tries` questions.
pub fn search(
    candidates: &[Change],
    most: usize,
    tries: usize,
    holds: &mut dyn FnMut(&[Change]) -> bool,
) -> Vec<Vec<Change>> {
    let mut found: Vec<Vec<Change>> = Vec::new();
    let mut left = tries;
    for size in 1..=MOST_CHANGES {
        for indices in subsets(candidates.len(), size) {
            if found.len() >= most || left == 0 {
                return found;
            }
            let changes: Vec<Change> = indices.iter().filter_map(|it| candidates.get(*it)).cloned().collect();
            if contradicts(&changes) || found.iter().any(|it| it.iter().all(|one| changes.contains(one))) {
                continue;
            }
            left -= 1;
            if holds(&changes) {
                found.push(changes);
            }
        }
    }
    found
}

fn contradicts(changes: &[Change]) -> bool {
    changes.iter().enumerate().any(|(index, one)| changes.iter().skip(index + 1).any(|it| it.slot() == one.slot()))
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
        let found = search(&all, 5, 100, &mut |it| {
            asked += 1;
            it.contains(&all[0]) || (it.contains(&all[1]) && it.contains(&all[3]))
        });
        assert_eq!(found, [vec![all[0].clone()], vec![all[1].clone(), all[3].clone()]]);
        // 4 alone, ab ac ac' are above a, cc' contradict; b with c and c'.
        assert_eq!(asked, 6);
    }

    #[test]
    fn it_gives_up() {
        let all: Vec<Change> = (0..100).map(|it| input(&format!("i{it}"), "x")).collect();
        let mut asked = 0;
        let found = search(&all, 5, 200, &mut |_| {
            asked += 1;
            false
        });
        assert!(found.is_empty());
        assert_eq!(asked, 200);
    }
}
