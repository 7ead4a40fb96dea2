//! The shells of `run` steps.
//!
//! Source: GitHub: execution rules E2.1.
use thiserror::Error;

use crate::split_words;

/// How to start a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellCommand {
    /// The shell, to be found on the search path.
    pub command: String,
    /// Its arguments; `{0}` stands for the script's path.
    pub arguments: Vec<String>,
    /// The script file's extension, with its dot, or nothing.
    pub extension: &'static str,
    /// What the log shows behind the shell: `-e {0}`.
    pub format: String,
    /// The shell to take where `command` is not there.
    pub fallback: Option<&'static str>,
    /// Lines around the script.
    pub wrap: Option<(&'static str, &'static str)>,
}

/// A `shell:` that GitHub refuses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShellError {
    /// It has no `{0}`.
    #[error(
        "Invalid shell option. Shell must be a valid built-in (bash, sh, cmd, powershell, pwsh) or a format string containing '{{0}}'"
    )]
    NoPlaceholder,
    /// Its braces are no format of .NET's.
    #[error("Input string was not in a correct format.")]
    Format,
    /// It has a `{1}`, or a higher number.
    #[error("Index (zero based) must be greater than or equal to zero and less than the size of the argument list.")]
    Index,
}

struct Known {
    name: &'static str,
    arguments: &'static str,
    extension: &'static str,
}

const SHELLS: &[Known] = &[
    Known { name: "bash", arguments: "--noprofile --norc -e -o pipefail {0}", extension: ".sh" },
    Known { name: "sh", arguments: "-e {0}", extension: ".sh" },
    Known { name: "python", arguments: "{0}", extension: ".py" },
    Known { name: "pwsh", arguments: "-command \". '{0}'\"", extension: ".ps1" },
    Known { name: "powershell", arguments: "-command \". '{0}'\"", extension: ".ps1" },
    Known { name: "cmd", arguments: "/D /E:ON /V:OFF /S /C \"CALL \"{0}\"\"", extension: ".cmd" },
];

const CMD_WRAP: (&str, &str) = ("@echo off\n", "");
const POWERSHELL_WRAP: (&str, &str) = (
    "$ErrorActionPreference = 'stop'\n",
    "\nif ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }",
);

impl ShellCommand {
    /// The command for a `shell:`; `None` or empty is the default of the platform, or of a job container.
    pub fn of(shell: Option<&str>, in_container: bool) -> Result<Self, ShellError> {
        let Some(shell) = shell.filter(|it| !it.is_empty()) else { return Ok(Self::unspecified(in_container)) };
        // Only the first space separates the command from its arguments.
        let (command, given) = match shell.split_once(' ') {
            Some((command, arguments)) => (command, arguments.trim()),
            None => (shell, ""),
        };
        let known = SHELLS.iter().find(|it| it.name.eq_ignore_ascii_case(command));
        let format = if given.is_empty() { known.map_or("", |it| it.arguments) } else { given };
        if !format.contains("{0}") {
            return Err(ShellError::NoPlaceholder);
        }
        let wrap = match known.map(|it| it.extension) {
            Some(".ps1") => Some(POWERSHELL_WRAP),
            Some(".cmd") => Some(CMD_WRAP),
            Some(_) | None => None,
        };
        Ok(Self {
            command: command.to_owned(),
            arguments: split_words(&unescaped(format)?),
            extension: known.map_or("", |it| it.extension),
            format: format.to_owned(),
            fallback: None,
            wrap,
        })
    }

    /// Without `shell:`, bash with the arguments of sh, so without `pipefail`; in a job container sh itself.
    fn unspecified(in_container: bool) -> Self {
        let command = if in_container { "sh" } else { "bash" };
        Self {
            command: command.to_owned(),
            arguments: split_words("-e {0}"),
            extension: ".sh",
            format: "-e {0}".to_owned(),
            fallback: (!in_container).then_some("sh"),
            wrap: None,
        }
    }
}

