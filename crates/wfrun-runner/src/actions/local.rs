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

/// The manifest of an action in a folder of the work tree, if it is there and sound.
pub(crate) fn own_manifest(files: &WorkFiles, folder: &str) -> Option<Arc<Action>> {
    manifest::read(files, folder, if folder.is_empty() { "." } else { folder }).ok()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NearWanted, SnapshotSettings};

    const ACTION: &str = "name: x\nruns: {using: node20, main: a.js}\n";

    /// Source: GitHub: execution rules E1.2.
    #[test]
    fn an_action_of_the_workspace() {
        let (work, outside) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let workspace = work.path().join("repo/repo");
        std::fs::create_dir_all(workspace.join("here")).expect("folders");
        std::fs::write(workspace.join("here/action.yaml"), ACTION).expect("a file");
        std::fs::write(workspace.join("action.yml"), "name: x\nruns: {using: node20, mian: a.js}\n").expect("a file");
        std::fs::write(outside.path().join("action.yml"), ACTION).expect("a file");
        std::os::unix::fs::symlink(outside.path(), workspace.join("link")).expect("a link");
        let files = WorkFiles::at(work.path()).expect("it opens");
        let find = |path: &str| find_in_workspace(&files, "repo/repo", "/w/repo/repo", path).map(|it| it.name.clone());
        assert_eq!(find("./here").as_deref(), Ok("x"));
        assert_eq!(find("./here/").as_deref(), Ok("x"));
        assert_eq!(
            find("./none").expect_err("nothing is there"),
            "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '/w/repo/repo/none'. Did you forget to run \
             actions/checkout before running your local action?"
        );
        assert!(find("./here/action.yaml").expect_err("a file is no folder").starts_with("Can't find"));
        assert!(find("./").expect_err("a bad key").contains("Unexpected value 'mian'"));
        assert!(find("./link").expect_err("it leads out").contains("leads out of the job's work folder"));
    }

    #[test]
    fn an_action_of_the_workflow_s_own_repository_is_that_of_its_commit() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("tools/one")).expect("folders");
        std::fs::write(root.join("tools/one/action.yml"), ACTION).expect("a file");
        let git = Git::at(&root);
        let user = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        git.ask(&["init", "--quiet", "--initial-branch=main"]).expect("a repository");
        git.ask(&["add", "--all"]).expect("added");
        git.ask(&[&user[..], &["commit", "--quiet", "-m", "x"]].concat()).expect("a commit");
        let sha = git.commit("HEAD").expect("a commit");
        std::fs::write(root.join("tools/one/action.yml"), "not committed").expect("a file");
        let settings = SnapshotSettings {
            root,
            prefix: String::new(),
            sha: sha.clone(),
            merge_base: None,
            dirty: false,
            repository: "me/mine".to_owned(),
            near: NearWanted::default(),
            lfs: false,
        };
        let snapshot = Snapshot::take(&dir.path().join("snapshot"), &settings).expect("a snapshot");
        let own = |path: &str| ActionRef {
            owner: "o".to_owned(),
            repo: "r".to_owned(),
            path: path.to_owned(),
            git_ref: sha.clone(),
            said_tag: None,
        };
        let kept = dir.path().join("own");
        let (manifest, content) = find_in_repository(&snapshot, &kept, &own("tools/one")).expect("it is there");
        assert_eq!((manifest.name.as_str(), content.commit.as_deref()), ("x", Some(sha.as_str())));
        let missing = find_in_repository(&snapshot, &kept, &own("tools/two")).expect_err("it is not");
        assert!(matches!(missing, ActionError::NoManifest { .. }), "{missing}");
    }
}
