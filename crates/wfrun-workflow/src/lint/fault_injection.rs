//! `uses/mismatch`: a task definition as AWS describes it today, given to a version that does not know all of it.
use std::ops::Range;

use wfrun_syntax::Diagnostic;

use super::Linting;
use super::uses::{Version, is_of};
use crate::{Field, Job, StepKind, UsesStep};

const DEPLOY: &str = "aws-actions/amazon-ecs-deploy-task-definition";
const DESCRIBES: &str = "describe-task-definition";

/// A version of the deploy action and the task definition that it refuses.
#[derive(Debug, Clone)]
pub struct RefusedDefinition<'a> {
    /// What is wrong, without a full stop.
    pub message: String,
    /// The way out.
    pub help: &'static str,
    /// The script that fetches the task definition, and where in it.
    described: (&'a Field, Range<u32>),
}

/// Looks at the steps that deploy a task definition.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for job in linting.workflow.jobs.values() {
        for step in job.all_steps() {
            let StepKind::Uses(uses) = &step.kind else { continue };
            let Some(RefusedDefinition { message, help, described }) = refused_definition(job, uses) else { continue };
            let (script, range) = described;
            let warning = linting.warning("uses/mismatch", message, uses.target.span);
            let labelled = warning.label(&linting.workflow.source, script.span_of(&range), "described here");
            found.push(labelled.help(help));
        }
    }
    found
}

/// What a step of the job refuses of what the job fetches, on github.com.
///
/// Source: AWS: rules A0.3; <https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/701>
pub fn refused_definition<'a>(job: &'a Job, uses: &UsesStep) -> Option<RefusedDefinition<'a>> {
    let action = uses.action().filter(|it| is_of(it, DEPLOY))?;
    let version = Version::parse(action.release())?;
    if version.major != 1 || version.minor.is_some_and(|it| it > 5) {
        return None;
    }
    let scripts = job.all_steps().filter_map(|it| match &it.kind {
        StepKind::Run(run) => Some(&run.script),
        StepKind::Uses(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => None,
    });
    let scripts: Vec<&Field> = scripts.collect();
    let described = scripts.iter().copied().find(|it| it.raw().contains(DESCRIBES))?;
    if scripts.iter().any(|it| it.raw().contains("enableFaultInjection")) {
        return None;
    }
    let message = format!(
        "`{action}` refuses a task definition with `enableFaultInjection`, which AWS puts into each that it describes"
    );
    let help = "take v2, or leave it out of the file: `jq 'del(.enableFaultInjection)'`";
    let at = described.raw().find(DESCRIBES).and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
    Some(RefusedDefinition { message, help, described: (described, at..at + 24) })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, steps};

    #[test]
    fn task_definitions_with_more_than_is_known() {
        let deploy = "{uses: aws-actions/amazon-ecs-deploy-task-definition@v1}";
        let told = "uses/mismatch `aws-actions/amazon-ecs-deploy-task-definition@v1`: take v2, or leave it out of the file: `jq 'del(.enableFaultInjection)'`";
        check(&steps(&format!("{{run: aws ecs describe-task-definition > t}}, {deploy}")), &[told]);
        check(
            &steps(&format!("{{run: aws ecs describe-task-definition | jq 'del(.enableFaultInjection)'}}, {deploy}")),
            &[],
        );
        check(&steps(deploy), &[]);
        check(&steps(&format!("{{run: aws ecs describe-task-definition > t}}, {}", deploy.replace("v1", "v2"))), &[]);
    }
}
