//! What a workflow file says.
mod cache_mode;
mod container;
mod job;
mod permissions;
mod step;

pub use cache_mode::CacheMode;
pub use container::{Container, Credentials, Service, Services};
pub use job::{CallSecrets, Concurrency, DeploymentEnvironment, Job, Queue, Snapshot, Strategy, WorkflowCall};
pub use permissions::{Level, Permissions, SCOPES};
pub use step::{RunStep, Step, StepKind, UsesStep, name_line};

use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_syntax::{Source, Spanned};

use crate::{EnvMap, Field, JobId, On};

/// One workflow file.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>
#[derive(Debug, Clone)]
pub struct Workflow {
    /// The file.
    pub source: Arc<Source>,
    /// How many bytes its values take in GitHub's count: see [`crate::Limits::size`].
    pub size: usize,
    /// `name:`, if it has one.
    pub name: Option<Spanned<String>>,
    /// `run-name:`
    pub run_name: Option<Field>,
    /// `on:`
    pub on: On,
    /// `permissions:`
    pub permissions: Option<Spanned<Permissions>>,
    /// `cache-mode:`
    pub cache_mode: Option<CacheMode>,
    /// `env:`
    pub env: EnvMap,
    /// `defaults.run`
    pub defaults: Defaults,
    /// `concurrency:`
    pub concurrency: Option<Concurrency>,
    /// `jobs:` in file order.
    pub jobs: IndexMap<JobId, Job>,
}

impl Workflow {
    /// A workflow without jobs: what is left of a file that cannot be read.
    pub(crate) fn empty(source: &Arc<Source>) -> Self {
        Self {
            source: Arc::clone(source),
            size: 0,
            name: None,
            run_name: None,
            on: On::default(),
            permissions: None,
            cache_mode: None,
            env: EnvMap::default(),
            defaults: Defaults::default(),
            concurrency: None,
            jobs: IndexMap::new(),
        }
    }

    /// What GitHub calls it: its name, or the file's path.
    pub fn display_name(&self) -> &str {
        self.name.as_ref().map_or(self.source.path(), |it| it.value.as_str())
    }

    /// The job called `id`, ignoring case.
    pub fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.iter().find(|(key, _)| key.is(id)).map(|(_, job)| job)
    }
}

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
