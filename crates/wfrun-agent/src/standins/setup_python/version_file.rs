//! The version that a file of the repository asks for.

use std::path::Path;

use super::ACTION;
use crate::standins::error::StandInError;
use crate::standins::toolkit;

/// Reads `.python-version`, `.tool-versions`, `pyproject.toml` or `Pipfile`.
///
/// Source: `actions/setup-python`, "Using the python-version-file input".
pub(super) fn read(file: &str) -> Result<Vec<String>, StandInError> {
    if !Path::new(file).exists() {
        return Err(StandInError::action(format!("The specified python version file at: {file} doesn't exist.")));
    }
    let text = std::fs::read_to_string(file).map_err(StandInError::file("read", file))?;
    let versions = versions_in(file, &text);
    if versions.is_empty() {
        return Err(StandInError::NotSupported {
            action: ACTION,
            what: format!("the way `{file}` names a version of Python"),
            way_out: "give the step `python-version` as well".to_owned(),
        });
    }
    toolkit::info(&format!("Resolved {file} as {}", versions.join(", ")));
    Ok(versions)
}

fn versions_in(file: &str, text: &str) -> Vec<String> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    if Path::new(file).extension().is_some_and(|extension| extension == "toml") {
        let project = toml_value(text, "project", "requires-python");
        return project.or_else(|| toml_value(text, "tool.poetry.dependencies", "python")).into_iter().collect();
    }
    if file.contains("Pipfile") {
        let full = toml_value(text, "requires", "python_full_version");
        return full.or_else(|| toml_value(text, "requires", "python_version")).into_iter().collect();
    }
    if file.contains(".tool-versions") {
        let version = lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("python")).then(|| words.next()).flatten()
        });
        return version.map(|version| version.trim_start_matches('v').to_owned()).into_iter().collect();
    }
    // `3.10/envs/name` is pyenv-virtualenv's way to name an environment.
    lines().filter_map(|line| line.split('/').next()).map(str::to_owned).collect()
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
        let cases = [
            (".python-version", "3.11.7\n# old\n3.10/envs/x\n", "3.11.7 | 3.10"),
            (".tool-versions", "nodejs 20\npython v3.12.1\n", "3.12.1"),
            ("pyproject.toml", "[project]\nname = \"x\"\nrequires-python = \">=3.9,<3.13\" # why\n", ">=3.9,<3.13"),
            ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.11'\n", "^3.11"),
            ("pyproject.toml", "[other]\nrequires-python = \"3.9\"\n", ""),
            ("Pipfile", "[requires]\npython_version = \"3.11\"\n", "3.11"),
        ];
        for (file, text, expected) in cases {
            assert_eq!(versions_in(file, text).join(" | "), expected, "{file}");
        }
    }
}
