//! The Pythons of this machine, and which of them comes nearest to the one asked for.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::semver::{PythonVersion, Range};
use crate::standins::{program, toolkit};

/// A Python that was asked about itself.
#[derive(Debug, Clone)]
pub(super) struct Interpreter {
    pub(super) executable: PathBuf,
    pub(super) version: PythonVersion,
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
    Exactly(PythonVersion),
    Minor(u32, u32),
    Nothing,
}

/// What was found for a range.
#[derive(Debug)]
pub(super) enum Choice {
    /// It satisfies the range.
    Satisfies(Interpreter),
    /// Nothing does; this one is nearest.
    Nearest(Interpreter),
    /// There is no Python of that major version, or none at all.
    Nothing,
}

/// Looks through `PATH`, pyenv's and the system's folders.
pub(super) fn choose(range: &Range) -> Choice {
    let candidates = candidates();
    let fitting = candidates.iter().filter(|it| it.known.may_satisfy(range)).filter_map(ask);
    let best = fitting.filter(|it| range.contains(&it.version)).max_by(|a, b| a.version.cmp(&b.version));
    if let Some(interpreter) = best {
        return Choice::Satisfies(interpreter);
    }
    let all: Vec<Interpreter> = candidates.iter().filter_map(ask).collect();
    let versions: Vec<PythonVersion> = all.iter().map(|it| it.version.clone()).collect();
    match nearest(range, &versions).and_then(|wanted| all.into_iter().find(|it| it.version == wanted)) {
        Some(interpreter) => Choice::Nearest(interpreter),
        None => Choice::Nothing,
    }
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

/// The nearest of `versions`: the same minor with the highest patch, else the smallest distance in minor (the newer of
/// two at the same distance) with the highest patch. Never another major, and no prerelease if there is a release.
pub(super) fn nearest(range: &Range, versions: &[PythonVersion]) -> Option<PythonVersion> {
    let wanted = range.wanted();
    let same_major = versions.iter().filter(|version| version.major == wanted.major);
    same_major
        .min_by_key(|version| {
            let distance = version.minor.abs_diff(wanted.minor);
            (version.is_prerelease(), distance, std::cmp::Reverse((*version).clone()))
        })
        .cloned()
}

impl Known {
    fn may_satisfy(&self, range: &Range) -> bool {
        match self {
            Self::Exactly(version) => range.contains(version),
            // No release has a patch beyond 99.
            Self::Minor(major, minor) => {
                (0..100).any(|patch| range.contains(&PythonVersion::new(*major, *minor, patch)))
            }
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
            if let Some(version) = PythonVersion::parse(&name) {
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
    let version = PythonVersion::parse(&answer.version)?;
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
    fn chooses_the_nearest() {
        let cases = [
            // (asked for, on the machine, used)
            ("3.11", "3.10.1 3.12.1", "3.12.1"),
            ("3.11", "3.10.1 3.13.0", "3.10.1"),
            ("3.11", "3.9.1 3.13.0 3.13.2", "3.13.2"),
            ("3.11.9", "3.11.2 3.11.7 3.12.0", "3.11.7"),
            ("3.14", "3.12.1 3.13.0 2.7.18", "3.13.0"),
            ("3.14", "3.14.0rc1 3.13.0", "3.13.0"),
            ("3.14", "3.14.0rc1", "3.14.0-rc1"),
            ("<3.6", "3.9.1 3.12.1", "3.9.1"),
            (">=3.9 <3.10", "3.8.1 3.11.1", "3.8.1"),
            ("2.7", "3.11.2", ""),
            ("3.11", "", ""),
        ];
        for (asked, present, expected) in cases {
            let range = Range::parse(asked, false).expect("is a range");
            let versions: Vec<PythonVersion> = present.split_whitespace().filter_map(PythonVersion::parse).collect();
            let used = nearest(&range, &versions).map(|version| version.to_string()).unwrap_or_default();
            assert_eq!(used, expected, "{asked} of {present}");
        }
    }

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
        let range = Range::parse("3.11", false).expect("is a range");
        assert!(Known::Minor(3, 11).may_satisfy(&range) && Known::Nothing.may_satisfy(&range));
        assert!(!Known::Minor(3, 12).may_satisfy(&range));
    }
}
