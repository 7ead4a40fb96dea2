//! What would happen, as far as it can be known before a run: which jobs run, which are skipped and why, which
//! depend on what only the run can tell.
//!
//! What is assumed and not known is said in one place: [`World`].
mod build;
mod calls;
mod details;
mod ends;
mod judge;
mod legs;
mod planning;
mod reason;
mod scope;
mod steps;
mod world;

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;
use wfrun_expr::Value;
use wfrun_workflow::{Job, JobId, Permissions, StepId, Workflow};

pub use build::outlook;
pub use calls::{Call, CallInput, HandedSecrets};
pub(crate) use calls::{inputs as call_values, open_parts, value as field_if_known};
pub use details::{Group, RunDefaults};
pub use reason::Reason;
pub use world::{StepEnd, World};

use crate::selection::has_values;
use crate::{JobKey, PlanError};

/// The jobs of a workflow and of all that it calls.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// The jobs: callers before the jobs they call, otherwise in file order.
    pub jobs: Vec<JobOutlook>,
    /// What callers that are skipped would call: GitHub has no such jobs then.
    pub uncalled: Vec<JobOutlook>,
    /// The concurrency group of the workflow.
    pub concurrency: Option<Group>,
}

/// One job, as declared: its legs share a condition.
#[derive(Debug, Clone)]
pub struct JobOutlook {
    /// What the run calls it without a matrix: `test`, `caller / callee`.
    pub key: JobKey,
    /// Its key below `jobs:`.
    pub id: JobId,
    /// The file it is in.
    pub workflow: Arc<Workflow>,
    /// The job that calls its workflow.
    pub caller: Option<JobKey>,
    /// The jobs it waits for.
    pub needs: Vec<JobKey>,
    /// The length of the longest chain of needs before it, calls counted; 0 starts at once.
    pub stage: usize,
    /// What its token may do, narrowed by its callers; the repository's setting where nobody says it.
    pub permissions: Option<Permissions>,
    /// The workflow that it calls.
    pub call: Option<Call>,
    /// Whether it runs.
    pub verdict: Prospect,
    /// Why it is skipped, or on what it depends; for one that runs, what let it.
    pub reason: Option<Reason>,
    /// The jobs that a matrix makes of it; one without a matrix, none if it is skipped.
    pub legs: Vec<Leg>,
    /// What only the run can tell about its matrix, as written.
    pub deferred: Vec<String>,
}

/// One job of a matrix. A text that only the run can tell is as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// What the run calls it: `test (ubuntu-latest, 20)`.
    pub key: JobKey,
    /// Why it never begins: it fails before, or is cancelled. If all legs do, it is the job's reason, too.
    pub hindrance: Option<Reason>,
    /// What github.com shows.
    pub name: String,
    /// The `matrix` context.
    pub matrix: Value,
    /// The labels it asks for.
    pub runs_on: Vec<String>,
    /// The environment it deploys to.
    pub environment: Option<String>,
    /// Its concurrency group, and that of the workflow it calls.
    pub concurrency: Vec<Group>,
    /// Whether `continue-on-error` forgives its failure; none where only the run can tell.
    pub forgives: Option<bool>,
    /// `timeout-minutes`
    pub timeout_minutes: Option<String>,
    /// `defaults.run` of its steps.
    pub defaults: RunDefaults,
    /// The inputs of the workflow it calls.
    pub inputs: Vec<CallInput>,
    /// Its steps; the same list as another leg's, where the matrix has no part in them.
    pub steps: Arc<[StepOutlook]>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutlook {
    /// Its position in the job, from 0.
    pub index: usize,
    /// Its id, written or made up.
    pub id: StepId,
    /// What the log calls it.
    pub name: String,
    /// Whether it runs, if its job does.
    pub verdict: Prospect,
    /// Why it is skipped, or on what it depends.
    pub reason: Option<Reason>,
    /// How it is stated to end; what is skipped does not.
    pub stated: Option<String>,
}

/// Whether something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prospect {
    /// It does, if all before it goes well.
    Runs,
    /// It does not.
    Skipped,
    /// Only the run can tell.
    Depends,
    /// It fails before it begins: something that is evaluated first has no value.
    Fails,
}

impl Outlook {
    /// Finds a job by its key without a matrix, ignoring case; an uncalled one, too.
    pub fn job(&self, key: &str) -> Option<&JobOutlook> {
        self.jobs.iter().chain(&self.uncalled).find(|it| it.key.as_str().eq_ignore_ascii_case(key))
    }

