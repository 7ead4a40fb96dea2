//! What the expressions and processes of a step see of the run.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_expr::{Object, Value};
use wfrun_journal::{Outcome, Phase};
use wfrun_plan::{JobKey, StepPath};
use wfrun_workflow::{ActionRef, JobId, Step, StepKind, UsesTarget};

use super::Engine;
use super::composite::meant;
use crate::FilePaths;
use crate::frame::{Frame, Place};
use crate::scope::{Contexts, Status, env_object, job_entry, steps, text_object};
use crate::state::JobState;
use crate::strand::Stage;

impl Engine {
    /// Where the contexts of a workflow of the run begin: what is the same for all its jobs.
    pub(super) fn frame_contexts(&self, frame: &Frame) -> Contexts {
        let mut contexts = Contexts::default();
        contexts.set("github", self.github.clone());
        contexts.set("vars", text_object(&self.settings.vars));
        contexts.set("inputs", frame.inputs.clone());
        contexts
    }

    /// What a declared job's condition and strategy see.
    pub(super) fn declared_contexts(&self, place: &Place) -> Contexts {
        let Some(frame) = self.frames.get(place.frame) else { return Contexts::default() };
        let mut contexts = self.frame_contexts(frame);
        contexts.set("github", self.github.with("job", Value::string(place.id.as_str())));
        contexts.set("needs", self.needs(frame, &place.id));
        contexts
    }

    /// What a leg's keys see.
    pub(super) fn leg_contexts(&self, state: &JobState) -> Contexts {
        let mut contexts = self.declared_contexts(&state.place);
        contexts.set("matrix", state.matrix.clone());
        contexts.set("strategy", state.strategy.clone());
        contexts
    }

    /// `github` for `env` of workflow and job, for what a job says of its containers, and for its outputs.
    ///
    /// Source: `actions/runner`, `JobExtension.cs`: the workspace is set before `env` of the job is evaluated.
    pub(super) fn job_github(&self, state: &JobState) -> Object {
        let github = self.github_of(state).with("job", Value::string(state.place.id.as_str()));
        let place = state.environment.as_ref().map(|it| &it.layout.workspace);
        match place.or(self.settings.container_workspace.as_ref()) {
            Some(it) => github.with("workspace", Value::string(it)),
            None => github,
        }
    }

    /// `needs`: the direct needs of a job.
    fn needs(&self, frame: &Frame, id: &JobId) -> Object {
        let direct = frame.jobs.get(id).map(|it| it.needs.direct.as_slice()).unwrap_or_default();
        let entry = |id: &JobId| {
            let job = frame.jobs.get(id)?;
            let result = self.record.result_for_dependents(&job.key).unwrap_or(Outcome::Skipped);
            Some((id.to_string(), job_entry(result, &job.outputs)))
        };
        direct.iter().filter_map(entry).collect()
    }

    /// `secrets` of a workflow of the run, as one of its jobs has them.
    pub(super) fn secrets_of(&self, frame: usize, key: &JobKey) -> Object {
        let secrets = self.frames.get(frame).map(|it| Arc::clone(&it.secrets)).unwrap_or_default();
        let named = secrets.iter().map(|(name, it)| (name.clone(), Value::string(self.secret_of(it.expose(), key))));
        let token = ("github_token".to_owned(), Value::string(self.token_of(key)));
        named.chain([token]).collect()
    }

    /// `secrets` for a call, in which `GITHUB_TOKEN` stands for that of each called job.
    pub(super) fn secrets_to_hand_over(&self, frame: usize) -> Object {
        let secrets = self.frames.get(frame).map(|it| Arc::clone(&it.secrets)).unwrap_or_default();
        let named = secrets.iter().map(|(name, it)| (name.clone(), Value::string(it.expose())));
        let token = ("github_token".to_owned(), Value::string(&self.settings.identity.token));
        named.chain([token]).collect()
    }

    /// Everything a step's expressions may see.
    pub(super) fn step_contexts(
        &self,
        key: &JobKey,
        path: &StepPath,
        step: &Step,
        env: &IndexMap<String, String>,
        files: Option<&FilePaths>,
    ) -> Contexts {
        let Some(state) = self.jobs.get(key) else { return Contexts::default() };
        let mut contexts = self.leg_contexts(state);
        contexts.set("github", self.step_github(state, path, step, files));
        contexts.set("env", env_object(env));
        contexts.set("job", self.job_object(state));
        contexts.set("runner", runner_object(state));
        match state.composite_of(path) {
            None => {
                contexts.set("secrets", self.secrets_of(state.place.frame, key));
                contexts.set("steps", steps(&state.results));
            }
            // Source: GitHub: execution rules E6.4 and E7.1.
            Some(composite) => {
                contexts.remove("needs");
                contexts.remove("vars");
                contexts.set("inputs", text_object(&composite.inputs));
                contexts.set("steps", steps(&composite.results));
            }
        }
        contexts
    }

