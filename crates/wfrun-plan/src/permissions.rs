use wfrun_workflow::{Job, Permissions, Workflow};

/// What a job's token may do: what the job or else its workflow asks for, as far as the caller has it; where nobody
/// says a word, the repository's setting holds.
///
/// Source: GitHub: planning rules 4.9.
pub fn effective_permissions(workflow: &Workflow, job: &Job, caller: Option<&Permissions>) -> Option<Permissions> {
    let asked = job.permissions.as_ref().or(workflow.permissions.as_ref()).map(|it| &it.value);
    match (asked, caller) {
        (Some(asked), Some(most)) => Some(asked.within(most)),
        (one, other) => one.or(other).cloned(),
    }
}
