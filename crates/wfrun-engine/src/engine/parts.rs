//! Which actions have a pre or a post part, also by what they are made of.
//!
//! Source: GitHub: `PrepareActionsRecursiveAsync` and `CompositeActionHandler` of actions/runner; execution rules E7.5.
use std::collections::VecDeque;

use wfrun_journal::Phase;
use wfrun_plan::StepPath;
use wfrun_workflow::{Action, ActionRef, RunsKind, Step, StepKind, UsesTarget};

use super::composite::MAX_DEPTH;
use crate::state::JobState;
use crate::strand::Composite;

/// The job's own steps that have a pre part, in their order.
pub(super) fn pre_steps(state: &JobState, steps: &[Step]) -> VecDeque<StepPath> {
    let with_grouped = steps.iter().enumerate().flat_map(|(index, step)| {
        let own = StepPath::at(index);
        let grouped: Vec<_> = step.grouped().iter().enumerate().map(|(inner, it)| (own.child(inner), it)).collect();
        std::iter::once((own, step)).chain(grouped)
    });
    let with_pre = with_grouped.filter(|(_, step)| uses_with_part(state, step, None, Phase::Pre, 0));
    with_pre.map(|(path, _)| path).collect()
}

/// The steps of a composite action that have their turn in one of its parts, in that order; `earlier` is what its parts
/// before this one left.
///
/// Post parts come in the reverse order of the steps, of those that began.
pub(super) fn steps_of_part(
    state: &JobState,
    action: &Action,
    target: &UsesTarget,
    phase: Phase,
    earlier: Option<&Composite>,
) -> VecDeque<usize> {
    let RunsKind::Composite(steps) = &action.runs.kind else { return VecDeque::new() };
    match phase {
        Phase::Pre => steps_with_pre(state, steps, repository(target), 1),
        Phase::Main => (0..steps.len()).collect(),
        Phase::Post => earlier.into_iter().flat_map(|it| it.posts.iter().rev().copied()).collect(),
    }
}

fn steps_with_pre(state: &JobState, steps: &[Step], own: Option<&ActionRef>, depth: usize) -> VecDeque<usize> {
    let has_pre = |(index, step)| uses_with_part(state, step, own, Phase::Pre, depth).then_some(index);
    steps.iter().enumerate().filter_map(has_pre).collect()
}

/// Tells whether an action has a part besides its main one; `target` is how it was called.
pub(super) fn has_part(state: &JobState, action: &Action, target: &UsesTarget, phase: Phase) -> bool {
    action_with_part(state, action, repository(target), phase, 0)
}

fn repository(target: &UsesTarget) -> Option<&ActionRef> {
    match target {
        UsesTarget::Repository(action) => Some(action),
        UsesTarget::Local(_) | UsesTarget::SelfRepository(_) | UsesTarget::Docker(_) => None,
    }
}

/// `own` is the repository that the action is in.
fn action_with_part(state: &JobState, action: &Action, own: Option<&ActionRef>, phase: Phase, depth: usize) -> bool {
    match (&action.runs.kind, phase) {
        (_, Phase::Main) => true,
        (RunsKind::Composite(steps), _) => {
            depth <= MAX_DEPTH && steps.iter().any(|it| uses_with_part(state, it, own, phase, depth + 1))
        }
        (RunsKind::Node { .. } | RunsKind::Container { .. }, Phase::Pre) => action.runs.has_pre(),
        (RunsKind::Node { .. } | RunsKind::Container { .. }, Phase::Post) => action.runs.has_post(),
    }
}

/// Tells whether what a step uses has such a part, as far as it is known before its turn; `own` is the repository of the
/// action that it is a step of.
fn uses_with_part(state: &JobState, step: &Step, own: Option<&ActionRef>, phase: Phase, depth: usize) -> bool {
    let StepKind::Uses(uses) = &step.kind else { return false };
    let used = match (&uses.target.value, own) {
        (UsesTarget::Repository(action), _) => action.clone(),
        (UsesTarget::SelfRepository(path), Some(own)) => own.sibling(path),
        // Nobody has read them yet: they have no pre part, and may have a post part.
        (UsesTarget::Local(_) | UsesTarget::SelfRepository(_), _) => return phase == Phase::Post,
        (UsesTarget::Docker(_), _) => return false,
    };
    let known = state.environment.as_ref().and_then(|it| it.actions.get(&used));
    known.is_some_and(|it| action_with_part(state, &it.manifest, Some(&used), phase, depth))
}
