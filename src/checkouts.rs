//! What the checkouts of a workflow want besides the run's own commit.
use std::collections::BTreeSet;

use wfrun_runner::{Actions, NearWanted};
use wfrun_workflow::{Step, StepKind, UsesStep, WorkflowSet};

/// What steps with `actions/checkout` ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkouts {
    /// Other repositories, by `owner/name`.
    repositories: BTreeSet<String>,
    submodules: bool,
    /// Files of Git LFS.
    pub(crate) lfs: bool,
}

impl Checkouts {
    /// Reads the workflows of a run; what only an expression tells is taken as wanted, but for names of repositories.
    pub(crate) fn of(set: &WorkflowSet) -> Self {
        let mut checkouts = Self::default();
        for job in set.workflows().flat_map(|it| it.jobs.values()) {
            checkouts.steps(&job.steps);
        }
        checkouts
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            match &step.kind {
                StepKind::Uses(uses) => self.uses(uses),
                StepKind::Parallel(steps) => self.steps(steps),
                StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) => {}
            }
        }
    }

    fn uses(&mut self, uses: &UsesStep) {
        let is_checkout = |it: &wfrun_workflow::ActionRef| it.repository().eq_ignore_ascii_case("actions/checkout");
        if !uses.action().is_some_and(is_checkout) {
            return;
        }
        let input = |name: &str| {
            let (_, field) = uses.with.iter().find(|(it, _)| it.eq_ignore_ascii_case(name))?;
            Some(field.template.as_literal().map(str::to_owned))
        };
        let is_on = |name: &str| match input(name) {
            None => false,
            Some(text) => text.is_none_or(|it| !it.is_empty() && !it.eq_ignore_ascii_case("false")),
        };
        self.repositories.extend(input("repository").flatten().filter(|it| !it.is_empty()));
        self.submodules |= is_on("submodules");
        self.lfs |= is_on("lfs");
    }

    /// Those of them that are on this machine; `own` is the run's own repository.
    pub(crate) fn near(&self, actions: &Actions, own: &str) -> NearWanted {
        let others = self.repositories.iter().filter(|it| !it.eq_ignore_ascii_case(own));
        let repositories = others.filter_map(|it| Some((it.clone(), actions.here(it)?))).collect();
        NearWanted { repositories, submodules: self.submodules }
    }
}
