//! What came of the jobs and steps of a case, in words.
use wfrun_journal::{Annotation, AnnotationLevel, JobRun, Outcome, Phase, StepKey, StepRun};
use wfrun_plan::{JobKey, JobOutlook, Outlook, Prospect, StepPath};
use wfrun_report::{foreseen_sentence, sentence};

use super::model::{Case, JobPlace, StepPlace, TestFile};
use super::play::Played;
use super::undecided::{Open, Undecided, steps_of};

/// A fate in words, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) actual: String,
    pub(super) reason: Option<String>,
}

/// A case that was played.
pub(super) struct Judged<'a> {
    pub(super) file: &'a TestFile,
    pub(super) case: &'a Case,
    pub(super) played: Played,
    pub(super) outlook: Outlook,
    pub(super) undecided: Undecided,
}

impl Judged<'_> {
    pub(super) fn job(&self, place: &JobPlace) -> Found {
        let declared = match self.declared(place) {
            Ok(declared) => declared,
            Err(found) => return found,
        };
        let of_one = |job: &&JobOutlook| (job.key.to_string(), self.declared_job(job, place));
        together(&declared.iter().map(of_one).collect::<Vec<_>>())
    }

    /// The jobs that a place means, as they are declared; several, where callers have a matrix. Or why there is none.
    fn declared(&self, place: &JobPlace) -> Result<Vec<&JobOutlook>, Found> {
        let record = &self.played.record;
        let is_path = |it: &&JobOutlook| {
            let mut legs = record.legs_of(&it.key).iter();
            legs.any(|leg| self.played.paths.get(leg).is_some_and(|it| it.eq_ignore_ascii_case(&place.path)))
        };
        let named: Vec<&JobOutlook> = self.outlook.jobs.iter().chain(&self.outlook.uncalled).filter(is_path).collect();
        if named.is_empty() {
            return Err(self.not_called(place));
        }
        let is_meant = |it: &&JobOutlook| self.played.is_of(place, &it.key);
        let meant: Vec<&JobOutlook> = named.iter().copied().filter(is_meant).collect();
        if !meant.is_empty() {
            return Ok(meant);
        }
        // Which legs there are may be open, too.
        if let Some(on) = named.iter().find_map(|it| self.undecided.jobs.get(&it.key)) {
            return Err(depends(on));
        }
        if named.iter().all(|it| it.verdict == Prospect::Skipped) {
            return Ok(named);
        }
        let legs = named.iter().flat_map(|it| record.legs_of(&it.key));
        let legs: Vec<String> = legs.map(|it| format!("`{it}`")).collect();
        let reason = Some(format!("its jobs are: {}", legs.join(", ")));
        Err(Found { actual: "not there".to_owned(), reason })
    }

    /// A job of a workflow that was not called: its caller is skipped, forced, or calls what is not here.
    fn not_called(&self, place: &JobPlace) -> Found {
        let Some((caller, _)) = place.path.rsplit_once(" / ") else { return depends("a workflow that is not here") };
        let caller = JobPlace { path: caller.to_owned(), leg: None };
        let found = self.job(&caller);
        let verb = match found.actual.as_str() {
            "skipped" => "is skipped",
            "depends" => return found,
            _ if self.is_forced(&caller) => "is forced as a whole",
            "cancelled" if !self.has_called(&caller) => "is cancelled",
            "failure" if !self.has_called(&caller) => "fails before it begins",
            _ => return depends("a workflow that is not here"),
        };
        Found { actual: "skipped".to_owned(), reason: Some(format!("`{caller}`, which calls its workflow, {verb}")) }
    }

    fn has_called(&self, caller: &JobPlace) -> bool {
        self.played.record.jobs.iter().any(|(key, run)| run.calls.is_some() && self.played.is(caller, key))
    }

    /// The legs of a declared job that a place means, counted as one.
    fn declared_job(&self, job: &JobOutlook, place: &JobPlace) -> Found {
        if let Some(on) = self.undecided.jobs.get(&job.key) {
            return depends(on);
        }
        let runs: Vec<(&JobKey, &JobRun)> = self.runs(job, place).collect();
        let results = runs.iter().map(|(_, run)| run.result.unwrap_or(Outcome::Skipped));
        let result = Outcome::together(results);
        let decisive = runs.iter().find(|(_, run)| run.result == Some(result)).or(runs.first());
        let reason = decisive.and_then(|(key, run)| self.job_reason(job, key, run));
        Found { actual: result.as_str().to_owned(), reason }
    }

    fn runs<'s>(&'s self, job: &'s JobOutlook, place: &'s JobPlace) -> impl Iterator<Item = (&'s JobKey, &'s JobRun)> {
        let record = &self.played.record;
        let meant = move |it: &&JobKey| self.played.is(place, it) || place.leg.is_none();
        record.legs_of(&job.key).iter().filter(meant).filter_map(|it| Some((it, record.jobs.get(it)?)))
    }

    fn job_reason(&self, job: &JobOutlook, key: &JobKey, run: &JobRun) -> Option<String> {
        match (&run.skipped, run.first_failure()) {
            (Some(wfrun_journal::SkipReason::Forced), _) => Some(FORCED.to_owned()),
            (Some(wfrun_journal::SkipReason::Cancelled), _) if self.played.fault.is_some() => self.played.fault.clone(),
            (Some(reason), _) => Some(sentence(reason)),
            (None, Some(step)) => Some(
                self.said(key, true)
                    .map_or_else(|| format!("step `{step}` fails"), |why| format!("step `{step}` fails: {why}")),
            ),
            (None, None) if self.case.job_ends.iter().any(|(it, _)| self.played.is(it, key)) => Some(FORCED.to_owned()),
            (None, None) if run.result == Some(Outcome::Failure) => self.said(key, false),
            (None, None) => Some(foreseen_sentence(Prospect::Runs, job.reason.as_ref()?)),
        }
    }

    /// The last error about a job or, if `of_step`, about one of its steps.
    fn said(&self, key: &JobKey, of_step: bool) -> Option<String> {
        let is_it =
            |it: &&Annotation| it.job == *key && it.level == AnnotationLevel::Error && it.step.is_some() == of_step;
        self.played.record.annotations.iter().rfind(is_it).map(|it| it.message.to_string())
    }

    fn is_forced(&self, place: &JobPlace) -> bool {
        self.case.job_ends.iter().any(|(it, _)| it.path.eq_ignore_ascii_case(&place.path))
    }

    pub(super) fn step(&self, place: &StepPlace) -> Found {
        let job = self.job(&place.job);
        if matches!(job.actual.as_str(), "skipped" | "depends" | "not there") {
            let why = job.reason.map(|it| format!(": {it}")).unwrap_or_default();
            let verb = match job.actual.as_str() {
                "skipped" => "is skipped",
                "depends" => "is open",
                _ => "is not there",
            };
            return Found { actual: job.actual, reason: Some(format!("its job `{}` {verb}{why}", place.job)) };
        }
        let declared = self.declared(&place.job).unwrap_or_default();
        let legs = declared.iter().flat_map(|job| self.runs(job, &place.job).map(move |(key, run)| (*job, key, run)));
        let mut legs: Vec<_> = legs.collect();
        // How far a leg comes that another cancels by failing is a matter of time, and in a test none passes.
        let is_cut_off = |run: &JobRun| run.result == Some(Outcome::Cancelled);
        if place.job.leg.is_none() && legs.iter().any(|(_, _, run)| run.result == Some(Outcome::Failure)) {
            legs.retain(|(_, _, run)| !is_cut_off(run));
        }
        let of_leg = |(job, key, run): (&JobOutlook, &JobKey, &JobRun)| {
            (key.to_string(), self.step_of_leg(job, key, run, place.index))
        };
        together(&legs.into_iter().map(of_leg).collect::<Vec<_>>())
    }

    fn step_of_leg(&self, job: &JobOutlook, key: &JobKey, run: &JobRun, index: usize) -> Found {
        if let Some(on) = self.undecided.steps.get(&(key.clone(), index)) {
            return depends(on);
        }
        let step = run.steps.get(&StepKey { phase: Phase::Main, step: StepPath::at(index) });
        match step {
            Some(step) => self.step_run(job, key, step, index),
            None if run.skipped.is_some() => {
                Found { actual: "skipped".to_owned(), reason: run.skipped.as_ref().map(sentence) }
            }
            None => depends(&format!("the steps of `{key}`, which is forced as a whole: force a step of it")),
        }
    }

    fn step_run(&self, job: &JobOutlook, key: &JobKey, step: &StepRun, index: usize) -> Found {
        let is_forced = self.case.step_ends.iter().any(|(it, _)| it.index == index && self.played.is(&it.job, key));
        let foreseen = || {
            let outlook = steps_of(job, key).iter().find(|it| it.index == index)?;
            let reason = outlook.reason.as_ref().filter(|_| outlook.verdict == Prospect::Runs)?;
            Some(foreseen_sentence(Prospect::Runs, reason))
        };
        let reason = match &step.skipped {
            Some(wfrun_journal::SkipReason::Forced) => Some(FORCED.to_owned()),
            Some(reason) => Some(sentence(reason)),
            None if is_forced => Some(FORCED.to_owned()),
            None => foreseen(),
        };
        Found { actual: step.outcome.unwrap_or(Outcome::Skipped).as_str().to_owned(), reason }
    }

    pub(super) fn job_output(&self, place: &JobPlace, name: &str) -> Found {
        let found = self.job(place);
        if matches!(found.actual.as_str(), "depends" | "not there") {
            return depends(found.reason.as_deref().unwrap_or("the job"));
        }
        let open = Open { file: self.file, case: self.case, played: &self.played, outlook: &self.outlook };
        let declared = self.declared(place).unwrap_or_default();
        if let Some(leaf) = declared.iter().find_map(|job| open.open_output(job, name)) {
            return depends(&format!("{leaf}, which the case does not say"));
        }
        let runs = declared.iter().flat_map(|job| self.runs(job, place));
        // The last leg that puts something out wins.
        let value = runs.filter_map(|(_, run)| member(run.outputs.iter(), name)).last();
        Found { actual: value.map(ToString::to_string).unwrap_or_default(), reason: None }
    }

    pub(super) fn step_output(&self, place: &StepPlace, name: &str) -> Found {
        let found = self.step(place);
        if matches!(found.actual.as_str(), "depends" | "not there" | "differs") {
            return found;
        }
        let declared = self.declared(&place.job).unwrap_or_default();
        let legs: Vec<&JobKey> =
            declared.iter().flat_map(|job| self.runs(job, &place.job)).map(|(key, _)| key).collect();
        let is_here = |it: &StepPlace| it.index == place.index && legs.iter().any(|leg| self.played.is(&it.job, leg));
        if found.actual != "skipped" && !self.case.step_outputs.iter().any(|(it, _)| is_here(it)) {
            return depends("what the step does, which the case does not say: give it under `outputs`");
        }
        let of_leg = |leg: &&JobKey| {
            let outputs = self.played.outputs.get(&((*leg).clone(), place.index));
            let value = outputs.and_then(|it| member(it.iter(), name)).cloned().unwrap_or_default();
            (leg.to_string(), Found { actual: value, reason: None })
        };
        together(&legs.iter().map(of_leg).collect::<Vec<_>>())
    }
}

const FORCED: &str = "the case forces it";

fn member<'m, T>(mut all: impl Iterator<Item = (&'m String, &'m T)>, name: &str) -> Option<&'m T> {
    all.find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// What is found of several that an expectation means: that of all, or how they differ.
fn together(found: &[(String, Found)]) -> Found {
    let first = found.first().map_or_else(|| depends("a job that is not there"), |(_, it)| it.clone());
    if found.iter().all(|(_, it)| it.actual == first.actual) {
        return first;
    }
    if let Some((_, open)) = found.iter().find(|(_, it)| it.actual == "depends") {
        return open.clone();
    }
    let each = found.iter().map(|(key, it)| {
        let why = it.reason.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
        format!("`{key}`: {}{why}", it.actual)
    });
    Found { actual: "differs".to_owned(), reason: Some(each.collect::<Vec<_>>().join("; ")) }
}

pub(super) fn depends(on: &str) -> Found {
    let reason = if on.starts_with("depends ") { on.to_owned() } else { format!("depends on {on}") };
    Found { actual: "depends".to_owned(), reason: Some(reason) }
}
