//! The Pythons of this machine, and which of them comes nearest to the one asked for.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::request::python_version;
use crate::standins::semver::{Range, SemVer};
use crate::standins::{program, toolkit};

/// A Python that was asked about itself.
#[derive(Debug, Clone)]
pub(super) struct Interpreter {
    pub(super) executable: PathBuf,
    pub(super) version: SemVer,
    /// Where wheels of pip may lie: with this interpreter, or where its distribution keeps them.
    pub(super) wheel_folders: Vec<PathBuf>,
}

/// A file that may be a Python, with what its place says about its version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    executable: PathBuf,
    known: Known,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    Exactly(SemVer),
    Minor(u64, u64),
    Nothing,
}

/// Looks through `PATH`, pyenv's and the system's folders: for those that satisfy the range or, where there are none, for all.
pub(super) fn find(range: &Range) -> Vec<(SemVer, Interpreter)> {
    let candidates = candidates();
    let with_version = |it: Interpreter| (it.version.clone(), it);
    let fitting = candidates.iter().filter(|it| it.known.may_satisfy(range)).filter_map(ask).map(with_version);
    let fitting: Vec<_> = fitting.filter(|(version, _)| range.contains(version)).collect();
    // Only where none of these is one are all the others started, to be asked.
    if fitting.is_empty() { candidates.iter().filter_map(ask).map(with_version).collect() } else { fitting }
}

/// Folders that hold wheels of pip for any interpreter, those of `interpreter` first.
pub(super) fn wheel_folders(interpreter: &Interpreter) -> Vec<PathBuf> {
    let mut folders = interpreter.wheel_folders.clone();
    folders.push(PathBuf::from("/usr/share/python-wheels"));
    for root in pyenv_roots() {
        for version in entries(&root.join("versions")) {
            for library in entries(&version.join("lib")) {
                folders.push(library.join("ensurepip/_bundled"));
            }
        }
    }
    folders
}

impl Known {
    fn may_satisfy(&self, range: &Range) -> bool {
        match self {
            Self::Exactly(version) => range.contains(version),
            // No release has a patch beyond 99.
            Self::Minor(major, minor) => (0..100).any(|patch| range.contains(&SemVer::new(*major, *minor, patch))),
            Self::Nothing => true,
        }
    }
}

fn candidates() -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for root in pyenv_roots() {
        for folder in entries(&root.join("versions")) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(version) = python_version(&name) {
                add(&mut found, &mut seen, &folder.join("bin/python"), Known::Exactly(version));
            }
        }
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let listed = env::split_paths(&path).filter(|folder| !is_shims(folder));
    for folder in listed.chain(["/usr/local/bin", "/usr/bin"].map(PathBuf::from)) {
        for executable in entries(&folder) {
            let name = executable.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(known) = known_by_name(&name) {
                add(&mut found, &mut seen, &executable, known);
            }
        }
    }
    found
}

fn add(found: &mut Vec<Candidate>, seen: &mut HashSet<PathBuf>, executable: &Path, known: Known) {
    // `python3` is a link to `python3.11`: one of them is enough. A virtual environment's link leads to its base, so
    // what is found this way is never an environment of the user's.
    if let Ok(real) = fs::canonicalize(executable)
        && seen.insert(real.clone())
    {
        let by_real_name = known_by_name(&real.file_name().unwrap_or_default().to_string_lossy());
        let known = if known == Known::Nothing { by_real_name.unwrap_or(Known::Nothing) } else { known };
        found.push(Candidate { executable: real, known });
    }
}

fn known_by_name(name: &str) -> Option<Known> {
    let rest = name.strip_prefix("python")?;
    if rest.is_empty() || rest == "3" {
        return Some(Known::Nothing);
    }
    let (major, minor) = rest.split_once('.')?;
    Some(Known::Minor(major.parse().ok()?, minor.parse().ok()?))
}

/// pyenv's folders: the one it names, and those whose `shims` are on `PATH`.
///
/// A shim is a script that may choose another version with each folder it is started in, so it is never asked; the
/// interpreters that it chooses from are.
fn pyenv_roots() -> Vec<PathBuf> {
    let named = Some(toolkit::variable("PYENV_ROOT")).filter(|root| !root.is_empty()).map(PathBuf::from);
    let home =
        Some(toolkit::variable("HOME")).filter(|home| !home.is_empty()).map(|home| Path::new(&home).join(".pyenv"));
    let path = env::var_os("PATH").unwrap_or_default();
    let shims =
        env::split_paths(&path).filter(|folder| is_shims(folder)).filter_map(|it| it.parent().map(PathBuf::from));
    let mut seen = HashSet::new();
    let all = named.into_iter().chain(shims.collect::<Vec<_>>()).chain(home);
    all.filter(|root| seen.insert(root.clone())).collect()
}

fn is_shims(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == "shims")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// What a Python says about itself.
#[derive(Deserialize)]
struct Answer {
    implementation: String,
    version: String,
    executable: PathBuf,
    wheels: Vec<PathBuf>,
}

const QUESTION: &str = include_str!("describe_interpreter.py");

fn ask(candidate: &Candidate) -> Option<Interpreter> {
    let mut command = Command::new(&candidate.executable);
    command.args(["-I", "-S", "-c", QUESTION]);
    let output = program::output(&mut command, None, "it is not needed").ok()?;
    let answer: Answer = serde_json::from_slice(&output.stdout).ok()?;
    let version = python_version(&answer.version)?;
    (answer.implementation == "cpython").then_some(Interpreter {
        executable: answer.executable,
        version,
        wheel_folders: answer.wheels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_names() {
        let cases = [
            ("python", Some(Known::Nothing)),
            ("python3", Some(Known::Nothing)),
            ("python3.11", Some(Known::Minor(3, 11))),
            ("python3.11-config", None),
            ("python3.13t", None),
            ("pythonw", None),
            ("pip", None),
        ];
        for (name, expected) in cases {
            assert_eq!(known_by_name(name), expected, "{name}");
        }
        let range = Range::strict("3.11").expect("is a range");
        assert!(Known::Minor(3, 11).may_satisfy(&range) && Known::Nothing.may_satisfy(&range));
        assert!(!Known::Minor(3, 12).may_satisfy(&range));
    }
}
