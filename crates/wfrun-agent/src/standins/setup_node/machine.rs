//! The Node.js versions of this machine, and a place for one in the tool cache.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{NAME, PROGRAM};
use crate::standins::error::StandInError;
use crate::standins::program;
use crate::standins::search_path::SearchPath;
use crate::standins::semver::SemVer;
use crate::standins::tool_cache::{Tool, ToolCache};
use crate::standins::toolkit::{self, How};

/// A Node.js that was asked for its version.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Where it really is, behind all links.
    executable: PathBuf,
    pub(super) version: SemVer,
}

/// What to tell a user whose machine has no Node.js.
pub(super) const INSTALL: &str = "Install Node.js with npm (Debian and Ubuntu: `apt-get install nodejs npm`)";

/// Where version managers keep their versions, below the home folder, and the program inside of each.
const MANAGERS: &[(&str, &str)] = &[
    (".nvm/versions/node", "bin/node"),
    (".asdf/installs/nodejs", "bin/node"),
    (".nodenv/versions", "bin/node"),
    (".volta/tools/image/node", "bin/node"),
    (".local/share/mise/installs/node", "bin/node"),
    (".local/share/fnm/node-versions", "installation/bin/node"),
    ("n/n/versions/node", "bin/node"),
];

/// Every Node.js on `PATH`, in the system's folders and of version managers, each once.
pub(super) fn all() -> Vec<Node> {
    let mut seen = HashSet::new();
    let real = candidates().into_iter().filter_map(|it| fs::canonicalize(it).ok());
    // A version manager's program that stands for many has another name behind its links.
    let nodes = real.filter(|it| it.file_name().is_some_and(|it| it == "node" || it == "nodejs"));
    nodes
        .filter(|it| seen.insert(it.clone()))
        .filter_map(|it| Some(Node { version: told_version(&it)?, executable: it }))
        .collect()
}

fn candidates() -> Vec<PathBuf> {
    let path = SearchPath::of_the_step();
    let listed = path.folders().iter().filter(|it| !it.ends_with("shims")).map(PathBuf::as_path);
    let folders = listed.chain(["/usr/local/bin", "/usr/bin"].map(Path::new));
    let mut found: Vec<PathBuf> = folders.flat_map(|it| [it.join("node"), it.join("nodejs")]).collect();
    let home = PathBuf::from(toolkit::variable("HOME"));
    let nvm = Some(toolkit::variable("NVM_DIR")).filter(|it| !it.is_empty());
    let roots = nvm.map(|it| (PathBuf::from(it).join("versions/node"), "bin/node")).into_iter();
    for (root, program) in roots.chain(MANAGERS.iter().map(|(root, program)| (home.join(root), *program))) {
        let versions = fs::read_dir(root).into_iter().flatten().flatten();
        found.extend(versions.map(|it| it.path().join(program)));
    }
    found.retain(|it| it.is_file());
    found
}

fn told_version(executable: &Path) -> Option<SemVer> {
    let mut command = Command::new(executable);
    command.arg("--version").env_remove("NODE_OPTIONS");
    let output = program::output(&mut command, None, INSTALL).ok()?;
    SemVer::parse(&String::from_utf8_lossy(&output.stdout))
}

/// Puts it into the tool cache, with its npm.
///
/// Differs: `actions/setup-node` gives a Node.js of its own; here it is a copy of one on this machine, with links to its npm.
pub(super) fn make(cache: &ToolCache, node: &Node) -> Result<Tool, StandInError> {
    toolkit::info(&format!("Found on this machine @ {}", node.executable.display()));
    cache.make(NAME, &node.version.to_string(), PROGRAM, |folder| fill(folder, node))
}

fn fill(folder: &Path, node: &Node) -> Result<(), StandInError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(StandInError::file("remove", folder))?;
    }
    let programs = folder.join("bin");
    let modules = folder.join("lib/node_modules");
    for new in [&programs, &modules] {
        fs::create_dir_all(new).map_err(StandInError::file("create", new))?;
    }
    let copy = folder.join(PROGRAM);
    // A copy, because npm installs what is global beside the program itself: through a link it would be this machine's.
    fs::copy(&node.executable, &copy).map_err(StandInError::file("copy", &copy))?;
    if told_version(&copy).as_ref() != Some(&node.version) {
        toolkit::debug("a copy of node does not run, so it is a link");
        fs::remove_file(&copy).map_err(StandInError::file("remove", &copy))?;
        link(&node.executable, &copy)?;
    }
    let packages = [("npm", &["npm", "npx"][..]), ("corepack", &["corepack"])];
    for (package, names) in packages {
        match package_of(node, package) {
            Some(found) => add_package(&found, package, names, &programs, &modules)?,
            None if package == "npm" => {
                let detail = format!("this machine has none beside {}", node.executable.display());
                toolkit::warning(&format!("npm is not set up: {detail}. {INSTALL}"));
                toolkit::declare(How::NotRun, &format!("npm of node {}", node.version), &detail);
            }
            None => {}
        }
    }
    Ok(())
}

/// The folder of a package that came with this Node.js, or that the system keeps for it.
fn package_of(node: &Node, package: &str) -> Option<PathBuf> {
    let prefix = node.executable.parent().and_then(Path::parent)?;
    let beside = [prefix.join("lib/node_modules"), prefix.join("share/nodejs"), prefix.join("share/node_modules")];
    let is_package = |folder: &PathBuf| folder.join("package.json").is_file();
    beside.iter().map(|it| it.join(package)).filter(is_package).find_map(|it| fs::canonicalize(it).ok())
}

/// Links to a package and to the programs in it.
fn add_package(
    found: &Path,
    package: &str,
    names: &[&str],
    programs: &Path,
    modules: &Path,
) -> Result<(), StandInError> {
    link(found, &modules.join(package))?;
    for name in names {
        let inside = [format!("bin/{name}-cli.js"), format!("dist/{name}.js")];
        if let Some(script) = inside.iter().find(|it| found.join(it).is_file()) {
            link(&PathBuf::from(format!("../lib/node_modules/{package}/{script}")), &programs.join(name))?;
        }
    }
    Ok(())
}

fn link(target: &Path, name: &Path) -> Result<(), StandInError> {
    symlink(target, name).map_err(StandInError::file("create", name))
}
