//! Actions with all that they use in turn.
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_journal::How;
use wfrun_plan::{ActionPlace, TooDeep, UsedTarget, walk};
use wfrun_workflow::{Action, ActionRef};

use super::content::Content;
use super::manifest::{self, ManifestError};
use super::sources::Whereabouts;
use super::{ActionError, Actions, BuiltinActions};
use crate::work_files::WorkFiles;

/// An action that was found.
#[derive(Debug, Clone)]
pub struct KnownAction {
    /// Its manifest.
    pub manifest: Arc<Action>,
    /// How faithfully it will run.
    pub how: How,
    /// Its repository's files; none for what wfrun carries in itself.
    pub content: Option<Arc<Content>>,
}

/// An action that was not found.
#[derive(Debug)]
pub struct Missing {
    /// The one of those asked for that needs it: itself, or the first that leads to it.
    pub wanted: ActionRef,
    /// Why it is not to be had.
    pub err: ActionError,
}

/// What came of looking for actions.
#[derive(Debug, Default)]
pub struct Findings {
    /// Those asked for, and those that these use in turn, each once.
    pub found: IndexMap<ActionRef, KnownAction>,
    /// What is missing, each once.
    pub missing: Vec<Missing>,
}

impl Actions {
    /// Looks for actions and all that they use in turn, as GitHub does before a job starts.
    pub fn find(&self, wanted: &[ActionRef]) -> Findings {
        let mut findings = Findings::default();
        let places: Vec<_> = wanted.iter().cloned().map(ActionPlace::Repository).collect();
        let end = walk(&places, &mut |visit| {
            // What is in the workspace cannot be told yet. Source: GitHub: execution rules E1.2.
            let action = visit.action.repository()?;
            match self.find_one(action) {
                Ok(known) => {
                    let manifest = Arc::clone(&known.manifest);
                    findings.found.insert(action.clone(), known);
                    Some(manifest)
                }
                Err(err) => {
                    let wanted = visit.wanted.repository().unwrap_or(action).clone();
                    findings.missing.push(Missing { wanted, err });
                    None
                }
            }
        });
        if let Some(TooDeep { action: ActionPlace::Repository(action), wanted }) = end {
            let wanted = wanted.repository().unwrap_or(&action).clone();
            findings.missing.push(Missing { wanted, err: ActionError::TooDeep { action: Box::new(action) } });
        }
        findings
    }

    /// Where the actions come from, one sentence each; what was told before is not told again.
    pub fn news<'a>(&self, found: impl IntoIterator<Item = (&'a ActionRef, &'a KnownAction)>) -> Vec<String> {
        let mut told = self.told();
        let tell = |(action, known): (&ActionRef, &KnownAction)| {
            let content = known.content.as_ref()?;
            let name = format!("{}@{}", action.repository(), action.git_ref);
            if !told.insert(name.clone()) {
                return None;
            }
            Some(match &content.commit {
                Some(commit) => format!("action `{name}` is commit {commit} of {}", content.origin),
                None => format!("action `{name}` is {}", content.origin),
            })
        };
        found.into_iter().filter_map(tell).collect()
    }

    /// Looks for one action, and not for what it uses.
    pub fn find_one(&self, action: &ActionRef) -> Result<KnownAction, ActionError> {
        match self.locate(action)? {
            Whereabouts::StandIn => {
                let asked = Vec::new();
                let missing = || ActionError::NotFound { action: Box::new(action.clone()), asked };
                let manifest = BuiltinActions.find(action).ok_or_else(missing)??;
                Ok(KnownAction { manifest, how: How::StandIn, content: None })
            }
            Whereabouts::Content(content) => {
                let manifest = read_manifest(&content, action)?;
                Ok(KnownAction { manifest, how: How::Real, content: Some(content) })
            }
        }
    }
}

/// Reads the manifest of an action from the files of its repository.
pub(super) fn read_manifest(content: &Content, action: &ActionRef) -> Result<Arc<Action>, ActionError> {
    let store = |err| ActionError::Store { action: Box::new(action.clone()), path: content.folder.clone(), err };
    let files = WorkFiles::at(&content.folder).map_err(store)?;
    let shown = Path::new(&action.repository()).join(&action.path).display().to_string();
    manifest::read(&files, &action.path, shown.trim_end_matches('/')).map_err(|err| match err {
        ManifestError::None => ActionError::NoManifest { action: Box::new(action.clone()) },
        ManifestError::Bad(message) => {
            ActionError::Manifest { action: Box::new(action.clone()), message, builtin: false }
        }
        ManifestError::Read(err) => store(err),
    })
}

/// The actions of repositories that a composite action uses; `$/…` is one of its own repository.
///
/// Source: GitHub: execution rules E7.5: what is local to the workspace cannot be told yet.
pub(crate) fn used_by(manifest: &Action) -> Vec<ActionRef> {
    let own = ActionPlace::Own(String::new());
    let used = wfrun_plan::used_by(manifest, &own);
    used.into_iter()
        .filter_map(|it| match it.target {
            UsedTarget::Action(ActionPlace::Repository(action)) => Some(action),
            UsedTarget::Action(ActionPlace::Own(_)) | UsedTarget::Image(_) => None,
        })
        .collect()
}
