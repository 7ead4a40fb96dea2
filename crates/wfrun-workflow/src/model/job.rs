use wfrun_syntax::{Span, Spanned};

use super::{CacheMode, Container, Defaults, Permissions, Services, Step};
use crate::{CallTarget, EnvMap, Field, IfField, JobId, Token};

/// `jobs.<job_id>`
///
/// Either it has `runs-on` and steps, or it calls a workflow; then everything from `runs_on` on is empty.
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
    /// `permissions:`
    pub permissions: Option<Spanned<Permissions>>,
    /// `cache-mode:`
    pub cache_mode: Option<CacheMode>,
    /// `concurrency:`
    pub concurrency: Option<Concurrency>,
    /// `strategy:`
    pub strategy: Option<Strategy>,
    /// `uses:` with its inputs and secrets.
    pub call: Option<WorkflowCall>,
    /// `runs-on:` one label each; an expression may give several.
    pub runs_on: Vec<Field>,
    /// `runs-on.group:`
    pub runner_group: Option<Field>,
    /// `env:`
    pub env: EnvMap,
    /// `defaults.run`; where it is set at all it replaces the workflow's as a whole.
    pub defaults: Defaults,
    /// `environment:`
    pub environment: Option<DeploymentEnvironment>,
    /// `outputs:`
    pub outputs: EnvMap,
    /// `timeout-minutes:`
    pub timeout_minutes: Option<Field>,
    /// `cancel-timeout-minutes:`
    pub cancel_timeout_minutes: Option<Field>,
    /// `continue-on-error:`
    pub continue_on_error: Option<Field>,
    /// `container:`
    pub container: Option<Container>,
    /// `services:`
    pub services: Services,
    /// `snapshot:`
    pub snapshot: Option<Snapshot>,
    /// `steps:`
    pub steps: Vec<Step>,
}

impl Job {
    /// Its steps with those of `parallel` groups, in file order; a group stands before what is in it.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().flat_map(|it| std::iter::once(it).chain(it.grouped()))
    }
}

/// `concurrency:`
#[derive(Debug, Clone)]
pub struct Concurrency {
    /// Its place.
    pub span: Span,
    /// `group:`, or the value that stands for it; an expression there may give the whole mapping.
    pub group: Option<Field>,
    /// `cancel-in-progress:`
    pub cancel_in_progress: Option<Field>,
    /// `queue:`
    pub queue: Option<Spanned<Queue>>,
}

/// How many wait for a concurrency group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Queue {
    /// One; a newcomer takes its place.
    #[default]
    Single,
    /// Up to 100, in order.
    Max,
}

/// `strategy:`
#[derive(Debug, Clone)]
pub struct Strategy {
    /// Its place.
    pub span: Span,
    /// All of it as written; what follows are its parts.
    pub token: Token,
    /// An expression in the place of the whole.
    pub whole: Option<Field>,
    /// `fail-fast:`
    pub fail_fast: Option<Field>,
    /// `max-parallel:`
    pub max_parallel: Option<Field>,
    /// `matrix:`: a mapping of vectors with `include` and `exclude`, or an expression.
    pub matrix: Option<Token>,
}

/// `environment:`: where a job deploys to.
#[derive(Debug, Clone)]
pub struct DeploymentEnvironment {
    /// `name:`, or the value that stands for it.
    pub name: Field,
    /// `url:`
    pub url: Option<Field>,
    /// `deployment:`; `false` makes no deployment record.
    pub deployment: Option<Field>,
}

/// `snapshot:`: an image of a hosted runner that GitHub keeps.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Its place.
    pub span: Span,
    /// `image-name:`, or the value that stands for it.
    pub image_name: Field,
    /// `if:`
    pub condition: Option<IfField>,
    /// `version:`
    pub version: Option<Field>,
}

/// What a job that calls a workflow says about the call.
#[derive(Debug, Clone)]
pub struct WorkflowCall {
    /// `uses:`
    pub target: Spanned<CallTarget>,
    /// `with:`; the values keep their types.
    pub with: EnvMap,
    /// `secrets:`
    pub secrets: CallSecrets,
}

/// The secrets a called workflow gets.
#[derive(Debug, Clone)]
pub enum CallSecrets {
    /// `secrets: inherit`: all that the caller has.
    Inherit,
    /// Those that are named.
    Named(EnvMap),
}
