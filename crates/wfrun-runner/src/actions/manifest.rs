//! The file that says what an action is.
use std::io;
use std::sync::Arc;

use wfrun_syntax::Source;
use wfrun_workflow::{Action, lower_action};

use crate::work_files::WorkFiles;

/// The names a manifest can have, in the order in which GitHub looks for them.
///
/// Source: GitHub: execution rules E1.2.
const MANIFESTS: [&str; 2] = ["action.yml", "action.yaml"];
const DOCKERFILES: [&str; 2] = ["Dockerfile", "dockerfile"];

/// No manifest could be read.
#[derive(Debug)]
pub(super) enum ManifestError {
    /// There is none.
    None,
    /// It is bad; this is what is wrong with it.
    Bad(String),
    /// The machine refused.
    Read(io::Error),
}

/// Reads the manifest in a folder; `shown` is that folder for people.
pub(super) fn read(files: &WorkFiles, folder: &str, shown: &str) -> Result<Arc<Action>, ManifestError> {
    let path = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    for name in MANIFESTS {
        if let Some(text) = files.read_file(&path(name)).map_err(ManifestError::Read)? {
            return lower(&Source::new(format!("{shown}/{name}"), text)).map_err(ManifestError::Bad);
        }
    }
    for name in DOCKERFILES {
        if files.read_file(&path(name)).map_err(ManifestError::Read)?.is_some() {
            // A container action without inputs.
            let text = format!("name: Dockerfile\nruns: {{using: docker, image: {name}}}\n");
            return lower(&Source::new(format!("{shown}/{name}"), text)).map_err(ManifestError::Bad);
        }
    }
    Err(ManifestError::None)
}

/// Reads a manifest; or says what is wrong with it first.
///
/// Differs: a manifest that GitHub does not load keeps the whole workflow from running; on GitHub the job that uses it fails.
pub(super) fn lower(source: &Arc<Source>) -> Result<Arc<Action>, String> {
    let parsed = wfrun_syntax::parse(source);
    let lowered = lower_action(source, parsed.value.as_ref());
    let mut errors = parsed.diagnostics.iter().chain(&lowered.diagnostics).filter(|it| it.is_error());
    match (lowered.value, errors.next()) {
        (Some(manifest), None) => Ok(Arc::new(manifest)),
        (_, found) => Err(found.map_or_else(|| "it is empty".to_owned(), ToString::to_string)),
    }
}

#[cfg(test)]
mod tests {
    use wfrun_workflow::RunsKind;

    use super::*;

    /// Source: GitHub: execution rules E1.2.
    #[test]
    fn the_first_that_exists() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("a file");
        let files = WorkFiles::at(dir.path()).expect("it opens");
        let kind = || match read(&files, "", "x") {
            Ok(action) => match &action.runs.kind {
                RunsKind::Node { main, .. } => main.clone().unwrap_or_default(),
                RunsKind::Container { image, .. } => image.clone(),
                RunsKind::Composite(_) => "composite".to_owned(),
            },
            Err(ManifestError::None) => "none".to_owned(),
            Err(ManifestError::Bad(message)) => format!("bad: {message}"),
            Err(ManifestError::Read(err)) => err.to_string(),
        };
        assert_eq!(kind(), "none");
        std::fs::create_dir(dir.path().join("Dockerfile")).expect("a folder");
        write("dockerfile", "FROM scratch\n");
        assert_eq!(kind(), "dockerfile", "a folder is no file");
        write("action.yaml", "name: x\nruns: {using: composite, steps: []}\n");
        assert_eq!(kind(), "composite");
        write("action.yml", "name: x\nruns: {using: node20, main: a.js}\n");
        assert_eq!(kind(), "a.js");
        write("action.yml", "name: x\nruns: {using: node20, main: a.js, other: 1}\n");
        assert!(kind().starts_with("bad: "), "{}", kind());
    }
}
