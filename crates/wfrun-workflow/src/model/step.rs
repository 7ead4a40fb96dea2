use wfrun_syntax::{Span, Spanned};

use crate::{ActionRef, EnvMap, Field, IfField, StepId, UsesTarget};

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
    /// `if:`; steps that wait or cancel have none and always run.
    pub condition: IfField,
    /// `env:`
    pub env: EnvMap,
    /// `timeout-minutes:`
    pub timeout_minutes: Option<Field>,
    /// `continue-on-error:`
    pub continue_on_error: Option<Field>,
    /// `background: true`: later steps do not wait for it.
    pub background: bool,
    /// What it does.
    pub kind: StepKind,
}

/// What a step does.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly all steps are of the two large kinds")]
pub enum StepKind {
    /// `run:`
    Run(RunStep),
    /// `uses:`
    Uses(UsesStep),
    /// `wait:` for background steps.
    Wait(Vec<Spanned<StepId>>),
    /// `wait-all:` for all background steps so far.
    WaitAll,
    /// `cancel:` a background step.
    Cancel(Spanned<StepId>),
    /// `parallel:` runs all of these at once and waits for them.
    Parallel(Vec<Step>),
}

/// A step with `run:`.
#[derive(Debug, Clone)]
pub struct RunStep {
    /// `run:`
    pub script: Field,
    /// `shell:`; a template in steps of composite actions, literal elsewhere.
    pub shell: Option<Field>,
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

impl Step {
    /// The steps of a `parallel` group, which has no groups in it; none of another step.
    pub fn grouped(&self) -> &[Self] {
        match &self.kind {
            StepKind::Parallel(steps) => steps,
            StepKind::Run(_) | StepKind::Uses(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) => &[],
        }
    }

    /// The image that it runs, without `docker://`, if that is what it uses.
    pub fn image(&self) -> Option<&str> {
        match &self.kind {
            StepKind::Uses(uses) => match &uses.target.value {
                UsesTarget::Docker(image) => Some(image),
                UsesTarget::Repository(_) | UsesTarget::Local(_) | UsesTarget::SelfRepository(_) => None,
            },
            StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => {
                None
            }
        }
    }

    /// What the log calls it, as far as it is written: its name, or what it does.
    ///
    /// Source: GitHub: execution rules E1.3, "Display names".
    pub fn written_name(&self) -> String {
        if let Some(name) = &self.name {
            return name_line(&name.raw()).to_owned();
        }
        match &self.kind {
            StepKind::Run(run) => format!("Run {}", name_line(&run.script.raw())),
            StepKind::Uses(uses) => format!("Run {}", uses.target.value),
            StepKind::Wait(_) => "Wait".to_owned(),
            StepKind::WaitAll => "Wait for all".to_owned(),
            StepKind::Cancel(_) => "Cancel".to_owned(),
            StepKind::Parallel(_) => "Parallel group".to_owned(),
        }
    }

    /// The key that says what it does: `run`, `uses`, `wait` …
    pub const fn key(&self) -> &'static str {
        match &self.kind {
            StepKind::Run(_) => "run",
            StepKind::Uses(_) => "uses",
            StepKind::Wait(_) => "wait",
            StepKind::WaitAll => "wait-all",
            StepKind::Cancel(_) => "cancel",
            StepKind::Parallel(_) => "parallel",
        }
    }
}

/// What of a step's `name` or script it is called after: the first line, without blanks before it.
///
/// Source: actions/runner, `ActionRunner.FormatStepName`.
pub fn name_line(text: &str) -> &str {
    let text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    text.split(['\r', '\n']).next().unwrap_or_default()
}
