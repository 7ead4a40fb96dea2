//! Actions that are made of steps, and how actions are found.
//!
//! Source: GitHub: execution rules E7.5 and E7.6.
use indexmap::IndexMap;
use wfrun_journal::{AnnotationLevel, How, Outcome, Phase, StepKindName};
use wfrun_plan::{JobKey, StepPath};
use wfrun_workflow::{UsesStep, UsesTarget};

use super::Engine;
use super::launch::shown_inputs;
use super::parts::steps_of_part;
use super::prepare::Prepared;
use super::step::{Beginning, Hindrance};
use super::step_end::Ending;
use crate::put::put_all;
use crate::scope::{At, Status, steps};
use crate::state::JobState;
use crate::strand::{Composite, Current, Stage, Waits, Work};
use crate::{FoundAction, ResolvedAction};

/// Source: GitHub: execution rules E1.2, "Recursion".
pub(super) const MAX_DEPTH: usize = 9;

impl Engine {
    /// The action that a step uses; none for an image.
    pub(super) fn find(&self, it: &Beginning<'_>, uses: &UsesStep) -> Result<Option<ResolvedAction>, Hindrance> {
        let Some(state) = self.jobs.get(it.key) else { return Ok(None) };
        match &meant(state, &it.stage.path, &uses.target.value) {
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
        let target = meant(state, &it.stage.path, &uses.target.value);
        let earlier = state.composites.get(&it.stage.path);
        let composite = Composite {
            action: action.clone(),
            inputs,
            overrides: prepared.overrides.clone(),
            // What its parts before this one left.
            results: earlier.map(|it| it.results.clone()).unwrap_or_default(),
            posts: earlier.map(|it| it.posts.clone()).unwrap_or_default(),
            status: Outcome::Success,
            coming: steps_of_part(state, &action.manifest, &target, it.stage.phase, earlier),
            target,
        };
        self.push_current(it, prepared, Work::Composite, (StepKindName::Composite, How::Real), &header);
        if let Some(state) = self.jobs.get_mut(it.key) {
            state.composites.insert(it.stage.path.clone(), composite);
        }
        self.warn_of_inputs(it, uses, Some(&action.manifest));
        self.warn_of_pre(it, uses, Some(&action.manifest));
        Ok(())
    }

    /// The next step of a composite action that runs.
    pub(super) fn next_of_composite(state: &JobState, current: &Current) -> Option<Stage> {
        let composite = state.composites.get(&current.stage.path)?;
        composite.next_stage(&current.stage).filter(|_| !current.timed_out && !state.halted)
    }

    /// All steps of a composite action are through: its outputs, then its own end.
    pub(super) fn finish_composite(&mut self, key: &JobKey) {
        let Some(state) = self.jobs.get(key) else { return };
        let Some(current) = state.current() else { return };
        let Stage { path, phase } = current.stage.clone();
        let Some(composite) = state.composites.get(&path) else { return };
        let mut outcome = composite.status;
        let mut outputs = IndexMap::new();
        let mut failed = None;
        if let Some(step) = self.model_step(key, &path) {
            // As one of its own steps would see it.
            let mut contexts = self.step_contexts(key, &path.child(0), step, &current.env, None);
            if phase != Phase::Main {
                // Outputs are evaluated after each part, and `steps` is empty then. Source: GitHub: `RunAsync` of
                // CompositeActionHandler.
                contexts.set("steps", steps(&IndexMap::new()));
            }
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
        if phase != Phase::Main {
            outputs.clear();
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
        put_all(&mut current.outputs, outputs);
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

/// What a step uses: `$/…` in an action of a repository is that repository's, at the same version.
///
/// Source: GitHub: execution rules E7.6.
pub(super) fn meant(state: &JobState, path: &StepPath, target: &UsesTarget) -> UsesTarget {
    match (target, state.composite_of(path).map(|it| &it.target)) {
        (UsesTarget::SelfRepository(path), Some(UsesTarget::Repository(own))) => {
            UsesTarget::Repository(own.sibling(path))
        }
        _ => target.clone(),
    }
}

/// The action that a step uses, if it was found.
pub(super) fn resolved<'a>(state: &'a JobState, path: &StepPath, uses: &UsesStep) -> Option<&'a ResolvedAction> {
    match &meant(state, path, &uses.target.value) {
        UsesTarget::Repository(action) => state.environment.as_ref()?.actions.get(action),
        UsesTarget::Local(_) | UsesTarget::SelfRepository(_) => state.found.get(path)?.as_ref().ok(),
        UsesTarget::Docker(_) => None,
    }
}
