//! Problem matchers of set-up actions: from then on, what tools print becomes annotations.

use serde_json::{Value, json};

use super::error::StandInError;
use super::toolkit;

/// Adds the patterns of one owner, in a file among the job's temporary ones.
pub(super) fn add(action: &str, owner: &str, patterns: &Value) -> Result<(), StandInError> {
    let file = toolkit::path_variable("RUNNER_TEMP")?.join(format!("_{action}_{owner}.json"));
    let matcher = json!({ "problemMatcher": [{ "owner": owner, "pattern": patterns }] });
    std::fs::write(&file, matcher.to_string()).map_err(StandInError::file("write", &file))?;
    toolkit::info(&format!("##[add-matcher]{}", file.display()));
    Ok(())
}
