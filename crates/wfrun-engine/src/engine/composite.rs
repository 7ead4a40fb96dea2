//! Actions that are made of steps, and how actions are found.
//!
//! Source: GitHub: execution rules E7.5 and E7.6.
use indexmap::IndexMap;
use wfrun_journal::{AnnotationLevel, How, Outcome, Phase, StepKindName};
use wfrun_plan::{JobKey, StepPath};
use wfrun_workflow::{RunsKind, Step, StepKind, UsesStep, UsesTarget};

use super::Engine;
use super::launch::shown_inputs;
use super::prepare::Prepared;
use super::step::{Beginning, Hindrance};
use super::step_end::Ending;
use crate::scope::{At, Status};
use crate::state::JobState;
use crate::strand::{Composite, Current, Stage, Waits, Work};
use crate::{FoundAction, ResolvedAction};

/// Source: GitHub: execution rules E1.2, "Recursion".
const MAX_DEPTH: usize = 9;

impl Engine {
    /// The action that a step uses; none for an image.
    pub(super) fn find(&self, it: &Beginning<'_>, uses: &UsesStep) -> Result<Option<ResolvedAction>, Hindrance> {
        let Some(state) = self.jobs.get(it.key) else { return Ok(None) };
        match &uses.target.value {
            UsesTarget::Docker(_) => Ok(None),
            UsesTarget::Repository(action) => match resolved(state, &it.stage.path, uses) {
                Some(found) => Ok(Some(found.clone())),
                None => Err(Hindrance::Failed(format!("action `{action}` was not found"))),
            },
            // It is looked for each time its step begins; posts go with what was found then.
            target @ (UsesTarget::Local(_) | UsesTarget::SelfRepository(_)) => match state.found.get(&it.stage.path) {
                Some(Ok(found)) => Ok(Some(found.clone())),
                Some(Err(message)) => Err(Hindrance::Failed(message.clone())),
                None => Err(Hindrance::Waits(Waits::Action(target.clone()))),
            },
        }
    }

    pub(super) fn action_found(&mut self, key: &JobKey, action: &UsesTarget, found: Result<Box<FoundAction>, String>) {
        let Some(state) = self.jobs.get_mut(key) else { return };
        let wanted = Waits::Action(action.clone());
        let found = found.map(|it| {
            if let Some(environment) = &mut state.environment {
                for (action, found) in it.actions {
                    environment.actions.entry(action).or_insert(found);
                }
            }
            it.action
        });
        let mut waiting = Vec::new();
        for (number, strand) in state.strands.iter_mut().enumerate() {
            if strand.waits.as_ref() == Some(&wanted) {
                strand.waits = None;
                waiting.push(number);
            }
        }
        for number in waiting {
            let stage = state.stage_of(number);
            state.found.extend(stage.map(|it| (it.path, found.clone())));
        }
    }

