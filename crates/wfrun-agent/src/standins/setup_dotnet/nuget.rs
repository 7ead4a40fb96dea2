//! The `nuget.config` that `source-url` asks for.

use std::fs;
use std::path::{Path, PathBuf};

use crate::standins::error::StandInError;
use crate::standins::node_path::resolve;
use crate::standins::toolkit;
use crate::standins::xml::{Element, Reading};

/// Writes user and password for a package source into `nuget.config` in the folder above the working folder.
///
/// Source: `actions/setup-dotnet`, `src/authutil.ts`.
pub(super) fn write_config(url: &str) -> Result<(), StandInError> {
    let here = std::env::current_dir().map_err(StandInError::file("find", "the working folder"))?;
    let present = resolve(&here, existing(&here));
    let written = resolve(&here, "../nuget.config");
    toolkit::info(&format!(
        "dotnet-auth: Finding any source references in {}, writing a new temporary configuration file with credentials to {}",
        present.display(),
        written.display()
    ));
    let owner = Some(toolkit::input("owner")).filter(|it| !it.is_empty());
    let repository = toolkit::variable("GITHUB_REPOSITORY");
    let owner = owner.unwrap_or_else(|| repository.split('/').next().unwrap_or_default().to_owned());
    let token = toolkit::variable("NUGET_AUTH_TOKEN");
    if token.is_empty() {
        return Err(StandInError::action(
            "The NUGET_AUTH_TOKEN environment variable was not provided. In this step, add the following: \r\nenv:\r\n  \
             NUGET_AUTH_TOKEN: ${{secrets.GITHUB_TOKEN}}",
        ));
    }
    let keys = match fs::read_to_string(&present) {
        Ok(text) => keys_of(&text, url)?,
        Err(_) => Vec::new(),
    };
    let text = config(url, &keys, &owner, &token)?;
    fs::write(&written, text).map_err(StandInError::file("write", &written))
}

/// The file that `config-file` names, or the one of the working folder in whatever case.
fn existing(here: &Path) -> PathBuf {
    let given = toolkit::input("config-file");
    if !given.is_empty() {
        return PathBuf::from(given);
    }
    let mut names: Vec<_> = fs::read_dir(here).into_iter().flatten().flatten().map(|it| it.file_name()).collect();
    names.sort();
    let found = names.into_iter().find(|it| it.to_string_lossy().eq_ignore_ascii_case("nuget.config"));
    found.map_or_else(|| PathBuf::from("nuget.config"), PathBuf::from)
}

/// The names under which a configuration has this source.
fn keys_of(text: &str, url: &str) -> Result<Vec<String>, StandInError> {
    let root = Element::parse(text, Reading::WithoutComments).filter(|it| it.name == "configuration");
    let root = root.ok_or_else(|| StandInError::action("The provided NuGet.config seems invalid."))?;
    let sources = root.children().iter().find(|it| it.name == "packageSources");
    let added = sources.map(Element::children).unwrap_or_default().iter().filter(|it| it.name == "add");
    let url = url.to_lowercase();
    let found = added.filter(|it| it.attribute("value").to_lowercase().contains(&url));
    Ok(found.map(|it| it.attribute("key").to_owned()).collect())
}

fn config(url: &str, keys: &[String], owner: &str, token: &str) -> Result<String, StandInError> {
    let add = |key: &str, value: &str| {
        let mut element = Element::text("add", "");
        element.attributes = vec![("key".to_owned(), key.to_owned()), ("value".to_owned(), value.to_owned())];
        element
    };
    let mut parts = vec![Element::of("config", vec![add("defaultPushSource", url)])];
    let own = ["Source".to_owned()];
    let keys = if keys.is_empty() {
        parts.push(Element::of("packageSources", vec![add("Source", url)]));
        &own
    } else {
        keys
    };
    let mut credentials = Vec::new();
    for key in keys {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if key.is_empty() || !key.chars().all(is_name) {
            return Err(StandInError::action(
                "Source name can contain letters, numbers, and '-', '_', '.' symbols only. Please, fix source name in \
                 NuGet.config and try again.",
            ));
        }
        credentials.push(Element::of(key, vec![add("Username", owner), add("ClearTextPassword", token)]));
    }
    parts.push(Element::of("packageSourceCredentials", credentials));
    Ok(format!("<?xml version=\"1.0\"?>\n{}", Element::of("configuration", parts).print(None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_sources() {
        let text = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<configuration>\n  <!-- ours -->\n  <packageSources>\n    \
                    <clear />\n    <add key=\"octo\" value=\"https://Octo.io/index.json\" />\n    <add key=\"nuget\" \
                    value=\"https://api.nuget.org\" />\n  </packageSources>\n</configuration>";
        assert_eq!(keys_of(text, "https://octo.io").expect("is one"), ["octo"]);
        assert!(keys_of(text, "https://other.io").expect("is one").is_empty());
        assert!(keys_of("<other/>", "https://octo.io").is_err());
        assert!(config("https://octo.io", &["a b".to_owned()], "octo", "t").is_err());
    }
}
