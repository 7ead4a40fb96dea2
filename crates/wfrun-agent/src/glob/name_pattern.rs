//! One name against one pattern, as `minimatch` has it.
//!
//! Source: <https://github.com/isaacs/minimatch>, version 3 and 10 for paths and 9 for names of artifacts

/// A pattern without `/`.
#[derive(Debug)]
pub(crate) struct NamePattern {
    parts: Vec<Part>,
    /// A wildcard at the beginning also matches a dot.
    takes_dots: bool,
}

#[derive(Debug)]
enum Part {
    Letter(char),
    /// `?`
    One,
    /// `*`
    Some,
    /// `[…]`
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
        classes: Vec<Class>,
    },
    /// `@(…)` and its kind: alternatives, and how often.
    Group {
        kind: char,
        alternatives: Vec<Vec<Self>>,
    },
}

impl NamePattern {
    /// A segment of a path: wildcards, sets and escapes, no more; `[:alpha:]` and its like only `with_classes`.
    pub(crate) fn of_path(text: &str, with_classes: bool) -> Self {
        let reads = Reads { groups: false, classes: with_classes };
        Self { parts: read(&text.chars().collect::<Vec<_>>(), reads), takes_dots: true }
    }

    /// This name and no other.
    pub(crate) fn exactly(name: &str) -> Self {
        Self { parts: name.chars().map(Part::Letter).collect(), takes_dots: true }
    }

    /// The name that a segment of a path stands for, if it has no wildcard in it.
    ///
    /// Source: actions/toolkit, `packages/glob/src/internal-pattern.ts`, `getLiteral`, which takes less for a set than what
    /// matches does: `[]a]` is a name.
    pub(crate) fn literal(text: &str) -> Option<String> {
        let letters: Vec<char> = text.chars().collect();
        let (mut name, mut at) = (String::new(), 0);
        while at < letters.len() {
            let mut letter = letters[at];
            match letter {
                '\\' if at + 1 < letters.len() => {
                    at += 1;
                    letter = letters[at];
                }
                '*' | '?' => return None,
                '[' => match literal_set(&letters[at + 1..]) {
                    Some((set, _)) if set.len() > 1 => return None,
                    // `[x]` is how a wildcard is written for itself.
                    Some((set, length)) if set.len() == 1 => {
                        letter = set[0];
                        at += length;
                    }
                    _ => {}
                },
                _ => {}
            }
            name.push(letter);
            at += 1;
        }
        Some(name).filter(|it| !it.is_empty())
    }

    /// Whether the whole name matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let begins_wild = !matches!(self.parts.first(), Some(Part::Letter('.')));
        if !self.takes_dots && begins_wild && name.first() == Some(&'.') {
            return false;
        }
        if name.is_empty() {
            return self.parts.is_empty();
        }
        walk(&self.parts, &name, &mut |rest| rest.is_empty())
    }
}

/// Whether an artifact's name matches a pattern with all that `minimatch` knows: braces, groups, `!` in front.
pub(crate) fn name_matches(pattern: &str, name: &str) -> bool {
    let pattern = pattern.trim();
    if pattern.starts_with('#') {
        return false;
    }
    if pattern.is_empty() {
        return name.is_empty();
    }
    let rest = pattern.trim_start_matches('!');
    let negated = (pattern.len() - rest.len()) % 2 == 1;
    let found = braces(rest).iter().any(|it| {
        // A name has no `/`: `**/` may stand for nothing, all else is of more than one part.
        let mut text = it.as_str();
        while let Some(after) = text.strip_prefix("**/") {
            text = after;
        }
        let parts = read(&text.chars().collect::<Vec<_>>(), Reads { groups: true, classes: false });
        !text.contains('/') && NamePattern { parts, takes_dots: false }.matches(name)
    });
    found != negated
}

