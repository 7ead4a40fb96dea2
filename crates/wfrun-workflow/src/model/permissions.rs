use std::fmt;

use indexmap::IndexMap;

/// What `GITHUB_TOKEN` may do.
///
/// Source: GitHub: planning rules 1.7, "`permissions` scopes", and 4.9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permissions {
    /// `read-all` or `write-all`.
    All(Level),
    /// The scopes that are named; all others are none.
    Scopes(IndexMap<&'static str, Level>),
}

/// How much a scope may do; more is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `none`
    None,
    /// `read`
    Read,
    /// `write`
    Write,
}

/// All scopes, in the order in which GitHub names them in messages.
pub const SCOPES: [&str; 20] = [
    "actions",
    "artifact-metadata",
    "attestations",
    "checks",
    "contents",
    "deployments",
    "discussions",
    "issues",
    "packages",
    "pages",
    "pull-requests",
    "repository-projects",
    "statuses",
    "security-events",
    "id-token",
    "models",
    "vulnerability-alerts",
    "code-quality",
    "copilot-requests",
    "drives",
];

impl Permissions {
    /// What a repository gives whose setting is "read repository contents and packages".
    pub fn restricted() -> Self {
        Self::Scopes(["contents", "packages"].into_iter().map(|it| (it, Level::Read)).collect())
    }

    /// Returns the level of a scope. `read-all` and `write-all` hold for all; `models` and `vulnerability-alerts` have
    /// no `write`.
    pub fn level(&self, scope: &str) -> Level {
        let level = match self {
            Self::All(level) => *level,
            Self::Scopes(scopes) => scopes.get(scope).copied().unwrap_or(Level::None),
        };
        if matches!(scope, "models" | "vulnerability-alerts") { level.min(Level::Read) } else { level }
    }

    /// Returns the scopes in which this asks for more than `most` allows, in GitHub's order.
    pub fn beyond(&self, most: &Self) -> Vec<&'static str> {
        SCOPES.into_iter().filter(|it| self.level(it) > most.level(it)).collect()
    }

    /// Returns what is left of this where no more than `most` is allowed.
    #[must_use]
    pub fn within(&self, most: &Self) -> Self {
        if self.beyond(most).is_empty() {
            return self.clone();
        }
        if let (Self::All(own), Self::All(most)) = (self, most) {
            return Self::All(*own.min(most));
        }
        let levels = SCOPES.into_iter().map(|it| (it, self.level(it).min(most.level(it))));
        Self::Scopes(levels.filter(|(_, level)| *level > Level::None).collect())
    }
}

impl Level {
    /// Reads `read`, `write` or `none`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "read" => Some(Self::Read),
            "write" => Some(Self::Write),
            _ => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(all: &[(&'static str, Level)]) -> Permissions {
        Permissions::Scopes(all.iter().copied().collect())
    }

    /// Source: GitHub: planning rules 4.9.
    #[test]
    fn no_more_than_is_allowed_is_left() {
        use Level::{None, Read, Write};
        let contents = |level| scopes(&[("contents", level)]);
        let asked = scopes(&[("contents", Write), ("id-token", Write), ("issues", None)]);
        for (own, most, left) in [
            (Permissions::All(Write), Permissions::All(Read), Permissions::All(Read)),
            (Permissions::All(Read), Permissions::All(Write), Permissions::All(Read)),
            (Permissions::All(Write), contents(Read), contents(Read)),
            (asked.clone(), contents(Read), contents(Read)),
            (asked.clone(), Permissions::All(Write), asked.clone()),
            (asked, scopes(&[]), scopes(&[])),
            (scopes(&[]), Permissions::All(Write), scopes(&[])),
        ] {
            assert_eq!(own.within(&most), left, "{own:?} within {most:?}");
        }
    }
}
