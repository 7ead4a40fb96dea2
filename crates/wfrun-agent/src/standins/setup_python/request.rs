//! Which version of Python is asked for.

use crate::standins::error::StandInError;
use crate::standins::semver::{Range, SemVer};

/// A version or a range, as a person wrote it and as npm's rules read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// As written: `3.12`, `3.14-dev`, `3.13t`.
    pub(super) text: String,
    /// As the tool cache is asked: `~3.14.0-0`.
    pub(super) spec: String,
    pub(super) range: Range,
    /// A Python without the global interpreter lock.
    pub(super) is_freethreaded: bool,
}

impl Request {
    /// Reads a version by the rules of a major version of the action.
    ///
    /// Source: `actions/setup-python`, `src/find-python.ts`: `desugarVersion`, `pythonVersionToSemantic`.
    pub(super) fn read(text: &str, action: u32, prereleases: bool) -> Result<Self, StandInError> {
        let (version, is_freethreaded) = if action >= 5 { without_t(text) } else { (text.to_owned(), false) };
        let spec = semantic(&developed(&version, action));
        let spec = match version.split('.').collect::<Vec<_>>().as_slice() {
            [major, minor] if prereleases && is_number(major) && is_number(minor) => format!("~{spec}.0-0"),
            _ => spec,
        };
        let range = Range::strict(&spec).ok_or_else(|| {
            StandInError::action(format!("`{text}` is not a version or a range of versions, such as '3.12' or '>=3.9'"))
        })?;
        Ok(Self { text: text.to_owned(), spec, range, is_freethreaded })
    }
}

/// A version as Python or a folder has it: `3.11.7`, `3.14.0rc1`.
pub(super) fn python_version(text: &str) -> Option<SemVer> {
    SemVer::parse(&semantic(text))
}

/// `3.13t` is 3.13 without the lock, `3.14t-dev` is `3.14-dev` without it.
fn without_t(text: &str) -> (String, bool) {
    let (version, end) = match text.strip_suffix("-dev") {
        Some(version) => (version, "-dev"),
        None => (text, ""),
    };
    let numbers = version.strip_suffix('t').filter(|it| {
        let parts: Vec<&str> = it.split('.').collect();
        (parts.len() == 2 || (parts.len() == 3 && end.is_empty())) && parts.iter().all(|it| is_number(it))
    });
    numbers.map_or((text.to_owned(), false), |numbers| (format!("{numbers}{end}"), true))
}

/// `3.14-dev` is the newest of 3.14, releases or not; before v4 of the action, of all from 3.14 on.
fn developed(version: &str, action: u32) -> String {
    let Some(minor) = version.strip_suffix("-dev") else { return version.to_owned() };
    match minor.split_once('.') {
        _ if action < 4 => format!(">= {minor}.0-a0"),
        Some((a, b)) if is_number(a) && is_number(b) => format!("~{minor}.0-0"),
        Some(_) | None => version.to_owned(),
    }
}

/// `3.14.0rc1` as semantic versioning has it: `3.14.0-rc1`.
fn semantic(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['a', 'b', 'r']) {
        let (before, stage) = rest.split_at(at);
        let numbers = before.rsplit(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or_default();
        let is_version = numbers.split('.').count() >= 3 && numbers.ends_with(|c: char| c.is_ascii_digit());
        let is_stage = stage.starts_with(['a', 'b']) || stage.starts_with("rc");
        result.push_str(before);
        if is_version && is_stage {
            result.push('-');
        }
        result.push_str(&stage[..1]);
        rest = &stage[1..];
    }
    result + rest
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_requests() {
        let cases = [
            (5, false, "3.12", "3.12", false),
            (5, false, "3.x", "3.x", false),
            (5, true, "3.12", "~3.12.0-0", false),
            (5, true, "3.x", "3.x", false),
            (5, true, "3.12.1", "3.12.1", false),
            (5, false, "3.14-dev", "~3.14.0-0", false),
            (3, false, "3.14-dev", ">= 3.14.0-a0", false),
            (5, false, "3.14.0rc1", "3.14.0-rc1", false),
            (5, false, ">=3.13.0a1 <3.14.0b2", ">=3.13.0-a1 <3.14.0-b2", false),
            (5, false, "3.13t", "3.13", true),
            (5, false, "3.13.1t", "3.13.1", true),
            (5, false, "3.14t-dev", "~3.14.0-0", true),
        ];
        for (action, prereleases, text, spec, is_freethreaded) in cases {
            let request = Request::read(text, action, prereleases).expect("is a range");
            assert_eq!((request.spec.as_str(), request.is_freethreaded), (spec, is_freethreaded), "{text}");
        }
        for text in ["newest", "3.11.y", ">=", "3.11; echo", ">=3.9,<3.12"] {
            assert!(Request::read(text, 5, false).is_err(), "{text}");
        }
        assert!(Request::read("3.13t", 4, false).is_err(), "v4 knows nothing of it");
    }
}
