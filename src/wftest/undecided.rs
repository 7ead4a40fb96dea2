//! What a case leaves open: an expectation about it fails, whatever the engine made of it.
use std::collections::HashMap;

use wfrun_expr::Op;
use wfrun_journal::{Phase, RunRecord, SkipReason, StepKey};
use wfrun_plan::{JobKey, JobOutlook, Outlook, Prospect, Reason, StepPath};
use wfrun_workflow::{EnvMap, Job, Workflow};

use super::leaves::{Leaf, leaves};
use super::model::{Case, StepPlace};

/// Jobs and steps whose fate depends on what the case does not say, and on what.
#[derive(Debug, Default)]
pub(super) struct Undecided {
    pub(super) jobs: HashMap<String, String>,
    pub(super) steps: HashMap<StepPlace, String>,
}

/// What can be asked about a case.
pub(super) struct Open<'a> {
    pub(super) case: &'a Case,
    pub(super) record: &'a RunRecord,
}

impl Open<'_> {
    /// Looks for what is open, given what is known before the run.
    pub(super) fn undecided(&self, outlook: &Outlook) -> Undecided {
        let mut all = Undecided::default();
        for job in &outlook.jobs {
            // GitHub's own engine has no part in called jobs here: the outlook is all there is.
            let is_called = job.caller.is_some();
            let key = job.key.to_string();
            if let Some(on) = self.of_job(job, is_called, &all) {
                all.jobs.insert(key, on);
                continue;
            }
            for step in job.steps() {
                let place = StepPlace { job: key.clone(), index: step.index };
                let depends = step.verdict == Prospect::Depends;
                let on = match &step.reason {
                    Some(reason) if depends || uses_matrix(job, reason) => {
                        self.step_depends(job, &place, reason, is_called)
                    }
                    Some(_) | None => None,
                };
                all.steps.extend(on.map(|on| (place, on)));
            }
        }
        all
    }

    fn of_job(&self, job: &JobOutlook, is_called: bool, all: &Undecided) -> Option<String> {
        if job.verdict != Prospect::Depends {
            return None;
        }
        let own = job.reason.as_ref().and_then(|reason| {
            let skip = self.record.jobs.get(&job.key).and_then(|it| it.skipped.as_ref());
            let mut leaves = deciding(skip, reason).iter().flat_map(|it| leaves(it)).collect::<Vec<_>>();
            leaves.retain(|leaf| is_called || self.is_open(job, leaf));
            first(&leaves)
        });
        let before = || job.needs.iter().find(|it| all.jobs.contains_key(it.as_str())).map(|it| format!("job `{it}`"));
        let caller =
            || job.caller.as_ref().filter(|it| all.jobs.contains_key(it.as_str())).map(|it| format!("job `{it}`"));
        let any = || is_called.then(|| job.reason.as_ref().map(joined)).flatten();
        own.or_else(before).or_else(caller).or_else(any)
    }

    fn step_depends(&self, job: &JobOutlook, place: &StepPlace, reason: &Reason, is_called: bool) -> Option<String> {
        // What the implicit `success()` settles does not ask for more.
        let skip = self.skip_of(place);
        if !is_called && skip.is_some_and(|it| !matches!(it, SkipReason::Condition { .. })) {
            return None;
        }
        let mut found: Vec<Leaf> = deciding(skip, reason).iter().flat_map(|it| leaves(it)).collect();
        found.retain(|leaf| is_called || self.is_open(job, leaf));
        first(&found).or_else(|| is_called.then(|| joined(reason)))
    }

    fn skip_of(&self, place: &StepPlace) -> Option<&SkipReason> {
        let job = self.record.jobs.get(&JobKey::new(place.job.as_str()));
        let key = StepKey { phase: Phase::Main, step: StepPath::at(place.index) };
        job.and_then(|it| it.steps.get(&key))?.skipped.as_ref()
    }

    /// Whether the case says nothing about a leaf.
    fn is_open(&self, job: &JobOutlook, leaf: &Leaf) -> bool {
        let Some(model) = job.model() else { return true };
        match leaf {
            Leaf::Need(id, name) => self.is_need_open(&job.workflow, id, name.as_deref()),
            Leaf::Step(id, _) => self.is_step_open(job.id.as_str(), model, id),
            Leaf::Env(name) => !self.has_env(&job.workflow, model, name),
            Leaf::Matrix => model.strategy.is_some(),
            Leaf::Hash | Leaf::Run(_) => true,
        }
    }

    fn is_need_open(&self, workflow: &Workflow, id: &str, name: Option<&str>) -> bool {
        if self.case.outputs_of_job(id).is_some() || self.is_job_skipped(id) {
            return false;
        }
        let Some(model) = workflow.job(id) else { return false };
        if model.call.is_some() {
            return true;
        }
        let wanted = |it: &str| name.is_none_or(|name| name.eq_ignore_ascii_case(it));
        let mut outputs = model.outputs.iter().filter(|(it, _)| wanted(it));
        outputs.any(|(_, field)| self.is_text_open(workflow, model, &field.raw()))
    }

    /// Whether an output of a job reads what is open; only what stands in `${{ }}` counts.
    pub(super) fn is_text_open(&self, workflow: &Workflow, model: &Job, text: &str) -> bool {
        self.open_leaf(workflow, model, text).is_some()
    }

    /// The first thing in a text with expressions that is open.
    pub(super) fn open_leaf(&self, workflow: &Workflow, model: &Job, text: &str) -> Option<Leaf> {
        let inside = text.split("${{").skip(1).map(|it| it.split("}}").next().unwrap_or_default());
        inside.flat_map(leaves).find(|leaf| match leaf {
            Leaf::Need(id, name) => self.is_need_open(workflow, id, name.as_deref()),
            Leaf::Step(id, _) => self.is_step_open(model.id.value.as_str(), model, id),
            Leaf::Env(name) => !self.has_env(workflow, model, name),
            Leaf::Matrix => model.strategy.is_some(),
            Leaf::Hash | Leaf::Run(_) => true,
        })
    }

    fn is_step_open(&self, job: &str, model: &Job, id: &str) -> bool {
        let Some(index) = model.steps.iter().position(|it| it.has_id && it.id.is(id)) else {
            return id.is_empty();
        };
        let is_said = self.case.outputs_of_step(job, index).is_some() || self.case.end_of_step(job, index).is_some();
        !is_said && self.has_run(job, index)
    }

    fn has_run(&self, job: &str, index: usize) -> bool {
        let key = StepKey { phase: Phase::Main, step: StepPath::at(index) };
        let job = self.record.jobs.iter().find(|(it, _)| it.as_str().eq_ignore_ascii_case(job));
        job.and_then(|(_, it)| it.steps.get(&key)).is_some_and(|it| it.skipped.is_none())
    }

    fn is_job_skipped(&self, id: &str) -> bool {
        let job = self.record.jobs.iter().find(|(it, _)| it.as_str().eq_ignore_ascii_case(id));
        job.is_some_and(|(_, it)| it.skipped.is_some())
    }

    /// A variable that stands in the file or in the case; any other may be set by a step.
    fn has_env(&self, workflow: &Workflow, model: &Job, name: &str) -> bool {
        let has = |map: &EnvMap| map.get(name).is_some();
        self.case.given.env.contains_key(name)
            || has(&workflow.env)
            || has(&model.env)
            || model.steps.iter().any(|it| has(&it.env))
    }
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