/// Undoes .NET's doubling of braces; `{0}` stays.
///
/// Source: GitHub: execution rules E2.1, "`{0}`".
fn unescaped(format: &str) -> Result<String, ShellError> {
    let (mut text, mut rest) = (String::new(), format);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let doubled = ["{{", "}}"].into_iter().find(|it| from.starts_with(it));
        if let Some(doubled) = doubled {
            text.push_str(&doubled[1..]);
            rest = &from[2..];
        } else if let Some(after) = from.strip_prefix("{0}") {
            text.push_str("{0}");
            rest = after;
        } else {
            let number = from.strip_prefix('{').and_then(|it| it.split_once('}')).map(|(it, _)| it);
            let is_number = number.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
            return Err(if is_number { ShellError::Index } else { ShellError::Format });
        }
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(shell: Option<&str>, command: &str, arguments: &[&str], extension: &str) {
        let found = ShellCommand::of(shell, false).expect("a valid shell");
        assert_eq!((found.command.as_str(), found.extension), (command, extension));
        assert_eq!(found.arguments, arguments);
    }

    /// Source: GitHub: execution rules E2.1.
    #[test]
    fn table() {
        check(None, "bash", &["-e", "{0}"], ".sh");
        check(Some(""), "bash", &["-e", "{0}"], ".sh");
        check(Some("bash"), "bash", &["--noprofile", "--norc", "-e", "-o", "pipefail", "{0}"], ".sh");
        check(Some("sh"), "sh", &["-e", "{0}"], ".sh");
        check(Some("python"), "python", &["{0}"], ".py");
        check(Some("bash -x {0}"), "bash", &["-x", "{0}"], ".sh");
        check(Some("perl {0}"), "perl", &["{0}"], "");
        check(Some("/bin/bash -e \"{0}\""), "/bin/bash", &["-e", "{0}"], "");
        check(Some("Bash"), "Bash", &["--noprofile", "--norc", "-e", "-o", "pipefail", "{0}"], ".sh");
        check(Some("pwsh -command \"& '{0}'\""), "pwsh", &["-command", "& '{0}'"], ".ps1");
        check(Some("bash -c 'a {0}' {{}} {0}"), "bash", &["-c", "'a", "{0}'", "{}", "{0}"], ".sh");
        // Only where nothing is asked for sh may take bash's place.
        assert_eq!(ShellCommand::of(None, false).map(|it| it.fallback), Ok(Some("sh")));
        assert_eq!(ShellCommand::of(Some("bash"), false).map(|it| it.fallback), Ok(None));
        check(Some("pwsh"), "pwsh", &["-command", ". '{0}'"], ".ps1");
        // As .NET parts them: at blanks and tabs alone, with quotes in quotes, and backslashes that count only before a quote.
        check(Some("bash -x\t{0}\n-v"), "bash", &["-x", "{0}\n-v"], ".sh");
        check(Some(r#"sh -c "a ""b"" {0}""#), "sh", &["-c", r#"a "b" {0}"#], ".sh");
        check(Some(r#"perl \\"-I a\\" \\x {0}"#), "perl", &[r"\-I a\", r"\\x", "{0}"], "");
        check(Some("cmd"), "cmd", &["/D", "/E:ON", "/V:OFF", "/S", "/C", "CALL {0}"], ".cmd");
    }

    /// Source: GitHub: execution rules E2.1: bash is not looked for there.
    #[test]
    fn in_a_job_container() {
        let unspecified = ShellCommand::of(None, true).expect("a valid shell");
        assert_eq!((unspecified.command.as_str(), unspecified.fallback), ("sh", None));
        let bash = ShellCommand::of(Some("bash"), true).expect("a valid shell");
        assert_eq!((bash.command.as_str(), bash.fallback), ("bash", None));
    }

    #[test]
    fn refused() {
        for shell in ["bash -x", "perl", "python -u"] {
            assert_eq!(ShellCommand::of(Some(shell), false), Err(ShellError::NoPlaceholder), "{shell}");
        }
        for (shell, err) in [
            ("sh {0} {1}", ShellError::Index),
            ("sh {0} {", ShellError::Format),
            ("sh {0} }", ShellError::Format),
            ("sh {0} {x}", ShellError::Format),
        ] {
            assert_eq!(ShellCommand::of(Some(shell), false), Err(err), "{shell}");
        }
    }
}
