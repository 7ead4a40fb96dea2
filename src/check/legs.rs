//! `matrix/too-many-legs`: a matrix that is known to make more legs than GitHub takes.
use wfrun_expr::{Called, Object, Scope, Value};
use wfrun_plan::{ExpandError, MAX_LEGS, expand};
use wfrun_syntax::Diagnostic;
use wfrun_workflow::WorkflowSet;

/// Knows nothing: a matrix with expressions is left to the run.
struct Nothing;

impl Scope for Nothing {
    fn context(&self, _: &str) -> Value {
        Value::Object(Object::default())
    }

    fn call(&self, _: &str, _: &[Value]) -> Called {
        Called::NotYet
    }

    fn knows(&self, _: &[&str]) -> bool {
        false
    }
}

/// Looks at each matrix of a workflow and of what it calls.
///
/// Source: GitHub: planning rules 4.5; the job fails, as quoted in <https://github.com/NVIDIA/aicr/issues/1171>.
pub(super) fn check(set: &WorkflowSet) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for workflow in std::iter::once(&set.root).chain(set.called.values()) {
        for job in workflow.jobs.values() {
            let Err(ExpandError::TooManyLegs { span, legs, at_least }) = expand(job.strategy.as_ref(), &Nothing) else {
                continue;
            };
            let about = if at_least { "at least " } else { "" };
            let message =
                format!("the matrix makes {about}{legs} legs, and GitHub fails a job of more than {MAX_LEGS}");
            let finding = Diagnostic::warning("matrix/too-many-legs", message).at(&workflow.source, span);
            found.push(finding.help("split the job, or leave combinations out with `exclude`"));
        }
    }
    found
}
