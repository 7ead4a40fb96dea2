//! A profile of `~/.aws/config` and `~/.aws/credentials`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::error::CliError;
use crate::standins::cli::process::Process;

/// The settings of a profile, those of the credentials file over those of the configuration file.
#[derive(Debug, Default)]
pub(super) struct Profile {
    settings: BTreeMap<String, String>,
}

impl Profile {
    /// The profile of that name, else of `AWS_PROFILE`, else `default`, which need not exist.
    pub(super) fn load(name: Option<&str>, process: &Process<'_>) -> Result<Self, CliError> {
        let named =
            name.or_else(|| process.variable("AWS_PROFILE")).or_else(|| process.variable("AWS_DEFAULT_PROFILE"));
        let name = named.unwrap_or("default");
        let mut found = false;
        let mut settings = BTreeMap::new();
        let in_config = if name == "default" { name.to_owned() } else { format!("profile {name}") };
        for (path, section) in [(config_path(process), in_config), (credentials_path(process), name.to_owned())] {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if let Some(lines) = section_lines(&text, &section) {
                found = true;
                settings.extend(lines);
            }
        }
        if !found && named.is_some_and(|name| name != "default") {
            return Err(CliError::General(format!("The config profile ({name}) could not be found")));
        }
        Ok(Self { settings })
    }

    /// A setting that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.settings.get(name).filter(|value| !value.is_empty()).cloned()
    }
}

/// `AWS_CONFIG_FILE`, else `~/.aws/config`.
pub(super) fn config_path(process: &Process<'_>) -> PathBuf {
    process.variable("AWS_CONFIG_FILE").map_or_else(|| process.home().join(".aws/config"), |path| process.path(path))
}

/// `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`.
pub(super) fn credentials_path(process: &Process<'_>) -> PathBuf {
    let set = process.variable("AWS_SHARED_CREDENTIALS_FILE");
    set.map_or_else(|| process.home().join(".aws/credentials"), |path| process.path(path))
}

fn section_lines(text: &str, section: &str) -> Option<Vec<(String, String)>> {
    let mut inside = false;
    let mut found = None;
    for line in text.lines() {
        if let Some(name) = section_name(line) {
            inside = name == section;
            if inside {
                found.get_or_insert_with(Vec::new);
            }
        } else if inside && let Some((key, value)) = setting(line) {
            found.get_or_insert_with(Vec::new).push((key.to_owned(), value.to_owned()));
        }
    }
    found
}

/// The text with `key = value` set in a section, which is added where it is missing.
pub(super) fn with_setting(text: &str, section: &str, key: &str, value: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let assignment = format!("{key} = {value}");
    let Some(header) = lines.iter().position(|line| section_name(line) == Some(section)) else {
        lines.extend([format!("[{section}]"), assignment]);
        return lines.join("\n") + "\n";
    };
    let after = lines[header + 1..].iter().position(|line| section_name(line).is_some());
    let end = after.map_or(lines.len(), |offset| header + 1 + offset);
    let existing = lines[header + 1..end].iter().position(|line| setting(line).is_some_and(|(name, _)| name == key));
    match existing {
        Some(offset) => lines[header + 1 + offset] = assignment,
        None => lines.insert(end, assignment),
    }
    lines.join("\n") + "\n"
}

fn section_name(line: &str) -> Option<&str> {
    line.trim().strip_prefix('[')?.strip_suffix(']').map(str::trim)
}

fn setting(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    // Indented lines belong to a nested section, and `#` and `;` begin comments.
    (!line.starts_with([' ', '\t', '#', ';'])).then(|| (key.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_sets() {
        let text = "# c\n[default]\nregion = eu-west-1\ns3 =\n  region = x\n[profile a]\noutput=text\n";
        let lines = section_lines(text, "default").expect("is there");
        assert_eq!(lines[0], ("region".to_owned(), "eu-west-1".to_owned()));
        assert!(section_lines(text, "b").is_none());
        let set = with_setting(text, "default", "region", "us-east-1");
        assert!(set.contains("[default]\nregion = us-east-1\ns3 =\n"), "{set}");
        let set = with_setting(&set, "profile a", "region", "r");
        assert!(set.ends_with("[profile a]\noutput=text\nregion = r\n"), "{set}");
        assert_eq!(with_setting("", "default", "k", "v"), "[default]\nk = v\n");
    }
}
