//! Steps that run beside others: `background`, `parallel`, and the steps that wait for them or end them.
//!
//! Source: GitHub: execution rules E1.10 (`BackgroundStepCoordinator` of actions/runner).
use indexmap::IndexMap;
use wfrun_journal::{How, Outcome, Phase, StepKindName};
use wfrun_plan::{JobKey, StepPath};
use wfrun_workflow::{Step, StepKind};

use super::Engine;
use super::names::raw_name;
use super::prepare::Prepared;
use super::step::Beginning;
use crate::state::{JobState, StepResult};
use crate::strand::{Background, Stage, Strand, Work};

/// Source: GitHub: execution rules E1.10.
const MAX_AT_ONCE: usize = 10;

impl Engine {
    /// Gives a background step a strand of its own; tells whether it is one.
    pub(super) fn starts_background(&mut self, key: &JobKey, stage: &Stage, step: &Step) -> bool {
        let Some(state) = self.jobs.get_mut(key) else { return false };
        if !step.background || stage.phase != Phase::Main || state.active != 0 {
            return false;
        }
        state.take_stage(stage);
        state.add_strand(stage.path.clone(), step);
        self.begin_strands(key);
        true
    }

    /// Begins what has just got a strand before the job's own steps go on.
    fn begin_strands(&mut self, key: &JobKey) {
        let Some(state) = self.jobs.get(key) else { return };
        let turn = state.active;
        let is_new = |it: &Strand| it.background.is_some() && it.pending.is_some() && it.waits.is_none();
        let new: Vec<usize> =
            state.strands.iter().enumerate().filter(|(_, it)| is_new(it)).map(|(number, _)| number).collect();
        for number in new {
            self.jobs.get_mut(key).into_iter().for_each(|it| it.active = number);
            self.advance_strand(key);
        }
        self.jobs.get_mut(key).into_iter().for_each(|it| it.active = turn);
    }

    /// Whether a background step that has not begun may.
    pub(super) fn may_begin(state: &JobState) -> bool {
        let runs = |it: &&Strand| it.background.is_some() && (!it.stack.is_empty() || it.waits.is_some());
        state.strands.iter().filter(runs).count() < MAX_AT_ONCE
    }

    /// Whether a background step is about to begin, but for something that must be known first: the job's own steps come
    /// after it.
    pub(super) fn is_beginning(state: &JobState) -> bool {
        let is_new = |it: &Strand| it.background.is_some() && it.pending.is_some() && it.stack.is_empty();
        state.strands.iter().any(|it| is_new(it) && (it.waits.is_some() || Self::may_begin(state)))
    }

    /// Begins a step that waits for others, which it may start or end first.
    pub(super) fn begin_wait(&mut self, it: &Beginning<'_>, prepared: Prepared) {
        let (kind, paths) = match &it.step.kind {
            StepKind::Wait(ids) => {
                let ids: Vec<&str> = ids.iter().map(|it| it.value.as_str()).collect();
                (StepKindName::Wait, self.named(it.key, &ids))
            }
            StepKind::Cancel(id) => (StepKindName::Cancel, self.named(it.key, &[id.value.as_str()])),
            StepKind::Parallel(steps) => {
                let paths: Vec<StepPath> = (0..steps.len()).map(|index| it.stage.path.child(index)).collect();
                for (path, step) in paths.iter().zip(steps) {
                    if let Some(state) = self.jobs.get_mut(it.key) {
                        state.add_strand(path.clone(), step);
                    }
                }
                (StepKindName::Parallel, paths)
            }
            StepKind::WaitAll | StepKind::Run(_) | StepKind::Uses(_) => (StepKindName::Wait, self.unwaited(it.key)),
        };
        self.push_current(it, prepared, Work::Wait(paths.clone()), (kind, How::Real), &[]);
        let names = self.described(it.key, &paths);
        match kind {
            StepKindName::Cancel => {
                self.say(it.key, &format!("Cancelling background step(s): {names}"));
                self.cancel_background(it.key, &paths);
            }
            StepKindName::Parallel => self.begin_strands(it.key),
            StepKindName::Wait if paths.is_empty() => self.say(it.key, "No background steps remaining to wait for."),
            StepKindName::Wait => self.say(it.key, &format!("Waiting for background step(s) to complete: {names}")),
            StepKindName::Run
            | StepKindName::Javascript
            | StepKindName::Composite
            | StepKindName::Docker
            | StepKindName::Builtin => {}
        }
    }

    /// Ends the waiting step of the strand whose turn it is, if all that it waits for has ended.
    pub(super) fn try_finish_wait(&mut self, key: &JobKey) -> bool {
        let Some(state) = self.jobs.get(key) else { return false };
        let Some(current) = state.current() else { return false };
        let Work::Wait(paths) = &current.work else { return false };
        let paths = paths.clone();
        let is_open = |path: &StepPath| state.background(path).is_some_and(|it| it.ended.is_none());
        if paths.iter().any(is_open) {
            return false;
        }
        let stopped = current.stopping;
        let result = self.take_over(key, &paths);
        let outcome = if stopped && result != Outcome::Failure { Outcome::Cancelled } else { result };
        for end in self.ends(key, &paths) {
            self.say(key, &end);
        }
        self.finish_current(key, outcome, None, IndexMap::new());
        true
    }

    /// Whether no background step runs any more.
    pub(super) fn all_ended(&mut self, key: &JobKey) -> bool {
        let Some(state) = self.jobs.get(key) else { return true };
        if state.strands.iter().any(|it| it.background.as_ref().is_some_and(|it| it.ended.is_none())) {
            return false;
        }
        let open = self.unwaited(key);
        // The results of all of them count at the end, waited for or not.
        let result = self.take_over(key, &open);
        let all: Vec<StepPath> = self.backgrounds(key).map(|it| it.path.clone()).collect();
        let counted = all.iter().filter_map(|path| self.jobs.get(key)?.background(path)?.counted());
        let worst = Outcome::together(counted.chain([result]));
        if let Some(state) = self.jobs.get_mut(key) {
            state.merge(worst);
        }
        true
    }

