//! Which release of an action a reference stands for.

/// A version of an action: `v2`, `v2.6` or `v2.6.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// `2` of `v2.6.3`.
    pub major: u32,
    /// What the reference says after the major; `None` for a floating tag, which is the newest release of its major.
    exact: Option<(u32, Option<u32>)>,
}

impl Version {
    /// Reads `v2`, `2`, `v2.6`, `v2.6.3` (and forms with a suffix after `-`); a branch or commit gives `None`.
    pub fn parse(git_ref: &str) -> Option<Self> {
        let text = git_ref.strip_prefix("refs/tags/").unwrap_or(git_ref);
        let text = text.strip_prefix('v').unwrap_or(text);
        // A commit may consist of digits alone, but it has forty of them.
        if text.len() >= 20 {
            return None;
        }
        let text = text.split('-').next()?;
        let mut parts = text.split('.').map(|part| part.parse::<u32>().ok());
        let major = parts.next()??;
        let minor = parts.next();
        let patch = parts.next();
        match (minor, patch) {
            (None, _) => Some(Self::floating(major)),
            (Some(minor), None) => Some(Self { major, exact: Some((minor?, None)) }),
            (Some(minor), Some(patch)) => Some(Self { major, exact: Some((minor?, Some(patch?))) }),
        }
    }

    /// The floating tag of a major.
    pub fn floating(major: u32) -> Self {
        Self { major, exact: None }
    }

    /// Whether the release is `minor.patch` of its major or later; `newest` is where the floating tag of the major
    /// points. A tag such as `v2.6` counts as the newest patch of that minor.
    pub fn is_at_least(self, minor: u32, patch: u32, newest: (u32, u32)) -> bool {
        let (own_minor, own_patch) = match self.exact {
            None => newest,
            Some((minor, None)) => (minor, u32::MAX),
            Some((minor, Some(patch))) => (minor, patch),
        };
        (own_minor, own_patch) >= (minor, patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_references() {
        let cases = [
            ("v3", Some(3)),
            ("3", Some(3)),
            ("v2.6.3", Some(2)),
            ("refs/tags/v4", Some(4)),
            ("v6-beta", Some(6)),
            ("main", None),
            ("", None),
            ("v", None),
            ("v1.x", None),
            ("1234567890123456789012345678901234567890", None),
        ];
        for (git_ref, major) in cases {
            assert_eq!(Version::parse(git_ref).map(|version| version.major), major, "{git_ref}");
        }
    }

    #[test]
    fn compares_releases() {
        // deploy-task-definition verifies the rollout from v2.6.2 on; `v2` is v2.6.3 and `v1` is v1.5.0.
        let cases =
            [("v2", true), ("v2.6", true), ("v2.6.3", true), ("v2.6.2", true), ("v2.6.1", false), ("v2.5", false)];
        for (git_ref, expected) in cases {
            let version = Version::parse(git_ref).expect("is a version");
            assert_eq!(version.is_at_least(6, 2, (6, 3)), expected, "{git_ref}");
        }
    }
}
