//! The key that Maven signs with: imported in the main step, removed in the post step.

use std::fs;

use crate::standins::error::StandInError;
use crate::standins::search_path::SearchPath;
use crate::standins::{program, toolkit};

const FINGERPRINT: &str = "gpg-private-key-fingerprint";
const WAY_OUT: &str = "install GnuPG (Debian and Ubuntu: `apt-get install gnupg`)";

/// Imports the key and keeps its fingerprint for the post step.
///
/// Source: `actions/setup-java`, `src/gpg.ts`.
pub(super) fn import(key: &str) -> Result<(), StandInError> {
    let file = toolkit::path_variable("RUNNER_TEMP")?.join("private-key.asc");
    fs::write(&file, key).map_err(StandInError::file("write", &file))?;
    let told = run(&["--batch", "--import-options", "import-show", "--import", &file.to_string_lossy()]);
    fs::remove_file(&file).map_err(StandInError::file("remove", &file))?;
    toolkit::save_state(FINGERPRINT, fingerprint(&told?))
}

/// Removes the key that the main step imported.
pub(super) fn remove() -> Result<(), StandInError> {
    if toolkit::input("gpg-private-key").is_empty() {
        return Ok(());
    }
    toolkit::info("Removing private key from keychain");
    let print = toolkit::state(FINGERPRINT);
    run(&["--batch", "--yes", "--delete-secret-and-public-key", &print])
        .map(|_| ())
        .map_err(|err| StandInError::action(format!("Failed to remove private key due to: {}", err.chain())))
}

fn run(arguments: &[&str]) -> Result<String, StandInError> {
    let path = SearchPath::of_the_step();
    let gpg = path.find_or_say("gpg")?;
    let output = program::output(path.command(&gpg).args(arguments), None, WAY_OUT)?;
    match output.status.code() {
        Some(0) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        code => Err(StandInError::action(format!(
            "The process '{}' failed with exit code {}",
            gpg.display(),
            code.map_or("null".to_owned(), |it| it.to_string())
        ))),
    }
}

/// The first forty letters and digits in a row.
fn fingerprint(told: &str) -> &str {
    let words = told.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|it| it.len() >= 40).map(|it| &it[..40]).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_fingerprints() {
        let print = "0123456789ABCDEF0123456789ABCDEF01234567";
        assert_eq!(fingerprint(&format!("sec   rsa3072 2026-01-01\n      {print}\nuid  x\n")), print);
        assert_eq!(fingerprint("none"), "");
    }
}
