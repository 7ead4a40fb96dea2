//! What a workflow file says.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_syntax::{Source, Span, Spanned};

use crate::{ActionRef, Field, IfField, JobId, On, StepId, UsesTarget};

/// One workflow file.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>
#[derive(Debug, Clone)]
pub struct Workflow {
    /// The file.
    pub source: Arc<Source>,
    /// `name:`, if it has one.
    pub name: Option<Spanned<String>>,
    /// `on:`
    pub on: On,
    /// `env:`
    pub env: EnvMap,
    /// `defaults.run`
    pub defaults: Defaults,
    /// `jobs:` in file order.
    pub jobs: IndexMap<JobId, Job>,
}

impl Workflow {
    /// What GitHub calls it: its name, or the file's path.
    pub fn display_name(&self) -> &str {
        self.name.as_ref().map_or(self.source.path(), |it| it.value.as_str())
    }

    /// The job called `id`, ignoring case.
    pub fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.iter().find(|(key, _)| key.is(id)).map(|(_, job)| job)
    }
}

/// One `env:` mapping: names and values in file order.
///
/// A value cannot see the others of its mapping. Source: GitHub: planning rules 4.8.
pub type EnvMap = IndexMap<String, Field>;

/// `defaults.run`
#[derive(Debug, Clone, Default)]
pub struct Defaults {
    /// `shell:`
    pub shell: Option<Field>,
    /// `working-directory:`
    pub working_directory: Option<Field>,
}

impl Defaults {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.shell.is_none() && self.working_directory.is_none()
    }
}

/// `jobs.<job_id>`
#[derive(Debug, Clone)]
pub struct Job {
    /// Its key.
    pub id: Spanned<JobId>,
    /// `name:`
    pub name: Option<Field>,
    /// `needs:` as the jobs are declared.
    pub needs: Vec<Spanned<JobId>>,
    /// `if:`
    pub condition: IfField,
    /// `runs-on:` one label each; an expression may give several.
    pub runs_on: Vec<Field>,
    /// `env:`
    pub env: EnvMap,
    /// `defaults.run`; where it is set at all it replaces the workflow's as a whole.
    pub defaults: Defaults,
    /// `outputs:`
    pub outputs: EnvMap,
    /// `timeout-minutes:`
    pub timeout_minutes: Option<Field>,
    /// `continue-on-error:`
    pub continue_on_error: Option<Field>,
    /// `steps:`
    pub steps: Vec<Step>,
}

/// `jobs.<job_id>.steps[*]`
#[derive(Debug, Clone)]
pub struct Step {
    /// The whole mapping's place.
    pub span: Span,
    /// Its id: written, or made up as GitHub does (`__run`, `__actions_checkout`).
    pub id: StepId,
    /// Whether the id was written; only then is the step in the `steps` context.
    pub has_id: bool,
    /// `name:`
    pub name: Option<Field>,
    /// `if:`
    pub condition: IfField,
    /// `env:`
    pub env: EnvMap,
    /// `timeout-minutes:`
    pub timeout_minutes: Option<Field>,
    /// `continue-on-error:`
    pub continue_on_error: Option<Field>,
    /// What it does.
    pub kind: StepKind,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum StepKind {
    /// `run:`
    Run(RunStep),
    /// `uses:`
    Uses(UsesStep),
}

/// A step with `run:`.
#[derive(Debug, Clone)]
pub struct RunStep {
    /// `run:`
    pub script: Field,
    /// `shell:`
    pub shell: Option<Spanned<String>>,
    /// `working-directory:`
    pub working_directory: Option<Field>,
}

/// A step with `uses:`.
#[derive(Debug, Clone)]
pub struct UsesStep {
    /// `uses:`
    pub target: Spanned<UsesTarget>,
    /// `with:`
    pub with: EnvMap,
}

impl UsesStep {
    /// The action in a repository it names, if it names one.
    pub fn action(&self) -> Option<&ActionRef> {
        match &self.target.value {
            UsesTarget::Repository(it) => Some(it),
            UsesTarget::Local(_) | UsesTarget::Docker(_) | UsesTarget::SelfRepository(_) => None,
        }
    }
}
