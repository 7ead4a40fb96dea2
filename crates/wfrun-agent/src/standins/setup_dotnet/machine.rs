//! The .NET SDKs of this machine: folders with a `dotnet` and SDKs of several versions.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::request::Request;
use crate::standins::search_path::SearchPath;
use crate::standins::semver::SemVer;
use crate::standins::substitute::{self, Choice, Line};
use crate::standins::toolkit;

/// A folder that holds a `dotnet` and its SDKs.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub(super) folder: PathBuf,
    /// Their versions; there is one at least.
    sdks: Vec<SemVer>,
}

/// What to tell a user whose machine has no .NET.
pub(super) const INSTALL: &str =
    "There is no .NET SDK on this machine. Install one (Debian and Ubuntu: `apt-get install dotnet-sdk-8.0`)";

/// Where an SDK may be; `~` is the home folder. The first is where the real action installs to.
const PLACES: &[&str] = &["/usr/share/dotnet", "/usr/lib/dotnet", "/usr/lib64/dotnet", "/opt/dotnet", "~/.dotnet"];

/// The folder that has most of what is asked for, with what there is for each request. `None` where there is no SDK at all.
///
/// Differs: `actions/setup-dotnet` installs each SDK that is asked for; here they are those of one folder of this machine.
pub(super) fn choose(requests: &[Request]) -> Option<(Root, Vec<Choice<()>>)> {
    let with_choices = roots().into_iter().filter_map(|root| {
        let all = || root.sdks.iter().map(|it| (it.clone(), ())).collect();
        let choices = requests.iter().map(|it| substitute::choose(&it.range, Line::Major, all()));
        let choices = choices.collect::<Option<Vec<_>>>()?;
        Some((root, choices))
    });
    let satisfied = |choices: &[Choice<()>]| choices.iter().filter(|it| it.is_asked_for).count();
    // The first of those that are alike: the one that the environment names, or is first on `PATH`.
    with_choices.reduce(|best, it| if satisfied(&it.1) > satisfied(&best.1) { it } else { best })
}

fn roots() -> Vec<Root> {
    let named = [toolkit::variable("DOTNET_INSTALL_DIR"), toolkit::variable("DOTNET_ROOT")];
    let named = named.into_iter().filter(|it| !it.is_empty()).map(PathBuf::from);
    let first = SearchPath::of_the_step().find("dotnet").and_then(|it| fs::canonicalize(it).ok());
    let first = first.and_then(|it| it.parent().map(Path::to_owned));
    let home = toolkit::variable("HOME");
    let usual = PLACES.iter().map(|it| PathBuf::from(it.replacen('~', &home, 1)));
    let mut seen = HashSet::new();
    let all = named.chain(first).chain(usual).filter(|it| it.join("dotnet").is_file());
    all.filter(|it| fs::canonicalize(it).is_ok_and(|it| seen.insert(it))).filter_map(read).collect()
}

fn read(folder: PathBuf) -> Option<Root> {
    let entries = fs::read_dir(folder.join("sdk")).into_iter().flatten().flatten();
    let versions = entries.filter_map(|it| SemVer::parse(&it.file_name().to_string_lossy()));
    let sdks: Vec<SemVer> = versions.collect();
    (!sdks.is_empty()).then_some(Root { folder, sdks })
}