/// Calls `then` with each rest that is left where the parts match a beginning, until it is content.
fn walk(parts: &[Part], name: &[char], then: &mut dyn FnMut(&[char]) -> bool) -> bool {
    let Some((part, parts)) = parts.split_first() else { return then(name) };
    match part {
        Part::Letter(letter) => name.split_first().is_some_and(|(it, rest)| it == letter && walk(parts, rest, then)),
        Part::One => name.split_first().is_some_and(|(_, rest)| walk(parts, rest, then)),
        // The shortest first: what follows decides.
        Part::Some => (0..=name.len()).any(|count| walk(parts, &name[count..], then)),
        Part::Set { negated, ranges, classes } => name.split_first().is_some_and(|(it, rest)| {
            let is_in =
                ranges.iter().any(|(first, last)| (first..=last).contains(&it)) || classes.iter().any(|has| has(*it));
            is_in != *negated && walk(parts, rest, then)
        }),
        Part::Group { kind, alternatives } => group(*kind, alternatives, name, &mut |rest| walk(parts, rest, then)),
    }
}

fn group(kind: char, alternatives: &[Vec<Part>], name: &[char], then: &mut dyn FnMut(&[char]) -> bool) -> bool {
    match kind {
        '!' => (0..=name.len()).any(|count| {
            let (own, rest) = name.split_at(count);
            let is_one = alternatives.iter().any(|it| walk(it, own, &mut |rest| rest.is_empty()));
            !is_one && then(rest)
        }),
        '?' | '*' if then(name) => true,
        _ => alternatives.iter().any(|it| {
            walk(it, name, &mut |rest| match kind {
                // Again, but not for nothing.
                '+' | '*' if rest.len() < name.len() => then(rest) || group('*', alternatives, rest, then),
                _ => then(rest),
            })
        }),
    }
}

/// What else than wildcards is read.
#[derive(Clone, Copy)]
struct Reads {
    groups: bool,
    classes: bool,
}

fn read(text: &[char], reads: Reads) -> Vec<Part> {
    let (mut parts, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let next = text.get(at + 1);
        let (part, length) = match text[at] {
            '\\' if next.is_some() => (Part::Letter(text[at + 1]), 2),
            kind @ ('@' | '!' | '?' | '*' | '+') if reads.groups && next == Some(&'(') => {
                match group_at(&text[at + 2..], reads) {
                    Some((alternatives, length)) => (Part::Group { kind, alternatives }, length + 2),
                    None => (wildcard(kind), 1),
                }
            }
            '[' => match set(&text[at + 1..], reads.classes) {
                Some((set, length)) => (set, length + 1),
                None => (Part::Letter('['), 1),
            },
            letter => (wildcard(letter), 1),
        };
        let is_twice = matches!(part, Part::Some) && matches!(parts.last(), Some(Part::Some));
        if !is_twice {
            parts.push(part);
        }
        at += length;
    }
    parts
}

fn wildcard(letter: char) -> Part {
    match letter {
        '?' => Part::One,
        '*' => Part::Some,
        letter => Part::Letter(letter),
    }
}

