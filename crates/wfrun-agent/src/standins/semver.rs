//! Versions of tools, and the ranges that select one, by the rules of npm's `semver`, which `@actions/tool-cache` uses.

mod range;

use std::fmt;

pub(super) use range::{Range, Rules};

/// A version such as `20.11.1` or `3.14.0-rc1`. What follows `+` says nothing about precedence and is dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SemVer {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    stage: Stage,
}

/// Before a release, or a release: `1.0.0-rc.1` < `1.0.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Pre(Vec<Identifier>),
    Release,
}

/// Numbers come before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

impl SemVer {
    /// A release.
    pub(super) fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self { major, minor, patch, stage: Stage::Release }
    }

    /// The first version of all that begin with these numbers, `1.2.3-0`.
    fn first_of(major: u64, minor: u64, patch: u64) -> Self {
        Self { major, minor, patch, stage: Stage::Pre(vec![Identifier::Number(0)]) }
    }

    /// Reads all three numbers, with what may follow; a `v` or `=` may stand before them, as for npm's `clean`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::parse_plain(text.trim().trim_start_matches(['=', 'v']))
    }

    fn parse_plain(text: &str) -> Option<Self> {
        let (text, build) = split_once_or_all(text, '+');
        let (numbers, stage) = split_once_or_all(text, '-');
        build.is_none_or(|build| identifiers(build).is_some()).then_some(())?;
        let mut parts = numbers.split('.').map(number);
        let version = Self {
            major: parts.next()??,
            minor: parts.next()??,
            patch: parts.next()??,
            stage: match stage {
                Some(stage) => Stage::Pre(identifiers(stage)?),
                None => Stage::Release,
            },
        };
        parts.next().is_none().then_some(version)
    }

    /// Whether it comes before a release.
    pub(super) fn is_prerelease(&self) -> bool {
        self.stage != Stage::Release
    }

    /// What follows `-`; empty for a release.
    pub(super) fn prerelease(&self) -> String {
        match &self.stage {
            Stage::Pre(all) => all.iter().map(ToString::to_string).collect::<Vec<_>>().join("."),
            Stage::Release => String::new(),
        }
    }

    fn has_numbers_of(&self, other: &Self) -> bool {
        (self.major, self.minor, self.patch) == (other.major, other.minor, other.patch)
    }
}

/// What follows `+` in a version. One that is absent comes before all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Build(Vec<Identifier>);

impl Build {
    /// The build of a version.
    pub(super) fn of(version: &str) -> Self {
        Self(version.split_once('+').and_then(|(_, build)| identifiers(build)).unwrap_or_default())
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for SemVer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if self.is_prerelease() { write!(f, "-{}", self.prerelease()) } else { Ok(()) }
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

fn split_once_or_all(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// A number without a zero before it.
fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|it| it.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

fn identifiers(text: &str) -> Option<Vec<Identifier>> {
    let identifier = |part: &str| {
        let is_word = !part.is_empty() && part.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
        if part.bytes().all(|it| it.is_ascii_digit()) {
            number(part).map(Identifier::Number)
        } else {
            is_word.then(|| Identifier::Word(part.to_owned()))
        }
    };
    text.split('.').map(identifier).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        let cases = [
            ("20.11.1", "20.11.1"),
            ("v20.11.1", "20.11.1"),
            (" =v1.2.3", "1.2.3"),
            ("1.2.3-rc.1", "1.2.3-rc.1"),
            ("17.0.10+7", "17.0.10"),
            ("17.0.10-ea+7.8", "17.0.10-ea"),
            ("20", ""),
            ("20.1", ""),
            ("1.2.3.4", ""),
            ("1.02.3", ""),
            ("1.2.3-", ""),
            ("1.2.3-01", ""),
            ("1.2.x", ""),
            ("", ""),
        ];
        for (text, expected) in cases {
            let read = SemVer::parse(text).map(|it| it.to_string()).unwrap_or_default();
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn orders_versions() {
        let ordered =
            ["1.0.0-0", "1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.0.1"];
        let versions: Vec<SemVer> = ordered.iter().filter_map(|it| SemVer::parse(it)).collect();
        assert!(versions.len() == ordered.len() && versions.is_sorted(), "{versions:?}");
    }
}
