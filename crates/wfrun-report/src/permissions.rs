//! What a token may do, for people and for programs.
use serde_json::Value;
use wfrun_workflow::{Level, Permissions};

/// Each scope that is named with its level; `all` stands for all of them.
fn scopes(permissions: &Permissions) -> Vec<(&'static str, Level)> {
    match permissions {
        Permissions::All(level) => vec![("all", *level)],
        Permissions::Scopes(scopes) => scopes.iter().map(|(scope, level)| (*scope, *level)).collect(),
    }
}

/// `contents: read, id-token: write`, `read-all` or `none`
pub(crate) fn permissions_text(permissions: &Permissions) -> String {
    match (permissions, scopes(permissions).as_slice()) {
        (Permissions::All(level), _) => format!("{level}-all"),
        (Permissions::Scopes(_), []) => "none".to_owned(),
        (Permissions::Scopes(_), scopes) => {
            scopes.iter().map(|(scope, level)| format!("{scope}: {level}")).collect::<Vec<_>>().join(", ")
        }
    }
}

/// `{"contents":"read"}`
pub(crate) fn permissions_json(permissions: &Permissions) -> Value {
    scopes(permissions).into_iter().map(|(scope, level)| (scope, Value::from(level.to_string()))).collect()
}