    /// Whose status the functions of a step's condition tell.
    ///
    /// Source: GitHub: execution rules E1.5, "Status functions".
    pub(super) fn step_status(state: &JobState, stage: &Stage) -> Status<'static> {
        let cancelled = state.status == Outcome::Cancelled;
        let status = match state.composite_of(&stage.path) {
            Some(composite) if stage.phase == Phase::Main => composite.status,
            Some(_) | None => state.status,
        };
        Status::Step { status, cancelled }
    }

    pub(super) fn job_object(&self, state: &JobState) -> Object {
        let identity = &self.settings.identity;
        let frame = self.frames.get(state.place.frame);
        let path = frame.map_or("", |it| it.file.path.as_str());
        let workflow_ref = frame.map(|it| self.workflow_ref(it)).unwrap_or_default();
        let repository =
            frame.and_then(|it| it.file.repository.as_ref()).map_or(&self.plan.event.repository, |it| &it.name);
        let members = vec![
            ("status", Value::string(state.status.as_str())),
            ("check_run_id", Value::from(self.check_run_id(state))),
            ("workflow_ref", Value::string(workflow_ref)),
            ("workflow_sha", Value::string(&identity.workflow_sha)),
            ("workflow_repository", Value::string(repository)),
            ("workflow_file_path", Value::string(path)),
        ];
        members.into_iter().chain(super::containers::job_members(state)).collect()
    }

    /// A number that no other job has, and few jobs of other runs: as on GitHub it can be written without an exponent.
    #[expect(clippy::cast_precision_loss, reason = "it has at most 14 digits")]
    fn check_run_id(&self, state: &JobState) -> f64 {
        let run = self.settings.identity.run_id.parse::<u64>().unwrap_or_default() % 100_000_000_000;
        let job = self.jobs.get_index_of(&state.key).unwrap_or_default() as u64;
        (run * 1000 + job + 1) as f64
    }

    /// The step of the job that a path leads to or into; a group has steps of the job in it.
    fn job_step(&self, key: &JobKey, path: &StepPath) -> Option<&Step> {
        let outer = self.model(key)?.steps.get(path.index())?;
        let mut inside = Some(path.clone());
        while let Some(deeper) = inside.as_ref().filter(|it| it.depth() > 1) {
            inside = deeper.parent();
        }
        let grouped = inside.filter(|it| it.depth() == 1).and_then(|it| outer.grouped().get(it.position()));
        Some(grouped.unwrap_or(outer))
    }

    pub(super) fn step_github(
        &self,
        state: &JobState,
        path: &StepPath,
        step: &Step,
        files: Option<&FilePaths>,
    ) -> Object {
        // Inside of an action it is the job's own step.
        let id = self.job_step(&state.key, path).map_or_else(|| step.id.to_string(), |it| it.id.to_string());
        let mut members: Vec<(&str, String)> = vec![("job", state.place.id.to_string()), ("action", id)];
        let composite = state.composite_of(path);
        let target = match (&step.kind, composite) {
            (StepKind::Uses(uses), _) => Some(meant(state, path, &uses.target.value)),
            (_, Some(composite)) => Some(composite.target.clone()),
            (_, None) => None,
        };
        let action = target.as_ref().and_then(repository_of);
        members.push(("action_repository", action.map(ActionRef::repository).unwrap_or_default()));
        members.push(("action_ref", action.map(|it| it.git_ref.clone()).unwrap_or_default()));
        if let Some(composite) = composite {
            members.extend(composite.action.folder.clone().map(|it| ("action_path", it)));
            members.push(("action_status", composite.status.as_str().to_owned()));
        }
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
        let github = self.github_of(state);
        let base = github.iter().map(|(name, value)| (name.to_owned(), value.clone()));
        base.chain(members.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value)))).collect()
    }
}

fn repository_of(target: &UsesTarget) -> Option<&ActionRef> {
    match target {
        UsesTarget::Repository(it) => Some(it),
        UsesTarget::Local(_) | UsesTarget::Docker(_) | UsesTarget::SelfRepository(_) => None,
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
    .chain(job.step_env.get("RUNNER_DEBUG").map(|it| ("debug", it.as_str())))
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    text_object(&members)
}