    /// Makes what background steps did known to the job; gives back how they went together.
    fn take_over(&mut self, key: &JobKey, paths: &[StepPath]) -> Outcome {
        let Some(state) = self.jobs.get_mut(key) else { return Outcome::Success };
        let mut results = vec![Outcome::Success];
        for strand in &mut state.strands {
            let Some(background) = strand.background.as_mut().filter(|it| paths.contains(&it.path)) else { continue };
            results.extend(background.counted());
            if std::mem::replace(&mut background.waited, true) {
                continue;
            }
            if let (false, Some(result)) = (background.id.is_empty(), &background.ended) {
                state.results.insert(background.id.clone(), result.clone());
            }
            state.global_env.extend(std::mem::take(&mut strand.added_env));
            for path in std::mem::take(&mut strand.added_paths) {
                state.added_paths.retain(|it| *it != path);
                state.added_paths.push(path);
            }
        }
        Outcome::together(results)
    }

    fn cancel_background(&mut self, key: &JobKey, paths: &[StepPath]) {
        let Some(state) = self.jobs.get_mut(key) else { return };
        let turn = state.active;
        for number in 0..state.strands.len() {
            let Some(state) = self.jobs.get_mut(key) else { return };
            state.active = number;
            let Some(strand) = state.strand_mut() else { continue };
            let Some(background) = strand.background.as_mut() else { continue };
            if !paths.contains(&background.path) || background.ended.is_some() {
                continue;
            }
            background.cancelled = true;
            if strand.stack.is_empty() {
                strand.never_begins();
            } else {
                let grace = self.settings.grace;
                self.stop_step(key, grace.terminate_ms, grace.kill_ms);
            }
        }
        if let Some(state) = self.jobs.get_mut(key) {
            state.active = turn;
        }
    }

    fn backgrounds(&self, key: &JobKey) -> impl Iterator<Item = &Background> {
        self.jobs.get(key).into_iter().flat_map(|it| &it.strands).filter_map(|it| it.background.as_ref())
    }

    /// The background steps of these ids.
    fn named(&self, key: &JobKey, ids: &[&str]) -> Vec<StepPath> {
        let is_named = |it: &&Background| ids.iter().any(|id| it.id.eq_ignore_ascii_case(id));
        self.backgrounds(key).filter(is_named).map(|it| it.path.clone()).collect()
    }

    fn unwaited(&self, key: &JobKey) -> Vec<StepPath> {
        self.backgrounds(key).filter(|it| !it.waited).map(|it| it.path.clone()).collect()
    }

    fn described(&self, key: &JobKey, paths: &[StepPath]) -> String {
        let names = self.backgrounds(key).filter(|it| paths.contains(&it.path)).map(|it| it.name.as_str());
        let names: Vec<&str> = names.collect();
        if names.is_empty() { "(none)".to_owned() } else { names.join(", ") }
    }

    fn ends(&self, key: &JobKey, paths: &[StepPath]) -> Vec<String> {
        let ended = self.backgrounds(key).filter(|it| paths.contains(&it.path));
        let word = |it: &Background| it.ended.as_ref().and_then(|it| it.conclusion).map_or("unknown", Outcome::as_str);
        ended.map(|it| format!("  {}: {}", it.name, word(it))).collect()
    }

    /// A line of the runner's own in the log of the step whose turn it is.
    fn say(&mut self, key: &JobKey, text: &str) {
        let Some(current) = self.jobs.get(key).and_then(JobState::current) else { return };
        let (step, phase) = (current.stage.path.clone(), current.stage.phase);
        let text = self.masker.mask(text);
        self.say_of_step(key, &step, phase, text);
    }
}

impl JobState {
    fn add_strand(&mut self, path: StepPath, step: &Step) {
        let stage = Stage { path: path.clone(), phase: Phase::Main };
        let background = Background {
            path,
            id: if step.has_id { step.id.to_string() } else { String::new() },
            name: raw_name(&stage, step),
            ended: None,
            waited: false,
            cancelled: false,
        };
        self.strands.push(Strand { background: Some(background), pending: Some(stage), ..Strand::default() });
    }

    fn background(&self, path: &StepPath) -> Option<&Background> {
        self.strands.iter().filter_map(|it| it.background.as_ref()).find(|it| it.path == *path)
    }

    /// The stage that a strand is about to begin.
    pub(crate) fn stage_of(&self, number: usize) -> Option<Stage> {
        let strand = self.strands.get(number)?;
        if let Some(current) = strand.stack.last() {
            let composite = self.composites.get(&current.stage.path)?;
            return composite.next_stage(&current.stage);
        }
        if strand.background.is_some() { strand.pending.clone() } else { self.next_stage() }
    }
}

impl Strand {
    /// A background step that is ended before it could begin.
    pub(crate) fn never_begins(&mut self) {
        self.pending = None;
        self.waits = None;
        if let Some(background) = &mut self.background {
            let result = Some(Outcome::Cancelled);
            background.ended = Some(StepResult { outputs: IndexMap::new(), outcome: result, conclusion: result });
        }
    }
}

impl Background {
    /// How it counts: not at all when a `cancel` step ended it.
    fn counted(&self) -> Option<Outcome> {
        let conclusion = self.ended.as_ref()?.conclusion?;
        (!(self.cancelled && conclusion == Outcome::Cancelled)).then_some(conclusion)
    }
}
