//! Policies that lie in files, not in IAM.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::foreseen::IdentityPolicy;
use super::policy::Named;
use crate::account::AccountError;
use crate::account_file::IamSection;

/// The policies of files, read once.
#[derive(Debug, Default)]
pub(crate) struct PolicyFiles {
    /// Those of `iam.users.<name>.policies`.
    pub(super) by_user: HashMap<String, Vec<Named>>,
    /// Those of the workflow's identity.
    pub(super) workflow: Vec<Named>,
}

impl PolicyFiles {
    /// Reads the account file's, beside the workflow's. One that is no policy is an error: it would silently allow nothing.
    pub(crate) fn read(
        section: &IamSection,
        file_dir: &Path,
        workflow: Vec<IdentityPolicy>,
    ) -> Result<Self, AccountError> {
        let mut by_user = HashMap::new();
        for (user, entry) in &section.users {
            let read = entry.policies.iter().map(|path| policy(&file_dir.join(path), path, user));
            by_user.insert(user.clone(), read.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(Self { by_user, workflow: workflow.into_iter().map(|it| it.0).collect() })
    }

    /// Whether nobody has any.
    pub(crate) fn is_empty(&self) -> bool {
        self.workflow.is_empty() && self.by_user.values().all(Vec::is_empty)
    }
}

fn policy(path: &Path, shown: &Path, user: &str) -> Result<Named, AccountError> {
    let text = fs::read_to_string(path).map_err(|err| AccountError::Read { path: path.to_owned(), err })?;
    let policy = IdentityPolicy::parse(shown.display().to_string(), &text).map_err(|err| {
        let before = &text[..err.range.start];
        let line_start = before.rfind('\n').map_or(0, |it| it + 1);
        let (line, column) = (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1);
        AccountError::Policy {
            place: format!("{}:{line}:{column}", path.display()),
            message: err.message,
            named_by: format!("`iam.users.{user}.policies` of the account file"),
        }
    })?;
    Ok(policy.0)
}
