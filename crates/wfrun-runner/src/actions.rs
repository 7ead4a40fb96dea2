//! Where `uses:` comes from.
use std::sync::Arc;

use thiserror::Error;
use wfrun_agent::standins;
use wfrun_engine::ResolvedAction;
use wfrun_journal::How;
use wfrun_syntax::Source;
use wfrun_workflow::{ActionRef, lower_action};

/// The actions that wfrun carries in itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltinActions;

/// An action cannot be had.
#[derive(Debug, Error)]
pub enum ActionError {
    /// Nobody here knows it.
    #[error("action `{action}` is not one of those that wfrun carries in itself")]
    Unknown {
        /// Which.
        action: ActionRef,
        /// Those it does carry.
        known: Vec<&'static str>,
    },
    /// wfrun's own manifest of it is bad.
    #[error("the built-in manifest of `{action}` is bad: {message}")]
    Manifest {
        /// Which.
        action: ActionRef,
        /// What is wrong.
        message: String,
    },
}

impl BuiltinActions {
    /// Finds an action.
    pub fn resolve(self, action: &ActionRef) -> Result<ResolvedAction, ActionError> {
        let name = match action.path.as_str() {
            "" => action.repository(),
            path => format!("{}/{path}", action.repository()),
        };
        let Some(standin) = standins::find(&name) else {
            let known = standins::ACTIONS.iter().map(|it| it.repository).collect();
            return Err(ActionError::Unknown { action: action.clone(), known });
        };
        let source = Source::new(format!("{}/action.yml", standin.repository), standin.manifest(&action.git_ref));
        let parsed = wfrun_syntax::parse(&source);
        let lowered = lower_action(&source, parsed.value.as_ref());
        let mut errors = parsed.diagnostics.iter().chain(&lowered.diagnostics);
        match (lowered.value, errors.next()) {
            (Some(manifest), None) => {
                Ok(ResolvedAction { manifest: Arc::new(manifest), how: How::StandIn, folder: None })
            }
            (_, found) => {
                let message = found.map(ToString::to_string).unwrap_or_default();
                Err(ActionError::Manifest { action: action.clone(), message })
            }
        }
    }
}
