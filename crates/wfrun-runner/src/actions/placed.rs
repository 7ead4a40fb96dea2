//! Actions inside a job.
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use indexmap::IndexMap;
use wfrun_engine::ResolvedAction;
use wfrun_workflow::ActionRef;

use super::content::Content;
use super::{ActionError, KnownAction};
use crate::work_files::WorkFiles;

/// The folder of a work folder that holds actions. Source: GitHub: execution rules E1.2.
const ACTIONS: &str = "_actions";

/// The repositories of actions that a job has in its work folder.
#[derive(Debug, Default)]
pub(crate) struct ActionFolders {
    placed: Mutex<HashSet<String>>,
}

impl ActionFolders {
    /// Puts what was found into a work folder, which job processes see as `inside`.
    pub(crate) fn place(
        &self,
        files: &WorkFiles,
        inside: &str,
        found: IndexMap<ActionRef, KnownAction>,
    ) -> Result<IndexMap<ActionRef, ResolvedAction>, ActionError> {
        let resolve = |(action, known): (ActionRef, KnownAction)| {
            let KnownAction { manifest, how, content } = known;
            let folder = match content {
                Some(content) => Some(self.put(files, inside, &action, &content)?),
                None => None,
            };
            Ok((action, ResolvedAction { manifest, how, folder }))
        };
        found.into_iter().map(resolve).collect()
    }

    /// Puts the files of an action's repository at `_actions/OWNER/REPO/REF`, once; gives back the action's own folder.
    fn put(
        &self,
        files: &WorkFiles,
        inside: &str,
        action: &ActionRef,
        content: &Content,
    ) -> Result<String, ActionError> {
        let target = format!("{ACTIONS}/{}/{}", action.repository(), action.git_ref);
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        if !placed.contains(&target) {
            let copied = content.entries().and_then(|it| files.put(&content.folder, &it, &target));
            copied.map_err(|err| ActionError::Store {
                action: Box::new(action.clone()),
                path: target.clone().into(),
                err,
            })?;
            placed.insert(target.clone());
        }
        let path = if action.path.is_empty() { String::new() } else { format!("/{}", action.path) };
        Ok(format!("{inside}/{target}{path}"))
    }
}
