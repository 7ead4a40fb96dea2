//! Python versions, and the ranges that select one.
//!
//! Source: `actions/setup-python`, "Advanced usage": versions are matched by the rules of semantic versioning (npm's).

use std::fmt;

/// A version of Python, such as `3.11.7` or `3.14.0rc1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PythonVersion {
    pub(super) major: u32,
    pub(super) minor: u32,
    pub(super) patch: u32,
    /// Orders before releases: `Pre("rc1")` < `Final`.
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Pre(String),
    Final,
}

impl PythonVersion {
    pub(super) fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch, stage: Stage::Final }
    }

    /// Reads `3.11.7`, `3.14.0rc1`, `3.14.0-rc1`; all three numbers must be there.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (numbers, stage) = split_stage(text);
        let mut parts = numbers.split('.');
        let version = Self {
            major: parts.next()?.parse().ok()?,
            minor: parts.next()?.parse().ok()?,
            patch: parts.next()?.parse().ok()?,
            stage,
        };
        parts.next().is_none().then_some(version)
    }

    pub(super) fn is_prerelease(&self) -> bool {
        self.stage != Stage::Final
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        match &self.stage {
            Stage::Pre(stage) => write!(f, "-{stage}"),
            Stage::Final => Ok(()),
        }
    }
}

fn split_stage(text: &str) -> (&str, Stage) {
    match text.find(|c: char| !c.is_ascii_digit() && c != '.') {
        Some(at) => (&text[..at], Stage::Pre(text[at..].trim_start_matches('-').to_owned())),
        None => (text, Stage::Final),
    }
}

/// A range such as `3.11`, `3.x`, `>=3.9 <3.12`, `~3.11.2`, `3.9 - 3.11`, or several joined by `||`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    text: String,
    alternatives: Vec<Vec<Bound>>,
    prereleases: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Bound {
    AtLeast(PythonVersion),
    Below(PythonVersion),
    Not(PythonVersion, PythonVersion),
}

/// A version with parts left open: `3`, `3.x`, `3.11.*`.
#[derive(Debug, Clone)]
struct Partial {
    major: Option<u32>,
    minor: Option<u32>,
    patch: Option<u32>,
    stage: Stage,
}

impl Range {
    /// `None` where the text is no range.
    pub(super) fn parse(text: &str, prereleases: bool) -> Option<Self> {
        let text = text.trim();
        // `3.14-dev` is the newest of 3.14, releases or not.
        let (spec, dev) = match text.strip_suffix("-dev") {
            Some(minor) => (minor, true),
            None => (text, false),
        };
        let alternatives = spec.split("||").map(parse_alternative).collect::<Option<Vec<_>>>()?;
        let names_stage = spec.contains(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'x' | 'X' | 'v'));
        Some(Self { text: text.to_owned(), alternatives, prereleases: prereleases || dev || names_stage })
    }

    pub(super) fn contains(&self, version: &PythonVersion) -> bool {
        if version.is_prerelease() && !self.prereleases {
            return false;
        }
        self.alternatives.iter().any(|bounds| bounds.iter().all(|bound| bound.holds(version)))
    }

    /// The version that the range names: its lowest one, or the minor before its end where it has only that.
    pub(super) fn wanted(&self) -> PythonVersion {
        let bounds = || self.alternatives.iter().flatten();
        let lowest = bounds().filter_map(|bound| match bound {
            Bound::AtLeast(version) => Some(version.clone()),
            Bound::Below(_) | Bound::Not(..) => None,
        });
        let highest = bounds().filter_map(|bound| match bound {
            Bound::Below(end) => Some(PythonVersion::new(end.major, end.minor.saturating_sub(1), 0)),
            Bound::AtLeast(_) | Bound::Not(..) => None,
        });
        lowest.max().or_else(|| highest.min()).unwrap_or_else(|| PythonVersion::new(3, 0, 0))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Bound {
    fn holds(&self, version: &PythonVersion) -> bool {
        match self {
            Self::AtLeast(low) => version >= low,
            Self::Below(high) => version < high,
            Self::Not(low, high) => version < low || version >= high,
        }
    }
}

impl Partial {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut rest = text.splitn(3, '.');
        let mut stage = Stage::Final;
        let mut part = |is_last: bool| -> Option<Option<u32>> {
            let Some(part) = rest.next() else { return Some(None) };
            if matches!(part, "x" | "X" | "*" | "") {
                return Some(None);
            }
            if !is_last {
                return part.parse().ok().map(Some);
            }
            let (number, found) = split_stage(part);
            stage = found;
            number.parse().ok().map(Some)
        };
        let (major, minor, patch) = (part(false)?, part(false)?, part(true)?);
        // `x.11` means nothing; an open part opens those after it.
        let minor = major.and(minor);
        Some(Self { major, minor, patch: minor.and(patch), stage })
    }

    fn low(&self) -> PythonVersion {
        PythonVersion {
            major: self.major.unwrap_or(0),
            minor: self.minor.unwrap_or(0),
            patch: self.patch.unwrap_or(0),
            stage: if self.patch.is_some() { self.stage.clone() } else { Stage::Pre(String::new()) },
        }
    }

    /// The first version that does not begin like this one.
    fn end(&self) -> PythonVersion {
        let pre = |major, minor, patch| PythonVersion { major, minor, patch, stage: Stage::Pre(String::new()) };
        match (self.major, self.minor, self.patch) {
            (None, _, _) => pre(u32::MAX, 0, 0),
            (Some(major), None, _) => pre(major + 1, 0, 0),
            (Some(major), Some(minor), None) => pre(major, minor + 1, 0),
            (Some(major), Some(minor), Some(patch)) => match self.stage {
                Stage::Final => pre(major, minor, patch + 1),
                // `3.14.0rc1` alone is that one and no other.
                Stage::Pre(ref stage) => {
                    PythonVersion { major, minor, patch, stage: Stage::Pre(format!("{stage}\u{1}")) }
                }
            },
        }
    }
}

