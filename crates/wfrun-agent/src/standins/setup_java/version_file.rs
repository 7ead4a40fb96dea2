//! The version that a file of the repository asks for.

use std::path::Path;

use crate::standins::error::StandInError;
use crate::standins::semver::Range;
use crate::standins::toolkit;

/// What a file names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) version: String,
    /// Only where the file names one, from v5 on.
    pub(super) distribution: Option<&'static str>,
}

/// Reads `.java-version`, from v4 on `.tool-versions`, and from v5 on `.sdkmanrc`.
///
/// Source: `actions/setup-java`, `getVersionFromFileContent`.
pub(super) fn read(file: &str, distribution: &str, action: u32) -> Result<Named, StandInError> {
    if !Path::new(file).exists() {
        return Err(StandInError::action(format!("ENOENT: no such file or directory, open '{file}'")));
    }
    let text = std::fs::read_to_string(file).map_err(StandInError::file("read", file))?;
    let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy().into_owned();
    named_in(&name, text.trim(), distribution, action)
        .ok_or_else(|| StandInError::action(format!("No supported version was found in file {file}")))
}

fn named_in(name: &str, text: &str, distribution: &str, action: u32) -> Option<Named> {
    let (version, found) = match name {
        ".tool-versions" if action >= 5 => in_tool_versions(text)?,
        ".tool-versions" if action == 4 => (in_tool_versions_v4(text)?, None),
        ".sdkmanrc" if action >= 5 => in_sdkmanrc(text)?,
        _ => (anywhere(text)?, None),
    };
    let version = version.strip_prefix("1.").unwrap_or(&version);
    let version = match Range::strict(version.split('-').next().unwrap_or_default()) {
        Some(_) => version.to_owned(),
        None => coerced(version)?,
    };
    let is_major = found.unwrap_or(distribution) == "corretto";
    let version = if is_major { coerced(&version)?.split('.').next()?.to_owned() } else { version };
    Some(Named { version, distribution: found })
}

/// The first word that begins with a digit, alone or behind a `-`: `17.0.10` of `temurin-17.0.10`.
fn anywhere(text: &str) -> Option<String> {
    let begins = |(at, c): &(usize, char)| {
        let before = text[..*at].chars().next_back();
        c.is_ascii_digit() && before.is_none_or(|it| it.is_whitespace() || it == '-')
    };
    let (at, _) = text.char_indices().find(begins)?;
    text[at..].split_whitespace().next().map(str::to_owned)
}

/// What stands behind `java` on its line, whatever vendor is before the version.
fn in_tool_versions_v4(text: &str) -> Option<String> {
    let line = text.lines().find_map(|it| it.strip_prefix("java").filter(|it| it.starts_with(char::is_whitespace)))?;
    let line = line.trim_start();
    let ends = line.match_indices('-').map(|(at, _)| at + 1).rev().chain([0]);
    ends.map(|at| line[at..].strip_prefix('v').unwrap_or(&line[at..])).find(|it| is_version(it)).map(str::to_owned)
}

/// `17`, `17.0.10`, `17.0.10+7`, each perhaps with `-ea` or `-ea.3`.
fn is_version(text: &str) -> bool {
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let (text, early) = text.split_once("-ea").map_or((text, ""), |(before, after)| (before, after));
    let (numbers, build) = text.split_once('+').map_or((text, "0"), |(numbers, build)| (numbers, build));
    let parts: Vec<&str> = numbers.split('.').collect();
    parts.len() <= 3
        && parts.iter().all(|it| is_number(it))
        && is_number(build)
        && (early.is_empty() || early.strip_prefix('.').is_some_and(is_number))
}

fn in_tool_versions(text: &str) -> Option<(String, Option<&'static str>)> {
    let line = text.lines().find_map(|it| {
        let word = it.get(.."java".len()).filter(|it| it.eq_ignore_ascii_case("java"))?;
        it[word.len()..].strip_prefix(char::is_whitespace)
    })?;
    let word = line.split_whitespace().next()?;
    let is_number = |at: &usize| word[*at..].starts_with(|c: char| c.is_ascii_digit());
    let at = word.match_indices('-').map(|(at, _)| at + 1).rev().chain([0]).find(is_number)?;
    let vendor = word[..at].trim_end_matches('-');
    let end = word[at..].find(|c: char| !(c.is_ascii_alphanumeric() || "._+-".contains(c))).unwrap_or(word.len() - at);
    let version = word[at..at + end].trim_end_matches(['.', '_', '+', '-']).to_owned();
    if vendor.is_empty() {
        return Some((version, None));
    }
    let found = of_asdf(&vendor.to_lowercase());
    if found.is_none() {
        toolkit::warning(&format!(
            "Unknown asdf distribution identifier '{vendor}'. Please specify the distribution explicitly."
        ));
    }
    Some((version, found))
}

