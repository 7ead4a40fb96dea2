//! Ranges of versions.

use std::fmt;

use super::{SemVer, Stage, identifiers};

/// How a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::standins) struct Rules {
    /// What is no comparison is passed over; `==` is `=`.
    pub(in crate::standins) loose: bool,
    /// Versions before a release count as any other.
    pub(in crate::standins) include_prerelease: bool,
}

/// A range such as `20`, `3.x`, `>=3.9 <3.12`, `~3.11.2`, `^1.2`, `3.9 - 3.11`, or several joined by `||`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::standins) struct Range {
    alternatives: Vec<Vec<Comparator>>,
    include_prerelease: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparator {
    operator: Operator,
    version: SemVer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

/// A version with parts left open: `3`, `3.x`, `3.11.*`.
struct Partial {
    major: Option<u64>,
    minor: Option<u64>,
    patch: Option<u64>,
    stage: Stage,
}

impl Range {
    /// `None` where the text is no range.
    ///
    /// Source: npm's `semver`, `classes/range.js`.
    pub(in crate::standins) fn parse(text: &str, rules: Rules) -> Option<Self> {
        let alternatives =
            text.split("||").map(|it| parse_alternative(it.trim(), rules)).collect::<Option<Vec<_>>>()?;
        Some(Self { alternatives, include_prerelease: rules.include_prerelease })
    }

    /// Reads it by npm's own rules, without versions before a release.
    pub(in crate::standins) fn strict(text: &str) -> Option<Self> {
        Self::parse(text, Rules::default())
    }

    /// Just this version.
    pub(in crate::standins) fn exactly(version: &SemVer) -> Self {
        let comparator = Comparator { operator: Operator::Equal, version: version.clone() };
        Self { alternatives: vec![vec![comparator]], include_prerelease: false }
    }

    /// The version that the text is, and no other, or the range that it is.
    pub(in crate::standins) fn of_spec(text: &str) -> Option<Self> {
        SemVer::parse(text).map(|it| Self::exactly(&it)).or_else(|| Self::strict(text))
    }

    /// Whether the version is in it. One before a release is only where a bound names one of the same numbers.
    pub(in crate::standins) fn contains(&self, version: &SemVer) -> bool {
        let allowed = |all: &Vec<Comparator>| {
            !version.is_prerelease()
                || self.include_prerelease
                || all.iter().any(|it| it.version.is_prerelease() && it.version.has_numbers_of(version))
        };
        self.alternatives.iter().any(|all| all.iter().all(|it| it.holds(version)) && allowed(all))
    }

    /// The version that the range names: its lowest one, else the one at its end, else 0.0.0.
    pub(in crate::standins) fn wanted(&self) -> SemVer {
        let bounds = || self.alternatives.iter().flatten();
        let lowest = bounds().filter(|it| !matches!(it.operator, Operator::Less | Operator::LessOrEqual));
        let highest = bounds().filter_map(|it| match it.operator {
            Operator::LessOrEqual => Some(it.version.clone()),
            Operator::Less => Some(below(&it.version)),
            Operator::Equal | Operator::GreaterOrEqual | Operator::Greater => None,
        });
        lowest.map(|it| it.version.clone()).max().or_else(|| highest.min()).unwrap_or_else(|| SemVer::new(0, 0, 0))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alternative = |all: &Vec<Comparator>| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        f.write_str(&self.alternatives.iter().map(alternative).collect::<Vec<_>>().join("||"))
    }
}

impl fmt::Display for Comparator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.operator {
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Equal => "",
            Operator::GreaterOrEqual => ">=",
            Operator::Greater => ">",
        };
        write!(f, "{operator}{}", self.version)
    }
}

impl Comparator {
    fn holds(&self, version: &SemVer) -> bool {
        match self.operator {
            Operator::Less => *version < self.version,
            Operator::LessOrEqual => *version <= self.version,
            Operator::Equal => *version == self.version,
            Operator::GreaterOrEqual => *version >= self.version,
            Operator::Greater => *version > self.version,
        }
    }
}

/// The release line before the end of a range: `<3.9` wants 3.8, `<4` wants 3.0.
fn below(end: &SemVer) -> SemVer {
    match (end.minor, end.patch) {
        (minor, 1..) => SemVer::new(end.major, minor, end.patch - 1),
        (1.., 0) => SemVer::new(end.major, end.minor - 1, 0),
        (0, 0) => SemVer::new(end.major.saturating_sub(1), 0, 0),
    }
}

impl Partial {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(['v', '=']);
        let text = text.split_once('+').map_or(text, |(before, _)| before);
        let (numbers, stage) = text.split_once('-').map_or((text, None), |(numbers, stage)| (numbers, Some(stage)));
        let parts: Vec<Option<u64>> = numbers.split('.').map(open_number).collect::<Result<_, _>>().ok()?;
        let stage = match stage {
            Some(stage) if parts.len() == 3 => Stage::Pre(identifiers(stage)?),
            Some(_) => return None,
            None => Stage::Release,
        };
        // No number stands behind an open part: `x.11` is nothing.
        let is_ordered = parts.iter().skip_while(|it| it.is_some()).all(Option::is_none);
        let part = |index: usize| parts.get(index).copied().flatten();
        (parts.len() <= 3 && is_ordered).then(|| Self { major: part(0), minor: part(1), patch: part(2), stage })
    }

    /// Its lowest version. Where versions before a release count, they do from the first on.
    fn low(&self, rules: Rules) -> SemVer {
        let (major, minor) = (self.major.unwrap_or(0), self.minor.unwrap_or(0));
        match self.patch {
            Some(patch) => SemVer { major, minor, patch, stage: self.stage.clone() },
            None if rules.include_prerelease => SemVer::first_of(major, minor, 0),
            None => SemVer::new(major, minor, 0),
        }
    }

    /// The first version after all of the same major or minor; `None` where that is open.
    fn end_of_minor(&self) -> Option<SemVer> {
        match (self.major?, self.minor) {
            (major, Some(minor)) => Some(SemVer::first_of(major, minor + 1, 0)),
            (major, None) => Some(SemVer::first_of(major + 1, 0, 0)),
        }
    }

    fn exact(&self) -> Option<SemVer> {
        Some(SemVer { major: self.major?, minor: self.minor?, patch: self.patch?, stage: self.stage.clone() })
    }
}

