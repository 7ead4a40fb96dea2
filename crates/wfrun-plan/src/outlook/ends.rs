//! How steps, legs and jobs end, as far as that is stated or follows from what is.
use wfrun_expr::{Object, Value};
use wfrun_syntax::eq_ignoring_case;
use wfrun_workflow::{Field, Job, Step};

use super::calls::value;
use super::scope::Before;
use super::{Prospect, Reason};

/// Whether something fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Fails {
    /// It is assumed not to.
    #[default]
    No,
    /// Only the run can tell whether what is stated to fail is forgiven.
    Perhaps,
    /// It does.
    Yes,
}

/// What is known of the steps before one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Earlier {
    /// Whether the job has failed by then.
    pub(super) fails: Fails,
    /// Whether a step is before it that may fail, of which nobody says how it ends.
    pub(super) may_fail: bool,
    ended: Vec<EndedStep>,
}

#[derive(Debug, Clone, PartialEq)]
struct EndedStep {
    id: String,
    outcome: &'static str,
    /// None where only the run can tell.
    conclusion: Option<&'static str>,
}

const SUCCESS: &str = "success";
const FAILURE: &str = "failure";
const SKIPPED: &str = "skipped";

impl Earlier {
    /// Takes in how the next step fares; `stated` is how it ends, if it runs.
    ///
    /// Source: GitHub: planning rules 4.3 (`outcome` and `conclusion`).
    pub(super) fn add(
        &mut self,
        step: &Step,
        (verdict, reason): (Prospect, &Reason),
        stated: Option<&str>,
        scope: &Before<'_>,
    ) {
        let has_failed = verdict == Prospect::Fails || matches!(reason, Reason::ConditionError { .. });
        let outcome = match (verdict, stated) {
            (_, _) if has_failed => FAILURE,
            (Prospect::Skipped, _) | (_, Some(SKIPPED)) => SKIPPED,
            (_, Some(FAILURE)) => FAILURE,
            (_, Some(_)) => SUCCESS,
            (Prospect::Runs | Prospect::Depends | Prospect::Fails, None) => {
                self.may_fail |= forgives(step.continue_on_error.as_ref(), scope) != Some(true);
                return;
            }
        };
        let forgiven = forgives(step.continue_on_error.as_ref(), scope);
        let conclusion = match (outcome, forgiven) {
            (FAILURE, Some(true)) => Some(SUCCESS),
            (FAILURE, None) => None,
            (other, _) => Some(other),
        };
        if outcome == FAILURE {
            self.fails = self.fails.max(Fails::unless(forgiven));
        }
        if step.has_id {
            self.ended.push(EndedStep { id: step.id.to_string(), outcome, conclusion });
        }
    }

    /// The `steps` context, as far as it is known.
    pub(super) fn context(&self) -> Value {
        let members = self.ended.iter().map(|it| {
            let conclusion = it.conclusion.map_or(Value::Null, Value::from);
            let members = [
                ("outputs", Value::Object(Object::default())),
                ("outcome", Value::from(it.outcome)),
                ("conclusion", conclusion),
            ];
            (it.id.clone(), Value::Object(members.into_iter().collect()))
        });
        Value::Object(members.collect())
    }

    /// Whether a part of the `steps` context is known: results of steps that have a known end, outputs of those that did
    /// not run.
    pub(super) fn knows(&self, rest: &[&str]) -> bool {
        let Some(id) = rest.first() else { return false };
        let Some(step) = self.ended.iter().find(|it| eq_ignoring_case(&it.id, id)) else { return false };
        match rest.get(1) {
            Some(member) if eq_ignoring_case(member, "outcome") => true,
            Some(member) if eq_ignoring_case(member, "conclusion") => step.conclusion.is_some(),
            Some(_) | None => step.outcome == SKIPPED,
        }
    }
}

impl Fails {
    fn unless(forgiven: Option<bool>) -> Self {
        match forgiven {
            Some(true) => Self::No,
            Some(false) => Self::Yes,
            None => Self::Perhaps,
        }
    }

    /// What a leg makes of the failure of its steps.
    ///
    /// Source: GitHub: planning rules 4.6.
    pub(super) fn of_leg(job: &Job, steps: Self, scope: &Before<'_>) -> Self {
        steps.min(Self::unless(forgives(job.continue_on_error.as_ref(), scope)))
    }
}

/// What `continue-on-error` says; none where only the run can tell.
pub(super) fn forgives(field: Option<&Field>, scope: &Before<'_>) -> Option<bool> {
    let Some(field) = field else { return Some(false) };
    let value = value(field, scope)?;
    Some(matches!(value, Value::Bool(true)) || eq_ignoring_case(&value.to_text(), "true"))
}

/// How the legs of a job end together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ends {
    fails: Fails,
    is_cancelled: bool,
    /// The most that is known to begin of a leg: [`Prospect::Runs`] before [`Prospect::Depends`] before
    /// [`Prospect::Skipped`]; none without a leg.
    most: Option<Prospect>,
}

/// What becomes of a leg: whether it fails, and whether all that it calls is skipped.
#[derive(Debug, Clone, Copy)]
pub(super) struct LegEnd {
    pub(super) fails: Fails,
    /// [`Prospect::Runs`] where a job that is called runs, [`Prospect::Depends`] where one may.
    pub(super) called: Prospect,
    /// Whether a job that is called is cancelled.
    pub(super) is_cancelled: bool,
}

impl LegEnd {
    /// Of a leg with steps.
    pub(super) const fn runs(fails: Fails) -> Self {
        Self { fails, called: Prospect::Runs, is_cancelled: false }
    }
}

impl Ends {
    /// Adds a leg: how it is stated to end, else what becomes of its steps or of what it calls.
    pub(super) fn add(&mut self, stated: Option<&str>, end: LegEnd) {
        self.begins(match stated {
            Some(SKIPPED) => Prospect::Skipped,
            Some(_) => Prospect::Runs,
            None => end.called,
        });
        match stated {
            Some(FAILURE) => self.fails = Fails::Yes,
            Some(other) => self.is_cancelled |= other == "cancelled",
            None => {
                self.fails = self.fails.max(end.fails);
                self.is_cancelled |= end.is_cancelled;
            }
        }
    }

    fn begins(&mut self, prospect: Prospect) {
        self.most = Some(match (self.most, prospect) {
            (Some(Prospect::Runs), _) | (_, Prospect::Runs | Prospect::Fails) => Prospect::Runs,
            (Some(Prospect::Depends), _) | (_, Prospect::Depends) => Prospect::Depends,
            (_, Prospect::Skipped) => Prospect::Skipped,
        });
    }

    /// Adds a leg that is cancelled before it begins.
    pub(super) fn cancel(&mut self) {
        self.begins(Prospect::Runs);
        self.is_cancelled = true;
    }

    /// Whether all legs are skipped, by what they call or because it is stated.
    pub(super) fn are_skipped(self) -> bool {
        self.most == Some(Prospect::Skipped)
    }

    /// Whether a leg runs for sure.
    pub(super) fn has_run(self) -> bool {
        self.most == Some(Prospect::Runs)
    }

    /// The result for those who need the job, if it is known.
    pub(super) fn result(self) -> Option<&'static str> {
        match self.fails {
            Fails::Yes => Some(FAILURE),
            Fails::Perhaps => None,
            Fails::No if self.is_cancelled => Some("cancelled"),
            Fails::No => self.are_skipped().then_some(SKIPPED),
        }
    }

    /// Whether it may be a failure, or skipped.
    pub(super) fn is_open(self) -> bool {
        self.fails == Fails::Perhaps || self.most == Some(Prospect::Depends)
    }
}
