use regex::Regex;
use thiserror::Error;

/// One pattern of a `branches`, `tags` or `paths` filter.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet>
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Whether it takes away what earlier patterns matched (`!`).
    pub negated: bool,
    matcher: Matcher,
}

/// A name without special characters is compared: making a machine of it takes longer than most other things.
#[derive(Debug, Clone)]
enum Matcher {
    Name(String),
    Regex(Regex),
}

/// A pattern that GitHub would refuse.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// `?` or `+` without anything before it.
    #[error("`{quantifier}` at position {position} has no character before it to repeat")]
    NothingToRepeat {
        /// The character.
        quantifier: char,
        /// Its place in the pattern, from 1.
        position: usize,
    },
    /// `[` without `]`.
    #[error("`[` at position {position} is never closed")]
    UnclosedClass {
        /// Its place in the pattern, from 1.
        position: usize,
    },
    /// `[]` or a range like `z-a`.
    #[error("the class at position {position} is empty or has a bad range; ranges are a-z, A-Z, 0-9")]
    BadClass {
        /// Its place in the pattern, from 1.
        position: usize,
    },
    /// Nothing at all.
    #[error("the pattern is empty")]
    Empty,
}

impl Pattern {
    /// Reads a pattern; `text` is anchored to the whole name, `/` separates, case counts.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let (negated, body) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if body.is_empty() {
            return Err(PatternError::Empty);
        }
        if !body.contains(['*', '?', '+', '[', '\\']) {
            return Ok(Self { negated, matcher: Matcher::Name(body.to_owned()) });
        }
        let source = translate(body)?;
        let regex = Regex::new(&source).map_err(|_| PatternError::BadClass { position: 1 })?;
        Ok(Self { negated, matcher: Matcher::Regex(regex) })
    }

    /// Whether the pattern, its `!` set aside, matches all of `name`.
    pub fn matches(&self, name: &str) -> bool {
        match &self.matcher {
            Matcher::Name(it) => it == name,
            Matcher::Regex(it) => it.is_match(name),
        }
    }
}

fn translate(body: &str) -> Result<String, PatternError> {
    let chars: Vec<char> = body.chars().collect();
    let mut out = String::from("^");
    let mut at = 0;
    // Whether something stands before that a quantifier can repeat.
    let mut repeatable = false;
    while let Some(&it) = chars.get(at) {
        let rest = chars.get(at + 1..).unwrap_or_default();
        match it {
            '*' if rest.first() == Some(&'*') => {
                let opens = at == 0 || chars.get(at - 1) == Some(&'/');
                // `**/` at the start or between slashes may also match nothing.
                if opens && rest.get(1) == Some(&'/') {
                    out.push_str("(?:.*/)?");
                    at += 3;
                } else {
                    out.push_str(".*");
                    at += 2;
                }
                repeatable = false;
                continue;
            }
            '*' => {
                out.push_str("[^/]*");
                repeatable = false;
            }
            '?' | '+' if !repeatable => {
                return Err(PatternError::NothingToRepeat { quantifier: it, position: at + 1 });
            }
            '?' | '+' => {
                out.push(it);
                repeatable = false;
            }
            '[' => {
                let length = class(rest, at + 1, &mut out)?;
                at += length;
                repeatable = true;
            }
            '\\' => {
                let literal = rest.first().copied().unwrap_or('\\');
                out.push_str(&regex::escape(&literal.to_string()));
                at += usize::from(!rest.is_empty());
                repeatable = true;
            }
            literal => {
                out.push_str(&regex::escape(&literal.to_string()));
                repeatable = true;
            }
        }
        at += 1;
    }
    out.push('$');
    Ok(out)
}

/// Translates a class whose `[` stood before `rest`; gives back how many characters follow the `[`.
fn class(rest: &[char], position: usize, out: &mut String) -> Result<usize, PatternError> {
    let end = rest.iter().position(|it| *it == ']').ok_or(PatternError::UnclosedClass { position })?;
    let inside = rest.get(..end).unwrap_or_default();
    if inside.is_empty() {
        return Err(PatternError::BadClass { position });
    }
    out.push('[');
    let mut at = 0;
    while let Some(&from) = inside.get(at) {
        if let (Some('-'), Some(&to)) = (inside.get(at + 1), inside.get(at + 2)) {
            let same = |check: fn(&char) -> bool| check(&from) && check(&to);
            let kinds = [char::is_ascii_lowercase, char::is_ascii_uppercase, char::is_ascii_digit];
            if from > to || !kinds.into_iter().any(same) {
                return Err(PatternError::BadClass { position });
            }
            out.extend([from, '-', to]);
            at += 3;
        } else {
            out.push_str(&regex::escape(&from.to_string()));
            at += 1;
        }
    }
    out.push(']');
    Ok(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let compiled = Pattern::parse(pattern).expect("a valid pattern");
        for it in matching {
            assert!(compiled.matches(it), "{pattern} should match {it}");
        }
        for it in others {
            assert!(!compiled.matches(it), "{pattern} should not match {it}");
        }
    }

    /// Source: GitHub's filter pattern cheat sheet.
    #[test]
    fn cheat_sheet() {
        check("*", &["main", "v1"], &["a/b"]);
        check("**", &["main", "a/b/c"], &[]);
        check("*.jsx?", &["page.js", "page.jsx"], &["a/page.js"]);
        check("**.js", &["index.js", "js/index.js", "src/js/app.js"], &["index.ts"]);
        check("docs/*", &["docs/a.md"], &["docs/x/a.md"]);
        check("docs/**/*.md", &["docs/README.md", "docs/a/b.md"], &["README.md"]);
        check("**/docs/**", &["docs/a", "dir/docs/a/b"], &["mydocs/a"]);
        check("**/*src/**", &["a/src/app.js", "my-src/code.js"], &["source/a"]);
        check("**/*-post.md", &["my-post.md", "a/their-post.md"], &["post.md"]);
        check("v[12].[0-9]+.[0-9]+", &["v1.10.1", "v2.0.0"], &["v3.0.0", "v1a10.1"]);
        check("v2*", &["v2", "v2.0", "v2.9"], &["v1"]);
        check("releases/**", &["releases/10", "releases/a/b"], &["releases"]);
        check("releases/**-alpha", &["releases/beta/3-alpha"], &["releases/3"]);
        check("\\!x", &["!x"], &["x"]);
        check("Main", &["Main"], &["main"]);
    }

    #[test]
    fn refused() {
        for (text, expected) in [
            ("?a", PatternError::NothingToRepeat { quantifier: '?', position: 1 }),
            ("a[b", PatternError::UnclosedClass { position: 2 }),
            ("a[]", PatternError::BadClass { position: 2 }),
            ("[z-a]", PatternError::BadClass { position: 1 }),
            ("!", PatternError::Empty),
        ] {
            assert_eq!(Pattern::parse(text).map(|_| ()), Err(expected), "{text}");
        }
    }
}
