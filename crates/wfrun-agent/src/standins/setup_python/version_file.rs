//! The version that a file of the repository asks for.

use std::path::Path;

use super::ACTION;
use crate::standins::error::{REAL_ACTION, StandInError};
use crate::standins::semver::{Range, Rules};
use crate::standins::toolkit;

/// Reads `.python-version`, `.tool-versions`, `pyproject.toml` or `Pipfile`, each if the major version of the action does.
///
/// Source: `actions/setup-python`, `getVersionInputFromFile`.
pub(super) fn read(file: &str, action: u32) -> Result<Vec<String>, StandInError> {
    if !Path::new(file).exists() {
        return Err(StandInError::action(format!("The specified python version file at: {file} doesn't exist.")));
    }
    let text = std::fs::read_to_string(file).map_err(StandInError::file("read", file))?;
    if Path::new(file).extension().is_some_and(|it| it == "toml") {
        return project(file, &text);
    }
    if action >= 5 && file.contains(".tool-versions") {
        let version = tool_version(&text);
        if version.is_none() {
            toolkit::warning(&format!("No Python version found in {file}"));
        }
        return Ok(version.into_iter().collect());
    }
    if action >= 6 && file.contains("Pipfile") {
        return pipfile(file, &text);
    }
    Ok(plain(file, &text, action))
}

/// Reads a file that is nothing but versions.
pub(super) fn plain(file: &str, text: &str, action: u32) -> Vec<String> {
    let versions: Vec<String> = if action >= 6 {
        // `3.10/envs/name` is pyenv-virtualenv's way to name an environment.
        let lines = text.trim().lines().filter(|it| !it.starts_with('#') && !it.trim().is_empty());
        lines.filter_map(|it| it.trim().split('/').next()).map(str::to_owned).collect()
    } else {
        vec![text.trim().to_owned()]
    };
    toolkit::info(&format!("Resolved {file} as {}", versions.join(", ")));
    versions
}

fn project(file: &str, text: &str) -> Result<Vec<String>, StandInError> {
    let is_project = text.lines().any(|it| it.trim_start().starts_with("[project"));
    let (table, key) = if is_project { ("project", "requires-python") } else { ("tool.poetry.dependencies", "python") };
    let version = toml_value(text, table, key);
    if version.is_none() && text.contains(key) && text.contains(table) {
        return Err(not_read(file));
    }
    toolkit::info(&format!("Extracted {} from {file}", version.as_deref().unwrap_or_default()));
    let loose = Rules { loose: true, ..Rules::default() };
    // What is no range for npm is passed over.
    let range = version.and_then(|it| Range::parse(&it.replace(',', " "), loose));
    Ok(range.map(|it| if it.to_string().is_empty() { "*".to_owned() } else { it.to_string() }).into_iter().collect())
}

fn pipfile(file: &str, text: &str) -> Result<Vec<String>, StandInError> {
    if !text.lines().any(|it| it.trim() == "[requires]") {
        toolkit::warning(&format!("No Python version found in {file}"));
        return Ok(Vec::new());
    }
    let full = toml_value(text, "requires", "python_full_version");
    let version = full.or_else(|| toml_value(text, "requires", "python_version"));
    if version.is_none() && text.contains("python_version") {
        return Err(not_read(file));
    }
    toolkit::info(&format!("Extracted {} from {file}", version.as_deref().unwrap_or_default()));
    Ok(version.into_iter().collect())
}

fn not_read(file: &str) -> StandInError {
    StandInError::NotSupported {
        action: ACTION,
        what: format!("the way `{file}` names a version of Python"),
        way_out: format!("give the step `python-version` as well, {REAL_ACTION}"),
    }
}

fn tool_version(text: &str) -> Option<String> {
    let lines = text.lines().filter(|line| !line.trim().starts_with('#'));
    lines.filter_map(|line| line.trim().strip_prefix("python")).find_map(|rest| {
        let version = rest.trim_start();
        let version = version.strip_prefix('v').unwrap_or(version).trim_start();
        (!version.is_empty() && !version.contains(char::is_whitespace)).then(|| version.to_owned())
    })
}

/// The text of `key = "…"` under `[table]`: all of TOML that these files need for a version.
fn toml_value(text: &str, table: &str, key: &str) -> Option<String> {
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = name.trim() == table;
        } else if inside
            && let Some((name, value)) = line.split_once('=')
            && name.trim().trim_matches('"') == key
        {
            let value = value.trim();
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            return value[1..].split(quote).next().map(str::to_owned);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cases = [
            (7, ".python-version", "3.11.7\n# old\n3.10/envs/x\n", "3.11.7 | 3.10"),
            (5, ".python-version", "3.11.7\n", "3.11.7"),
            (5, ".tool-versions", "nodejs 20\n# python 3.9\npython v3.12.1\n", "3.12.1"),
            (5, ".tool-versions", "nodejs 20\n", ""),
            (4, ".tool-versions", "3.12", "3.12"),
            (
                5,
                "pyproject.toml",
                "[project]\nname = \"x\"\nrequires-python = \">=3.9,<3.13\" # why\n",
                ">=3.9.0 <3.13.0-0",
            ),
            (5, "pyproject.toml", "[project]\nrequires-python = \"==3.11.*,!=3.11.2\"\n", ">=3.11.0 <3.12.0-0"),
            (5, "pyproject.toml", "[project]\nname = \"x\"\n[tool.poetry.dependencies]\npython = '^3.11'\n", ""),
            (5, "pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.11'\n", ">=3.11.0 <4.0.0-0"),
            (5, "pyproject.toml", "[other]\nrequires-python = \"3.9\"\n", ""),
            (7, "Pipfile", "[requires]\npython_version = \"3.11\"\n", "3.11"),
            (7, "Pipfile", "[packages]\n", ""),
        ];
        for (action, name, text, expected) in cases {
            let file = folder.path().join(name);
            std::fs::write(&file, text).expect("can write");
            let versions = read(&file.to_string_lossy(), action).expect("can be read");
            assert_eq!(versions.join(" | "), expected, "{name} {text}");
        }
        let odd = folder.path().join("pyproject.toml");
        std::fs::write(&odd, "[project]\nrequires-python = [\"3.9\"]\n").expect("can write");
        assert!(read(&odd.to_string_lossy(), 5).is_err(), "said, not passed over");
    }
}
