//! The version that a file of the repository asks for.

use std::ffi::OsStr;
use std::path::Path;

use super::TOOLCHAIN;
use crate::standins::error::StandInError;
use crate::standins::toolkit;

/// Reads `go.mod`, `go.work`, `.go-version` or, from v6 on, `.tool-versions`; empty where it names none.
///
/// Source: `actions/setup-go`, `parseGoVersionFile`.
pub(super) fn read(file: &str, action: u32) -> Result<String, StandInError> {
    if !Path::new(file).exists() {
        return Err(StandInError::action(format!("The specified go version file at: {file} does not exist")));
    }
    let text = std::fs::read_to_string(file).map_err(StandInError::file("read", file))?;
    let is_local = toolkit::variable(TOOLCHAIN) == "local";
    let name = Path::new(file).file_name().and_then(OsStr::to_str).unwrap_or(file);
    Ok(version_in(name, &text, action, is_local))
}

fn version_in(name: &str, text: &str, action: u32, is_local: bool) -> String {
    match name {
        "go.mod" | "go.work" => {
            let toolchain = text.lines().find_map(|it| it.strip_prefix("toolchain go").and_then(toolchain));
            let toolchain = toolchain.filter(|_| action >= 6 && !is_local);
            let directive =
                || text.lines().find_map(|it| it.strip_prefix("go ").map(numbers).filter(|it| !it.is_empty()));
            toolchain.or_else(directive).unwrap_or_default()
        }
        ".tool-versions" if action >= 6 => {
            let line =
                text.lines().find_map(|it| it.strip_prefix("golang").filter(|it| it.starts_with(char::is_whitespace)));
            line.and_then(|it| it.split('#').next()).map(|it| it.trim().to_owned()).unwrap_or_default()
        }
        _ => text.trim().to_owned(),
    }
}

/// The numbers that a text begins with: `1.22.1` of `1.22.1-x`.
fn numbers(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let end = text[..end].trim_end_matches('.').len();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        text[..end].split("..").next().unwrap_or_default().to_owned()
    } else {
        String::new()
    }
}

/// `1.22.1` or `1.22rc1` at the beginning of a text; Go 1 alone counts.
fn toolchain(text: &str) -> Option<String> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let minor = text.strip_prefix("1.").map(digits).filter(|it| *it > 0)?;
    let (version, rest) = text.split_at(2 + minor);
    let end =
        ["rc", "."].iter().find_map(|it| Some(it.len() + digits(rest.strip_prefix(it)?)).filter(|end| *end > it.len()));
    Some(format!("{version}{}", &rest[..end.unwrap_or(0)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        let module = "module octo\n\ngo 1.22.1\n\ntoolchain go1.23.4\n";
        let cases = [
            (5, false, "go.mod", module, "1.22.1"),
            (6, false, "go.mod", module, "1.23.4"),
            (6, true, "go.mod", module, "1.22.1"),
            (6, false, "go.mod", "go 1.22\ntoolchain go1.22rc2-x\n", "1.22rc2"),
            (6, false, "go.mod", "go 1.22\ntoolchain default\n", "1.22"),
            (6, false, "go.mod", "module octo\n", ""),
            (6, false, "go.mod", "// go 1.2\ngo 1.21rc2\n", "1.21"),
            (3, false, "go.work", "go 1.20\n\nuse ./a\n", "1.20"),
            (5, false, ".go-version", "1.21.3\n", "1.21.3"),
            (6, false, ".tool-versions", "nodejs 20\ngolang 1.22.5 # new\n", "1.22.5"),
            (5, false, ".tool-versions", "golang 1.22.5\n", "golang 1.22.5"),
        ];
        for (action, is_local, name, text, expected) in cases {
            assert_eq!(version_in(name, text, action, is_local), expected, "v{action} {name} {text}");
        }
    }
}
