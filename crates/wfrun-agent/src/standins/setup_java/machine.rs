//! The JDKs of this machine.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::Found;
use super::version::JavaVersion;
use crate::standins::search_path::SearchPath;
use crate::standins::toolkit;

/// A JDK or JRE, from its file `release`.
#[derive(Debug, Clone)]
pub(super) struct Jdk {
    folder: PathBuf,
    pub(super) version: JavaVersion,
    /// Who made it: `IMPLEMENTOR`.
    pub(super) vendor: String,
    pub(super) is_graal: bool,
}

/// What to tell a user whose machine has no JDK.
pub(super) const INSTALL: &str = "Install a JDK (Debian and Ubuntu: `apt-get install openjdk-17-jdk`)";

/// Folders with a folder for each version; `~` is the home folder.
const PLACES: &[&str] = &[
    "/usr/lib/jvm",
    "/usr/java",
    "/opt/java",
    "/opt",
    "~/.sdkman/candidates/java",
    "~/.jdks",
    "~/.asdf/installs/java",
    "~/.local/share/mise/installs/java",
    "~/.jabba/jdk",
];

impl Jdk {
    /// As what was found; the log says where.
    ///
    /// Differs: `actions/setup-java` gives a JDK of its own; here it is one of this machine, used where it is.
    pub(super) fn taken(&self) -> Found {
        toolkit::info(&format!("Resolved Java {} from this machine", self.version.text));
        Found { version: self.version.text.clone(), folder: self.folder.clone() }
    }
}

/// Every JDK (or, for a package `jre`, also JRE) that the environment names, on `PATH` and in the usual places, each once.
pub(super) fn all(package: &str) -> Vec<Jdk> {
    let mut seen = HashSet::new();
    let real = candidates().into_iter().filter_map(|it| fs::canonicalize(it).ok());
    let program = if package.starts_with("jre") { "bin/java" } else { "bin/javac" };
    real.filter(|it| it.join(program).is_file() && seen.insert(it.clone())).filter_map(|it| read(&it)).collect()
}

fn candidates() -> Vec<PathBuf> {
    let named = env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("JAVA_HOME"));
    let mut found: Vec<PathBuf> = named.map(|(_, value)| PathBuf::from(value)).collect();
    if let Some(java) = SearchPath::of_the_step().find("java").and_then(|it| fs::canonicalize(it).ok()) {
        found.extend(java.parent().and_then(Path::parent).map(Path::to_owned));
    }
    let home = toolkit::variable("HOME");
    for place in PLACES {
        let folders = fs::read_dir(place.replacen('~', &home, 1)).into_iter().flatten().flatten();
        found.extend(folders.map(|it| it.path()));
    }
    found
}

fn read(folder: &Path) -> Option<Jdk> {
    let text = fs::read_to_string(folder.join("release")).ok()?;
    let value = |name: &str| {
        let line = text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
        line.map(|it| it.trim().trim_matches('"').to_owned())
    };
    let runtime = value("JAVA_RUNTIME_VERSION").or_else(|| value("JAVA_VERSION"))?;
    let version = JavaVersion::read(&semantic(&runtime)?, runtime.contains("-ea"))?;
    let vendor = value("IMPLEMENTOR").unwrap_or_else(|| "an unknown vendor".to_owned());
    Some(Jdk { folder: folder.to_owned(), version, vendor, is_graal: value("GRAALVM_VERSION").is_some() })
}

/// `17.0.15+6` of `17.0.15+6-Debian-1deb12u1`, `8.0.392+8` of `1.8.0_392-b08`.
fn semantic(runtime: &str) -> Option<String> {
    if let Some(old) = runtime.strip_prefix("1.8.0_") {
        let (update, build) = old.split_once("-b").unwrap_or((old, ""));
        let update = update.split('-').next()?;
        let build = build.split('-').next().unwrap_or_default().trim_start_matches('0');
        return Some(if build.is_empty() { format!("8.0.{update}") } else { format!("8.0.{update}+{build}") });
    }
    let (numbers, build) = runtime.split_once('+').unwrap_or((runtime, ""));
    let numbers = numbers.split('-').next()?;
    let mut parts: Vec<&str> = numbers.split('.').take(3).collect();
    parts.resize(3, "0");
    let build = build.split('-').next().unwrap_or_default();
    let build = if build.is_empty() { String::new() } else { format!("+{build}") };
    Some(format!("{}{build}", parts.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        for (runtime, expected) in [
            ("17.0.15+6-Debian-1deb12u1", "17.0.15+6"),
            ("25.0.3+9-LTS", "25.0.3+9"),
            ("21+35", "21.0.0+35"),
            ("22-ea+3", "22.0.0+3"),
            ("1.8.0_392-b08", "8.0.392+8"),
            ("1.8.0_392", "8.0.392"),
            ("17.0.8.1+1", "17.0.8+1"),
        ] {
            assert_eq!(semantic(runtime).as_deref(), Some(expected), "{runtime}");
        }
    }

    #[test]
    fn reads_a_jdk() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let release =
            "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_RUNTIME_VERSION=\"25.0.3+9-LTS\"\nJAVA_VERSION=\"25.0.3\"\n";
        fs::write(folder.path().join("release"), release).expect("can write");
        let jdk = read(folder.path()).expect("is one");
        assert_eq!(
            (jdk.version.text.as_str(), jdk.vendor.as_str(), jdk.is_graal),
            ("25.0.3+9", "Eclipse Adoptium", false)
        );
        fs::write(folder.path().join("release"), "odd").expect("can write");
        assert!(read(folder.path()).is_none());
    }
}
