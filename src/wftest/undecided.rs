//! What a case leaves open: an expectation about it fails, whatever the engine made of it.
use std::collections::HashMap;

use indexmap::IndexMap;
use wfrun_expr::{Op, expressions};
use wfrun_journal::{Outcome, Phase, SkipReason, StepKey};
use wfrun_plan::{JobKey, JobOutlook, Outlook, Prospect, Reason, StepPath};
use wfrun_workflow::{Concurrency, EnvMap, Field, Job, SiteValue, Step, WorkflowCall, sites};

use super::groups::race;
use super::leaves::{Leaf, leaves};
use super::model::{Case, StepPlace, TestFile};
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
    pub(super) file: &'a TestFile,
    pub(super) case: &'a Case,
    pub(super) played: &'a Played,
    pub(super) outlook: &'a Outlook,
}

impl Open<'_> {
    /// Looks for what is open, given what is known before the run.
    pub(super) fn undecided(&self) -> Undecided {
        let mut all = Undecided::default();
        // What waits for something open may stand before it in the file.
        loop {
            let known = all.jobs.len();
            self.look_once(&mut all);
            if all.jobs.len() == known {
                return all;
            }
        }
    }

    fn look_once(&self, all: &mut Undecided) {
        for job in &self.outlook.jobs {
            if all.jobs.contains_key(&job.key) {
                continue;
            }
            if let Some(on) = self.of_job(job, all) {
                all.jobs.insert(job.key.clone(), on);
                continue;
            }
            for leg in self.played.record.legs_of(&job.key) {
                for step in steps_of(job, leg) {
                    let Some(reason) = step.reason.as_ref().filter(|_| step.verdict == Prospect::Depends) else {
                        continue;
                    };
                    let Some(on) = self.of_step(job, leg, step.index, reason) else { continue };
                    if self.fails_if_it_runs(leg, step.index) {
                        all.jobs.entry(job.key.clone()).or_insert_with(|| on.clone());
                    }
                    all.steps.insert((leg.clone(), step.index), on);
                }
            }
        }
    }

    fn of_job(&self, job: &JobOutlook, all: &Undecided) -> Option<String> {
        // Which legs there are is as open as what the matrix is made of.
        if job.verdict == Prospect::Runs && self.is_matrix_open(job) {
            return Some(format!("`{}`: give it under `outputs`", job.deferred.join("`, `")));
        }
        if let Some(on) = self.of_planning(job).or_else(|| self.of_group(job)).or_else(|| self.of_results(job, all)) {
            return Some(on);
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

    /// What a leg that failed before it began, or gave way to another, may owe to what the case does not say.
    fn of_planning(&self, job: &JobOutlook) -> Option<String> {
        let model = job.model()?;
        let legs = self.played.record.legs_of(&job.key).iter().filter_map(|it| self.played.record.jobs.get(it));
        let key = legs.filter_map(|it| it.skipped.as_ref()).find_map(|it| {
            if let SkipReason::Planning { key, .. } = it {
                return Some(key.as_str());
            }
            matches!(it, SkipReason::Concurrency { .. }).then_some("concurrency")
        })?;
        let own = sites(&job.workflow).into_iter().filter(|it| {
            it.step.is_none() && it.job.is_some_and(|it| it.id.value == model.id.value) && is_below(key, it.key)
        });
        let own = own.filter_map(|it| if let SiteValue::Field(field) = it.value { Some(field.raw()) } else { None });
        let called = job.call.as_ref().and_then(|it| self.file.set.called.get(&it.file)?.concurrency.as_ref());
        let called = called.filter(|_| key == "concurrency").into_iter().flat_map(fields_of);
        // The called workflow's group sees its own inputs.
        let given = called.flat_map(|it| model.call.iter().flat_map(|call| given_to(call, it)));
        let mut texts = own.chain(given);
        let leaf = texts.find_map(|it| self.open_leaf(job, &it))?;
        Some(format!("{leaf}, which the case does not say: {}", way_out(&leaf)))
    }

    /// A concurrency group in which who gives way to whom is a matter of time.
    fn of_group(&self, job: &JobOutlook) -> Option<String> {
        let entries = &self.played.entered;
        let is_ordered = |one: &JobKey, other: &JobKey| self.waits_for(one, other) || self.waits_for(other, one);
        let legs = self.played.record.legs_of(&job.key);
        let group = legs.iter().find_map(|leg| race(entries, leg, &is_ordered))?;
        Some(format!("who meets whom in the concurrency group `{group}`, which is a matter of how long jobs take"))
    }

    /// A job before this one whose end is open though it is known to begin; before the run it counts as a success.
    fn of_results(&self, job: &JobOutlook, all: &Undecided) -> Option<String> {
        let condition = &job.model()?.condition.condition;
        let text = condition.text.to_ascii_lowercase();
        let asks = condition.implicit_success || ["success", "failure", "needs"].iter().any(|it| text.contains(it));
        let ends_open = |key: &&JobKey| {
            let found = self.outlook.jobs.iter().find(|it| it.key == **key);
            all.jobs.contains_key(*key) && found.is_some_and(|it| it.verdict != Prospect::Depends)
        };
        let above = self.caller(job).map(|it| &it.key).filter(ends_open);
        let before = || self.ancestors(vec![job]).into_iter().find(ends_open).filter(|_| asks);
        above.or_else(before).map(|it| format!("job `{it}`"))
    }

    /// The keys of all that jobs need, and what these need.
    fn ancestors<'o>(&'o self, jobs: Vec<&'o JobOutlook>) -> Vec<&'o JobKey> {
        let mut open: Vec<&JobKey> = jobs.into_iter().flat_map(|it| &it.needs).collect();
        let mut seen: Vec<&JobKey> = Vec::new();
        while let Some(need) = open.pop() {
            if !seen.contains(&need) {
                seen.push(need);
                open.extend(self.outlook.jobs.iter().filter(|it| it.key == *need).flat_map(|it| &it.needs));
            }
        }
        seen
    }

    /// Whether a job begins only after another has ended: it, or one that calls it, needs that or one that calls that.
    fn waits_for(&self, later: &JobKey, earlier: &JobKey) -> bool {
        let of = |leg: &JobKey| self.outlook.jobs.iter().find(|it| self.played.record.legs_of(&it.key).contains(leg));
        let above = |leg: &JobKey| std::iter::successors(of(leg), |it| self.caller(it)).collect::<Vec<_>>();
        let earlier: Vec<&JobKey> = above(earlier).into_iter().map(|it| &it.key).collect();
        self.ancestors(above(later)).iter().any(|it| earlier.contains(it))
    }

    /// Whether a step fails its job if it runs: it did so, or the case says so.
    fn fails_if_it_runs(&self, leg: &JobKey, index: usize) -> bool {
        let key = StepKey { phase: Phase::Main, step: StepPath::at(index) };
        let run = self.played.record.jobs.get(leg).and_then(|it| it.steps.get(&key));
        let is_forced = |(place, outcome): &(StepPlace, Outcome)| {
            *outcome == Outcome::Failure && place.index == index && self.played.is(&place.job, leg)
        };
        run.is_some_and(|it| it.conclusion == Some(Outcome::Failure)) || self.case.step_ends.iter().any(is_forced)
    }

    /// What jobs put out, as far as the case says all that it is made of: by the job's key without its own matrix.
    pub(super) fn known_outputs(&self, undecided: &Undecided) -> IndexMap<String, IndexMap<String, String>> {
        // Of what a matrix calls the keys are not known before its legs are.
        let is_settled = |job: &&JobOutlook| {
            let mut above = std::iter::successors(Some(*job), |it| self.caller(it));
            above.all(|it| it.deferred.is_empty()) && !undecided.jobs.contains_key(&job.key)
        };
        let of_job = |job: &JobOutlook| {
            let names = self.output_names(job).into_iter().filter(|it| self.open_output(job, it).is_none());
            let values: IndexMap<String, String> = names.map(|it| (it.clone(), self.value(job, &it))).collect();
            (job.key.to_string(), values)
        };
        self.outlook.jobs.iter().filter(is_settled).map(of_job).filter(|(_, it)| !it.is_empty()).collect()
    }

    /// The outputs that a job has in the file, and those that the case gives it.
    fn output_names(&self, job: &JobOutlook) -> Vec<String> {
        let own = job.model().into_iter().flat_map(|it| it.outputs.iter()).map(|(name, _)| name.to_owned());
        let called = job.call.iter().flat_map(|it| it.outputs.iter().cloned());
        let said = self.case.job_outputs.iter().filter(|(it, _)| self.played.is_of(it, &job.key));
        own.chain(called).chain(said.flat_map(|(_, it)| it.keys().cloned())).collect()
    }

    /// What a job's legs put out; the last that puts something out wins.
    fn value(&self, job: &JobOutlook, name: &str) -> String {
        let legs = self.played.record.legs_of(&job.key).iter().filter_map(|it| self.played.record.jobs.get(it));
        let mut values = legs.flat_map(|it| &it.outputs).filter(|(it, _)| it.eq_ignore_ascii_case(name));
        values.next_back().map(|(_, value)| value.to_string()).unwrap_or_default()
    }

    fn is_matrix_open(&self, job: &JobOutlook) -> bool {
        let Some(model) = job.model() else { return !job.deferred.is_empty() };
        job.deferred.iter().flat_map(|it| leaves(it)).any(|it| it != Leaf::Matrix && self.is_open(job, model, &it))
    }

    /// Whether an expression reads something open.
    pub(super) fn is_text_open(&self, job: &JobOutlook, expression: &str) -> bool {
        let model = job.model();
        model.is_some_and(|model| leaves(expression).iter().any(|it| self.is_open(job, model, it)))
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
        is_said || self.never_begins(job)
    }

    /// Whether a job was skipped, or gave way before it began, with all its legs: then it puts nothing out.
    fn never_begins(&self, job: &JobOutlook) -> bool {
        let record = &self.played.record;
        let legs = record.legs_of(&job.key);
        record.result_for_dependents(&job.key) == Some(Outcome::Skipped)
            || !legs.is_empty() && legs.iter().all(|leg| record.jobs.get(leg).is_some_and(|it| it.skipped.is_some()))
    }

    /// The first thing in a text with expressions that is open; only what stands in `${{ }}` counts.
    fn open_leaf(&self, job: &JobOutlook, text: &str) -> Option<Leaf> {
        let model = job.model()?;
        expressions(text).flat_map(leaves).find(|it| self.is_open(job, model, it))
    }

    /// Whether the case says nothing about a leaf.
    fn is_open(&self, job: &JobOutlook, model: &Job, leaf: &Leaf) -> bool {
        match leaf {
            Leaf::Need(id, name) => self.is_output_open(job.caller.as_ref(), id, name.as_deref()),
            Leaf::Step(id, _) => self.is_step_open(job, model, id),
            Leaf::Input(name) => self.is_input_open(job, name),
            Leaf::Env(name) => self.is_env_open(job, model, name),
            Leaf::Matrix => self.is_matrix_open(job),
            Leaf::Secret(name) => !self.case.given.secrets.contains_key(&name.to_ascii_uppercase()),
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
            expressions(&field.raw()).flat_map(leaves).any(|leaf| match leaf {
                Leaf::Job(id, name) => self.is_output_open(Some(caller), &id, name.as_deref()),
                Leaf::Input(name) => self.is_input_open(any, &name),
                Leaf::Need(..)
                | Leaf::Step(..)
                | Leaf::Env(_)
                | Leaf::Matrix
                | Leaf::Hash
                | Leaf::Secret(_)
                | Leaf::Run(_) => true,
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
        let is_it = |it: &Step| it.has_id && it.id.is(id);
        let Some(index) = model.steps.iter().position(|it| is_it(it) || it.grouped().iter().any(is_it)) else {
            return id.is_empty();
        };
        let is_here = |it: &StepPlace| it.index == index && self.played.is_of(&it.job, &job.key);
        let is_said = self.case.step_outputs.iter().any(|(it, _)| is_here(it))
            || self.case.step_ends.iter().any(|(it, _)| is_here(it));
        // What could not even begin puts out nothing.
        let ran = |leg: &JobKey| self.played.started.contains(&(leg.clone(), index));
        !is_said && self.played.record.legs_of(&job.key).iter().any(ran)
    }

    /// A variable that stands in the file is as open as its text; any other may be set by a step, unless the case has it.
    fn is_env_open(&self, job: &JobOutlook, model: &Job, name: &str) -> bool {
        let maps = model.all_steps().map(|it| &it.env).chain([&model.env, &job.workflow.env]);
        let written: Vec<String> = maps.filter_map(|it: &EnvMap| it.get(name)).map(Field::raw).collect();
        if written.is_empty() {
            return !self.case.given.env.contains_key(name);
        }
        // Variables do not see those of their own map.
        let is_open = |leaf: &Leaf| !matches!(leaf, Leaf::Env(_)) && self.is_open(job, model, leaf);
        written.iter().flat_map(|it| expressions(it)).flat_map(leaves).any(|it| is_open(&it))
    }
}

/// The steps of a leg.
pub(super) fn steps_of<'o>(job: &'o JobOutlook, leg: &JobKey) -> &'o [wfrun_plan::StepOutlook] {
    job.leg(leg.as_str()).map_or_else(|| job.steps(), |it| &it.steps)
}

/// Whether the value of a site is part of a key that is evaluated before a job begins.
fn is_below(planned: &str, site: &str) -> bool {
    const OF_CONTAINERS: [&str; 10] =
        ["services", "image", "options", "env", "ports", "volumes", "username", "password", "entrypoint", "command"];
    match planned {
        "concurrency" => matches!(site, "group" | "cancel-in-progress"),
        "container" | "services" | "credentials" => OF_CONTAINERS.contains(&site),
        key => key == site,
    }
}

/// What a call gives to the inputs that a field of the called workflow asks for.
fn given_to(call: &WorkflowCall, field: &Field) -> Vec<String> {
    let given = |leaf| if let Leaf::Input(name) = leaf { call.with.get(&name).map(Field::raw) } else { None };
    expressions(&field.raw()).flat_map(leaves).filter_map(given).collect()
}

fn fields_of(concurrency: &Concurrency) -> impl Iterator<Item = &Field> {
    concurrency.group.iter().chain(&concurrency.cancel_in_progress)
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
        Leaf::Secret(name) => format!("give `{name}` under `secrets`"),
        Leaf::Run(_) => "there is no run in a test".to_owned(),
        Leaf::Hash => "files are not hashed in a test".to_owned(),
    }
}
