//! What `@actions/core` gives an action: inputs, outputs, state, masks, annotations. And [`declare`], which is ours.

use std::env;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::error::StandInError;

/// Prints one line of the step's log.
pub fn info(text: &str) {
    let mut out = std::io::stdout().lock();
    // The reader of the log may be gone; the exit code still says how the step went.
    writeln!(out, "{text}").and_then(|()| out.flush()).ok();
}

/// An input, trimmed; a missing one is empty.
///
/// Source: GitHub, "Metadata syntax", `inputs` (the variable is `INPUT_<NAME>`, spaces become `_`); `@actions/core` trims.
pub fn input(name: &str) -> String {
    variable(&input_variable(name)).trim().to_owned()
}

/// An input that must not be empty.
pub fn required_input(name: &str) -> Result<String, StandInError> {
    let value = input(name);
    if value.is_empty() {
        return Err(StandInError::Action(format!("Input required and not supplied: {name}")));
    }
    Ok(value)
}

/// An input of several lines: each trimmed, empty ones dropped.
pub fn input_lines(name: &str) -> Vec<String> {
    input(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// A boolean input by the rule of YAML 1.2's core schema; `default` where it is empty.
pub fn boolean_input(name: &str, default: bool) -> Result<bool, StandInError> {
    let value = input(name);
    if value.is_empty() { Ok(default) } else { boolean(name, &value) }
}

/// A boolean input as `core.getBooleanInput` reads it: what is empty is wrong, too.
pub fn strict_boolean_input(name: &str) -> Result<bool, StandInError> {
    boolean(name, &input(name))
}

/// The value of a boolean input by the rule of YAML 1.2's core schema.
pub(super) fn boolean(name: &str, value: &str) -> Result<bool, StandInError> {
    match value {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => Err(StandInError::Action(format!(
            "Input does not meet YAML 1.2 \"Core Schema\" specification: {name}\n\
             Support boolean input list: `true | True | TRUE | false | False | FALSE`"
        ))),
    }
}

/// A boolean input as most actions read it: `true` in any case, and nothing else.
pub fn loose_boolean_input(name: &str) -> bool {
    input(name).eq_ignore_ascii_case("true")
}

/// As JavaScript's `parseInt`: a sign and the digits at the beginning count; `None` where there are none.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
    let digits = &rest[..end];
    if digits.is_empty() { None } else { Some(digits.parse::<i64>().map_or(i64::MAX, |it| it.saturating_mul(sign))) }
}

/// Sets an output of the step.
pub fn set_output(name: &str, value: &str) -> Result<(), StandInError> {
    file_command("GITHUB_OUTPUT", "set-output", name, value)
}

/// Sets a variable for all later steps of the job.
pub fn export_variable(name: &str, value: &str) -> Result<(), StandInError> {
    file_command("GITHUB_ENV", "set-env", name, value)
}

/// Keeps a value for the post step; there it is [`state`].
pub fn save_state(name: &str, value: &str) -> Result<(), StandInError> {
    file_command("GITHUB_STATE", "save-state", name, value)
}

/// What the main step kept under this name; empty where it kept nothing.
pub fn state(name: &str) -> String {
    variable(&format!("STATE_{name}"))
}

/// Puts a folder in front of `PATH` for all later steps of the job.
pub fn add_path(folder: &Path) -> Result<(), StandInError> {
    let text = folder.to_string_lossy();
    let Some(file) = env::var_os("GITHUB_PATH").filter(|file| !file.is_empty()) else {
        info(&command("add-path", &[], &text));
        return Ok(());
    };
    append(Path::new(&file), &format!("{text}\n"))
}

/// Hides a value in all logs from here on. An empty one is passed over: it would hide everything.
pub fn mask(value: &str) {
    if !value.is_empty() {
        info(&command("add-mask", &[], value));
    }
}

/// Hides the signature in an address: who has it can read or write what is there.
///
/// Source: GitHub: execution rules E9.1.
pub(super) fn mask_signature(url: &str) {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|pair| pair.strip_prefix("sig=")).for_each(mask);
}

/// Where an annotation points and what it is called.
#[derive(Debug, Clone, Copy, Default)]
pub struct Annotation<'a> {
    /// The heading.
    pub title: Option<&'a str>,
    /// A file of the workspace.
    pub file: Option<&'a str>,
    /// A line of it, from 1.
    pub line: Option<u32>,
}

impl Annotation<'_> {
    fn properties(&self) -> Vec<(&'static str, String)> {
        let title = self.title.map(|title| ("title", title.to_owned()));
        let file = self.file.map(|file| ("file", file.to_owned()));
        let line = self.line.map(|line| ("line", line.to_string()));
        [title, file, line].into_iter().flatten().collect()
    }
}

/// An error annotation. It does not fail the step: the exit code does.
pub fn error(message: &str) {
    info(&command("error", &[], message));
}

/// A warning annotation.
pub fn warning(message: &str) {
    info(&command("warning", &[], message));
}

/// A warning annotation with a heading or a place.
pub fn warning_at(message: &str, annotation: &Annotation<'_>) {
    info(&command("warning", &annotation.properties(), message));
}

/// A notice annotation.
pub fn notice(message: &str) {
    info(&command("notice", &[], message));
}

/// A line seen only when step debugging is on.
pub fn debug(message: &str) {
    info(&command("debug", &[], message));
}

