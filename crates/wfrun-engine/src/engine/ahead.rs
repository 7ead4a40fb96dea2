//! Environments that are made ahead, while others run: those of jobs that wait for a place, or for jobs that run.
use std::cell::LazyCell;
use std::collections::HashSet;

use wfrun_journal::Outcome;
use wfrun_plan::JobKey;
use wfrun_workflow::JobId;

use super::Engine;
use super::asked::{is_elsewhere, labels_of};
use crate::Effect;
use crate::frame::{Frame, Place};
use crate::state::{JobState, Progress};

/// What was asked for ahead.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// The jobs that have not begun since.
    waiting: HashSet<JobKey>,
    /// The jobs that were thought about, and whether as legs: each is so only once.
    considered: HashSet<(JobKey, bool)>,
}

impl Engine {
    /// Asks for the environments that will be wanted next. Nothing depends on them: a job that turns out otherwise gets
    /// one of its own, and what nobody wants goes with the run.
    pub(super) fn look_ahead(&mut self) {
        // Those that are made and have not begun take memory.
        let most = self.settings.max_jobs.max(1);
        while self.settings.makes_ahead && !self.cancelled && self.ahead.waiting.len() < most {
            let Some((key, place, is_leg)) = self.next_to_consider() else { return };
            if is_leg || self.would_run(&place) {
                self.make_ahead(&key, &place);
            }
            self.ahead.considered.insert((key, is_leg));
        }
    }

    /// A leg that waits for a place among those that run, or a job all of whose needs have begun.
    fn next_to_consider(&self) -> Option<(JobKey, Place, bool)> {
        let is_new = |key: &JobKey, is_leg| {
            !self.ahead.waiting.contains(key) && !self.ahead.considered.contains(&(key.clone(), is_leg))
        };
        let is_leg =
            |it: &&JobState| it.progress == Progress::Waiting && is_new(&it.key, true) && self.is_makeable(&it.place);
        if let Some(leg) = self.jobs.values().find(is_leg) {
            return Some((leg.key.clone(), leg.place.clone(), true));
        }
        let declared = |(frame, it): (usize, &Frame)| {
            let jobs = it.jobs.iter().filter(|(_, job)| job.legs.is_none() && is_new(&job.key, false));
            let places = jobs.map(|(id, job)| (job.key.clone(), Place { frame, id: id.clone() }));
            places.filter(|(_, it)| self.is_makeable(it) && self.needs_have_begun(it)).collect::<Vec<_>>()
        };
        let (key, place) = self.frames.iter().enumerate().flat_map(declared).next()?;
        Some((key, place, false))
    }

    /// A job that begins takes what was made for it.
    pub(super) fn take_ahead(&mut self, key: &JobKey) {
        self.ahead.waiting.remove(key);
    }

    /// A job that never begins leaves it.
    pub(super) fn drop_ahead(&mut self, key: &JobKey) {
        if self.ahead.waiting.remove(key) {
            self.turn.effects.push(Effect::DropAhead { job: key.clone() });
        }
    }

    /// Whether there is something to make for a job before it begins: a place of its runner's kind, or the network of
    /// its containers. The containers themselves are made where its log shows it.
    fn is_makeable(&self, place: &Place) -> bool {
        let Some(frame) = self.frames.get(place.frame) else { return false };
        let (Some(declared), Some(model)) = (frame.jobs.get(&place.id), frame.model(&place.id)) else { return false };
        let is_forced = self.settings.forced.job(&declared.key).is_some();
        model.call.is_none() && !is_forced
    }

    fn needs_have_begun(&self, place: &Place) -> bool {
        let Some(declared) = self.declared(place) else { return false };
        let begun = |leg: &JobKey| {
            let progress = self.jobs.get(leg).map(|it| it.progress);
            progress.is_some_and(|it| !matches!(it, Progress::Waiting | Progress::Pending | Progress::Calling(_)))
        };
        let legs = |id: &JobId| self.declared(&Place { frame: place.frame, id: id.clone() })?.legs.as_ref();
        declared.needs.direct.iter().all(|id| legs(id).is_some_and(|it| it.iter().all(begun)))
    }

    /// Whether a job without a matrix runs if those before it that have not ended end well. What it asks of their
    /// outputs is not there yet: then it has to wait.
    fn would_run(&self, place: &Place) -> bool {
        let (Some(frame), Some(declared)) = (self.frames.get(place.frame), self.declared(place)) else { return false };
        let Some(model) = frame.model(&place.id) else { return false };
        let before = self.before(place, declared).into_iter().map(|(id, it)| (id, it.or(Some(Outcome::Success))));
        let before: Vec<_> = before.collect();
        model.strategy.is_none()
            && self.plan.selection.has(&declared.path)
            && self.condition(place, model, &before, false).is_ok_and(|it| it.value().is_truthy())
    }

    fn make_ahead(&mut self, key: &JobKey, place: &Place) {
        let Some(model) = self.frames.get(place.frame).and_then(|it| it.model(&place.id)) else { return };
        let contexts = LazyCell::new(|| match self.jobs.get(key) {
            Some(state) => self.leg_contexts(state),
            None => self.declared_contexts(place),
        });
        let Ok(labels) = labels_of(model, &contexts) else { return };
        if labels.iter().any(|it| is_elsewhere(it)) {
            return;
        }
        // As far as that is known: one whose image turns out empty is none.
        let network = model.container.is_some() || !model.services.is_empty();
        let request = self.environment_request(place, model, labels, network);
        self.ahead.waiting.insert(key.clone());
        self.turn.effects.push(Effect::MakeAhead { job: key.clone(), request });
    }
}
