//! The version that a `global.json` asks for.

use std::path::Path;

use serde_json::Value;

use super::ACTION;
use crate::standins::error::{REAL_ACTION, StandInError};
use crate::standins::semver::SemVer;

/// Reads the file that `global-json-file` names.
pub(super) fn read_named(file: &str, action: u32) -> Result<String, StandInError> {
    if !Path::new(file).exists() {
        return Err(StandInError::action(format!("The specified global.json file '{file}' does not exist")));
    }
    read(file, action)
}

/// Reads the one of the working folder; `None` where there is none.
pub(super) fn read_default(action: u32) -> Result<Option<String>, StandInError> {
    if Path::new("global.json").exists() { read("global.json", action).map(Some) } else { Ok(None) }
}

fn read(file: &str, action: u32) -> Result<String, StandInError> {
    let text = std::fs::read_to_string(file).map_err(StandInError::file("read", file))?;
    let text = text.trim().trim_start_matches('\u{feff}');
    let plain = if action >= 4 { without_comments(text) } else { text.to_owned() };
    let json: Value = serde_json::from_str(&plain).map_err(|err| StandInError::NotSupported {
        action: ACTION,
        what: format!("the way `{file}` is written ({err})"),
        way_out: format!("write it as JSON, give the step `dotnet-version`, {REAL_ACTION}"),
    })?;
    version_in(&json, action)
}

/// Source: `actions/setup-dotnet`, `getVersionFromGlobalJson`.
fn version_in(json: &Value, action: u32) -> Result<String, StandInError> {
    let text = |name: &str| {
        let value = &json["sdk"][name];
        match value.as_str() {
            Some(text) => text.to_owned(),
            None if value.is_null() => String::new(),
            None => value.to_string(),
        }
    };
    let (version, roll) = (text("version"), text("rollForward"));
    if version.is_empty() || roll.is_empty() {
        return Ok(version);
    }
    let parts: Vec<&str> = version.split('.').collect();
    let first = |count: usize| parts.iter().take(count).copied().collect::<Vec<_>>().join(".");
    if action < 5 {
        return Ok(if roll == "latestFeature" { first(2) } else { version });
    }
    if SemVer::parse(&version).is_some_and(|it| it.is_prerelease()) {
        return Ok(version);
    }
    let is_number = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let feature = parts.get(2).filter(|it| it.len() >= 3 && !it.starts_with('0'));
    let (3, true, Some(feature)) = (parts.len(), parts.iter().all(is_number), feature) else {
        return Err(StandInError::action(format!(
            "Version '{version}' is not valid for the 'sdk.version' value in global.json. When 'rollForward' is specified, a \
             full SDK version is required. See: https://learn.microsoft.com/en-us/dotnet/core/tools/global-json"
        )));
    };
    Ok(match roll.as_str() {
        "latestMajor" => String::new(),
        "latestMinor" => first(1),
        "latestFeature" => first(2),
        "latestPatch" => format!("{}.{}xx", first(2), &feature[..1]),
        _ => version,
    })
}

/// JSON5 as far as people write it: without comments and commas before a bracket.
fn without_comments(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let end = string_end(rest);
            result.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.find('\n').map_or("", |at| &comment[at..]);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else {
            if matches!(first, '}' | ']') && result.trim_end().ends_with(',') {
                result.truncate(result.trim_end().len() - 1);
            }
            result.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    result
}

/// Where the string that a text begins with ends.
fn string_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        let cases = [
            (3, r#"{"sdk":{"version":"8.0.100"}}"#, "8.0.100"),
            (3, r#"{"sdk":{"version":"8.0.100","rollForward":"latestFeature"}}"#, "8.0"),
            (3, r#"{"sdk":{"version":"8.0.100","rollForward":"latestPatch"}}"#, "8.0.100"),
            (5, r#"{"sdk":{"version":"8.0.100","rollForward":"latestPatch"}}"#, "8.0.1xx"),
            (5, r#"{"sdk":{"version":"8.0.100","rollForward":"latestFeature"}}"#, "8.0"),
            (5, r#"{"sdk":{"version":"8.0.100","rollForward":"latestMinor"}}"#, "8"),
            (5, r#"{"sdk":{"version":"8.0.100","rollForward":"latestMajor"}}"#, ""),
            (5, r#"{"sdk":{"version":"8.0.100","rollForward":"disable"}}"#, "8.0.100"),
            (5, r#"{"sdk":{"version":"8.0.100-rc.1","rollForward":"latestMinor"}}"#, "8.0.100-rc.1"),
            (5, r#"{"msbuild-sdks":{}}"#, ""),
        ];
        for (action, text, expected) in cases {
            let json = serde_json::from_str(text).expect("is JSON");
            assert_eq!(version_in(&json, action).expect("is known"), expected, "v{action} {text}");
        }
        let short = serde_json::from_str(r#"{"sdk":{"version":"8.0","rollForward":"latestMinor"}}"#).expect("is JSON");
        assert!(version_in(&short, 5).is_err());
    }

    #[test]
    fn comments_go() {
        let text = "{ // one\n \"a//b\": \"x\\\"/*y\", /* two */ \"c\": [1, 2,],\n}";
        let json: Value = serde_json::from_str(&without_comments(text)).expect("is JSON");
        assert_eq!(json, serde_json::json!({ "a//b": "x\"/*y", "c": [1, 2] }));
    }
}
