//! What jobs ask of the AWS account on this machine.
use wfrun_journal::{AnnotationLevel, Declared, How, RunEventKind, ServiceCalled};

use super::Engine;
use crate::{AwsCall, AwsDenial};

impl Engine {
    /// Every call is recorded; the first says that no real AWS was called, each kind of denial is pointed out once, and what was not
    /// done is declared.
    pub(super) fn aws_called(&mut self, call: AwsCall) {
        let remark = call.remark();
        let AwsCall { service, operation, status, iam_action, resource, allowed, denial, not_done } = call;
        let (job, step) = self.only_step().map(|(job, _, step)| (job, step)).unzip();
        let denied = iam_action.clone().zip(Some(resource.clone()));
        self.emit(RunEventKind::ServiceCalled(ServiceCalled {
            service,
            operation,
            status,
            iam_action,
            allowed: Some(allowed),
            resource: resource.map(|it| self.masker.mask(&it)),
            denial: denial.map(|it| self.masker.mask(&it.words)),
            job,
            step,
            ..ServiceCalled::default()
        }));
        self.declare_aws();
        if let Some(what) = not_done {
            self.declare_not_done(&what);
        }
        if let Some((level, message)) = remark
            && denied.is_some_and(|it| self.aws_denied.insert(it))
        {
            self.remark(level, &message);
        }
    }

    /// Once for a step, as clients ask again.
    fn declare_not_done(&mut self, what: &str) {
        let asked = self.only_step().map(|(job, _, step)| (job, step));
        if !self.aws_not_done.insert((asked.clone(), what.to_owned())) {
            return;
        }
        let (job, step) = asked.unzip();
        let (subject, detail) = (self.masker.mask("AWS"), self.masker.mask(what));
        self.emit(RunEventKind::Declared(Declared { job, step, how: How::NotRun, subject, detail }));
    }

    fn declare_aws(&mut self) {
        if std::mem::replace(&mut self.aws_declared, true) {
            return;
        }
        let subject = self.masker.mask("AWS");
        let tasks = if self.settings.starts_tasks {
            "its ECS tasks are containers of this machine, but for placeholders and injected faults"
        } else {
            "its ECS tasks run in appearance only"
        };
        let detail = format!("calls went to an account on this machine: its ECR and STS answer for real, {tasks}");
        let detail = self.masker.mask(&detail);
        self.emit(RunEventKind::Declared(Declared { job: None, step: None, how: How::Simulated, subject, detail }));
    }
}

impl AwsCall {
    /// For a call that the policies do not allow: how grave that is, and what to write so that they do.
    pub fn remark(&self) -> Option<(AnnotationLevel, String)> {
        let (action, denial) = (self.iam_action.as_ref()?, self.denial.as_ref()?);
        let AwsDenial { words, missing, injected } = denial;
        let because = match (missing, injected) {
            (_, true) => format!("`--inject iam:deny={action}` asks for it"),
            (Some(statement), false) => format!("the policies lack {statement}"),
            (None, false) => words.clone(),
        };
        let (level, happened) = if self.allowed {
            (AnnotationLevel::Warning, "AWS would deny")
        } else {
            (AnnotationLevel::Error, "AWS denied")
        };
        // A client that is refused by the head of an answer alone has nothing to show.
        let hidden = if self.operation == "BatchCheckLayerAvailability" && !self.allowed {
            ". The command cannot say so: this answer has no body"
        } else {
            ""
        };
        let resource = self.resource.as_deref().unwrap_or("*");
        Some((level, format!("{happened} {action} on {resource}: {because}{hidden}")))
    }
}
