//! Versions of Java, and what selects one.

use super::Found;
use crate::standins::error::StandInError;
use crate::standins::semver::{Build, Range, SemVer};
use crate::standins::tool_cache::ToolCache;

/// A version with the number of its build, such as `17.0.10+7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct JavaVersion {
    pub(super) numbers: SemVer,
    build: Build,
    /// As its vendor or its folder has it.
    pub(super) text: String,
    /// It came out before its release.
    is_early: bool,
}

impl JavaVersion {
    /// Reads `17.0.10+7`.
    pub(super) fn read(text: &str, is_early: bool) -> Option<Self> {
        Some(Self { numbers: SemVer::parse(text)?, build: Build::of(text), text: text.to_owned(), is_early })
    }
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Without what says that it is early: `17`, `17.0.10+7`, `21.0.1+2` for `21.0.1-ea.2`.
    pub(super) spec: String,
    range: Range,
    is_early: bool,
}

impl Request {
    /// Source: `actions/setup-java`, `normalizeVersion`.
    pub(super) fn read(asked: &str) -> Result<Self, StandInError> {
        let (spec, is_early) = match asked.strip_suffix("-ea") {
            Some(spec) => (spec.to_owned(), true),
            None => (asked.replacen("-ea.", "+", 1), asked.contains("-ea.")),
        };
        let range = Range::strict(&spec).ok_or_else(|| {
            StandInError::action(format!(
                "The string '{spec}' is not valid SemVer notation for a Java version. Please check README file for code \
                 snippets and more detailed information"
            ))
        })?;
        Ok(Self { spec, range, is_early })
    }

    /// The numbers that are asked for, whatever else is.
    pub(super) fn numbers(&self) -> SemVer {
        self.range.wanted()
    }

    /// Whether a version is what is asked for. A build that is named must be just that one.
    ///
    /// Source: `actions/setup-java`, `isVersionSatisfies`.
    pub(super) fn accepts(&self, version: &JavaVersion) -> bool {
        if version.is_early != self.is_early {
            return false;
        }
        let build = Build::of(&self.spec);
        match SemVer::parse(&self.spec).filter(|_| !build.is_empty()) {
            Some(numbers) => numbers == version.numbers && build == version.build,
            None => self.range.contains(&version.numbers),
        }
    }

    /// The highest version of the tool cache that is what is asked for.
    pub(super) fn find_in(&self, cache: &ToolCache, folder: &str, architecture: &str) -> Option<Found> {
        let all = cache.all(folder, architecture, "").into_iter().filter_map(|(_, tool)| {
            let text = tool.version.replacen("-ea.", "+", 1);
            let text = text.strip_suffix("-ea").unwrap_or(&text).replacen('-', "+", 1);
            Some((JavaVersion::read(&text, tool.version.contains("-ea"))?, tool.folder))
        });
        let best = all.filter(|(version, _)| self.accepts(version)).max_by(|a, b| a.0.cmp(&b.0));
        best.map(|(version, folder)| Found { version: version.text, folder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_versions() {
        let all = [
            ("8.0.392+8", false),
            ("17.0.9+9", false),
            ("17.0.10+7", false),
            ("17.0.10+11", false),
            ("21.0.1+2", true),
        ];
        let cases = [
            ("17", "17.0.9+9 17.0.10+7 17.0.10+11"),
            ("17.0.10", "17.0.10+7 17.0.10+11"),
            ("17.0.10+7", "17.0.10+7"),
            ("17.0.10+8", ""),
            ("8", "8.0.392+8"),
            (">=9 <18", "17.0.9+9 17.0.10+7 17.0.10+11"),
            ("21", ""),
            ("21-ea", "21.0.1+2"),
            ("21.0.1-ea.2", "21.0.1+2"),
            ("21.0.1-ea.3", ""),
        ];
        for (asked, expected) in cases {
            let request = Request::read(asked).expect("is a range");
            let found = all.iter().filter_map(|(text, is_early)| JavaVersion::read(text, *is_early));
            let found: Vec<String> = found.filter(|it| request.accepts(it)).map(|it| it.text).collect();
            assert_eq!(found.join(" "), expected, "{asked}");
        }
        assert!(Request::read("newest").is_err() && Request::read("1.8.0_392").is_err());
        let order = ["17.0.9+9", "17.0.10", "17.0.10+7", "17.0.10+11"].map(|it| JavaVersion::read(it, false));
        assert!(order.is_sorted(), "{order:?}");
    }
}
