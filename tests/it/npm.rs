//! Packages of npm for tests that run GitHub's own clients.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder for scratch files that steps see: in the sandbox `/tmp` starts empty.
pub(crate) fn seen_by_steps() -> &'static str {
    let target = env!("CARGO_TARGET_TMPDIR");
    if target.starts_with("/tmp/") { "/var/tmp" } else { target }
}

/// A folder with `node_modules` of these packages, each `NAME@VERSION` or `NAME@npm:PACKAGE@VERSION`; says so where it
/// cannot be had. Kept between runs of the tests.
pub(crate) fn packages(name: &str, packages: &[&str]) -> Option<PathBuf> {
    if std::env::var_os("WFRUN_OFFLINE_TESTS").is_some() {
        println!("skipped: WFRUN_OFFLINE_TESTS is set, and this test installs packages");
        return None;
    }
    let folder = Path::new(seen_by_steps()).join("wfrun-npm").join(name);
    let (mark, wanted) = (folder.join("installed"), packages.join("\n"));
    if fs::read_to_string(&mark).is_ok_and(|it| it == wanted) {
        return Some(folder);
    }
    // Another test may install the same: each into a folder of its own, and one of them stays.
    let parent = folder.parent().expect("a parent");
    fs::create_dir_all(parent).expect("a folder");
    let scratch = tempfile::tempdir_in(parent).expect("a folder");
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--fetch-retries",
        "0",
        "--prefix",
    ]);
    match npm.arg(scratch.path()).args(packages).output() {
        Ok(output) if output.status.success() => {
            fs::write(scratch.path().join("installed"), wanted).expect("a file");
            let old = tempfile::tempdir_in(parent).expect("a folder");
            // There may be none, or the other's by now: then its like stays.
            fs::rename(&folder, old.path().join("old")).ok();
            let scratch = scratch.keep();
            if fs::rename(&scratch, &folder).is_err() {
                fs::remove_dir_all(scratch).expect("it is there");
            }
            Some(folder)
        }
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            println!("skipped: npm cannot install {packages:?}: {}", told.lines().next().unwrap_or_default());
            None
        }
        Err(err) => {
            println!("skipped: there is no npm: {err}");
            None
        }
    }
}