    /// Lets all that would run, or fail, depend on whether the event triggers the workflow, which is not known.
    pub fn depend_on_trigger(&mut self, message: &str) {
        let decided = |it: &&mut JobOutlook| matches!(it.verdict, Prospect::Runs | Prospect::Fails);
        for job in self.jobs.iter_mut().filter(decided) {
            job.verdict = Prospect::Depends;
            job.reason = Some(Reason::Trigger { message: message.to_owned() });
        }
    }

    /// Finds the jobs that a person asks for: those of these ids or keys, what they call and, unless `without_needs`,
    /// what they need. No ids stand for all.
    pub fn chosen(&self, ids: &[String], without_needs: bool) -> Result<HashSet<JobKey>, PlanError> {
        if ids.is_empty() {
            return Ok(self.jobs.iter().map(|it| it.key.clone()).collect());
        }
        let mut chosen = HashSet::new();
        let mut open: Vec<&JobOutlook> = Vec::new();
        for id in ids {
            let Some(job) = self.job(id) else {
                let jobs = self.jobs.iter().map(|it| it.key.to_string()).collect();
                return Err(PlanError::UnknownJob { id: id.clone(), jobs });
            };
            open.push(job);
        }
        while let Some(job) = open.pop() {
            if !chosen.insert(job.key.clone()) {
                continue;
            }
            let needs = job.needs.iter().filter(|_| !without_needs);
            open.extend(needs.filter_map(|it| self.job(it.as_str())));
            let is_leg = |key: &JobKey| job.legs.iter().any(|it| it.key == *key);
            open.extend(self.jobs.iter().filter(|it| it.caller.as_ref().is_some_and(is_leg)));
        }
        Ok(chosen)
    }

    /// Leaves of each matrix the legs that have these values, and what they call. A job whose matrix has none of the
    /// names keeps all; names and values are compared ignoring case.
    pub fn keep_legs(&mut self, wanted: &[(String, String)]) {
        let mut gone: HashSet<JobKey> = HashSet::new();
        // Callers stand before what they call.
        self.jobs.retain_mut(|job| {
            if job.caller.as_ref().is_some_and(|it| gone.contains(it)) {
                gone.insert(job.key.clone());
                gone.extend(job.legs.iter().map(|it| it.key.clone()));
                return false;
            }
            let left_out = |leg: &Leg| !has_values(&leg.matrix, wanted);
            gone.extend(job.legs.iter().filter(|it| left_out(it)).map(|it| it.key.clone()));
            let had_legs = !job.legs.is_empty();
            job.legs.retain(|it| !left_out(it));
            !had_legs || !job.legs.is_empty()
        });
    }
}

impl Leg {
    /// One of which nothing but key and name is known.
    pub fn new(key: JobKey, name: String) -> Self {
        Self {
            key,
            hindrance: None,
            name,
            matrix: Value::Null,
            runs_on: Vec::new(),
            environment: None,
            concurrency: Vec::new(),
            forgives: Some(false),
            timeout_minutes: None,
            defaults: RunDefaults::default(),
            inputs: Vec::new(),
            steps: Arc::default(),
        }
    }
}

impl Leg {
    /// Whether it runs, if its job does as that is foreseen.
    pub fn verdict(&self, of_job: Prospect) -> Prospect {
        match &self.hindrance {
            None => of_job,
            Some(Reason::Planning { .. }) if of_job != Prospect::Depends => Prospect::Fails,
            Some(_) if of_job == Prospect::Depends => Prospect::Depends,
            Some(_) => Prospect::Skipped,
        }
    }
}

impl JobOutlook {
    fn is_uncalled(&self) -> bool {
        self.verdict == Prospect::Skipped && matches!(self.reason, Some(Reason::Caller { .. }))
    }

    /// The steps of its first leg; none of a job that is skipped.
    pub fn steps(&self) -> &[StepOutlook] {
        self.legs.first().map(|it| &*it.steps).unwrap_or_default()
    }

    /// Finds a leg by its key, ignoring case.
    pub fn leg(&self, key: &str) -> Option<&Leg> {
        self.legs.iter().find(|it| it.key.as_str().eq_ignore_ascii_case(key))
    }

    /// What the file says about it.
    pub fn model(&self) -> Option<&Job> {
        self.workflow.jobs.get(&self.id)
    }
}
