//! Texts with wildcards and variables.

use super::context::Context;
use super::foresee::{Certainty, UNKNOWN};

/// A text with `*` (any run of characters) and `?` (one character). What variables brought in is literal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pattern(Vec<Token>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Token {
    Char(char),
    Any,
    One,
}

impl Pattern {
    /// A pattern without variables.
    pub(crate) fn plain(text: &str) -> Self {
        Self(text.chars().map(Token::of).collect())
    }

    /// A pattern whose variables `${key}` and `${key, 'otherwise'}` are taken from `variables`, where the policy's version has
    /// them. `None` where a variable has no value: such a pattern fits nothing.
    ///
    /// Source: AWS IAM user guide, "IAM policy elements: Variables and tags"; `${*}`, `${?}` and `${$}` are the characters.
    pub(super) fn compile(text: &str, variables: Option<&Context>) -> Option<Self> {
        let Some(context) = variables else { return Some(Self::plain(text)) };
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            tokens.extend(before.chars().map(Token::of));
            let Some((variable, tail)) = after.split_once('}') else {
                tokens.extend("${".chars().map(Token::Char));
                rest = after;
                continue;
            };
            tokens.extend(value_of(variable, context)?.chars().map(Token::Char));
            rest = tail;
        }
        tokens.extend(rest.chars().map(Token::of));
        Some(Self(tokens))
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        fits(&self.0, &text.chars().collect::<Vec<_>>(), false)
    }

    pub(crate) fn matches_any_case(&self, text: &str) -> bool {
        fits(&self.0, &text.chars().collect::<Vec<_>>(), true)
    }

    /// Whether it matches a text in which [`UNKNOWN`] stands for any characters, or for none.
    ///
    /// "Yes" is said where `*` takes all that is not known; that it is so by chance is not found out.
    pub(super) fn may_match(&self, text: &str) -> Certainty {
        let text: Vec<char> = text.chars().collect();
        if !text.contains(&UNKNOWN) {
            return if fits(&self.0, &text, false) { Certainty::Yes } else { Certainty::No };
        }
        match (meets(&self.0, &text, false), meets(&self.0, &text, true)) {
            (false, _) => Certainty::No,
            (true, false) => Certainty::Maybe,
            (true, true) => Certainty::Yes,
        }
    }

    /// The text itself: wildcards are characters like others.
    pub(super) fn literal(&self) -> String {
        self.0.iter().map(|token| token.character()).collect()
    }

    /// Whether each of the six parts of an ARN fits its own pattern: a wildcard does not reach over a colon.
    ///
    /// Source: AWS IAM user guide, "ARN condition operators".
    pub(super) fn matches_arn(&self, arn: &str) -> bool {
        const PARTS: usize = 6;
        let patterns: Vec<&[Token]> = self.0.splitn(PARTS, |token| *token == Token::Char(':')).collect();
        let parts: Vec<&str> = arn.splitn(PARTS, ':').collect();
        patterns.len() == parts.len()
            && patterns.iter().zip(parts).all(|(it, part)| fits(it, &part.chars().collect::<Vec<_>>(), false))
    }
}

impl Token {
    fn of(character: char) -> Self {
        match character {
            '*' => Self::Any,
            '?' => Self::One,
            other => Self::Char(other),
        }
    }

    fn character(self) -> char {
        match self {
            Self::Char(it) => it,
            Self::Any => '*',
            Self::One => '?',
        }
    }
}

fn value_of(variable: &str, context: &Context) -> Option<String> {
    if matches!(variable, "*" | "?" | "$") {
        return Some(variable.to_owned());
    }
    let (key, otherwise) = variable.split_once(',').map_or((variable, None), |(key, rest)| (key, Some(rest.trim())));
    let otherwise = otherwise.and_then(|it| it.strip_prefix('\'')?.strip_suffix('\''));
    context.single(key.trim()).or(otherwise).map(ToOwned::to_owned)
}

/// Goes back to the last `*` only, so that a hostile pattern costs no more than pattern times text.
fn fits(pattern: &[Token], text: &[char], any_case: bool) -> bool {
    let same = |left: char, right: char| left == right || any_case && left.eq_ignore_ascii_case(&right);
    let (mut at, mut read) = (0, 0);
    let mut last_any = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(Token::Any) => {
                last_any = Some((at, read));
                at += 1;
            }
            Some(Token::One) => (at, read) = (at + 1, read + 1),
            Some(Token::Char(wanted)) if same(*wanted, text[read]) => (at, read) = (at + 1, read + 1),
            Some(Token::Char(_)) | None => {
                let Some((any, from)) = last_any else { return false };
                last_any = Some((any, from + 1));
                (at, read) = (any + 1, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|token| *token == Token::Any)
}

/// Whether the pattern fits the text for one way to fill in what is not known; `always`: for each.
fn meets(pattern: &[Token], text: &[char], always: bool) -> bool {
    // Which beginnings of the text the pattern's beginning fits.
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    if !always {
        for (at, it) in text.iter().enumerate() {
            row[at + 1] = row[at] && *it == UNKNOWN;
        }
    }
    for token in pattern {
        let mut next = vec![false; text.len() + 1];
        next[0] = row[0] && *token == Token::Any;
        for (at, it) in text.iter().enumerate() {
            let is_unknown = *it == UNKNOWN;
            next[at + 1] = match token {
                Token::Any => row[at + 1] || next[at],
                Token::One => !is_unknown && row[at],
                Token::Char(wanted) => !is_unknown && row[at] && wanted == it,
            } || (is_unknown && !always && (next[at] || row[at + 1]));
        }
        row = next;
    }
    row[text.len()]
}
