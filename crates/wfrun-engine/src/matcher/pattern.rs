//! Regular expressions as .NET reads those of matchers: ECMAScript's, on one line.
use std::iter::Peekable;
use std::str::Chars;

use fancy_regex::{Regex, RegexBuilder};

/// So many steps back are tried in one line; about the second that GitHub gives.
const STEPS: usize = 5_000_000;

/// One regular expression.
///
/// Differs: of a matcher's regular expressions `\b` knows letters beyond ASCII, groups with names are counted in order,
/// and one that takes too long in a line is known by its steps, not by a second.
#[derive(Debug)]
pub(crate) struct Pattern(Regex);

/// The groups of a match, the whole first; one that took no part is empty.
pub(crate) type Groups = Vec<String>;

/// A line took a pattern too many steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMuch;

impl Pattern {
    pub(crate) fn new(written: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(&translated(written)).backtrack_limit(STEPS).build();
        regex.map(Self).map_err(|err| format!("Invalid pattern '{written}'. {err}"))
    }

    /// How many groups there are, with that for the whole.
    pub(crate) fn groups(&self) -> usize {
        self.0.captures_len()
    }

    pub(crate) fn find(&self, line: &str) -> Result<Option<Groups>, TooMuch> {
        let Some(found) = self.0.captures(line).map_err(|_| TooMuch)? else { return Ok(None) };
        Ok(Some(found.iter().map(|it| it.map_or_else(String::new, |it| it.as_str().to_owned())).collect()))
    }
}

/// What .NET means by a pattern, written for this crate: classes of ASCII, and signs that need no `\` there.
fn translated(written: &str) -> String {
    let mut out = String::with_capacity(written.len() + 16);
    let mut rest = written.chars().peekable();
    let mut in_class = false;
    let mut class_is_new = false;
    while let Some(sign) = rest.next() {
        let was_new = std::mem::take(&mut class_is_new);
        match sign {
            '\\' => escape(&mut rest, in_class, &mut out),
            '[' if !in_class => {
                (in_class, class_is_new) = (true, true);
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
            }
            ']' if in_class && was_new => out.push_str("\\]"),
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            // Nested classes and what joins them mean nothing to .NET.
            '[' | '&' | '~' if in_class => out.extend(['\\', sign]),
            '{' if !in_class && !is_quantifier(rest.clone()) => out.push_str("\\{"),
            sign => out.push(sign),
        }
    }
    out
}

fn escape(rest: &mut Peekable<Chars<'_>>, in_class: bool, out: &mut String) {
    let members = |it: char| match it.to_ascii_lowercase() {
        'd' => Some("0-9"),
        'w' => Some("a-zA-Z0-9_"),
        's' => Some(r" \t\n\r\f\x0B"),
        _ => None,
    };
    let Some(sign) = rest.next() else { return out.push('\\') };
    match (members(sign), sign) {
        (Some(members), 'd' | 'w' | 's') if in_class => out.push_str(members),
        (Some(members), 'd' | 'w' | 's') => out.extend(["[", members, "]"]),
        (Some(members), _) => out.extend(["[^", members, "]"]),
        // Here they would be the edges of words.
        (None, '<' | '>') => out.push(sign),
        (None, sign) => out.extend(['\\', sign]),
    }
}

/// Whether `{` is followed by `n}`, `n,}` or `n,m}`.
fn is_quantifier(rest: Peekable<Chars<'_>>) -> bool {
    let inside: String = rest.take_while(|it| *it != '}').collect();
    let (least, most) = inside.split_once(',').unwrap_or((&inside, ""));
    let is_number = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, line: &str, expected: Option<&[&str]>) {
        let pattern = Pattern::new(pattern).unwrap_or_else(|message| panic!("{message}"));
        let found = pattern.find(line).expect("it is simple");
        let found: Option<Vec<&str>> = found.as_ref().map(|it| it.iter().map(String::as_str).collect());
        assert_eq!(found.as_deref(), expected, "{line}");
    }

    #[test]
    fn classes_are_of_ascii() {
        check(r"^\d+$", "12", Some(&["12"]));
        check(r"\d", "٣", None);
        check(r"\w+", "äb_1", Some(&["b_1"]));
        check(r"^\W$", "ä", Some(&["ä"]));
        check(r"\s", "\u{a0}", None);
        check(r"^[^\s]+$", "a\u{a0}b", Some(&["a\u{a0}b"]));
        check(r"^[\w.-]+$", "a-b.c", Some(&["a-b.c"]));
        check(r"^[\D]$", "٣", Some(&["٣"]));
        check(r"^[^\D]$", "3", Some(&["3"]));
    }

    #[test]
    fn signs_that_need_no_escape_in_dotnet() {
        check(r"^{(.*)}$", "{a}", Some(&["{a}", "a"]));
        check("a{2}b{1,}c{0,1}", "aabc", Some(&["aabc"]));
        check("^[[&~]+$", "[&~", Some(&["[&~"]));
        check("^[]a]+$", "]a", Some(&["]a"]));
        check("^[^]a]+$", "bc", Some(&["bc"]));
        check(r"\<(\w+)\>", "x <tag>", Some(&["<tag>", "tag"]));
        check(r"^\/a\-b\:$", "/a-b:", Some(&["/a-b:"]));
    }

    #[test]
    fn what_needs_backtracking() {
        check(r"^(?!ok)(.*)$", "bad", Some(&["bad", "bad"]));
        check(r"^(?!ok)(.*)$", "ok", None);
        check(r#"^(['"])(.*)\1$"#, "'a'", Some(&["'a'", "'", "a"]));
        check(r"^(a)?(b)$", "b", Some(&["b", "", "b"]));
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        let message = Pattern::new("(a").expect_err("it is not closed");
        assert!(message.starts_with("Invalid pattern '(a'. "), "{message}");
    }

    #[test]
    fn endless_trying_ends() {
        let pattern = Pattern::new(r"^(?=(a+)+$)(a|aa)+\1$").expect("it is valid");
        assert_eq!(pattern.find(&("a".repeat(64) + "b")), Ok(None));
        let pattern = Pattern::new(r"^((a|aa|aaa)+)+\2c$").expect("it is valid");
        assert_eq!(pattern.find(&"a".repeat(200)), Err(TooMuch));
    }
}
