//! Patterns of `COPY`, and of `.dockerignore`, which also has `**`.

/// Whether a pattern matches a whole path. `*` and `?` stay within a component, `**` as a component matches any number.
///
/// Source: Go, `path/filepath.Match`; Docker, "`.dockerignore` files".
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    components(&pattern, &path)
}

/// Whether a text is a pattern at all.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn components(pattern: &[&str], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((&"**", rest)) => (0..=path.len()).any(|skipped| components(rest, &path[skipped..])),
        Some((first, rest)) => path.split_first().is_some_and(|(name, path)| {
            let (first, name): (Vec<char>, Vec<char>) = (first.chars().collect(), name.chars().collect());
            component(&first, &name) && components(rest, path)
        }),
    }
}

fn component(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => (0..=name.len()).any(|skipped| component(rest, &name[skipped..])),
        Some(('?', rest)) => name.split_first().is_some_and(|(_, name)| component(rest, name)),
        Some(('[', rest)) => {
            let Some(end) = rest.iter().position(|letter| *letter == ']') else {
                return false;
            };
            name.split_first()
                .is_some_and(|(letter, name)| class(&rest[..end], *letter) && component(&rest[end + 1..], name))
        }
        Some(('\\', rest)) if !rest.is_empty() => {
            name.split_first().is_some_and(|(letter, name)| *letter == rest[0] && component(&rest[1..], name))
        }
        Some((letter, rest)) => {
            name.split_first().is_some_and(|(first, name)| first == letter && component(rest, name))
        }
    }
}

fn class(letters: &[char], letter: char) -> bool {
    let (negated, letters) = match letters {
        ['^', rest @ ..] => (true, rest),
        all => (false, all),
    };
    let mut rest = letters;
    let mut found = false;
    while let Some((first, after)) = rest.split_first() {
        if let ['-', last, after @ ..] = after {
            found |= (*first..=*last).contains(&letter);
            rest = after;
        } else {
            found |= *first == letter;
            rest = after;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_paths() {
        let cases = [
            ("*.txt", "a.txt", true),
            ("*.txt", "d/a.txt", false),
            ("**/*.txt", "d/e/a.txt", true),
            ("**/*.txt", "a.txt", true),
            ("d/**", "d/e/f", true),
            ("d/*/f", "d/e/f", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            ("requirements*.txt", "requirements-dev.txt", true),
            ("[", "[", false),
        ];
        for (pattern, path, want) in cases {
            assert_eq!(matches(pattern, path), want, "{pattern} {path}");
        }
    }
}
