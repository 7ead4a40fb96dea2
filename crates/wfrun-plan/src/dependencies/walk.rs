//! Goes through actions and all that they use in turn.
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_syntax::Span;
use wfrun_workflow::{Action, ActionRef, RunsKind, Step, StepKind, UsesStep, UsesTarget};

/// How many composite actions may use each other in a row.
///
/// Source: `CompositeActionsMaxDepth` of actions/runner; GitHub: execution rules E1.2.
pub const MAX_DEPTH: usize = 9;

/// Where an action's files are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ActionPlace {
    /// In another repository.
    Repository(ActionRef),
    /// In this folder of the workflow's own; empty for its root.
    Own(String),
}

/// What an action uses.
#[derive(Debug, Clone)]
pub struct Used<'a> {
    /// What its step names.
    pub target: UsedTarget,
    /// Where it does.
    pub span: Span,
    /// The step.
    pub step: &'a UsesStep,
}

/// What a step of an action names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsedTarget {
    /// An action.
    Action(ActionPlace),
    /// An image, without `docker://`.
    Image(String),
}

/// An action that is met for the first time.
#[derive(Debug, Clone, Copy)]
pub struct ActionVisit<'a> {
    /// Where it is.
    pub action: &'a ActionPlace,
    /// The first of those asked for that leads to it; itself, if it was asked for.
    pub wanted: &'a ActionPlace,
    /// The action that uses it; none, if it was asked for.
    pub by: Option<&'a ActionPlace>,
}

/// Composite actions use each other without end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooDeep {
    /// The first that is too deep.
    pub action: ActionPlace,
    /// The one of those asked for that leads to it.
    pub wanted: ActionPlace,
}

impl ActionPlace {
    /// What `uses:` in the workflow's own repository names; none for an image.
    pub fn of(target: &UsesTarget) -> Option<Self> {
        match target {
            UsesTarget::Repository(action) => Some(Self::Repository(action.clone())),
            UsesTarget::Local(path) | UsesTarget::SelfRepository(path) => Some(Self::own(path)),
            UsesTarget::Docker(_) => None,
        }
    }

    fn own(path: &str) -> Self {
        let path = path.replace('\\', "/");
        let parts = path.trim_start_matches("$/").split('/').filter(|it| !it.is_empty() && *it != ".");
        Self::Own(parts.collect::<Vec<_>>().join("/"))
    }

    /// The other repository's action, if it is one.
    pub const fn repository(&self) -> Option<&ActionRef> {
        match self {
            Self::Repository(action) => Some(action),
            Self::Own(_) => None,
        }
    }
}

impl fmt::Display for ActionPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository(action) => action.fmt(f),
            Self::Own(path) => write!(f, "./{path}"),
        }
    }
}

/// Returns what a composite action at `place` uses, in the order of its steps; nothing of other kinds.
///
/// Source: GitHub: execution rules E7.5: `./…` is in the workspace, `$/…` in the action's own repository.
pub fn used_by<'a>(manifest: &'a Action, place: &ActionPlace) -> Vec<Used<'a>> {
    let RunsKind::Composite(steps) = &manifest.runs.kind else { return Vec::new() };
    let used = |step: &'a Step| {
        let StepKind::Uses(uses) = &step.kind else { return None };
        let target = match (&uses.target.value, place) {
            (UsesTarget::Docker(image), _) => UsedTarget::Image(image.clone()),
            (UsesTarget::SelfRepository(path), ActionPlace::Repository(own)) => {
                UsedTarget::Action(ActionPlace::Repository(own.sibling(path)))
            }
            (target, _) => UsedTarget::Action(ActionPlace::of(target)?),
        };
        Some(Used { target, span: uses.target.span, step: uses })
    };
    steps.iter().filter_map(used).collect()
}

/// Visits actions and all that they use in turn, each once; `visit` gives the manifest, where there is one to be read.
///
/// Stops where composite actions use each other without end, and says where.
/// Source: GitHub: execution rules E1.2 (`PrepareActionsRecursiveAsync` of actions/runner): level by level.
pub fn walk(wanted: &[ActionPlace], visit: &mut dyn FnMut(ActionVisit<'_>) -> Option<Arc<Action>>) -> Option<TooDeep> {
    type Level = IndexMap<ActionPlace, (ActionPlace, Option<ActionPlace>)>;
    let mut known: HashMap<ActionPlace, Option<Arc<Action>>> = HashMap::new();
    let mut level: Level = wanted.iter().map(|it| (it.clone(), (it.clone(), None))).collect();
    for depth in 0.. {
        let Some((action, (wanted, _))) = level.first() else { break };
        if depth > MAX_DEPTH {
            return Some(TooDeep { action: action.clone(), wanted: wanted.clone() });
        }
        let mut next = Level::new();
        for (action, (wanted, by)) in &level {
            let manifest =
                known.entry(action.clone()).or_insert_with(|| visit(ActionVisit { action, wanted, by: by.as_ref() }));
            for used in manifest.iter().flat_map(|it| used_by(it, action)) {
                if let UsedTarget::Action(used) = used.target {
                    next.entry(used).or_insert_with(|| (wanted.clone(), Some(action.clone())));
                }
            }
        }
        level = next;
    }
    None
}
