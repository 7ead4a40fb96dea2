//! Policies that lie in files, not in IAM.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::policy::{Kind, Named, Policy};
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
    /// Reads the account file's and the workflow's. One that is no policy is an error: it would silently allow nothing.
    pub(crate) fn read(section: &IamSection, file_dir: &Path, workflow: &[PathBuf]) -> Result<Self, AccountError> {
        let mut by_user = HashMap::new();
        for (user, entry) in &section.users {
            let named_by = format!("`iam.users.{user}.policies` of the account file");
            let read = entry.policies.iter().map(|path| policy(&file_dir.join(path), path, &named_by));
            by_user.insert(user.clone(), read.collect::<Result<Vec<_>, _>>()?);
        }
        let workflow = workflow.iter().map(|path| policy(path, path, "the workflow's policy files"));
        Ok(Self { by_user, workflow: workflow.collect::<Result<_, _>>()? })
    }

    /// Whether nobody has any.
    pub(crate) fn is_empty(&self) -> bool {
        self.workflow.is_empty() && self.by_user.values().all(Vec::is_empty)
    }
}

fn policy(path: &Path, shown: &Path, named_by: &str) -> Result<Named, AccountError> {
    let text = fs::read_to_string(path).map_err(|err| AccountError::Read { path: path.to_owned(), err })?;
    let policy = Policy::parse(&text, Kind::Identity).map_err(|err| {
        let place = err.line_column.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        AccountError::Policy {
            place: format!("{}{place}", path.display()),
            message: err.to_string(),
            named_by: named_by.to_owned(),
        }
    })?;
    Ok(Named { name: shown.display().to_string(), policy: Arc::new(policy) })
}
