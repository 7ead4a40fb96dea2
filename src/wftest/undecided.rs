//! What a case leaves open: an expectation about it fails, whatever the engine made of it.
use std::collections::HashMap;

use wfrun_expr::Op;
use wfrun_journal::{Outcome, Phase, SkipReason, StepKey};
use wfrun_plan::{JobKey, JobOutlook, Outlook, Prospect, Reason, StepPath};
use wfrun_workflow::{EnvMap, Field, Job, Step};

use super::leaves::{Leaf, leaves};
use super::model::{Case, StepPlace};
use super::play::Played;

/// Jobs and steps whose fate depends on what the case does not say, and on what.
#[derive(Debug, Default)]
pub(super) struct Undecided {
    /// By key without the job's own matrix.
    pub(super) jobs: HashMap<JobKey, String>,
    /// By the leg's key and the step's position, from 0.
    pub(super) steps: HashMap<(JobKey, usize), String>,
}

/// What can be asked about a case.
pub(super) struct Open<'a> {
    pub(super) case: &'a Case,
    pub(super) played: &'a Played,
    pub(super) outlook: &'a Outlook,
}

impl Open<'_> {
    /// Looks for what is open, given what is known before the run.
    pub(super) fn undecided(&self) -> Undecided {
        let mut all = Undecided::default();
        for job in &self.outlook.jobs {
            if let Some(on) = self.of_job(job, &all) {
                all.jobs.insert(job.key.clone(), on);
                continue;
            }
            for leg in self.played.record.legs_of(&job.key) {
                for step in steps_of(job, leg) {
                    let Some(reason) = step.reason.as_ref().filter(|_| step.verdict == Prospect::Depends) else {
                        continue;
                    };
                    let on = self.of_step(job, leg, step.index, reason);
                    all.steps.extend(on.map(|on| ((leg.clone(), step.index), on)));
                }
            }
        }
        all
    }

    fn of_job(&self, job: &JobOutlook, all: &Undecided) -> Option<String> {
        // Which legs there are is as open as what the matrix is made of.
        if job.verdict == Prospect::Runs && !job.deferred.is_empty() {
            return Some(format!("`{}`: give it under `outputs`", job.deferred.join("`, `")));
        }
        if job.verdict != Prospect::Depends {
            return None;
        }
        let own = job.reason.as_ref().and_then(|reason| {
            let skip = self.played.record.jobs.get(&job.key).and_then(|it| it.skipped.as_ref());
            self.first_open(job, &deciding(skip, reason))
        });
        let before = || job.needs.iter().find(|it| all.jobs.contains_key(*it)).cloned();
        let caller = || self.caller(job).filter(|it| all.jobs.contains_key(&it.key)).map(|it| it.key.clone());
        own.or_else(|| before().or_else(caller).map(|it| format!("job `{it}`")))
    }

    fn of_step(&self, job: &JobOutlook, leg: &JobKey, index: usize, reason: &Reason) -> Option<String> {
        let key = StepKey { phase: Phase::Main, step: StepPath::at(index) };
        let skip = self.played.record.jobs.get(leg).and_then(|it| it.steps.get(&key)?.skipped.as_ref());
        // What the implicit `success()` settles does not ask for more.
        if skip.is_some_and(|it| !matches!(it, SkipReason::Condition { .. })) {
            return None;
        }
        self.first_open(job, &deciding(skip, reason))
    }

    /// The first of the expressions' leaves that is open, with the way out.
    fn first_open(&self, job: &JobOutlook, texts: &[String]) -> Option<String> {
        let model = job.model()?;
        let leaf = texts.iter().flat_map(|it| leaves(it)).find(|it| self.is_open(job, model, it))?;
        Some(format!("{leaf}, which the case does not say: {}", way_out(&leaf)))
    }

    /// The first open thing that an output of a job is made of.
    pub(super) fn open_output(&self, job: &JobOutlook, name: &str) -> Option<Leaf> {
        let model = job.model()?;
        if self.is_settled(job) {
            return None;
        }
        if model.call.is_some() {
            let is_open = self.is_output_open(job.caller.as_ref(), job.id.as_str(), Some(name));
            return is_open.then(|| Leaf::Need(job.id.to_string(), Some(name.to_owned())));
        }
        let (_, field) = model.outputs.iter().find(|(it, _)| it.eq_ignore_ascii_case(name))?;
        self.open_leaf(job, &field.raw())
    }

    /// Whether the case says what a job puts out, or it puts out nothing.
    fn is_settled(&self, job: &JobOutlook) -> bool {
        let is_said = self.case.job_outputs.iter().any(|(it, _)| self.played.is_of(it, &job.key));
        is_said || self.played.record.result_for_dependents(&job.key) == Some(Outcome::Skipped)
    }

    /// The first thing in a text with expressions that is open; only what stands in `${{ }}` counts.
    fn open_leaf(&self, job: &JobOutlook, text: &str) -> Option<Leaf> {
        let model = job.model()?;
        inside(text).flat_map(leaves).find(|it| self.is_open(job, model, it))
    }

    /// Whether the case says nothing about a leaf.
    fn is_open(&self, job: &JobOutlook, model: &Job, leaf: &Leaf) -> bool {
        match leaf {
            Leaf::Need(id, name) => self.is_output_open(job.caller.as_ref(), id, name.as_deref()),
            Leaf::Step(id, _) => self.is_step_open(job, model, id),
            Leaf::Input(name) => self.is_input_open(job, name),
            Leaf::Env(name) => self.is_env_open(job, model, name),
            Leaf::Matrix => !job.deferred.is_empty(),
            // Only outputs of called workflows have `jobs`, and these are looked at with their own jobs.
            Leaf::Job(..) | Leaf::Hash | Leaf::Run(_) => true,
        }
    }

    /// The job whose workflow this one is of.
    fn caller(&self, job: &JobOutlook) -> Option<&JobOutlook> {
        let caller = job.caller.as_ref()?;
        self.outlook.jobs.iter().find(|it| it.key == *caller || it.legs.iter().any(|leg| leg.key == *caller))
    }

    /// Whether an output of a job is open, that is called by the same job, or by none.
    fn is_output_open(&self, caller: Option<&JobKey>, id: &str, name: Option<&str>) -> bool {
        let found =
            self.outlook.jobs.iter().find(|it| it.caller.as_ref() == caller && it.id.as_str().eq_ignore_ascii_case(id));
        let Some(job) = found else { return false };
        let Some(model) = job.model() else { return true };
        if self.is_settled(job) {
            return false;
        }
        let wanted = |it: &str| name.is_none_or(|name| name.eq_ignore_ascii_case(it));
        if model.call.is_some() {
            return job.legs.iter().any(|leg| self.is_call_output_open(&leg.key, &wanted));
        }
        let mut outputs = model.outputs.iter().filter(|(it, _)| wanted(it));
        outputs.any(|(_, field)| self.open_leaf(job, &field.raw()).is_some())
    }

    /// Whether an output of a called workflow is open.
    fn is_call_output_open(&self, caller: &JobKey, wanted: &dyn Fn(&str) -> bool) -> bool {
        let Some(any) = self.outlook.jobs.iter().find(|it| it.caller.as_ref() == Some(caller)) else { return true };
        let outputs = any.workflow.on.event("workflow_call").map(|it| &it.outputs);
        let mut texts = outputs.into_iter().flat_map(EnvMap::iter).filter(|(it, _)| wanted(it));
        texts.any(|(_, field)| {
            inside(&field.raw()).flat_map(leaves).any(|leaf| match leaf {
                Leaf::Job(id, name) => self.is_output_open(Some(caller), &id, name.as_deref()),
                Leaf::Input(name) => self.is_input_open(any, &name),
                Leaf::Need(..) | Leaf::Step(..) | Leaf::Env(_) | Leaf::Matrix | Leaf::Hash | Leaf::Run(_) => true,
            })
        })
    }

    /// Whether what a called workflow gets is open.
    fn is_input_open(&self, job: &JobOutlook, name: &str) -> bool {
        let Some(caller) = self.caller(job) else { return false };
        let given = caller.model().and_then(|it| it.call.as_ref()?.with.get(name));
        given.is_some_and(|it| self.open_leaf(caller, &it.raw()).is_some())
    }

    fn is_step_open(&self, job: &JobOutlook, model: &Job, id: &str) -> bool {
        let Some(index) = model.steps.iter().position(|it: &Step| it.has_id && it.id.is(id)) else {
            return id.is_empty();
        };
        let is_here = |it: &StepPlace| it.index == index && self.played.is_of(&it.job, &job.key);
        let is_said = self.case.step_outputs.iter().any(|(it, _)| is_here(it))
            || self.case.step_ends.iter().any(|(it, _)| is_here(it));
        let key = StepKey { phase: Phase::Main, step: StepPath::at(index) };
        let ran = |leg: &JobKey| {
            let step = self.played.record.jobs.get(leg).and_then(|it| it.steps.get(&key));
            step.is_some_and(|it| it.skipped.is_none())
        };
        !is_said && self.played.record.legs_of(&job.key).iter().any(ran)
    }

    /// A variable that stands in the file is as open as its text; any other may be set by a step, unless the case has it.
    fn is_env_open(&self, job: &JobOutlook, model: &Job, name: &str) -> bool {
        let maps = model.steps.iter().map(|it| &it.env).chain([&model.env, &job.workflow.env]);
        let written: Vec<String> = maps.filter_map(|it: &EnvMap| it.get(name)).map(Field::raw).collect();
        if written.is_empty() {
            return !self.case.given.env.contains_key(name);
        }
        // Variables do not see those of their own map.
        let is_open = |leaf: &Leaf| !matches!(leaf, Leaf::Env(_)) && self.is_open(job, model, leaf);
        written.iter().flat_map(|it| inside(it)).flat_map(leaves).any(|it| is_open(&it))
    }
}

