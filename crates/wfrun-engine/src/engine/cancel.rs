//! Cancellation and time limits.
//!
//! Source: GitHub: execution rules E1.8.
use wfrun_journal::{AnnotationLevel, Outcome, Phase, SkipReason};
use wfrun_plan::{JobKey, StepPath};

use super::Engine;
use super::declared::Skip;
use crate::scope::{At, Status};
use crate::state::{JobState, Progress};
use crate::strand::Work;
use crate::{Effect, Signal, Timer};

impl Engine {
    /// A person wants the run to end; `force` at once.
    pub(super) fn cancel(&mut self, force: bool) {
        let first = !self.cancelled;
        self.cancelled = true;
        let grace = self.settings.grace;
        for key in self.jobs.keys().cloned().collect::<Vec<_>>() {
            if self.jobs.get(&key).is_some_and(|it| it.progress == Progress::Closing) {
                // Its end may wait for something.
                self.turn.effects.push(Effect::HurryJob { job: key.clone() });
            }
            if force || !self.job_still_wanted(&key) {
                self.cancel_running(&key, grace.cancel_terminate_ms, grace.cancel_kill_ms);
            }
            if force {
                self.halt(&key);
            }
        }
        if first {
            self.clean_up_until_ms = self.now_ms + grace.cancel_deadline_ms;
            self.wake(grace.cancel_deadline_ms, Timer::CancelDeadline);
        }
    }

    /// Whether the condition of a job holds in a cancelled run, too: then it runs on.
    ///
    /// Source: GitHub: execution rules E1.8, "Run-level cancel".
    fn job_still_wanted(&self, key: &JobKey) -> bool {
        let Some(place) = self.jobs.get(key).map(|it| &it.place) else { return false };
        let (Some(declared), Some(model)) = (self.declared(place), self.model(key)) else { return false };
        let trace = self.condition(place, model, &self.before(place, declared), true);
        trace.is_ok_and(|it| it.value().is_truthy())
    }

    /// Whether a workflow of the run is to begin nothing further.
    pub(super) fn is_cancelled(&self, frame: usize) -> bool {
        self.cancelled || self.frames.get(frame).is_some_and(|it| it.cancelled)
    }

    /// A job is cancelled, whatever it is about; `reason` if it has not begun.
    pub(super) fn cancel_leg(&mut self, key: &JobKey, reason: &SkipReason) {
        let Some(state) = self.jobs.get(key) else { return };
        match state.progress {
            Progress::Waiting | Progress::Pending => self.skip_leg(key, Skip::new(reason.clone(), Outcome::Cancelled)),
            Progress::Calling(frame) => self.cancel_call(key, frame),
            Progress::Opening | Progress::Running => {
                let after_ms = state.cancel_timeout_ms;
                let grace = self.settings.grace;
                self.cancel_running(key, grace.terminate_ms, grace.kill_ms);
                self.wake(after_ms, Timer::JobCancelDeadline { job: key.clone() });
            }
            Progress::Stopping | Progress::Closing | Progress::Done => {}
        }
    }

    /// A job that calls is cancelled, with all that it calls.
    fn cancel_call(&mut self, key: &JobKey, number: usize) {
        if let Some(state) = self.jobs.get_mut(key) {
            state.status = Outcome::Cancelled;
        }
        let Some(frame) = self.frames.get_mut(number) else { return };
        frame.cancelled = true;
        let legs: Vec<JobKey> = frame.jobs.values().flat_map(|it| it.legs.iter().flatten().cloned()).collect();
        for leg in legs {
            self.cancel_leg(&leg, &SkipReason::Cancelled);
        }
    }

    /// The job is cancelled; its step goes on only if its condition still holds.
    fn cancel_running(&mut self, key: &JobKey, terminate_ms: u64, kill_ms: u64) {
        let Some(state) = self.jobs.get_mut(key) else { return };
        if !matches!(state.progress, Progress::Running | Progress::Opening) {
            return;
        }
        state.status = Outcome::Cancelled;
        if state.progress == Progress::Opening {
            self.turn.effects.push(Effect::HurryJob { job: key.clone() });
        }
        let Some(state) = self.jobs.get(key) else { return };
        let (turn, count) = (state.active, state.strands.len());
        for number in 0..count {
            if let Some(state) = self.jobs.get_mut(key) {
                state.active = number;
                // Source: GitHub: execution rules E6.4: `github.action_status`.
                let inside: Vec<StepPath> =
                    state.strand().into_iter().flat_map(|it| &it.stack).map(|it| it.stage.path.clone()).collect();
                let composites = state.composites.iter_mut().filter(|(path, _)| inside.contains(path));
                composites.for_each(|(_, it)| it.status = Outcome::Cancelled);
            }
            if !self.still_wanted(key) {
                self.stop_step(key, terminate_ms, kill_ms);
            }
        }
        if let Some(state) = self.jobs.get_mut(key) {
            state.active = turn;
        }
    }

    /// Whether the conditions of the steps that run in the strand whose turn it is hold in a cancelled job. Background
    /// steps end with their job, whatever they say.
    fn still_wanted(&self, key: &JobKey) -> bool {
        let Some(state) = self.jobs.get(key) else { return true };
        let Some(strand) = state.strand() else { return true };
        if strand.background.is_some() {
            return false;
        }
        let Some(current) = strand.stack.last() else { return true };
        if current.stage.phase != Phase::Main {
            return true;
        }
        let Some(step) = self.model_step(key, &current.stage.path) else { return false };
        // Steps that wait have no condition, and end with the job.
        if matches!(current.work, Work::Wait(_)) {
            return false;
        }
        let contexts = self.step_contexts(key, &current.stage.path, step, &current.env, None);
        let status = Status::Step { status: Outcome::Cancelled, cancelled: true };
        let at = At { contexts: &contexts, status, hashes: None };
        step.condition.condition.evaluate(&at).is_ok_and(|it| it.value().is_truthy())
    }

