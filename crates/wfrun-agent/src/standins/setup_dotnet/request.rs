//! Which SDK is asked for.

use crate::standins::error::StandInError;
use crate::standins::semver::{Range, SemVer};

/// A version or a channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// As written.
    pub(super) text: String,
    /// What the install script would be asked for: a version, `8.0`, `8.0.1xx`, `LTS`.
    pub(super) argument: String,
    pub(super) range: Range,
    /// The newest there is, of a channel that this machine cannot ask.
    pub(super) is_newest: bool,
    /// `dotnet-quality` counts for it.
    pub(super) takes_quality: bool,
}

impl Request {
    /// Reads a version by the rules of a major version of the action. `channel` is `dotnet-channel`, for `latest`.
    ///
    /// Source: `actions/setup-dotnet`, `DotnetVersionResolver`.
    pub(super) fn read(text: &str, channel: &str, action: u32) -> Result<Self, StandInError> {
        let text = text.trim();
        if action >= 5 && text.eq_ignore_ascii_case("latest") {
            let argument = if channel.is_empty() || is_lts_or_sts(channel) { "LTS" } else { channel };
            let request = Self::of_channel("latest", argument);
            // What is newest takes it in any case.
            return Ok(Self { takes_quality: request.takes_quality || request.is_newest, ..request });
        }
        if let Some(version) = SemVer::parse(text) {
            return Ok(Self {
                text: text.to_owned(),
                argument: text.to_owned(),
                range: Range::exactly(&version),
                is_newest: false,
                takes_quality: false,
            });
        }
        if let Some(major) = major_of_band(text) {
            if major < 5 {
                return Err(invalid(text, "The A.B.Cxx syntax is available since the .NET 5.0 release."));
            }
            return Ok(Self::of_channel(text, text));
        }
        if Range::strict(text).is_none() {
            let latest = if action >= 5 { ", latest" } else { "" };
            let known = format!("Supported syntax: A.B.C, A.B, A.B.x, A, A.x, A.B.Cxx{latest}");
            return Err(invalid(text, &known));
        }
        let mut parts = text.split('.');
        let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let argument = match (is_number(major), is_number(minor)) {
            (true, true) => format!("{major}.{minor}"),
            (true, false) => match major {
                "1" => "1.1".to_owned(),
                "2" => "2.2".to_owned(),
                "3" => "3.1".to_owned(),
                other => format!("{other}.0"),
            },
            // `*` and all other ranges.
            (false, _) => "LTS".to_owned(),
        };
        Ok(Self::of_channel(text, &argument))
    }

    fn of_channel(text: &str, argument: &str) -> Self {
        let range = band(argument).or_else(|| Range::strict(argument));
        let major = argument.split('.').next().and_then(|it| it.parse::<u32>().ok());
        Self {
            text: text.to_owned(),
            argument: argument.to_owned(),
            is_newest: range.is_none(),
            range: range.or_else(|| Range::strict("*")).unwrap_or_else(|| Range::exactly(&SemVer::new(0, 0, 0))),
            takes_quality: major.is_some_and(|it| it >= 6),
        }
    }
}

fn invalid(text: &str, why: &str) -> StandInError {
    StandInError::action(format!("The 'dotnet-version' was supplied in invalid format: {text}! {why}"))
}

/// Whether a value is one of `dotnet-channel`: `LTS`, `STS`, `8.0`, `8.0.1xx`.
pub(super) fn is_channel(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    is_lts_or_sts(text)
        || (parts.len() == 2 && parts.iter().all(|it| is_number(it)))
        || major_of_band(text).is_some_and(|it| it >= 5)
}

fn is_lts_or_sts(text: &str) -> bool {
    text.eq_ignore_ascii_case("lts") || text.eq_ignore_ascii_case("sts")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

/// The numbers of `8.0.1xx`: all SDKs whose patch is 100 to 199.
fn numbers_of_band(text: &str) -> Option<(u64, u64, u64)> {
    let mut parts = text.strip_suffix("xx")?.split('.');
    let mut number = || parts.next().filter(|it| is_number(it))?.parse().ok();
    let (major, minor, feature) = (number()?, number()?, number()?);
    (parts.next().is_none() && feature < 10).then_some((major, minor, feature))
}

fn major_of_band(text: &str) -> Option<u64> {
    numbers_of_band(text).map(|(major, _, _)| major)
}

fn band(text: &str) -> Option<Range> {
    let (major, minor, feature) = numbers_of_band(text)?;
    Range::strict(&format!(">={major}.{minor}.{feature}00 <{major}.{minor}.{}00", feature + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_requests() {
        let cases = [
            ("8.0.100", "", "8.0.100", "8.0.100", false, false),
            ("8.0", "", "8.0", ">=8.0.0 <8.1.0-0", false, true),
            ("8.0.x", "", "8.0", ">=8.0.0 <8.1.0-0", false, true),
            ("8", "", "8.0", ">=8.0.0 <8.1.0-0", false, true),
            ("8.x", "", "8.0", ">=8.0.0 <8.1.0-0", false, true),
            ("3", "", "3.1", ">=3.1.0 <3.2.0-0", false, false),
            ("8.0.1xx", "", "8.0.1xx", ">=8.0.100 <8.0.200", false, true),
            ("*", "", "LTS", "", true, false),
            (">=6.0", "", "LTS", "", true, false),
            ("", "", "LTS", "", true, false),
            ("Latest", "", "LTS", "", true, true),
            ("latest", "8.0", "8.0", ">=8.0.0 <8.1.0-0", false, true),
            ("latest", "STS", "LTS", "", true, true),
        ];
        for (text, channel, argument, range, is_newest, takes_quality) in cases {
            let request = Request::read(text, channel, 5).expect("is known");
            assert_eq!(
                (
                    request.argument.as_str(),
                    request.range.to_string().as_str(),
                    request.is_newest,
                    request.takes_quality
                ),
                (argument, range, is_newest, takes_quality),
                "{text} {channel}"
            );
        }
        for text in ["newest", "3.1.1xx", "8.0.10xx", "8.0.xx"] {
            assert!(Request::read(text, "", 5).is_err(), "{text}");
        }
        assert!(Request::read("latest", "", 4).is_err(), "v4 has no `latest`");
        for (text, expected) in
            [("LTS", true), ("8.0", true), ("8.0.1xx", true), ("4.0.1xx", false), ("8", false), ("x", false)]
        {
            assert_eq!(is_channel(text), expected, "{text}");
        }
    }
}
