use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a run calls one of its jobs: the job's id; with a matrix, as github.com shows the leg; for a called workflow,
/// `caller / callee`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobKey(Arc<str>);

impl JobKey {
    /// Wraps a key.
    pub fn new(key: impl Into<Arc<str>>) -> Self {
        Self(key.into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a person means this job by `text`: its key, or the key without the legs of some or all of its matrices.
    ///
    /// `call (prod) / test (20)` is also named by `call / test (20)` and `call / test`. Case does not count.
    pub fn is_named(&self, text: &str) -> bool {
        if self.0.eq_ignore_ascii_case(text) {
            return true;
        }
        let (mut own, mut named) = (self.0.split(" / "), text.split(" / "));
        loop {
            let (own, named) = match (own.next(), named.next()) {
                (Some(own), Some(named)) => (own, named),
                (None, None) => return true,
                (Some(_), None) | (None, Some(_)) => return false,
            };
            if !own.eq_ignore_ascii_case(named) && !Self::without_leg(own).eq_ignore_ascii_case(named) {
                return false;
            }
        }
    }

    /// The key of the job of which it names a leg, and so for each of its callers: `call (prod) / test (20)` is of
    /// `call / test`.
    pub fn without_legs(text: &str) -> String {
        text.split(" / ").map(Self::without_leg).collect::<Vec<_>>().join(" / ")
    }

    fn without_leg(part: &str) -> &str {
        if part.ends_with(')') { part.split_once(" (").map_or(part, |(job, _)| job) } else { part }
    }
}

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a step stands in its job, from 1; steps inside a composite action have a number for each level: `3.1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepPath(Arc<[u32]>);

impl StepPath {
    /// The step at `index` (from 0) of its job.
    pub fn at(index: usize) -> Self {
        Self(Arc::new([u32::try_from(index + 1).unwrap_or(u32::MAX)]))
    }

    /// What comes before the steps of a job: its children are more of that, before it.
    pub fn before() -> Self {
        Self(Arc::new([0]))
    }

    /// The step at `index` (from 0) of the composite action that this step is.
    #[must_use]
    pub fn child(&self, index: usize) -> Self {
        let own = u32::try_from(index + 1).unwrap_or(u32::MAX);
        Self(self.0.iter().copied().chain([own]).collect())
    }

    /// The position among the job's own steps, from 0: of the step itself, or of the one that it is inside of.
    pub fn index(&self) -> usize {
        self.0.first().map_or(0, |it| *it as usize).saturating_sub(1)
    }

    /// The step that this one is inside of; what comes before the steps of a job is inside of nothing.
    pub fn parent(&self) -> Option<Self> {
        let (_, outer) = self.0.split_last()?;
        (!matches!(outer, [] | [0])).then(|| Self(outer.into()))
    }

    /// The position among the steps beside it, from 0.
    pub fn position(&self) -> usize {
        self.0.last().map_or(0, |it| *it as usize).saturating_sub(1)
    }

    /// How many steps it is inside of.
    pub fn depth(&self) -> usize {
        self.0.len().saturating_sub(1)
    }
}

impl fmt::Display for StepPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (level, number) in self.0.iter().enumerate() {
            if level > 0 {
                f.write_str(".")?;
            }
            write!(f, "{number}")?;
        }
        Ok(())
    }
}

impl FromStr for StepPath {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split('.').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for StepPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StepPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_are_named_by_their_job() {
        let key = JobKey::new("call (prod) / test (1.20, x)");
        for (text, expected) in [
            ("call (prod) / test (1.20, x)", true),
            ("CALL / Test", true),
            ("call / test (1.20, x)", true),
            ("call (prod) / test", true),
            ("call (dev) / test", false),
            ("call", false),
            ("call / test / x", false),
            ("test", false),
        ] {
            assert_eq!(key.is_named(text), expected, "{text}");
        }
        assert_eq!(JobKey::without_legs("call (prod) / test (1.20, x)"), "call / test");
        assert_eq!(JobKey::without_legs("call (a"), "call (a");
    }

    #[test]
    fn step_paths_read_back() {
        let path = StepPath::at(2).child(0);
        assert_eq!(path.to_string(), "3.1");
        assert_eq!("3.1".parse(), Ok(path.clone()));
        assert_eq!((path.index(), path.position(), path.depth()), (2, 0, 1));
        assert_eq!(path.parent(), Some(StepPath::at(2)));
        assert_eq!(StepPath::at(2).parent(), None);
        assert!("3.x".parse::<StepPath>().is_err());
    }
}
