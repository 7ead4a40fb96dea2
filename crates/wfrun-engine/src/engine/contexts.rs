//! What the expressions and processes of a step see of the run.
use indexmap::IndexMap;
use wfrun_expr::{Object, Value};
use wfrun_plan::JobKey;
use wfrun_workflow::{ActionRef, Step, StepKind};

use super::Engine;
use crate::FilePaths;
use crate::scope::{Contexts, env_object, steps, strategy, text_object};
use crate::state::JobState;

impl Engine {
    /// Everything a step's expressions may see.
    pub(super) fn step_contexts(
        &self,
        key: &JobKey,
        step: &Step,
        env: &IndexMap<String, String>,
        files: Option<&FilePaths>,
    ) -> Contexts {
        let (Some(planned), Some(state)) = (self.plan.jobs.get(key), self.jobs.get(key)) else {
            return Contexts::default();
        };
        let mut contexts = self.contexts(planned);
        contexts.set("github", self.step_github(state, step, files));
        contexts.set("strategy", strategy());
        contexts.set("secrets", self.secrets());
        contexts.set("steps", steps(&state.results));
        contexts.set("env", env_object(env));
        contexts.set("job", self.job_object(state));
        contexts.set("runner", runner_object(state));
        contexts
    }

    pub(super) fn job_object(&self, state: &JobState) -> Object {
        let identity = &self.settings.identity;
        let path = self.plan.workflow.source.path();
        let workflow_ref = format!("{}/{path}@{}", self.plan.event.repository, self.plan.event.git_ref);
        let members = [
            ("status", Value::string(state.status.as_str())),
            ("workflow_ref", Value::string(workflow_ref)),
            ("workflow_sha", Value::string(&identity.workflow_sha)),
            ("workflow_repository", Value::string(&self.plan.event.repository)),
            ("workflow_file_path", Value::string(path)),
        ];
        members.into_iter().collect()
    }

    pub(super) fn step_github(&self, state: &JobState, step: &Step, files: Option<&FilePaths>) -> Object {
        let mut members: Vec<(&str, String)> = vec![("job", state.key.to_string()), ("action", step.id.to_string())];
        let action = match &step.kind {
            StepKind::Uses(uses) => uses.action(),
            StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => {
                None
            }
        };
        members.push(("action_repository", action.map(ActionRef::repository).unwrap_or_default()));
        members.push(("action_ref", action.map(|it| it.git_ref.clone()).unwrap_or_default()));
        if let Some(layout) = state.environment.as_ref().map(|it| &it.layout) {
            members.push(("workspace", layout.workspace.clone()));
            members.push(("event_path", layout.event_path.clone()));
        }
        if let Some(files) = files {
            members.push(("path", files.path.clone()));
            members.push(("env", files.env.clone()));
            members.push(("step_summary", files.summary.clone()));
            members.push(("state", files.state.clone()));
            members.push(("output", files.output.clone()));
        }
        let base = self.github.iter().map(|(name, value)| (name.to_owned(), value.clone()));
        base.chain(members.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value)))).collect()
    }
}

/// The `runner` context.
///
/// Source: GitHub: execution rules E6.2.
/// Differs: `runner.environment` is `self-hosted`, also for `ubuntu-latest`, and steps run as root, not as `runner`.
pub(super) fn runner_object(state: &JobState) -> Object {
    let Some(job) = &state.environment else { return Object::default() };
    let members: IndexMap<String, String> = [
        ("os", job.os.as_str()),
        ("arch", &job.arch),
        ("name", &job.name),
        ("environment", "self-hosted"),
        ("tool_cache", &job.layout.tool_cache),
        ("temp", &job.layout.temp),
        ("workspace", &job.layout.runner_workspace),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    text_object(&members)
}
