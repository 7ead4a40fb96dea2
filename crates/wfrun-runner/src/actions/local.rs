//! Actions that can be found only while a job runs: those of the workspace, and of the workflow's own repository.
use std::path::Path;
use std::sync::Arc;

use wfrun_workflow::{Action, ActionRef};

use super::ActionError;
use super::content::{Content, Origin};
use super::find::read_manifest;
use super::manifest::{self, ManifestError};
use super::sources::store_error;
use super::store::Store;
use crate::work_files::WorkFiles;
use crate::{Git, Snapshot};

/// Reads the manifest of `./path` in a workspace, which is at `workspace` in the work folder; `shown` is the workspace as
/// job processes see it.
///
/// Source: GitHub: execution rules E1.2; the path in the message is without `./` (SchwarzIT/onyx#4793 and others).
pub(crate) fn find_in_workspace(
    files: &WorkFiles,
    workspace: &str,
    shown: &str,
    path: &str,
) -> Result<Arc<Action>, String> {
    let below = path.trim_start_matches("./").trim_end_matches('/');
    let join = |root: &str| if below.is_empty() { root.to_owned() } else { format!("{root}/{below}") };
    let dir = join(shown);
    manifest::read(files, &join(workspace), &dir).map_err(|err| match err {
        ManifestError::None => format!(
            "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{dir}'. Did you forget to run actions/checkout \
             before running your local action?"
        ),
        ManifestError::Bad(message) => format!("the manifest of `{path}` is bad: {message}"),
        ManifestError::Read(err) => format!("failed to read the manifest in {dir}: {err}"),
    })
}

/// Finds an action of the workflow's own repository at its commit; its files are kept in `folder`, for the run.
pub(crate) fn find_in_repository(
    snapshot: &Snapshot,
    folder: &Path,
    action: &ActionRef,
) -> Result<(Arc<Action>, Arc<Content>), ActionError> {
    let store = Store::at(folder.to_owned());
    let kept = store.keep(&Git::at(&snapshot.dir), &action.repository(), &snapshot.sha);
    let folder = kept.map_err(|err| store_error(action, err))?;
    let content = Content { folder, commit: Some(snapshot.sha.clone()), origin: Origin::Own };
    let manifest = read_manifest(&content, action)?;
    Ok((manifest, Arc::new(content)))
}
