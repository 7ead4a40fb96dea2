//! Composite actions: their steps ask for what a job's own would.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_plan::MAX_DEPTH;
use wfrun_syntax::{Source, eq_ignoring_case};
use wfrun_workflow::{Action, RunsKind, Step, UsesStep, UsesTarget, lower_action};

use super::Walk;
use super::known::Known;
use crate::check::actions::{manifest_elsewhere, own_manifest};

impl Walk<'_> {
    /// Looks at the steps of a composite action; tells whether the step uses one that could be read.
    ///
    /// Source: GitHub: execution rules E7.5: it sees the step's variables and its own inputs; what it exports stays.
    pub(super) fn composite(&mut self, step: &Step, uses: &UsesStep) -> bool {
        let Some((source, is_elsewhere)) = self.manifest(uses) else { return false };
        let lowered = lower_action(&source, wfrun_syntax::parse(&source).value.as_ref());
        let Some(action) = lowered.value.filter(|_| self.depth < MAX_DEPTH) else { return false };
        let RunsKind::Composite(steps) = &action.runs.kind else { return false };
        let env = self.known.env_of(step);
        let inputs = self.known.given(&action, uses, &env);
        let outside = self.known.enter(env, inputs, steps);
        let file = std::mem::replace(&mut self.source, source);
        let was_elsewhere = std::mem::replace(&mut self.is_elsewhere, is_elsewhere);
        self.depth += 1;
        self.steps(steps);
        self.depth -= 1;
        (self.source, self.is_elsewhere) = (file, was_elsewhere);
        let outputs: Vec<(String, String)> = action
            .outputs
            .iter()
            .filter_map(|(name, output)| Some((name.to_ascii_lowercase(), self.known.text(output.value.as_ref()?))))
            .collect();
        self.known.leave(outside);
        for (name, value) in outputs {
            self.known.set_output(step, &name, value);
        }
        true
    }

    /// The manifest of what a step uses, and whether it is another repository's; none of actions whose needs are known anyway.
    fn manifest(&self, uses: &UsesStep) -> Option<(Arc<Source>, bool)> {
        let (root, settings) = (self.known.root, self.settings);
        match &uses.target.value {
            UsesTarget::Local(path) => Some((own_manifest(path, root, settings)?, false)),
            UsesTarget::SelfRepository(path) if !self.is_elsewhere => {
                Some((own_manifest(path, root, settings)?, false))
            }
            UsesTarget::Repository(action) if !Known::knows(action) => {
                Some((manifest_elsewhere(action, root, settings)?, true))
            }
            UsesTarget::Repository(_) | UsesTarget::Docker(_) | UsesTarget::SelfRepository(_) => None,
        }
    }
}

impl Known<'_> {
    /// The inputs of an action, as its steps see them.
    fn given(&self, action: &Action, uses: &UsesStep, env: &IndexMap<String, String>) -> IndexMap<String, String> {
        let value = |(name, input): (&String, &wfrun_workflow::ActionInput)| {
            let given = uses.with.iter().find(|(it, _)| eq_ignoring_case(it, name)).map(|(_, field)| field);
            let text = given.or(input.default.as_ref()).map(|it| self.text_with(it, env));
            (name.to_ascii_lowercase(), text.unwrap_or_default())
        };
        // Which of them a computed mapping gives is not known.
        if uses.with.computed().is_some() { IndexMap::new() } else { action.inputs.iter().map(value).collect() }
    }
}