/// The distribution behind a name of asdf's.
fn of_asdf(vendor: &str) -> Option<&'static str> {
    if vendor.starts_with("graalvm-community") {
        return Some("graalvm-community");
    }
    if vendor.starts_with("oracle-graalvm") {
        return Some("graalvm");
    }
    Some(match vendor.split('-').next()? {
        "temurin" | "adoptopenjdk" => "temurin",
        "semeru" | "ibm" => "semeru",
        "zulu" => "zulu",
        "corretto" => "corretto",
        "liberica" => "liberica",
        "microsoft" => "microsoft",
        "dragonwell" => "dragonwell",
        "graalvm" => "graalvm",
        "oracle" => "oracle",
        "sapmachine" => "sapmachine",
        "kona" => "kona",
        "jetbrains" => "jetbrains",
        _ => return None,
    })
}

fn in_sdkmanrc(text: &str) -> Option<(String, Option<&'static str>)> {
    let value = text.lines().find_map(|it| it.strip_prefix("java")?.trim_start().strip_prefix('='))?.trim_start();
    let end = value.find(|c: char| c == '-' || c.is_whitespace()).unwrap_or(value.len());
    let (version, rest) = value.split_at(end);
    if version.is_empty() {
        return None;
    }
    let vendor: String = rest
        .strip_prefix('-')
        .unwrap_or_default()
        .chars()
        .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        .collect();
    if vendor.is_empty() {
        return Some((version.to_owned(), None));
    }
    let found = of_sdkman(&vendor);
    if found.is_none() {
        toolkit::warning(&format!(
            "Unknown SDKMAN distribution identifier '{vendor}'. Please specify the distribution explicitly."
        ));
    }
    Some((version.to_owned(), found))
}

/// The distribution behind a name of SDKMAN's.
fn of_sdkman(vendor: &str) -> Option<&'static str> {
    Some(match vendor {
        "tem" => "temurin",
        "sem" => "semeru",
        "albba" | "dragonwell" => "dragonwell",
        "zulu" => "zulu",
        "amzn" => "corretto",
        "graal" | "graalce" => "graalvm",
        "librca" => "liberica",
        "ms" => "microsoft",
        "oracle" => "oracle",
        "sapmchn" => "sapmachine",
        "jbr" => "jetbrains",
        "kona" => "kona",
        _ => return None,
    })
}

/// The first number, with two more behind it, or 0: `17.0.8` of `17.0.8.1+1`.
fn coerced(text: &str) -> Option<String> {
    let at = text.find(|c: char| c.is_ascii_digit())?;
    let end = text[at..].find(|c: char| !(c.is_ascii_digit() || c == '.')).map_or(text.len(), |end| at + end);
    let mut parts: Vec<&str> = text[at..end].split('.').filter(|it| !it.is_empty()).take(3).collect();
    parts.resize(3, "0");
    Some(parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        let cases = [
            (3, ".java-version", "17", "temurin", "17", None),
            (3, ".java-version", "temurin-17.0.10+7", "temurin", "17.0.10+7", None),
            (3, ".java-version", "1.8", "temurin", "8", None),
            (3, ".java-version", "openjdk64-11.0.2", "zulu", "11.0.2", None),
            (3, ".java-version", "17.0.8.1+1", "zulu", "17.0.8", None),
            (3, ".java-version", "17.0.10", "corretto", "17", None),
            (4, ".tool-versions", "nodejs 20\njava temurin-17.0.10+7", "temurin", "17.0.10+7", None),
            (4, ".tool-versions", "java openjdk-21-ea", "temurin", "21-ea", None),
            (5, ".tool-versions", "nodejs 20\njava temurin-17.0.10+7\n", "", "17.0.10+7", Some("temurin")),
            (5, ".tool-versions", "java semeru-openj9-11.0.25+9", "", "11.0.25+9", Some("semeru")),
            (5, ".tool-versions", "java graalvm-community-21.0.1", "", "21.0.1", Some("graalvm-community")),
            (5, ".tool-versions", "java corretto-21.0.1.12.1", "", "21", Some("corretto")),
            (5, ".tool-versions", "java 21", "zulu", "21", None),
            (5, ".sdkmanrc", "# x\njava=21.0.5-tem", "", "21.0.5", Some("temurin")),
            (5, ".sdkmanrc", "java = 17.0.2", "zulu", "17.0.2", None),
        ];
        for (action, name, text, distribution, version, found) in cases {
            let named = named_in(name, text, distribution, action);
            let expected = Named { version: version.to_owned(), distribution: found };
            assert_eq!(named, Some(expected), "v{action} {name}: {text}");
        }
        for (action, name, text) in
            [(3, ".java-version", "none"), (4, ".tool-versions", "nodejs 20"), (5, ".sdkmanrc", "x")]
        {
            assert_eq!(named_in(name, text, "temurin", action), None, "{name}: {text}");
        }
    }
}
