//! The Go versions of this machine, and a link to one in the tool cache.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{NAME, PROGRAM, TOOLCHAIN, go_version, parse_version};
use crate::standins::error::StandInError;
use crate::standins::program;
use crate::standins::search_path::SearchPath;
use crate::standins::semver::SemVer;
use crate::standins::tool_cache::{Tool, ToolCache};
use crate::standins::toolkit;

/// A Go that was asked for its version and its folder.
#[derive(Debug, Clone)]
pub(super) struct Go {
    root: PathBuf,
    pub(super) version: SemVer,
}

/// What to tell a user whose machine has no Go.
pub(super) const INSTALL: &str =
    "Install Go (Debian and Ubuntu: `apt-get install golang`, or see https://go.dev/doc/install)";

/// Folders with a folder for each version, and the program inside of each; `~` is the home folder.
const PLACES: &[(&str, &str)] = &[
    ("/usr/lib", PROGRAM),
    ("/usr/local", PROGRAM),
    ("~/sdk", PROGRAM),
    ("~/.goenv/versions", PROGRAM),
    ("~/.local/share/mise/installs/go", PROGRAM),
    ("~/.asdf/installs/golang", "go/bin/go"),
];

/// Every Go on `PATH`, in the system's folders and of version managers, each once.
pub(super) fn all() -> Vec<Go> {
    let mut seen = HashSet::new();
    candidates().iter().filter_map(|it| ask(it)).filter(|it| seen.insert(it.root.clone())).collect()
}

fn candidates() -> Vec<PathBuf> {
    let path = SearchPath::of_the_step();
    let listed = path.folders().iter().filter(|it| !it.ends_with("shims")).map(|it| it.join("go"));
    let mut found: Vec<PathBuf> = listed.chain(["/usr/local/bin/go", "/usr/bin/go"].map(PathBuf::from)).collect();
    let home = toolkit::variable("HOME");
    for (root, program) in PLACES {
        let versions = fs::read_dir(root.replacen('~', &home, 1)).into_iter().flatten().flatten();
        found.extend(versions.map(|it| it.path().join(program)));
    }
    found.retain(|it| it.is_file());
    found
}

fn ask(executable: &Path) -> Option<Go> {
    let tell = |arguments: &[&str]| {
        let mut command = Command::new(executable);
        command.args(arguments).env(TOOLCHAIN, "local").env_remove("GOROOT");
        let output = program::output(&mut command, None, INSTALL).ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let version = go_version(&parse_version(&tell(&["version"])?))?;
    let root = PathBuf::from(tell(&["env", "GOROOT"])?.trim());
    root.join(PROGRAM).is_file().then_some(Go { root, version })
}

/// Puts it into the tool cache.
///
/// Differs: `actions/setup-go` gives a Go of its own; here it is a link to one on this machine.
pub(super) fn make(cache: &ToolCache, go: &Go) -> Result<Tool, StandInError> {
    toolkit::info(&format!("Found on this machine @ {}", go.root.display()));
    cache.make(NAME, &go.version.to_string(), PROGRAM, |folder| {
        // A link to a Go that is no more.
        if folder.is_symlink() {
            fs::remove_file(folder).map_err(StandInError::file("remove", folder))?;
        }
        symlink(&go.root, folder).map_err(StandInError::file("create", folder))
    })
}
