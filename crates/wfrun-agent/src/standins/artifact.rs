//! Stand-ins for `actions/upload-artifact` and `actions/download-artifact`.
//!
//! They talk to the same service as the real ones, with the same archives: what one uploads the other downloads.

mod archive;
mod blocks;
mod download;
mod glob;
mod name_pattern;
mod names;
mod service;
mod upload;

use super::error::StandInError;
use super::{Invocation, toolkit};

pub(super) fn run_upload(invocation: &Invocation) -> Result<(), StandInError> {
    refuse_old("actions/upload-artifact", invocation)?;
    upload::run(invocation.version)
}

pub(super) fn run_download(invocation: &Invocation) -> Result<(), StandInError> {
    refuse_old("actions/download-artifact", invocation)?;
    download::run(invocation.version)
        .map_err(|err| StandInError::action(format!("Unable to download artifact(s): {}", err.chain())))
}

/// Source: <https://github.blog/changelog/2024-04-16-deprecation-notice-v3-of-the-artifact-actions/>
/// Differs: versions of the artifact actions before v4 fail their step; GitHub fails the job before it begins.
fn refuse_old(action: &str, invocation: &Invocation) -> Result<(), StandInError> {
    let major = invocation.version.major;
    if major > 3 {
        return Ok(());
    }
    Err(StandInError::action(format!(
        "This request has been automatically failed because it uses a deprecated version of `{action}: v{major}`. Learn \
         more: https://github.blog/changelog/2024-04-16-deprecation-notice-v3-of-the-artifact-actions/"
    )))
}

/// As `core.getBooleanInput` reads it: what is empty is wrong, too.
fn strict_boolean(name: &str) -> Result<bool, StandInError> {
    match toolkit::input(name).as_str() {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => Err(StandInError::action(format!(
            "Input does not meet YAML 1.2 \"Core Schema\" specification: {name}\n\
             Support boolean input list: `true | True | TRUE | false | False | FALSE`"
        ))),
    }
}

/// As JavaScript's `parseInt`: a sign and the digits at the beginning count; `None` where there are none.
fn parse_int(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
    let digits = &rest[..end];
    if digits.is_empty() { None } else { Some(digits.parse::<i64>().map_or(i64::MAX, |it| it.saturating_mul(sign))) }
}

#[cfg(test)]
mod tests {
    use super::parse_int;

    #[test]
    fn numbers_are_javascripts() {
        for (text, expected) in [
            ("3", Some(3)),
            ("3abc", Some(3)),
            (" 7 ", Some(7)),
            ("-1", Some(-1)),
            ("+5", Some(5)),
            ("abc", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(parse_int(text), expected, "{text:?}");
        }
    }
}