/// The steps of a leg.
pub(super) fn steps_of<'o>(job: &'o JobOutlook, leg: &JobKey) -> &'o [wfrun_plan::StepOutlook] {
    job.leg(leg.as_str()).map_or_else(|| job.steps(), |it| &it.steps)
}

/// The expressions in a text.
fn inside(text: &str) -> impl Iterator<Item = &str> {
    text.split("${{").skip(1).map(|it| it.split("}}").next().unwrap_or_default())
}

/// What decided: of what the engine skipped the parts that did, for no other can change that; else all that is open.
fn deciding(skip: Option<&SkipReason>, reason: &Reason) -> Vec<String> {
    match skip {
        Some(SkipReason::Condition { because, .. }) if !because.is_empty() => {
            because.iter().map(|it| it.expression.clone()).collect()
        }
        Some(_) | None => texts(reason),
    }
}

/// The texts of what a condition depends on.
fn texts(reason: &Reason) -> Vec<String> {
    match reason {
        Reason::Condition { trace, because, expression, .. } => {
            let mut texts: Vec<String> = because.iter().map(|it| it.expression.clone()).collect();
            if trace.op == Op::Literal || texts.is_empty() {
                texts.push(expression.clone());
            }
            texts
        }
        Reason::ConditionError { expression, .. } | Reason::Planning { expression, .. } => vec![expression.clone()],
        Reason::Needs { .. }
        | Reason::Caller { .. }
        | Reason::Called { .. }
        | Reason::Stated { .. }
        | Reason::Deadlock { .. }
        | Reason::Trigger { .. }
        | Reason::Strategy { .. } => Vec::new(),
    }
}

fn way_out(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Need(id, _) | Leaf::Job(id, _) => format!("give outputs of `{id}` under `outputs`"),
        Leaf::Step(id, _) => format!("give outputs of step `{id}` under `outputs`"),
        Leaf::Input(_) => "give outputs that it is made of under `outputs`".to_owned(),
        Leaf::Env(name) => format!("give `{name}` under `env`"),
        Leaf::Matrix => "give the outputs that it is made of under `outputs`".to_owned(),
        Leaf::Run(_) => "there is no run in a test".to_owned(),
        Leaf::Hash => "files are not hashed in a test".to_owned(),
    }
}
