//! What a command has around it: variables, working directory, streams. A value, so that tests can give their own.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// How something was done that was not done as the real command does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Another program did the same.
    StandIn,
    /// The effect was imitated.
    Simulated,
    /// It was left out.
    NotRun,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StandIn => "stand-in",
            Self::Simulated => "simulated",
            Self::NotRun => "not run",
        })
    }
}

/// The surroundings of one command.
pub struct Process<'a> {
    /// The environment's variables.
    pub variables: BTreeMap<String, String>,
    /// The working directory.
    pub directory: PathBuf,
    /// Standard input.
    pub input: &'a mut dyn Read,
    output: &'a mut dyn Write,
    errors: &'a mut dyn Write,
}

impl fmt::Debug for Process<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl<'a> Process<'a> {
    /// Surroundings made of parts.
    pub fn new(
        variables: BTreeMap<String, String>,
        directory: PathBuf,
        input: &'a mut dyn Read,
        output: &'a mut dyn Write,
        errors: &'a mut dyn Write,
    ) -> Self {
        Self { variables, directory, input, output, errors }
    }

    /// Surroundings with this process' variables and working directory.
    pub fn of_this_process(input: &'a mut dyn Read, output: &'a mut dyn Write, errors: &'a mut dyn Write) -> Self {
        let variables = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        Self::new(variables, std::env::current_dir().unwrap_or_default(), input, output, errors)
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// `$HOME`, else `/root`.
    pub fn home(&self) -> PathBuf {
        PathBuf::from(self.variable("HOME").unwrap_or("/root"))
    }

    /// A path as typed, from the working directory.
    pub fn path(&self, typed: impl AsRef<Path>) -> PathBuf {
        self.directory.join(typed)
    }

    /// Writes to stdout. A reader that is gone is no failure: the exit code still says how the command went.
    pub fn write(&mut self, text: &str) {
        self.output.write_all(text.as_bytes()).ok();
    }

    /// Writes a line to stdout.
    pub fn line(&mut self, text: &str) {
        self.output.write_all(text.as_bytes()).and_then(|()| self.output.write_all(b"\n")).ok();
    }

    /// Writes a line to stderr, after what went to stdout before it.
    pub fn error_line(&mut self, text: &str) {
        self.output.flush().ok();
        self.errors.write_all(text.as_bytes()).and_then(|()| self.errors.write_all(b"\n")).ok();
    }

    /// Hands everything written so far to the reader.
    pub fn flush(&mut self) {
        self.output.flush().ok();
        self.errors.flush().ok();
    }

    /// Declares that `subject` was not done as on GitHub, by a JSON line in the file named by `WFRUN_DECLARATIONS`.
    ///
    /// Where there is no such file, or it cannot be written, the declaration is a line on stderr: stdout may be read by
    /// a program, and a declaration is never lost.
    pub fn declare(&mut self, how: How, subject: &str, detail: &str) {
        let line = serde_json::json!({ "how": how.to_string(), "subject": subject, "detail": detail });
        let written = self.variable("WFRUN_DECLARATIONS").is_some_and(|file| {
            let opened = OpenOptions::new().append(true).create(true).open(self.path(file));
            opened.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes())).is_ok()
        });
        if !written {
            self.error_line(&format!("wfrun: {how}: {subject}: {detail}"));
        }
    }

    /// Says on stderr that something was left out, and declares it as `how`.
    pub fn not_run(&mut self, how: How, subject: &str, detail: &str) {
        self.error_line(&format!("wfrun: not run: {detail}"));
        if self.variable("WFRUN_DECLARATIONS").is_some() {
            self.declare(how, subject, detail);
        }
    }
}
