//! What a called workflow asks for, against what its caller allows.
//!
//! Source: GitHub: planning rules 4.9 (`PermissionsHelper` of actions/runner).
use wfrun_syntax::{Code, Diagnostic};

use super::{CallSite, PermissionsPolicy};
use crate::{Level, Permissions, Workflow};

/// Checks the permissions of a callee and of its jobs; `most` is what the caller says, if it says anything.
pub(super) fn check(
    call: &CallSite<'_>,
    callee: &Workflow,
    most: Option<&Permissions>,
    policy: PermissionsPolicy,
) -> Vec<Diagnostic> {
    let default = match policy {
        PermissionsPolicy::Write => Permissions::All(Level::Write),
        PermissionsPolicy::LimitedRead => Permissions::restricted(),
    };
    let most = most.unwrap_or(&default);
    let mut found = Vec::new();
    if let Some(requested) = &callee.permissions {
        found.extend(compare(call, &format!("The workflow '{}'", call.file), &requested.value, most));
    }
    for job in callee.jobs.values() {
        if let Some(requested) = &job.permissions {
            let who = format!("The nested job '{}'", job.id.value);
            found.extend(compare(call, &who, &requested.value, most));
        }
    }
    found
}

fn compare(call: &CallSite<'_>, who: &str, requested: &Permissions, most: &Permissions) -> Option<Diagnostic> {
    let beyond = requested.beyond(most);
    if beyond.is_empty() {
        return None;
    }
    let list = |of: &Permissions| {
        let levels = beyond.iter().map(|it| format!("{it}: {}", of.level(it)));
        levels.collect::<Vec<_>>().join(", ")
    };
    let (wanted, allowed) = (list(requested), list(most));
    let message = format!(
        "Error calling workflow '{}'. {who} is requesting '{wanted}', but is only allowed '{allowed}'.",
        call.file
    );
    let help = format!("allow it in job `{}`: `permissions:` with `{wanted}`", call.job.id.value);
    Some(
        Diagnostic::error(Code::new("workflow/call-permissions"), message).at(call.source, call.job.id.span).help(help),
    )
}
