//! Which secrets become AWS keys, by the way that they take: through variables, inputs and calls.
use std::collections::HashMap;

use wfrun_workflow::{
    CallSecrets, EnvMap, Field, Job, StepKind, UsesStep, Workflow, WorkflowSet, references, references_in,
};

use super::mentions::{Holder, mentions};
use super::{KeyNames, KeyPart, key_part};
use crate::own_files::OwnFiles;

/// What configure-aws-credentials takes, and the variables of programs.
const INPUTS: [(&str, KeyPart); 3] = [
    ("aws-access-key-id", KeyPart::Id),
    ("aws-secret-access-key", KeyPart::Secret),
    ("aws-session-token", KeyPart::Session),
];

/// Finds the names; those that tell it themselves come first.
pub(super) fn names(set: &WorkflowSet, files: &OwnFiles) -> KeyNames {
    let mut flow = Flow::default();
    for (name, part) in INPUTS {
        flow.variables.insert(name.to_ascii_uppercase().replace('-', "_"), part);
    }
    for it in set.workflows().flat_map(|it| references(it, "secrets")) {
        if let Some(part) = key_part(&it.name) {
            flow.mark(&Holder::Secret(it.name.to_ascii_uppercase()), part);
        }
    }
    // Each round goes one step back on the way; a way is no longer than there are names.
    loop {
        let before = flow.size();
        for workflow in set.workflows() {
            flow.go_through(workflow, files);
        }
        if flow.size() == before {
            return flow.secrets;
        }
    }
}

/// What is known to be a part of a key; names in upper case.
#[derive(Debug, Default)]
struct Flow {
    secrets: KeyNames,
    variables: HashMap<String, KeyPart>,
}

impl Flow {
    fn size(&self) -> usize {
        self.secrets.len() + self.variables.len()
    }

    fn mark(&mut self, holder: &Holder, part: KeyPart) {
        match holder {
            Holder::Secret(name) => _ = self.secrets.entry(name.clone()).or_insert(part),
            Holder::Variable(name) => _ = self.variables.entry(name.clone()).or_insert(part),
            Holder::Input(_) => {}
        }
    }

    /// The field has a part of a key: so has whatever it is made of.
    fn mark_field(&mut self, field: &Field, part: KeyPart) {
        for it in references_in(field, "secrets") {
            self.mark(&Holder::Secret(it.name.to_ascii_uppercase()), part);
        }
        for it in references_in(field, "env") {
            self.mark(&Holder::Variable(it.name.to_ascii_uppercase()), part);
        }
    }

    fn go_through(&mut self, workflow: &Workflow, files: &OwnFiles) {
        self.variables_of(&workflow.env);
        for job in workflow.jobs.values() {
            self.variables_of(&job.env);
            job.container.iter().for_each(|it| self.variables_of(&it.env));
            self.call(job);
            for step in job.all_steps() {
                self.variables_of(&step.env);
                match &step.kind {
                    StepKind::Uses(uses) => self.inputs(uses, files),
                    StepKind::Run(run) => {
                        for (part, holder) in mentions(&run.script.raw()) {
                            self.mark(&holder, part);
                        }
                    }
                    StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => {}
                }
            }
        }
    }

    fn variables_of(&mut self, env: &EnvMap) {
        for (name, field) in env.iter() {
            if let Some(part) = self.variables.get(&name.to_ascii_uppercase()).copied() {
                self.mark_field(field, part);
            }
        }
    }

    /// A called workflow's secret is what the caller gives.
    fn call(&mut self, job: &Job) {
        let Some(CallSecrets::Named(given)) = job.call.as_ref().map(|it| &it.secrets) else { return };
        for (name, field) in given.iter() {
            if let Some(part) = self.secrets.get(&name.to_ascii_uppercase()).copied() {
                self.mark_field(field, part);
            }
        }
    }

    /// Those of an action in this repository are what it makes of them.
    fn inputs(&mut self, uses: &UsesStep, files: &OwnFiles) {
        let text = files.action_of(uses).unwrap_or_default();
        let own = mentions(&text).into_iter().filter_map(|(part, holder)| match holder {
            Holder::Input(name) => Some((name, part)),
            Holder::Secret(_) | Holder::Variable(_) => None,
        });
        let own: HashMap<String, KeyPart> = own.collect();
        for (input, field) in uses.with.iter() {
            let usual = INPUTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(input)).map(|(_, part)| *part);
            if let Some(part) = usual.or_else(|| own.get(&input.to_ascii_uppercase()).copied()) {
                self.mark_field(field, part);
            }
        }
    }
}