/// Opens a foldable group of log lines; [`end_group`] closes it.
pub fn start_group(title: &str) {
    info(&command("group", &[], title));
}

/// Closes the group.
pub fn end_group() {
    info(&command("endgroup", &[], ""));
}

/// How something was done that was not done as GitHub does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Another program, or another version of it, did the same.
    StandIn,
    /// The effect was imitated.
    Simulated,
    /// It was left out.
    NotRun,
}

impl How {
    fn word(self) -> &'static str {
        match self {
            Self::StandIn => "stand-in",
            Self::Simulated => "simulated",
            Self::NotRun => "not run",
        }
    }
}

/// Declares that `subject` was not done as on GitHub, by a JSON line in the file named by `WFRUN_DECLARATIONS`.
///
/// Where there is no such file, or it cannot be written, the declaration is a warning annotation: it is never lost.
pub fn declare(how: How, subject: &str, detail: &str) {
    let line = serde_json::json!({ "how": how.word(), "subject": subject, "detail": detail });
    let written = env::var_os("WFRUN_DECLARATIONS")
        .filter(|file| !file.is_empty())
        .is_some_and(|file| append(Path::new(&file), &format!("{line}\n")).is_ok());
    if !written {
        warning(&format!("{}: {subject}: {detail}", how.word()));
    }
}

/// A variable of the process; a missing one is empty.
pub fn variable(name: &str) -> String {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A path from a variable that every step has, such as `GITHUB_WORKSPACE`.
pub fn path_variable(name: &'static str) -> Result<PathBuf, StandInError> {
    match env::var_os(name).filter(|value| !value.is_empty()) {
        Some(value) => Ok(PathBuf::from(value)),
        None => Err(StandInError::NoVariable { name }),
    }
}

/// A file without a name in the step's temporary folder: it is gone when the program ends, however it ends.
pub(super) fn scratch_file() -> Result<File, StandInError> {
    let folder = path_variable("RUNNER_TEMP").unwrap_or_else(|_| env::temp_dir());
    tempfile::tempfile_in(&folder).map_err(StandInError::file("create a file in", folder))
}

fn input_variable(name: &str) -> String {
    format!("INPUT_{}", name.replace(' ', "_").to_uppercase())
}

/// A workflow command: `::name key=value,key=value::data`.
///
/// Source: GitHub, "Workflow commands for GitHub Actions"; the escapes are those of the execution rules E4.1.
fn command(name: &str, properties: &[(&'static str, String)], data: &str) -> String {
    let mut line = format!("::{name}");
    for (index, (key, value)) in properties.iter().enumerate() {
        let separator = if index == 0 { ' ' } else { ',' };
        let value = escape_data(value).replace(':', "%3A").replace(',', "%2C");
        write!(line, "{separator}{key}={value}").expect("a String takes any text");
    }
    line.push_str("::");
    line.push_str(&escape_data(data));
    line
}

fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn file_command(file_variable: &str, fallback: &'static str, name: &str, value: &str) -> Result<(), StandInError> {
    let Some(file) = env::var_os(file_variable).filter(|file| !file.is_empty()) else {
        info(&command(fallback, &[("name", name.to_owned())], value));
        return Ok(());
    };
    append(Path::new(&file), &heredoc(name, value))
}

/// The delimiter is new each time, so no value can end the entry early.
fn heredoc(name: &str, value: &str) -> String {
    let delimiter = format!("ghadelimiter_{}", Uuid::new_v4());
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

fn append(file: &Path, text: &str) -> Result<(), StandInError> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .and_then(|mut opened| opened.write_all(text.as_bytes()))
        .map_err(StandInError::file("append to", file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_variables_as_github_does() {
        assert_eq!(input_variable("aws-region"), "INPUT_AWS-REGION");
        assert_eq!(input_variable("my key"), "INPUT_MY_KEY");
        assert_eq!(input_variable("enableCrossOsArchive"), "INPUT_ENABLECROSSOSARCHIVE");
    }

    #[test]
    fn numbers_are_javascripts() {
        for (text, expected) in [
            ("3", Some(3)),
            ("3abc", Some(3)),
            (" 7 ", Some(7)),
            ("-1", Some(-1)),
            ("+5", Some(5)),
            ("2.9", Some(2)),
            ("abc", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(parse_int(text), expected, "{text:?}");
        }
    }

    #[test]
    fn escapes_commands() {
        assert_eq!(command("error", &[], "50%\r\nb"), "::error::50%25%0D%0Ab");
        let annotation = Annotation { title: Some("a: b, c%"), file: Some("x.py"), line: Some(3) };
        assert_eq!(
            command("warning", &annotation.properties(), "m: n, o"),
            "::warning title=a%3A b%2C c%25,file=x.py,line=3::m: n, o"
        );
    }

    #[test]
    fn heredocs_keep_the_value() {
        let text = heredoc("a", "x\n\ny\n");
        let (first, rest) = text.split_once('\n').expect("has lines");
        let delimiter = first.strip_prefix("a<<").expect("opens a heredoc");
        assert!(delimiter.starts_with("ghadelimiter_") && delimiter.len() == 13 + 36, "{delimiter}");
        assert_eq!(rest, format!("x\n\ny\n\n{delimiter}\n"));
    }
}