    /// SIGINT now, SIGTERM and SIGKILL when it is not heeded: for the strand whose turn it is.
    pub(super) fn stop_step(&mut self, key: &JobKey, terminate_ms: u64, kill_ms: u64) {
        let Some(strand) = self.jobs.get_mut(key).and_then(JobState::strand_mut) else { return };
        if strand.stack.is_empty() && strand.background.is_some() {
            return strand.never_begins();
        }
        let Some(current) = strand.stack.last_mut() else { return };
        if current.stopping {
            return;
        }
        current.stopping = true;
        let process = current.serial;
        if current.work != Work::Process {
            return;
        }
        self.turn.effects.push(Effect::Signal { job: key.clone(), process, signal: Signal::Interrupt });
        for (after_ms, signal) in [(terminate_ms, Signal::Terminate), (kill_ms, Signal::Kill)] {
            self.wake(after_ms, Timer::Escalate { job: key.clone(), serial: process, signal });
        }
    }

    /// Nothing further starts in this job, and what runs is killed.
    fn halt(&mut self, key: &JobKey) {
        let Some(state) = self.jobs.get_mut(key) else { return };
        state.halted = true;
        for strand in &mut state.strands {
            if strand.stack.is_empty() && strand.background.is_some() {
                strand.never_begins();
            }
            let Some(current) = strand.stack.last_mut() else { continue };
            current.stopping = true;
            if current.work == Work::Process {
                let (job, process) = (key.clone(), current.serial);
                self.turn.effects.push(Effect::Signal { job, process, signal: Signal::Kill });
            }
        }
    }

    pub(super) fn woke(&mut self, timer: &Timer) {
        match timer {
            Timer::StepTimeout { job, serial } => self.step_timed_out(job, *serial),
            Timer::JobTimeout { job } => self.job_timed_out(job),
            Timer::Escalate { job, serial, signal } => {
                if self.runs(job, *serial) {
                    self.turn.effects.push(Effect::Signal { job: job.clone(), process: *serial, signal: *signal });
                }
            }
            Timer::JobCancelDeadline { job } => self.halt(job),
            Timer::CancelDeadline => {
                for key in self.jobs.keys().cloned().collect::<Vec<_>>() {
                    self.clean_up_ends(&key);
                }
            }
        }
    }

    /// The time of a job in a cancelled run is over, unless a step that was told to end took so long that what cleans up
    /// behind it has had too little of it.
    fn clean_up_ends(&mut self, key: &JobKey) {
        let Some(state) = self.jobs.get(key) else { return };
        let running = state.strands.iter().filter_map(|it| it.stack.last());
        let slow = running.filter(|it| it.stopping && it.work == Work::Process).map(|it| it.serial);
        let slow: Vec<u64> = slow.collect();
        if !state.halted && !slow.is_empty() {
            // Its end puts the job's time off; that it ends is the kernel's word.
            for process in slow {
                self.turn.effects.push(Effect::Signal { job: key.clone(), process, signal: Signal::Kill });
            }
        } else if self.now_ms >= state.clean_up_until_ms.max(self.clean_up_until_ms) {
            let grace = self.settings.grace;
            self.cancel_running(key, grace.cancel_terminate_ms, grace.cancel_kill_ms);
            self.halt(key);
        }
    }

    /// The process whose turn it is has ended. If that is because the run was cancelled, its job gets time to clean up.
    pub(super) fn put_off_deadline(&mut self, key: &JobKey) {
        let after_ms = self.settings.grace.clean_up_ms;
        let Some(state) = self.jobs.get_mut(key).filter(|it| self.cancelled && !it.halted) else { return };
        if state.current().is_some_and(|it| it.stopping) {
            state.clean_up_until_ms = self.now_ms + after_ms;
            self.wake(after_ms, Timer::CancelDeadline);
        }
    }

    /// Whether a process of a job runs.
    fn runs(&self, key: &JobKey, serial: u64) -> bool {
        let strands = self.jobs.get(key).into_iter().flat_map(|it| &it.strands);
        strands.filter_map(|it| it.stack.last()).any(|it| it.serial == serial)
    }

    fn step_timed_out(&mut self, key: &JobKey, serial: u64) {
        let Some(state) = self.jobs.get_mut(key) else { return };
        for number in 0..state.strands.len() {
            let Some(state) = self.jobs.get_mut(key) else { return };
            state.active = number;
            let stack = state.strand_mut().into_iter().flat_map(|it| &mut it.stack);
            let Some(current) = stack.into_iter().find(|it| it.serial == serial) else { continue };
            current.timed_out = true;
            let grace = self.settings.grace;
            self.stop_step(key, grace.terminate_ms, grace.kill_ms);
        }
    }

    /// Treated like a cancellation of the job.
    fn job_timed_out(&mut self, key: &JobKey) {
        let running = self.jobs.get(key).is_some_and(|it| matches!(it.progress, Progress::Opening | Progress::Running));
        if !running {
            return;
        }
        let model = self.model(key).and_then(|it| it.timeout_minutes.as_ref().map(wfrun_workflow::Field::raw));
        let minutes = model.unwrap_or_else(|| "360".to_owned());
        let message =
            format!("The job running on runner wfrun has exceeded the maximum execution time of {minutes} minutes.");
        self.annotate(key, AnnotationLevel::Error, &message);
        self.cancel_leg(key, &SkipReason::Cancelled);
    }
}