/// What is between `(` and its `)`, and how long that is with the `)`.
fn group_at(text: &[char], reads: Reads) -> Option<(Vec<Vec<Part>>, usize)> {
    let (mut depth, mut from, mut alternatives) = (0, 0, Vec::new());
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            '\\' => at += 1,
            '(' => depth += 1,
            ')' if depth == 0 => {
                alternatives.push(read(&text[from..at], reads));
                return Some((alternatives, at + 1));
            }
            ')' => depth -= 1,
            '|' if depth == 0 => {
                alternatives.push(read(&text[from..at], reads));
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The set after `[`, and how long it is with its `]`.
fn set(text: &[char], with_classes: bool) -> Option<(Part, usize)> {
    let negated = matches!(text.first(), Some('!' | '^'));
    let start = usize::from(negated);
    let (mut ranges, mut classes, mut at) = (Vec::new(), Vec::new(), start);
    while at < text.len() {
        if let Some((class, length)) = class_at(&text[at..]).filter(|_| with_classes) {
            classes.push(class);
            at += length;
            continue;
        }
        let letter = match text[at] {
            ']' if at > start => return Some((Part::Set { negated, ranges, classes }, at + 1)),
            '\\' if at + 1 < text.len() => {
                at += 1;
                text[at]
            }
            letter => letter,
        };
        match text[at + 1..] {
            ['-', last, ..] if last != ']' => {
                ranges.push((letter, last));
                at += 3;
            }
            _ => {
                ranges.push((letter, letter));
                at += 1;
            }
        }
    }
    None
}

/// What `getLiteral` takes for the set after `[`, and how long that is with its `]`.
fn literal_set(text: &[char]) -> Option<(Vec<char>, usize)> {
    let (mut set, mut at) = (Vec::new(), 0);
    while at < text.len() {
        match text[at] {
            '\\' if at + 1 < text.len() => at += 1,
            ']' => return Some((set, at + 1)),
            _ => {}
        }
        set.push(text[at]);
        at += 1;
    }
    None
}

/// Whether a letter is of a class.
type Class = fn(char) -> bool;

/// Source: <https://github.com/isaacs/minimatch>, `src/brace-expressions.ts`; where that goes by a property of Unicode, so does this.
///
/// Differs: `[[:punct:]]` in `hashFiles` matches no punctuation beyond ASCII.
const CLASSES: [(&str, Class); 14] = [
    ("[:alnum:]", char::is_alphanumeric),
    ("[:alpha:]", char::is_alphabetic),
    ("[:ascii:]", |it| it.is_ascii()),
    ("[:blank:]", |it| {
        it == '\t' || (it.is_whitespace() && !it.is_control() && !matches!(it, '\u{2028}' | '\u{2029}'))
    }),
    ("[:cntrl:]", char::is_control),
    ("[:digit:]", char::is_numeric),
    ("[:graph:]", |it| !it.is_whitespace() && !it.is_control()),
    ("[:lower:]", char::is_lowercase),
    ("[:print:]", |it| !it.is_control()),
    ("[:punct:]", |it| it.is_ascii_punctuation() && !"$+<=>^`|~".contains(it)),
    ("[:space:]", char::is_whitespace),
    ("[:upper:]", char::is_uppercase),
    ("[:word:]", |it| it.is_alphanumeric() || it == '_'),
    ("[:xdigit:]", |it| it.is_ascii_hexdigit()),
];

fn class_at(text: &[char]) -> Option<(Class, usize)> {
    let found = CLASSES.iter().find(|(name, _)| text.iter().copied().take(name.len()).eq(name.chars()));
    found.map(|(name, class)| (*class, name.len()))
}

/// How many texts braces may stand for: more would be a mistake, or an attack.
const BRACES_LIMIT: usize = 10_000;

/// The texts that braces stand for: `{a,b}` and `{1..3}`, one inside another.
///
/// Source: <https://github.com/juliangruber/brace-expansion>
fn braces(text: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![text.to_owned()];
    while let Some(text) = open.pop() {
        let expanded = first_braces(&text).filter(|it| it.len() + open.len() + done.len() <= BRACES_LIMIT);
        match expanded {
            Some(texts) => open.extend(texts.into_iter().rev()),
            None => done.push(text),
        }
    }
    done
}

fn first_braces(text: &str) -> Option<Vec<String>> {
    let mut starts = text.match_indices('{').map(|(at, _)| at).filter(|at| !text[..*at].ends_with(['$', '\\']));
    starts.find_map(|start| {
        let (mut depth, mut from, mut options) = (0_usize, start + 1, Vec::new());
        for (at, letter) in text[start + 1..].char_indices().map(|(at, letter)| (start + 1 + at, letter)) {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    options.push(text[from..at].to_owned());
                    let options = if options.len() > 1 { options } else { sequence(&options[0])? };
                    let (before, after) = (&text[..start], &text[at + 1..]);
                    return Some(options.iter().map(|it| format!("{before}{it}{after}")).collect());
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    options.push(text[from..at].to_owned());
                    from = at + 1;
                }
                _ => {}
            }
        }
        None
    })
}