/// `None` for `x`; an error for what is no number.
fn open_number(text: &str) -> Result<Option<u64>, ()> {
    if matches!(text, "x" | "X" | "*") {
        return Ok(None);
    }
    super::number(text).filter(|_| !text.is_empty()).map(Some).ok_or(())
}

fn at_least(version: SemVer) -> Comparator {
    Comparator { operator: Operator::GreaterOrEqual, version }
}

fn less(version: SemVer) -> Comparator {
    Comparator { operator: Operator::Less, version }
}

fn parse_alternative(text: &str, rules: Rules) -> Option<Vec<Comparator>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let [low, "-", high] = words.as_slice() {
        return Some(hyphen(&Partial::parse(low)?, &Partial::parse(high)?, rules));
    }
    let mut comparators = Vec::new();
    let mut operator = String::new();
    for word in words {
        let at = word.find(|c: char| !"<>=~^".contains(c)).unwrap_or(word.len());
        operator.push_str(&word[..at]);
        // `>= 3.9` is two words.
        if at == word.len() {
            continue;
        }
        match comparison(&std::mem::take(&mut operator), &word[at..], rules) {
            Some(found) => comparators.extend(found),
            None if rules.loose => {}
            None => return None,
        }
    }
    operator.is_empty().then_some(comparators)
}

fn hyphen(low: &Partial, high: &Partial, rules: Rules) -> Vec<Comparator> {
    let from = low.major.map(|_| match low.exact() {
        Some(exact) if rules.include_prerelease && !exact.is_prerelease() => {
            at_least(SemVer::first_of(exact.major, exact.minor, exact.patch))
        }
        Some(_) | None => at_least(low.low(rules)),
    });
    let to = match high.exact() {
        Some(version) if rules.include_prerelease && !version.is_prerelease() => {
            Some(less(SemVer::first_of(version.major, version.minor, version.patch + 1)))
        }
        Some(version) => Some(Comparator { operator: Operator::LessOrEqual, version }),
        None => high.end_of_minor().map(less),
    };
    from.into_iter().chain(to).collect()
}

fn comparison(operator: &str, version: &str, rules: Rules) -> Option<Vec<Comparator>> {
    let partial = Partial::parse(version)?;
    let is_any = partial.major.is_none();
    let equals = operator.trim_start_matches(['~', '^', '<', '>']);
    // More than one `=`, as in `==3.11`, is npm's `=` only where a part is open, or by the loose rules.
    if !equals.bytes().all(|it| it == b'=') || (equals.len() > 1 && !rules.loose && partial.patch.is_some()) {
        return None;
    }
    Some(match operator.trim_end_matches('=') {
        "~" | "~>" | "^" | "" if is_any => Vec::new(),
        "~" | "~>" => vec![at_least(partial.low(Rules::default())), less(partial.end_of_minor()?)],
        "^" => vec![at_least(partial.low(rules)), less(end_of_compatible(&partial)?)],
        "" => match partial.exact() {
            Some(version) => vec![Comparator { operator: Operator::Equal, version }],
            None => vec![at_least(partial.low(rules)), less(partial.end_of_minor()?)],
        },
        bound @ (">" | "<") => {
            let or_equal = operator.contains('=');
            if is_any {
                // `>*` and `<*` hold for nothing, `>=*` and `<=*` for all.
                return Some(if or_equal { Vec::new() } else { vec![less(SemVer::first_of(0, 0, 0))] });
            }
            vec![bounded(bound == ">", or_equal, &partial, rules)?]
        }
        _ => return None,
    })
}

fn bounded(is_greater: bool, or_equal: bool, partial: &Partial, rules: Rules) -> Option<Comparator> {
    if let Some(version) = partial.exact() {
        let operator = match (is_greater, or_equal) {
            (true, true) => Operator::GreaterOrEqual,
            (true, false) => Operator::Greater,
            (false, true) => Operator::LessOrEqual,
            (false, false) => Operator::Less,
        };
        return Some(Comparator { operator, version });
    }
    let end = partial.end_of_minor()?;
    let release = |it: SemVer| if rules.include_prerelease { it } else { SemVer::new(it.major, it.minor, it.patch) };
    Some(match (is_greater, or_equal) {
        (true, true) => at_least(partial.low(rules)),
        (true, false) => at_least(release(end)),
        (false, true) => less(end),
        (false, false) => less(SemVer::first_of(partial.major?, partial.minor.unwrap_or(0), 0)),
    })
}

/// Where `^` ends: after the first number that is not 0.
fn end_of_compatible(partial: &Partial) -> Option<SemVer> {
    Some(match (partial.major?, partial.minor, partial.patch) {
        (0, Some(0), Some(patch)) => SemVer::first_of(0, 0, patch + 1),
        (0, Some(minor), _) => SemVer::first_of(0, minor + 1, 0),
        (major, _, _) => SemVer::first_of(major + 1, 0, 0),
    })
}

#[cfg(test)]
mod tests;