fn parse_alternative(text: &str) -> Option<Vec<Bound>> {
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    if let [low, "-", high] = words.as_slice() {
        return Some(vec![Bound::AtLeast(Partial::parse(low)?.low()), Bound::Below(Partial::parse(high)?.end())]);
    }
    let mut bounds = Vec::new();
    let mut operator = "";
    for word in words {
        let at = word.find(|c: char| !"<>=~^!".contains(c)).unwrap_or(word.len());
        let (own, version) = word.split_at(at);
        // `>= 3.9` is two words.
        let symbol = if own.is_empty() { operator } else { own };
        operator = "";
        if version.is_empty() {
            operator = symbol;
            continue;
        }
        bounds.extend(bounds_of(symbol, &Partial::parse(version)?)?);
    }
    operator.is_empty().then_some(bounds)
}

fn bounds_of(operator: &str, partial: &Partial) -> Option<Vec<Bound>> {
    let (low, end) = (partial.low(), partial.end());
    Some(match operator {
        "" | "=" | "==" => vec![Bound::AtLeast(low), Bound::Below(end)],
        ">=" => vec![Bound::AtLeast(low)],
        ">" => vec![Bound::AtLeast(end)],
        "<" => vec![Bound::Below(low)],
        "<=" => vec![Bound::Below(end)],
        "!=" => vec![Bound::Not(low, end)],
        // `~3.11.2` and `~=3.11.2` stay in 3.11; `~3` and `^3.9` stay in 3.
        "~" | "~>" | "~=" => {
            vec![Bound::AtLeast(low), Bound::Below(Partial { patch: None, ..partial.clone() }.end())]
        }
        "^" => {
            vec![Bound::AtLeast(low), Bound::Below(Partial { minor: None, patch: None, ..partial.clone() }.end())]
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_versions() {
        let all = ["2.7.18", "3.9.18", "3.10.13", "3.11.7", "3.11.9", "3.12.1", "3.14.0rc1"];
        let cases = [
            ("3.11", "3.11.7 3.11.9"),
            ("3.11.7", "3.11.7"),
            ("3.11.x", "3.11.7 3.11.9"),
            ("3.11.*", "3.11.7 3.11.9"),
            ("3.x", "3.9.18 3.10.13 3.11.7 3.11.9 3.12.1"),
            ("3", "3.9.18 3.10.13 3.11.7 3.11.9 3.12.1"),
            ("x", "2.7.18 3.9.18 3.10.13 3.11.7 3.11.9 3.12.1"),
            ("*", "2.7.18 3.9.18 3.10.13 3.11.7 3.11.9 3.12.1"),
            (">=3.11", "3.11.7 3.11.9 3.12.1"),
            (">= 3.11", "3.11.7 3.11.9 3.12.1"),
            (">3.11", "3.12.1"),
            (">3.11.7", "3.11.9 3.12.1"),
            (">=3.9 <3.11", "3.9.18 3.10.13"),
            (">=3.9,<3.11", "3.9.18 3.10.13"),
            ("<=3.10", "2.7.18 3.9.18 3.10.13"),
            ("~3.11.8", "3.11.9"),
            ("^3.11.8", "3.11.9 3.12.1"),
            ("3.9 - 3.10", "3.9.18 3.10.13"),
            ("2.7 || 3.12", "2.7.18 3.12.1"),
            (">=3.11,!=3.11.9", "3.11.7 3.12.1"),
            ("3.14", ""),
            ("3.14-dev", "3.14.0-rc1"),
            ("3.14.0rc1", "3.14.0-rc1"),
            ("3.14.0-rc1", "3.14.0-rc1"),
            ("3.8", ""),
        ];
        for (text, expected) in cases {
            let range = Range::parse(text, false).unwrap_or_else(|| panic!("{text} is a range"));
            let found: Vec<String> = all
                .iter()
                .map(|version| PythonVersion::parse(version).expect("is a version"))
                .filter(|version| range.contains(version))
                .map(|version| version.to_string())
                .collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
        let range = Range::parse("3.14", true).expect("is a range");
        assert!(range.contains(&PythonVersion::parse("3.14.0rc1").expect("is a version")), "asked for prereleases");
    }

    #[test]
    fn refuses_what_is_no_range() {
        for text in ["pypy3.9", "three", "3.11.y", ">=", "3.11; echo"] {
            assert_eq!(Range::parse(text, false), None, "{text}");
        }
    }

    #[test]
    fn knows_what_is_wanted() {
        for (text, wanted) in [("3.11", (3, 11)), (">=3.9 <3.12", (3, 9)), ("3.x", (3, 0)), ("<3.9", (3, 8))] {
            let version = Range::parse(text, false).expect("is a range").wanted();
            assert_eq!((version.major, version.minor), wanted, "{text}");
        }
    }
}