/// `1..3` and `a..c`.
fn sequence(text: &str) -> Option<Vec<String>> {
    let (first, last) = text.split_once("..")?;
    if let (Ok(first), Ok(last)) = (first.parse::<i32>(), last.parse::<i32>()) {
        let count = usize::try_from(first.abs_diff(last)).ok().filter(|it| *it < BRACES_LIMIT)?;
        let step = if first <= last { 1 } else { -1 };
        return Some(
            (0..=count)
                .scan(first, |at, _| {
                    let it = *at;
                    *at += step;
                    Some(it.to_string())
                })
                .collect(),
        );
    }
    let letter = |text: &str| text.chars().next().filter(|it| it.is_ascii_alphabetic() && text.len() == 1);
    let (first, last) = (letter(first)?, letter(last)?);
    if first <= last {
        Some((first..=last).map(String::from).collect())
    } else {
        Some((last..=first).rev().map(String::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{NamePattern, name_matches};

    #[test]
    fn segments_of_paths() {
        for (pattern, yes, no) in [
            ("*", "a", ""),
            ("*", ".hidden", ""),
            ("*.txt", "a.txt", "a.log"),
            ("*.txt", ".txt", "txt"),
            ("a?c", "abc", "ac"),
            ("[ab]c", "bc", "cc"),
            ("[!ab]c", "cc", "ac"),
            ("[^a-c]x", "dx", "bx"),
            ("[a-c]x", "bx", "dx"),
            ("[]]x", "]x", "x"),
            ("a[", "a[", "ab"),
            ("a\\*", "a*", "ab"),
            ("a**b", "axxb", "axx"),
            ("{a,b}", "{a,b}", "a"),
            ("+(a)", "+(a)", "a"),
        ] {
            assert!(NamePattern::of_path(pattern, false).matches(yes), "{pattern} {yes}");
            assert!(!NamePattern::of_path(pattern, false).matches(no), "{pattern} {no}");
        }
        for (pattern, literal) in [
            ("a", Some("a")),
            ("a[*]b", Some("a*b")),
            ("a\\?", Some("a?")),
            ("a*", None),
            ("?", None),
            ("[ab]", None),
            ("**", None),
            ("[]a]", Some("[]a]")),
            ("[\\]a]", None),
            ("[a\\]b]", None),
            ("[!]", Some("!")),
            ("a[", Some("a[")),
        ] {
            assert_eq!(NamePattern::literal(pattern).as_deref(), literal, "{pattern}");
        }
    }

    #[test]
    fn names_of_artifacts() {
        for (pattern, yes, no) in [
            ("site-*", "site-1", "logs-1"),
            ("*", "a", ".a"),
            (".*", ".a", "a"),
            ("{a,b}-*", "b-1", "c-1"),
            ("log-{1..3}", "log-2", "log-4"),
            ("log-{c..a}", "log-b", "log-d"),
            ("{a,{b,c}d}", "cd", "c"),
            ("!site-*", "logs", "site-1"),
            ("!!site-*", "site-1", "logs"),
            ("@(a|b)", "a", "ab"),
            ("+(a|b)c", "abac", "c"),
            ("*(a|b)c", "c", "dc"),
            ("?(a)b", "ab", "aab"),
            ("x!(a|b)", "xc", "xb"),
            ("x!(a)y", "xby", "xay"),
            ("**/a", "a", "b"),
            ("[a-c]*", "bx", "dx"),
            ("{a}", "{a}", "a"),
        ] {
            assert!(name_matches(pattern, yes), "{pattern} {yes}");
            assert!(!name_matches(pattern, no), "{pattern} {no}");
        }
        assert!(name_matches("!(a|b)", "b"), "at the beginning, `!` is no group's");
        for pattern in ["#a", "a/b", "a/*"] {
            assert!(!name_matches(pattern, "a"), "{pattern}");
        }
    }

    #[test]
    fn no_pattern_takes_forever() {
        let many = "{a,b}".repeat(40);
        assert!(!name_matches(&many, "x"));
        assert!(!name_matches("{1..2147483647}", "x"));
    }
}
