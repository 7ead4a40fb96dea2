use std::collections::BTreeSet;
use std::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use wfrun_expr::{Reached, Trace, Value};

use crate::Masked;
use crate::encoders::variants;

/// A value that must never be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself; for the process that needs it, never for a person.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Knows the secrets of a run and takes them out of text.
///
/// Learning is for good: it does not act on text already masked, and nothing is forgotten.
/// Source: GitHub: execution rules E5.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    patterns: BTreeSet<String>,
    automaton: Option<AhoCorasick>,
}

impl Masker {
    /// Learns a value in all its forms: trimmed as a whole, and each of its lines.
    ///
    /// Empty and blank values are ignored. There is no minimum length, as on GitHub.
    pub fn learn(&mut self, secret: &Secret) {
        let whole = secret.expose().trim();
        let lines = whole.lines().map(str::trim);
        let values: BTreeSet<&str> = std::iter::once(whole).chain(lines).filter(|it| !it.is_empty()).collect();
        let before = self.patterns.len();
        self.patterns.extend(values.into_iter().flat_map(variants));
        if self.patterns.len() > before {
            self.rebuild();
        }
    }

    /// Takes the secrets out of `text`.
    ///
    /// All matches of all forms are found, overlapping ones too; ranges that overlap or touch become one `***`.
    pub fn mask(&self, text: &str) -> Masked {
        let Some(automaton) = &self.automaton else { return Masked::new(text.to_owned()) };
        let mut ranges: Vec<(usize, usize)> =
            automaton.find_overlapping_iter(text).map(|it| (it.start(), it.end())).collect();
        if ranges.is_empty() {
            return Masked::new(text.to_owned());
        }
        ranges.sort_unstable();
        Masked::new(replace(text, &ranges))
    }

    /// Whether masking would change `text`.
    pub fn touches(&self, text: &str) -> bool {
        self.automaton.as_ref().is_some_and(|it| it.is_match(text))
    }

    /// Takes the secrets out of every text and value of a trace.
    pub fn mask_trace(&self, trace: &Trace) -> Trace {
        let Some(_) = &self.automaton else { return trace.clone() };
        let reached = match &trace.reached {
            Reached::Value(value) => Reached::Value(self.mask_value(value)),
            Reached::No => Reached::No,
            Reached::NotYet => Reached::NotYet,
        };
        let operands = trace.operands.iter().map(|it| self.mask_trace(it)).collect();
        let text = self.mask(&trace.text).as_str().into();
        Trace { text, range: trace.range.clone(), op: trace.op, reached, operands }
    }

    fn mask_value(&self, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            // A number may be a secret, too; only then does it become a text.
            Value::Number(_) if !self.touches(&value.to_text()) => value.clone(),
            Value::Number(_) | Value::String(_) => Value::string(self.mask(&value.to_text())),
            Value::Array(items) => Value::Array(items.iter().map(|it| self.mask_value(it)).collect()),
            Value::Object(members) => {
                let masked = members.iter().map(|(key, it)| (self.mask(key).to_string(), self.mask_value(it)));
                Value::Object(masked.collect())
            }
        }
    }

    fn rebuild(&mut self) {
        let built = AhoCorasickBuilder::new().match_kind(MatchKind::Standard).build(&self.patterns);
        // Building fails only past 2^31 states; no secrets file comes near, and showing a secret is worse than stopping.
        self.automaton = Some(built.expect("the patterns fit an automaton"));
    }
}

/// `ranges` are sorted by their start.
fn replace(text: &str, ranges: &[(usize, usize)]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut written = 0;
    let mut rest = ranges.iter().copied().peekable();
    while let Some((start, mut end)) = rest.next() {
        while let Some((_, next_end)) = rest.next_if(|(next_start, _)| *next_start <= end) {
            end = end.max(next_end);
        }
        masked.push_str(text.get(written..start).unwrap_or_default());
        masked.push_str("***");
        written = end;
    }
    masked.push_str(text.get(written..).unwrap_or_default());
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secrets: &[&str], text: &str, expected: &str) {
        let mut masker = Masker::default();
        for it in secrets {
            masker.learn(&Secret::new(*it));
        }
        assert_eq!(masker.mask(text).as_str(), expected);
    }

    /// Source: GitHub: execution rules E5.3.
    #[test]
    fn overlapping_and_touching_ranges_merge() {
        check(&["abc", "cde"], "xabcdey", "x***y");
        check(&["ab", "cd"], "abcd", "***");
        check(&["pass", "password1"], "my password1", "my ***");
    }

    #[test]
    fn every_line_of_a_secret() {
        check(&["alpha\n  beta\n"], "see beta, alpha", "see ***, ***");
    }

    /// Source: GitHub: execution rules E5.2.
    #[test]
    fn tail_of_longer_base64() {
        check(&["hunter2secret"], "dXNlcjpodW50ZXIyc2VjcmV0", "dXNlcjpo***");
    }

    #[test]
    fn blank_values_are_ignored() {
        check(&["", "  ", "\n"], "a b", "a b");
    }

    #[test]
    fn one_letter_masks() {
        check(&["e"], "here", "h***r***");
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("x")), "Secret(***)");
    }
}
