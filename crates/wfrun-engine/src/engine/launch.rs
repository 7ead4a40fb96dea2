//! What a step starts: its script and shell, or its action and inputs.
use indexmap::IndexMap;
use wfrun_journal::{AnnotationLevel, Phase};
use wfrun_plan::JobKey;
use wfrun_workflow::{RunStep, UsesStep};

use super::Engine;
use super::job::{evaluate_map, evaluate_text};
use super::step::{Hindrance, resolved};
use crate::scope::{At, Contexts, Status};
use crate::state::Stage;
use crate::{Program, ShellCommand};

/// A step's program before its environment is put together.
pub(super) struct ToLaunch {
    pub(super) program: Program,
    /// `with:` and defaults; none for scripts.
    pub(super) inputs: Option<IndexMap<String, String>>,
    pub(super) cwd: String,
    /// What the log shows of it.
    pub(super) header: Vec<String>,
}

impl Engine {
    pub(super) fn script(&self, key: &JobKey, run: &RunStep, contexts: &Contexts) -> Result<ToLaunch, Hindrance> {
        let Some((state, job)) = self.jobs.get(key).and_then(|it| Some((it, it.environment.as_ref()?))) else {
            return Err(Hindrance::Failed("the job has no environment".to_owned()));
        };
        let at = At { contexts, status: Status::None, hashes: Some(&state.hashes) };
        let script = run.script.template.evaluate(&at)?.value().to_text();
        let (Some(model), Some(workflow)) = (self.model(key), self.workflow_of(key)) else {
            return Err(Hindrance::Failed("no such job".to_owned()));
        };
        // A job's `defaults.run` replaces the workflow's as a whole. Source: GitHub: planning rules 4.8.
        let defaults = if model.defaults.is_empty() { &workflow.defaults } else { &model.defaults };
        let shell = match &run.shell {
            Some(it) => Some(it.template.evaluate(&at)?.value().to_text()),
            None => evaluate_text(defaults.shell.as_ref(), &at)?,
        };
        let directory = match &run.working_directory {
            Some(it) => Some(it.template.evaluate(&at)?.value().to_text()),
            None => evaluate_text(defaults.working_directory.as_ref(), &at)?,
        };
        let in_container = job.containers.as_ref().is_some_and(|it| it.container.is_some());
        let shell =
            ShellCommand::of(shell.as_deref(), in_container).map_err(|err| Hindrance::Failed(err.to_string()))?;
        let cwd = working_directory(&job.layout.workspace, directory.as_deref().unwrap_or_default());
        let path = format!("{}/{}{}", job.layout.temp, self.unique(state), shell.extension);
        let mut header: Vec<String> = script.lines().map(str::to_owned).collect();
        header.push(format!("shell: {}", shell.shown));
        let script = match shell.wrap {
            Some((before, after)) => format!("{before}{script}{after}"),
            None => script,
        };
        let program = Program::Script { command: shell.command, arguments: shell.arguments, script, path };
        Ok(ToLaunch { program, inputs: None, cwd, header })
    }

    pub(super) fn action(
        &mut self,
        key: &JobKey,
        stage: Stage,
        uses: &UsesStep,
        contexts: &Contexts,
    ) -> Result<ToLaunch, Hindrance> {
        let found = self.jobs.get(key).and_then(|it| Some((it, it.environment.as_ref()?)));
        let (Some((state, job)), Some(action)) = (found, uses.action()) else {
            return Err(Hindrance::Failed(format!("`{}` cannot be run here", uses.target.value)));
        };
        let Some(resolved) = resolved(state, action) else {
            return Err(Hindrance::Failed(format!("action `{action}` was not found")));
        };
        let at = At { contexts, status: Status::None, hashes: Some(&state.hashes) };
        let mut inputs = evaluate_map(&uses.with, &at)?;
        let manifest = &resolved.manifest;
        let unexpected: Vec<String> =
            inputs.keys().filter(|it| manifest.input(it).is_none()).map(|it| format!("'{it}'")).collect();
        for (name, input) in &manifest.inputs {
            if !inputs.keys().any(|it| it.eq_ignore_ascii_case(name)) {
                let default = evaluate_text(input.default.as_ref(), &at)?.unwrap_or_default();
                inputs.insert(name.clone(), default);
            }
        }
        let mut header: Vec<String> = Vec::new();
        let given = inputs.iter().filter(|(_, value)| !value.is_empty());
        let with: Vec<String> = given.map(|(name, value)| format!("  {name}: {value}")).collect();
        if !with.is_empty() {
            header.push("with:".to_owned());
            header.extend(with);
        }
        let program = Program::StandIn { action: action.clone(), phase: stage.phase };
        let cwd = job.layout.workspace.clone();
        let valid: Vec<String> = manifest.inputs.keys().map(|it| format!("'{it}'")).collect();
        if !unexpected.is_empty() && stage.phase == Phase::Main {
            let message =
                format!("Unexpected input(s) {}, valid inputs are [{}]", unexpected.join(", "), valid.join(", "));
            self.annotate(key, AnnotationLevel::Warning, &message);
        }
        Ok(ToLaunch { program, inputs: Some(inputs), cwd, header })
    }
}

/// Source: GitHub: execution rules E2.3.
fn working_directory(workspace: &str, directory: &str) -> String {
    match directory {
        "" => workspace.to_owned(),
        absolute if absolute.starts_with('/') => absolute.to_owned(),
        relative => format!("{workspace}/{relative}"),
    }
}
