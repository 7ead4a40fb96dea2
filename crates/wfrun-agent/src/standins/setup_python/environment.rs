//! A Python in the tool cache: a virtual environment with a pip of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::interpreters::{Interpreter, wheel_folders};
use crate::standins::error::StandInError;
use crate::standins::tool_cache::{Tool, ToolCache};
use crate::standins::{program, toolkit};

/// The tool's name in the tool cache.
pub(super) const NAME: &str = "Python";
/// Its program there.
pub(super) const PROGRAM: &str = "bin/python";

/// Makes the environment and puts pip into it.
///
/// Differs: `actions/setup-python` gives a Python of its own; here it is a virtual environment of one on this machine, so `pip install --user` is refused.
pub(super) fn make(cache: &ToolCache, interpreter: &Interpreter) -> Result<Tool, StandInError> {
    cache.make(NAME, &interpreter.version.to_string(), PROGRAM, |folder| fill(folder, interpreter))
}

fn fill(folder: &Path, interpreter: &Interpreter) -> Result<(), StandInError> {
    let mut command = Command::new(&interpreter.executable);
    command.args(["-I", "-c", MAKE]).arg(folder);
    command.args(wheels(interpreter));
    // A folder of modules that the workflow names must not reach into the making of the environment.
    command.env_remove("PYTHONHOME").env_remove("PYTHONPATH");
    let output = program::output(&mut command, None, INSTALL)?;
    if output.status.success() {
        return Ok(());
    }
    Err(StandInError::Program {
        program: format!("{} -m venv {}", interpreter.executable.display(), folder.display()),
        status: output.status.to_string(),
        message: format!("{}; {INSTALL}", String::from_utf8_lossy(&output.stderr).trim()),
    })
}

/// What to tell a user whose machine has no usable Python.
pub(super) const INSTALL: &str =
    "install Python 3 with its `venv` module and pip (Debian and Ubuntu: `apt-get install python3-venv python3-pip`)";

/// A wheel of pip, and one of setuptools for the versions that came with it (before 3.12).
fn wheels(interpreter: &Interpreter) -> Vec<PathBuf> {
    let folders = wheel_folders(interpreter);
    let find = |project: &str| {
        folders.iter().find_map(|folder| {
            let mut names: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
            names.sort();
            names.into_iter().rev().find(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                name.starts_with(&format!("{project}-")) && name.ends_with("-none-any.whl")
            })
        })
    };
    let setuptools = if interpreter.version.minor < 12 { find("setuptools") } else { None };
    let Some(pip) = find("pip") else {
        toolkit::debug("no wheel of pip was found; ensurepip is tried");
        return Vec::new();
    };
    std::iter::once(pip).chain(setuptools).collect()
}

/// `venv --without-pip` and an unpacked wheel take a tenth of the time of `venv` with `ensurepip`.
const MAKE: &str = include_str!("make_environment.py");
