//! Problem matchers of set-up actions: from then on, what tools print becomes annotations.

use serde_json::{Value, json};

use super::error::StandInError;
use super::toolkit;

/// Adds the patterns of one owner, in a file among the job's temporary ones.
pub(super) fn add(action: &str, owner: &str, patterns: &Value) -> Result<(), StandInError> {
    add_all(action, owner, &[(owner, patterns.clone())])
}

/// Adds the patterns of several owners, in one file.
pub(super) fn add_all(action: &str, file: &str, all: &[(&str, Value)]) -> Result<(), StandInError> {
    let file = toolkit::path_variable("RUNNER_TEMP")?.join(format!("_{action}_{file}.json"));
    let matchers: Vec<Value> =
        all.iter().map(|(owner, patterns)| json!({ "owner": owner, "pattern": patterns })).collect();
    std::fs::write(&file, json!({ "problemMatcher": matchers }).to_string())
        .map_err(StandInError::file("write", &file))?;
    toolkit::info(&format!("##[add-matcher]{}", file.display()));
    Ok(())
}