    /// The steps that have a pre part, in order, also those of composite actions.
    ///
    /// Source: GitHub: execution rules E1.1 and E7.5: local actions have none.
    pub(super) fn pre_stages(state: &JobState, steps: &[Step], within: Option<&StepPath>) -> Vec<StepPath> {
        let mut found = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let path = within.map_or_else(|| StepPath::at(index), |it| it.child(index));
            let StepKind::Uses(uses) = &step.kind else { continue };
            if !matches!(uses.target.value, UsesTarget::Repository(_)) || path.depth() > MAX_DEPTH {
                continue;
            }
            let Some(action) = resolved(state, &path, uses) else { continue };
            match &action.manifest.runs.kind {
                RunsKind::Node { pre: Some(_), .. } | RunsKind::Container { pre_entrypoint: Some(_), .. } => {
                    found.push(path);
                }
                RunsKind::Composite(inner) => found.extend(Self::pre_stages(state, inner, Some(&path))),
                RunsKind::Node { pre: None, .. } | RunsKind::Container { pre_entrypoint: None, .. } => {}
            }
        }
        found
    }

    /// Makes the composite actions around a step known to its pre part.
    pub(super) fn open_composites(&mut self, key: &JobKey, path: &StepPath) -> Result<(), Hindrance> {
        let Some(outer) = path.parent() else { return Ok(()) };
        if self.jobs.get(key).is_none_or(|it| it.composites.contains_key(&outer)) {
            return Ok(());
        }
        self.open_composites(key, &outer)?;
        let (Some(step), Some(state)) = (self.model_step(key, &outer).cloned(), self.jobs.get(key)) else {
            return Ok(());
        };
        let StepKind::Uses(uses) = &step.kind else { return Ok(()) };
        let Some(action) = resolved(state, &outer, uses).cloned() else { return Ok(()) };
        let overrides = state.composite_of(&outer).map(|it| it.overrides.clone()).unwrap_or_default();
        let mut env = state.env();
        env.extend(overrides.clone());
        let contexts = self.step_contexts(key, &outer, &step, &env, None);
        let at = At { contexts: &contexts, status: Status::None, hashes: state.strand().map(|it| &it.hashes) };
        let own = super::job::evaluate_map(&step.env, &at)?;
        let inputs = Self::inputs(state, uses, Some(&action.manifest), &contexts)?;
        let overrides = overrides.into_iter().chain(own).collect();
        let composite = composite(action, uses, inputs, overrides);
        if let Some(state) = self.jobs.get_mut(key) {
            state.composites.insert(outer, composite);
        }
        Ok(())
    }

    pub(super) fn begin_composite(
        &mut self,
        it: &Beginning<'_>,
        uses: &UsesStep,
        action: &ResolvedAction,
        prepared: Prepared,
    ) -> Result<(), Hindrance> {
        if it.stage.path.depth() >= MAX_DEPTH {
            return Err(Hindrance::Failed(format!("Composite action depth exceeded max depth {MAX_DEPTH}")));
        }
        let Some(state) = self.jobs.get(it.key) else { return Ok(()) };
        let contexts = self.step_contexts(it.key, &it.stage.path, it.step, &prepared.env, None);
        let inputs = Self::inputs(state, uses, Some(&action.manifest), &contexts)?;
        let header = shown_inputs(&inputs);
        let composite = composite(action.clone(), uses, inputs, prepared.overrides.clone());
        self.push_current(it, prepared, Work::Composite, (StepKindName::Composite, How::Real), &header);
        if let Some(state) = self.jobs.get_mut(it.key) {
            state.composites.insert(it.stage.path.clone(), composite);
        }
        self.warn_of_inputs(it, uses, Some(&action.manifest));
        if action.manifest.runs.pre_if.is_some() && !matches!(uses.target.value, UsesTarget::Repository(_)) {
            let path = &uses.target.value;
            let message = format!("`pre` execution is not supported for local action from '{path}'");
            self.annotate(it.key, AnnotationLevel::Warning, &message);
        }
        Ok(())
    }

    /// The next step of a composite action that runs.
    pub(super) fn next_of_composite(state: &JobState, current: &Current) -> Option<Stage> {
        let composite = state.composites.get(&current.stage.path)?;
        let RunsKind::Composite(steps) = &composite.action.manifest.runs.kind else { return None };
        let goes_on = composite.next < steps.len() && !current.timed_out && !state.halted;
        goes_on.then(|| Stage { path: current.stage.path.child(composite.next), phase: Phase::Main })
    }

    /// All steps of a composite action are through: its outputs, then its own end.
    pub(super) fn finish_composite(&mut self, key: &JobKey) {
        let Some(state) = self.jobs.get(key) else { return };
        let Some(current) = state.current() else { return };
        let path = current.stage.path.clone();
        let Some(composite) = state.composites.get(&path) else { return };
        let mut outcome = composite.status;
        let mut outputs = IndexMap::new();
        let mut failed = None;
        if let Some(step) = self.model_step(key, &path) {
            // As one of its own steps would see it.
            let contexts = self.step_contexts(key, &path.child(0), step, &current.env, None);
            let at = At { contexts: &contexts, status: Status::None, hashes: None };
            for (name, output) in &composite.action.manifest.outputs {
                match super::job::evaluate_text(output.value.as_ref(), &at) {
                    Ok(value) => outputs.extend(value.map(|it| (name.clone(), it))),
                    Err(err) => failed = Some(err.to_string()),
                }
            }
        }
        if let Some(message) = failed {
            self.annotate(key, AnnotationLevel::Error, &message);
            outcome = Outcome::Failure;
        }
        self.finish_current(key, outcome, None, outputs);
    }

    /// Ends the innermost step that runs, which has no process of its own or whose process has ended.
    pub(super) fn finish_current(
        &mut self,
        key: &JobKey,
        mut outcome: Outcome,
        exit_code: Option<i32>,
        outputs: IndexMap<String, String>,
    ) {
        if self.jobs.get(key).and_then(JobState::current).is_some_and(|it| it.timed_out) {
            self.say_timed_out(key);
            outcome = Outcome::Failure;
        }
        let stage = self.jobs.get(key).and_then(JobState::current).map(|it| it.stage.clone());
        let Some(step) = stage.and_then(|it| self.model_step(key, &it.path)).cloned() else { return };
        let current = self.jobs.get_mut(key).and_then(|it| it.strand_mut()?.stack.pop());
        let Some(mut current) = current else { return };
        if current.command_failed && outcome == Outcome::Success {
            outcome = Outcome::Failure;
        }
        current.outputs.extend(outputs);
        let forgiven = outcome == Outcome::Failure && self.is_forgiven(key, &current.stage.path, &step, &current.env);
        let conclusion = if forgiven { Outcome::Success } else { outcome };
        let stage = current.stage.clone();
        self.finish_stage(key, &stage, &step, Ending::of(current, outcome, conclusion, exit_code));
    }

    fn say_timed_out(&mut self, key: &JobKey) {
        let Some(state) = self.jobs.get(key) else { return };
        let Some(current) = state.current() else { return };
        let minutes = current.timeout_minutes.unwrap_or_default();
        let is_background = state.strand().is_some_and(|it| it.background.is_some());
        let message = match (current.timeout_minutes, is_background && current.stage.path.depth() == 0) {
            (None, _) => "The action has timed out.".to_owned(),
            (Some(_), true) => format!("The background step '{}' has timed out after {minutes} minutes.", current.name),
            (Some(_), false) => format!("The action '{}' has timed out after {minutes} minutes.", current.name),
        };
        self.annotate(key, AnnotationLevel::Error, &message);
    }
}

/// The action that a step uses, if it was found.
pub(super) fn resolved<'a>(state: &'a JobState, path: &StepPath, uses: &UsesStep) -> Option<&'a ResolvedAction> {
    match &uses.target.value {
        UsesTarget::Repository(action) => state.environment.as_ref()?.actions.get(action),
        UsesTarget::Local(_) | UsesTarget::SelfRepository(_) => state.found.get(path)?.as_ref().ok(),
        UsesTarget::Docker(_) => None,
    }
}

fn composite(
    action: ResolvedAction,
    uses: &UsesStep,
    inputs: IndexMap<String, String>,
    overrides: IndexMap<String, String>,
) -> Composite {
    let target = uses.target.value.clone();
    let (results, status) = (IndexMap::new(), Outcome::Success);
    Composite { action, target, inputs, overrides, results, status, next: 0 }
}
