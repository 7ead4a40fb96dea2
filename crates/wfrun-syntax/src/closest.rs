use crate::upper_ordinal;

/// Returns the candidate that `word` is most likely a slip of, for "did you mean …".
///
/// Case is ignored. An edit is a letter added, left out, changed, or two neighbours swapped; a third of the longer
/// word may be edited, but at least one letter. Of equally near candidates the first wins; no near one: `None`.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = upper_ordinal(word).chars().collect();
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = upper_ordinal(candidate).chars().collect();
        let longest = wanted.len().max(letters.len());
        let allowed = (longest / 3).max(1);
        // A word of one letter is near everything, so it hints at nothing.
        if longest < 2 || wanted.len().abs_diff(letters.len()) > allowed {
            continue;
        }
        let edits = distance(&wanted, &letters);
        if edits <= allowed && best.is_none_or(|(least, _)| edits < least) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Edit distance with swaps of neighbours (optimal string alignment), three rows of memory.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(left != right)).min(last[j + 1] + 1).min(row[j] + 1);
            let swapped = i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right;
            if swapped {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_likely_word() {
        let keys = ["needs", "runs-on", "steps", "strategy", "name", "if"];
        for (word, expected) in [
            ("run-on", Some("runs-on")),
            ("Runs-On", Some("runs-on")),
            ("setps", Some("steps")),
            ("stratgy", Some("strategy")),
            ("nmae", Some("name")),
            ("fi", Some("if")),
            ("xyzzy", None),
            ("", None),
        ] {
            assert_eq!(closest(word, keys), expected, "{word}");
        }
        assert_eq!(closest("ab", ["ac", "ad"]), Some("ac"), "the first of equals");
        assert_eq!(closest("x", ["y"]), None);
        assert_eq!(closest("x", []), None);
    }
}
