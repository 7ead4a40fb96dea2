//! `aws/policy-gap` and `aws/immutable-tag`: permissions that a workflow needs and that policies surely do not give, and tags that it
//! pushes and that a repository takes only once.
//!
//! The workflow is walked without being run: its actions, and the commands of its scripts. What they need is told by the rules by which
//! a run decides. What cannot be told, of the workflow or of the policies, is a note: it is never taken for fine.
mod aws_command;
mod composite;
mod definition;
mod docker_command;
mod immutable;
mod known;
mod script;
mod uses;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use wfrun_aws::{DecidingStatement, ForeseenPermission, IdentityPolicy, PolicyOutlook};
use wfrun_syntax::{Diagnostic, Source, Span};
use wfrun_workflow::{Job, Step, StepKind, Workflow, WorkflowSet};

use self::known::Known;
use super::CheckSettings;

/// Looks for gaps in a workflow, in what it calls and in the composite actions that this machine has; `root` is the folder of its
/// repository.
///
/// In a job each permission is spoken of once, at the first step that needs it: that is where a run would fail.
pub(super) fn check(set: &WorkflowSet, root: &Path, settings: &CheckSettings) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for workflow in set.workflows() {
        for job in workflow.jobs.values() {
            found.extend(job_gaps(workflow, job, root, settings));
        }
    }
    found
}

fn job_gaps(workflow: &Workflow, job: &Job, root: &Path, settings: &CheckSettings) -> Vec<Diagnostic> {
    let mut walk = Walk {
        source: Arc::clone(&workflow.source),
        workflow,
        job,
        known: Known::of(workflow, job, root),
        settings,
        policies: &settings.policies,
        depth: 0,
        is_elsewhere: false,
        told: HashSet::new(),
        found: Vec::new(),
    };
    walk.steps(&job.steps);
    walk.found
}

/// A job on the way through its steps.
struct Walk<'a> {
    /// The file whose steps are looked at.
    source: Arc<Source>,
    workflow: &'a Workflow,
    job: &'a Job,
    known: Known<'a>,
    settings: &'a CheckSettings,
    policies: &'a [IdentityPolicy],
    /// How many composite actions the steps are in.
    depth: usize,
    /// They are those of another repository's action.
    is_elsewhere: bool,
    /// What was spoken of.
    told: HashSet<(String, String)>,
    found: Vec<Diagnostic>,
}

/// What a step, or a command in its script, asks of AWS.
#[derive(Debug, Default)]
struct Asks {
    /// Who asks, as people wrote it.
    by: String,
    needs: Vec<ForeseenPermission>,
    /// What it pushes: repositories of ECR, with the tags.
    pushes: Vec<(String, String)>,
    /// What of it cannot be told: "what … asks of AWS", or the like.
    not_known: Vec<String>,
}

/// Where something stands: the scalar, and the part of it.
#[derive(Debug, Clone, Copy)]
struct At {
    place: Span,
    focus: Option<Span>,
}

impl Asks {
    fn by(who: impl Into<String>) -> Self {
        Self { by: who.into(), ..Self::default() }
    }

    /// Nothing of it can be told.
    fn not_known(who: &str) -> Self {
        Self { not_known: vec![format!("what {who} asks of AWS")], ..Self::by(who) }
    }
}

impl Walk<'_> {
    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            match &step.kind {
                StepKind::Parallel(steps) => self.steps(steps),
                StepKind::Run(run) => self.script(step, run),
                StepKind::Uses(uses) if self.composite(step, uses) => {}
                StepKind::Uses(uses) => {
                    let asks = self.known.uses(step, uses);
                    self.tell(&asks, At { place: uses.target.span, focus: None });
                }
                StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) => {}
            }
        }
    }

    /// Tells what the account refuses of it, what the policies do not give, and what is not known of that.
    fn tell(&mut self, asks: &Asks, at: At) {
        for (repository, tag) in &asks.pushes {
            let refused = immutable::refused(&self.settings.ecr, &asks.by, repository, tag);
            if let Some(refused) = refused.filter(|_| self.told.insert((repository.clone(), tag.clone()))) {
                self.found.push(self.at(refused, at));
            }
        }
        if self.policies.is_empty() {
            return;
        }
        for need in &asks.needs {
            let outlook = need.judge(self.policies);
            if outlook == PolicyOutlook::Allowed || !self.told.insert((need.action().to_owned(), need.resource())) {
                continue;
            }
            let found = match outlook {
                PolicyOutlook::Denied(by) => self.gap(&asks.by, need, by.as_ref()),
                PolicyOutlook::Open | PolicyOutlook::Allowed => self.open(&asks.by, need),
            };
            self.found.push(self.at(found, at));
        }
        for what in &asks.not_known {
            if self.told.insert((what.clone(), String::new())) {
                let message = format!("{what} cannot be told from the workflow, nor whether {} it", self.allow());
                self.found.push(self.at(not_known(message), at));
            }
        }
    }

    fn at(&self, found: Diagnostic, at: At) -> Diagnostic {
        let found = found.at(&self.source, at.place);
        match at.focus {
            Some(focus) => found.focus(focus),
            None => found,
        }
    }

    fn gap(&self, who: &str, need: &ForeseenPermission, by: Option<&DecidingStatement>) -> Diagnostic {
        let (action, resource) = (need.action(), need.resource());
        let needs = format!("{who} needs `{action}` on `{resource}`");
        let found = |message: String| Diagnostic::warning("aws/policy-gap", message);
        if let Some(DecidingStatement { policy, sid, statement }) = by {
            let sid = sid.as_ref().map_or_else(String::new, |it| format!(" (`{it}`)"));
            let message = format!("{needs}, which `{policy}` denies");
            let help = format!("leave it out of Statement[{statement}]{sid}: no other statement outweighs a `Deny`");
            return found(message).help(help);
        }
        let help = format!("add the statement {}{}", need.statement(), if need.is_narrow() { "" } else { WIDE });
        let unless = if action == "iam:PassRole" && !need.is_narrow() { ", unless no role is passed" } else { "" };
        found(format!("{needs}{unless}, which {} not allow", self.names("does", "do"))).help(help)
    }

    fn open(&self, who: &str, need: &ForeseenPermission) -> Diagnostic {
        let (action, resource) = (need.action(), need.resource());
        let what = format!("`{action}` on `{resource}`");
        not_known(format!("whether {} {what}, which {who} needs, depends on what only a run can tell", self.allow()))
    }

    /// `policy.json` allows, or: the policies allow
    fn allow(&self) -> String {
        self.names("allows", "allow")
    }

    fn names(&self, one: &str, many: &str) -> String {
        match self.policies {
            [only] => format!("`{}` {one}", only.name()),
            _ => format!("the policies {many}"),
        }
    }
}

/// Behind a statement that says more than it has to.
const WIDE: &str = ", with what you know in place of `*`: it stands for what the workflow does not say";

fn not_known(message: String) -> Diagnostic {
    let help =
        "a run tells: `wfrun run --iam-policy FILE` enforces the policy, and says what was needed and what was denied";
    Diagnostic::note("aws/policy-not-known", message).help(help)
}

#[cfg(test)]
mod tests;
