//! What GitHub takes and wfrun does not carry out yet: said before anything runs.
use std::sync::Arc;

use wfrun_syntax::{Code, Diagnostic, Source, Span};
use wfrun_workflow::{EnvMap, Job, Step, StepKind, Workflow};

/// Returns what of a workflow cannot be run yet (errors), and what has no effect here (warnings).
pub fn not_yet(workflow: &Workflow) -> Vec<Diagnostic> {
    let mut found = Found { source: &workflow.source, diagnostics: Vec::new() };
    found.map("`env`", &workflow.env);
    for job in workflow.jobs.values() {
        found.job(job);
    }
    found.diagnostics
}

struct Found<'a> {
    source: &'a Arc<Source>,
    diagnostics: Vec<Diagnostic>,
}

impl Found<'_> {
    fn job(&mut self, job: &Job) {
        let of = |key: &str| format!("`{key}` of job `{}`", job.id.value);
        if let Some(container) = &job.container {
            self.map(&of("container.env"), &container.env);
        }
        for service in &job.services.list {
            self.map(&format!("`env` of service `{}`", service.id.value), &service.container.env);
        }
        if let Some(snapshot) = &job.snapshot {
            self.not_yet(&of("snapshot"), snapshot.span);
        }
        if let Some(environment) = &job.environment {
            let why = "there are no protection rules or environment secrets here";
            self.no_effect(&of("environment"), environment.name.node.place(), why);
        }
        self.map(&of("env"), &job.env);
        self.map(&of("outputs"), &job.outputs);
        job.steps.iter().for_each(|it| self.step(it));
    }

    fn step(&mut self, step: &Step) {
        self.map("`env` of a step", &step.env);
        match &step.kind {
            StepKind::Uses(uses) => self.map("`with` of a step", &uses.with),
            StepKind::Parallel(steps) => steps.iter().for_each(|it| self.step(it)),
            StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) => {}
        }
    }

    fn map(&mut self, what: &str, map: &EnvMap) {
        if let Some(span) = map.computed() {
            self.not_yet(&format!("an expression that makes up names in {what}"), span);
        }
    }

    fn not_yet(&mut self, thing: &str, span: Span) {
        let message = format!("{thing} is not supported by wfrun yet");
        let help = "GitHub accepts it, wfrun does not run it in part: README.md says what is built";
        let found = Diagnostic::error(Code::new("wfrun/not-supported-yet"), message).at(self.source, span);
        self.diagnostics.push(found.help(help));
    }

    fn no_effect(&mut self, thing: &str, span: Span, why: &str) {
        let message = format!("{thing} has no effect here: {why}");
        self.diagnostics.push(Diagnostic::warning(Code::new("wfrun/no-effect"), message).at(self.source, span));
    }
}
