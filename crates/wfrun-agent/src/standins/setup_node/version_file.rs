//! The version that a file of the repository asks for.

use std::path::Path;

use serde_json::Value;

use crate::standins::error::StandInError;
use crate::standins::node_path::resolve;
use crate::standins::toolkit;

/// Reads `.nvmrc`, `.node-version`, `.tool-versions` or `package.json`; empty where it names none.
///
/// Source: `actions/setup-node`, `getNodeVersionFromFile`; up to v3 `parseNodeVersionFile`.
pub(super) fn read(file: &str, action: u32) -> Result<String, StandInError> {
    let path = toolkit::path_variable("GITHUB_WORKSPACE")?.join(file.trim_start_matches('/'));
    let found = version_in(&path, action)?;
    if found.is_none() {
        toolkit::warning(&format!("Could not determine node version from {}. Falling back", path.display()));
    }
    let version = found.unwrap_or_default();
    toolkit::info(&format!("Resolved {file} as {version}"));
    Ok(version)
}

fn version_in(path: &Path, action: u32) -> Result<Option<String>, StandInError> {
    if !path.exists() {
        return Err(StandInError::action(format!(
            "The specified node version file at: {} does not exist",
            path.display()
        )));
    }
    let text = std::fs::read_to_string(path).map_err(StandInError::file("read", path))?;
    if action == 2 {
        let version = text.trim();
        let plain = version.strip_prefix('v').filter(|it| it.starts_with(|c: char| c.is_ascii_digit()));
        return Ok(Some(plain.unwrap_or(version).to_owned()));
    }
    let Ok(manifest) = serde_json::from_str::<Value>(&text) else {
        toolkit::info("Node version file is not JSON file");
        return Ok(Some(plain_version(&text)));
    };
    // `20` alone is JSON, too.
    if !(manifest.is_object() || manifest.is_array()) {
        return Ok(Some(plain_version(&text)));
    }
    let named = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).filter(|it| !it.is_empty());
    if let Some(version) = named("/volta/node") {
        return Ok(Some(version.to_owned()));
    }
    if action >= 6
        && let Some(version) = manifest.pointer("/devEngines/runtime").and_then(of_runtimes)
    {
        return Ok(Some(version));
    }
    if let Some(version) = named("/engines/node") {
        return Ok(Some(version.to_owned()));
    }
    if action == 3 {
        return Ok(Some(plain_version(&text)));
    }
    let Some(extended) = named("/volta/extends") else { return Ok(None) };
    let extended = resolve(path.parent().unwrap_or(path), extended);
    toolkit::info(&format!("Resolving node version from {}", extended.display()));
    // A failure inside is taken for text that is not JSON, and so is the file itself.
    version_in(&extended, action).or_else(|_| {
        toolkit::info("Node version file is not JSON file");
        Ok(Some(plain_version(&text)))
    })
}

/// The version of the entry named `node`, of one or of several.
fn of_runtimes(runtimes: &Value) -> Option<String> {
    let all = runtimes.as_array().map_or(std::slice::from_ref(runtimes), Vec::as_slice);
    all.iter().find_map(|it| {
        let is_node = it["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("node"));
        it["version"].as_str().filter(|version| is_node && !version.is_empty()).map(str::to_owned)
    })
}

/// The first line that is a version, alone or after `node` or `nodejs`; else all of the text.
fn plain_version(text: &str) -> String {
    let on_line = |line: &str| {
        let after_name = ["nodejs", "node"].iter().find_map(|name| {
            let rest = line.strip_prefix(name)?;
            rest.starts_with(char::is_whitespace).then(|| rest.trim_start())
        });
        let version = after_name.unwrap_or(line);
        let plain = version.strip_prefix('v').filter(|it| !it.is_empty()).unwrap_or(version);
        (!plain.is_empty() && !plain.contains(char::is_whitespace)).then(|| plain.to_owned())
    };
    text.lines().find_map(on_line).unwrap_or_else(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("base.json"), r#"{"volta":{"node":"16.1.0"}}"#).expect("can write");
        let cases = [
            (4, "v20.11.1\n", "20.11.1"),
            (4, "lts/iron", "lts/iron"),
            (4, "20", "20"),
            (4, "python 3.12\nnodejs 18.1.0\nruby 3\n", "18.1.0"),
            (4, "node v18\n", "18"),
            (4, "# old\nother 1 2\n", "# old\nother 1 2"),
            (4, r#"{"engines":{"node":">=18"}}"#, ">=18"),
            (4, r#"{"engines":{"node":">=18"},"volta":{"node":"18.2.0"}}"#, "18.2.0"),
            (4, r#"{"volta":{"extends":"./base.json"}}"#, "16.1.0"),
            (4, r#"{"name":"x"}"#, "none"),
            (3, r#"{"name":"x"}"#, r#"{"name":"x"}"#),
            (4, r#"{"devEngines":{"runtime":{"name":"node","version":"22"}}}"#, "none"),
            (6, r#"{"devEngines":{"runtime":{"name":"Node","version":"22"}},"engines":{"node":"18"}}"#, "22"),
            (6, r#"{"devEngines":{"runtime":[{"name":"bun"},{"name":"node","version":"^22"}]}}"#, "^22"),
            (2, "v20.11.1\n", "20.11.1"),
            (2, "vnone\n", "vnone"),
            (2, r#"{"engines":{"node":"18"}}"#, r#"{"engines":{"node":"18"}}"#),
        ];
        for (action, text, expected) in cases {
            let file = folder.path().join("file");
            std::fs::write(&file, text).expect("can write");
            let version = version_in(&file, action).expect("can be read");
            assert_eq!(version.as_deref().unwrap_or("none"), expected, "v{action}: {text}");
        }
        assert!(version_in(&folder.path().join("nothing"), 4).is_err());
    }
}
