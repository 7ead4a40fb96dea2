//! Which version of Node.js is asked for.

use super::{NAME, PROGRAM};
use crate::standins::error::StandInError;
use crate::standins::semver::{Range, Rules, SemVer};
use crate::standins::tool_cache::{Tool, ToolCache};
use crate::standins::toolkit;

/// Names of the lines with long-term support, with their major versions, newest first.
///
/// Source: <https://github.com/nodejs/Release/blob/main/CODENAMES.md>
const LTS: &[(&str, u64)] = &[
    ("lithium", 26),
    ("krypton", 24),
    ("jod", 22),
    ("iron", 20),
    ("hydrogen", 18),
    ("gallium", 16),
    ("fermium", 14),
    ("erbium", 12),
    ("dubnium", 10),
    ("carbon", 8),
    ("boron", 6),
    ("argon", 4),
];

/// A version, a range, or a name for one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// As the tool cache is asked: `20`, `26` for `lts/*`.
    pub(super) spec: String,
    /// `None` where it is no range.
    pub(super) range: Option<Range>,
    /// `latest`, `current` or `node`: the newest there is.
    pub(super) is_newest: bool,
    /// `nightly` or `v8-canary`: builds whose versions have this word after `-`.
    build: Option<&'static str>,
    is_lts: bool,
}

impl Request {
    /// Reads a version by the rules of a major version of the action.
    ///
    /// Differs: `actions/setup-node` asks for a list which line `lts/*` is; the stand-in has the lines in a table, up to 26.
    /// Source: `actions/setup-node`, `src/distributions/`.
    pub(super) fn read(asked: &str, action: u32) -> Result<Self, StandInError> {
        let plain =
            |spec: String| Self { range: Range::of_spec(&spec), spec, is_newest: false, build: None, is_lts: false };
        if let Some(alias) = asked.strip_prefix("lts/") {
            return Ok(Self { is_lts: true, ..plain(lts(asked, &alias.to_lowercase(), action)?.to_string()) });
        }
        if action >= 3 && matches!(asked, "current" | "latest" | "node") {
            return Ok(Self {
                spec: asked.to_owned(),
                range: Range::strict("*"),
                is_newest: true,
                ..plain(String::new())
            });
        }
        let build = ["nightly", "v8-canary"].into_iter().find(|it| action >= 3 && asked.contains(it));
        Ok(match build {
            Some(build) => Self { range: range_of_build(asked, build), build: Some(build), ..plain(asked.to_owned()) },
            None => plain(asked.to_owned()),
        })
    }

    /// Tells the log how a name was read.
    pub(super) fn say(&self) {
        if self.is_lts {
            toolkit::info("Attempt to resolve LTS alias from manifest...");
        }
        if self.is_newest {
            toolkit::info("getting latest node version...");
        }
    }

    /// What the tool cache has for it. The newest there is is not known from there.
    pub(super) fn find_in(&self, cache: &ToolCache, architecture: &str) -> Option<Tool> {
        let Some(build) = self.build else {
            return if self.is_newest { None } else { cache.find(NAME, &self.spec, architecture, PROGRAM) };
        };
        let range = self.range.as_ref()?;
        let all = cache.all(NAME, architecture, PROGRAM).into_iter();
        let of_build =
            all.filter(|(version, _)| version.prerelease().split('.').next().is_some_and(|it| it.contains(build)));
        of_build.filter(|(version, _)| range.contains(version)).max_by(|a, b| a.0.cmp(&b.0)).map(|(_, tool)| tool)
    }
}

/// `16-nightly` is any of 16; `16.0.0-nightly20210420a0261d231c` is that one.
fn range_of_build(asked: &str, build: &str) -> Option<Range> {
    let (numbers, rest) = asked.split_once('-')?;
    if rest != build {
        return Range::of_spec(asked);
    }
    let is_whole = SemVer::parse(numbers).is_some();
    let mut parts: Vec<&str> = numbers.trim_start_matches('v').split('.').collect();
    parts.resize(3, "0");
    let range = Range::strict(&format!("^{}-{build}", parts.join(".")))?;
    let rules = Rules { include_prerelease: !is_whole, ..Rules::default() };
    Range::parse(&format!("{range}-0"), rules)
}

/// The major version of a line: by name, `*` for the newest, `-1` for the one before it.
fn lts(asked: &str, alias: &str, action: u32) -> Result<u64, StandInError> {
    if alias.is_empty() {
        return Err(StandInError::action(format!("Unable to parse LTS alias for Node version '{asked}'")));
    }
    let by_number = alias.strip_prefix('-').filter(|_| action >= 3).and_then(|it| it.parse::<usize>().ok());
    let found = match by_number {
        _ if alias == "*" => LTS.first(),
        Some(back) => LTS.get(back),
        None => LTS.iter().find(|(name, _)| *name == alias),
    };
    found.map(|(_, major)| *major).ok_or_else(|| {
        StandInError::action(format!("Unable to find LTS release '{alias}' for Node version '{asked}'."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_requests() {
        let cases = [
            (4, "20", "20", ">=20.0.0 <21.0.0-0"),
            (4, "v20.11.1", "v20.11.1", "20.11.1"),
            (4, "lts/*", "26", ">=26.0.0 <27.0.0-0"),
            (4, "lts/-1", "24", ">=24.0.0 <25.0.0-0"),
            (4, "lts/Iron", "20", ">=20.0.0 <21.0.0-0"),
            (4, ">=18 <20", ">=18 <20", ">=18.0.0 <20.0.0-0"),
            (4, "latest", "latest", ""),
            (4, "abc", "abc", "none"),
            (2, "latest", "latest", "none"),
            (4, "16-nightly", "16-nightly", ">=16.0.0-nightly <17.0.0-0-0"),
            (4, "16.0.0-nightly", "16.0.0-nightly", ">=16.0.0-nightly <17.0.0-0-0"),
            (4, "20.0.0-v8-canary2023", "20.0.0-v8-canary2023", "20.0.0-v8-canary2023"),
            (4, "19.0.0-rc.1", "19.0.0-rc.1", "19.0.0-rc.1"),
        ];
        for (action, asked, spec, range) in cases {
            let request = Request::read(asked, action).expect("is known");
            let read = request.range.as_ref().map_or("none".to_owned(), ToString::to_string);
            assert_eq!((request.spec.as_str(), read.as_str()), (spec, range), "{asked}");
        }
        for asked in ["lts/", "lts/nobody", "lts/-99"] {
            assert!(Request::read(asked, 4).is_err(), "{asked}");
        }
        assert!(Request::read("lts/-1", 2).is_err(), "v2 knows no numbers");
    }
}
