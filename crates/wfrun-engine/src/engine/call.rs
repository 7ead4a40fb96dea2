//! Jobs that call a workflow.
//!
//! Source: GitHub: planning rules 2.7 and 4.9.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_expr::{Object, Value};
use wfrun_journal::{JobHeader, Outcome, RunEventKind, Secret, WorkflowCalled};
use wfrun_plan::{JobKey, called_inputs};
use wfrun_workflow::{CallSecrets, FileRef, Job, Workflow, WorkflowCall};

use super::Engine;
use super::declared::Skip;
use super::job::{evaluate_map, put_out};
use crate::frame::{Caller, Frame};
use crate::scope::{At, Contexts, Status, job_entry};
use crate::state::Progress;

impl Engine {
    /// Begins the workflow that a leg calls.
    pub(super) fn start_call(&mut self, key: &JobKey, model: &Job, call: &WorkflowCall) {
        let prepared = match self.prepare_call(key, call) {
            Ok(prepared) => prepared,
            Err(skip) => return self.skip_leg(key, *skip),
        };
        // What is passed by name may be no secret of the caller's. Source: GitHub: execution rules E5.1.
        prepared.secrets.values().for_each(|it| self.masker.learn(it));
        let now_ms = self.now_ms;
        let number = self.frames.len();
        let Some(state) = self.jobs.get_mut(key) else { return };
        state.progress = Progress::Calling(number);
        state.started_at_ms = now_ms;
        let (id, name) = (model.id.value.to_string(), self.masker.mask(&state.name));
        let workflow = prepared.file.to_string();
        self.frames.push(prepared);
        let jobs = self.headers(number);
        self.emit(RunEventKind::WorkflowCalled(WorkflowCalled { job: key.clone(), id, name, workflow, jobs }));
    }

    fn prepare_call(&self, key: &JobKey, call: &WorkflowCall) -> Result<Frame, Box<Skip>> {
        let fail = |frame: usize, what: &str, message: &str, span| {
            Box::new(self.planning_skip(frame, what, message, Some(span)))
        };
        let not_found = || Box::new(self.planning_skip(0, "uses", "no such job", None));
        let state = self.jobs.get(key).ok_or_else(not_found)?;
        let number = state.place.frame;
        let frame = self.frames.get(number).ok_or_else(not_found)?;
        let declared = frame.jobs.get(&state.place.id).ok_or_else(not_found)?;
        let target = &call.target;
        let file = frame.file.resolve(&target.value);
        let Some(callee) = self.plan.set.called.get(&file).cloned() else {
            let message = format!("workflow `{file}` is not on this machine");
            return Err(fail(number, "uses", &message, target.span));
        };
        let mut contexts = self.leg_contexts(state);
        let at = At { contexts: &contexts, status: Status::None, hashes: None };
        let inputs =
            called_inputs(&callee, call, &at).map_err(|err| fail(number, "with", &err.to_string(), err.span))?;
        contexts.set("secrets", self.secrets_to_hand_over(number));
        let secrets = match &call.secrets {
            CallSecrets::Inherit => Arc::clone(&frame.secrets),
            CallSecrets::Named(map) => {
                let at = At { contexts: &contexts, status: Status::None, hashes: None };
                let named = evaluate_map(map, &at);
                let named = named.map_err(|err| fail(number, "secrets", &err.to_string(), target.span))?;
                // One that is empty is not passed.
                let passed = named.into_iter().filter(|(_, value)| !value.is_empty());
                Arc::new(passed.map(|(name, value)| (name, Secret::new(value))).collect())
            }
        };
        let caller = Caller { key: key.clone(), path: declared.path.clone(), name: state.name.clone() };
        Frame::new(callee, file, Some(caller), Value::Object(inputs), secrets)
            .map_err(|err| fail(number, "uses", &err.to_string(), target.span))
    }

    /// What is announced of the jobs of a frame.
    pub(super) fn headers(&self, frame: usize) -> Vec<JobHeader> {
        let Some(frame) = self.frames.get(frame) else { return Vec::new() };
        let header = |job: &crate::frame::DeclaredJob, id: &str| JobHeader {
            key: job.key.clone(),
            id: id.to_owned(),
            name: self.masker.mask(&frame.name_of(id)),
            needs: frame.keys(&job.needs.direct).cloned().collect(),
        };
        frame.jobs.iter().map(|(id, job)| header(job, id.as_str())).collect()
    }

    /// Ends a job that calls once all that it calls has ended.
    pub(super) fn try_finish_call(&mut self, key: &JobKey, number: usize) {
        let Some(frame) = self.frames.get(number) else { return };
        let results: Option<Vec<Outcome>> =
            frame.jobs.values().map(|it| self.record.result_for_dependents(&it.key)).collect();
        let Some(results) = results else { return };
        let result = Outcome::together(results);
        // As of any job: what does not run puts out nothing, whatever is forced.
        let forced = self.settings.forced.job_outputs(key).filter(|_| result != Outcome::Skipped).cloned();
        if let Some(state) = self.jobs.get_mut(key)
            && state.status != Outcome::Cancelled
        {
            state.status = result;
        }
        let outputs = forced.unwrap_or_else(|| self.call_outputs(key, number));
        self.finish_leg(key, &outputs);
    }

    /// `on.workflow_call.outputs`
    fn call_outputs(&mut self, key: &JobKey, number: usize) -> IndexMap<String, String> {
        let Some(frame) = self.frames.get(number) else { return IndexMap::new() };
        let workflow = Arc::clone(&frame.workflow);
        let Some(config) = workflow.on.event("workflow_call") else { return IndexMap::new() };
        let contexts = self.call_contexts(frame);
        put_out(self, key, &config.outputs, &contexts)
    }

    fn call_contexts(&self, frame: &Frame) -> Contexts {
        let entry = |(id, job): (&wfrun_workflow::JobId, &crate::frame::DeclaredJob)| {
            let result = self.record.result_for_dependents(&job.key).unwrap_or(Outcome::Skipped);
            (id.to_string(), job_entry(result, &job.outputs))
        };
        let mut contexts = self.frame_contexts(frame);
        contexts.set("jobs", frame.jobs.iter().map(entry).collect::<Object>());
        contexts
    }

    /// Which file a job is in: `owner/name/path@ref`.
    pub(super) fn workflow_ref(&self, frame: &Frame) -> String {
        let event = &self.plan.event;
        match &frame.file {
            FileRef { repository: None, path } => format!("{}/{path}@{}", event.repository, event.git_ref),
            other @ FileRef { repository: Some(_), .. } => other.to_string(),
        }
    }

    /// The workflow that a job stands in.
    pub(super) fn workflow_of(&self, key: &JobKey) -> Option<&Arc<Workflow>> {
        Some(&self.frames.get(self.jobs.get(key)?.place.frame)?.workflow)
    }
}
