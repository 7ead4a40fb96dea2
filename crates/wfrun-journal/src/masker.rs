use std::collections::{BTreeMap, BTreeSet};
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

/// So much of a pattern, in bytes, the automata know; the rest is compared where that is found.
///
/// Tokens have hundreds of letters, a job has several, and each is a pattern in a dozen forms: automata of the whole of them
/// took most of the memory of a run with hundreds of jobs.
const BEGINNING: usize = 24;

/// The patterns, ready to be looked for.
#[derive(Debug, Clone)]
struct Automata {
    /// Says whether a beginning is anywhere, which is what most text is asked, and fast: it may jump.
    any: AhoCorasick,
    /// Finds all beginnings, overlapping ones too.
    all: AhoCorasick,
    /// The patterns of each beginning.
    patterns: Vec<Vec<String>>,
}

impl Automata {
    fn new(patterns: &BTreeSet<String>) -> Self {
        let beginning = |it: &String| it.as_bytes()[..it.len().min(BEGINNING)].to_vec();
        let mut groups: BTreeMap<Vec<u8>, Vec<String>> = BTreeMap::new();
        for pattern in patterns {
            groups.entry(beginning(pattern)).or_default().push(pattern.clone());
        }
        let build = |kind| {
            let built = AhoCorasickBuilder::new().match_kind(kind).build(groups.keys());
            // Building fails only past 2^31 states; no secrets file comes near, and showing a secret is worse than stopping.
            built.expect("the patterns fit an automaton")
        };
        let (any, all) = (build(MatchKind::LeftmostFirst), build(MatchKind::Standard));
        Self { any, all, patterns: groups.into_values().collect() }
    }

    /// All matches, overlapping ones too, in the order of the beginnings' ends.
    fn matches<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
        let bytes = text.as_bytes();
        self.all.find_overlapping_iter(text).flat_map(move |found| {
            let start = found.start();
            let patterns = &self.patterns[found.pattern().as_usize()];
            let whole = patterns.iter().filter(move |it| bytes[start..].starts_with(it.as_bytes()));
            whole.map(move |it| (start, start + it.len()))
        })
    }
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
        let found = self.automata().into_iter().flat_map(|it| it.matches(text));
        let mut ranges: Vec<(usize, usize)> = found.chain((covered > 0).then_some((0, covered))).collect();
        ranges.sort_unstable();
        ranges
    }

    /// Whether masking would change `text`.
    pub fn touches(&self, text: &str) -> bool {
        self.automata().is_some_and(|it| it.any.is_match(text) && it.matches(text).next().is_some())
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
        let made = || (!self.patterns.is_empty()).then(|| Automata::new(&self.patterns));
        self.automata.get_or_init(made).as_ref()
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

    /// Where only the beginning of a long one stands there is nothing to hide.
    #[test]
    fn long_values_that_begin_alike() {
        let common = "a beginning that tokens share, and more";
        let (one, two) = (format!("{common}:one"), format!("{common}:two and more"));
        check(&[&one, &two], &format!("{one} {two} {common}:three"), &format!("*** *** {common}:three"));
        let mut masker = Masker::default();
        masker.learn(&Secret::new(one));
        assert!(!masker.touches(common));
        assert!(!masker.touches(&format!("{common}:onc")));
        // One is the beginning of the other.
        check(&[common, &two], &format!("{two}!"), "***!");
    }

    proptest::proptest! {
        /// As one would look for each pattern by itself.
        #[test]
        fn every_match_is_found(
            secrets in proptest::collection::vec("[ab]{1,3}|[ab]{23,26}|aaaaaaaaaaaaaaaaaaaaaaaa[ab]{0,4}", 1..5),
            text in "[abc]{0,12}(a{24}[abc]{0,6}|[abc]{0,40})",
        ) {
            let mut masker = Masker::default();
            for it in &secrets {
                masker.learn(&Secret::new(it));
            }
            let of = |it: &String| {
                let starts = (0..text.len()).filter(|at| text[*at..].starts_with(it.as_str()));
                starts.map(|at| (at, at + it.len())).collect::<Vec<_>>()
            };
            let mut expected: Vec<(usize, usize)> = masker.patterns.iter().flat_map(of).collect();
            expected.sort_unstable();
            proptest::prop_assert_eq!(masker.ranges(&text, 0), expected);
            proptest::prop_assert_eq!(masker.touches(&text), !masker.ranges(&text, 0).is_empty());
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("x")), "Secret(***)");
    }
}
