//! A Python in the tool cache: a virtual environment with a pip of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::interpreters::{Interpreter, wheel_folders};
use super::semver::{PythonVersion, Range};
use crate::standins::error::StandInError;
use crate::standins::{program, toolkit};

/// A Python of the tool cache.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) version: String,
    /// `$RUNNER_TOOL_CACHE/Python/<version>/<arch>`.
    pub(super) folder: PathBuf,
}

impl Tool {
    pub(super) fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }
}

/// `x64` or `arm64`, as the tool cache names this machine's processor.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        "x86" => "x86",
        other => other,
    }
}

/// The highest version in the tool cache that satisfies the range.
///
/// Source: GitHub: execution rules E9.10: `Python/<version>/<arch>/` counts only beside a file `<arch>.complete`.
pub(super) fn find(cache: &Path, range: &Range) -> Option<Tool> {
    let root = cache.join("Python");
    let architecture = architecture();
    let versions = fs::read_dir(&root).into_iter().flatten().flatten();
    versions
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = PythonVersion::parse(&name).filter(|version| range.contains(version))?;
            let folder = entry.path().join(architecture);
            let complete = entry.path().join(format!("{architecture}.complete")).exists();
            // The interpreter behind an environment may have been taken off the machine since.
            (complete && folder.join("bin/python").exists()).then_some((version, Tool { version: name, folder }))
        })
        .max_by(|(a, _), (b, _)| a.cmp(b))
        .map(|(_, tool)| tool)
}

/// Makes the environment and puts pip into it.
///
/// Differs: `actions/setup-python` gives a Python of its own; here it is a virtual environment of one on this machine, so `pip install --user` is refused.
pub(super) fn make(cache: &Path, interpreter: &Interpreter) -> Result<Tool, StandInError> {
    let version = interpreter.version.to_string();
    let parent = cache.join("Python").join(&version);
    let folder = parent.join(architecture());
    fs::create_dir_all(&parent).map_err(StandInError::file("create", &parent))?;
    // Two jobs may share the tool cache: the second waits, and takes what the first has made.
    let lock = parent.join(format!("{}.lock", architecture()));
    let held = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let held = held.map_err(StandInError::file("lock", &lock))?;
    let complete = parent.join(format!("{}.complete", architecture()));
    if complete.exists() && folder.join("bin/python").exists() {
        return Ok(Tool { version, folder });
    }
    let mut command = Command::new(&interpreter.executable);
    command.args(["-I", "-c", MAKE]).arg(&folder);
    command.args(wheels(interpreter));
    // A folder of modules that the workflow names must not reach into the making of the environment.
    command.env_remove("PYTHONHOME").env_remove("PYTHONPATH");
    let output = program::output(&mut command, None, INSTALL)?;
    if !output.status.success() {
        return Err(StandInError::Program {
            program: format!("{} -m venv {}", interpreter.executable.display(), folder.display()),
            status: output.status.to_string(),
            message: format!("{}; {INSTALL}", String::from_utf8_lossy(&output.stderr).trim()),
        });
    }
    fs::write(&complete, "").map_err(StandInError::file("write", &complete))?;
    drop(held);
    Ok(Tool { version, folder })
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
