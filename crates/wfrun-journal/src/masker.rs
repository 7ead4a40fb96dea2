use std::collections::BTreeSet;
use std::fmt;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
    /// In bytes.
    longest: usize,
    /// Made of the patterns when it is first needed: many values may be learned in a row.
    automata: OnceLock<Option<Automata>>,
}

/// The patterns, ready to be looked for.
#[derive(Debug, Clone)]
struct Automata {
    /// Says whether there is any match, which is what most text is asked, and fast: it may jump.
    any: AhoCorasick,
    /// Finds all of them, overlapping ones too.
    all: AhoCorasick,
}

impl Masker {
    /// Learns a value in all its forms: trimmed as a whole, and each of its lines.
    ///
    /// Empty and blank values are ignored. There is no minimum length, as on GitHub.
    pub fn learn(&mut self, secret: &Secret) {
        let whole = secret.expose().trim();
        // As .NET does it: a lone carriage return ends a line, too.
        let lines = whole.split(['\r', '\n']).map(str::trim);
        self.add(std::iter::once(whole).chain(lines));
    }

    /// Learns a value with the white space around it, as `::add-mask::` does, and what [`Masker::learn`] learns of it.
    pub fn learn_as_it_is(&mut self, secret: &Secret) {
        if !secret.expose().trim().is_empty() {
            self.add(std::iter::once(secret.expose()));
        }
        self.learn(secret);
    }

    /// Learns a token of GitHub's, also as git sends it.
    ///
    /// Source: GitHub: execution rules E5.1.
    pub fn learn_token(&mut self, token: &Secret) {
        self.learn(token);
        if !token.expose().is_empty() {
            self.learn(&Secret::new(STANDARD.encode(format!("x-access-token:{}", token.expose()))));
        }
    }

    fn add<'a>(&mut self, values: impl Iterator<Item = &'a str>) {
        let before = self.patterns.len();
        self.patterns.extend(values.filter(|it| !it.is_empty()).flat_map(variants));
        if self.patterns.len() > before {
            self.longest = self.patterns.iter().map(String::len).max().unwrap_or(0);
            self.automata.take();
        }
    }

    /// Takes the secrets out of `text`.
    ///
    /// All matches of all forms are found, overlapping ones too; ranges that overlap or touch become one `***`.
    pub fn mask(&self, text: &str) -> Masked {
        self.masked(text, 0).unwrap_or_else(|| Masked::new(text.to_owned()))
    }

    /// [`Masker::mask`] without a copy, of text in which there is nothing to take out; any other is given back.
    pub fn unless_touched(&self, text: String) -> Result<Masked, String> {
        if self.touches(&text) { Err(text) } else { Ok(Masked::new(text)) }
    }

    /// [`Masker::mask`] line by line, as GitHub masks files: a value of several lines is one `***` in each.
    pub fn mask_lines(&self, text: &str) -> Masked {
        let lines: Vec<String> = text.split('\n').map(|it| self.mask(it).to_string()).collect();
        Masked::new(lines.join("\n"))
    }

    /// The length of the longest form of a secret, in bytes.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// What is left of `text` if there is something to take out of it; its first `covered` bytes are part of a secret.
    pub(crate) fn masked(&self, text: &str, covered: usize) -> Option<Masked> {
        if covered == 0 && !self.touches(text) {
            return None;
        }
        Some(Masked::new(replace(text, &self.ranges(text, covered))))
    }

    /// What of `text` is secret, sorted; ranges may overlap.
    pub(crate) fn ranges(&self, text: &str, covered: usize) -> Vec<(usize, usize)> {
        let found = self.automata().map(|it| it.all.find_overlapping_iter(text));
        let found = found.into_iter().flatten().map(|it| (it.start(), it.end()));
        let mut ranges: Vec<(usize, usize)> = found.chain((covered > 0).then_some((0, covered))).collect();
        ranges.sort_unstable();
        ranges
    }

    /// Whether masking would change `text`.
    pub fn touches(&self, text: &str) -> bool {
        self.automata().is_some_and(|it| it.any.is_match(text))
    }

    /// Takes the secrets out of every text and value of a trace.
    pub fn mask_trace(&self, trace: &Trace) -> Trace {
        if self.patterns.is_empty() {
            return trace.clone();
        }
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

    fn automata(&self) -> Option<&Automata> {
        let build = |kind| {
            let built = AhoCorasickBuilder::new().match_kind(kind).build(&self.patterns);
            // Building fails only past 2^31 states; no secrets file comes near, and showing a secret is worse than stopping.
            built.expect("the patterns fit an automaton")
        };
        let both = || Automata { any: build(MatchKind::LeftmostFirst), all: build(MatchKind::Standard) };
        self.automata.get_or_init(|| (!self.patterns.is_empty()).then(both)).as_ref()
    }
}

/// `ranges` are sorted by their start.
pub(crate) fn replace(text: &str, ranges: &[(usize, usize)]) -> String {
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
        check(&["alpha\rbeta\r\n\r\ngamma"], "gamma beta alpha", "*** *** ***");
    }

    /// Source: GitHub: execution rules E5.3: a summary is masked line by line.
    #[test]
    fn files_are_masked_line_by_line() {
        let mut masker = Masker::default();
        masker.learn(&Secret::new("alpha\nbeta"));
        assert_eq!(masker.mask_lines("a\nalpha\nbeta\n").as_str(), "a\n***\n***\n");
        assert_eq!(masker.mask("a\nalpha\nbeta\n").as_str(), "a\n***\n");
    }

    #[test]
    fn values_learned_later_are_masked_later() {
        let mut masker = Masker::default();
        assert_eq!(masker.mask("one two").as_str(), "one two");
        masker.learn(&Secret::new("one"));
        assert_eq!(masker.mask("one two").as_str(), "*** two");
        masker.learn(&Secret::new("two"));
        assert_eq!(masker.mask("one two").as_str(), "*** ***");
        assert_eq!(masker.unless_touched("one two".to_owned()), Err("one two".to_owned()));
        assert!(masker.unless_touched("three".to_owned()).is_ok_and(|it| it.as_str() == "three"));
    }

    /// Source: GitHub: execution rules E5.1.
    #[test]
    fn what_is_registered() {
        let mut masker = Masker::default();
        masker.learn_token(&Secret::new("ghs_abc"));
        // What git is configured to send: base64 of `x-access-token:ghs_abc`.
        assert_eq!(masker.mask("basic eC1hY2Nlc3MtdG9rZW46Z2hzX2FiYw==").as_str(), "basic ***");
        let mut masker = Masker::default();
        masker.learn(&Secret::new(" value "));
        assert_eq!(masker.mask("[ value ]").as_str(), "[ *** ]");
        masker.learn_as_it_is(&Secret::new(" value "));
        assert_eq!(masker.mask("[ value ]").as_str(), "[***]");
        masker.learn_as_it_is(&Secret::new(" \n"));
        assert_eq!(masker.mask("a \nb").as_str(), "a \nb");
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