fn uses_matrix(job: &JobOutlook, reason: &Reason) -> bool {
    let has_matrix = job.model().is_some_and(|it| it.strategy.is_some());
    has_matrix && whole(reason).iter().any(|it| leaves(it).contains(&Leaf::Matrix))
}

fn whole(reason: &Reason) -> Vec<String> {
    match reason {
        Reason::Condition { expression, .. } | Reason::ConditionError { expression, .. } => vec![expression.clone()],
        Reason::Needs { .. } | Reason::Caller { .. } | Reason::Strategy { .. } => Vec::new(),
    }
}

/// The texts of what a condition depends on; of one with a matrix all of it.
fn texts(reason: &Reason) -> Vec<String> {
    match reason {
        Reason::Condition { trace, because, expression, .. } => {
            let mut texts: Vec<String> = because.iter().map(|it| it.expression.clone()).collect();
            if trace.op == Op::Literal || texts.is_empty() || leaves(expression).contains(&Leaf::Matrix) {
                texts.push(expression.clone());
            }
            texts
        }
        Reason::ConditionError { expression, .. } => vec![expression.clone()],
        Reason::Needs { .. } | Reason::Caller { .. } | Reason::Strategy { .. } => Vec::new(),
    }
}

/// What a condition depends on, where no more is known of it.
fn joined(reason: &Reason) -> String {
    match reason {
        Reason::Needs { job, .. } | Reason::Caller { job } => format!("job `{job}`"),
        Reason::Strategy { message, .. } => message.clone(),
        Reason::Condition { .. } | Reason::ConditionError { .. } => texts(reason).join(", "),
    }
}

fn first(leaves: &[Leaf]) -> Option<String> {
    leaves.first().map(|leaf| {
        let way_out = match leaf {
            Leaf::Need(id, _) => format!("give outputs of `{id}` under `outputs`"),
            Leaf::Step(id, _) => format!("give outputs of step `{id}` under `outputs`"),
            Leaf::Env(name) => format!("give `{name}` under `env`"),
            Leaf::Matrix => "jobs of a matrix are not told apart yet".to_owned(),
            Leaf::Run(_) => "there is no run in a test".to_owned(),
            Leaf::Hash => "files are not hashed in a test".to_owned(),
        };
        format!("{leaf}, which the case does not say: {way_out}")
    })
}
