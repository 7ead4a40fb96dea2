//! What is said about a job beside whether it runs: concurrency, defaults.
use wfrun_expr::Value;
use wfrun_workflow::{Concurrency, Field, Job, Workflow};

use super::calls::{text, value};
use super::scope::Before;

/// A concurrency group. A text that only the run can tell is as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Whether that is known.
    pub is_known: bool,
    /// `cancel-in-progress`
    pub cancel_in_progress: Option<String>,
}

/// `defaults.run` as it holds for the steps of a job. A text that only the run can tell is as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunDefaults {
    /// `shell`
    pub shell: Option<String>,
    /// `working-directory`
    pub working_directory: Option<String>,
}

impl RunDefaults {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.shell.is_none() && self.working_directory.is_none()
    }
}

/// The text of a field, or how it is written.
pub(super) fn shown(field: &Field, scope: &Before<'_>) -> String {
    text(field, scope).unwrap_or_else(|| field.raw())
}

/// The group of a workflow or job; an expression may stand for the whole mapping.
pub(super) fn group(concurrency: &Concurrency, scope: &Before<'_>) -> Option<Group> {
    let field = concurrency.group.as_ref()?;
    if let Some(Value::Object(all)) = value(field, scope) {
        let member = |name: &str| all.get(name).map(Value::to_text);
        let cancel_in_progress = member("cancel-in-progress");
        return Some(Group { name: member("group")?, is_known: true, cancel_in_progress });
    }
    let cancel_in_progress = concurrency.cancel_in_progress.as_ref().map(|it| shown(it, scope));
    Some(Group { name: shown(field, scope), is_known: text(field, scope).is_some(), cancel_in_progress })
}

/// The defaults of a job's steps: its own, which take the place of all the workflow's.
///
/// Source: GitHub: planning rules 4.8.
pub(super) fn run_defaults(workflow: &Workflow, job: &Job, scope: &Before<'_>) -> RunDefaults {
    if job.call.is_some() {
        return RunDefaults::default();
    }
    let of = if job.defaults.is_empty() { &workflow.defaults } else { &job.defaults };
    let text = |it: &Option<Field>| it.as_ref().map(|it| shown(it, scope)).filter(|it| !it.is_empty());
    RunDefaults { shell: text(&of.shell), working_directory: text(&of.working_directory) }
}
