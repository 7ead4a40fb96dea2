//! Concurrency groups: runs and jobs of one group go one after another.
//!
//! Source: GitHub: planning rules 4.7.
use wfrun_expr::Value;
use wfrun_journal::{AnnotationLevel, Outcome, SkipReason};
use wfrun_plan::{JobKey, called_inputs, group_name};
use wfrun_syntax::eq_ignoring_case;
use wfrun_workflow::{Concurrency, Field, Job, Queue, WorkflowCall};

use super::Engine;
use super::declared::Skip;
use crate::scope::{At, Contexts, Status};
use crate::state::Progress;
use crate::{ConcurrencyGroup, Effect};

impl Engine {
    /// The run as a whole waits for its group before any job's turn comes.
    pub(super) fn enter_group_of_run(&mut self) {
        let Some(frame) = self.frames.first() else { return };
        let Some(concurrency) = &frame.workflow.concurrency else { return };
        let contexts = self.frame_contexts(frame);
        match evaluate(concurrency, &contexts) {
            Ok(group) => {
                self.is_pending = true;
                let name = Some(group.name.clone());
                self.frames.first_mut().into_iter().for_each(|it| it.group.clone_from(&name));
                self.turn.effects.push(Effect::EnterGroup { job: None, group });
            }
            Err(message) => {
                self.fault(None, &format!("`concurrency` of the workflow: {message}"), None);
                self.cancelled = true;
            }
        }
    }

    pub(super) fn leave_group(&mut self, job: Option<&JobKey>) {
        let group = self.frames.first_mut().and_then(|it| it.group.take());
        if group.is_some() {
            self.turn.effects.push(Effect::LeaveGroup { job: job.cloned() });
        }
    }

    /// Whether a leg has to wait for its group, or for that of the workflow that it calls; or will never run for it.
    pub(super) fn waits_for_group(&mut self, key: &JobKey, model: &Job) -> bool {
        let Some(state) = self.jobs.get(key) else { return false };
        if state.group.is_some() {
            return false;
        }
        let frame = state.place.frame;
        let mut contexts = self.leg_contexts(state);
        let (concurrency, span) = match (&model.concurrency, &model.call) {
            (Some(own), _) => (own.clone(), own.span),
            // Of another file: where that is called.
            (None, Some(call)) => match self.group_of_called(frame, call, &mut contexts) {
                Some(called) => (called, call.target.span),
                None => return false,
            },
            (None, None) => return false,
        };
        match evaluate(&concurrency, &contexts) {
            Ok(group) => self.enter_group(key, group),
            Err(message) => {
                let skip = self.planning_skip(frame, "concurrency", &message, Some(span));
                self.skip_leg(key, skip);
            }
        }
        true
    }

    /// The group of the workflow that a job calls, which sees its own inputs. What is wrong with those is said when it is
    /// called.
    fn group_of_called(&self, frame: usize, call: &WorkflowCall, contexts: &mut Contexts) -> Option<Concurrency> {
        let file = self.frames.get(frame)?.file.resolve(&call.target.value);
        let callee = self.plan.set.called.get(&file)?;
        let concurrency = callee.concurrency.clone()?;
        let at = At { contexts: &*contexts, status: Status::None, hashes: None };
        let inputs = called_inputs(callee, call, &at).ok()?;
        contexts.set("inputs", Value::Object(inputs));
        Some(concurrency)
    }

    fn enter_group(&mut self, key: &JobKey, group: ConcurrencyGroup) {
        if self.is_held_around(key, &group.name) {
            let (name, id) = (&group.name, self.jobs.get(key).map(|it| it.place.id.to_string()).unwrap_or_default());
            let message = format!(
                "Canceling since a deadlock for concurrency group '{name}' was detected between 'top level workflow' and '{id}'"
            );
            return self.give_way(key, &group.name, &message);
        }
        if let Some(state) = self.jobs.get_mut(key) {
            state.group = Some(group.name.clone());
            state.progress = Progress::Pending;
        }
        self.turn.effects.push(Effect::EnterGroup { job: Some(key.clone()), group });
    }

    /// Whether the workflow that a job is of, or a job that calls it, is in that group: the job would wait for itself.
    fn is_held_around(&self, key: &JobKey, name: &str) -> bool {
        let is = |it: &Option<String>| it.as_ref().is_some_and(|it| eq_ignoring_case(it, name));
        let mut frame = self.jobs.get(key).and_then(|it| self.frames.get(it.place.frame));
        while let Some(it) = frame {
            let caller = it.caller.as_ref().and_then(|it| self.jobs.get(&it.key));
            if is(&it.group) || caller.is_some_and(|it| is(&it.group)) {
                return true;
            }
            frame = caller.and_then(|it| self.frames.get(it.place.frame));
        }
        false
    }

    pub(super) fn group_entered(&mut self, job: Option<&JobKey>) {
        match job.and_then(|it| self.jobs.get_mut(it)) {
            Some(state) if state.progress == Progress::Pending => state.progress = Progress::Waiting,
            Some(_) => {}
            None => self.is_pending = false,
        }
    }

    /// Another has taken the place: who waits never begins, who runs is cancelled.
    pub(super) fn group_lost(&mut self, job: Option<&JobKey>, reason: &str) {
        let Some(key) = job else {
            self.notice(reason);
            return self.cancel(false);
        };
        let group = self.jobs.get(key).and_then(|it| it.group.clone()).unwrap_or_default();
        self.give_way(key, &group, reason);
    }

    fn give_way(&mut self, key: &JobKey, group: &str, message: &str) {
        self.annotate(key, AnnotationLevel::Error, message);
        let message = self.masker.mask(message).to_string();
        let reason = SkipReason::Concurrency { group: self.masker.mask(group).to_string(), message };
        match self.jobs.get(key).map(|it| it.progress) {
            Some(Progress::Waiting | Progress::Pending) => {
                self.skip_leg(key, Skip::new(reason, Outcome::Cancelled));
            }
            Some(_) => self.cancel_leg(key, &reason),
            None => {}
        }
    }
}

/// The group of a run or job.
fn evaluate(concurrency: &Concurrency, contexts: &Contexts) -> Result<ConcurrencyGroup, String> {
    let at = At { contexts, status: Status::None, hashes: None };
    let value = |field: &Option<Field>| -> Result<Option<Value>, String> {
        let trace = field.as_ref().map(|it| it.template.evaluate(&at)).transpose().map_err(|err| err.to_string())?;
        Ok(trace.map(|it| it.value().clone()))
    };
    let group = value(&concurrency.group)?.unwrap_or(Value::Null);
    let mut cancels = value(&concurrency.cancel_in_progress)?;
    // One expression may give both.
    if let Some(both) = group.as_object() {
        cancels = both.get("cancel-in-progress").cloned().or(cancels);
    }
    let name = group_name(&group)?;
    let cancel_in_progress = cancels.is_some_and(|it| it.is_truthy());
    let queues_all = concurrency.queue.as_ref().is_some_and(|it| it.value == Queue::Max);
    Ok(ConcurrencyGroup { name, cancel_in_progress, queues_all })
}
