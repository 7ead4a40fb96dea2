//! Where a stand-in looks for programs: `PATH`, with what it put in front itself.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::error::StandInError;
use super::{program, toolkit};

/// Folders with programs, those that are looked at first in front.
#[derive(Debug, Clone)]
pub(super) struct SearchPath {
    folders: Vec<PathBuf>,
    /// Variables that the step has set, and so its programs have.
    variables: Vec<(&'static str, OsString)>,
}

impl SearchPath {
    /// `PATH` as the step has it.
    pub(super) fn of_the_step() -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).filter(|it| !it.as_os_str().is_empty()).collect();
        Self { folders, variables: Vec::new() }
    }

    /// Sets a variable for the programs of this step.
    pub(super) fn set(&mut self, name: &'static str, value: impl AsRef<OsStr>) {
        self.variables.push((name, value.as_ref().to_owned()));
    }

    /// The folders, in order.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Puts a folder in front, for this step's programs and, as `core.addPath` does, for later steps.
    pub(super) fn add(&mut self, folder: &Path) -> Result<(), StandInError> {
        self.folders.insert(0, folder.to_owned());
        toolkit::add_path(folder)
    }

    /// The program of this name that would be started.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return Some(PathBuf::from(name));
        }
        let is_program = |path: &PathBuf| {
            std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
        };
        self.folders.iter().map(|folder| folder.join(name)).find(is_program)
    }

    /// As [`Self::find`]; one that is not there is an error in the words of `@actions/io`.
    pub(super) fn find_or_say(&self, name: &str) -> Result<PathBuf, StandInError> {
        self.find(name).ok_or_else(|| {
            StandInError::action(format!(
                "Unable to locate executable file: {name}. Please verify either the file path exists or the file can be \
                 found within a directory specified by the PATH environment variable. Also check the file mode to verify \
                 the file is executable."
            ))
        })
    }

    /// A command with this search path in its environment.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("PATH", self.value());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn value(&self) -> OsString {
        // A folder of `PATH` holds no colon, and one of ours has come from there or from the tool cache.
        env::join_paths(&self.folders).unwrap_or_else(|_| env::var_os("PATH").unwrap_or_default())
    }

    /// Runs a command as `@actions/exec` does: the log shows the command and what it prints. Returns what it printed on
    /// stdout, trimmed, or what went wrong in the words of the actions that ask tools for their folders.
    ///
    /// Source: `@actions/exec`, `getExecOutput`; `getCommandOutput` of `actions/setup-node`.
    pub(super) fn ask(&self, words: &[&str], folder: Option<&Path>) -> Result<String, StandInError> {
        answer(&words.join(" "), &self.run(words, folder)?)
    }

    /// As [`Self::ask`], without a word in the log. `way_out` is for a program that does not start.
    pub(super) fn ask_silently(&self, line: &str, way_out: &'static str) -> Result<String, StandInError> {
        let mut words = line.split(' ');
        let found = self.find_or_say(words.next().unwrap_or_default())?;
        answer(line, &program::output(self.command(&found).args(words), None, way_out)?)
    }

    /// Runs a command as `@actions/exec` does, where its failure is the step's.
    pub(super) fn exec(&self, words: &[&str], folder: Option<&Path>) -> Result<(), StandInError> {
        let output = self.run(words, folder)?;
        let name = words.first().and_then(|it| self.find(it)).unwrap_or_default();
        match output.status.code() {
            Some(0) => Ok(()),
            Some(code) => {
                Err(StandInError::action(format!("The process '{}' failed with exit code {code}", name.display())))
            }
            None => Err(StandInError::action(format!("The process '{}' failed", name.display()))),
        }
    }

    /// Runs a command, with the log showing it and what it prints.
    pub(super) fn run(&self, words: &[&str], folder: Option<&Path>) -> Result<Output, StandInError> {
        let (name, arguments) = words.split_first().expect("a command has a name");
        let found = self.find_or_say(name)?;
        toolkit::info(format!("[command]{} {}", found.display(), arguments.join(" ")).trim_end());
        let mut command = self.command(&found);
        command.args(arguments);
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        let output = program::output(&mut command, None, "it is not on this machine")?;
        for stream in [&output.stderr, &output.stdout] {
            String::from_utf8_lossy(stream).lines().for_each(toolkit::info);
        }
        Ok(output)
    }
}

/// What a program says on stdout, or its failure.
fn answer(line: &str, output: &Output) -> Result<String, StandInError> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(StandInError::action(match (told.trim(), output.status.code()) {
        ("", Some(code)) => format!("The '{line}' command failed with exit code: {code}"),
        _ => told,
    }))
}
