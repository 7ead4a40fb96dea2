//! `GITHUB_TOKEN`, and what jobs ask GitHub's API with it.
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use wfrun_expr::{Object, Value};
use wfrun_journal::{Declared, How, RunEventKind, Secret, ServiceCalled};
use wfrun_plan::JobKey;
use wfrun_workflow::{Level, Permissions};

use super::Engine;
use super::id_token::is_from_fork;
use crate::frame::Place;
use crate::state::JobState;
use crate::{ApiCall, ApiNote, JobToken};

/// What declarations of calls are about.
const SUBJECT: &str = "GitHub's API";

impl Engine {
    /// The text of a job's token: each has its own, unless all have the caller's.
    ///
    /// Source: GitHub: "`GITHUB_TOKEN`": made for each job, `ghs_` and 36 letters and digits.
    pub(super) fn token_of(&self, key: &JobKey) -> String {
        const LENGTH: usize = 36;
        let Some(seed) = &self.settings.token_seed else { return self.settings.identity.token.clone() };
        let mut digest = Sha256::new();
        digest.update(seed.expose());
        digest.update([0]);
        digest.update(key.as_str());
        let mut text = "ghs_".to_owned();
        for byte in digest.finalize().iter().take(LENGTH / 2) {
            // Writing to a text does not fail.
            write!(text, "{byte:02x}").ok();
        }
        text
    }

    /// `github` with the job's own token.
    pub(super) fn github_of(&self, state: &JobState) -> Object {
        self.github.with("token", Value::string(self.token_of(&state.key)))
    }

    /// A secret as a job has it: `GITHUB_TOKEN` that a caller hands over is the called job's own.
    pub(super) fn secret_of(&self, value: &str, key: &JobKey) -> String {
        let run = &self.settings.identity.token;
        if run.is_empty() { value.to_owned() } else { value.replace(run.as_str(), &self.token_of(key)) }
    }

    /// What is to be given to a job as its token, and hides it; none where it has the caller's.
    pub(super) fn job_token(&mut self, key: &JobKey) -> Option<Box<JobToken>> {
        self.settings.token_seed.as_ref()?;
        let text = Secret::new(self.token_of(key));
        self.masker.learn_token(&text);
        let permissions = self.token_permissions(&self.jobs.get(key)?.place);
        Some(Box::new(JobToken { text, permissions }))
    }

    /// What a job's token may do.
    ///
    /// Source: GitHub: planning rules 4.9; "Workflow syntax", "How permissions are calculated for a workflow job".
    /// Differs: where no workflow writes `permissions`, the token reads contents and packages, as in a new repository; GitHub goes by
    /// the repository's settings, which may allow all.
    fn token_permissions(&self, place: &Place) -> Permissions {
        let granted = self.permissions(place).unwrap_or_else(Permissions::restricted);
        if is_from_fork(&self.plan.event) { granted.within(&Permissions::All(Level::Read)) } else { granted }
    }

    /// Every call is recorded; what it would have done on GitHub, or was not done here, is declared.
    pub(super) fn api_called(&mut self, call: ApiCall) {
        let ApiCall { job, operation, status, note } = call;
        // A call that has no name is told by its path, in which anything may stand.
        let operation = self.masker.mask(&operation).to_string();
        let would = match &note {
            Some(ApiNote::Would(what)) => Some(self.masker.mask(what)),
            Some(ApiNote::Unserved(_) | ApiNote::Refused(_)) | None => None,
        };
        self.emit(RunEventKind::ServiceCalled(ServiceCalled {
            service: "github".to_owned(),
            operation,
            status,
            job: job.clone(),
            would,
            ..ServiceCalled::default()
        }));
        if !std::mem::replace(&mut self.api_declared, true) {
            let detail =
                "asked on this machine: git, the event's payload and what this run wrote are all that it knows";
            self.declare_call(None, How::StandIn, detail);
        }
        let job = job.as_ref();
        match note {
            Some(ApiNote::Would(what)) => self.declare_call(job, How::Simulated, &format!("would {what}")),
            Some(ApiNote::Unserved(what)) => self.declare_call(job, How::NotRun, &what),
            Some(ApiNote::Refused(why)) => {
                let reason = job.and_then(|it| self.why_refused(it)).unwrap_or_default();
                let whose = job.map(|it| format!("job `{it}`: ")).unwrap_or_default();
                self.notice(&format!("{whose}{why}{reason}"));
            }
            None => {}
        }
    }

    /// Why a job's token may do less than its author may think.
    fn why_refused(&self, key: &JobKey) -> Option<&'static str> {
        let place = &self.jobs.get(key)?.place;
        if is_from_fork(&self.plan.event) {
            return Some("; a pull request from a fork reads at most");
        }
        self.permissions(place).is_none().then_some(
            "; the workflow writes no `permissions`, and then it reads contents and packages, as in a new repository",
        )
    }

    /// Declares a call at the step that runs, if it is the only one of its job.
    fn declare_call(&mut self, job: Option<&JobKey>, how: How, detail: &str) {
        let Some((job, state)) = job.and_then(|it| Some((it, self.jobs.get_mut(it)?))) else {
            let (subject, detail) = (self.masker.mask(SUBJECT), self.masker.mask(detail));
            let declared = Declared { job: None, step: None, how, subject, detail };
            return self.emit(RunEventKind::Declared(declared));
        };
        let running: Vec<usize> = (0..state.strands.len()).filter(|at| !state.strands[*at].stack.is_empty()).collect();
        let step = match running.as_slice() {
            [one] => state.strands[*one].stack.last_mut(),
            _ => None,
        };
        let path = step.map(|it| {
            // The step itself ran, whatever it was not given an answer to.
            if how != How::NotRun {
                it.how = it.how.max(how);
            }
            it.stage.path.clone()
        });
        let (subject, detail) = (self.masker.mask(SUBJECT), self.masker.mask(detail));
        let declared = Declared { job: Some(job.clone()), step: path, how, subject, detail };
        self.emit(RunEventKind::Declared(declared));
    }
}
