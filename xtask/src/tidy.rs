//! `cargo xtask tidy`: the rules of the house that neither compiler nor clippy hold.

mod crates;
mod documents;
mod sources;

use anyhow::{Result, bail};

use crate::process::say;
use crate::{diagnostics, generated, tree};

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// File, or file and line, or a crate.
    pub(crate) place: String,
    /// What is wrong, and the way out.
    pub(crate) message: String,
    /// Whether it fails the task.
    pub(crate) weight: Weight,
}

/// What a finding does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It fails the task.
    Error,
    /// It is shown.
    Note,
}

impl Finding {
    pub(crate) fn error(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), weight: Weight::Error }
    }

    pub(crate) fn note(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), weight: Weight::Note }
    }
}

/// Checks everything and shows all findings.
pub(crate) fn run() -> Result<()> {
    let files = tree::text_files()?;
    let metadata = tree::metadata()?;
    let mut findings = sources::check(&files);
    findings.extend(crates::check(&metadata));
    findings.extend(documents::check(&files, env!("CARGO_PKG_VERSION")));
    findings.extend(diagnostics::check(&files));
    findings.extend(generated::stale(&files));
    for Finding { place, message, weight } in &findings {
        let label = match weight {
            Weight::Error => "error",
            Weight::Note => "note",
        };
        say(format!("{label}: {place}: {message}"));
    }
    let errors = findings.iter().filter(|it| it.weight == Weight::Error).count();
    if errors > 0 {
        bail!("tidy: {errors} to mend");
    }
    say(format!("tidy: {} files, nothing to mend", files.len()));
    Ok(())
}
