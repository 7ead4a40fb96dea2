use std::sync::Arc;

use wfrun_agent::standins;
use wfrun_syntax::Source;
use wfrun_workflow::{Action, ActionRef};

use super::ActionError;
use super::manifest::lower;

/// The actions that wfrun carries in itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltinActions;

impl BuiltinActions {
    /// The manifest of an action, if it is one of them.
    pub fn find(self, action: &ActionRef) -> Option<Result<Arc<Action>, ActionError>> {
        let name = action.with_path();
        let standin = standins::find(&name)?;
        let source = Source::new(format!("{}/action.yml", standin.repository), standin.manifest(action.release()));
        let bad = |message| ActionError::Manifest { action: Box::new(action.clone()), message, builtin: true };
        Some(lower(&source).map_err(bad))
    }

    /// Those that there are: `owner/repo`, with a sub-folder where the action has one.
    pub fn names(self) -> Vec<&'static str> {
        standins::ACTIONS.iter().map(|it| it.repository).collect()
    }
}
