//! Which secrets become AWS keys, by the way that they take: through variables, inputs and calls.
use std::collections::HashMap;

use indexmap::IndexMap;
use wfrun_workflow::{
    CallSecrets, EnvMap, Field, Job, StepKind, UsesStep, Workflow, WorkflowSet, references, references_in,
};

use super::mentions::{Holder, mentions};
use super::{KeyNames, KeyPart, key_part};
use crate::own_files::OwnFiles;

/// What configure-aws-credentials takes; programs take variables of the same names.
const INPUTS: [(&str, KeyPart); 3] = [
    ("aws-access-key-id", KeyPart::Id),
    ("aws-secret-access-key", KeyPart::Secret),
    ("aws-session-token", KeyPart::Session),
];

/// Finds the names; those that tell it themselves come first.
pub(super) fn names(set: &WorkflowSet, files: &OwnFiles) -> KeyNames {
    let variables = INPUTS.map(|(name, part)| (Holder::variable(&name.replace('-', "_")), part));
    let mut parts: IndexMap<Holder, KeyPart> = variables.into();
    for it in set.workflows().flat_map(|it| references(it, "secrets")) {
        if let Some(part) = key_part(&it.name) {
            parts.insert(Holder::secret(&it.name), part);
        }
    }
    let ways = Ways::of(set, files).0;
    // Each round goes one step back; a way is no longer than there are names.
    loop {
        let before = parts.len();
        for (to, from) in &ways {
            let part = match to {
                To::Key(part) => Some(*part),
                To::Holder(holder) => parts.get(holder).copied(),
            };
            if let Some(part) = part {
                parts.entry(from.clone()).or_insert(part);
            }
        }
        if parts.len() == before {
            break;
        }
    }
    let secrets = parts.into_iter().filter_map(|(holder, part)| match holder {
        Holder::Secret(name) => Some((name, part)),
        Holder::Variable(_) | Holder::Input(_) => None,
    });
    secrets.collect()
}

/// Where a value goes.
#[derive(Debug)]
enum To {
    /// To whoever takes that part of a key.
    Key(KeyPart),
    /// To somebody who may pass it on.
    Holder(Holder),
}

/// The ways of values in workflows, one step each.
#[derive(Debug, Default)]
struct Ways(Vec<(To, Holder)>);

impl Ways {
    fn of(set: &WorkflowSet, files: &OwnFiles) -> Self {
        let mut ways = Self::default();
        for workflow in set.workflows() {
            ways.go_through(workflow, files);
        }
        ways
    }

    fn go_through(&mut self, workflow: &Workflow, files: &OwnFiles) {
        self.variables(&workflow.env);
        for job in workflow.jobs.values() {
            self.variables(&job.env);
            if let Some(container) = &job.container {
                self.variables(&container.env);
            }
            self.call(job);
            for step in job.all_steps() {
                self.variables(&step.env);
                match &step.kind {
                    StepKind::Uses(uses) => self.inputs(uses, files),
                    StepKind::Run(run) => {
                        let found = mentions(&run.script.raw()).into_iter();
                        self.0.extend(found.map(|(part, holder)| (To::Key(part), holder)));
                    }
                    StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => {}
                }
            }
        }
    }

    fn add(&mut self, field: &Field, to: impl Fn() -> To) {
        let secrets = references_in(field, "secrets").into_iter().map(|it| Holder::secret(&it.name));
        let variables = references_in(field, "env").into_iter().map(|it| Holder::variable(&it.name));
        self.0.extend(secrets.chain(variables).map(|it| (to(), it)));
    }

    fn variables(&mut self, env: &EnvMap) {
        for (name, field) in env.iter() {
            self.add(field, || To::Holder(Holder::variable(name)));
        }
    }

    /// A called workflow's secret is what the caller gives.
    fn call(&mut self, job: &Job) {
        let Some(CallSecrets::Named(given)) = job.call.as_ref().map(|it| &it.secrets) else { return };
        for (name, field) in given.iter() {
            self.add(field, || To::Holder(Holder::secret(name)));
        }
    }

    /// Those of an action in this repository are what it makes of them.
    fn inputs(&mut self, uses: &UsesStep, files: &OwnFiles) {
        let text = files.action_of(uses).unwrap_or_default();
        let own: HashMap<Holder, KeyPart> = mentions(&text).into_iter().map(|(part, holder)| (holder, part)).collect();
        for (input, field) in uses.with.iter() {
            let usual = INPUTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(input)).map(|(_, part)| *part);
            if let Some(part) = usual.or_else(|| own.get(&Holder::input(input)).copied()) {
                self.add(field, || To::Key(part));
            }
        }
    }
}
